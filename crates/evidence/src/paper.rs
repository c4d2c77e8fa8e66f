//! What the paper reports, as constants: R. Maiti, "AdAct: Learning to Optimize Activation Function Choice
//! Through Adaptive Activation Modules", ICLR 2024 Tiny Papers.

use crate::records::Role::{self, Mixture, Optimized};

const RELU: Role<'static> = Role::RELU;

/// The data sets of Table 1, as this program calls them. FER is the training part of FER2013.
pub const DATASETS: [&str; 4] = ["fmnist", "cifar10", "svhn", "fer2013"];

/// Table 1: the highest test accuracy of one run; the columns are [`DATASETS`].
pub const TABLE_1: [(Role<'static>, [f64; 4]); 3] = [
    (Mixture, [0.921, 0.766, 0.911, 0.546]),
    (RELU, [0.918, 0.759, 0.913, 0.550]),
    (Optimized, [0.922, 0.766, 0.917, 0.565]),
];

/// The accuracy that the paper reports for a variant on a data set.
pub fn accuracy<'a>(variant: impl Into<Role<'a>>, dataset: &str) -> Option<f64> {
    let role = variant.into();
    let column = DATASETS.iter().position(|d| *d == dataset)?;
    TABLE_1.iter().find(|(r, _)| *r == role).map(|(_, row)| row[column])
}

/// Something that the paper says of a data set and that a study can hold against its own runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The data set.
    pub dataset: &'static str,
    /// Where the paper says it.
    pub place: &'static str,
    /// What it says.
    pub what: What,
}

/// What the paper says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// One of these has the largest weight in the layer (from 1).
    Leads(usize, &'static [&'static str]),
    /// This has the smallest weight in every layer.
    LeastEverywhere(&'static str),
    /// The first variant is better than the second.
    Better(Role<'static>, Role<'static>),
    /// The first variant is as good as the second, or better.
    AsGood(Role<'static>, Role<'static>),
}

const fn claim(dataset: &'static str, place: &'static str, what: What) -> Claim {
    Claim { dataset, place, what }
}

/// The claims of Appendix B, and those that only Table 1 makes, data set by data set.
pub const CLAIMS: [Claim; 24] = [
    claim("fmnist", "Figure 1", What::Leads(1, &["leaky_relu"])),
    claim("fmnist", "Figure 1", What::Leads(3, &["mish"])),
    claim("fmnist", "Figure 1", What::Leads(4, &["mish"])),
    claim("fmnist", "Figure 1", What::LeastEverywhere("rrelu")),
    claim("fmnist", "Appendix B.2", What::Better(Mixture, RELU)),
    claim("fmnist", "Appendix B.2", What::AsGood(Optimized, Mixture)),
    claim("fmnist", "Table 1", What::Better(Optimized, RELU)),
    claim("cifar10", "Figure 2", What::Leads(1, &["mish"])),
    claim("cifar10", "Figure 2", What::Leads(2, &["mish"])),
    claim("cifar10", "Figure 2", What::Leads(3, &["elu"])),
    claim("cifar10", "Figure 2", What::Leads(4, &["silu"])),
    claim("cifar10", "Appendix B.2", What::Better(Mixture, RELU)),
    claim("cifar10", "Appendix B.2", What::AsGood(Optimized, Mixture)),
    claim("cifar10", "Table 1", What::Better(Optimized, RELU)),
    claim("svhn", "Figure 3", What::Leads(3, &["mish", "elu"])),
    claim("svhn", "Figure 3", What::Leads(4, &["mish", "elu"])),
    claim("svhn", "Appendix B.2", What::Better(Optimized, RELU)),
    claim("svhn", "Appendix B.2", What::AsGood(Optimized, Mixture)),
    claim("fer2013", "Figure 4", What::Leads(1, &["mish"])),
    claim("fer2013", "Figure 4", What::Leads(2, &["elu"])),
    claim("fer2013", "Figure 4", What::Leads(3, &["elu"])),
    claim("fer2013", "Figure 4", What::Leads(4, &["mish"])),
    claim("fer2013", "Appendix B.2", What::Better(Optimized, RELU)),
    claim("fer2013", "Appendix B.2", What::AsGood(Optimized, Mixture)),
];
