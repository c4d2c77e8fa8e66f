//! The candidates of a place, as a part of its module.

use std::fmt::Write;
use std::sync::Arc;

use adact_kernels::Activation;
use burn::module::{Content, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor};
use burn::tensor::Device;

use super::gate::Gate;

/// The container under which visitors meet the candidates of a place.
pub(crate) const CANDIDATES: &str = "adact::Candidates";

/// The activations that a place can apply: those that a mixture mixes, or the only one.
///
/// They are a module without parameters. Whoever visits a network enters it at each place, under the candidates' names
/// (`relu,elu`, `sigmoid:relu,elu` with another [`Gate`] than the softmax, or `=relu` for a single activation): that is how [`places`](crate::places()) finds the activations of any
/// network.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    activations: Arc<[Activation]>,
    /// How the weights of a mixture are its shares; none of a single activation.
    gate: Option<Gate>,
}

impl Candidates {
    /// The candidates of a mixture.
    pub(crate) fn mixed(activations: &[Activation], gate: Gate) -> Self {
        Self { activations: activations.into(), gate: Some(gate) }
    }

    /// A single activation.
    pub(crate) fn single(activation: Activation) -> Self {
        Self { activations: [activation].into(), gate: None }
    }

    /// The activations in order.
    pub fn activations(&self) -> &[Activation] {
        &self.activations
    }

    /// Whether they are mixed.
    pub fn is_mixture(&self) -> bool {
        self.gate.is_some()
    }

    /// How the weights of a mixture are its shares; none of a single activation.
    pub fn gate(&self) -> Option<Gate> {
        self.gate
    }

    /// The activations, shared.
    pub(crate) fn shared(&self) -> Arc<[Activation]> {
        self.activations.clone()
    }

    /// The name under which visitors enter.
    fn name(&self) -> String {
        let mut name = match self.gate {
            None => String::from("="),
            Some(Gate::Softmax) => String::new(),
            Some(gate) => format!("{gate}:"),
        };
        for (i, activation) in self.activations.iter().enumerate() {
            let _ = write!(name, "{}{activation}", if i == 0 { "" } else { "," });
        }
        name
    }

    /// Reads the name under which visitors enter.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        if let Some(single) = name.strip_prefix('=') {
            return single.parse().ok().map(Self::single);
        }
        let gated = |gate: &Gate| Some((*gate, name.strip_prefix(gate.name())?.strip_prefix(':')?));
        let (gate, names) = Gate::ALL.iter().find_map(gated).unwrap_or((Gate::Softmax, name));
        let activations: Result<Vec<Activation>, _> = names.split(',').map(str::parse).collect();
        activations.ok().map(|all| Self::mixed(&all, gate))
    }
}

impl Module for Candidates {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        let name = self.name();
        visitor.enter_module(&name, CANDIDATES);
        visitor.exit_module(&name, CANDIDATES);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let name = self.name();
        mapper.enter_module(&name, CANDIDATES);
        mapper.exit_module(&name, CANDIDATES);
        self
    }

    fn to_device(self, _: &Device) -> Self {
        self
    }

    fn fork(self, _: &Device) -> Self {
        self
    }

    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        devices
    }

    fn materialize(self) -> Self {
        self
    }

    fn valid(&self) -> Self {
        self.clone()
    }

    fn train(self) -> Self {
        self
    }
}

impl ModuleDisplayDefault for Candidates {
    fn content(&self, content: Content) -> Option<Content> {
        content.add_formatted(&self.name()).optional()
    }
}

impl ModuleDisplay for Candidates {}
