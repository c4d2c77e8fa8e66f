//! What a layer applies to its inputs: one activation, or a mixture of several.

use crate::activation::{Activation, Constants, Curve, CurveVisitor, Parts, Point, Slopes};
use crate::random::Stream;
use crate::real::Real;
use crate::simd::Lanes;

/// Where RReLU's slopes come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// The mean slope: evaluation.
    Mean,
    /// A slope for each element, a pure function of the stream and the element's index: training.
    Random(Stream),
}

/// One activation or a mixture, with its parameters.
#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    /// The candidates of the mixture, or the one activation.
    pub candidates: &'a [Activation],
    /// The share of each candidate in a mixture; `None` for one activation alone.
    pub shares: Option<&'a [f64]>,
    /// PReLU's slope.
    pub slope: f32,
    /// ELU's alpha, LeakyReLU's slope, RReLU's bounds.
    pub constants: Constants,
    /// RReLU's randomness.
    pub noise: Noise,
}

/// Gradients of a function's own parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FunctionGrads {
    /// Of the shares; empty for one activation alone.
    pub shares: Vec<f64>,
    /// Of PReLU's slope; 0 where no candidate has it.
    pub slope: f32,
}

impl<'a> Function<'a> {
    /// One activation with its default parameters, in evaluation.
    pub fn single(activation: &'a Activation) -> Self {
        Self {
            candidates: std::slice::from_ref(activation),
            shares: None,
            slope: 0.25,
            constants: Constants::default(),
            noise: Noise::Mean,
        }
    }

    /// The mixture `sum_i shares_i candidates_i`, in evaluation. With the [`softmax`](crate::softmax) of raw weights as shares it
    /// is the paper's equation 1.
    pub fn mixture(candidates: &'a [Activation], shares: &'a [f64]) -> Self {
        Self {
            candidates,
            shares: Some(shares),
            slope: 0.25,
            constants: Constants::default(),
            noise: Noise::Mean,
        }
    }

    /// With the randomness of a training step.
    pub fn with_noise(mut self, noise: Noise) -> Self {
        self.noise = noise;
        self
    }

    pub(crate) fn is_paper_mixture(&self) -> bool {
        self.shares.is_some() && self.candidates == Activation::PAPER
    }

    fn check(&self) {
        assert!(!self.candidates.is_empty(), "a function needs at least one activation");
        match self.shares {
            Some(shares) => assert_eq!(shares.len(), self.candidates.len(), "one share a candidate"),
            None => assert_eq!(self.candidates.len(), 1, "several candidates need the shares of a mixture"),
        }
    }

    /// The parameters' gradients from `sums`, the sums over all elements in the order of the function's [`Pointwise::SUMS`].
    pub(crate) fn gradients(&self, sums: &[f64]) -> FunctionGrads {
        let Some(shares) = self.shares else {
            let slope = if self.candidates[0].learns_slope() { sums[0] as f32 } else { 0.0 };
            return FunctionGrads { shares: Vec::new(), slope };
        };
        // the gradient of share i is the sum of dy * candidate i; `negative` = sum of dy * min(x, 0)
        let (dshares, negative) = if self.is_paper_mixture() {
            let c = &self.constants;
            let [above, below, drawn, elu, silu, mish] = std::array::from_fn(|i| sums[i]);
            let leaky = above + c.negative_slope * below;
            let prelu = above + f64::from(self.slope) * below;
            let elu = above + c.alpha * elu;
            // a NaN is not above 0, but ReLU of it is NaN too
            let above = if below.is_nan() { f64::NAN } else { above };
            (vec![above, elu, leaky, prelu, above + drawn, silu, mish], below)
        } else {
            (sums[..shares.len()].to_vec(), sums[shares.len()])
        };
        let learned: f64 =
            self.candidates.iter().zip(shares).filter(|(a, _)| a.learns_slope()).map(|(_, p)| p).sum();
        FunctionGrads { shares: dshares, slope: (learned * negative) as f32 }
    }

    /// Calls a visitor with the type that computes this function.
    pub(crate) fn visit<T: FunctionVisitor>(&self, visitor: T) -> T::Output {
        self.check();
        struct Single<'f, 'a, T>(&'f Function<'a>, T);
        impl<T: FunctionVisitor> CurveVisitor for Single<'_, '_, T> {
            type Output = T::Output;
            fn visit<C: Curve>(self) -> T::Output {
                let Self(f, visitor) = self;
                let parameters = Parameters::new(f);
                visitor.visit(One::<C> { parameters, curve: std::marker::PhantomData })
            }
        }
        if self.shares.is_none() {
            self.candidates[0].visit(Single(self, visitor))
        } else if self.is_paper_mixture() {
            visitor.visit(PaperMixture::new(self))
        } else {
            visitor.visit(AnyMixture::new(self))
        }
    }
}

/// What kernels can do with a function whose type is only known at run time.
pub(crate) trait FunctionVisitor {
    type Output;
    fn visit<F: Pointwise>(self, f: F) -> Self::Output;
}

/// A function of one element as the kernels run it. `noise` is RReLU's slope, used where `NEEDS_NOISE`.
pub(crate) trait Pointwise: Copy + Send + Sync + 'static {
    /// How many sums over elements the parameters' gradients need.
    const SUMS: usize;
    /// The accumulators of those sums.
    type Sums<V: Lanes>: Copy + AsRef<[V]>;
    /// All sums 0.
    fn zeros<V: Lanes>() -> Self::Sums<V>;
    /// How many of them are of use, the first ones.
    #[inline(always)]
    fn sums(&self) -> usize {
        Self::SUMS
    }
    /// RReLU's bounds and stream.
    fn parameters(&self) -> &Parameters;
    /// Whether [`Pointwise::value`] looks at its noise.
    const NEEDS_NOISE: bool;
    /// The value at `x`.
    fn value<V: Lanes>(&self, x: V, noise: V) -> V;
    /// The gradient of `x` for the gradient `dy` of the value; adds to the sums.
    fn gradient<V: Lanes>(&self, x: V, noise: V, dy: V, sums: &mut Self::Sums<V>) -> V;
}

/// The scalars that every function carries.
#[derive(Clone, Copy)]
pub(crate) struct Parameters {
    alpha: f32,
    leaky: f32,
    slope: f32,
    mean: f32,
    lower: f32,
    range: f32,
    key: Option<(u32, u32)>,
}

impl Parameters {
    fn new(f: &Function<'_>) -> Self {
        let c = &f.constants;
        Self {
            alpha: c.alpha as f32,
            leaky: c.negative_slope as f32,
            slope: f.slope,
            mean: c.rrelu_mean() as f32,
            lower: c.rrelu_lower as f32,
            range: (c.rrelu_upper - c.rrelu_lower) as f32,
            key: match f.noise {
                Noise::Mean => None,
                Noise::Random(stream) => Some((stream.key() as u32, (stream.key() >> 32) as u32)),
            },
        }
    }

    #[inline(always)]
    fn point<V: Lanes>(&self, x: V, noise: V, parts: Parts) -> Point<V> {
        let slopes = Slopes {
            alpha: V::splat(self.alpha),
            leaky: V::splat(self.leaky),
            prelu: V::splat(self.slope),
            rrelu: noise,
        };
        Point::new(x, slopes, parts)
    }

    /// RReLU's slopes of the elements `index`: `high` are the upper 32 bits of their counters.
    ///
    /// The hash is two rounds of xorshift and multiplication, one half of the key added before each; of the last product
    /// only the upper bits are used, which need no further mixing.
    #[inline(always)]
    pub(crate) fn noise<V: Lanes>(&self, index: V::Bits, high: u32) -> V {
        let Some((k0, k1)) = self.key else { return V::splat(self.mean) };
        let mut h = V::bits_add(index, V::bits_splat(k0 ^ high.wrapping_mul(0x9e37_79b9)));
        h = V::bits_mul(V::bits_xor(h, V::bits_shr::<16>(h)), V::bits_splat(0x7feb_352d));
        h = V::bits_add(V::bits_xor(h, V::bits_shr::<15>(h)), V::bits_splat(k1));
        h = V::bits_mul(h, V::bits_splat(0x846c_a68b));
        V::bits_to_24(h).mul_add(V::splat(self.range * (1.0 / (1u32 << 24) as f32)), V::splat(self.lower))
    }
}

/// One activation.
#[derive(Clone, Copy)]
struct One<C> {
    parameters: Parameters,
    curve: std::marker::PhantomData<C>,
}

impl<C: Curve> Pointwise for One<C> {
    const SUMS: usize = 1;
    const NEEDS_NOISE: bool = C::IS_RANDOM;
    type Sums<V: Lanes> = [V; 1];

    #[inline(always)]
    fn zeros<V: Lanes>() -> [V; 1] {
        [V::splat(0.0)]
    }
    #[inline(always)]
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }
    #[inline(always)]
    fn value<V: Lanes>(&self, x: V, noise: V) -> V {
        C::at(&self.parameters.point(x, noise, C::PARTS)).0
    }
    #[inline(always)]
    fn gradient<V: Lanes>(&self, x: V, noise: V, dy: V, sums: &mut [V; 1]) -> V {
        if C::LEARNS_SLOPE {
            let below = x.if_positive(V::splat(0.0), x);
            sums[0] = dy.mul_add(below, sums[0]);
        }
        C::at(&self.parameters.point(x, noise, C::PARTS)).1.mul(dy)
    }
}

/// The paper's seven candidates. The five that are lines for x > 0 fold into one slope there, the four that are lines
/// below fold into another, one exponential serves ELU, SiLU and Mish, and one division both of the latter.
#[derive(Clone, Copy)]
struct PaperMixture {
    parameters: Parameters,
    /// Slope for x > 0 and, without RReLU's part, for x <= 0.
    above: f32,
    below: f32,
    rrelu: f32,
    /// ELU's weight times its alpha.
    elu: f32,
    silu: f32,
    mish: f32,
}

impl PaperMixture {
    fn new(f: &Function<'_>) -> Self {
        let p = f.shares.unwrap_or(&[0.0; 7]);
        let c = &f.constants;
        Self {
            parameters: Parameters::new(f),
            above: (p[0] + p[1] + p[2] + p[3] + p[4]) as f32,
            below: (p[2] * c.negative_slope + p[3] * f64::from(f.slope)) as f32,
            rrelu: p[4] as f32,
            elu: (p[1] * c.alpha) as f32,
            silu: p[5] as f32,
            mish: p[6] as f32,
        }
    }

    /// exp(x), expm1(x), n = e (e + 2), 1 + e, n + 2, and 1 / ((1 + e) (n + 2)): sigmoid(x) is e / (1 + e), and
    /// tanh(ln(1 + e)) is n / (n + 2).
    #[inline(always)]
    fn parts<V: Lanes>(x: V) -> (V, V, V, V, V, V) {
        let (e, em1) = x.exp_expm1();
        let n = e.mul_add(e, e.add(e));
        let (d1, d2) = (e.add(V::splat(1.0)), n.add(V::splat(2.0)));
        (e, em1, n, d1, d2, V::splat(1.0).div(d1.mul(d2)))
    }
}

impl Pointwise for PaperMixture {
    const SUMS: usize = 6;
    const NEEDS_NOISE: bool = true;
    type Sums<V: Lanes> = [V; 6];

    #[inline(always)]
    fn zeros<V: Lanes>() -> [V; 6] {
        [V::splat(0.0); 6]
    }
    #[inline(always)]
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }
    #[inline(always)]
    fn value<V: Lanes>(&self, x: V, noise: V) -> V {
        let (e, em1, n, d1, d2, r) = Self::parts(x);
        let slope = V::splat(self.rrelu).mul_add(noise, V::splat(self.below));
        let below = slope.mul_add(x, V::splat(self.elu).mul(em1));
        let line = x.if_positive(V::splat(self.above).mul(x), below);
        let gates = V::splat(self.silu).mul(e).mul_add(d2, V::splat(self.mish).mul(n).mul(d1));
        gates.mul(r).mul_add(x, line)
    }
    #[inline(always)]
    fn gradient<V: Lanes>(&self, x: V, noise: V, dy: V, sums: &mut [V; 6]) -> V {
        let zero = V::splat(0.0);
        let (e, em1, n, d1, d2, r) = Self::parts(x);
        let (r1, r2) = (r.mul(d2), r.mul(d1));
        let (s, t) = (e.mul(r1), n.mul(r2));
        let slope = V::splat(self.rrelu).mul_add(noise, V::splat(self.below));
        let line = x.if_positive(V::splat(self.above), V::splat(self.elu).mul_add(e, slope));
        // the derivatives of x s and x t: s + x s (1 - s) and t + x 4 e (e + 1) / (n + 2)^2
        let silu = V::splat(20.0).min(x).mul(r1).mul_add(s, s);
        let er2 = e.mul(r2);
        let mish = x.mul(V::splat(4.0)).mul(er2).mul_add(r2.add(er2), t);
        let slope = V::splat(self.silu).mul_add(silu, V::splat(self.mish).mul_add(mish, line));

        let dyx = dy.mul(x);
        let below = x.if_positive(zero, dyx);
        sums[0] = sums[0].add(x.if_positive(dyx, zero));
        sums[1] = sums[1].add(below);
        sums[2] = below.mul_add(noise, sums[2]);
        sums[3] = x.if_positive(zero, dy).mul_add(em1, sums[3]);
        sums[4] = dyx.mul_add(s, sums[4]);
        sums[5] = dyx.mul_add(t, sums[5]);
        slope.mul(dy)
    }
}

/// The most candidates of a mixture: every activation once.
const MAX_CANDIDATES: usize = 32;
const _: () = assert!(Activation::ALL.len() <= MAX_CANDIDATES);

/// Any other set of candidates, one after the other for each vector of elements, from parts that they share.
#[derive(Clone, Copy)]
struct AnyMixture {
    parameters: Parameters,
    candidates: [(Activation, f32); MAX_CANDIDATES],
    len: usize,
    /// What any of them needs.
    parts: Parts,
}

impl AnyMixture {
    fn new(f: &Function<'_>) -> Self {
        assert!(f.candidates.len() <= MAX_CANDIDATES, "a mixture has at most {MAX_CANDIDATES} candidates");
        let mut candidates = [(Activation::Identity, 0.0); MAX_CANDIDATES];
        for (slot, (a, p)) in candidates.iter_mut().zip(f.candidates.iter().zip(f.shares.unwrap_or(&[]))) {
            *slot = (*a, *p as f32);
        }
        let parts = f.candidates.iter().fold(Parts::NONE, |parts, a| parts.and(a.parts()));
        // Without RReLU nothing needs to be drawn.
        let noise = if f.candidates.contains(&Activation::Rrelu) { f.noise } else { Noise::Mean };
        let parameters = Parameters::new(&f.with_noise(noise));
        Self { parameters, candidates, len: f.candidates.len(), parts }
    }
}

struct AtPoint<'a, V: Lanes>(&'a Point<V>);
impl<V: Lanes> CurveVisitor for AtPoint<'_, V> {
    type Output = (V, V);
    #[inline(always)]
    fn visit<C: Curve>(self) -> (V, V) {
        C::at(self.0)
    }
}

impl Pointwise for AnyMixture {
    const SUMS: usize = MAX_CANDIDATES + 1;
    const NEEDS_NOISE: bool = true;
    type Sums<V: Lanes> = [V; MAX_CANDIDATES + 1];

    #[inline(always)]
    fn zeros<V: Lanes>() -> Self::Sums<V> {
        [V::splat(0.0); MAX_CANDIDATES + 1]
    }
    #[inline(always)]
    fn sums(&self) -> usize {
        self.len + 1
    }
    #[inline(always)]
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }
    #[inline(always)]
    fn value<V: Lanes>(&self, x: V, noise: V) -> V {
        let point = self.parameters.point(x, noise, self.parts);
        // what adds nothing, to -0 either
        let mut y = V::splat(-0.0);
        for &(a, p) in &self.candidates[..self.len] {
            y = V::splat(p).mul_add(a.visit(AtPoint(&point)).0, y);
        }
        y
    }
    #[inline(always)]
    fn gradient<V: Lanes>(&self, x: V, noise: V, dy: V, sums: &mut Self::Sums<V>) -> V {
        let point = self.parameters.point(x, noise, self.parts);
        let mut slope = V::splat(0.0);
        for (i, &(a, p)) in self.candidates[..self.len].iter().enumerate() {
            let (value, derivative) = a.visit(AtPoint(&point));
            sums[i] = dy.mul_add(value, sums[i]);
            slope = V::splat(p).mul_add(derivative, slope);
        }
        let below = x.if_positive(V::splat(0.0), x);
        sums[self.len] = dy.mul_add(below, sums[self.len]);
        slope.mul(dy)
    }
}
