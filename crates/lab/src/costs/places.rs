//! What each candidate costs at each place, beside ReLU there.

use adact_evidence::records::{Beside, CandidateCosts, Costs, PlaceCosts};
use adact_kernels::Activation;

use super::rounds::{ERRORS, Measured, SPREAD, measure, median};
use super::{Make, machine};
use crate::control::{Control, Event};
use crate::error::Result;

/// What is measured.
pub(crate) struct Work<'a> {
    /// The network's name.
    pub network: String,
    /// The shape of what goes in, in words.
    pub shape: String,
    /// Examples a step.
    pub batch: usize,
    /// The paths of the places.
    pub places: Vec<String>,
    /// The activation of all places but one.
    pub base: Activation,
    /// The candidates.
    pub candidates: &'a [Activation],
}

/// Measures all places in about so many seconds, or in as few rounds as say something.
pub(crate) fn costs(work: &Work<'_>, make: Make<'_>, seconds: f64, control: &Control<'_>) -> Result<Costs> {
    let usual = vec![work.base.name().to_owned(); work.places.len()];
    let seen = make(&usual)?.seen()?;
    let relu = Activation::Relu;
    let others: Vec<Activation> = work.candidates.iter().copied().filter(|a| *a != relu).collect();
    let mut places = Vec::new();
    let mut itself: [Vec<f64>; 2] = Default::default();
    for (i, place) in work.places.iter().enumerate() {
        let with = |activation: &Activation| {
            let mut activations = usual.clone();
            activations[i] = activation.name().into();
            make(&activations)
        };
        // ReLU twice: what it differs from itself is noise.
        let mut contenders = [relu, relu].iter().chain(&others).map(with).collect::<Result<Vec<_>>>()?;
        control.tell(Event::Measuring { what: place, done: i, of: work.places.len() });
        let seconds = seconds / work.places.len() as f64;
        let Measured { rounds, first, others: beside } =
            measure(&mut contenders, seconds, &mut || control.check())?;
        for (what, all) in itself.iter_mut().enumerate() {
            all.push((beside[0][what].ratio - 1.0).abs());
        }
        let same = |what: usize| Beside { ratio: 1.0, ..beside[0][what] };
        let candidate = |activation: &Activation| {
            let at = others.iter().position(|other| other == activation);
            let [step, infer] = at.map_or([same(0), same(1)], |at| beside[at + 1]);
            CandidateCosts { activation: activation.name().into(), step, infer }
        };
        let numbers = seen.get(i).copied().unwrap_or_default();
        places.push(PlaceCosts {
            place: place.clone(),
            kept_bytes: (4 * numbers * work.batch) as u64,
            rounds,
            step_ms: first[0],
            infer_ms: first[1],
            candidates: work.candidates.iter().map(candidate).collect(),
        });
    }
    quieten(&mut places, itself);
    control.tell(Event::Measuring { what: "", done: work.places.len(), of: work.places.len() });
    Ok(Costs {
        network: work.network.clone(),
        shape: work.shape.clone(),
        batch: work.batch,
        machine: machine(),
        base: work.base.name().into(),
        places,
    })
}

/// No noise is below what is usual over all places: how much measurements scatter, and how much ReLU differed from itself.
fn quieten(places: &mut [PlaceCosts], itself: [Vec<f64>; 2]) {
    let [step, infer] = itself.map(|differences| ERRORS * SPREAD * median(differences));
    let all = |of: fn(&CandidateCosts) -> f64| {
        median(places.iter().flat_map(|place| &place.candidates).map(of).collect())
    };
    let (step, infer) = (step.max(all(|c| c.step.noise)), infer.max(all(|c| c.infer.noise)));
    for candidate in places.iter_mut().flat_map(|place| &mut place.candidates) {
        candidate.step.noise = candidate.step.noise.max(step);
        candidate.infer.noise = candidate.infer.noise.max(infer);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Contender, Times};
    use super::*;

    /// Mish takes half as long again, at the second place only.
    struct Scripted(Vec<String>);

    impl Contender for Scripted {
        fn time(&mut self, _: usize) -> Result<Times> {
            let step = if self.0[1] == "mish" { 15.0 } else { 10.0 };
            Ok([step, 4.0])
        }

        fn seen(&mut self) -> Result<Vec<usize>> {
            Ok(vec![100, 50])
        }
    }

    #[test]
    fn each_candidate_is_measured_at_each_place_with_the_usual_activation_elsewhere() {
        let made = std::cell::RefCell::new(Vec::new());
        let make = |activations: &[String]| {
            made.borrow_mut().push(activations.join("+"));
            Ok(Box::new(Scripted(activations.to_vec())) as Box<dyn Contender>)
        };
        let work = Work {
            network: "n".into(),
            shape: "1x2".into(),
            batch: 8,
            places: vec!["a".into(), "b".into()],
            base: Activation::Gelu,
            candidates: &[Activation::Mish, Activation::Relu],
        };
        let costs = costs(&work, &make, 0.0, &Control::new(&())).unwrap();
        let expected =
            ["gelu+gelu", "relu+gelu", "relu+gelu", "mish+gelu", "gelu+relu", "gelu+relu", "gelu+mish"];
        assert_eq!(*made.borrow(), expected);
        let percent = |place: &str, name: &str| costs.of(place, name).unwrap().step.percent();
        assert_eq!((percent("a", "mish"), percent("b", "relu")), (0.0, 0.0));
        assert!((percent("b", "mish") - 50.0).abs() < 1e-9);
        assert_eq!(costs.places[0].kept_bytes, 4 * 8 * 100);
        assert_eq!(
            (costs.places[1].step_ms, costs.places[1].infer_ms, costs.places[1].rounds),
            (10.0, 4.0, 3)
        );
        let names: Vec<_> = costs.places[0].candidates.iter().map(|c| c.activation.as_str()).collect();
        assert_eq!(names, ["mish", "relu"]);
    }
}
