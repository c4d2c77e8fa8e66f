//! The paper's network as a [`Learner`]: the trainer of the `adact` crate.

use std::path::Path;

use adact::{
    Activation, ActivationConfig, AdActConfig, AdamW, ConstantsConfig, ConvNet, ConvNetConfig, ErrorKind,
    Evaluate, Network as _, NetworkConfig, Trainer,
};
use adact_evidence::records::LayerWeights;
use burn::tensor::Device;

use crate::config::{Config, Model, Protocol};
use crate::error::{Error, Result};
use crate::images::Data;
use crate::learner::{Evaluation, Learner, Outcome};
use crate::variants::LAYERS;

/// A network with its initial weights, as the section `[train]` of `config` and the images ask for it.
///
/// # Errors
/// If the activations can't be used, or a file of initial weights is missing, broken or of another network.
pub fn network(config: &Config, data: &Data) -> Result<Network> {
    let train = config.train.clone().unwrap_or_default();
    let net = ConvNetConfig::new(data.train.channels, data.train.height, data.classes.len())
        .with_activations(activations(&train.activation, &config.model)?)
        .with_class_names(data.classes.clone())
        .with_seed(train.seed);
    let optimizer = optimizer(&config.protocol);
    let trainer = match &train.init {
        None => Trainer::new(&net, optimizer)?,
        Some(path) => Trainer::from_net(net.load(path, &Device::flex().autodiff())?, optimizer)?,
    };
    Ok(Network { trainer })
}

/// The activations that a text names, with the settings of `model`: its candidates are those of `adact` alone, a
/// mixture that lists its own keeps them.
pub fn activations(text: &str, model: &Model) -> Result<Vec<ActivationConfig>> {
    let constants = ConstantsConfig {
        prelu_slope: model.prelu_slope,
        negative_slope: model.leaky_relu_slope,
        elu_alpha: model.elu_alpha,
        rrelu_lower: model.rrelu[0],
        rrelu_upper: model.rrelu[1],
    };
    let mut adact = AdActConfig::new().with_candidates(model.candidates.clone());
    if !model.weights.is_empty() {
        adact = adact.with_initial_weights(model.weights.iter().map(|&w| w as f32).collect::<Vec<_>>());
    }
    let layers = ActivationConfig::parse_layers_with(text, LAYERS, &adact)?;
    Ok(layers.into_iter().map(|layer| layer.with_constants(constants)).collect())
}

fn optimizer(protocol: &Protocol) -> AdamW {
    let [beta1, beta2] = protocol.betas;
    AdamW { lr: protocol.lr, beta1, beta2, eps: protocol.eps, weight_decay: protocol.weight_decay }
}

/// The paper's network in training.
#[derive(Debug)]
pub struct Network {
    trainer: Trainer,
}

impl Learner for Network {
    fn step(&mut self, pixels: Vec<f32>, labels: &[i32], _: u64) -> Result<Outcome> {
        match self.trainer.step(pixels, labels) {
            Ok(step) => Ok(Outcome { loss: step.loss, correct: step.correct }),
            Err(error) if error.kind() == ErrorKind::Diverged => Ok(Outcome { loss: f64::NAN, correct: 0 }),
            Err(error) => Err(error.into()),
        }
    }

    fn evaluate(&mut self, pixels: Vec<f32>, labels: &[i32]) -> Result<Evaluation> {
        let evaluation = self.trainer.evaluate(pixels, labels)?;
        let answers = evaluation.predictions.into_iter().map(|class| class as u8).collect();
        Ok(Evaluation { loss_sum: evaluation.loss_sum, answers })
    }

    fn inputs(&mut self, pixels: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        Ok(self.trainer.net().activation_inputs(pixels)?)
    }

    fn layers(&self) -> Option<Vec<LayerWeights>> {
        let layers: Vec<_> = self.trainer.net().mixtures().into_iter().flatten().map(layer_weights).collect();
        if layers.is_empty() { None } else { Some(layers) }
    }

    fn activations(&self) -> Vec<String> {
        let name = |config: &ActivationConfig| match config {
            ActivationConfig::AdAct(_) => "adact".into(),
            single => single.to_string(),
        };
        self.trainer.net().config().activations.iter().map(name).collect()
    }

    fn parameters(&self) -> u64 {
        self.trainer.net().parameters() as u64
    }

    fn save(&self, path: &Path) -> Result<()> {
        Ok(self.trainer.net().save(path)?)
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        let net = ConvNet::load(path, &Device::flex().autodiff())?;
        self.trainer = Trainer::from_net(net, self.trainer.recipe().clone())?;
        Ok(())
    }

    fn save_state(&self, dir: &Path) -> Result<()> {
        Ok(self.trainer.save_state(dir)?)
    }

    fn load_state(&mut self, dir: &Path) -> Result<()> {
        self.trainer = Trainer::load_state(dir)?;
        Ok(())
    }
}

/// A mixture as records write it.
pub(crate) fn layer_weights(layer: adact::LayerMixture) -> LayerWeights {
    let names = || layer.candidates.iter().map(|a| a.name().to_owned()).collect();
    LayerWeights {
        candidates: if layer.candidates == Activation::PAPER { None } else { Some(names()) },
        choice: layer.choice.name().into(),
        prelu_slope: layer.prelu_slope,
        softmax: layer.softmax,
        w: layer.w,
    }
}

impl From<adact::Error> for Error {
    fn from(e: adact::Error) -> Self {
        if e.is_input() { Self::input(e.to_string()) } else { Self::failure(e.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Train;
    use crate::testing::{data, images};

    fn candidates(text: &str, model: &Model) -> Vec<Option<Vec<Activation>>> {
        let candidates = |layer| match layer {
            ActivationConfig::AdAct(adact) => Some(adact.candidates),
            ActivationConfig::Single(_) => None,
        };
        activations(text, model).unwrap().into_iter().map(candidates).collect()
    }

    #[test]
    fn listed_candidates_are_kept_whichever_they_are() {
        let two = vec![Activation::Relu, Activation::Tanh];
        let model = Model { candidates: two.clone(), weights: vec![0.5, -0.5], ..Model::default() };
        assert_eq!(candidates("adact", &model), vec![Some(two.clone()); 4]);
        let listed = "adact:relu,elu,leaky_relu,prelu,rrelu,silu,mish";
        assert_eq!(candidates(listed, &model), vec![Some(Activation::PAPER.to_vec()); 4]);
        let mixed = candidates(&format!("adact+{listed}+mish+adact:mish"), &model);
        assert_eq!(mixed, [Some(two), Some(Activation::PAPER.to_vec()), None, Some(vec![Activation::Mish])]);
        // The initial weights are for the model's candidates.
        for (layer, expected) in
            activations(&format!("adact+{listed}+relu+relu"), &model).unwrap().iter().zip([2, 0])
        {
            let ActivationConfig::AdAct(adact) = layer else { unreachable!() };
            assert_eq!(adact.initial_weights.as_ref().map_or(0, Vec::len), expected);
        }
    }

    #[test]
    fn every_activation_has_the_constants_of_the_model() {
        let model = Model { prelu_slope: 0.5, leaky_relu_slope: 0.2, ..Model::default() };
        for layer in activations("adact+adact:relu,prelu+prelu+leaky_relu", &model).unwrap() {
            let constants = match layer {
                ActivationConfig::AdAct(adact) => adact.constants,
                ActivationConfig::Single(single) => single.constants,
            };
            assert_eq!((constants.prelu_slope, constants.negative_slope), (0.5, 0.2));
        }
        assert_eq!(activations("adact", &Model::default()).unwrap(), vec![ActivationConfig::default(); 4]);
    }

    #[test]
    fn loaded_weights_are_trained_with_the_same_optimizer() {
        let mut config = Config {
            train: Some(Train { activation: "relu".into(), ..Train::default() }),
            ..Config::default()
        };
        config.protocol.lr = 0.05;
        config.protocol.weight_decay = 0.3;
        let data = data();
        let folder = tempfile::tempdir().unwrap();
        let (weights, after) = (folder.path().join("weights"), folder.path().join("after"));
        let batch = images(4);
        let step = |network: &mut Network| {
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            batch.batch(&[0, 1, 2, 3], &mut pixels, &mut labels);
            network.step(pixels, &labels, 1).unwrap();
            network.save(&after).unwrap();
            std::fs::read(&after).unwrap()
        };
        let mut fresh = network(&config, &data).unwrap();
        fresh.save(&weights).unwrap();
        let mut loaded = network(&config, &data).unwrap();
        step(&mut loaded);
        loaded.load(&weights).unwrap();
        assert!(step(&mut fresh) == step(&mut loaded), "another optimizer after loading");
    }

    #[test]
    fn the_names_of_the_classes_are_in_the_file() {
        let config = Config { train: Some(Train::default()), ..Config::default() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        network(&config, &data()).unwrap().save(&path).unwrap();
        let net = ConvNet::load(&path, &Device::flex()).unwrap();
        assert_eq!(net.config().class_names, data().classes);
    }
}
