//! `adact predict` and `adact inspect`.

use adact_evidence::{agreement, names, table};
use adact_lab::Result;
use adact_lab::model::{Hints, Layer, Model};

use crate::args::{InspectArgs, NetworkArgs, PredictArgs};
use crate::out;

pub fn predict(args: &PredictArgs, json: bool) -> Result<()> {
    let predictions = open(&args.network)?.predict(&args.images)?;
    if json {
        return predictions.iter().try_for_each(out::json);
    }
    for prediction in &predictions {
        let top = prediction.probabilities.iter().take(args.top.max(1));
        let top: Vec<String> = top.map(|(class, p)| format!("{class} {:.1}%", 100.0 * p)).collect();
        out::line(&format!("{}: {}", prediction.image, top.join(", ")))?;
    }
    Ok(())
}

pub fn inspect(args: &InspectArgs, json: bool) -> Result<()> {
    let network = open(&args.network)?.describe();
    if json {
        return out::json(&network);
    }
    out::line(&format!(
        "{}: images {}, {} classes ({}), {} parameters, seed {}",
        network.path,
        network.shape,
        network.classes.len(),
        network.classes.join(", "),
        table::thousands(network.parameters as u64),
        network.seed,
    ))?;
    network.layers.iter().try_for_each(layer)
}

fn open(args: &NetworkArgs) -> Result<Model> {
    let hints = Hints {
        shape: args.shape.map(|shape| [shape.channels, shape.side]),
        activation: args.activation.clone(),
    };
    Model::open(&args.model, &hints)
}

fn layer(layer: &Layer) -> Result<()> {
    let [from, to] = layer.channels;
    out::line(&format!(
        "\nlayer {}: {from} -> {to} channels, {}",
        layer.layer,
        names::activation(&layer.activation)
    ))?;
    let Some(mixture) = &layer.mixture else { return Ok(()) };
    let choice = agreement::choice(layer.layer, &[mixture]);
    let rows: Vec<Vec<String>> = mixture
        .candidates()
        .iter()
        .zip(mixture.w.iter().zip(&mixture.softmax))
        .map(|(name, (w, share))| {
            let chosen = match () {
                () if choice.undecided.iter().any(|u| u == name) => "undecided",
                () if *name == choice.choice => "chosen",
                () => "",
            };
            vec![
                format!("  {}", names::activation(name)),
                format!("{w:+.4}"),
                format!("{:.2}%", 100.0 * share),
                chosen.into(),
            ]
        })
        .collect();
    out::line(&out::columns(&["  candidate", "w", "softmax", ""], &rows, &[1, 2]))?;
    match mixture.prelu_slope {
        Some(slope) => out::line(&format!("  PReLU's slope: {slope:.4}")),
        None => Ok(()),
    }
}
