//! The rules by which a search ends in one activation for each place.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// How the activation of a place is chosen when a mixture has learned.
///
/// ```
/// use adact_evidence::Rule;
/// assert_eq!("nearest".parse::<Rule>().unwrap(), Rule::Nearest);
/// assert!("neerest".parse::<Rule>().unwrap_err().to_string().contains("did you mean 'nearest'"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// The candidate of the largest weight: the paper's.
    #[default]
    Weight,
    /// The candidate nearest to the learned curve, see [`nearest`](crate::nearest).
    Nearest,
    /// The candidate with which the network loses least, where it replaces the mixture of one place and the others stay as
    /// they learned.
    Distil,
    /// What is left of the other rules' choices, and of the next best, after short trainings of which the better half goes on each
    /// time.
    Halving,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Weight, Self::Nearest, Self::Distil, Self::Halving];

    /// The name, as the command line and records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Nearest => "nearest",
            Self::Distil => "distil",
            Self::Halving => "halving",
        }
    }

    /// The rule in a few words: "by the largest weight".
    pub fn words(self) -> &'static str {
        match self {
            Self::Weight => "by the largest weight",
            Self::Nearest => "by the nearest curve",
            Self::Distil => "by the smallest loss in its place",
            Self::Halving => "by short trainings",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Rule {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let name = name.trim();
        Self::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let nearest = adact_common::nearest(name, names.iter().copied());
            let nearest = nearest.map_or(String::new(), |nearest| format!("; did you mean '{nearest}'"));
            let names = names.join(", ");
            Error::new(
                ErrorKind::Invalid,
                format!("'{name}' is no rule to choose by{nearest}. The rules are {names}"),
            )
        })
    }
}
