//! What part a variant plays in a study.

use std::fmt;

/// What part a variant plays in a study. Records keep names; whoever asks what a variant is asks for its role.
///
/// Variants with the same name have the same role, and others another, so that a role also stands for its variant.
///
/// ```
/// use adact_evidence::records::Role;
///
/// assert_eq!(Role::of("optimized"), Role::Optimized);
/// assert_eq!(Role::of("random-3"), Role::Random("3"));
/// assert_eq!(Role::Mixture.to_string(), "adact");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// `adact`: every place mixes its candidates and learns how much of each.
    Mixture,
    /// `optimized`: trained anew with the activations that the mixture of the same seed chose.
    Optimized,
    /// `nearest`: trained anew with the activations that are nearest to what the mixture of the same seed learned.
    Nearest,
    /// `frozen`: trained anew with the curves that the mixture of the same seed learned, which stay.
    Frozen,
    /// `search:gumbel`: a mixture that searches in another way, named by the method.
    Search(&'a str),
    /// `search:gumbel/nearest`: trained anew with the activations that the rule chose when that search had learned with the
    /// same seed.
    Searched(&'a str, &'a str),
    /// `random-3`: an activation for each place by lot, and which draw it is.
    Random(&'a str),
    /// Activations that somebody named: `relu`, `uniform:mish`, `mish+elu+silu+relu`, or whatever a record calls them.
    Named(&'a str),
}

/// What the names of random choices begin with.
const RANDOM: &str = "random-";
/// What the names of searches begin with.
const SEARCH: &str = "search:";

impl<'a> Role<'a> {
    /// ReLU at every place: what the others are held against.
    pub const RELU: Role<'static> = Role::Named("relu");

    /// The role of the variant with this name.
    pub fn of(name: &'a str) -> Self {
        match name {
            "adact" => Self::Mixture,
            "optimized" => Self::Optimized,
            "nearest" => Self::Nearest,
            "frozen" => Self::Frozen,
            _ => match name.strip_prefix(SEARCH).map(|rest| rest.split_once('/').ok_or(rest)) {
                Some(Ok((method, rule))) => Self::Searched(method, rule),
                Some(Err(method)) => Self::Search(method),
                None => name.strip_prefix(RANDOM).map_or(Self::Named(name), Self::Random),
            },
        }
    }

    /// Whether it is AdAct or what AdAct chose: what a study is about.
    pub fn is_adacts(self) -> bool {
        !matches!(self, Self::Random(_) | Self::Named(_))
    }

    /// Whether it is a mixture that learns.
    pub fn is_mixture(self) -> bool {
        matches!(self, Self::Mixture | Self::Search(_))
    }
}

/// The name of the variant.
impl fmt::Display for Role<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mixture => f.write_str("adact"),
            Self::Optimized => f.write_str("optimized"),
            Self::Nearest => f.write_str("nearest"),
            Self::Frozen => f.write_str("frozen"),
            Self::Search(method) => write!(f, "{SEARCH}{method}"),
            Self::Searched(method, rule) => write!(f, "{SEARCH}{method}/{rule}"),
            Self::Random(draw) => write!(f, "{RANDOM}{draw}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl<'a> From<&'a str> for Role<'a> {
    fn from(name: &'a str) -> Self {
        Self::of(name)
    }
}

impl<'a> From<&'a String> for Role<'a> {
    fn from(name: &'a String) -> Self {
        Self::of(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_from_its_role() {
        let roles = [
            ("adact", Role::Mixture),
            ("optimized", Role::Optimized),
            ("nearest", Role::Nearest),
            ("frozen", Role::Frozen),
            ("search:gumbel", Role::Search("gumbel")),
            ("search:anneal-shrink/nearest", Role::Searched("anneal-shrink", "nearest")),
            ("search:", Role::Search("")),
            ("random-12", Role::Random("12")),
            ("random-007", Role::Random("007")),
            ("random-", Role::Random("")),
            ("random:3", Role::Named("random:3")),
            ("relu", Role::RELU),
            ("AdAct", Role::Named("AdAct")),
            ("adact+relu", Role::Named("adact+relu")),
            ("", Role::Named("")),
        ];
        for (name, role) in roles {
            assert_eq!(Role::of(name), role);
            assert_eq!(role.to_string(), name);
        }
    }

    #[test]
    fn adacts_own_are_the_mixture_and_its_choice() {
        let own = |name| Role::of(name).is_adacts();
        assert!(own("adact") && own("optimized") && own("nearest"));
        assert!(own("search:hard") && own("search:hard/weight"));
        assert!(Role::of("search:hard").is_mixture() && !Role::of("search:hard/weight").is_mixture());
        assert!(!own("relu") && !own("random-1") && !own("adact+relu"));
    }
}
