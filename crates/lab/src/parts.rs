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
        let (all, size) = match self {
            Self::Images(images) => (split::spread(&images.labels, 256, 0), 64),
            Self::Rows(rows) => (split::spread(rows.labels(), 256, 0), 64),
            Self::Text { .. } => ((0..self.len().min(64) as u32).collect(), 16),
            Self::Masked(images) => ((0..images.len().min(8) as u32).collect(), 2),
        };
        all.chunks(size).map(|indices| self.batch(indices)).collect()
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
