//! What a variant of a study is for. Records know variants by name; whoever needs to tell them apart asks here.

/// What a variant is for.
///
/// ```
/// use adact_evidence::records::Role;
/// assert_eq!(Role::of("optimized"), Role::Optimized);
/// assert_eq!(Role::of("random-2"), Role::Random("2"));
/// assert_eq!(Role::of("mish+relu"), Role::Given);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role<'a> {
    /// The paper's mixture in each place: it is what chooses.
    Mixture,
    /// What the mixture chose, alone.
    Optimized,
    /// A random choice for each place, by its number.
    Random(&'a str),
    /// Activations that somebody named.
    Given,
}

/// The variant of the mixtures.
pub const MIXTURE: &str = "adact";
/// The variant of what they chose.
pub const OPTIMIZED: &str = "optimized";
const RANDOM: &str = "random-";

impl<'a> Role<'a> {
    /// The role of the variant of this name.
    pub fn of(variant: &'a str) -> Self {
        match variant {
            MIXTURE => Self::Mixture,
            OPTIMIZED => Self::Optimized,
            _ => variant.strip_prefix(RANDOM).map_or(Self::Given, Self::Random),
        }
    }

    /// Whether it is the mixture or its choice, which a study is about; the others are what they are compared with.
    pub fn is_searched(self) -> bool {
        matches!(self, Self::Mixture | Self::Optimized)
    }
}
