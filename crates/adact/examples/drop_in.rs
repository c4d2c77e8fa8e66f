//! AdAct in a network of one's own: two spirals, told apart by a small fully connected network.
//!
//! Run: cargo run --release -p adact --example drop_in

use adact::random::{Purpose, Stream};
use adact::{AdAct, AdActConfig, AdamW, ops};
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// A network as anyone writes it with Burn; only the activations are AdAct.
#[derive(Module, Debug)]
struct Spirals {
    layers: Vec<Linear>,
    acts: Vec<AdAct>,
    output: Linear,
}

impl Spirals {
    fn new(device: &Device) -> Self {
        let sizes = [(2, 32), (32, 32)];
        Self {
            layers: sizes.map(|(inputs, outputs)| LinearConfig::new(inputs, outputs).init(device)).into(),
            acts: sizes.map(|_| AdActConfig::new().init(device)).into(),
            output: LinearConfig::new(32, 2).init(device),
        }
    }

    fn forward(&self, points: Tensor<2>) -> Tensor<2> {
        let layers = self.layers.iter().zip(&self.acts);
        self.output.forward(layers.fold(points, |x, (linear, act)| act.forward(linear.forward(x))))
    }
}

/// Points on two spirals, one and a half turns each, with a little noise; and the spiral of each.
fn points(count: usize, step: u64, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let stream = Stream::new(0, Purpose::Synthetic, step);
    let (mut positions, mut spirals) = (Vec::new(), Vec::new());
    for i in 0..count as u64 {
        let spiral = (i % 2) as i32;
        let radius = stream.uniform(4 * i).sqrt();
        let angle = 3.0 * std::f64::consts::PI * radius + f64::from(spiral) * std::f64::consts::PI;
        let noise = |place| 0.02 * stream.normal(2 * count as u64 + 2 * i + place);
        positions
            .extend([radius * angle.cos() + noise(0), radius * angle.sin() + noise(1)].map(|v| v as f32));
        spirals.push(spiral);
    }
    (
        Tensor::from_data(TensorData::new(positions, [count, 2]), device),
        Tensor::from_data(TensorData::new(spirals, [count]), device),
    )
}

/// The share of new points that the network tells right.
fn accuracy(model: &Spirals) -> f64 {
    let device = Device::flex();
    let (x, labels) = points(2000, u64::MAX, &device);
    let right = model.valid().forward(x).argmax(1).flatten::<1>(0, 1).equal(labels);
    right.int().sum().into_scalar::<i64>() as f64 / 2000.0
}

fn main() {
    let device = Device::flex().autodiff();
    device.seed(0);
    let mut model = Spirals::new(&device);
    println!("{} parameters, {} of them AdAct's", model.num_params(), model.acts.num_params());
    println!("before training: {:.1}% right", 100.0 * accuracy(&model));

    let mut optimizer = AdamW::new().init();
    for step in 0..1500 {
        let (x, labels) = points(256, step, &device);
        let loss = ops::cross_entropy(model.forward(x), labels);
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(5e-3, model, grads);
    }

    println!("after 1500 steps: {:.1}% right", 100.0 * accuracy(&model));
    for (layer, act) in model.acts.iter().enumerate() {
        let shares: Vec<_> =
            act.layer_mixture().ranking().iter().map(|(name, share)| format!("{name} {share:.2}")).collect();
        println!("layer {} chooses {}: {}", layer + 1, act.choice(), shares.join(", "));
    }
}
