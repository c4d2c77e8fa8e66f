//! What activations cost: the time of a training step and of an inference, measured on this machine.
//!
//! Trainings are timed in turns ([`rounds`]), so that what the machine does meanwhile meets all of them alike: each candidate at each
//! place ([`places`]), and the activations of a study's trainings ([`timings`]).

pub(crate) mod contender;
pub(crate) mod places;
pub(crate) mod rounds;
pub(crate) mod timings;
pub(crate) mod weighing;

use adact_evidence::records::Machine;
use adact_kernels::simd;

use crate::error::Result;
use crate::machine;

/// A training whose steps are timed.
pub(crate) trait Contender {
    /// Milliseconds of the training step of a round, and of the inference of as many examples.
    fn time(&mut self, round: usize) -> Result<Times>;
    /// How many numbers go into the activation of each place for one example.
    fn seen(&mut self) -> Result<Vec<usize>>;
}

/// A training step and an inference, in milliseconds.
pub(crate) type Times = [f64; 2];

/// Makes the training that has these activations, one for each place.
pub(crate) type Make<'a> = &'a dyn Fn(&[String]) -> Result<Box<dyn Contender + 'a>>;

/// This machine, as it works now.
pub(crate) fn machine() -> Machine {
    Machine {
        processor: machine::processor(),
        threads: rayon::current_num_threads(),
        simd: simd::path().name().into(),
    }
}
