//! `adact bench places`: what each candidate costs at each place of a network.

use adact::networks::AnyNetwork;
use adact::{Evaluate, Network, NetworkConfig, Trainer};
use adact_evidence::records::Costs;
use adact_kernels::Activation;

use super::{Work, random_batch};
use crate::config::distinct;
use crate::control::Control;
use crate::costs::{self, Contender, Times};
use crate::error::{Error, Result};

/// Measures training steps and inferences with each candidate at each place, on random inputs, in about so many seconds or in as
/// few rounds as say something.
///
/// # Errors
/// As [`step`](super::step), if a candidate is given twice, or if the user stops.
pub fn places(work: &Work, candidates: &[Activation], seconds: f64, control: &Control<'_>) -> Result<Costs> {
    if !(seconds > 0.0 && seconds.is_finite()) {
        return Err(Error::input("--seconds: give a number above 0"));
    }
    distinct(candidates)?;
    let base = Work { activation: "base".into(), ..work.clone() };
    let config = base.trainer()?.net().config().clone();
    let measured = costs::places::Work {
        network: work.network.name.clone(),
        shape: work.shape_in_words(),
        batch: work.batch(),
        places: config.places()?,
        base: work.network.usual_activation(),
        candidates,
    };
    let make = |activations: &[String]| {
        let work = Work { activation: activations.join("+"), ..work.clone() };
        Ok(Box::new(Synthetic { trainer: work.trainer()?, batch: work.batch() }) as Box<dyn Contender>)
    };
    costs::places::costs(&measured, &make, seconds, control)
}

/// A network that learns from random inputs.
struct Synthetic {
    trainer: Trainer<AnyNetwork>,
    batch: usize,
}

impl Contender for Synthetic {
    fn time(&mut self, round: usize) -> Result<Times> {
        let (inputs, targets) = random_batch(self.trainer.net().config(), self.batch, round as u64);
        costs::contender::timed(
            &mut self.trainer,
            |trainer| Ok(trainer.step(inputs.clone(), &targets).map(|_| ())?),
            |trainer| Ok(trainer.evaluate(inputs.clone(), &targets).map(|_| ())?),
        )
    }

    fn seen(&mut self) -> Result<Vec<usize>> {
        let (inputs, _) = random_batch(self.trainer.net().config(), 1, 0);
        Ok(self.trainer.net().activation_inputs(inputs)?.iter().map(Vec::len).collect())
    }
}
