//! A study whose objective is speed, too: what candidates cost at each place, before anything is trained, and how long the activations
//! of its trainings take, when all have ended. Both are kept in the study's folder and measured once.

use adact_evidence::records::{Costs, PLACES, RunResult, TIMINGS, Timings, run_directory};

use super::Subject;
use crate::bench::Shape;
use crate::config::{Config, NetworkOptions, SearchOptions, Train};
use crate::control::Control;
use crate::costs::{Contender, places, timings};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::folder::{CONFIG, Folder};
use crate::parts::Part;
use crate::threads;
use crate::variants::Variant;

/// About how long each of the two is measured, where three rounds don't take longer.
const SECONDS: f64 = 30.0;

/// Begins a training of these options anew, to be timed.
pub(crate) type Timed<'a> = &'a (dyn Fn(&Config) -> Result<Box<dyn Contender + 'a>> + Sync);

/// The costs in the file that the options name, if they do, for inputs of this shape.
///
/// # Errors
/// If the file is missing, broken, of another network or shape, or lacks a place or a candidate.
pub(super) fn given(config: &Config, shape: &str) -> Result<Option<Costs>> {
    let Some(path) = &config.search.costs else { return Ok(None) };
    let measure = || {
        let candidates: Vec<&str> = config.model.candidates.iter().map(|a| a.name()).collect();
        let of_images = shape.parse::<Shape>().is_ok();
        let shape = if of_images { format!(" --shape {shape}") } else { String::new() };
        let network = &config.network.name;
        format!(
            "`adact bench places --network {network}{shape} --candidates {} --json` writes such a file",
            candidates.join(",")
        )
    };
    let costs = Costs::read(path).map_err(|error| Error::input(format!("{error}; {}", measure())))?;
    fits(&costs, config, shape)
        .map_err(|why| Error::input(format!("{}: {why}; {}", path.display(), measure())))?;
    Ok(Some(costs))
}

/// Expects costs to be those of the network, for inputs of this shape, all its places and candidates.
fn fits(costs: &Costs, config: &Config, shape: &str) -> std::result::Result<(), String> {
    let kind = |name: &str| NetworkOptions { name: name.into(), ..NetworkOptions::default() }.kind().ok();
    let (theirs, ours) = (&costs.network, &config.network.name);
    if theirs != ours && (kind(theirs).is_none() || kind(theirs) != kind(ours)) {
        return Err(format!("tells what activations cost in {theirs}, and this study is of {ours}"));
    }
    if !costs.shape.is_empty() && costs.shape != shape {
        return Err(format!("tells what activations cost for {}, and these data are {shape}", costs.shape));
    }
    for place in config.network.places().map_err(|e| e.to_string())? {
        for candidate in &config.model.candidates {
            if costs.of(&place, candidate.name()).is_none() {
                return Err(format!("lacks what {candidate} costs at {place}"));
            }
        }
    }
    Ok(())
}

/// What candidates cost at each place, where a rule of the study weighs it: as given, as the folder holds it, or measured now.
pub(super) fn costs(
    given: Option<Costs>,
    config: &Config,
    variants: &[Variant],
    subject: &Subject<'_>,
    folder: &Folder,
    control: &Control<'_>,
) -> Result<Option<Costs>> {
    let weighs = config.search.weighs_time() && variants.iter().any(Variant::weighs_time);
    let Some(timed) = subject.timed.filter(|_| weighs) else {
        return Ok(None);
    };
    let path = folder.join(PLACES);
    if given.is_none() && path.exists() {
        let held = Costs::read(&path)?;
        fits(&held, config, &subject.shape)
            .map_err(|why| Error::input(format!("{}: {why}; remove the file", path.display())))?;
        return Ok(Some(held));
    }
    let measured = || {
        let work = places::Work {
            network: config.network.name.clone(),
            shape: subject.shape.clone(),
            batch: config.protocol.batch,
            places: config.network.places()?,
            base: config.network.usual_activation(),
            candidates: &config.model.candidates,
        };
        let make = |activations: &[String]| timed(&with(config, activations.join("+")));
        threads::install(config.output.threads(), "the measurement of times", || {
            places::costs(&work, &make, SECONDS, control)
        })
    };
    let costs = given.map_or_else(measured, Ok)?;
    folder.check()?;
    costs.write(&path)?;
    Ok(Some(costs))
}

/// How long the activations of the trainings that have a result take; what the folder holds is not measured again.
pub(super) fn timings(
    config: &Config,
    runs: &[RunResult],
    subject: &Subject<'_>,
    folder: &Folder,
    control: &Control<'_>,
) -> Result<Option<Timings>> {
    let Some(timed) = subject.timed.filter(|_| config.search.weighs_time() && !runs.is_empty()) else {
        return Ok(None);
    };
    let path = folder.join(TIMINGS);
    let earlier = if path.exists() { Some(Timings::read(&path)?) } else { None };
    let base = config.network.usual_activation();
    let make = |run: Option<&RunResult>| match run {
        Some(run) => {
            let mut config = Config::read(&folder.join(&run_directory(&run.variant, run.seed)).join(CONFIG))?;
            // Its first steps are not yet those of the search.
            config.search.warm_epochs = 0;
            timed(&config)
        }
        None => timed(&with(config, base.name().into())),
    };
    let work = timings::Work { runs, base: base.name(), batch: config.protocol.batch, seconds: SECONDS };
    let found = threads::install(config.output.threads(), "the measurement of times", || {
        timings::timings(&work, earlier, &make, control)
    })?;
    folder.check()?;
    found.iter().try_for_each(|found| found.write(&path))?;
    Ok(found)
}

/// The shape of what goes into the network.
pub(super) fn shape_in_words(data: &Data) -> String {
    match &data.train {
        Part::Text { context, .. } => format!("context {context}"),
        Part::Rows(_) => format!("{} numbers", data.image[1]),
        Part::Images(_) | Part::Masked(_) => format!("{}x{}x{}", data.image[0], data.image[1], data.image[1]),
    }
}

/// The options of a training with these activations.
fn with(config: &Config, activation: String) -> Config {
    let train = Train { activation, ..Train::default() };
    Config { train: Some(train), study: None, search: SearchOptions::default(), ..config.clone() }
}

#[cfg(test)]
mod tests;
