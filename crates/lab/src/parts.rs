//! A part of the data (to learn from, to choose by, to judge by), whatever the task, as batches.

use adact::Inputs;
use adact_data::{Augment, Images, Masked, Rows, split, text};

/// A part of the data.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Images and their classes.
    Images(Images),
    /// A text, as sequences of `context` tokens.
    Text {
        /// The tokens.
        tokens: Vec<u16>,
        /// The length of a sequence.
        context: usize,
    },
    /// Images and the classes of their pixels.
    Masked(Masked),
    /// Rows of numbers and their classes.
    Rows(Rows),
}

/// What goes into a network at once, and what it is to answer: a target for each image, token or pixel.
pub type Batch = (Inputs, Vec<i32>);

/// What a training step learns from: drawn anew each epoch.
#[derive(Debug)]
pub struct Epoch<'a> {
    part: &'a Part,
    augment: Augment,
    seed: u64,
    epoch: u64,
    batch: usize,
    /// The images in this epoch's order; empty for a text.
    order: Vec<u32>,
}

impl Part {
    /// Images, rows, or sequences that don't overlap.
    pub fn len(&self) -> usize {
        match self {
            Self::Images(images) => images.len(),
            Self::Text { tokens, context } => text::consecutive_starts(tokens.len(), *context).len(),
            Self::Masked(images) => images.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Training steps of a pass over all; none for a text, of which steps draw sequences at random.
    pub fn steps(&self, batch: usize) -> Option<usize> {
        match self {
            Self::Text { .. } => None,
            _ => Some(self.len().div_ceil(batch)),
        }
    }

    /// A share of it and the rest: `(rest, share)`. Of images and rows the same share of each class, drawn with a seed; of a text the
    /// end.
    pub fn divided(&self, share: f64, seed: u64) -> (Self, Self) {
        match self {
            Self::Images(images) => {
                let (rest, part) = split::stratified(&images.labels, share, seed);
                (Self::Images(images.select(&rest)), Self::Images(images.select(&part)))
            }
            Self::Rows(rows) => {
                let (rest, part) = split::stratified(rows.labels(), share, seed);
                (Self::Rows(rows.select(&rest)), Self::Rows(rows.select(&part)))
            }
            Self::Masked(images) => {
                let (rest, part) = split::stratified(&vec![0; images.len()], share, seed);
                (Self::Masked(images.select(&rest)), Self::Masked(images.select(&part)))
            }
            Self::Text { tokens, context } => {
                let first = tokens.len() - (tokens.len() as f64 * share).round() as usize;
                let part = |tokens: &[u16]| Self::Text { tokens: tokens.to_vec(), context: *context };
                (part(&tokens[..first]), part(&tokens[first..]))
            }
        }
    }

    /// The batches by which it is evaluated, in order.
    pub fn batches(&self, size: usize) -> impl Iterator<Item = Batch> + '_ {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        (0..all.len().div_ceil(size))
            .map(move |i| self.batch(&all[i * size..((i + 1) * size).min(all.len())]))
    }

    /// Images, rows or sequences by number.
    pub fn batch(&self, indices: &[u32]) -> Batch {
        let (mut pixels, mut targets) = (Vec::new(), Vec::new());
        match self {
            Self::Images(images) => images.batch(indices, &mut pixels, &mut targets),
            Self::Masked(images) => images.batch(indices, &mut pixels, &mut targets),
            Self::Rows(rows) => rows.batch(indices, &mut pixels, &mut targets),
            Self::Text { tokens, context } => {
                let starts = text::consecutive_starts(tokens.len(), *context);
                let starts: Vec<usize> = indices.iter().map(|&i| starts[i as usize]).collect();
                let (inputs, targets) = text::windows(tokens, &starts, *context);
                return (inputs.into(), targets);
            }
        }
        (pixels.into(), targets)
    }

    /// What is shown to a network to see what its activations see: the same with every seed.
    pub fn shown(&self) -> Vec<Batch> {
        self.shown_by(1)
    }

    /// The same in smaller batches, so that there are enough of them to see how they differ.
    pub fn shown_in_groups(&self) -> Vec<Batch> {
        self.shown_by(8)
    }

    fn shown_by(&self, smaller: usize) -> Vec<Batch> {
        let (all, size) = match self {
            Self::Images(images) => (split::spread(&images.labels, 256, 0), 64),
            Self::Rows(rows) => (split::spread(rows.labels(), 256, 0), 64),
            Self::Text { .. } => ((0..self.len().min(64) as u32).collect(), 16),
            Self::Masked(images) => ((0..images.len().min(8) as u32).collect(), 2),
        };
        all.chunks((size / smaller).max(1)).map(|indices| self.batch(indices)).collect()
    }

    /// An epoch to learn from, as a function of the seed and its number.
    pub fn epoch(&self, batch: usize, augment: Augment, seed: u64, epoch: u64) -> Epoch<'_> {
        let order = match self {
            Self::Text { .. } => Vec::new(),
            _ => split::shuffled(self.len(), seed, epoch),
        };
        Epoch { part: self, augment, seed, epoch, batch, order }
    }
}

impl Epoch<'_> {
    /// The images or sequences of a step.
    pub fn size(&self, step: usize) -> usize {
        match self.part {
            Part::Text { .. } => self.batch,
            _ => self.batch.min(self.order.len().saturating_sub(step * self.batch)),
        }
    }

    /// The batch of a step of this epoch; `number` counts the steps of the whole training. Both from 0.
    pub fn batch(&self, step: usize, number: usize) -> Batch {
        let (mut pixels, mut targets) = (Vec::new(), Vec::new());
        let (augment, seed, epoch) = (self.augment, self.seed, self.epoch);
        let of_step = |order: &[u32]| {
            let last = ((step + 1) * self.batch).min(order.len());
            order[step * self.batch..last].to_vec()
        };
        match self.part {
            Part::Images(images) => {
                let indices = of_step(&self.order);
                images.batch_augmented(&indices, augment, seed, epoch, &mut pixels, &mut targets);
            }
            Part::Masked(images) => {
                let indices = of_step(&self.order);
                images.batch_augmented(&indices, augment, seed, epoch, &mut pixels, &mut targets);
            }
            Part::Rows(rows) => rows.batch(&of_step(&self.order), &mut pixels, &mut targets),
            Part::Text { tokens, context } => {
                let starts = text::random_starts(tokens.len(), *context, self.batch, seed, number as u64);
                let (inputs, targets) = text::windows(tokens, &starts, *context);
                return (inputs.into(), targets);
            }
        }
        (pixels.into(), targets)
    }
}

/// Passes over a part, one after the other, for as many steps as are asked for.
#[derive(Debug)]
pub struct Passes<'a> {
    part: &'a Part,
    batch: usize,
    augment: Augment,
    seed: u64,
    /// The pass that is going on, and its number.
    pass: (u64, Epoch<'a>),
}

impl<'a> Passes<'a> {
    /// Passes in batches of a size.
    pub fn new(part: &'a Part, batch: usize, augment: Augment, seed: u64) -> Self {
        Self { part, batch, augment, seed, pass: (0, part.epoch(batch, augment, seed, 0)) }
    }

    /// The batch of a step; the first is 0.
    pub fn batch(&mut self, step: usize) -> Batch {
        let each = self.part.steps(self.batch).unwrap_or(usize::MAX);
        let number = (step / each) as u64;
        if self.pass.0 != number {
            self.pass = (number, self.part.epoch(self.batch, self.augment, self.seed, number));
        }
        self.pass.1.batch(step % each, step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(count: u8) -> Part {
        let pixels = (0..count).flat_map(|i| [i; 4]).collect();
        let labels = (0..count).map(|i| i % 2).collect();
        Part::Images(Images { channels: 1, height: 2, width: 2, pixels, labels })
    }

    #[test]
    fn a_part_is_divided_once_and_keeps_its_classes() {
        let (rest, share) = images(40).divided(0.25, 3);
        assert_eq!((rest.len(), share.len()), (30, 10));
        let (Part::Images(rest), Part::Images(share)) = (&rest, &share) else { unreachable!() };
        assert_eq!(share.labels.iter().filter(|&&label| label == 1).count(), 5);
        let mut all: Vec<u8> = rest.pixels.iter().chain(&share.pixels).step_by(4).copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<u8>>());
        let text = Part::Text { tokens: (0..100).collect(), context: 8 };
        let (rest, share) = text.divided(0.25, 3);
        assert_eq!(share, Part::Text { tokens: (75..100).collect(), context: 8 });
        assert_eq!(rest, Part::Text { tokens: (0..75).collect(), context: 8 });
        let rows = Part::Rows(Rows::new(1, vec![1.0, 2.0, 3.0, 4.0], vec![0; 4]).unwrap());
        assert_eq!(rows.divided(0.25, 3).1.len(), 1);
    }

    #[test]
    fn passes_show_everything_before_they_show_it_again() {
        let part = images(10);
        let mut passes = Passes::new(&part, 4, Augment::None, 7);
        let batches: Vec<Batch> = (0..6).map(|step| passes.batch(step)).collect();
        let seen = |steps: std::ops::Range<usize>| {
            let mut values: Vec<u32> = Vec::new();
            for (inputs, _) in &batches[steps] {
                let Inputs::Values(inputs) = inputs else { unreachable!() };
                values.extend(inputs.iter().step_by(4).map(|v| v.to_bits()));
            }
            values.sort_unstable();
            values
        };
        assert_eq!(seen(0..3).len(), 10);
        assert_eq!(seen(0..3), seen(3..6));
        assert!(batches[0] != batches[3], "another order");
        // A training that goes on in between sees the same.
        assert!(Passes::new(&part, 4, Augment::None, 7).batch(5) == batches[5]);
    }
}
