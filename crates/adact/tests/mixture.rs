//! AdAct and single activations as modules: values, gradients, randomness, layouts.

mod common;

use adact::random::{Purpose, Stream};
use adact::{Activation, ActivationConfig, AdActConfig, Noise, SingleConfig};
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{ReferenceFile, as_f64, assert_close, normal, values};

const MEAN: f64 = 11.0 / 48.0;

fn device() -> Device {
    Device::flex().autodiff()
}

#[test]
fn the_mixture_is_pytorchs() {
    let name = "adact.safetensors";
    ReferenceFile::both(name, name).iter().for_each(check_mixture);
}

fn check_mixture(file: &ReferenceFile) {
    for case in 0..6 {
        let get = |name: &str| file.get(&format!("{case}.{name}"));
        let config = AdActConfig::new()
            .with_initial_weights(get("w").f32())
            .with_prelu_slope(get("slope").values[0])
            .with_rrelu_bounds(MEAN, MEAN);
        let adact = config.init(&device());
        let x = get("x").tensor::<4>(&device()).require_grad();
        let y = adact.forward(x.clone());
        assert_close(&format!("y of case {case}"), &values(y.clone()), &get("y").values, 2e-6);

        let grads = (y * get("dy").tensor(&device())).sum().backward();
        let prelu = adact.prelu.as_ref().unwrap();
        assert_close("dx", &values(x.grad(&grads).unwrap()), &get("dx").values, 2e-6);
        assert_close("dw", &values(adact.w.grad(&grads).unwrap()), &get("dw").values, 2e-5);
        assert_close("dslope", &values(prelu.weight.grad(&grads).unwrap()), &get("dslope").values, 2e-5);
    }
}

#[test]
fn each_activation_is_pytorchs() {
    let name = "activations.safetensors";
    ReferenceFile::both(name, name).iter().for_each(check_activations);
}

fn check_activations(file: &ReferenceFile) {
    for activation in Activation::PAPER {
        let layer = SingleConfig::new(*activation).init(&device());
        let x = file.get("x").tensor::<1>(&device()).require_grad();
        let y = layer.forward_with(x.clone(), Noise::Mean);
        let dx = y.clone().sum().backward();
        let (y, dx) = (values(y), values(x.grad(&dx).unwrap()));
        for (got, name) in [(y, activation.to_string()), (dx, format!("{activation}.derivative"))] {
            for ((got, want), x) in got.iter().zip(file.get(&name).values).zip(file.get("x").values) {
                let difference = (f64::from(*got) - want).abs() / want.abs().max(1.0);
                assert!(difference <= 2e-6, "{name} at {x}: {got}, not {want}");
            }
        }
    }
}

/// Runs a function of the input and the mixture's parameters, fused (f32) and composed (f64).
fn both(config: &AdActConfig, noise: Noise, x: &[f32]) -> [Vec<Vec<f32>>; 2] {
    [DType::F32, DType::F64].map(|dtype| {
        let adact = config.init(&device());
        let data = TensorData::new(x.to_vec(), [x.len()]);
        let x = Tensor::<1>::from_data(data, &device()).cast(dtype).require_grad();
        let y = adact.forward_with(x.clone(), noise);
        assert_eq!(y.dtype(), dtype);
        let grads = (y.clone() * y.clone()).sum().backward();
        let mut all = vec![values(y), values(x.grad(&grads).unwrap()), values(adact.w.grad(&grads).unwrap())];
        all.extend(adact.prelu.as_ref().map(|slope| values(slope.weight.grad(&grads).unwrap())));
        all
    })
}

#[test]
fn the_composed_operation_is_the_fused_one() {
    let stream = Stream::new(3, Purpose::Rrelu, 5);
    let mut x = normal(1000, 1);
    x.iter_mut().for_each(|v| *v *= 4.0);
    let sets: [&[Activation]; 3] =
        [Activation::PAPER, Activation::ALL, &[Activation::Gelu, Activation::Tanh, Activation::Identity]];
    for candidates in sets {
        let w = normal(candidates.len(), 2);
        let config =
            AdActConfig::new().with_candidates(candidates).with_initial_weights(w).with_prelu_slope(0.4);
        for noise in [Noise::Mean, Noise::Random(stream)] {
            let [fused, composed] = both(&config, noise, &x);
            assert_eq!(fused.len(), composed.len());
            for ((fused, composed), what) in fused.iter().zip(&composed).zip(["y", "dx", "dw", "dslope"]) {
                assert_close(what, fused, &as_f64(composed), 3e-6);
            }
        }
    }
}

#[test]
fn any_layout_gives_the_same_values_and_gradients() {
    let shape = [2, 3, 4, 5];
    let tensor = |seed| Tensor::<4>::from_data(TensorData::new(normal(120, seed), shape), &device());
    let adact = AdActConfig::new().with_initial_weights(normal(7, 4)).init(&device());
    let run = |x: Tensor<4>, dy: Tensor<4>| {
        let x = x.detach().require_grad();
        let y = adact.forward_with(x.clone(), Noise::Mean);
        let grads = (y.clone() * dy).sum().backward();
        [values(y), values(x.grad(&grads).unwrap())]
    };
    let (x, dy) = (tensor(5), tensor(6));
    let expected = run(x.clone(), dy.clone());
    let layouts: [fn(Tensor<4>) -> Tensor<4>; 3] = [
        |x| Tensor::from_data(x.permute([0, 2, 3, 1]).into_data(), &device()).permute([0, 3, 1, 2]),
        |x| Tensor::cat(vec![x.clone(), x], 3).slice([0..2, 0..3, 0..4, 5..10]),
        |x| Tensor::from_data(x.flip([1, 2]).into_data(), &device()).flip([1, 2]),
    ];
    for layout in layouts {
        assert_eq!(run(layout(x.clone()), dy.clone()), expected);
        assert_eq!(run(x.clone(), layout(dy.clone())), expected);
    }
}

#[test]
fn every_rank_is_served() {
    let adact = AdActConfig::new().init(&Device::flex());
    let data = normal(16, 7);
    let x = Tensor::<1>::from_data(TensorData::new(data, [16]), &Device::flex());
    let expected = values(adact.forward(x.clone()));
    assert_eq!(values(adact.forward(x.clone().reshape([4, 4]))), expected);
    assert_eq!(values(adact.forward(x.clone().reshape([2, 1, 8]))), expected);
    assert_eq!(values(adact.forward(x.reshape([2, 2, 1, 2, 2]))), expected);
}

#[test]
fn rrelu_is_random_in_training_and_its_mean_in_evaluation() {
    let rrelu = SingleConfig::new(Activation::Rrelu).with_seed(1);
    let layer = rrelu.init(&device());
    let x = Tensor::<1>::full([10_000], -1.0, &device());
    let slopes = |y: Tensor<1>| values(y).into_iter().map(|y| -y).collect::<Vec<_>>();

    let first = slopes(layer.forward(x.clone()));
    let mean = first.iter().sum::<f32>() / first.len() as f32;
    assert!(first.iter().all(|s| (0.125..=1.0 / 3.0).contains(s)), "slopes lie between the bounds");
    assert!((f64::from(mean) - MEAN).abs() < 2e-3, "their mean is {mean}");
    assert_ne!(first, slopes(layer.forward(x.clone())), "each call draws anew");
    assert_eq!(first, slopes(rrelu.init(&device()).forward(x.clone())), "a seed repeats itself");

    let stream = Noise::Random(Stream::new(9, Purpose::Rrelu, 0));
    assert_eq!(slopes(layer.forward_with(x.clone(), stream)), slopes(layer.forward_with(x.clone(), stream)));

    let evaluated = slopes(layer.valid().forward(x.clone().inner()));
    assert!(evaluated.iter().all(|s| (f64::from(*s) - MEAN).abs() < 1e-7));
    let frozen = slopes(layer.freeze().forward(x));
    assert_eq!(frozen, evaluated);
}

#[test]
fn the_gradient_knows_the_slopes_of_its_forward_pass() {
    let layer = SingleConfig::new(Activation::Rrelu).init(&device());
    let x = Tensor::<1>::full([1000], -2.0, &device()).require_grad();
    let y = layer.forward(x.clone());
    let gradient = values(x.grad(&y.clone().sum().backward()).unwrap());
    for (y, dx) in values(y).into_iter().zip(gradient) {
        assert!((y - -2.0 * dx).abs() < 1e-6);
    }
}

#[test]
fn nan_stays_nan_and_large_inputs_stay_finite() {
    for activation in Activation::ALL {
        let configs =
            [ActivationConfig::from(*activation), AdActConfig::new().with_candidates([*activation]).into()];
        for config in configs {
            let layer = config.init(&device());
            let x = Tensor::<1>::from_floats([f32::NAN, 1e4, -1e4, 0.0], &device()).require_grad();
            let y = layer.forward(x.clone());
            let dx = values(x.grad(&y.clone().sum().backward()).unwrap());
            let y = values(y);
            assert!(y[0].is_nan(), "{config} hides NaN");
            assert!(y[1..].iter().all(|v| v.is_finite()), "{config}: {y:?}");
            assert!(dx[1..].iter().all(|v| v.is_finite()), "gradient of {config}: {dx:?}");
        }
    }
}

#[test]
fn gradient_checkpointing_gives_the_same_gradients() {
    let run = |device: Device| {
        let adact = AdActConfig::new().with_seed(3).init(&device);
        let x = Tensor::<1>::from_data(TensorData::new(normal(100, 8), [100]), &device).require_grad();
        let grads = adact.forward(x.clone() * 2.0).sum().backward();
        [values(x.grad(&grads).unwrap()), values(adact.w.grad(&grads).unwrap())]
    };
    assert_eq!(run(device()), run(device().gradient_checkpointing()));
}

#[test]
fn the_choice_replaces_the_mixture() {
    let w = vec![0.0, 0.1, 0.3, 2.0, -1.0, 0.3, 1.9];
    let adact = AdActConfig::new().with_initial_weights(w.clone()).with_prelu_slope(0.4).init(&device());
    assert_eq!(adact.num_params(), 8);
    assert_eq!(adact.weights(), w);
    assert_eq!(adact.choice(), Activation::Prelu);
    assert!((adact.mixture().iter().sum::<f32>() - 1.0).abs() < 1e-6);

    let x = Tensor::<1>::from_floats([-1.0, 1.0], &device());
    assert_eq!(values(adact.to_activation().forward(x)), [-0.4, 1.0]);
    let margin = adact.layer_mixture().margin();
    assert!(margin > 0.0 && margin < 0.1, "the lead over mish is {margin}");
}

#[test]
fn a_mixture_of_one_is_that_activation() {
    let x = Tensor::<1>::from_data(TensorData::new(normal(100, 9), [100]), &device());
    for activation in Activation::ALL {
        let alone = ActivationConfig::from(*activation).init(&device()).valid();
        let mixture = AdActConfig::new().with_candidates([*activation]).init(&device()).valid();
        let x = x.clone().inner();
        assert_eq!(values(alone.forward(x.clone())), values(mixture.forward(x)), "{activation}");
    }
}

#[test]
fn configurations_say_what_is_wrong() {
    let message = |config: AdActConfig| config.validate().unwrap_err().to_string();
    assert!(message(AdActConfig::new().with_candidates([])).contains("one candidate"));
    let twice = [Activation::Relu, Activation::Relu];
    assert!(message(AdActConfig::new().with_candidates(twice)).contains("relu is twice"));
    assert!(message(AdActConfig::new().with_initial_weights([1.0])).contains("7 candidates has 1"));
    assert!(message(AdActConfig::new().with_rrelu_bounds(0.5, 0.1)).contains("above"));
    assert!(message(AdActConfig::new().with_elu_alpha(f64::NAN)).contains("finite"));

    let unknown = "mesh".parse::<ActivationConfig>().unwrap_err();
    assert!(unknown.to_string().contains("'mish'") && unknown.is_input(), "{unknown}");
    let three = ActivationConfig::parse_layers("relu+elu+mish", 4).unwrap_err();
    assert!(three.to_string().contains("3 activations"), "{three}");
}

#[test]
fn configurations_survive_json() {
    let own = AdActConfig::new().with_candidates([Activation::Gelu, Activation::Relu]).with_seed(4);
    let configs = [
        "adact".parse().unwrap(),
        "adact:relu,tanh".parse().unwrap(),
        ActivationConfig::from(Activation::Silu),
        own.into(),
        SingleConfig { seed: Some(1), ..SingleConfig::new(Activation::Rrelu) }.into(),
    ];
    for config in configs {
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ActivationConfig>(&json).unwrap(), config, "{json}");
    }
    assert_eq!(serde_json::to_string(&ActivationConfig::default()).unwrap(), "\"adact\"");
}
