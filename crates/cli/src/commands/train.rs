//! `adact train`.

use adact_evidence::records::{MANIFEST, Manifest};
use adact_evidence::{agreement, names, table};
use adact_lab::data::Data;
use adact_lab::train::train_network;
use adact_lab::{Control, Error, Result};

use crate::args::TrainArgs;
use crate::progress::Progress;
use crate::{options, out, stop};

pub fn run(args: &TrainArgs, threads: Option<usize>, json: bool) -> Result<()> {
    let mut config = options::config(&args.common, threads)?;
    options::no_program(&config)?;
    let mut train = config.train.take().unwrap_or_default();
    if let Some(activation) = &args.activation {
        let lists_its_own = activation.trim().starts_with("adact:") && !activation.contains(['+', '=']);
        if lists_its_own && args.common.mixture.candidates.is_some() {
            return Err(Error::input(format!(
                "candidates: {activation} lists its own; give --activation adact with --candidates, or one of the two alone"
            )));
        }
        train.activation.clone_from(activation);
    }
    train.seed = args.seed.unwrap_or(train.seed);
    train.init = args.init.clone().or(train.init);
    let dataset = options::short_name(&config.data.dataset);
    let name = format!("train-{dataset}-{}-seed{}", train.activation, train.seed);
    config.train = Some(train);
    options::check(&config)?;
    let mode = options::mode(&args.common.output);
    let folder = options::out(&config, &name, mode);

    let data = Data::load(&config)?;
    let progress = Progress::new(json);
    progress.remarks(&data);
    let control = Control { observer: &progress, cancel: stop::on_signals() };
    let result = train_network(&config, &data, &folder, mode, &control);
    progress.close();
    let result = result?;
    if json {
        return Ok(());
    }
    let metric = result.primary();
    let words = result.selection.judged_in_words(result.unit());
    let judged =
        result.judged().map_or(String::new(), |value| format!("{} {value:.4} {words}", metric.on_test()));
    let picked = result.selection.picked_in_words(result.unit()).zip(result.kept());
    let picked = picked.map_or(String::new(), |(picked, kept)| {
        format!(", {kept:.4} after {} ({picked})", result.best_in_words())
    });
    out::line(&format!(
        "{} on {}: {judged}{picked}, {}, {} parameters, {}",
        names::variant(&result.variant),
        names::dataset(&result.dataset),
        match result.steps {
            Some(steps) => table::count(steps as usize, "step"),
            None => table::count(result.epochs, "epoch"),
        },
        table::thousands(result.parameters),
        table::duration(result.seconds),
    ))?;
    for (i, layer) in result.layers.iter().flatten().enumerate() {
        let share = 100.0 * layer.share();
        let choice = agreement::choice(i + 1, &[layer]);
        let undecided =
            if choice.undecided.is_empty() { String::new() } else { format!(": {}", choice.words()) };
        out::line(&format!(
            "  {}: {} has {share:.1}% of the weight{undecided}",
            names::place(&result.place_of_layer(i), result.network.as_deref()),
            names::activation(&layer.choice)
        ))?;
    }
    if let Some(builds) = Manifest::read(&folder.join(MANIFEST))?.several_builds() {
        out::line(&builds)?;
    }
    out::line(&format!("weights: {}", folder.join("best.safetensors").display()))
}
