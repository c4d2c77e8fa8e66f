//! AdamW as Burn's optimizer: against the definition, against the trainer, saved and loaded.

mod common;

use adact::{AdActConfig, AdamW};
use burn::module::{Module, Param};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer, Optimizer};
use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{as_f64, assert_close, normal, values};

fn device() -> Device {
    Device::flex().autodiff()
}

#[derive(Module, Debug)]
struct Model {
    matrix: Param<Tensor<2>>,
    vector: Param<Tensor<1>>,
}

impl Model {
    fn new() -> Self {
        Self {
            matrix: Param::from_data(TensorData::new(normal(300, 1), [20, 15]), &device()),
            vector: Param::from_data(TensorData::new(normal(15, 2), [15]), &device()),
        }
    }

    /// Gradients that differ from step to step.
    fn gradients(&self, step: u64) -> GradientsParams {
        let x = Tensor::<2>::from_data(TensorData::new(normal(80, 100 + step), [4, 20]), &device());
        let y = x.matmul(self.matrix.val()) + self.vector.val().unsqueeze();
        GradientsParams::from_grads(y.clone().mul(y).sum().backward(), self)
    }
}

fn train(
    mut optimizer: ModuleOptimizer,
    lr: f64,
    steps: std::ops::Range<u64>,
    mut model: Model,
) -> (Model, ModuleOptimizer) {
    for step in steps {
        let gradients = model.gradients(step);
        model = optimizer.step(lr, model, gradients);
    }
    (model, optimizer)
}

#[test]
fn it_is_burns_with_the_same_constants() {
    let burns = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.01).init();
    let (theirs, _) = train(burns, 3e-3, 0..10, Model::new());
    let (ours, _) = train(AdamW::new().init(), 3e-3, 0..10, Model::new());
    assert_close("matrix", &values(ours.matrix.val()), &as_f64(&values(theirs.matrix.val())), 1e-5);
    assert_close("vector", &values(ours.vector.val()), &as_f64(&values(theirs.vector.val())), 1e-5);
}

#[test]
fn saved_and_loaded_it_goes_on_with_the_same_bits() {
    let (straight, _) = train(AdamW::new().init(), 1e-3, 0..6, Model::new());
    let (model, optimizer) = train(AdamW::new().init(), 1e-3, 0..3, Model::new());
    let loaded = AdamW::new().init().from_bytes(optimizer.into_bytes().unwrap()).unwrap();
    let (resumed, _) = train(loaded, 1e-3, 3..6, model);
    assert_eq!(values(resumed.matrix.val()), values(straight.matrix.val()));
    assert_eq!(values(resumed.vector.val()), values(straight.vector.val()));
}

#[test]
fn a_step_changes_the_values_in_place() {
    let address = |model: &Model| {
        let tensor = model.matrix.val().inner().try_into_primitive::<burn::backend::Flex>().unwrap();
        tensor.storage::<f32>().as_ptr()
    };
    let model = Model::new();
    let before = address(&model);
    let (model, optimizer) = train(AdamW::new().init(), 1e-3, 0..3, model);
    assert_eq!(address(&model), before);
    // Somebody else holds the values: they keep them.
    let held = model.clone();
    let kept = values(held.matrix.val());
    let (model, _) = train(optimizer, 1e-3, 3..4, model);
    assert_eq!(values(held.matrix.val()), kept);
    assert_ne!(values(model.matrix.val()), kept);
}

#[test]
fn other_types_are_composed() {
    let step = |dtype| {
        let tensor = |seed| {
            let data = TensorData::new(normal(50, seed), [50]);
            Tensor::<1>::from_data(data, &Device::flex()).cast(dtype)
        };
        let optimizer = AdamW::new().with_lr(0.01);
        let (mut parameter, mut state) = (tensor(1), None);
        for seed in 2..6 {
            (parameter, state) = Optimizer::step(&optimizer, 0.01, parameter, tensor(seed), state);
        }
        values(parameter)
    };
    assert_close("parameters", &step(DType::F32), &as_f64(&step(DType::F64)), 1e-6);
}

#[test]
fn it_trains_the_mixture() {
    // The values of a SiLU, to be found among the candidates.
    let x = Tensor::<1>::from_data(TensorData::new(normal(512, 3), [512]), &device()) * 3.0;
    let target = burn::tensor::activation::silu(x.clone());
    let mut model = AdActConfig::new().with_seed(0).init(&device());
    let mut optimizer = AdamW::new().init();
    for _ in 0..300 {
        let loss = (model.forward(x.clone()) - target.clone()).square().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.05, model, gradients);
    }
    assert_eq!(model.choice(), adact::Activation::Silu);
    assert!(model.mixture()[5] > 0.9, "{:?}", model.mixture());
}
