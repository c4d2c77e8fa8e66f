//! Files are whole graphs of standard operators: every input is known before it is used, every constant has its size.
//! That a runtime answers as the networks do is tested with onnxruntime, in `crates/python/tests/test_export.py`.

mod common;

use std::collections::BTreeSet;

use adact::networks::AnyNetwork;
use adact::{ActivationConfig, AdActConfig, NetworkConfig};
use adact_onnx::proto::{FLOAT, GraphProto, ModelProto};
use adact_onnx::{OPSET, Options, export};
use burn::tensor::Device;
use common::{gpt, image_networks};
use prost::Message;

/// The operators that are used; all are ONNX's own, of opset 18 or before.
const OPERATORS: &str = "Add BatchNormalization Clip Concat Conv ConvTranspose Elu Erf Exp Expand Flatten Gather Gemm \
                         GlobalAveragePool HardSigmoid HardSwish Identity LayerNormalization LeakyRelu MatMul MaxPool Mish \
                         Mul Neg PRelu Relu Reshape Selu Shape Shrink Sigmoid Sin Slice Softmax Softplus Softsign Split Sub \
                         Tanh Transpose";

fn graph(net: &AnyNetwork, options: &Options) -> GraphProto {
    let model = ModelProto::decode(export(net, options).as_slice()).unwrap();
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, OPSET));
    model.graph.unwrap()
}

fn check(graph: &GraphProto) {
    let mut known: BTreeSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    for constant in &graph.initializer {
        assert!(known.insert(&constant.name), "{} is there twice", constant.name);
        let width = if constant.data_type == FLOAT { 4 } else { 8 };
        let size = constant.dims.iter().product::<i64>() as usize * width;
        assert_eq!(size, constant.raw_data.len(), "{}", constant.name);
    }
    for node in &graph.node {
        assert!(OPERATORS.split_whitespace().any(|op| op == node.op_type), "{}", node.op_type);
        for input in &node.input {
            assert!(known.contains(input.as_str()), "{} takes {input}, which is not known", node.name);
        }
        for output in &node.output {
            assert!(known.insert(output), "{output} is computed twice");
        }
    }
    assert!(known.contains(graph.output[0].name.as_str()));
    let used: BTreeSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
    let unused = graph.initializer.iter().find(|constant| !used.contains(&constant.name));
    assert!(unused.is_none(), "{:?} is of no use", unused.map(|constant| &constant.name));
}

#[test]
fn every_network_with_every_activation_is_a_whole_graph() {
    let all = "adact:all,celu";
    for config in image_networks().into_iter().chain([gpt()]) {
        for text in ["adact", all, "relu", "prelu", "rrelu", "gelu", "silu"] {
            let places = config.places().unwrap();
            let activations = ActivationConfig::parse_places(text, &places, &AdActConfig::new()).unwrap();
            let net = config.clone().with_activations(activations).init(&Device::flex()).unwrap();
            let plain = graph(&net, &Options::default());
            check(&plain);
            let folded = graph(&net, &Options { fold_batch_norm: true });
            check(&folded);
            let norms = |g: &GraphProto| g.node.iter().filter(|n| n.op_type == "BatchNormalization").count();
            assert_eq!((norms(&folded), plain.node.len() - folded.node.len()), (0, norms(&plain)), "{text}");
        }
    }
}
