//! A tensor of a module that moves while the module runs forward.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use burn::module::{
    Content, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param, ParamId,
};
use burn::tensor::{Device, Tensor};

/// The container under which visitors meet the value of a statistic.
pub(crate) const STATISTIC: &str = "adact::Statistic";

/// A running statistic: a tensor (channels) that each forward pass in training moves towards the batch's.
///
/// A pass has moved it when it returns, whichever thread it ran on, and whoever reads it then has the new value. Passes
/// at the same time move it one after the other. A clone has the value of its moment and goes its own way from
/// there.
///
/// Burn's `RunningState` keeps a value for each thread that called and their mean from a call or two before, so what is
/// saved depends on the threads; and clones share it.
///
/// In visitors and mappers it is a parameter without a gradient, inside of a container of its own.
pub struct Statistic {
    id: ParamId,
    value: Mutex<Tensor<1>>,
}

impl Statistic {
    /// A statistic with its first value.
    pub fn new(value: Tensor<1>) -> Self {
        Self::with_id(ParamId::new(), value)
    }

    fn with_id(id: ParamId, value: Tensor<1>) -> Self {
        Self { id, value: Mutex::new(value) }
    }

    /// The value.
    pub fn val(&self) -> Tensor<1> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Moves the value a share of the way to that of a batch: `value (1 - share) + batch share`.
    pub(crate) fn blend(&self, batch: Tensor<1>, share: f32) {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = if value.is_autodiff() { batch.detach() } else { batch.without_autodiff() };
        *value = value.clone() * (1.0 - share) + batch * share;
    }

    fn into_value(self) -> Tensor<1> {
        self.value.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(self, change: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self {
        Self::with_id(self.id, change(self.into_value()))
    }
}

impl Clone for Statistic {
    fn clone(&self) -> Self {
        Self::with_id(self.id, self.val())
    }
}

impl fmt::Debug for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statistic").field("id", &self.id).field("value", &self.val()).finish()
    }
}

impl Module for Statistic {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        visitor.enter_module("value", STATISTIC);
        visitor.visit_float(&Param::initialized(self.id, self.val()));
        visitor.exit_module("value", STATISTIC);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let id = self.id;
        mapper.enter_module("value", STATISTIC);
        let (_, value, _) = mapper.map_float(Param::initialized(id, self.into_value())).consume();
        mapper.exit_module("value", STATISTIC);
        // What unfreezes all parameters doesn't make this one learn.
        Self::with_id(id, value.set_require_grad(false))
    }

    fn to_device(self, device: &Device) -> Self {
        self.change(|value| value.to_device(device))
    }

    fn fork(self, device: &Device) -> Self {
        // Without a gradient there is no graph to leave.
        self.to_device(device)
    }

    fn collect_devices(&self, mut devices: Vec<Device>) -> Vec<Device> {
        let device = self.val().device();
        if !devices.contains(&device) {
            devices.push(device);
        }
        devices
    }

    fn materialize(self) -> Self {
        self
    }

    fn valid(&self) -> Self {
        Self::with_id(self.id, self.val().without_autodiff())
    }

    fn train(self) -> Self {
        self.change(Tensor::from_inner)
    }
}

impl ModuleDisplayDefault for Statistic {
    fn content(&self, content: Content) -> Option<Content> {
        content.add_formatted(&format!("Statistic {{shape: {:?}}}", self.val().dims())).optional()
    }
}

impl ModuleDisplay for Statistic {}
