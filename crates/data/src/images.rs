//! Images in memory, and the batches made of them.

use crate::error::Fault;

/// Labelled images of one size. Pixels stay bytes; a batch is normalised as it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Count x height x width x channels, channels last.
    pub pixels: Vec<u8>,
    /// One class index per image.
    pub labels: Vec<u8>,
}

/// `x -> (x / 255 - 0.5) / 0.5` for every byte: mean and standard deviation 0.5, so that pixels lie in [-1, 1].
pub(crate) const NORMALISED: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut x = 0;
    while x < 256 {
        table[x] = (x as f32 / 255.0 - 0.5) / 0.5;
        x += 1;
    }
    table
};

impl Images {
    /// Images from their parts; fails if the numbers of pixels and labels do not belong together.
    pub fn new(
        (height, width, channels): (usize, usize, usize),
        pixels: Vec<u8>,
        labels: Vec<u8>,
    ) -> Result<Self, Fault> {
        let size = height.checked_mul(width).and_then(|n| n.checked_mul(channels)).unwrap_or(0);
        if size == 0 || size.checked_mul(labels.len()) != Some(pixels.len()) {
            return Err(Fault::corrupt(format!(
                "{} labels do not fit {} pixels of {height}x{width}x{channels} images",
                labels.len(),
                pixels.len()
            )));
        }
        Ok(Self { channels, height, width, pixels, labels })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of one image.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The pixels of image `i` (height x width x channels).
    ///
    /// # Panics
    /// If there is no image `i`.
    pub fn image(&self, i: usize) -> &[u8] {
        let size = self.image_len();
        &self.pixels[i * size..(i + 1) * size]
    }

    /// Fills `pixels` with the images at `indices`, normalised by `(x / 255 - 0.5) / 0.5` (batch x height x width x
    /// channels), and `labels` with their labels. The vectors are cleared first and keep their memory.
    ///
    /// ```
    /// let images = adact_data::Images { channels: 1, height: 1, width: 2, pixels: vec![0, 255], labels: vec![7] };
    /// let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    /// images.batch(&[0], &mut pixels, &mut labels);
    /// assert_eq!((pixels, labels), (vec![-1.0, 1.0], vec![7]));
    /// ```
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn batch(&self, indices: &[u32], pixels: &mut Vec<f32>, labels: &mut Vec<i32>) {
        pixels.clear();
        pixels.reserve(indices.len() * self.image_len());
        labels.clear();
        labels.reserve(indices.len());
        for &i in indices {
            pixels.extend(self.image(i as usize).iter().map(|&x| NORMALISED[x as usize]));
            labels.push(i32::from(self.labels[i as usize]));
        }
    }

    /// Keeps the first `n` images; does nothing where there are fewer.
    pub fn take(&mut self, n: usize) {
        self.labels.truncate(n);
        self.pixels.truncate(self.labels.len() * self.image_len());
    }

    /// The images at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn select(&self, indices: &[u32]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.image_len());
        for &i in indices {
            pixels.extend_from_slice(self.image(i as usize));
        }
        let labels = indices.iter().map(|&i| self.labels[i as usize]).collect();
        Self { pixels, labels, ..*self }
    }

    /// How many images each class has; classes at or above `classes` are left out.
    pub fn class_counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts
    }

    /// Fails at the first label that is not below `classes`.
    pub(crate) fn check_labels(&self, classes: usize) -> Result<(), Fault> {
        match self.labels.iter().position(|&label| usize::from(label) >= classes) {
            None => Ok(()),
            Some(i) => Err(Fault::corrupt(format!(
                "the label of image {i} is {}, but there are {classes} classes (0 to {})",
                self.labels[i],
                classes - 1
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Images {
        Images::new((1, 2, 1), vec![0, 1, 2, 3, 4, 5], vec![2, 0, 1]).unwrap()
    }

    #[test]
    fn every_byte_is_normalised_to_the_nearest_float() {
        let bytes: Vec<u8> = (0..=255).collect();
        let images = Images::new((16, 16, 1), bytes.clone(), vec![0]).unwrap();
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        images.batch(&[0], &mut pixels, &mut labels);
        for (x, y) in bytes.iter().zip(pixels) {
            let exact = (f64::from(*x) / 255.0 - 0.5) / 0.5;
            assert!((f64::from(y) - exact).abs() < 1.2e-7, "{x}: {y} is not {exact}");
        }
    }

    #[test]
    fn batches_and_selections_follow_the_indices() {
        let images = three();
        let (mut pixels, mut labels) = (vec![9.0; 99], vec![9; 99]);
        images.batch(&[2, 0], &mut pixels, &mut labels);
        assert_eq!((pixels.len(), labels), (4, vec![1, 2]));
        assert_eq!(pixels[2], -1.0);
        let selected = images.select(&[2, 0]);
        assert_eq!((selected.pixels, selected.labels), (vec![4, 5, 0, 1], vec![1, 2]));
    }

    #[test]
    fn take_keeps_the_first() {
        let mut images = three();
        images.take(7);
        assert_eq!(images, three());
        images.take(1);
        assert_eq!((images.pixels, images.labels), (vec![0, 1], vec![2]));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(Images::new((1, 2, 1), vec![0; 5], vec![0; 3]).is_err());
        assert!(Images::new((0, 2, 1), vec![], vec![]).is_err());
        assert!(Images::new((usize::MAX, 2, 1), vec![0; 6], vec![0; 3]).is_err());
        assert_eq!(three().class_counts(2), [1, 1]);
        let message = three().check_labels(2).unwrap_err().to_string();
        assert_eq!(message, "the label of image 0 is 2, but there are 2 classes (0 to 1)");
    }
}
