//! Candidates that leave while a network searches, until one is left at each place (Strack et al. 2024, "Efficient search for
//! customized activation functions with gradient descent").

use adact_kernels::{LEFT, has_left, softmax};
use burn::module::Module;

use super::raw::{Raw, raw_weights, with_raw_weights};

/// When the first and the last candidate leave, as parts of the search.
const FROM: f64 = 0.1;
const TO: f64 = 0.9;

/// How many of `all` candidates have left when a part of the search is over: at times that are spaced logarithmically.
pub(super) fn due(progress: f64, all: usize) -> usize {
    let time = |k: usize| {
        let part = if all > 1 { k as f64 / (all - 1) as f64 } else { 1.0 };
        FROM * libm::pow(TO / FROM, part)
    };
    (0..all).take_while(|&k| time(k) <= progress).count()
}

/// Lets so many candidates leave that as many are gone as a part of the search that is over asks for: each time the weakest at the
/// place with most left, the first of equals.
pub(crate) fn leave<M: Module>(module: M, progress: f64) -> M {
    let mut places = raw_weights(&module);
    let count = |of: fn(&Raw) -> usize| places.iter().map(of).sum::<usize>();
    let all = count(|place| place.columns() - 1);
    let gone = count(|place| place.columns() - place.left());
    let due = due(progress, all);
    if gone >= due {
        return module;
    }
    for _ in gone..due {
        let most = places.iter().map(Raw::left).max().unwrap_or(0);
        let Some(place) = places.iter_mut().find(|place| place.left() == most) else { break };
        let weakest = place.weakest();
        place.rows.iter_mut().for_each(|row| row[weakest] = LEFT);
    }
    with_raw_weights(module, |_, raw| {
        places.iter().find(|place| place.id == raw.id).map(|place| place.rows.clone())
    })
}

impl Raw {
    fn columns(&self) -> usize {
        self.rows.first().map_or(1, Vec::len)
    }

    /// How many candidates are left; they leave all channels together.
    fn left(&self) -> usize {
        self.rows.first().map_or(1, |row| row.iter().filter(|&&w| !has_left(w)).count())
    }

    /// The candidate with the smallest share of those left, the last of equals.
    fn weakest(&self) -> usize {
        let shares: Vec<Vec<f64>> = self.rows.iter().map(|row| softmax(row)).collect();
        let share = |i: usize| shares.iter().map(|row| row[i]).sum::<f64>();
        let left = (0..self.columns()).filter(|&i| self.rows.iter().any(|row| !has_left(row[i])));
        left.rev().min_by(|&a, &b| share(a).total_cmp(&share(b))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{AdActConfig, places};

    #[test]
    fn candidates_leave_at_times_spaced_logarithmically() {
        let times: Vec<usize> = (0..=20).map(|i| due(f64::from(i) / 20.0, 6)).collect();
        assert_eq!(times[..3], [0, 0, 1]);
        assert_eq!((times[17], times[18], times[20]), (5, 6, 6));
        assert_eq!((due(0.89, 1), due(0.9, 1), due(1.0, 0)), (0, 1, 0));
    }

    #[test]
    fn the_weakest_leaves_the_place_with_most_left() {
        let device = Device::flex();
        let place = |w: [f32; 3]| {
            let candidates = [crate::Activation::Relu, crate::Activation::Elu, crate::Activation::Mish];
            AdActConfig::new().with_candidates(candidates).with_initial_weights(w).init(&device)
        };
        let mut net = vec![place([0.3, 0.1, 0.2]), place([0.0, 0.0, 0.0])];
        let left = |net: &Vec<crate::AdAct>| -> Vec<Vec<bool>> {
            let is_there = |w: &f32| !has_left(*w);
            places(net).iter().map(|p| p.mixture.as_ref().unwrap().w.iter().map(is_there).collect()).collect()
        };
        net = leave(net, 0.05);
        assert_eq!(left(&net), [[true; 3]; 2]);
        net = leave(net, FROM);
        assert_eq!(left(&net), [[true, false, true], [true; 3]]);
        net = leave(net, 1.0);
        assert_eq!(left(&net), [[true, false, false], [true, false, false]]);
        assert_eq!(places(&net)[0].mixture.as_ref().unwrap().softmax, [1.0, 0.0, 0.0]);
    }
}
