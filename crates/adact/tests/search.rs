//! Ways to search: the same bits wherever and however they run, what is evaluated and kept, what moves and what doesn't.

mod common;

use adact::networks::{AnyConfig, AnyNetwork, GptConfig, UNetConfig};
use adact::{
    Activation, ActivationConfig, AdActConfig, AdamW, ConvNetConfig, Decay, Evaluate, Gate, Granularity,
    Mixing, Network, NetworkConfig, Recipe, Search, Sgd, Trainer, Warm, places,
};
use adact_kernels::simd;
use burn::tensor::Device;

const STEPS: u64 = 6;

/// The paper's network, a language model and a U-Net, all small, with mixtures in all places.
fn configs() -> [AnyConfig; 3] {
    let gpt = GptConfig { context: 8, dim: 16, depth: 2, heads: 2, ..GptConfig::new(11) };
    let unet = UNetConfig { base: 4, levels: 2, ..UNetConfig::new(3, 8, 2) };
    [ConvNetConfig::new(1, 16, 3).with_widths(vec![4, 8]).into(), gpt.into(), unet.into()].map(mixed)
}

fn mixed(config: AnyConfig) -> AnyConfig {
    let places = config.places().unwrap().len();
    config.with_activations(vec![ActivationConfig::default(); places])
}

/// All ways to search, with and without candidates that leave.
fn methods() -> impl Iterator<Item = Search> {
    let joined = Mixing::ALL.iter().flat_map(|&mixing| [false, true].map(|shrink| (mixing, shrink)));
    let joined = joined.filter(|(mixing, shrink)| !shrink || mixing.can_shrink());
    joined.map(|(mixing, shrink)| Search { mixing, shrink, steps: STEPS, ..Search::default() })
}

fn recipe(search: Search) -> Recipe {
    Recipe { search, ..AdamW::new().with_lr(0.02).into() }
}

fn train(trainer: &mut Trainer<AnyNetwork>, steps: std::ops::Range<u64>) {
    let config = trainer.net().config().clone();
    for step in steps {
        let (inputs, targets) = common::random_batch(&config, step);
        trainer.step(inputs, &targets).unwrap();
    }
}

fn bytes(net: &AnyNetwork) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    net.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

fn weights(net: &AnyNetwork) -> Vec<Vec<f32>> {
    net.mixtures().into_iter().flatten().map(|mixture| mixture.w).collect()
}

#[test]
fn neither_threads_nor_paths_nor_interruptions_change_the_bits() {
    for config in configs() {
        for search in methods() {
            let name = format!("{} by {} {}", config.words(), search.mixing, search.shrink);
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut trainer = Trainer::new(&config, recipe(search.clone())).unwrap();
                    train(&mut trainer, 0..STEPS);
                    (bytes(trainer.net()), bytes(&trainer.settled()))
                })
            };
            let one = run(1);
            assert!(one == run(2), "{name}: other bits with two threads");
            let fastest = simd::path();
            for path in
                [simd::Path::Portable, simd::Path::Avx2].into_iter().filter(|path| path.is_available())
            {
                simd::force(path);
                assert!(one == run(2), "{name}: other bits by {}", path.name());
            }
            simd::force(fastest);
            let folder = tempfile::tempdir().unwrap();
            let mut first = Trainer::new(&config, recipe(search.clone())).unwrap();
            train(&mut first, 0..STEPS / 2);
            first.save_state(folder.path()).unwrap();
            let mut second = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
            assert_eq!(second.recipe().search, search);
            train(&mut second, STEPS / 2..STEPS);
            assert!(
                one == (bytes(second.net()), bytes(&second.settled())),
                "{name}: other bits when resumed"
            );
        }
    }
}

#[test]
fn every_way_moves_the_weights_and_they_differ() {
    for config in configs() {
        let found = methods().map(|search| {
            let mut trainer = Trainer::new(&config, recipe(search)).unwrap();
            train(&mut trainer, 0..STEPS);
            weights(trainer.net())
        });
        let found: Vec<_> = found.collect();
        for (i, own) in found.iter().enumerate() {
            assert!(own.iter().all(|w| w.iter().any(|w| *w != 0.0)), "{}", config.words());
            assert!(found[..i].iter().all(|other| other != own), "{}: method {i}", config.words());
        }
    }
}

#[test]
fn what_is_evaluated_is_what_is_kept() {
    for config in configs() {
        for search in methods() {
            let mut trainer = Trainer::new(&config, recipe(search.clone())).unwrap();
            train(&mut trainer, 0..STEPS - 1);
            let (inputs, targets) = common::random_batch(&config, 99);
            let live = trainer.evaluate(inputs.clone(), &targets).unwrap();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("net.safetensors");
            trainer.settled().save(&path).unwrap();
            let kept = trainer
                .net()
                .config()
                .load(&path, &Device::flex())
                .unwrap()
                .evaluate(inputs, &targets)
                .unwrap();
            assert_eq!(live, kept, "{}", search.mixing);
            let one_hot = matches!(search.mixing, Mixing::Gumbel | Mixing::Hard);
            for (place, settled) in trainer.places().iter().zip(places(&trainer.settled())) {
                let (likely, settled) = (place.mixture.as_ref().unwrap(), settled.mixture.unwrap());
                assert_eq!(likely.choice, settled.choice);
                assert_eq!(
                    settled.softmax.contains(&1.0),
                    one_hot || search.shrink && likely.margin() == 1.0
                );
                assert_eq!(settled.gate, search.mixing.gate());
                assert_eq!(settled.shares == settled.softmax, settled.gate == Gate::Softmax);
            }
        }
    }
}

#[test]
fn candidates_leave_until_one_is_left_at_each_place() {
    for granularity in Granularity::ALL {
        let config = AdActConfig::new().with_granularity(granularity);
        for net in configs() {
            let places = net.places().unwrap().len();
            let net = net.with_activations(vec![config.clone().into(); places]);
            let search = Search { shrink: true, steps: 30, ..Search::default() };
            let mut trainer = Trainer::new(&net, recipe(search)).unwrap();
            let mut left = places * 7;
            for step in 0..30 {
                train(&mut trainer, step..step + 1);
                let mixtures = trainer.net().mixtures().into_iter().flatten();
                let now: usize =
                    mixtures.map(|m| m.softmax.iter().filter(|share| **share > 0.0).count()).sum();
                assert!(now <= left);
                left = now;
                assert_eq!(left == places * 7, step + 1 < 3, "the first leaves after a tenth of the search");
            }
            assert_eq!(left, places, "{granularity} in {}", net.words());
        }
    }
}

#[test]
fn two_levels_learn_from_what_each_is_given() {
    for config in configs() {
        let batch = |step: u64| common::random_batch(&config, step);
        let run = |held_out: u64, steps: std::ops::Range<u64>, trainer: &mut Trainer<AnyNetwork>| {
            for step in steps {
                let ((inputs, targets), (others, answers)) = (batch(step), batch(held_out + step));
                trainer.step_bilevel((inputs, &targets), (others, &answers)).unwrap();
            }
        };
        let gumbel = Search { mixing: Mixing::Gumbel, steps: STEPS, ..Search::default() };
        let new = |search: Search| Trainer::new(&config, recipe(search)).unwrap();
        let after = |held_out: u64, search: Search| {
            let mut trainer = new(search);
            run(held_out, 0..2, &mut trainer);
            let mut tensors = adact::state_dict(trainer.net());
            // Batch norm sees all images.
            tensors.retain(|name, _| !name.contains("running_"));
            (weights(trainer.net()), tensors)
        };
        let learning = Search::default();
        assert_ne!(
            after(50, learning.clone()).0,
            after(60, learning).0,
            "mixtures learn from what is held out"
        );
        let still = Search { lr: Some(0.0), ..Search::default() };
        let (one, other) = (after(50, still.clone()), after(60, still));
        assert_eq!(one.0, vec![vec![0.0; 7]; one.0.len()]);
        assert!(one.1 == other.1, "all else learns from the batch alone");
        let (mut whole, mut first) = (new(gumbel.clone()), new(gumbel));
        run(50, 0..4, &mut whole);
        run(50, 0..2, &mut first);
        let folder = tempfile::tempdir().unwrap();
        first.save_state(folder.path()).unwrap();
        let mut second = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
        run(50, 2..4, &mut second);
        assert!(bytes(second.net()) == bytes(whole.net()), "other bits when resumed");
    }
}

#[test]
fn a_warm_start_leaves_the_weights_and_uses_one_activation() {
    let config = configs()[0].clone();
    let warm = Warm { steps: 3, activation: Activation::Relu };
    let search = Search { warm: Some(warm), weight_decay: Some(0.5), ..Search::default() };
    let mut searching = Trainer::new(&config, recipe(search)).unwrap();
    let single = config.clone().with_activations(vec![Activation::Relu.into(); 2]);
    let mut single = Trainer::new(&single, recipe(Search::default())).unwrap();
    train(&mut searching, 0..2);
    let folder = tempfile::tempdir().unwrap();
    searching.save_state(folder.path()).unwrap();
    let mut searching = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
    train(&mut searching, 2..3);
    train(&mut single, 0..3);
    assert_eq!(weights(searching.net()), [[0.0; 7]; 2]);
    let slopes = searching.net().mixtures().into_iter().map(|mixture| mixture.unwrap().prelu_slope);
    assert!(slopes.eq([Some(0.25); 2]), "slopes stay, too");
    let (inputs, targets) = common::random_batch(&config, 99);
    let loss = |trainer: &Trainer<AnyNetwork>| trainer.evaluate(inputs.clone(), &targets).unwrap().loss_sum;
    // The mixture's kernel rounds otherwise than ReLU's, and nothing else differs.
    assert!((loss(&searching) / loss(&single) - 1.0).abs() < 1e-4);
    train(&mut searching, 3..4);
    assert!(weights(searching.net()).iter().all(|w| w.iter().any(|w| *w != 0.0)));
}

#[test]
fn weights_and_slopes_learn_at_a_rate_of_their_own() {
    for base in [recipe(Search::default()), Recipe { decay: Decay::Matrices, ..Sgd::new().into() }] {
        let config = configs()[0].clone();
        let still = Search { lr: Some(0.0), ..Search::default() };
        let mut trainer = Trainer::new(&config, Recipe { search: still, ..base.clone() }).unwrap();
        let start = bytes(trainer.net());
        train(&mut trainer, 0..2);
        assert_eq!(weights(trainer.net()), [[0.0; 7]; 2]);
        assert!(trainer.net().mixtures().iter().flatten().all(|mixture| mixture.prelu_slope == Some(0.25)));
        assert!(bytes(trainer.net()) != start, "all else learns");
        // The rate of the recipe, given as one of their own, is the recipe.
        let lr = Search { lr: Some(base.lr(0)), ..Search::default() };
        let run = |search: Search| {
            let mut trainer = Trainer::new(&config, Recipe { search, ..base.clone() }).unwrap();
            train(&mut trainer, 0..3);
            bytes(trainer.net())
        };
        assert!(run(lr) == run(Search::default()));
    }
}

#[test]
fn other_ways_than_the_papers_decay_no_weights() {
    let activations = vec![AdActConfig::new().with_initial_weights([1.0; 7]).into(); 2];
    let config = configs()[0].clone().with_activations(activations);
    let decayed = |search: Search| {
        let optimizer = AdamW { lr: 0.1, weight_decay: 5.0, ..AdamW::new() };
        let mut trainer = Trainer::new(&config, Recipe { search, ..optimizer.into() }).unwrap();
        train(&mut trainer, 0..1);
        // A first step of AdamW moves each weight by the rate at most, the decay by half of it.
        weights(trainer.net()).iter().all(|w| w.iter().all(|w| *w < 0.85))
    };
    assert!(decayed(Search::default()));
    assert!(!decayed(Search { mixing: Mixing::Hard, ..Search::default() }));
    assert!(decayed(Search { mixing: Mixing::Hard, weight_decay: Some(5.0), ..Search::default() }));
}

#[test]
fn a_curve_that_is_kept_stays_and_goes_on_with_the_same_bits() {
    let activation = AdActConfig::new().with_initial_weights(common::normal(7, 1)).with_prelu_slope(-0.5);
    for config in configs() {
        let places = config.places().unwrap().len();
        let config = config.with_activations(vec![activation.clone().into(); places]);
        let frozen = Search { frozen: true, ..Search::default() };
        let recipe = Recipe { clip_grad: Some(0.1), ..recipe(frozen) };
        let mut whole = Trainer::new(&config, recipe.clone()).unwrap();
        let before = whole.net().mixtures();
        let start = bytes(whole.net());
        train(&mut whole, 0..4);
        assert_eq!(whole.net().mixtures(), before);
        assert!(bytes(whole.net()) != start, "all else learns");
        let folder = tempfile::tempdir().unwrap();
        let mut first = Trainer::new(&config, recipe).unwrap();
        train(&mut first, 0..2);
        first.save_state(folder.path()).unwrap();
        let mut second = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
        train(&mut second, 2..4);
        assert!(bytes(second.net()) == bytes(whole.net()));
    }
}

#[test]
fn searches_that_make_no_sense_are_refused() {
    let refused = |search: Search, words: &str| {
        let error = Trainer::new(&configs()[0], recipe(search)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let usual = Search::default;
    refused(Search { mixing: Mixing::Linear, shrink: true, steps: 10, ..usual() }, "no candidate can leave");
    refused(Search { mixing: Mixing::Anneal, ..usual() }, "by anneal needs the number of its steps");
    refused(Search { shrink: true, ..usual() }, "by shrink needs the number of its steps");
    refused(Search { temperature: Some([1.0, 0.5]), ..usual() }, "softmax has no temperature");
    let gumbel = Search { mixing: Mixing::Gumbel, steps: 10, ..usual() };
    refused(Search { temperature: Some([1.0, 0.0]), ..gumbel.clone() }, "must be from 0.001 to 1000");
    refused(Search { penalty: -1.0, ..usual() }, "penalty on the entropy");
    refused(Search { lr: Some(f64::NAN), ..usual() }, "learning rate of a search");
    refused(Search { betas: Some([0.9, 1.0]), ..usual() }, "betas of a search");
    refused(Search { frozen: true, ..gumbel.clone() }, "weights that stay are mixed as they are");
    let warm = Warm { steps: 10, activation: Activation::Relu };
    refused(Search { warm: Some(warm), ..gumbel }, "can't begin after 10 steps");
    let gelu = Warm { steps: 1, activation: Activation::Gelu };
    refused(Search { warm: Some(gelu), ..usual() }, "gelu is no candidate of act.0");
    let sgd = Recipe { search: Search { betas: Some([0.9, 0.9]), ..usual() }, ..Sgd::new().into() };
    assert!(Trainer::new(&configs()[0], sgd).unwrap_err().to_string().contains("SGD has no betas"));
}

#[test]
fn a_search_needs_mixtures_of_its_gate() {
    let places = |gate: Gate| {
        let adact = AdActConfig::new().with_gate(gate);
        ConvNetConfig::new(1, 16, 3).with_widths(vec![4, 8]).with_activations(vec![adact.into(); 2])
    };
    let trainer = |gate: Gate, mixing: Mixing| {
        let net = places(gate).init(&Device::flex()).unwrap();
        let search = Search { mixing, steps: 10, ..Search::default() };
        Trainer::from_net(net, recipe(search)).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(trainer(Gate::Linear, Mixing::Softmax), Ok(()), "the default takes mixtures as they are");
    assert_eq!(trainer(Gate::Linear, Mixing::Linear), Ok(()));
    let error = trainer(Gate::Linear, Mixing::Gumbel).unwrap_err();
    assert!(error.contains("needs mixtures of the gate softmax, and act.0 has linear"), "{error}");
    assert!(trainer(Gate::Softmax, Mixing::Sigmoid).is_err());
    let shrink = Search { shrink: true, steps: 10, ..Search::default() };
    let net = places(Gate::Linear).init(&Device::flex()).unwrap();
    assert!(Trainer::from_net(net, recipe(shrink)).unwrap_err().to_string().contains("gate is linear"));
}
