//! The words for what a study is about.

use super::{LayerChoice, MetricRecord, StudyResult, Unit};
use crate::agreement::{mixture_of, mixtures};
use crate::metric::Metric;
use crate::names;
use crate::table::count;

impl StudyResult {
    /// The metric by which variants are compared.
    pub fn primary(&self) -> Metric {
        MetricRecord::metric(self.metric.as_ref())
    }

    /// What trainings are counted in.
    pub fn unit(&self) -> Unit {
        if self.steps.is_some() { Unit::Step } else { Unit::Epoch }
    }

    /// How long each training is: "15 epochs", "2,000 steps".
    pub fn length_in_words(&self) -> String {
        match self.steps {
            Some(steps) => count(usize::try_from(steps).unwrap_or(usize::MAX), "step"),
            None if self.runs.iter().any(|run| run.epochs != self.epochs) => {
                format!("up to {}", count(self.epochs, "epoch"))
            }
            None => count(self.epochs, "epoch"),
        }
    }

    /// Which test number verdicts rest on: "after the last epoch".
    pub fn judged_in_words(&self) -> &'static str {
        self.selection.judged_in_words(self.unit())
    }

    /// What the best epoch's number is where no verdict rests on it: "best epoch on the test set".
    pub fn picked_in_words(&self) -> Option<&'static str> {
        self.selection.picked_in_words(self.unit())
    }

    /// What the study is about: the data set, and the network if it isn't the paper's: "CIFAR-10 with ResNet-20".
    pub fn subject(&self) -> String {
        let dataset = names::dataset(&self.dataset);
        match self.network.as_deref() {
            // A program whose data have no name of their own.
            Some(network) if network == self.dataset => dataset.into(),
            Some(network) if !self.is_papers_network() => {
                format!("{dataset} with {}", names::network(network))
            }
            _ => dataset.into(),
        }
    }

    /// Whether the network is the paper's.
    pub fn is_papers_network(&self) -> bool {
        names::is_papers_network(self.network.as_deref())
    }

    /// The name of a choice's place: "layer 1", `layer1.0.act2`.
    pub fn place_of(&self, choice: &LayerChoice) -> String {
        names::place(&choice.path(), self.network.as_deref())
    }

    /// The name of the place of the `i`th AdAct (from 0) at the beginning of a title: "Layer 1", `layer1.0.act2`.
    pub fn place_title(&self, i: usize) -> String {
        let layers = mixtures(&self.runs).find_map(|run| run.layers.as_deref());
        let path = super::place_of_layer(layers.unwrap_or_default(), i);
        names::place_title(&path, self.network.as_deref())
    }

    /// The name of the mixture whose weights, curves and choices are told: "AdAct", "AdAct (gumbel)".
    pub fn mixture_name(&self) -> String {
        names::variant(mixture_of(&self.runs))
    }

    /// What its places are called: "layer" or "place".
    pub fn place_word(&self) -> &'static str {
        names::place_word(self.network.as_deref())
    }
}
