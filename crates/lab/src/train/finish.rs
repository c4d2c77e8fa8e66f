//! What is said of the best weights once the last epoch is done.

use adact_data::Task;
use adact_evidence::records::{Best, EpochRecord, InputHistogram, Last, RunResult, Validation};
use adact_evidence::{Rule, atomic};

use super::Training;
use adact_kernels::Precision;

use crate::config::Method;
use crate::error::Result;
use crate::folder::{BEST, CHOICE};
use crate::learner::Learner;
use crate::score;

/// The inputs of activations are counted from -6 to 6: after batch norm few lie outside.
const RANGE: (f64, f64, usize) = (-6.0, 6.0, 120);

impl<L: Learner> Training<'_, L> {
    /// Judges the best weights. A held-out test set is touched here, and only here.
    pub(super) fn finish(&mut self) -> Result<RunResult> {
        self.learner.load(&self.folder.join(BEST))?;
        let judged = self.evaluate(&self.data.test, None)?;
        let inputs = self.inputs()?;
        let samples = self.learner.samples(self.data)?;
        if let Some(choice) = self.choice() {
            atomic::write(&self.folder.join(CHOICE), choice.as_bytes())?;
        }
        let kept = &self.epochs[self.best()];
        let last = self.epochs.last().unwrap_or(kept);
        let mut test = judged.metrics();
        if !judged.loss().is_finite() {
            test.remove("loss");
        }
        let steps = self.config.protocol.all_steps(&self.data.train);
        let search = &self.config.search;
        let is_mixture = kept.layers.is_some();
        let mut result = RunResult {
            dataset: self.about.dataset.clone(),
            variant: self.run.variant.clone(),
            network: self.about.network.clone(),
            task: self.about.task.clone(),
            metric: score::primary(self.data.task),
            places: self.about.network.is_some().then(|| self.learner.places()),
            activations: self.learner.activations(),
            seed: self.run.seed,
            epochs: self.config.protocol.epochs,
            steps: self.data.train.steps(1).is_none().then_some(steps as u64),
            best: Best { epoch: kept.epoch, test },
            last: Last { test: last.test.clone() },
            parameters: self.learner.parameters(),
            seconds: self.epochs.iter().map(|e| e.seconds).sum(),
            layers: kept.layers.clone(),
            mixing: Some(search.mixing)
                .filter(|_| is_mixture)
                .filter(|m| *m != Method::default())
                .map(|m| m.to_string()),
            choices: Vec::new(),
            discretised: None,
            chosen_by: Some(search.choose)
                .filter(|_| !is_mixture)
                .filter(|rule| *rule != Rule::default())
                .map(|rule| rule.to_string()),
            without_costs: self
                .config
                .train
                .as_ref()
                .and_then(|train| train.without_costs.as_ref())
                .map(|without| without.split('+').map(String::from).collect()),
            constants: self.config.model.constants(),
            selection: self.data.selected_by,
            precision: Some(self.config.protocol.precision)
                .filter(|precision| *precision != Precision::F32)
                .map(|precision| precision.to_string()),
            validation: self.data.validation.as_ref().and_then(|part| validation(part.len(), kept)),
            confusion: judged.confusion(&self.data.classes),
            inputs: Some(inputs),
            test_images: (self.data.task != Task::Text).then_some(self.data.test.len() as u64),
            samples,
        };
        self.choose(&mut result)?;
        Ok(result)
    }

    /// The choice of each place, where there is a mixture, as [`ActivationConfig::parse_places`] reads it from a file.
    ///
    /// [`ActivationConfig::parse_places`]: adact::ActivationConfig::parse_places
    fn choice(&self) -> Option<String> {
        let kept = self.config.train.as_ref().is_some_and(|train| !train.curves.is_empty());
        let layers = self.learner.layers().filter(|_| !kept)?;
        let mut chosen = layers.iter().map(|layer| layer.choice.as_str());
        let mut text = format!(
            "# What {} chose on {}, place by place; `--activation @{CHOICE}` trains it.\n",
            self.run, self.data.name
        );
        for (place, activation) in self.learner.places().iter().zip(self.learner.activations()) {
            let choice = if activation == "adact" { chosen.next()? } else { &activation };
            text.push_str(&format!("{place:?} = {choice:?}\n"));
        }
        Some(text)
    }

    /// What each place's activation sees when the network looks at training data.
    fn inputs(&mut self) -> Result<Vec<InputHistogram>> {
        let (low, high, bins) = RANGE;
        let mut histograms: Vec<InputHistogram> = Vec::new();
        for (inputs, _) in self.data.train.shown() {
            let places = self.learner.inputs(inputs)?;
            histograms.resize_with(places.len(), || InputHistogram::new(low, high, bins));
            histograms.iter_mut().zip(&places).for_each(|(histogram, inputs)| histogram.add(inputs));
        }
        Ok(histograms)
    }
}

fn validation(images: usize, kept: &EpochRecord) -> Option<Validation> {
    Some(Validation { images, metrics: kept.validation.clone()? })
}
