//! A graph as it is built: nodes one after the other, with the network's tensors by PyTorch's names.

use std::collections::BTreeMap;

use adact::networks::AnyNetwork;
use adact::{ActivationConfig, Network, NetworkConfig, state_dict};
use burn::tensor::TensorData;

use crate::Options;
use crate::proto::{
    AttributeProto, Dimension, FLOAT, INT64, NodeProto, Size, TensorProto, TensorShapeProto, TensorTypeProto,
    TypeProto, ValueInfoProto,
};

/// PyTorch's eps of batch norm, which all networks have.
const BATCH_NORM_EPS: f32 = 1e-5;

/// Values are known by the names of the outputs that they are.
pub(crate) type Value = String;

pub(crate) struct Graph {
    pub options: Options,
    tensors: BTreeMap<String, TensorData>,
    activations: BTreeMap<String, ActivationConfig>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    count: usize,
}

impl Graph {
    /// The empty graph of a network.
    pub fn new(net: &AnyNetwork, options: Options) -> Self {
        let paths = net.places().into_iter().map(|place| place.path);
        let activations = paths.zip(net.config().activations().iter().cloned()).collect();
        Self {
            options,
            tensors: state_dict(net),
            activations,
            nodes: Vec::new(),
            initializers: Vec::new(),
            count: 0,
        }
    }

    pub fn finish(self) -> (Vec<NodeProto>, Vec<TensorProto>) {
        (self.nodes, self.initializers)
    }

    /// Adds a node with one output.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Value {
        self.nodes_out(op, inputs, attributes, 1).remove(0)
    }

    /// Adds a node with several outputs.
    pub fn nodes_out(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
        outputs: usize,
    ) -> Vec<Value> {
        self.count += 1;
        let name = format!("{op}_{}", self.count);
        let output: Vec<Value> = match outputs {
            1 => vec![name.clone()],
            n => (0..n).map(|i| format!("{name}_{i}")).collect(),
        };
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|input| (*input).to_owned()).collect(),
            output: output.clone(),
            name,
            op_type: op.into(),
            attribute: attributes,
        });
        output
    }

    /// Gives a value another name.
    pub fn rename(&mut self, value: &str, name: &str) {
        let names = self.nodes.iter_mut().flat_map(|node| node.output.iter_mut().chain(&mut node.input));
        names.filter(|known| *known == value).for_each(|known| *known = name.into());
    }

    /// The values and the shape of a tensor of the network.
    ///
    /// # Panics
    /// If the network has no such tensor: a mistake of this crate.
    pub fn tensor(&self, name: &str) -> (Vec<f32>, Vec<usize>) {
        let tensor = self.tensors.get(name).unwrap_or_else(|| panic!("the network has no tensor {name}"));
        (tensor.iter::<f32>().collect(), tensor.shape().to_vec())
    }

    /// Whether the network has a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The activation at a place.
    pub fn activation_at(&self, place: &str) -> ActivationConfig {
        self.activations.get(place).cloned().unwrap_or_default()
    }

    /// A tensor of the network as a constant under its own name.
    pub fn weight(&mut self, name: &str) -> Value {
        let (values, shape) = self.tensor(name);
        self.constant(name, values, &shape)
    }

    /// A constant; one of a name that is there already is that one.
    pub fn constant(&mut self, name: &str, values: Vec<f32>, shape: &[usize]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, FLOAT, bytes, shape)
    }

    /// Whole numbers as a constant.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, INT64, bytes, &[values.len()])
    }

    fn initializer(&mut self, name: &str, data_type: i32, raw_data: Vec<u8>, shape: &[usize]) -> Value {
        if !self.initializers.iter().any(|known| known.name == name) {
            let dims = shape.iter().map(|&size| size as i64).collect();
            self.initializers.push(TensorProto { dims, data_type, name: name.into(), raw_data });
        }
        name.into()
    }

    /// A convolution and, where it has one, its batch norm.
    pub fn conv(&mut self, x: &str, conv: &str, norm: Option<&str>, stride: usize, padding: usize) -> Value {
        let (mut weight, shape) = self.tensor(&format!("{conv}.weight"));
        let bias = format!("{conv}.bias");
        let mut offset = self.has(&bias).then(|| self.tensor(&bias).0);
        let folded = norm.filter(|_| self.options.fold_batch_norm);
        if let Some(norm) = folded {
            let [gain, shift, mean, var] = ["weight", "bias", "running_mean", "running_var"]
                .map(|part| self.tensor(&format!("{norm}.{part}")).0);
            let each = weight.len() / shape[0];
            let mut folded = Vec::with_capacity(shape[0]);
            for channel in 0..shape[0] {
                let scale = gain[channel] / (var[channel] + BATCH_NORM_EPS).sqrt();
                weight[channel * each..(channel + 1) * each].iter_mut().for_each(|w| *w *= scale);
                let before = offset.as_ref().map_or(0.0, |offset| offset[channel]);
                folded.push((before - mean[channel]) * scale + shift[channel]);
            }
            offset = Some(folded);
        }
        let weight = self.constant(&format!("{conv}.weight"), weight, &shape);
        let mut inputs = vec![x.to_owned(), weight];
        if let Some(offset) = offset {
            let channels = offset.len();
            inputs.push(self.constant(&bias, offset, &[channels]));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let (stride, padding) = (stride as i64, padding as i64);
        let y = self.node(
            "Conv",
            &inputs,
            vec![
                AttributeProto::ints("kernel_shape", &[shape[2] as i64, shape[3] as i64]),
                AttributeProto::ints("pads", &[padding; 4]),
                AttributeProto::ints("strides", &[stride; 2]),
            ],
        );
        match norm {
            Some(norm) if folded.is_none() => self.batch_norm(&y, norm),
            _ => y,
        }
    }

    fn batch_norm(&mut self, x: &str, norm: &str) -> Value {
        let parts = ["weight", "bias", "running_mean", "running_var"];
        let parts = parts.map(|part| self.weight(&format!("{norm}.{part}")));
        let [gain, shift, mean, var] = parts.each_ref().map(String::as_str);
        let eps = AttributeProto::float("epsilon", BATCH_NORM_EPS);
        self.node("BatchNormalization", &[x, gain, shift, mean, var], vec![eps])
    }

    /// A linear layer over the last dimension of three.
    pub fn linear(&mut self, x: &str, name: &str) -> Value {
        let (values, shape) = self.tensor(&format!("{name}.weight"));
        let [outputs, inputs] = [shape[0], shape[1]];
        let transposed = (0..inputs * outputs).map(|i| values[i % outputs * inputs + i / outputs]).collect();
        let weight = self.constant(&format!("{name}.weight"), transposed, &[inputs, outputs]);
        let product = self.node("MatMul", &[x, &weight], vec![]);
        let bias = self.weight(&format!("{name}.bias"));
        self.node("Add", &[&product, &bias], vec![])
    }

    /// A linear layer over rows.
    pub fn linear_of_rows(&mut self, x: &str, name: &str) -> Value {
        let (weight, bias) = (self.weight(&format!("{name}.weight")), self.weight(&format!("{name}.bias")));
        self.node("Gemm", &[x, &weight, &bias], vec![AttributeProto::int("transB", 1)])
    }

    /// Layer norm over the last dimension.
    pub fn layer_norm(&mut self, x: &str, name: &str, eps: f32) -> Value {
        let (weight, bias) = (self.weight(&format!("{name}.weight")), self.weight(&format!("{name}.bias")));
        let attributes = vec![AttributeProto::int("axis", -1), AttributeProto::float("epsilon", eps)];
        self.node("LayerNormalization", &[x, &weight, &bias], attributes)
    }

    /// The largest of each 2 x 2.
    pub fn max_pool(&mut self, x: &str) -> Value {
        let two = |name: &str| AttributeProto::ints(name, &[2, 2]);
        self.node("MaxPool", &[x], vec![two("kernel_shape"), two("strides")])
    }

    /// The same values in another shape, in which 0 keeps a size and -1 is what is left.
    pub fn reshape(&mut self, x: &str, shape: &[i64]) -> Value {
        let name = shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        let shape = self.integers(&format!("shape_{name}"), shape);
        self.node("Reshape", &[x, &shape], vec![])
    }

    /// The dimensions in another order.
    pub fn transpose(&mut self, x: &str, order: &[i64]) -> Value {
        self.node("Transpose", &[x], vec![AttributeProto::ints("perm", order)])
    }

    /// Values one after the other.
    pub fn concat(&mut self, values: &[&str], axis: i64) -> Value {
        self.node("Concat", values, vec![AttributeProto::int("axis", axis)])
    }

    /// One size of a value, as a tensor with one element.
    pub fn size(&mut self, x: &str, dimension: i64) -> Value {
        let range = vec![AttributeProto::int("start", dimension), AttributeProto::int("end", dimension + 1)];
        self.node("Shape", &[x], range)
    }
}

/// A size that is known, or the name of one that is open.
#[derive(Clone, Debug)]
pub(crate) enum Open {
    Known(usize),
    Named(&'static str),
}

impl From<usize> for Open {
    fn from(size: usize) -> Self {
        Self::Known(size)
    }
}

impl From<&'static str> for Open {
    fn from(name: &'static str) -> Self {
        Self::Named(name)
    }
}

/// An input or an output.
pub(crate) fn value(name: &str, elem_type: i32, sizes: &[Open]) -> ValueInfoProto {
    let dim = sizes.iter().map(|size| {
        let size = match size {
            Open::Known(size) => Size::Value(*size as i64),
            Open::Named(name) => Size::Named((*name).into()),
        };
        Dimension { size: Some(size) }
    });
    let shape = Some(TensorShapeProto { dim: dim.collect() });
    let tensor_type = Some(TensorTypeProto { elem_type, shape });
    ValueInfoProto { name: name.into(), kind: Some(TypeProto { tensor_type }) }
}
