//! The fused operations (f32) against the same mathematics composed of Burn's operations (f64).

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use adact::{
    Activation, ActivationConfig, ActivationLayer, AdActConfig, ConvBlock, ConvBlockConfig, Pass, Prelu,
    RawWeights, SingleConfig, Statistic, ops,
};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Int, Tensor, TensorData};
use common::{as_f64, assert_close, normal, values};

fn device() -> Device {
    Device::flex().autodiff()
}

fn tensor<const D: usize>(shape: [usize; D], seed: u64, dtype: DType) -> Tensor<D> {
    let data = TensorData::new(normal(shape.iter().product(), seed), shape);
    Tensor::<D>::from_data(data, &device()).cast(dtype).detach().require_grad()
}

/// Turns all of a module's tensors to another type.
struct Cast(DType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let tracked = param.is_require_grad();
        param.map(|tensor| tensor.cast(self.0).detach().set_require_grad(tracked))
    }
}

/// Collects the gradients and the statistics of a module.
struct Collect<'a>(&'a Gradients, Vec<Vec<f32>>);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.1.push(match param.is_require_grad() {
            true => param.val().grad(self.0).map(values).unwrap_or_default(),
            false => values(param.val()),
        });
    }
}

/// The output of a block, the gradient of its input, and its own gradients and statistics.
fn run(config: &ConvBlockConfig, shape: [usize; 4], dtype: DType) -> Vec<Vec<f32>> {
    let block = config.init(&device(), 1).unwrap().map(&mut Cast(dtype));
    let x = tensor(shape, 7, dtype);
    let y = block.forward_in(x.clone(), &Pass::of_means());
    assert_eq!(y.dtype(), dtype);
    let dy = tensor(y.dims(), 8, dtype).detach();
    let grads = (y.clone() * dy).sum().backward();
    let mut collect = Collect(&grads, vec![values(y), values(x.grad(&grads).unwrap())]);
    block.visit(&mut collect);
    collect.1
}

#[test]
fn a_block_is_the_composition_of_its_parts() {
    let adact = AdActConfig::new().with_initial_weights(normal(7, 3));
    let mut configs = vec![
        ConvBlockConfig::new(3, 16).with_activation(adact.clone()),
        ConvBlockConfig::new(16, 32).with_activation(adact.clone()),
        ConvBlockConfig::new(5, 7).with_activation(adact).with_pool(false),
        ConvBlockConfig::new(4, 6).with_norm(false),
        ConvBlockConfig::new(4, 6).with_bias(false).with_activation(Activation::Mish),
        ConvBlockConfig::new(6, 16).with_conv(1, 1, 0).with_pool(false),
        ConvBlockConfig::new(16, 16).with_conv(3, 2, 1).with_pool(false),
        ConvBlockConfig::new(3, 8).with_conv(5, 1, 2).with_norm(false).with_bias(false),
    ];
    let single = |a: &Activation| ConvBlockConfig::new(16, 16).with_activation(*a);
    configs.extend(Activation::ALL.iter().map(single));
    for config in configs {
        let shape = [3, config.in_channels, 9, 12];
        let (fused, composed) = (run(&config, shape, DType::F32), run(&config, shape, DType::F64));
        assert_eq!(fused.len(), composed.len());
        for (i, (fused, composed)) in fused.iter().zip(&composed).enumerate() {
            // Batch norm takes the bias away: exactly 0 here, rounding errors there.
            let is_bias = config.norm && config.bias && i == 3;
            match is_bias {
                true => assert!(fused.iter().all(|g| *g == 0.0) && composed.iter().all(|g| g.abs() < 1e-9)),
                false => assert_close(&format!("result {i} of {config:?}"), fused, &as_f64(composed), 2e-5),
            }
        }
    }
}

#[test]
fn evaluation_uses_the_running_statistics() {
    for activation in ["adact", "rrelu", "gelu"] {
        let activation: ActivationConfig = activation.parse().unwrap();
        let block = ConvBlockConfig::new(16, 32).with_activation(activation).init(&device(), 2).unwrap();
        for seed in 0..3 {
            block.forward(tensor([2, 16, 10, 10], seed, DType::F32));
        }
        let evaluate = |dtype| {
            let block = block.clone().valid().map(&mut Cast(dtype));
            values(block.forward(tensor([2, 16, 10, 10], 9, dtype).inner()))
        };
        let fused = evaluate(DType::F32);
        assert_close("evaluation", &fused, &as_f64(&evaluate(DType::F64)), 1e-5);

        // A frozen block evaluates inside a network that trains, and lets gradients through.
        let frozen = block.clone().freeze();
        let x = tensor([2, 16, 10, 10], 9, DType::F32);
        let y = frozen.forward(x.clone());
        assert_close("a frozen block", &values(y.clone()), &as_f64(&fused), 1e-5);
        assert!(x.grad(&y.sum().backward()).is_some());
        let before = values(block.norm.as_ref().unwrap().running_mean.val());
        frozen.forward(x);
        assert_eq!(values(frozen.norm.as_ref().unwrap().running_mean.val()), before);
    }
}

#[test]
fn convolution_alone_is_burns() {
    for (channels, out, kernel, stride, padding) in
        [(3, 5, 3, 1, 1), (16, 32, 3, 1, 1), (4, 16, 1, 2, 0), (16, 16, 3, 2, 1)]
    {
        let run = |dtype| {
            let x = tensor([2, channels, 11, 8], 1, dtype);
            let weight = tensor([out, channels, kernel, kernel], 2, dtype);
            let bias = tensor([out], 3, dtype);
            let y = ops::conv2d(x.clone(), weight.clone(), Some(bias.clone()), stride, padding);
            let grads = (y.clone() * y.clone()).sum().backward();
            let without = ops::conv2d(x.clone(), weight.clone(), None, stride, padding);
            [
                values(y),
                values(x.grad(&grads).unwrap()),
                values(weight.grad(&grads).unwrap()),
                values(bias.grad(&grads).unwrap()),
                values(without),
            ]
        };
        for (fused, composed) in run(DType::F32).iter().zip(run(DType::F64)) {
            assert_close("convolution", fused, &as_f64(&composed), 2e-5);
        }
    }
}

#[test]
fn the_linear_layer_reads_images_in_any_layout() {
    let run = |dtype, channels_last: bool| {
        let x = tensor([4, 6, 3, 2], 1, dtype);
        let weight = tensor([5, 36], 2, dtype);
        let bias = tensor([5], 3, dtype);
        let images = if channels_last {
            // The same values, the channels last in memory.
            let swapped = x.clone().permute([0, 2, 3, 1]).reshape([4, 36]).reshape([4, 3, 2, 6]);
            swapped.permute([0, 3, 1, 2])
        } else {
            x.clone()
        };
        let y = ops::linear_of_images(images, weight.clone(), bias.clone());
        let grads = (y.clone() * y.clone()).sum().backward();
        [
            values(y),
            values(x.grad(&grads).unwrap()),
            values(weight.grad(&grads).unwrap()),
            values(bias.grad(&grads).unwrap()),
        ]
    };
    let composed = run(DType::F64, false);
    for channels_last in [false, true] {
        for (fused, composed) in run(DType::F32, channels_last).iter().zip(&composed) {
            assert_close("linear layer", fused, &as_f64(composed), 1e-6);
        }
    }
}

#[test]
fn cross_entropy_has_its_gradient() {
    let run = |dtype, scale: f32| {
        let logits = tensor([6, 4], 1, dtype);
        let labels = Tensor::<1, Int>::from_data([0, 1, 2, 3, 0, 1], &device());
        let loss = ops::cross_entropy(logits.clone(), labels) * scale;
        let grads = loss.backward();
        [values(loss), values(logits.grad(&grads).unwrap())]
    };
    for scale in [1.0, -2.5] {
        for (fused, composed) in run(DType::F32, scale).iter().zip(run(DType::F64, scale)) {
            assert_close("cross-entropy", fused, &as_f64(&composed), 1e-6);
        }
    }
}

#[test]
#[should_panic(expected = "every label must be in 0..4")]
fn a_label_out_of_range_is_refused() {
    let labels = Tensor::<1, Int>::from_data([4], &device());
    ops::cross_entropy(tensor([1, 4], 1, DType::F32), labels);
}

#[test]
#[should_panic(expected = "the image has 4 channels, the weights are for 3")]
fn channels_must_fit() {
    let block = ConvBlockConfig::new(3, 8).init(&device(), 0).unwrap();
    block.forward(tensor([1, 4, 8, 8], 0, DType::F32));
}

/// A parameter of the wrong length.
fn vector(length: usize) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::ones([length], &device()))
}

/// Expects a panic, and gives what it says.
fn refusal(work: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("a wrong shape is refused");
    panic.downcast_ref::<String>().expect("a message with the shapes").clone()
}

#[test]
fn tensors_of_wrong_shapes_are_refused_by_name() {
    type Break = fn(&mut ConvBlock);
    let prelu: Break = |block| {
        let ActivationLayer::AdAct(adact) = &mut block.act else { unreachable!() };
        adact.prelu = Some(Prelu { weight: vector(8) });
    };
    let w: Break = |block| {
        let ActivationLayer::AdAct(adact) = &mut block.act else { unreachable!() };
        adact.w = RawWeights::One(vector(6));
    };
    let cases: [(Break, &str); 9] = [
        (|b| b.conv.bias = Some(vector(7)), "the convolution's bias has the shape [7], not [8]"),
        (|b| b.conv.bias = Some(vector(0)), "the convolution's bias has the shape [0], not [8]"),
        (|b| b.conv.bias = Some(vector(9)), "the convolution's bias has the shape [9], not [8]"),
        (|b| b.norm.as_mut().unwrap().weight = vector(9), "batch norm's weight has the shape [9], not [8]"),
        (|b| b.norm.as_mut().unwrap().bias = vector(1), "batch norm's bias has the shape [1], not [8]"),
        (
            |b| b.norm.as_mut().unwrap().running_mean = Statistic::new(vector(7).val()),
            "the running mean has the shape [7], not [8]",
        ),
        (
            |b| b.norm.as_mut().unwrap().running_var = Statistic::new(vector(16).val()),
            "the running variance has the shape [16], not [8]",
        ),
        (w, "the mixture's w has the shape [6], not [7]"),
        (prelu, "PReLU's slope has the shape [8], not [1]"),
    ];
    for (change, expected) in cases {
        let mut block = ConvBlockConfig::new(3, 8).init(&device(), 0).unwrap();
        change(&mut block);
        for dtype in [DType::F32, DType::F64] {
            let block = block.clone().map(&mut Cast(dtype));
            let images = tensor([2, 3, 8, 8], 0, dtype);
            assert_eq!(refusal(|| drop(block.forward(images.clone()))), expected);
            let block = block.valid();
            assert_eq!(refusal(|| drop(block.forward(images.inner()))), expected);
        }
    }

    let x = || tensor([2, 3, 4, 4], 0, DType::F32);
    let (weight, bias) = (|| tensor([5, 3, 3, 3], 1, DType::F32), |n| vector(n).val());
    let conv = refusal(|| drop(ops::conv2d(x(), weight(), Some(bias(4)), 1, 1)));
    assert_eq!(conv, "the convolution's bias has the shape [4], not [5]");
    let linear =
        |shape, n| refusal(|| drop(ops::linear_of_images(x(), tensor(shape, 1, DType::F32), bias(n))));
    assert_eq!(linear([5, 47], 5), "the linear layer's weight has the shape [5, 47], not [5, 48]");
    assert_eq!(linear([5, 48], 6), "the linear layer's bias has the shape [6], not [5]");
    let mut single = SingleConfig::new(Activation::Prelu).init(&device());
    for slopes in [None, Some(vector(3))] {
        single.weight = slopes;
        assert!(refusal(|| drop(single.forward(x()))).starts_with("PReLU's slope has the shape ["));
    }
    let mut mixture = AdActConfig::new().init(&device());
    mixture.w = RawWeights::One(vector(8));
    assert_eq!(refusal(|| drop(mixture.forward(x()))), "the mixture's w has the shape [8], not [7]");
}
