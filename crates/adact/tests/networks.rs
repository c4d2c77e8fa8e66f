//! The networks beyond the paper's, against PyTorch's (`network_*.safetensors` in the folder that `ADACT_REFERENCE` names).

mod common;

use std::collections::BTreeMap;

use adact::networks::{AnyConfig, AnyNetwork, GptConfig, ResNetConfig, UNetConfig, VitConfig};
use adact::{ActivationConfig, AdActConfig, AdamW, Inputs, Network, NetworkConfig, Pass, Trainer, ops};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use common::{ReferenceFile, assert_close, values};

/// The small networks of the reference, without activations.
fn configs() -> [(&'static str, AnyConfig, &'static str); 4] {
    let vit = VitConfig { dim: 32, depth: 2, heads: 4, ..VitConfig::new(3, 16, 10) };
    let gpt = GptConfig { context: 24, dim: 32, depth: 2, heads: 4, ..GptConfig::new(65) };
    let resnet = ResNetConfig { n: 1, widths: vec![8, 16, 32], ..ResNetConfig::new(3, 20, 10) };
    let unet = UNetConfig { base: 8, levels: 3, ..UNetConfig::new(3, 24, 3) };
    [
        ("resnet", resnet.into(), "relu"),
        ("vit", vit.into(), "gelu"),
        ("gpt", gpt.into(), "gelu"),
        ("unet", unet.into(), "relu"),
    ]
}

struct Case {
    name: String,
    file: ReferenceFile,
    config: AnyConfig,
}

fn cases() -> Vec<Case> {
    let Some(folder) = std::env::var_os("ADACT_REFERENCE") else {
        eprintln!("skipped: ADACT_REFERENCE names no folder with PyTorch's values of the networks");
        return Vec::new();
    };
    let mean = 11.0 / 48.0;
    let mixture = ActivationConfig::from(AdActConfig::new().with_rrelu_bounds(mean, mean));
    let mut cases = Vec::new();
    for (network, config, base) in configs() {
        let places = config.places().unwrap().len();
        for (variant, activation) in [("base", base.parse().unwrap()), ("adact", mixture.clone())] {
            let name = format!("network_{network}_{variant}");
            let file = ReferenceFile::at(std::path::Path::new(&folder).join(format!("{name}.safetensors")));
            let config = config.clone().with_activations(vec![activation; places]);
            cases.push(Case { name, file, config });
        }
    }
    cases
}

impl Case {
    /// The network in its initial state, through a file as PyTorch writes it.
    fn net(&self) -> AnyNetwork {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torch.safetensors");
        self.file.write_state("initial.", &path);
        self.config.load(path, &Device::flex().autodiff()).unwrap()
    }

    /// The inputs of a step and the target of each row.
    fn batch(&self, step: usize) -> (Inputs, Vec<i32>) {
        let (x, y) = (self.file.get("batches.x"), self.file.get("batches.y"));
        let part = |values: &[f64]| values.chunks_exact(values.len() / 5).nth(step).unwrap().to_vec();
        let targets = part(&y.values).into_iter().map(|v| v as i32).collect();
        let inputs = match x.shape[1..] {
            [batch, channels, height, width] => {
                let pixels: Vec<f32> = part(&x.values).into_iter().map(|v| v as f32).collect();
                let pixels = TensorData::new(pixels, [batch, channels, height, width]);
                let pixels = Tensor::<4>::from_data(pixels, &Device::flex()).permute([0, 2, 3, 1]);
                Inputs::Values(values(pixels))
            }
            _ => Inputs::Tokens(part(&x.values).into_iter().map(|v| v as i32).collect()),
        };
        (inputs, targets)
    }
}

/// The gradients of a module by PyTorch's names, as the file of its weights has them.
fn gradients(net: &AnyNetwork, grads: &Gradients) -> BTreeMap<String, Vec<f32>> {
    struct Collect<'a> {
        path: Vec<(String, bool)>,
        grads: &'a Gradients,
        all: BTreeMap<String, Vec<f32>>,
    }
    impl ModuleVisitor for Collect<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            let counts = !container.starts_with("Enum:") && container != "Struct:AnyNetwork";
            self.path.push((name.into(), counts));
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = param.val().grad(self.grads) {
                let names = self.path.iter().filter(|(_, counts)| *counts).map(|(name, _)| name.as_str());
                self.all.insert(names.collect::<Vec<_>>().join("."), values(grad));
            }
        }
    }
    let mut collect = Collect { path: Vec::new(), grads, all: BTreeMap::new() };
    net.visit(&mut collect);
    collect.all
}

#[test]
fn the_first_gradients_are_pytorchs() {
    for case in cases() {
        let net = case.net();
        let (inputs, targets) = case.batch(0);
        let rows = targets.len();
        let logits = net.logits(inputs, &Pass::of_step(0, 0)).unwrap();
        let targets = Tensor::from_data(TensorData::new(targets, [rows]), &Device::flex().autodiff());
        let grads = ops::cross_entropy(logits, targets).backward();
        let got = gradients(&net, &grads);
        let expected: Vec<String> =
            case.file.names().into_iter().filter(|n| n.starts_with("grad.")).collect();
        assert_eq!(got.len(), expected.len(), "{}: {:?} {expected:?}", case.name, got.keys());
        for name in expected {
            let gradient = &got[name.strip_prefix("grad.").unwrap()];
            assert_close(&format!("{name} of {}", case.name), gradient, &case.file.get(&name).values, 1e-4);
        }
    }
}

#[test]
fn training_follows_pytorch() {
    for case in cases() {
        let mut trainer = Trainer::from_net(case.net(), AdamW::new()).unwrap();
        for (step, expected) in case.file.get("losses").values.into_iter().enumerate() {
            let (inputs, targets) = case.batch(step);
            let loss = trainer.step(inputs, &targets).unwrap().loss;
            let name = &case.name;
            assert!(
                (loss - expected).abs() <= 1e-3 * expected,
                "{name}: loss {loss} at {step}, not {expected}"
            );
        }

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("final.safetensors");
        trainer.net().save(&path).unwrap();
        let saved = std::fs::read(&path).unwrap();
        let saved = safetensors::SafeTensors::deserialize(&saved).unwrap();
        let finals = case.file.names().into_iter().filter(|name| name.starts_with("final."));
        let finals: Vec<_> = finals.filter(|name| !name.ends_with("num_batches_tracked")).collect();
        assert_eq!(saved.names().len(), finals.len(), "{}: all tensors and no other", case.name);
        for (name, view) in saved.iter() {
            let expected = case.file.get(&format!("final.{name}"));
            assert_eq!(view.shape(), expected.shape, "{name}");
            let got = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
            for (got, expected) in got.zip(expected.values) {
                let difference = (f64::from(got) - expected).abs();
                assert!(difference <= 2e-3, "{name} of {} differs by {difference}", case.name);
            }
        }

        let (inputs, _) = case.batch(0);
        let logits = trainer.net().valid().logits(inputs, &Pass::new()).unwrap();
        let mut expected = case.file.get("eval.logits");
        if let [batch, classes, height, width] = expected.shape[..] {
            let data = TensorData::new(expected.f32(), [batch, classes, height, width]);
            let rows = Tensor::<4>::from_data(data, &Device::flex()).permute([0, 2, 3, 1]);
            expected.values = common::as_f64(&values(rows));
        }
        assert_close(&format!("logits of {}", case.name), &values(logits), &expected.values, 1e-3);
    }
}

fn bytes(net: &AnyNetwork) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    net.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn threads_and_interruptions_do_not_change_the_bits() {
    for (name, config, _) in configs() {
        let places = config.places().unwrap().len();
        let config = config.with_activations(vec![ActivationConfig::default(); places]);
        let train = |trainer: &mut Trainer<AnyNetwork>, steps: std::ops::Range<u64>| {
            for step in steps {
                let (inputs, targets) = common::random_batch(&config, step);
                trainer.step(inputs, &targets).unwrap();
            }
        };
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut trainer = Trainer::new(&config, AdamW::new()).unwrap();
                train(&mut trainer, 0..3);
                bytes(trainer.net())
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3), "{name}: other bits with more threads");
        let folder = tempfile::tempdir().unwrap();
        let mut first = Trainer::new(&config, AdamW::new()).unwrap();
        train(&mut first, 0..2);
        first.save_state(folder.path()).unwrap();
        let mut second = Trainer::<AnyNetwork>::load_state(folder.path()).unwrap();
        train(&mut second, 2..3);
        assert!(one == bytes(second.net()), "{name}: other bits after an interruption");
        let path = folder.path().join("net.safetensors");
        second.net().save(&path).unwrap();
        let read = AnyNetwork::load_with(&path, &adact::Hints::default(), &Device::flex()).unwrap();
        assert_eq!(read.config(), &config);
        assert!(bytes(&read) == one, "{name}: other bits after reading");
    }
}

#[test]
fn places_have_pytorchs_paths() {
    let paths = |config: AnyConfig| config.places().unwrap();
    assert_eq!(paths(adact::ConvNetConfig::new(3, 32, 10).into()), ["act.0", "act.1", "act.2", "act.3"]);
    let resnet = paths(ResNetConfig::new(3, 32, 10).into());
    assert_eq!((resnet.len(), &resnet[0][..], &resnet[18][..]), (19, "act1", "layer3.2.act2"));
    let unet = paths(UNetConfig::new(3, 32, 2).into());
    assert_eq!((unet.len(), &unet[1][..], &unet[13][..]), (14, "down.0.act2", "dec.2.act2"));
    assert_eq!(paths(GptConfig::new(65).into())[3], "transformer.h.3.mlp.act");
}

#[test]
fn impossible_sizes_are_refused() {
    let refusal = |config: AnyConfig| config.init(&Device::flex()).unwrap_err().to_string();
    let vit = VitConfig::new(3, 32, 10);
    assert!(refusal(VitConfig { patch: 5, ..vit.clone() }.into()).contains("patches of 5 x 5 don't divide"));
    assert!(
        refusal(VitConfig { heads: 3, ..vit.clone() }.into()).contains("3 heads don't divide states of 128")
    );
    assert!(refusal(UNetConfig::new(3, 100, 2).into()).contains("4 levels don't halve images of 100 x 100"));
    assert!(refusal(VitConfig { depth: 2, ..vit }.into()).contains("has 2 places for an activation, and 6"));
    assert!(refusal(GptConfig { dim: usize::MAX, heads: 1, ..GptConfig::new(2) }.into()).contains("memory"));
    let wrong = Trainer::new(&AnyConfig::from(GptConfig::new(5)), AdamW::new()).unwrap();
    for (tokens, expected) in
        [(vec![0; 63], "63 tokens are no sequences of 64"), (vec![5; 64], "token 5 is none")]
    {
        let error = wrong.evaluate(tokens, &[0; 64]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
