//! Images with their masks in memory, and the batches made of them.

use crate::error::Fault;
use crate::images::NORMALISED;

/// Images of one size, each with the class of every pixel. Pixels stay bytes; a batch is normalised as it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Count x height x width x channels, channels last.
    pub pixels: Vec<u8>,
    /// Count x height x width, the class of each pixel.
    pub masks: Vec<u8>,
}

impl Masked {
    /// Images from their parts; fails if the numbers of pixels do not belong together.
    pub fn new(
        (height, width, channels): (usize, usize, usize),
        pixels: Vec<u8>,
        masks: Vec<u8>,
    ) -> Result<Self, Fault> {
        let size = height.checked_mul(width).filter(|&size| size > 0 && channels > 0);
        let whole = size.is_some_and(|size| masks.len().is_multiple_of(size));
        if !whole || masks.len().checked_mul(channels) != Some(pixels.len()) {
            return Err(Fault::corrupt(format!(
                "masks of {} pixels do not fit {} pixels of {height}x{width}x{channels} images",
                masks.len(),
                pixels.len()
            )));
        }
        Ok(Self { channels, height, width, pixels, masks })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.masks.len().checked_div(self.height * self.width).unwrap_or(0)
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// The pixels of image `i` (height x width x channels).
    ///
    /// # Panics
    /// If there is no image `i`.
    pub fn image(&self, i: usize) -> &[u8] {
        let size = self.height * self.width * self.channels;
        &self.pixels[i * size..(i + 1) * size]
    }

    /// The classes of the pixels of image `i` (height x width).
    ///
    /// # Panics
    /// If there is no image `i`.
    pub fn mask(&self, i: usize) -> &[u8] {
        let size = self.height * self.width;
        &self.masks[i * size..(i + 1) * size]
    }

    /// Fills `pixels` with the images at `indices`, normalised by `(x / 255 - 0.5) / 0.5` (batch x height x width x
    /// channels), and `targets` with the classes of their pixels (batch x height x width). The vectors are cleared first
    /// and keep their memory.
    ///
    /// ```
    /// let images =
    ///     adact_data::Masked { channels: 1, height: 1, width: 2, pixels: vec![0, 255], masks: vec![1, 0] };
    /// let (mut pixels, mut targets) = (Vec::new(), Vec::new());
    /// images.batch(&[0], &mut pixels, &mut targets);
    /// assert_eq!((pixels, targets), (vec![-1.0, 1.0], vec![1, 0]));
    /// ```
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn batch(&self, indices: &[u32], pixels: &mut Vec<f32>, targets: &mut Vec<i32>) {
        pixels.clear();
        targets.clear();
        let size = self.height * self.width;
        pixels.reserve(indices.len() * size * self.channels);
        targets.reserve(indices.len() * size);
        for &i in indices {
            pixels.extend(self.image(i as usize).iter().map(|&x| NORMALISED[x as usize]));
            targets.extend(self.mask(i as usize).iter().map(|&class| i32::from(class)));
        }
    }

    /// Keeps the first `n` images; does nothing where there are fewer.
    pub fn take(&mut self, n: usize) {
        let count = n.min(self.len());
        self.masks.truncate(count * self.height * self.width);
        self.pixels.truncate(self.masks.len() * self.channels);
    }

    /// The images at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn select(&self, indices: &[u32]) -> Self {
        let pixels = indices.iter().flat_map(|&i| self.image(i as usize)).copied().collect();
        let masks = indices.iter().flat_map(|&i| self.mask(i as usize)).copied().collect();
        Self { pixels, masks, ..*self }
    }

    /// How many pixels each class has; classes at or above `classes` are left out.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = [0; 256];
        self.masks.iter().for_each(|&class| counts[usize::from(class)] += 1);
        (0..classes).map(|class| counts.get(class).copied().unwrap_or(0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Masked {
        Masked::new((1, 2, 1), vec![0, 1, 2, 3, 4, 255], vec![2, 0, 1, 1, 0, 2]).unwrap()
    }

    #[test]
    fn batches_and_selections_follow_the_indices() {
        let (mut pixels, mut targets) = (vec![9.0; 99], vec![9; 99]);
        three().batch(&[2, 0], &mut pixels, &mut targets);
        assert_eq!((pixels[1], pixels[2], pixels.len(), targets), (1.0, -1.0, 4, vec![0, 2, 2, 0]));
        let selected = three().select(&[2, 0]);
        assert_eq!((selected.pixels, selected.masks), (vec![4, 255, 0, 1], vec![0, 2, 2, 0]));
        assert_eq!(three().class_counts(2), [2, 2]);
    }

    #[test]
    fn take_keeps_the_first() {
        let mut images = three();
        images.take(usize::MAX);
        assert_eq!(images, three());
        images.take(2);
        assert_eq!((images.len(), images.pixels, images.masks), (2, vec![0, 1, 2, 3], vec![2, 0, 1, 1]));
        assert_eq!((Masked::default().len(), Masked::default().is_empty()), (0, true));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(Masked::new((1, 2, 1), vec![0; 5], vec![0; 6]).is_err());
        assert!(Masked::new((1, 4, 1), vec![0; 6], vec![0; 6]).is_err());
        assert!(Masked::new((0, 2, 1), vec![], vec![]).is_err());
        assert!(Masked::new((usize::MAX, 2, 1), vec![0; 6], vec![0; 6]).is_err());
    }
}
