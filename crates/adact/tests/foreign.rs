//! Weights that other programs wrote, and what is said of files that can't be read.

#[path = "common/files.rs"]
mod files;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use adact::networks::AnyNetwork;
use adact::{ConvNet, ConvNetConfig, Error, ErrorKind, Evaluate, Hints, Network, NetworkConfig};
use burn::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Tensors of `f32` by name, to be changed and written as another program would.
#[derive(Clone)]
struct Weights(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Weights {
    /// Those of a new network.
    fn of(config: &ConvNetConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.safetensors");
        config.init(&Device::flex()).unwrap().save(&path).unwrap();
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.iter().map(|(name, view)| {
            let values = view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            (name.to_string(), (view.shape().to_vec(), values))
        });
        Self(tensors.collect())
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn set(&mut self, name: &str, shape: &[usize]) {
        self.0.insert(name.into(), (shape.to_vec(), vec![0.5; shape.iter().product()]));
    }

    fn rename(&mut self, rename: impl Fn(&str) -> String) {
        self.0 =
            std::mem::take(&mut self.0).into_iter().map(|(name, tensor)| (rename(&name), tensor)).collect();
    }

    fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("torch.safetensors");
        let bytes: Vec<Vec<u8>> = self
            .0
            .values()
            .map(|(_, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect())
            .collect();
        let views = self.0.iter().zip(&bytes).map(|((name, (shape, _)), bytes)| {
            (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
        });
        safetensors::serialize_to_file(views, None, &path).unwrap();
        path
    }

    fn load(&self, hints: &Hints) -> Result<ConvNet, Error> {
        let folder = tempfile::tempdir().unwrap();
        ConvNet::load_with(self.write(folder.path()), hints, &Device::flex())
    }

    fn refusal(&self, hints: &Hints) -> (ErrorKind, String) {
        let error = self.load(hints).unwrap_err();
        let message = error.to_string();
        assert!(
            error.is_input() && message.contains("torch.safetensors") && !message.contains('\n'),
            "{message}"
        );
        (error.kind(), message)
    }
}

fn config(text: &str) -> ConvNetConfig {
    ConvNetConfig::new(3, 18, 4).with_widths(vec![8, 6]).with_activation_text(text).unwrap()
}

fn shape() -> Hints {
    Hints::default().with_shape(3, 18)
}

fn logits(net: &ConvNet) -> Vec<Vec<f32>> {
    let config = net.config();
    let size = config.channels * config.side * config.side;
    net.predict((0..2 * size).map(|i| (i % 17) as f32 / 8.0 - 1.0).collect::<Vec<f32>>()).unwrap()
}

#[test]
fn half_and_double_precision_and_wrapped_names_are_read() {
    let folder = tempfile::tempdir().unwrap();
    files::write_valid(folder.path());
    let own = ConvNet::load(folder.path().join(files::WEIGHTS_FILE), &Device::flex()).unwrap();
    for (name, dtype, _) in files::FOREIGN_FILES {
        let net = ConvNet::load_with(folder.path().join(name), &files::hints(), &Device::flex()).unwrap();
        assert_eq!(net.config(), own.config(), "{name}");
        let tolerance = match dtype {
            "F16" => 1e-3,
            "BF16" => 1e-2,
            _ => 0.0,
        };
        for (got, want) in logits(&net).concat().iter().zip(logits(&own).concat()) {
            assert!((got - want).abs() <= tolerance, "{name}: {got}, not {want}");
        }
        // A given configuration reads them as well, as `train --init` does.
        let given = own.config().load(folder.path().join(name), &Device::flex()).unwrap();
        assert_eq!(logits(&given), logits(&net));
    }
}

#[test]
fn every_half_precision_number_is_widened_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.safetensors");
    let config = ConvNetConfig::new(1, 2, 64).with_widths(vec![1024]).with_activation_text("relu").unwrap();
    let mut tensors = Weights::of(&config).0;
    assert_eq!(tensors.remove("fc.weight").unwrap().0, [64, 1024]);
    let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    type Widen = fn(u16) -> f32;
    let widened: [(Dtype, Widen); 2] = [
        (Dtype::BF16, |bits| f32::from_bits(u32::from(bits) << 16)),
        (Dtype::F16, |bits| {
            let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
            let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023) / 1024.0);
            sign * match exponent {
                0 => mantissa * 2f32.powi(-14),
                31 if mantissa == 0.0 => f32::INFINITY,
                31 => f32::NAN,
                e => (1.0 + mantissa) * 2f32.powi(e - 15),
            }
        }),
    ];
    for (dtype, value) in widened {
        let others: Vec<_> = tensors
            .iter()
            .map(|(name, (shape, values))| {
                (name, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
            })
            .collect();
        let mut views: Vec<_> = others
            .iter()
            .map(|(name, shape, bytes)| {
                (name.as_str(), TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap())
            })
            .collect();
        views.push(("fc.weight", TensorView::new(dtype, vec![64, 1024], &all).unwrap()));
        safetensors::serialize_to_file(views, None, &path).unwrap();
        let net = config.load(&path, &Device::flex()).unwrap();
        let read: Vec<f32> = net.fc.weight.val().into_data().iter::<f32>().collect();
        for (bits, read) in (0..=u16::MAX).zip(read) {
            let want = value(bits);
            assert!(
                read.to_bits() == want.to_bits() || read.is_nan() && want.is_nan(),
                "{dtype:?} {bits:#06x}"
            );
        }
    }
}

#[test]
fn a_double_that_float32_cannot_hold_and_other_types_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("torch.safetensors");
    let refusal = |dtype: Dtype, bytes: &[u8]| {
        let view = TensorView::new(dtype, vec![1], bytes).unwrap();
        safetensors::serialize_to_file([("fc.bias", view)], None, &path).unwrap();
        let error = ConvNet::load(&path, &Device::flex()).unwrap_err();
        assert!(error.is_input() && error.kind() == ErrorKind::ModelMismatch);
        error.to_string()
    };
    let double = refusal(Dtype::F64, &1e300f64.to_le_bytes());
    assert!(
        double.ends_with("torch.safetensors: tensor fc.bias holds 1e300, too large for float32"),
        "{double}"
    );
    for (dtype, bytes) in [(Dtype::I8, vec![1]), (Dtype::F8_E4M3, vec![1]), (Dtype::I64, vec![0; 8])] {
        let message = refusal(dtype, &bytes);
        let expected = format!("tensor fc.bias is of type {dtype:?}: give weights of float32, float16");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn wrappers_are_taken_off_at_any_depth() {
    let weights = Weights::of(&config("mish"));
    let expected = logits(&weights.load(&shape().with_activation("mish")).unwrap());
    let renames: [fn(&str) -> String; 5] = [
        |name| format!("module.{name}"),
        |name| format!("_orig_mod.{name}"),
        |name| format!("module._orig_mod.{name}"),
        |name| format!("_orig_mod.module.module.{name}"),
        |name| name.replacen('.', "._orig_mod.", 1),
    ];
    for rename in renames {
        let mut wrapped = weights.clone();
        wrapped.rename(rename);
        wrapped.0.insert("n_averaged".into(), (vec![], vec![3.0]));
        wrapped.0.insert("module.norm.1.num_batches_tracked".into(), (vec![], vec![9.0]));
        let net = wrapped.load(&shape().with_activation("mish")).unwrap();
        assert_eq!(logits(&net), expected, "{:?}", wrapped.names());
    }
    let mut twice = weights.clone();
    twice.set("module.fc.bias", &[4]);
    let (_, message) = twice.refusal(&shape());
    assert!(message.contains("holds the tensor fc.bias twice, once as module.fc.bias"), "{message}");
    let mut other = weights;
    other.rename(|name| format!("net.{name}"));
    let (kind, message) = other.refusal(&shape());
    assert_eq!(kind, ErrorKind::ModelMismatch);
    assert!(message.contains("conv.0.weight is missing (there is net.conv.0.weight: "), "{message}");
}

#[test]
fn what_the_tensors_tell_needs_no_hint() {
    for text in ["adact", "prelu", "adact+prelu"] {
        let weights = Weights::of(&config(text));
        assert_eq!(*weights.load(&shape()).unwrap().config(), config(text));
        let (kind, message) = weights.refusal(&Hints::default());
        assert_eq!(kind, ErrorKind::Undetermined);
        assert!(message.ends_with("leave open the shape of its images (3x16x16 to 3x19x19)"), "{message}");
    }
    let weights = Weights::of(&config("prelu+mish"));
    let (kind, message) = weights.refusal(&Hints::default());
    assert_eq!(kind, ErrorKind::Undetermined);
    let expected = "the shape of its images (3x16x16 to 3x19x19) and the activation of layer 2";
    assert!(message.ends_with(expected), "{message}");
    let message = Weights::of(&config("mish")).refusal(&shape()).1;
    assert!(message.ends_with("leave open the activations of layers 1, 2"), "{message}");
    let net = weights.load(&shape().with_activation("prelu+mish")).unwrap();
    assert_eq!(*net.config(), config("prelu+mish"));
    // Other candidates are as many weights; only a hint tells which they are.
    let own = config("adact:relu,tanh");
    let weights = Weights::of(&own);
    assert_eq!(weights.refusal(&shape()).0, ErrorKind::Undetermined);
    assert_eq!(*weights.load(&shape().with_activation("adact:relu,tanh")).unwrap().config(), own);
}

#[test]
fn files_of_other_networks_are_refused_in_one_sentence() {
    let check = |change: &dyn Fn(&mut Weights), hints: Hints, expected: &str| {
        let mut weights = Weights::of(&config("mish+prelu"));
        change(&mut weights);
        let (kind, message) = weights.refusal(&hints);
        assert_ne!(kind, ErrorKind::Undetermined, "{message}");
        assert!(message.contains(expected), "{message}");
    };
    let known = || shape().with_activation("mish+prelu");
    let same = |_: &mut Weights| {};
    check(
        &same,
        Hints::default().with_shape(1, 18),
        "its tensors are for images of 3x16x16 to 3x19x19, not 1x18x18",
    );
    check(&same, Hints::default().with_shape(3, 32), "images of 3x16x16 to 3x19x19, not 3x32x32");
    check(&same, shape().with_activation("rleu"), "relu");
    check(&same, shape().with_activation("relu+elu+mish"), "has 2 blocks: ");
    check(&same, shape().with_activation("mish"), "it has no tensor act.1.weight");
    check(&same, shape().with_activation("prelu"), "tensor act.0.weight is missing");
    check(&|w| drop(w.0.remove("conv.0.bias")), known(), "tensor conv.0.bias is missing");
    check(&|w| w.set("conv.0.bias", &[7]), known(), "tensor conv.0.bias is [7], not [8]");
    check(&|w| w.set("norm.1.running_var", &[6, 1]), known(), "tensor norm.1.running_var is [6, 1], not [6]");
    check(
        &|w| w.set("conv.1.weight", &[6, 8, 5, 5]),
        known(),
        "tensor conv.1.weight is [6, 8, 5, 5], not [6, 8, 3, 3]",
    );
    check(
        &|w| w.set("conv.1.weight", &[6, 8]),
        known(),
        "tensor conv.1.weight is [6, 8], not (out channels, ",
    );
    check(&|w| w.set("fc.weight", &[96]), known(), "tensor fc.weight is [96], not (classes, inputs)");
    check(
        &|w| w.set("fc.weight", &[4, 95]),
        known(),
        "the 95 inputs of fc.weight are no square image of 6 channels",
    );
    check(&|w| w.set("head.weight", &[2]), known(), "it has no tensor head.weight");
    check(&|w| drop(w.0.remove("fc.weight")), known(), "tensor fc.weight is missing");
    check(&|w| w.0.clear(), known(), "tensor conv.0.weight is missing");
    let slopes = "has 6 slopes: PReLU with one slope per channel is not supported, only with one for all";
    check(&|w| w.set("act.1.weight", &[6]), known(), &format!("tensor act.1.weight {slopes}"));
    check(&|w| w.set("act.1.weight", &[6]), shape().with_activation("prelu"), "act.0.weight is missing");

    let mut mixture = Weights::of(&config("adact"));
    mixture.set("act.1.prelu.weight", &[6]);
    assert!(mixture.refusal(&shape()).1.contains(&format!("tensor act.1.prelu.weight {slopes}")));
    let folder = tempfile::tempdir().unwrap();
    let error = config("adact").load(mixture.write(folder.path()), &Device::flex()).unwrap_err();
    assert!(error.to_string().contains(slopes), "{error}");
}

#[test]
fn hints_that_contradict_our_own_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    config("mish+elu").init(&Device::flex()).unwrap().save(&path).unwrap();
    let load = |hints: Hints| ConvNet::load_with(&path, &hints, &Device::flex());
    assert!(load(shape().with_activation("mish+elu")).is_ok());
    for (hints, expected) in [
        (Hints::default().with_shape(3, 17), "is of a network for images of 3x18x18, not 3x17x17"),
        (Hints::default().with_activation("mish"), "is of a network with mish+elu, not mish"),
    ] {
        let error = load(hints).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ModelMismatch);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn the_network_of_another_program_is_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spirals.safetensors");
    let values = [0; 8];
    let view = TensorView::new(Dtype::F32, vec![2], &values).unwrap();
    let metadata =
        HashMap::from([("adact".to_string(), r#"{"hidden":16,"activations":["relu"],"seed":0}"#.into())]);
    safetensors::serialize_to_file([("hidden.bias", view)], Some(metadata), &path).unwrap();
    let error = AnyNetwork::load_with(&path, &Hints::default(), &Device::flex()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelMismatch);
    let message = error.to_string();
    assert!(
        message.contains("spirals.safetensors holds a network that is not among convnet, resnet, vit"),
        "{message}"
    );
}

#[test]
fn class_names_are_kept_by_files() {
    let names = ["cat", "dog", "猫", "x\ny"].map(String::from);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let plain = config("mish");
    let named = plain.clone().with_class_names(names.clone());
    named.init(&Device::flex()).unwrap().save(&path).unwrap();
    let net = ConvNet::load(&path, &Device::flex()).unwrap();
    assert_eq!(net.config().class_names, names);
    assert_eq!(net.optimized().class_names, names);
    // The names change no weight.
    let with: Vec<u8> = std::fs::read(&path).unwrap();
    plain.init(&Device::flex()).unwrap().save(&path).unwrap();
    let without: Vec<u8> = std::fs::read(&path).unwrap();
    let tensors =
        |file: &[u8]| file[8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize..].to_vec();
    assert!(tensors(&with) == tensors(&without));
    // A file from before there were names.
    assert!(!String::from_utf8_lossy(&without).contains("class_names"));
    assert!(ConvNet::load(&path, &Device::flex()).unwrap().config().class_names.is_empty());
    let few = plain.with_class_names(["cat".to_string()]).validate().unwrap_err();
    assert_eq!(few.to_string(), "a network of 4 classes needs 4 names, not 1");
}

/// What `load_state_dict(strict=True)` of the network in PyTorch asks for, but for counters.
#[test]
fn names_and_shapes_are_pytorchs() {
    let weights =
        Weights::of(&ConvNetConfig::new(3, 32, 10).with_activation_text("adact+prelu+relu+mish").unwrap());
    let mut expected: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, [input, out]) in [[3, 32], [32, 64], [64, 128], [128, 256]].into_iter().enumerate() {
        expected.insert(format!("conv.{i}.weight"), vec![out, input, 3, 3]);
        expected.insert(format!("conv.{i}.bias"), vec![out]);
        for name in ["weight", "bias", "running_mean", "running_var"] {
            expected.insert(format!("norm.{i}.{name}"), vec![out]);
        }
    }
    expected.insert("act.0.w".into(), vec![7]);
    expected.insert("act.0.prelu.weight".into(), vec![1]);
    expected.insert("act.1.weight".into(), vec![1]);
    expected.insert("fc.weight".into(), vec![10, 1024]);
    expected.insert("fc.bias".into(), vec![10]);
    let got: BTreeMap<String, Vec<usize>> =
        weights.0.into_iter().map(|(name, (shape, _))| (name, shape)).collect();
    assert_eq!(got, expected);
}
