//! Contenders in turns: A B C, C B A, A B C, ... Each is compared with the first one of its round, so that a machine that becomes
//! faster or slower changes no result; a median passes over the rounds in which something else was going on.

use adact_evidence::records::Beside;

use super::{Contender, Times};
use crate::error::Result;

/// As few rounds as say something.
const LEAST: usize = 3;
/// More rounds than these say little more.
const MOST: usize = 100;

/// What is no larger than so many standard errors is noise: so many times and activations are compared that twice the error would be
/// exceeded by chance again and again.
pub(crate) const ERRORS: f64 = 3.0;
/// A normal distribution's standard deviation, in median distances from its middle.
pub(crate) const SPREAD: f64 = 1.4826;

/// What rounds gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// How many there were.
    pub rounds: usize,
    /// The medians of the first contender.
    pub first: Times,
    /// Each other contender beside the first: a training step, and an inference.
    pub others: Vec<[Beside; 2]>,
}

/// Times contenders, of which the second is the same as the first: what these two differ by is noise. As many rounds as take about
/// so many seconds. `tick` is called before each contender's turn.
pub(crate) fn measure(
    contenders: &mut [Box<dyn Contender + '_>],
    seconds: f64,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<Measured> {
    // A first turn that doesn't count: buffers are made, caches filled. It tells how long a round takes.
    let mut turn = 0.0;
    for contender in contenders.iter_mut() {
        tick()?;
        turn += contender.time(0)?.iter().sum::<f64>();
    }
    let count = rounds(seconds, turn);
    let mut times: Vec<Vec<Times>> = vec![Vec::new(); contenders.len()];
    for round in 0..count {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for i in order {
            tick()?;
            times[i].push(contenders[i].time(round + 1)?);
        }
    }
    Ok(conclude(&times))
}

/// How many rounds, of so many milliseconds each, take these seconds.
pub(crate) fn rounds(seconds: f64, turn: f64) -> usize {
    (1e3 * seconds / turn.max(1e-3)).min(MOST as f64).max(LEAST as f64) as usize
}

/// Medians of the ratios to the first contender of the same round, and how sure they are.
fn conclude(times: &[Vec<Times>]) -> Measured {
    let of = |contender: &[Times], what: usize| contender.iter().map(|t| t[what]).collect::<Vec<_>>();
    let first = &times[0];
    let beside = |contender: &[Times], what: usize| {
        let ratios = of(contender, what).iter().zip(of(first, what)).map(|(a, b)| a / b).collect::<Vec<_>>();
        let ratio = median(ratios.clone());
        let off = median(ratios.iter().map(|r| (r - ratio).abs()).collect());
        // For normal noise the standard error of a median, from the median distance.
        let error = 1.2533 * SPREAD * off / (ratios.len() as f64).sqrt();
        let noise = ERRORS * error;
        Beside { ratio, noise }
    };
    let mut others: Vec<[Beside; 2]> =
        times[1..].iter().map(|contender| [0, 1].map(|what| beside(contender, what))).collect();
    for what in [0, 1] {
        // From few rounds each noise is a rough guess: none is below what most have, or what a network differs from itself.
        let usual = median(others.iter().map(|other| other[what].noise).collect());
        let itself = others.first().map_or(0.0, |same| (same[what].ratio - 1.0).abs());
        others.iter_mut().for_each(|other| other[what].noise = other[what].noise.max(usual).max(itself));
    }
    Measured { rounds: first.len(), first: [0, 1].map(|what| median(of(first, what))), others }
}

/// The median; NaN of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a share of what the machine gives at the time, which is shared by all.
    struct Scripted<'a>(f64, &'a dyn Fn() -> f64);

    impl Contender for Scripted<'_> {
        fn time(&mut self, _: usize) -> Result<Times> {
            let now = self.1();
            Ok([self.0 * now, 2.0 * now])
        }

        fn seen(&mut self) -> Result<Vec<usize>> {
            Ok(vec![1])
        }
    }

    #[test]
    fn a_machine_that_slows_down_changes_no_difference() {
        let turns = std::cell::Cell::new(0);
        // Each turn takes longer than the one before, and one is disturbed.
        let now = || {
            turns.set(turns.get() + 1);
            100.0 + 0.01 * f64::from(turns.get()) + if turns.get() == 20 { 500.0 } else { 0.0 }
        };
        let of = |share| Box::new(Scripted(share, &now)) as Box<dyn Contender + '_>;
        let mut contenders = vec![of(1.0), of(1.0), of(1.1), of(0.9)];
        let mut ticks = 0;
        let found = measure(&mut contenders, 1e3, &mut || {
            ticks += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!((found.rounds, ticks), (MOST, 4 * (MOST + 1)));
        let steps: Vec<Beside> = found.others.iter().map(|other| other[0]).collect();
        assert!(steps[0].is_noise(), "{steps:?}");
        assert!((steps[1].ratio - 1.1).abs() < 0.001 && !steps[1].is_noise(), "{steps:?}");
        assert!((steps[2].ratio - 0.9).abs() < 0.001 && !steps[2].is_noise(), "{steps:?}");
        assert!(found.others.iter().all(|other| other[1].is_noise()), "{found:?}");
        assert!(steps[2].is_faster_than(&steps[0]) && !steps[0].is_faster_than(&steps[2]));
    }

    #[test]
    fn rounds_follow_the_time_that_there_is() {
        assert_eq!(rounds(1.0, 100.0), 10);
        assert_eq!(rounds(0.0, 100.0), LEAST);
        assert_eq!(rounds(1e9, 100.0), MOST);
        assert_eq!(rounds(1.0, 0.0), MOST);
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }
}
