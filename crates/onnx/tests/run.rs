//! `tract` answers to the exported files as the networks do.

mod common;

use adact::networks::{AnyConfig, AnyNetwork};
use adact::{ActivationConfig, AdActConfig, ConvNetConfig, Inputs, Network, NetworkConfig, Pass};
use adact_onnx::run::Session;
use adact_onnx::{Options, export};
use burn::tensor::Device;
use common::{gpt, image_networks};
use tract_onnx::prelude::{
    DatumType, Framework, InferenceFact, InferenceModelExt, IntoRunnable, Tensor, tvec,
};

/// The largest difference of a logit.
const TOLERANCE: f32 = 1e-4;
const ACTIVATIONS: [&str; 4] = ["adact", "adact:all", "prelu", "rrelu"];

fn network(config: &AnyConfig, activations: &str) -> AnyNetwork {
    let places = config.places().unwrap();
    let activations = ActivationConfig::parse_places(activations, &places, &AdActConfig::new()).unwrap();
    config.clone().with_activations(activations).init(&Device::flex()).unwrap()
}

fn logits(net: &AnyNetwork, inputs: impl Into<Inputs>) -> Vec<f32> {
    net.logits(inputs.into(), &Pass::new()).unwrap().into_data().iter::<f32>().collect()
}

fn assert_close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let most = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(most <= TOLERANCE, "{what}: {most}");
    assert!(ours.iter().any(|logit| logit.abs() > 1e-3), "{what}: logits that say something");
}

#[test]
fn networks_of_images() {
    for config in image_networks() {
        for activations in ACTIVATIONS {
            let net = network(&config, activations);
            for fold_batch_norm in [false, true] {
                let session = Session::read(&export(&net, &Options { fold_batch_norm })).unwrap();
                let [channels, side] = session.image();
                let image: Vec<f32> =
                    (0..channels * side * side).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
                let found = session.logits(&image).unwrap();
                assert_close(&logits(&net, image), &found, &format!("{} {activations}", config.name()));
                assert!(session.logits(&[0.0; 3]).is_err(), "an image of another size");
            }
        }
    }
}

#[test]
fn a_language_model() {
    for activations in ACTIVATIONS {
        let net = network(&gpt(), activations);
        let file = export(&net, &Options::default());
        let tokens: Vec<i32> = (0..8).map(|i| i * 7 % 20).collect();
        let ours = logits(&net, tokens.clone());
        for length in [1, 5, 8] {
            let graph = tract_onnx::onnx().model_for_read(&mut file.as_slice()).unwrap();
            let fact = InferenceFact::dt_shape(DatumType::I64, [1, length]);
            let graph =
                graph.with_input_fact(0, fact).unwrap().into_optimized().unwrap().into_runnable().unwrap();
            let wide: Vec<i64> = tokens[..length].iter().map(|&token| i64::from(token)).collect();
            let input = Tensor::from_shape(&[1, length], &wide).unwrap();
            let found = graph.run(tvec!(input.into())).unwrap();
            let found: Vec<f32> = found[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
            // a token knows those before it alone
            assert_close(&ours[..length * 20], &found, activations);
        }
        let error = Session::read(&file).unwrap_err().to_string();
        assert!(error.contains("language model"), "{error}");
    }
}

#[test]
fn other_files_are_refused() {
    assert!(Session::read(b"no file of ONNX").unwrap_err().to_string().contains("no ONNX file"));
    assert!(Session::read(b"").unwrap_err().to_string().contains("adact export"));
    let file = export(&network(&ConvNetConfig::new(1, 16, 3).into(), "relu"), &Options::default());
    assert!(Session::read(&file[..file.len() / 2]).is_err());
}
