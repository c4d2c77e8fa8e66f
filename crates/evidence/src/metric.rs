//! What is known of a metric by its name: its words, which way is better, and what can be concluded from it.

/// A number that says how good a network is.
///
/// Every metric is written with four decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name in records: `accuracy`, `loss`, `mean_iou`.
    pub name: String,
    /// Its name in a sentence: "accuracy", "mean IoU".
    pub words: String,
    /// Several of it: "accuracies", "losses".
    pub plural: String,
    /// Whether a higher number is better.
    pub higher_is_better: bool,
    /// Whether it is a share: a number from 0 to 1.
    pub is_share: bool,
    /// Whether it counts right answers to independent images, so that the number of test images bounds what it can say.
    pub counts_images: bool,
}

/// What records know: name, words, several of it, higher is better, a share.
const KNOWN: [(&str, &str, &str, bool, bool); 6] = [
    ("accuracy", "accuracy", "accuracies", true, true),
    ("loss", "loss", "losses", false, false),
    ("bits_per_character", "bits per character", "bits per character", false, false),
    ("mean_iou", "mean IoU", "mean IoUs", true, true),
    ("dice", "Dice", "Dice scores", true, true),
    ("pixel_accuracy", "pixel accuracy", "pixel accuracies", true, true),
];

impl Metric {
    /// The metric of that name. Of a name that isn't known it is said that higher is better, and nothing of its range.
    pub fn of(name: &str) -> Self {
        match KNOWN.iter().find(|known| known.0 == name) {
            Some(&(name, words, plural, higher_is_better, is_share)) => Self {
                name: name.into(),
                words: words.into(),
                plural: plural.into(),
                higher_is_better,
                is_share,
                counts_images: name == "accuracy",
            },
            None => Self {
                name: name.into(),
                words: name.replace('_', " "),
                plural: format!("numbers of {}", name.replace('_', " ")),
                higher_is_better: true,
                is_share: false,
                counts_images: false,
            },
        }
    }

    /// The accuracy, which a record means that names no metric.
    pub fn accuracy() -> Self {
        Self::of("accuracy")
    }

    /// Whether it is the accuracy.
    pub fn is_accuracy(&self) -> bool {
        self.name == "accuracy"
    }

    /// Its name on the test set: "test accuracy".
    pub fn on_test(&self) -> String {
        format!("test {}", self.words)
    }

    /// Whether `a` is better than `b`.
    pub fn better(&self, a: f64, b: f64) -> bool {
        if self.higher_is_better { a > b } else { a < b }
    }

    /// A difference, turned so that more is better.
    pub fn gain(&self, difference: f64) -> f64 {
        if self.higher_is_better { difference } else { -difference }
    }

    /// What the better of two has: "higher", or "lower".
    pub fn comparative(&self) -> &'static str {
        if self.higher_is_better { "higher" } else { "lower" }
    }

    /// What the best of several has: "highest", or "lowest".
    pub fn superlative(&self) -> &'static str {
        if self.higher_is_better { "highest" } else { "lowest" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_metrics_have_a_direction_and_unknown_ones_their_name() {
        let (accuracy, loss, own) = (Metric::accuracy(), Metric::of("loss"), Metric::of("top_5"));
        assert!(accuracy.better(0.9, 0.8) && loss.better(0.8, 0.9) && own.better(2.0, 1.0));
        assert_eq!((loss.gain(0.5), accuracy.gain(0.5)), (-0.5, 0.5));
        assert_eq!((own.on_test().as_str(), own.is_share), ("test top 5", false));
        assert_eq!(Metric::of("mean_iou").on_test(), "test mean IoU");
        assert!(accuracy.counts_images && !Metric::of("pixel_accuracy").counts_images);
    }
}
