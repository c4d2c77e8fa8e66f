//! The places of a network: where it has an activation or a mixture.

use adact_kernels::Activation;
use burn::module::{Flag, Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use crate::activation::{CANDIDATES, Candidates, LayerMixture};
use crate::visit::Path;

/// A place of a network: where it has an activation or a mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The path of its module, as PyTorch writes it: `act.2`, `layer1.0.act1`, `blocks.3.mlp.act`.
    pub path: String,
    /// The single activation; none where it is a mixture.
    pub activation: Option<Activation>,
    /// What the mixture has learned; none where it is a single activation.
    pub mixture: Option<LayerMixture>,
    pub(crate) id: Option<ParamId>,
}

impl Place {
    /// The activation, or the one that the mixture chose.
    pub fn choice(&self) -> Option<Activation> {
        self.activation.or(self.mixture.as_ref().map(|mixture| mixture.choice))
    }
}

/// The places of any module that contains [`AdAct`](crate::AdAct)s or single activations of this crate, in the order of
/// its fields.
///
/// ```
/// use adact::{AdAct, AdActConfig, places};
/// use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Device};
///
/// #[derive(Module, Debug)]
/// struct Mlp { layers: Vec<Linear>, acts: Vec<AdAct> }
///
/// let device = Device::flex();
/// let mlp = Mlp {
///     layers: vec![LinearConfig::new(4, 4).init(&device)],
///     acts: vec![AdActConfig::new().init(&device)],
/// };
/// let places = places(&mlp);
/// assert_eq!(places[0].path, "acts.0");
/// assert_eq!(places[0].mixture.as_ref().unwrap().w, vec![0.0; 7]);
/// ```
pub fn places<M: Module>(module: &M) -> Vec<Place> {
    let mut visitor = Visitor::default();
    module.visit(&mut visitor);
    visitor.places.into_iter().map(Found::place).collect()
}

/// A place as its parts are met.
struct Found {
    path: String,
    candidates: Candidates,
    w: Vec<f32>,
    slopes: Vec<f32>,
    id: Option<ParamId>,
}

impl Found {
    fn place(self) -> Place {
        let Self { path, candidates, w, slopes, id } = self;
        let activations = candidates.activations();
        let weighs = !activations.is_empty() && !w.is_empty() && w.len().is_multiple_of(activations.len());
        match candidates.gate().filter(|_| weighs) {
            Some(gate) => {
                let mixture = LayerMixture::gated(gate, activations, &w, &slopes);
                Place { path, activation: None, mixture: Some(mixture), id }
            }
            None => Place { path, activation: activations.first().copied(), mixture: None, id },
        }
    }
}

#[derive(Default)]
struct Visitor {
    path: Path,
    places: Vec<Found>,
}

impl Visitor {
    /// The place inside of which the visitor is, and the rest of the path.
    fn inside(&mut self) -> Option<(&mut Found, String)> {
        let path = self.path.dotted();
        let place = self.places.last_mut()?;
        let rest = path.strip_prefix(&place.path)?;
        let rest = rest.strip_prefix('.').unwrap_or(rest).to_string();
        Some((place, rest))
    }
}

impl ModuleVisitor for Visitor {
    fn enter_module(&mut self, name: &str, container: &str) {
        if container == CANDIDATES
            && let Some(candidates) = Candidates::from_name(name)
        {
            // The candidates are a field of the activation's module.
            let field = self.path.dotted();
            let path = field.strip_suffix("candidates").unwrap_or(&field).trim_end_matches('.').to_string();
            self.places.push(Found { path, candidates, w: Vec::new(), slopes: Vec::new(), id: None });
        }
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.path.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some((place, rest)) = self.inside() else { return };
        let values = || param.val().into_data().iter::<f32>().collect::<Vec<_>>();
        match rest.as_str() {
            "w" => place.w = values(),
            "prelu.weight" => place.slopes = values(),
            _ => {}
        }
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        if let Some((place, rest)) = self.inside()
            && rest == "training"
        {
            place.id = Some(flag.id);
        }
    }
}
