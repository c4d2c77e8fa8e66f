//! Networks as [`Learner`]s: the trainer of the `adact` crate.

use std::path::Path;

use adact::networks::{AnyConfig, AnyNetwork};
use adact::{
    Activation, ActivationConfig, AdActConfig, ConstantsConfig, ErrorKind, Evaluate, Inputs,
    Network as Module, NetworkConfig, Place, Recipe, Sampling, Search, StepResult, Trainer, generate,
    with_choices,
};
use adact_data::Task;
use adact_evidence::names::PAPERS_NETWORK;
use adact_evidence::records::{LayerWeights, Picture, PictureSample, Samples, TextSample};
use burn::tensor::Device;

use crate::config::{Activations, Config, Curve};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::learner::{Evaluation, Learner, Outcome};
use crate::parts::Part;

/// A network with its initial weights, as the sections `[network]` and `[train]` of `config` and the data ask for it.
///
/// # Errors
/// If the network can't take the data, the activations can't be used, or a file of initial weights is missing, broken or
/// of another network.
pub fn network(config: &Config, data: &Data) -> Result<NetworkLearner> {
    begin(named(config, data)?, config, data)
}

/// A network of one's own with its initial weights: see [`study_of`](crate::study::study_of).
///
/// # Errors
/// As [`network()`].
pub(crate) fn own_network<C: NetworkConfig>(
    net: &C,
    config: &Config,
    data: &Data,
) -> Result<NetworkLearner<C::Network>> {
    begin(net.clone(), config, data)
}

/// The network that the options name, of the sizes and classes of the data.
fn named(config: &Config, data: &Data) -> Result<AnyConfig> {
    let mut net = config.network.config(data.shape())?;
    let names = data.classes.clone();
    match &mut net {
        AnyConfig::ConvNet(net) => net.class_names = names,
        AnyConfig::ResNet(net) => net.class_names = names,
        AnyConfig::Vit(net) => net.class_names = names,
        AnyConfig::UNet(net) => net.class_names = names,
        AnyConfig::Gpt(net) => {
            net.vocabulary = names.iter().filter_map(|name| name.chars().next()).collect();
        }
    }
    Ok(net)
}

/// A network with the seed, the activations, the recipe and the initial weights that the options ask for.
fn begin<C: NetworkConfig>(net: C, config: &Config, data: &Data) -> Result<NetworkLearner<C::Network>> {
    let train = config.train.clone().unwrap_or_default();
    let activations = activations(&train.activation, &net.places()?, &config.model)?;
    let activations = with_curves(activations, &train.curves)?;
    let search = config.search(data)?;
    let net = net.with_seed(train.seed).with_activations(search.activations(&activations));
    let recipe = Recipe { search, ..config.protocol.recipe(config.protocol.all_steps(&data.train)) };
    let trainer = match &train.init {
        None => Trainer::new(&net, recipe)?,
        Some(path) => Trainer::from_net(net.load(path, &Device::flex().autodiff())?, recipe)?,
    };
    Ok(NetworkLearner { trainer, name: config.network.name.clone() })
}

/// The activations that a text gives to places, with the settings of `model`: its candidates are those of `adact` alone, a
/// mixture that lists its own keeps them.
pub fn activations(text: &str, places: &[String], model: &Activations) -> Result<Vec<ActivationConfig>> {
    let constants = ConstantsConfig {
        prelu_slope: model.prelu_slope,
        negative_slope: model.leaky_relu_slope,
        elu_alpha: model.elu_alpha,
        rrelu_lower: model.rrelu[0],
        rrelu_upper: model.rrelu[1],
    };
    let adact = AdActConfig::new().with_granularity(model.granularity);
    let mut adact = adact.with_candidates(model.candidates.clone());
    if !model.weights.is_empty() {
        adact = adact.with_initial_weights(model.weights.iter().map(|&w| w as f32).collect::<Vec<_>>());
    }
    let layers = ActivationConfig::parse_places(text, places, &adact)?;
    Ok(layers.into_iter().map(|layer| layer.with_constants(constants)).collect())
}

/// The same activations, whose mixtures begin with these curves, if there are any.
fn with_curves(activations: Vec<ActivationConfig>, curves: &[Curve]) -> Result<Vec<ActivationConfig>> {
    if curves.is_empty() {
        return Ok(activations);
    }
    let mixtures = activations.iter().filter(|activation| activation.is_adact()).count();
    if mixtures != curves.len() {
        let curves = curves.len();
        return Err(Error::input(format!("curves: there are {curves} for {mixtures} places that mix")));
    }
    let mut curves = curves.iter();
    let begin = |activation| match activation {
        ActivationConfig::AdAct(mut adact) => {
            if let Some(curve) = curves.next() {
                adact.initial_weights = Some(curve.w.iter().map(|&w| w as f32).collect());
                adact.constants.prelu_slope = curve.prelu_slope.unwrap_or(adact.constants.prelu_slope);
            }
            ActivationConfig::AdAct(adact)
        }
        single => single,
    };
    Ok(activations.into_iter().map(begin).collect())
}

/// A network in training.
#[derive(Debug)]
pub struct NetworkLearner<N: Module = AnyNetwork> {
    trainer: Trainer<N>,
    /// Its name in records.
    name: String,
}

impl<N: Module> NetworkLearner<N> {
    /// Whether it is the paper's, whose places records don't name.
    fn is_papers(&self) -> bool {
        self.name == PAPERS_NETWORK
    }
}

impl<N: Module> Learner for NetworkLearner<N> {
    fn step(&mut self, inputs: Inputs, targets: &[i32], _: u64) -> Result<Outcome> {
        outcome(self.trainer.step(inputs, targets))
    }

    fn step_bilevel(
        &mut self,
        batch: (Inputs, &[i32]),
        held_out: (Inputs, &[i32]),
        _: u64,
    ) -> Result<Outcome> {
        outcome(self.trainer.step_bilevel(batch, held_out))
    }

    fn evaluate(&mut self, inputs: Inputs, targets: &[i32]) -> Result<Evaluation> {
        Ok(evaluation(self.trainer.evaluate(inputs, targets)?))
    }

    fn evaluate_with(
        &mut self,
        choices: &[Option<String>],
        inputs: Inputs,
        targets: &[i32],
    ) -> Result<Evaluation> {
        let parse = |name: &Option<String>| name.as_deref().map(str::parse).transpose();
        let choices: Vec<Option<Activation>> = choices
            .iter()
            .map(parse)
            .collect::<std::result::Result<_, _>>()
            .map_err(|e| Error::failure(format!("a choice can't be tried: {e}")))?;
        let network = with_choices(self.trainer.settled(), &choices)?;
        Ok(evaluation(network.evaluate(inputs, targets)?))
    }

    fn inputs(&mut self, inputs: Inputs) -> Result<Vec<Vec<f32>>> {
        Ok(self.trainer.settled().activation_inputs(inputs)?)
    }

    fn layers(&self) -> Option<Vec<LayerWeights>> {
        let settled = self.trainer.settled().places();
        let places = self.trainer.places().into_iter().zip(settled);
        let layers: Vec<_> = places
            .filter_map(|(place, settled)| {
                let settled = settled.mixture.map(|mixture| mixture.shares);
                let mut layer = layer_weights(place, self.is_papers())?;
                layer.shares = settled.filter(|shares| *shares != layer.softmax);
                Some(layer)
            })
            .collect();
        if layers.is_empty() { None } else { Some(layers) }
    }

    fn places(&self) -> Vec<String> {
        self.trainer.net().places().into_iter().map(|place| place.path).collect()
    }

    fn activations(&self) -> Vec<String> {
        let name = |config: &ActivationConfig| match config {
            ActivationConfig::AdAct(_) => "adact".into(),
            single => single.to_string(),
        };
        self.trainer.net().config().activations().iter().map(name).collect()
    }

    fn parameters(&self) -> u64 {
        self.trainer.net().parameters() as u64
    }

    fn save(&self, path: &Path) -> Result<()> {
        Ok(self.trainer.settled().save(path)?)
    }

    fn load(&mut self, path: &Path) -> Result<()> {
        let net = self.trainer.net().config().load(path, &Device::flex().autodiff())?;
        // What was kept has settled.
        let recipe = Recipe { search: Search::default(), ..self.trainer.recipe().clone() };
        self.trainer = Trainer::from_net(net, recipe)?;
        Ok(())
    }

    fn save_state(&self, dir: &Path) -> Result<()> {
        Ok(self.trainer.save_state(dir)?)
    }

    fn load_state(&mut self, dir: &Path) -> Result<()> {
        self.trainer = Trainer::load_state(dir)?;
        Ok(())
    }

    fn samples(&mut self, data: &Data) -> Result<Option<Samples>> {
        match (data.task, &data.test) {
            (Task::Text, Part::Text { tokens, context }) => {
                let prompt: Vec<i32> =
                    tokens.iter().take((*context).min(32)).map(|&t| i32::from(t)).collect();
                let text = generate(&self.trainer.settled(), *context, &prompt, 400, Sampling::default())?;
                let words = |tokens: &[i32]| {
                    let names = tokens.iter().filter_map(|&token| data.classes.get(token as usize));
                    names.map(String::as_str).collect::<String>()
                };
                Ok(Some(Samples::Text(TextSample { prompt: words(&prompt), text: words(&text) })))
            }
            (Task::Segmentation, Part::Masked(images)) => {
                let count = images.len().min(Samples::MOST_PICTURES);
                let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
                let (width, height) = (side(images.width), side(images.height));
                if width.max(height) > Picture::LONGEST_SIDE {
                    return Ok(None);
                }
                let picture = |i: usize| -> Result<PictureSample> {
                    let (inputs, targets) = data.test.batch(&[i as u32]);
                    let found = self.trainer.evaluate(inputs, &targets)?;
                    let answers: Vec<u8> = found.predictions.iter().map(|&class| class as u8).collect();
                    let image = match images.channels {
                        1 => Picture::grey(width, height, images.image(i))?,
                        _ => Picture::rgb(width, height, images.image(i))?,
                    };
                    let truth = Picture::of_classes(width, height, images.mask(i))?;
                    Ok(PictureSample { image, truth, answer: Picture::of_classes(width, height, &answers)? })
                };
                Ok(Some(Samples::Pictures((0..count).map(picture).collect::<Result<_>>()?)))
            }
            _ => Ok(None),
        }
    }
}

/// What a step did, as a training takes it.
fn outcome(step: adact::Result<StepResult>) -> Result<Outcome> {
    match step {
        Ok(step) => Ok(Outcome { loss: step.loss, correct: step.correct }),
        Err(error) if error.kind() == ErrorKind::Diverged => Ok(Outcome { loss: f64::NAN, correct: 0 }),
        Err(error) => Err(error.into()),
    }
}

/// What an evaluation found, as a training takes it.
fn evaluation(found: adact::Evaluation) -> Evaluation {
    let answers = found.predictions.into_iter().map(|class| class as u16).collect();
    Evaluation { loss_sum: found.loss_sum, answers }
}

/// What the mixture of a place has learned, as records write it; none for a single activation. The paper's network has its
/// places by number.
pub(crate) fn layer_weights(place: Place, is_papers: bool) -> Option<LayerWeights> {
    let mixture = place.mixture?;
    let names = || mixture.candidates.iter().map(|a| a.name().to_owned()).collect();
    let shares = Some(mixture.shares).filter(|shares| *shares != mixture.softmax);
    Some(LayerWeights {
        place: (!is_papers).then_some(place.path),
        candidates: if mixture.candidates == Activation::PAPER { None } else { Some(names()) },
        choice: mixture.choice.name().into(),
        prelu_slope: mixture.prelu_slope,
        softmax: mixture.softmax,
        shares,
        w: mixture.w,
    })
}

impl From<adact::Error> for Error {
    fn from(e: adact::Error) -> Self {
        match e.kind() {
            ErrorKind::Read | ErrorKind::Write => Self::disk(e.to_string()),
            _ if e.is_input() => Self::input(e.to_string()),
            _ => Self::failure(e.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Train;
    use crate::testing::{data, images};

    fn four() -> Vec<String> {
        (0..4).map(|i| format!("act.{i}")).collect()
    }

    fn candidates(text: &str, model: &Activations) -> Vec<Option<Vec<Activation>>> {
        let candidates = |layer| match layer {
            ActivationConfig::AdAct(adact) => Some(adact.candidates),
            ActivationConfig::Single(_) => None,
        };
        activations(text, &four(), model).unwrap().into_iter().map(candidates).collect()
    }

    #[test]
    fn listed_candidates_are_kept_whichever_they_are() {
        let two = vec![Activation::Relu, Activation::Tanh];
        let model =
            Activations { candidates: two.clone(), weights: vec![0.5, -0.5], ..Activations::default() };
        assert_eq!(candidates("adact", &model), vec![Some(two.clone()); 4]);
        let listed = "adact:relu,elu,leaky_relu,prelu,rrelu,silu,mish";
        assert_eq!(candidates(listed, &model), vec![Some(Activation::PAPER.to_vec()); 4]);
        let mixed = candidates(&format!("adact+{listed}+mish+adact:mish"), &model);
        assert_eq!(mixed, [Some(two), Some(Activation::PAPER.to_vec()), None, Some(vec![Activation::Mish])]);
        // The initial weights are for the model's candidates.
        for (layer, expected) in
            activations(&format!("adact+{listed}+relu+relu"), &four(), &model).unwrap().iter().zip([2, 0])
        {
            let ActivationConfig::AdAct(adact) = layer else { unreachable!() };
            assert_eq!(adact.initial_weights.as_ref().map_or(0, Vec::len), expected);
        }
    }

    #[test]
    fn every_activation_has_the_constants_of_the_model() {
        let model = Activations { prelu_slope: 0.5, leaky_relu_slope: 0.2, ..Activations::default() };
        for layer in activations("adact+adact:relu,prelu+prelu+leaky_relu", &four(), &model).unwrap() {
            let constants = match layer {
                ActivationConfig::AdAct(adact) => adact.constants,
                ActivationConfig::Single(single) => single.constants,
            };
            assert_eq!((constants.prelu_slope, constants.negative_slope), (0.5, 0.2));
        }
        assert_eq!(
            activations("adact", &four(), &Activations::default()).unwrap(),
            vec![ActivationConfig::default(); 4]
        );
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
        let step = |network: &mut NetworkLearner| {
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            batch.batch(&[0, 1, 2, 3], &mut pixels, &mut labels);
            network.step(pixels.into(), &labels, 1).unwrap();
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
        let net = adact::ConvNet::load(&path, &Device::flex()).unwrap();
        assert_eq!(net.config().class_names, data().classes);
    }
}
