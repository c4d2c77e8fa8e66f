//! The candidates of a place, as a part of its module.

use std::fmt::Write;
use std::sync::Arc;

use adact_kernels::Activation;
use burn::module::{Content, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor};
use burn::tensor::Device;

/// The container under which visitors meet the candidates of a place.
pub(crate) const CANDIDATES: &str = "adact::Candidates";

/// The activations that a place can apply: those that a mixture mixes, or the only one.
///
/// They are a module without parameters. Whoever visits a network enters it at each place, under the candidates' names
/// (`relu,elu`, or `=relu` for a single activation): that is how [`places`](crate::places()) finds the activations of any
/// network.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    activations: Arc<[Activation]>,
    is_mixture: bool,
}

impl Candidates {
    /// The candidates of a mixture.
    pub(crate) fn mixed(activations: &[Activation]) -> Self {
        Self { activations: activations.into(), is_mixture: true }
    }

    /// A single activation.
    pub(crate) fn single(activation: Activation) -> Self {
        Self { activations: [activation].into(), is_mixture: false }
    }

    /// The activations in order.
    pub fn activations(&self) -> &[Activation] {
        &self.activations
    }

    /// Whether they are mixed.
    pub fn is_mixture(&self) -> bool {
        self.is_mixture
    }

    /// The activations, shared.
    pub(crate) fn shared(&self) -> Arc<[Activation]> {
        self.activations.clone()
    }

    /// The name under which visitors enter.
    fn name(&self) -> String {
        let mut name = String::from(if self.is_mixture { "" } else { "=" });
        for (i, activation) in self.activations.iter().enumerate() {
            let _ = write!(name, "{}{activation}", if i == 0 { "" } else { "," });
        }
        name
    }

    /// Reads the name under which visitors enter.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix('=') {
            Some(single) => single.parse().ok().map(Self::single),
            None => {
                let activations: Result<Vec<Activation>, _> = name.split(',').map(str::parse).collect();
                activations.ok().map(|all| Self::mixed(&all))
            }
        }
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
