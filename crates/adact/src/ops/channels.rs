//! Which dimension of a tensor the channels are.

/// The channels that an activation sees.
///
/// ```
/// use adact::Channels;
/// // Images (batch, 64, height, width), and tokens (batch, length, 512).
/// assert_eq!((Channels::images(64).count, Channels::last(512).count), (64, 512));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// How many there are.
    pub count: usize,
    last: bool,
}

impl Channels {
    /// Those of dimension 1, as of images (batch, channels, height, width).
    pub fn images(count: usize) -> Self {
        Self { count, last: false }
    }

    /// Those of the last dimension.
    pub fn last(count: usize) -> Self {
        Self { count, last: true }
    }

    /// Their dimension in a tensor of some rank.
    ///
    /// # Panics
    /// If a tensor of that rank has no such dimension.
    pub(crate) fn axis(self, rank: usize) -> usize {
        let axis = if self.last { rank.checked_sub(1) } else { Some(1) };
        let axis = axis.filter(|&axis| axis < rank);
        axis.unwrap_or_else(|| panic!("a tensor of rank {rank} has no dimension of channels"))
    }
}
