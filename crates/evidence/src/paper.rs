//! What the paper reports, as constants: R. Maiti, "AdAct: Learning to Optimize Activation Function Choice
//! Through Adaptive Activation Modules", ICLR 2024 Tiny Papers.

/// The data sets of Table 1, as this program calls them.
pub const DATASETS: [&str; 4] = ["fmnist", "cifar10", "svhn", "fer2013"];

/// Table 1: the highest test accuracy of one run; the columns are [`DATASETS`].
pub const TABLE_1: [(&str, [f64; 4]); 3] = [
    ("adact", [0.921, 0.766, 0.911, 0.546]),
    ("relu", [0.918, 0.759, 0.913, 0.550]),
    ("optimized", [0.922, 0.766, 0.917, 0.565]),
];

/// The accuracy that the paper reports for a variant on a data set.
pub fn accuracy(variant: &str, dataset: &str) -> Option<f64> {
    let column = DATASETS.iter().position(|d| *d == dataset)?;
    TABLE_1.iter().find(|(v, _)| *v == variant).map(|(_, row)| row[column])
}
