//! Weights by channel and for a whole network: values, gradients, training, files.

mod common;

use adact::networks::{AnyConfig, AnyNetwork, GptConfig, ResNetConfig, UNetConfig};
use adact::random::{Purpose, Stream};
use adact::{
    Activation, ActivationConfig, ActivationLayer, AdAct, AdActConfig, AdamW, Channels, ConvBlockConfig,
    ConvNetConfig, Decay, Gate, Granularity, Network, NetworkConfig, Noise, Pass, Place, Prelu, RawWeights,
    Recipe, Sgd, SingleConfig, Trainer, ops, places, state_dict,
};
use burn::module::Param;
use burn::tensor::activation::softmax;
use burn::tensor::{DType, Device, Tensor, TensorData};
use common::{as_f64, assert_close, normal, values};

fn device() -> Device {
    Device::flex().autodiff()
}

fn by_channel() -> AdActConfig {
    AdActConfig::new().with_granularity(Granularity::Channel)
}

/// A mixture whose channels all have other weights and slopes.
fn varied(gate: Gate, candidates: &[Activation], channels: Channels) -> AdAct {
    let mut adact = by_channel().with_gate(gate).with_candidates(candidates).init_for(channels, &device());
    let shape = [channels.count, candidates.len()];
    let w = TensorData::new(normal(shape[0] * shape[1], 3), shape);
    adact.w = RawWeights::ByChannel(Param::from_data(w, &device()));
    let slopes = normal(channels.count, 4);
    if adact.prelu.is_some() {
        adact.prelu = Some(Prelu { weight: Param::from_data(&slopes[..], &device()) });
    }
    adact
}

/// The output and the gradients of the input, the weights and the slopes.
fn run<const D: usize>(adact: &AdAct, x: Tensor<D>, noise: Noise) -> Vec<Vec<f32>> {
    let x = x.detach().require_grad();
    let y = adact.forward_with(x.clone(), noise);
    let grads = (y.clone() * y.clone()).sum().backward();
    let mut all = vec![values(y), values(x.grad(&grads).unwrap()), values(adact.w.grad(&grads).unwrap())];
    all.extend(adact.prelu.as_ref().map(|prelu| values(prelu.weight.grad(&grads).unwrap())));
    all
}

fn compare(what: &str, got: &[Vec<f32>], want: &[Vec<f32>]) {
    assert_eq!(got.len(), want.len());
    for ((got, want), part) in got.iter().zip(want).zip(["y", "dx", "dw", "dslope"]) {
        assert_close(&format!("{what}: {part}"), got, &as_f64(want), 5e-6);
    }
}

#[test]
fn the_composed_operation_is_the_fused_one() {
    let stream = Noise::Random(Stream::new(3, Purpose::Rrelu, 5));
    let sets = [Activation::PAPER, &[Activation::Gelu, Activation::Prelu]];
    for (gate, candidates) in Gate::ALL.into_iter().flat_map(|gate| sets.map(|set| (gate, set))) {
        let (images, tokens) = ([3, 5, 4, 6], [7, 50, 19]);
        let data = |shape: &[usize]| TensorData::new(normal(shape.iter().product(), 1), shape.to_vec());
        let adact = varied(gate, candidates, Channels::images(5));
        let x = Tensor::<4>::from_data(data(&images), &device());
        let composed = run(&adact, x.clone().cast(DType::F64), Noise::Mean);
        compare("images", &run(&adact, x.clone(), Noise::Mean), &composed);
        // The same with the channels last in memory.
        let last =
            Tensor::<4>::from_data(x.permute([0, 2, 3, 1]).into_data(), &device()).permute([0, 3, 1, 2]);
        compare("channels last", &run(&adact, last, Noise::Mean), &composed);

        let adact = varied(gate, candidates, Channels::last(19));
        let x = Tensor::<3>::from_data(data(&tokens), &device());
        let composed = run(&adact, x.clone().cast(DType::F64), Noise::Mean);
        compare("tokens", &run(&adact, x.clone(), Noise::Mean), &composed);
        let drawn = run(&adact, x.clone(), stream);
        assert_eq!(drawn, run(&adact, x, stream));
        assert_ne!(drawn[0], composed[0], "the slopes are drawn");
    }
}

#[test]
fn equal_channels_are_one_place() {
    let x = Tensor::<2>::from_data(TensorData::new(normal(600, 1), [60, 10]), &device());
    let w = normal(7, 2);
    let config = AdActConfig::new().with_initial_weights(w);
    let one = run(&config.init(&device()), x.clone(), Noise::Mean);
    let many = config.with_granularity(Granularity::Channel).init_for(Channels::last(10), &device());
    let mut many = run(&many, x, Noise::Mean);
    // The gradients add up over the channels.
    many[2] = (0..7).map(|i| many[2].iter().skip(i).step_by(7).sum()).collect();
    many[3] = vec![many[3].iter().sum()];
    compare("equal channels", &many, &one);
}

#[test]
fn shares_of_ones_own_are_mixed_alike() {
    let (x, w) = (normal(500, 1), normal(7, 2));
    let adact = AdActConfig::new().with_initial_weights(w.clone()).init(&device());
    let x = Tensor::<1>::from_floats(&x[..], &device());
    let own = run(&adact, x.clone(), Noise::Mean);
    let (x, w) = (x.require_grad(), Tensor::<1>::from_floats(&w[..], &device()).require_grad());
    let slope = Tensor::<1>::from_floats([0.25], &device()).require_grad();
    let y =
        ops::mixture(x.clone(), Activation::PAPER, softmax(w.clone(), 0), Some(slope.clone()), Noise::Mean);
    let grads = (y.clone() * y.clone()).sum().backward();
    let grads = [x.grad(&grads), w.grad(&grads), slope.grad(&grads)].map(|grad| values(grad.unwrap()));
    compare("softmax by Burn", &[vec![values(y)], grads.to_vec()].concat(), &own);
}

#[test]
fn blocks_and_linear_layers_run_it_in_two_passes() {
    for pool in [false, true] {
        let config = ConvBlockConfig::new(3, 6).with_pool(pool).with_activation(by_channel());
        let mut block = config.init(&device(), 1).unwrap();
        let adact = varied(Gate::Softmax, Activation::PAPER, Channels::images(6));
        block.act = ActivationLayer::AdAct(adact.clone());
        let x = Tensor::<4>::from_data(TensorData::new(normal(2 * 3 * 64, 5), [2, 3, 8, 8]), &device());
        let pass = Pass::of_means();
        let whole = values(block.forward_in(x.clone(), &pass));
        block.act = ActivationConfig::from(Activation::Identity).init(&device());
        let bare = ConvBlockConfig { pool: false, ..config };
        let mut parts = bare.init(&device(), 1).unwrap();
        parts.act = ActivationConfig::from(Activation::Identity).init(&device());
        let y = adact.forward_with(parts.forward_in(x, &pass), Noise::Mean);
        let y = if pool {
            burn::tensor::module::max_pool2d(y, burn::tensor::ops::MaxPoolOptions::new([2; 2]))
        } else {
            y
        };
        assert_close("a block", &whole, &as_f64(&values(y)), 1e-6);
    }
}

fn networks(granularity: Granularity) -> [AnyConfig; 4] {
    let mixtures = |count| vec![AdActConfig::new().with_granularity(granularity).into(); count];
    let gpt = GptConfig { context: 8, dim: 16, depth: 2, heads: 2, ..GptConfig::new(11) };
    let resnet = ResNetConfig { widths: vec![4, 8], n: 1, ..ResNetConfig::new(3, 8, 5) };
    let unet = UNetConfig { base: 4, levels: 2, ..UNetConfig::new(3, 8, 2) };
    let conv = ConvNetConfig::new(1, 16, 3).with_widths(vec![4, 8]);
    [
        gpt.with_activations(mixtures(2)).into(),
        resnet.with_activations(mixtures(5)).into(),
        unet.with_activations(mixtures(6)).into(),
        conv.with_activations(mixtures(2)).into(),
    ]
}

fn step(trainer: &mut Trainer<AnyNetwork>, at: u64) {
    let (inputs, targets) = common::random_batch(trainer.net().config(), at);
    trainer.step(inputs, &targets).unwrap();
}

#[test]
fn networks_train_save_and_go_on_at_every_granularity() {
    for granularity in Granularity::ALL {
        for config in networks(granularity) {
            let what = format!("{} by {granularity}", config.words());
            let mut trainer = Trainer::new(&config, AdamW::new()).unwrap();
            (0..2).for_each(|at| step(&mut trainer, at));
            let folder = tempfile::tempdir().unwrap();
            trainer.save_state(folder.path()).unwrap();
            let mut other = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
            assert_eq!(other.net().config(), &config, "{what}");
            [&mut trainer, &mut other].into_iter().for_each(|trainer| step(trainer, 2));
            let [one, two] = [&trainer, &other].map(|trainer| places(trainer.net()));
            assert_eq!(
                one.iter().map(|p| &p.mixture).collect::<Vec<_>>(),
                two.iter().map(|p| &p.mixture).collect::<Vec<_>>(),
                "{what}"
            );
            let first = one[0].mixture.as_ref().unwrap();
            assert!(first.w.iter().any(|w| *w != 0.0), "{what}: nothing was learned");
            let equal = one.iter().all(|place| place.mixture.as_ref() == Some(first));
            assert_eq!(equal, granularity == Granularity::Network, "{what}");

            let path = folder.path().join("net.safetensors");
            trainer.net().save(&path).unwrap();
            let read = AnyNetwork::load_with(&path, &adact::Hints::default(), &Device::flex()).unwrap();
            let (inputs, targets) = common::random_batch(&config, 9);
            let [a, b] = [
                trainer.evaluate(inputs.clone(), &targets),
                adact::Evaluate::evaluate(&read, inputs, &targets),
            ];
            assert_eq!(a.unwrap().loss_sum, b.unwrap().loss_sum, "{what}");
        }
    }
}

#[test]
fn prelu_alone_is_the_mixture_of_it_alone() {
    let channels = Channels::images(5);
    let mixture = varied(Gate::Softmax, &[Activation::Prelu], channels);
    let config = SingleConfig::new(Activation::Prelu).with_granularity(Granularity::Channel);
    let mut single = config.init_for(channels, &device());
    let slopes = values(mixture.prelu.as_ref().unwrap().weight.val());
    single.weight = Some(Param::from_data(&slopes[..], &device()));
    let x = TensorData::new(normal(3 * 5 * 4 * 6, 1), [3, 5, 4, 6]);
    for dtype in [DType::F32, DType::F64] {
        let x = Tensor::<4>::from_data(x.clone(), &device()).cast(dtype).require_grad();
        let y = single.forward_with(x.clone(), Noise::Mean);
        let grads = (y.clone() * y.clone()).sum().backward();
        let slope = single.weight.as_ref().unwrap().grad(&grads).unwrap();
        let got = [values(y), values(x.grad(&grads).unwrap()), values(slope)];
        let mut want = run(&mixture, x, Noise::Mean);
        assert!(want.remove(2).iter().all(|&dw| dw == 0.0), "one candidate has the whole share");
        assert_eq!(got[2].len(), 5);
        for ((got, want), part) in got.iter().zip(&want).zip(["y", "dx", "dslope"]) {
            assert_close(&format!("{dtype:?}: {part}"), got, &as_f64(want), 1e-6);
        }
    }
}

#[test]
fn a_choice_of_prelu_has_as_many_slopes_as_the_mixture() {
    for granularity in Granularity::ALL {
        for config in networks(granularity) {
            let what = format!("{} by {granularity}", config.words());
            let chosen =
                config.activations().iter().map(|mixture| mixture.chosen(Activation::Prelu)).collect();
            let config = config.with_activations(chosen);
            let mut trainer = Trainer::new(&config, AdamW::new()).unwrap();
            (0..2).for_each(|at| step(&mut trainer, at));
            let folder = tempfile::tempdir().unwrap();
            trainer.save_state(folder.path()).unwrap();
            let mut other = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
            assert_eq!(other.net().config(), &config, "{what}");
            [&mut trainer, &mut other].into_iter().for_each(|trainer| step(trainer, 2));
            let slopes = |trainer: &Trainer<AnyNetwork>| {
                let state = state_dict(trainer.net());
                let slope =
                    |place: &Place| state[&format!("{}.weight", place.path)].try_to_vec::<f32>().unwrap();
                places(trainer.net()).iter().map(slope).collect::<Vec<_>>()
            };
            let all = slopes(&trainer);
            assert_eq!(all, slopes(&other), "{what}");
            assert!(all[0][0] != 0.25, "{what}: nothing was learned");
            assert_eq!(all[0].len() > 1, granularity == Granularity::Channel, "{what}");
            assert_eq!(all.iter().all(|s| *s == all[0]), granularity == Granularity::Network, "{what}");
        }
    }
    // Others have no parameter: they are what they are by name.
    let mixture = ActivationConfig::from(by_channel());
    assert_eq!(mixture.chosen(Activation::Mish), Activation::Mish.into());
    let adact = by_channel();
    let read = |text| ActivationConfig::parse_layers_with(text, 1, &adact).unwrap().remove(0);
    assert_eq!((read("prelu"), read("mish")), (mixture.chosen(Activation::Prelu), Activation::Mish.into()));
}

#[test]
fn one_set_for_the_network_has_the_gradient_of_all_places() {
    let sgd = Sgd { lr: 0.1, momentum: 0.9, weight_decay: 0.0 };
    let weights = |granularity| {
        networks(granularity).map(|config| {
            let mut trainer = Trainer::new(&config, sgd.clone()).unwrap();
            step(&mut trainer, 0);
            let places = places(trainer.net()).into_iter().map(|place| place.mixture.unwrap().w);
            places.collect::<Vec<Vec<f32>>>()
        })
    };
    for (places, network) in weights(Granularity::Place).iter().zip(weights(Granularity::Network)) {
        let sum: Vec<f64> = (0..7).map(|i| places.iter().map(|w| f64::from(w[i])).sum()).collect();
        assert_close("the weights after a step", &network[0], &sum, 1e-5);
    }
}

#[test]
fn weights_by_channel_are_no_matrix_that_decays() {
    let config = networks(Granularity::Channel)[0].clone();
    let start = AdActConfig::new().with_granularity(Granularity::Channel).with_initial_weights(normal(7, 1));
    let config = config.with_activations(vec![start.into(); 2]);
    let after = |weight_decay| {
        let recipe = Recipe { decay: Decay::Matrices, ..AdamW::new().with_weight_decay(weight_decay).into() };
        let mut trainer = Trainer::new(&config, recipe).unwrap();
        step(&mut trainer, 0);
        places(trainer.net())[0].mixture.clone()
    };
    assert_eq!(after(0.0), after(0.9));
}

#[test]
fn other_channels_are_refused() {
    let adact = by_channel().init_for(Channels::images(4), &device());
    let refusal = |f: &dyn Fn()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
        panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()))
            .unwrap()
    };
    let x = |shape: [usize; 4]| Tensor::<4>::ones(shape, &device());
    let message = refusal(&|| drop(adact.forward(x([2, 5, 3, 3]))));
    assert_eq!(message, "an activation of 4 channels got 5 in dimension 1");
    let message = refusal(&|| drop(adact.forward(Tensor::<1>::ones([4], &device()))));
    assert_eq!(message, "a tensor of rank 1 has no dimension of channels");
    assert!(refusal(&|| drop(by_channel().init(&device()))).contains("init_for"));
}
