//! Activations and mixtures in standard operators.

use adact::{Activation, ActivationConfig, ConstantsConfig};

use crate::graph::{Graph, Value};
use crate::proto::AttributeProto;

/// Where the channels of a place are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    /// Dimension 1 of images (batch, channels, height, width).
    Images,
    /// The last dimension.
    Last,
}

impl Channels {
    /// The shape in which so many numbers stand against a value.
    fn shape(self, numbers: usize) -> Vec<usize> {
        match self {
            Self::Images if numbers > 1 => vec![numbers, 1, 1],
            _ => vec![numbers],
        }
    }
}

impl Graph {
    /// What is at a place: one activation, or a mixture with what it learned as constants.
    pub fn activation(&mut self, x: &str, place: &str, channels: Channels) -> Value {
        match self.activation_at(place) {
            ActivationConfig::Single(single) => {
                let slope = format!("{place}.weight");
                self.curve(x, single.activation, &single.constants, &slope, channels)
            }
            ActivationConfig::AdAct(adact) => {
                let slope = format!("{place}.prelu.weight");
                let (w, _) = self.tensor(&format!("{place}.w"));
                let n = adact.candidates.len();
                let rows: Vec<Vec<f64>> = w.chunks_exact(n).map(|row| adact.gate.shares(row)).collect();
                let mut sum: Option<Value> = None;
                for (i, &candidate) in adact.candidates.iter().enumerate() {
                    let shares: Vec<f32> = rows.iter().map(|row| row[i] as f32).collect();
                    if shares.iter().all(|&share| share == 0.0) {
                        continue;
                    }
                    let y = self.curve(x, candidate, &adact.constants, &slope, channels);
                    let name = format!("{place}.share.{}", candidate.name());
                    let share = self.constant(&name, shares, &channels.shape(rows.len()));
                    let part = self.node("Mul", &[&y, &share], vec![]);
                    sum = Some(match sum {
                        Some(sum) => self.node("Add", &[&sum, &part], vec![]),
                        None => part,
                    });
                }
                sum.unwrap_or_else(|| x.to_owned())
            }
        }
    }

    fn curve(
        &mut self,
        x: &str,
        activation: Activation,
        constants: &ConstantsConfig,
        slope: &str,
        channels: Channels,
    ) -> Value {
        let alpha = |alpha: f64| vec![AttributeProto::float("alpha", alpha as f32)];
        match activation {
            Activation::Relu => self.node("Relu", &[x], vec![]),
            Activation::Elu => self.node("Elu", &[x], alpha(constants.elu_alpha)),
            Activation::LeakyRelu => self.node("LeakyRelu", &[x], alpha(constants.negative_slope)),
            Activation::Rrelu => {
                self.node("LeakyRelu", &[x], alpha((constants.rrelu_lower + constants.rrelu_upper) / 2.0))
            }
            Activation::Prelu => {
                let (slopes, _) = self.tensor(slope);
                let shape = channels.shape(slopes.len());
                let slopes = self.constant(slope, slopes, &shape);
                self.node("PRelu", &[x, &slopes], vec![])
            }
            Activation::Silu => {
                let gate = self.node("Sigmoid", &[x], vec![]);
                self.node("Mul", &[x, &gate], vec![])
            }
            Activation::Mish => self.node("Mish", &[x], vec![]),
            Activation::Gelu => {
                // x/2 (1 + erf(x / sqrt 2)); the operator Gelu is of a later opset.
                let scale = self.constant("gelu.scale", vec![std::f32::consts::FRAC_1_SQRT_2], &[1]);
                let (one, half) =
                    (self.constant("gelu.one", vec![1.0], &[1]), self.constant("gelu.half", vec![0.5], &[1]));
                let scaled = self.node("Mul", &[x, &scale], vec![]);
                let erf = self.node("Erf", &[&scaled], vec![]);
                let gate = self.node("Add", &[&erf, &one], vec![]);
                let gated = self.node("Mul", &[x, &gate], vec![]);
                self.node("Mul", &[&gated, &half], vec![])
            }
            Activation::Hardswish => self.node("HardSwish", &[x], vec![]),
            Activation::Tanh => self.node("Tanh", &[x], vec![]),
            Activation::Identity => self.node("Identity", &[x], vec![]),
            Activation::GeluTanh => {
                // x sigmoid(2 z), 2 z = x (a + b x^2) with a = 2 sqrt(2/pi); the operator Gelu is of a later opset.
                const SCALE: f32 = std::f32::consts::FRAC_2_SQRT_PI * std::f32::consts::SQRT_2;
                let square = self.node("Mul", &[x, x], vec![]);
                let cubic = self.scaled("gelu_tanh.cubic", &square, SCALE * 0.044_715);
                let inner = self.shifted("gelu_tanh.scale", &cubic, SCALE);
                let z = self.node("Mul", &[x, &inner], vec![]);
                let gate = self.node("Sigmoid", &[&z], vec![]);
                self.node("Mul", &[x, &gate], vec![])
            }
            Activation::Sigmoid => self.node("Sigmoid", &[x], vec![]),
            Activation::Softplus => self.node("Softplus", &[x], vec![]),
            Activation::Selu => {
                let gamma = AttributeProto::float("gamma", 1.050_701);
                self.node("Selu", &[x], vec![AttributeProto::float("alpha", 1.673_263_2), gamma])
            }
            Activation::Celu => self.node("Elu", &[x], alpha(1.0)),
            Activation::Relu6 => self.clip("relu6", x, 0.0, 6.0),
            Activation::Hardtanh => self.clip("hardtanh", x, -1.0, 1.0),
            Activation::Softsign => self.node("Softsign", &[x], vec![]),
            Activation::Logsigmoid => {
                let minus = self.node("Neg", &[x], vec![]);
                let softplus = self.node("Softplus", &[&minus], vec![]);
                self.node("Neg", &[&softplus], vec![])
            }
            Activation::Hardsigmoid => {
                let beta = AttributeProto::float("beta", 0.5);
                self.node("HardSigmoid", &[x], vec![AttributeProto::float("alpha", 1.0 / 6.0), beta])
            }
            Activation::Tanhshrink => {
                let tanh = self.node("Tanh", &[x], vec![]);
                self.node("Sub", &[x, &tanh], vec![])
            }
            Activation::Softshrink => {
                let inside = self.clip("softshrink", x, -0.5, 0.5);
                self.node("Sub", &[x, &inside], vec![])
            }
            Activation::Hardshrink => {
                let bias = AttributeProto::float("bias", 0.0);
                self.node("Shrink", &[x], vec![bias, AttributeProto::float("lambd", 0.5)])
            }
            Activation::SquaredRelu => self.squared_relu(x),
            Activation::StarRelu => {
                let square = self.squared_relu(x);
                let scaled = self.scaled("star_relu.scale", &square, 0.8944);
                self.shifted("star_relu.bias", &scaled, -0.4472)
            }
            Activation::Snake => {
                let sine = self.node("Sin", &[x], vec![]);
                let square = self.node("Mul", &[&sine, &sine], vec![]);
                self.node("Add", &[x, &square], vec![])
            }
            Activation::Sine => self.node("Sin", &[x], vec![]),
            Activation::Gaussian => {
                let square = self.node("Mul", &[x, x], vec![]);
                let minus = self.node("Neg", &[&square], vec![]);
                self.node("Exp", &[&minus], vec![])
            }
        }
    }

    /// `x` times a number.
    fn scaled(&mut self, name: &str, x: &str, factor: f32) -> Value {
        let factor = self.constant(name, vec![factor], &[1]);
        self.node("Mul", &[x, &factor], vec![])
    }

    /// `x` plus a number.
    fn shifted(&mut self, name: &str, x: &str, by: f32) -> Value {
        let by = self.constant(name, vec![by], &[1]);
        self.node("Add", &[x, &by], vec![])
    }

    fn clip(&mut self, name: &str, x: &str, low: f32, high: f32) -> Value {
        let low = self.constant(&format!("{name}.low"), vec![low], &[]);
        let high = self.constant(&format!("{name}.high"), vec![high], &[]);
        self.node("Clip", &[x, &low, &high], vec![])
    }

    fn squared_relu(&mut self, x: &str) -> Value {
        let above = self.node("Relu", &[x], vec![]);
        self.node("Mul", &[&above, &above], vec![])
    }
}
