//! The network against PyTorch, its files, and its reproducibility.

mod common;

use adact::{
    Activation, ActivationConfig, AdActConfig, AdamW, ConvNet, ConvNetConfig, ErrorKind, Evaluate, Network,
    NetworkConfig, Pass, Trainer, images_from_channels_last, ops,
};
use burn::module::{Module, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use common::{ReferenceFile, assert_close, normal, values};

fn device() -> Device {
    Device::flex().autodiff()
}

/// A training of the reference.
struct Case {
    file: ReferenceFile,
    config: ConvNetConfig,
}

fn cases() -> Vec<Case> {
    let mean = 11.0 / 48.0;
    let adact = ActivationConfig::from(AdActConfig::new().with_rrelu_bounds(mean, mean));
    let of = |name: &str| vec![name.parse::<ActivationConfig>().unwrap()];
    let mixed = ["mish", "elu", "prelu", "silu"].map(of).concat();
    let activations = [
        ("convnet_relu", "convnet_relu_cifar10", of("relu")),
        ("convnet_adact", "convnet_adact_fmnist", vec![adact]),
        ("convnet_mixed", "convnet_mixed_fer", mixed),
    ];
    let cases = activations.into_iter().flat_map(|(small, large, activations)| {
        let files = ReferenceFile::both(&format!("{small}.safetensors"), &format!("{large}.safetensors"));
        files.into_iter().map(move |file| Case { config: config(&file, &activations), file })
    });
    cases.collect()
}

/// The network of a training, from the shapes of its tensors; the activations are repeated for all blocks.
fn config(file: &ReferenceFile, activations: &[ActivationConfig]) -> ConvNetConfig {
    let [_, _, channels, side, _] = file.get("batches.x").shape[..] else {
        panic!("batches.x has five axes")
    };
    let widths = (0..).map_while(|block| {
        let name = format!("initial.conv.{block}.bias");
        file.names().contains(&name).then(|| file.get(&name).shape[0])
    });
    let widths: Vec<usize> = widths.collect();
    let activations = activations.iter().cloned().cycle().take(widths.len()).collect();
    ConvNetConfig::new(channels, side, file.get("initial.fc.bias").shape[0])
        .with_widths(widths)
        .with_activations(activations)
}

impl Case {
    /// The network in a state of the reference, through a file as PyTorch writes it.
    fn net(&self, state: &str) -> ConvNet {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torch.safetensors");
        self.file.write_state(state, &path);
        self.config.load(path, &device()).unwrap()
    }

    /// The pixels of a batch, channels last, and the labels.
    fn batch(&self, step: usize) -> (Vec<f32>, Vec<i32>) {
        let x = self.file.get("batches.x");
        let [_, batch, channels, side, _] = x.shape[..] else { panic!("batches.x has five axes") };
        let size = batch * channels * side * side;
        let pixels: Vec<f32> = x.values[step * size..][..size].iter().map(|v| *v as f32).collect();
        let pixels = TensorData::new(pixels, [batch, channels, side, side]);
        let pixels = Tensor::<4>::from_data(pixels, &Device::flex()).permute([0, 2, 3, 1]);
        let labels =
            self.file.get("batches.y").values[step * batch..][..batch].iter().map(|v| *v as i32).collect();
        (values(pixels), labels)
    }

    fn images(&self, step: usize, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
        let (pixels, labels) = self.batch(step);
        let batch = labels.len();
        let dims = [batch, self.config.side, self.config.side, self.config.channels];
        (
            images_from_channels_last(pixels, dims, device),
            Tensor::from_data(TensorData::new(labels, [batch]), device),
        )
    }
}

/// The gradients of the parameters by PyTorch's names.
fn gradients(net: &ConvNet, grads: &Gradients) -> Vec<(String, Vec<f32>)> {
    fn get<const D: usize>(parameter: &Param<Tensor<D>>, grads: &Gradients) -> Vec<f32> {
        values(parameter.grad(grads).unwrap())
    }
    let mut all = Vec::new();
    for (i, ((conv, norm), act)) in net.conv.iter().zip(&net.norm).zip(&net.act).enumerate() {
        all.push((format!("conv.{i}.weight"), get(&conv.weight, grads)));
        all.push((format!("conv.{i}.bias"), get(conv.bias.as_ref().unwrap(), grads)));
        all.push((format!("norm.{i}.weight"), get(&norm.weight, grads)));
        all.push((format!("norm.{i}.bias"), get(&norm.bias, grads)));
        match act {
            adact::ActivationLayer::AdAct(adact) => {
                all.push((format!("act.{i}.w"), values(adact.w.grad(grads).unwrap())));
                let slope = &adact.prelu.as_ref().unwrap().weight;
                all.push((format!("act.{i}.prelu.weight"), get(slope, grads)));
            }
            adact::ActivationLayer::Single(single) => {
                all.extend(
                    single.weight.as_ref().map(|slope| (format!("act.{i}.weight"), get(slope, grads))),
                );
            }
        }
    }
    all.push(("fc.weight".into(), get(&net.fc.weight, grads)));
    all.push(("fc.bias".into(), get(net.fc.bias.as_ref().unwrap(), grads)));
    all
}

#[test]
fn the_first_gradients_are_pytorchs() {
    for case in cases() {
        let net = case.net("initial.");
        let (images, labels) = case.images(0, &device());
        let loss = ops::cross_entropy(net.forward(images, &Pass::of_step(0, 0)), labels);
        let grads = loss.backward();
        for (name, gradient) in gradients(&net, &grads) {
            let expected = case.file.get(&format!("grad.{name}"));
            if name.starts_with("conv.") && name.ends_with(".bias") {
                // Batch norm takes the bias away: exactly 0, where PyTorch has the rounding errors of a sum.
                assert!(
                    gradient.iter().all(|g| *g == 0.0) && expected.values.iter().all(|g| g.abs() < 1e-12)
                );
            } else {
                let what = format!("gradient of {name} in {}", case.config.activation_text());
                assert_close(&what, &gradient, &expected.values, 1e-4);
            }
        }
    }
}

#[test]
fn training_follows_pytorch() {
    for case in cases() {
        let mut trainer = Trainer::from_net(case.net("initial."), AdamW::new()).unwrap();
        for (step, expected) in case.file.get("losses").values.into_iter().enumerate() {
            let (pixels, labels) = case.batch(step);
            let loss = trainer.step(pixels, &labels).unwrap().loss;
            assert!((loss - expected).abs() <= 1e-3 * expected, "loss {loss} at step {step}, not {expected}");
        }

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("final.safetensors");
        trainer.net().save(&path).unwrap();
        let saved = std::fs::read(&path).unwrap();
        let saved = safetensors::SafeTensors::deserialize(&saved).unwrap();
        for (name, view) in saved.iter() {
            let expected = case.file.get(&format!("final.{name}"));
            assert_eq!(view.shape(), expected.shape, "{name}");
            let got = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
            for (got, expected) in got.zip(expected.values) {
                let difference = (f64::from(got) - expected).abs();
                assert!(difference <= 2e-3, "{name} differs by {difference} after training");
            }
        }

        let expected = case.file.get("eval.logits");
        let (images, _) = case.images(0, &Device::flex());
        let logits = values(trainer.net().valid().forward(images, &Pass::new()));
        let classes = case.config.classes;
        let best = |row: &[f64]| (0..classes).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
        for (got, expected) in logits.chunks(classes).zip(expected.values.chunks(classes)) {
            assert_eq!(best(&common::as_f64(got)), best(expected), "classes agree");
        }
        assert_close("logits", &logits, &expected.values, 2e-2);
    }
}

#[test]
fn parameters_are_the_papers() {
    let count = |channels, side, classes, text| {
        let config = ConvNetConfig::new(channels, side, classes).with_activation_text(text).unwrap();
        config.init(&Device::flex()).unwrap().parameters()
    };
    assert_eq!(count(1, 28, 10, "relu"), 391_370);
    assert_eq!(count(3, 32, 10, "relu"), 399_626);
    assert_eq!(count(1, 48, 7, "relu"), 404_935);
    assert_eq!(count(3, 32, 10, "adact"), 399_626 + 32);
    assert_eq!(count(3, 32, 10, "prelu+relu+prelu+mish"), 399_626 + 2);
}

/// A batch of images that are easy to tell apart: each class has its own stripe.
fn stripes(config: &ConvNetConfig, batch: usize, seed: u64) -> (Vec<f32>, Vec<i32>) {
    let (side, channels) = (config.side, config.channels);
    let labels: Vec<i32> = (0..batch).map(|i| (i % config.classes) as i32).collect();
    let mut pixels = normal(batch * side * side * channels, seed);
    for (image, label) in pixels.chunks_exact_mut(side * side * channels).zip(&labels) {
        image.iter_mut().for_each(|p| *p *= 0.3);
        let row = *label as usize * side / config.classes;
        image[row * side * channels..][..side * channels].iter_mut().for_each(|p| *p += 2.0);
    }
    (pixels, labels)
}

fn small() -> ConvNetConfig {
    ConvNetConfig::new(3, 18, 4).with_widths(vec![8, 16, 20]).with_seed(5)
}

fn train(config: &ConvNetConfig, steps: u64) -> Trainer {
    let mut trainer = Trainer::new(config, AdamW::new().with_lr(3e-3)).unwrap();
    for step in 0..steps {
        let (pixels, labels) = stripes(config, 8, step);
        trainer.step(pixels, &labels).unwrap();
    }
    trainer
}

fn bytes(net: &ConvNet) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    net.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn a_network_learns() {
    let config = small();
    let trainer = train(&config, 60);
    let (pixels, labels) = stripes(&config, 40, 1000);
    let evaluation = trainer.evaluate(pixels, &labels).unwrap();
    assert!(evaluation.correct >= 36, "{} of 40 right", evaluation.correct);
    let right = evaluation.predictions.iter().zip(&labels).filter(|(p, l)| **p == **l as usize).count();
    assert_eq!(right, evaluation.correct);
}

#[test]
fn a_seed_repeats_itself_and_other_seeds_differ() {
    let run = |seed| bytes(train(&small().with_seed(seed), 4).net());
    let first = run(5);
    assert!(first == run(5), "the same seed gives the same bits");
    assert!(first != run(6));
}

#[test]
fn threads_do_not_change_the_bits() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bytes(train(&small(), 3).net()))
    };
    let one = run(1);
    assert!(one == run(2) && one == run(4));
}

#[test]
fn variants_share_their_initial_weights() {
    let weights = |text: &str| {
        let net = small().with_activation_text(text).unwrap().init(&Device::flex()).unwrap();
        let kernels: Vec<_> = net.conv.iter().map(|conv| values(conv.weight.val())).collect();
        (kernels, values(net.fc.weight.val()), values(net.fc.bias.as_ref().unwrap().val()))
    };
    assert_eq!(weights("adact"), weights("relu"));
    assert_eq!(weights("adact"), weights("prelu+mish+elu"));
    // Kaiming uniform: within +-sqrt(6 / fan in), and filling it.
    let first = &weights("relu").0[0];
    let bound = (6.0f32 / 27.0).sqrt();
    let largest = first.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    assert!(largest <= bound && largest > 0.95 * bound, "{largest} of {bound}");
}

#[test]
fn a_saved_network_gives_the_same_logits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let net = train(&small(), 3).net().clone();
    net.save(&path).unwrap();
    let loaded = ConvNet::load(&path, &Device::flex()).unwrap();
    assert_eq!(loaded.config(), net.config());
    let (pixels, _) = stripes(&small(), 6, 9);
    assert_eq!(loaded.predict(pixels.clone()).unwrap(), net.predict(pixels).unwrap());
    assert!(bytes(&loaded) == bytes(&net));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside");
}

#[test]
fn a_resumed_training_goes_on_with_the_same_bits() {
    let config = small();
    let straight = train(&config, 6);
    let folder = tempfile::tempdir().unwrap();
    train(&config, 4).save_state(folder.path()).unwrap();
    let mut resumed: Trainer = Trainer::load_state(folder.path()).unwrap();
    assert_eq!(resumed.steps(), 4);
    for step in 4..6 {
        let (pixels, labels) = stripes(&config, 8, step);
        resumed.step(pixels, &labels).unwrap();
    }
    assert!(bytes(resumed.net()) == bytes(straight.net()));
    assert_eq!(resumed.net().mixtures(), straight.net().mixtures());
}

#[test]
fn the_optimized_network_has_the_choices() {
    let net = train(&small(), 30).net().clone();
    let choices: Vec<Activation> = net.mixtures().into_iter().map(|layer| layer.unwrap().choice).collect();
    let optimized = net.optimized();
    let expected: Vec<ActivationConfig> = choices.into_iter().map(ActivationConfig::from).collect();
    assert_eq!(optimized.activations, expected);
    assert_eq!(optimized.seed, net.config().seed);
    let optimized = optimized.init(&Device::flex()).unwrap();
    assert!(optimized.mixtures().iter().all(Option::is_none));
    assert_eq!(
        optimized.optimized(),
        *optimized.config(),
        "a network of single activations is its own optimum"
    );
}

#[test]
fn evaluation_is_free_of_chance_and_of_the_batch() {
    let trainer = train(&small(), 3);
    let (pixels, labels) = stripes(&small(), 6, 11);
    let whole = trainer.evaluate(pixels.clone(), &labels).unwrap();
    assert_eq!(whole, trainer.evaluate(pixels.clone(), &labels).unwrap());
    let size = pixels.len() / 6;
    let halves = [0, 3].map(|i| {
        trainer.evaluate(pixels[i * size..(i + 3) * size].to_vec(), &labels[i..i + 3]).unwrap().loss_sum
    });
    assert!((halves[0] + halves[1] - whole.loss_sum).abs() < 1e-5);
}

#[test]
fn bad_data_is_refused() {
    let config = small();
    let mut trainer = Trainer::new(&config, AdamW::new()).unwrap();
    let (pixels, labels) = stripes(&config, 4, 0);
    let before = bytes(trainer.net());
    let mut check = |pixels: Vec<f32>, labels: &[i32], kind, text: &str| {
        let error = trainer.step(pixels, labels).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(text), "{error}");
    };
    check(pixels[1..].to_vec(), &labels, ErrorKind::InvalidData, "no images of 3x18x18");
    check(vec![], &[], ErrorKind::InvalidData, "no images");
    check(pixels.clone(), &labels[1..], ErrorKind::InvalidData, "3 labels for 4 answers");
    check(pixels.clone(), &[0, 1, 4, 0], ErrorKind::InvalidData, "label 4 of answer 2");
    check(pixels.clone(), &[0, -1, 2, 0], ErrorKind::InvalidData, "label -1 of answer 1");
    let mut broken = pixels;
    broken[7] = f32::NAN;
    check(broken, &labels, ErrorKind::Diverged, "NaN at step 1");
    let after = bytes(trainer.net());
    // The running statistics have seen the batch; the weights have not.
    assert_eq!(before.len(), after.len());
    assert_eq!(trainer.steps(), 0);
}

#[test]
fn bad_configurations_are_refused() {
    let message = |config: ConvNetConfig| config.init(&Device::flex()).unwrap_err().to_string();
    assert!(message(ConvNetConfig::new(3, 15, 10)).contains("15 x 15 are too small for 4 blocks"));
    assert!(message(ConvNetConfig::new(0, 32, 10)).contains("a channel"));
    assert!(message(ConvNetConfig::new(3, 32, 10).with_activations(vec![])).contains("0 activations"));
    assert!(ConvNetConfig::new(1, 16, 2).init(&Device::flex()).is_ok());
    let optimizer = AdamW::new().with_lr(-1.0);
    assert!(Trainer::new(&small(), optimizer).unwrap_err().to_string().contains("learning rate"));
}

#[test]
fn bad_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let load = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = ConvNet::load(&path, &Device::flex()).unwrap_err();
        assert!(error.to_string().contains("net.safetensors") && error.is_input(), "{error}");
        error.kind()
    };
    let net = small().init(&Device::flex()).unwrap();
    let good = bytes(&net);
    assert_eq!(load(b""), ErrorKind::CorruptFile);
    assert_eq!(load(b"not a network at all"), ErrorKind::CorruptFile);
    assert_eq!(load(&good[..good.len() - 1]), ErrorKind::CorruptFile);
    assert_eq!(load(&good[..100]), ErrorKind::CorruptFile);
    assert_eq!(load(&[&good[..], b"x"].concat()), ErrorKind::CorruptFile);
    std::fs::write(&path, b"PK\x03\x04 a file of torch.save").unwrap();
    let pickled = ConvNet::load(&path, &Device::flex()).unwrap_err();
    assert!(pickled.to_string().contains("can't be read as a checkpoint of PyTorch"), "{pickled}");
    assert_eq!(pickled.kind(), ErrorKind::CorruptFile);
    let missing = ConvNet::load(folder.path().join("none"), &Device::flex()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::MissingFile);

    std::fs::write(&path, &good).unwrap();
    let other = |config: ConvNetConfig| {
        let error = config.load(&path, &Device::flex()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ModelMismatch);
        error.to_string()
    };
    let shape = other(ConvNetConfig { channels: 1, ..small() });
    assert!(shape.contains("conv.0.weight is [8, 3, 3, 3], not [8, 1, 3, 3]"), "{shape}");
    let missing = other(small().with_widths(vec![8, 16, 4, 4]));
    assert!(missing.contains("missing") || missing.contains("not ["), "{missing}");
    let large = other(small().with_widths(vec![8, 16, 1 << 20]));
    assert!(large.contains("too few"), "{large}");
    let larger = small().with_widths(vec![usize::MAX, 16, 20]).load(&path, &Device::flex()).unwrap_err();
    assert!(larger.to_string().contains("larger than any memory"), "{larger}");
    // Products that fit, whose sum does not.
    let wrapped = ConvNetConfig::new(1, 2, usize::MAX).with_widths(vec![1]).validate().unwrap_err();
    assert!(wrapped.to_string().contains("larger than any memory"), "{wrapped}");
    let extra = other(small().with_activation_text("relu").unwrap());
    assert!(extra.contains("it has no tensor act.0.prelu.weight"), "{extra}");
    assert_eq!(Trainer::<ConvNet>::load_state(folder.path()).unwrap_err().kind(), ErrorKind::MissingFile);
    std::fs::write(folder.path().join(adact::STATE_FILE), &good).unwrap();
    let state = Trainer::<ConvNet>::load_state(folder.path()).unwrap_err();
    assert!(state.to_string().contains("not the state of a training"), "{state}");
    Trainer::from_net(net.clone(), AdamW::new()).unwrap().save_state(folder.path()).unwrap();
    let weights = ConvNet::load(folder.path().join(adact::STATE_FILE), &Device::flex()).unwrap_err();
    assert!(
        weights.to_string().ends_with("is the state of a training, not the weights of a network"),
        "{weights}"
    );

    let nowhere = folder.path().join("no/folder/net.safetensors");
    let error = net.save(nowhere).unwrap_err();
    assert_eq!((error.kind(), error.is_input()), (ErrorKind::Write, false));
}
