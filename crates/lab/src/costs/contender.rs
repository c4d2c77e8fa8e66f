//! A training of a study as a contender: its own data, recipe and optimizer.

use std::borrow::Cow;
use std::time::Instant;

use super::{Contender, Times};
use crate::config::Config;
use crate::data::Data;
use crate::error::{Error, Result};
use crate::learner::Learner;
use crate::parts::Passes;

/// The milliseconds that two pieces of work on one thing take.
pub(crate) fn timed<T>(
    on: &mut T,
    step: impl FnOnce(&mut T) -> Result<()>,
    infer: impl FnOnce(&mut T) -> Result<()>,
) -> Result<Times> {
    let start = Instant::now();
    step(on)?;
    let between = Instant::now();
    infer(on)?;
    Ok([between - start, between.elapsed()].map(|time| 1e3 * time.as_secs_f64()))
}

/// A training that is begun anew to be timed; nothing of it is kept.
pub(crate) struct Training<'a, L> {
    /// The network.
    pub learner: L,
    /// The options.
    pub config: Config,
    /// The data as this training takes them.
    pub data: Cow<'a, Data>,
}

impl<L: Learner> Contender for Training<'_, L> {
    fn time(&mut self, round: usize) -> Result<Times> {
        let protocol = &self.config.protocol;
        let (train, search) = (&self.data.train, self.data.search.as_ref());
        // Whole batches only: the last one of an epoch may be smaller.
        let number = round % (train.len() / protocol.batch).max(1);
        let passes = |part| Passes::new(part, protocol.batch, protocol.augment, 0).batch(number);
        let (inputs, targets) = passes(train);
        let held_out = search.map(passes);
        let tests: Vec<u32> = (0..protocol.batch.min(self.data.test.len()) as u32).collect();
        let (questions, answers) = self.data.test.batch(&tests);
        let step = round as u64 + 1;
        timed(
            &mut self.learner,
            |learner| {
                let outcome = match held_out {
                    Some((others, classes)) => {
                        learner.step_bilevel((inputs, &targets), (others, &classes), step)?
                    }
                    None => learner.step(inputs, &targets, step)?,
                };
                match outcome.loss.is_finite() {
                    true => Ok(()),
                    false => Err(Error::failure(
                        "the loss became no number while steps were timed; try a smaller --lr",
                    )),
                }
            },
            |learner| learner.evaluate(questions, &answers).map(|_| ()),
        )
    }

    fn seen(&mut self) -> Result<Vec<usize>> {
        let (inputs, _) = self.data.train.batch(&[0]);
        Ok(self.learner.inputs(inputs)?.iter().map(Vec::len).collect())
    }
}
