//! What an evaluation found, as the metrics of a task.

use adact_data::Task;
use adact_evidence::records::{self, Confusion, MetricRecord, Metrics};

use crate::learner::Evaluation;

/// What an evaluation found, batch by batch.
#[derive(Debug)]
pub struct Score {
    task: Task,
    classes: usize,
    loss: f64,
    /// Images, tokens or pixels.
    rows: usize,
    correct: usize,
    /// How often each class was answered for each true one; empty for a text.
    counts: Vec<u64>,
}

impl Score {
    /// Nothing yet.
    pub fn new(task: Task, classes: usize) -> Self {
        let counts = if task == Task::Text { Vec::new() } else { vec![0; classes * classes] };
        Self { task, classes, loss: 0.0, rows: 0, correct: 0, counts }
    }

    /// Adds a batch.
    pub fn add(&mut self, found: &Evaluation, targets: &[i32]) {
        self.loss += found.loss_sum;
        self.rows += targets.len();
        for (&truth, &answer) in targets.iter().zip(&found.answers) {
            let (truth, answer) = (truth as usize, usize::from(answer));
            self.correct += usize::from(truth == answer);
            if let Some(count) = self.counts.get_mut(truth * self.classes + answer) {
                *count += 1;
            }
        }
    }

    /// The mean loss.
    pub fn loss(&self) -> f64 {
        self.loss / self.rows as f64
    }

    /// The metrics of the task.
    pub fn metrics(&self) -> Metrics {
        let loss = self.loss();
        let share = self.correct as f64 / self.rows as f64;
        let metrics = Metrics::from([("loss", loss)]);
        match self.task {
            Task::Classification => metrics.with("accuracy", share),
            Task::Text => {
                metrics.with("bits_per_character", loss / std::f64::consts::LN_2).with("accuracy", share)
            }
            Task::Segmentation => {
                let (iou, dice) = self.overlaps();
                metrics.with("mean_iou", iou).with("dice", dice).with("pixel_accuracy", share)
            }
        }
    }

    /// Intersection over union, and Dice's coefficient: the means over the classes that are there or were answered.
    fn overlaps(&self) -> (f64, f64) {
        let n = self.classes;
        let count = |truth: usize, answer: usize| self.counts[truth * n + answer] as f64;
        let (mut iou, mut dice, mut classes) = (0.0, 0.0, 0.0);
        for class in 0..n {
            let both = count(class, class);
            let truth: f64 = (0..n).map(|answer| count(class, answer)).sum();
            let answer: f64 = (0..n).map(|truth| count(truth, class)).sum();
            if truth + answer > 0.0 {
                iou += both / (truth + answer - both);
                dice += 2.0 * both / (truth + answer);
                classes += 1.0;
            }
        }
        (iou / classes, dice / classes)
    }

    /// The classes against the answers; none for a text.
    pub fn confusion(&self, classes: &[String]) -> Option<Confusion> {
        let counts = self.counts.chunks_exact(self.classes).map(<[u64]>::to_vec).collect::<Vec<_>>();
        (!counts.is_empty()).then(|| Confusion { classes: classes.to_vec(), counts })
    }
}

/// The metrics of training batches: their mean loss and share of right answers.
pub fn of_training(task: Task, loss: f64, share: f64) -> Metrics {
    let metrics = Metrics::from([("loss", loss)]);
    match task {
        Task::Classification | Task::Text => metrics.with("accuracy", share),
        Task::Segmentation => metrics.with("pixel_accuracy", share),
    }
}

/// The task as records name it; none is the classification of images.
pub fn recorded(task: Task) -> Option<String> {
    match task {
        Task::Classification => None,
        Task::Text => Some(records::LANGUAGE.into()),
        Task::Segmentation => Some(records::SEGMENTATION.into()),
    }
}

/// The metric by which a task's epochs are picked and its variants compared; none is the accuracy.
pub fn primary(task: Task) -> Option<MetricRecord> {
    match task {
        Task::Classification => None,
        Task::Text => MetricRecord::of("loss"),
        Task::Segmentation => MetricRecord::of("mean_iou"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_means_over_the_classes_that_are_there() {
        let mut score = Score::new(Task::Segmentation, 3);
        score.add(&Evaluation { loss_sum: 2.0, answers: vec![0, 0, 1, 1] }, &[0, 1, 1, 1]);
        let metrics = score.metrics();
        // Class 0: 1 of 2; class 1: 2 of 3; class 2 is nowhere.
        assert_eq!(metrics.get("mean_iou"), Some((0.5 + 2.0 / 3.0) / 2.0));
        assert_eq!(metrics.get("dice"), Some((2.0 / 3.0 + 0.8) / 2.0));
        assert_eq!((metrics.get("pixel_accuracy"), metrics.get("loss")), (Some(0.75), Some(0.5)));
    }

    #[test]
    fn a_text_has_bits() {
        let mut score = Score::new(Task::Text, 65);
        score.add(&Evaluation { loss_sum: 2.0 * std::f64::consts::LN_2, answers: vec![3, 4] }, &[3, 5]);
        assert_eq!(score.metrics().get("bits_per_character"), Some(1.0));
        assert!(score.confusion(&[]).is_none());
    }
}
