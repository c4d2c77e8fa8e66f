//! What is said of the best weights once the last epoch is done.

use adact_data::split;
use adact_evidence::records::{Best, Confusion, EpochRecord, InputHistogram, Last, RunResult, Validation};

use super::{Score, Training, best};
use crate::error::Result;
use crate::folder::BEST;
use crate::learner::Learner;

/// The inputs of activations are counted from -6 to 6: after batch norm few lie outside.
const RANGE: (f64, f64, usize) = (-6.0, 6.0, 120);
/// The images whose inputs are counted.
const IMAGES: usize = 256;

impl<L: Learner> Training<'_, L> {
    /// Judges the best weights. A held-out test set is touched here, and only here.
    pub(super) fn finish(&mut self) -> Result<RunResult> {
        self.learner.load(&self.folder.join(BEST))?;
        let judged = self.evaluate(&self.data.test)?;
        let inputs = self.inputs()?;
        let kept = &self.epochs[best(&self.epochs)];
        let last = self.epochs.last().unwrap_or(kept);
        Ok(RunResult {
            dataset: self.data.name.clone(),
            variant: self.run.variant.clone(),
            activations: self.learner.activations(),
            seed: self.run.seed,
            epochs: self.config.protocol.epochs,
            best: Best {
                epoch: kept.epoch,
                test_accuracy: judged.accuracy(),
                test_loss: Some(judged.loss).filter(|loss| loss.is_finite()),
            },
            last: Last { test_accuracy: last.test_accuracy, test_loss: last.test_loss },
            parameters: self.learner.parameters(),
            seconds: self.epochs.iter().map(|e| e.seconds).sum(),
            layers: kept.layers.clone(),
            constants: self.config.model.constants(),
            selection: self.data.selected_by,
            validation: self.data.validation.as_ref().and_then(|images| validation(images.len(), kept)),
            confusion: Some(self.confusion(&judged)),
            inputs: Some(inputs),
            test_images: Some(self.data.test.len() as u64),
        })
    }

    fn confusion(&self, judged: &Score) -> Confusion {
        let classes = self.data.classes.clone();
        let mut counts = vec![vec![0; classes.len()]; classes.len()];
        for (&truth, &answer) in self.data.test.labels.iter().zip(&judged.answers) {
            counts[truth as usize][answer as usize] += 1;
        }
        Confusion { classes, counts }
    }

    /// What each layer's activation sees when the network looks at training images of every class.
    fn inputs(&mut self) -> Result<Vec<InputHistogram>> {
        let (low, high, bins) = RANGE;
        let mut histograms: Vec<InputHistogram> = Vec::new();
        // The same images with every seed.
        let all = split::spread(&self.data.train.labels, IMAGES, 0);
        let mut labels = Vec::new();
        for indices in all.chunks(64) {
            let mut pixels = Vec::new();
            self.data.train.batch(indices, &mut pixels, &mut labels);
            let layers = self.learner.inputs(pixels)?;
            histograms.resize_with(layers.len(), || InputHistogram::new(low, high, bins));
            histograms.iter_mut().zip(&layers).for_each(|(histogram, inputs)| histogram.add(inputs));
        }
        Ok(histograms)
    }
}

fn validation(images: usize, kept: &EpochRecord) -> Option<Validation> {
    let loss = kept.validation_loss.filter(|loss| loss.is_finite());
    Some(Validation { images, accuracy: kept.validation_accuracy?, loss })
}
