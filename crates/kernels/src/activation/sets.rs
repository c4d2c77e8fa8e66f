//! Sets of candidates by name.

use super::{Activation, UnknownActivation};

impl Activation {
    /// The seven candidates of the paper, in its order.
    pub const PAPER: &[Activation] = &[
        Activation::Relu,
        Activation::Elu,
        Activation::LeakyRelu,
        Activation::Prelu,
        Activation::Rrelu,
        Activation::Silu,
        Activation::Mish,
    ];

    /// Those with derivatives of every order.
    pub const SMOOTH: &[Activation] = &[
        Activation::Silu,
        Activation::Mish,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Tanh,
        Activation::Tanhshrink,
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::Logsigmoid,
        Activation::Gaussian,
        Activation::Sine,
        Activation::Snake,
    ];

    /// Those that take neither an exponential nor a division nor random numbers.
    pub const CHEAP: &[Activation] = &[
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Prelu,
        Activation::Relu6,
        Activation::SquaredRelu,
        Activation::StarRelu,
        Activation::Hardswish,
        Activation::Hardtanh,
        Activation::Hardsigmoid,
        Activation::Softshrink,
        Activation::Hardshrink,
        Activation::Identity,
    ];

    /// All but CELU, which is ELU: a mixture of both has two weights for one curve.
    pub const DISTINCT: &[Activation] = &{
        let mut all = [Activation::Relu; Activation::ALL.len() - 1];
        let (mut from, mut to) = (0, 0);
        while from < Activation::ALL.len() {
            if !matches!(Activation::ALL[from], Activation::Celu) {
                all[to] = Activation::ALL[from];
                to += 1;
            }
            from += 1;
        }
        all
    };

    /// The names of the sets, with what is in them.
    pub const SETS: &[(&str, &[Activation])] =
        &[("paper", Self::PAPER), ("all", Self::DISTINCT), ("smooth", Self::SMOOTH), ("cheap", Self::CHEAP)];

    /// The candidates that a text lists: names of activations and of sets, between commas. What a set brings is there once.
    ///
    /// # Errors
    /// If a name is neither an activation's nor a set's.
    ///
    /// ```
    /// use adact_kernels::Activation;
    /// let list = Activation::list("relu,gelu").unwrap();
    /// assert_eq!(list, [Activation::Relu, Activation::Gelu]);
    /// assert_eq!(Activation::list("paper,gelu").unwrap().len(), 8);
    /// assert!(Activation::list("smoth").unwrap_err().to_string().contains("smooth"));
    /// ```
    pub fn list(text: &str) -> Result<Vec<Activation>, UnknownActivation> {
        let mut list = Vec::new();
        for name in text.split(',').map(str::trim) {
            match Self::SETS.iter().find(|(set, _)| *set == name) {
                Some((_, set)) => {
                    let new: Vec<_> = set.iter().filter(|a| !list.contains(*a)).copied().collect();
                    list.extend(new);
                }
                None => {
                    let unknown = |error| UnknownActivation { or_set: true, ..error };
                    list.push(name.parse().map_err(unknown)?);
                }
            }
        }
        Ok(list)
    }
}
