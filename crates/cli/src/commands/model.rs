//! `adact predict`, `adact sample`, `adact inspect` and `adact export`.

use std::path::Path;

use adact_evidence::{agreement, names, table};
use adact_kernels::has_left;
use adact_lab::model::{Hints, Layer, Model, OnnxOptions, Sampling};
use adact_lab::{Error, Result, predict};

use crate::args::{ExportArgs, Format, InspectArgs, PredictArgs, SampleArgs, TrainedArgs};
use crate::out;

pub fn predict(args: &PredictArgs, json: bool) -> Result<()> {
    let model = &*predict::open(&args.trained.model, &hints(&args.trained))?;
    if args.images.is_empty() {
        return Err(Error::input("give an image at least"));
    }
    if model.segments() {
        let folder = args.out.as_deref().unwrap_or(Path::new("."));
        for prediction in predict::masks(model, &args.images, folder)? {
            if json {
                out::json(&prediction)?;
                continue;
            }
            let shares =
                prediction.shares.iter().map(|(class, share)| format!("{class} {:.1}%", 100.0 * share));
            let shares: Vec<String> = shares.collect();
            out::line(&format!("{}: {} ({})", prediction.image, prediction.mask, shares.join(", ")))?;
        }
        return Ok(());
    }
    let predictions = predict::classes(model, &args.images)?;
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

pub fn sample(args: &SampleArgs, json: bool) -> Result<()> {
    let model = open(&args.trained)?;
    let prompt =
        args.prompt.as_ref().map_or_else(|| model.usual_prompt(), |prompt| prompt.replace("\\n", "\n"));
    for i in 0..args.num_samples {
        let sampling = Sampling { temperature: args.temperature, seed: args.seed.wrapping_add(i) };
        let written = model.write(&prompt, args.count, sampling)?;
        if json {
            out::json(&written)?;
        } else {
            let between = if i > 0 { "---------------\n" } else { "" };
            out::line(&format!("{between}{}{}", written.prompt, written.text))?;
        }
    }
    Ok(())
}

pub fn inspect(args: &InspectArgs, json: bool) -> Result<()> {
    let network = open(&args.trained)?.describe();
    if json {
        return out::json(&network);
    }
    let classes = match network.classes.len() {
        n if network.network == "gpt" => format!("{n} characters"),
        n if n > 50 => format!("{n} classes"),
        n => format!("{n} classes ({})", network.classes.join(", ")),
    };
    out::line(&format!(
        "{}: {} of {}, {classes}, {} parameters, seed {}",
        network.path,
        names::network(&network.network),
        network.shape,
        table::thousands(network.parameters as u64),
        network.seed,
    ))?;
    network.layers.iter().try_for_each(|place| layer(place, &network.network))
}

pub fn export(args: &ExportArgs, json: bool) -> Result<()> {
    let Format::Onnx = args.format;
    let model = open(&args.trained)?;
    let to = match &args.out {
        Some(out) => out.clone(),
        None if args.trained.model.is_dir() => args.trained.model.join("model.onnx"),
        None => model.path.with_extension("onnx"),
    };
    if to.as_os_str().is_empty() || to == model.path {
        return Err(Error::input("--out: give a file of its own for the exported network"));
    }
    model.export_onnx(&to, &OnnxOptions { fold_batch_norm: args.fold_batch_norm })?;
    if json {
        return out::json(&serde_json::json!({"file": to, "format": "onnx"}));
    }
    out::line(&format!("{}", to.display()))
}

fn open(args: &TrainedArgs) -> Result<Model> {
    Model::open(&args.model, &hints(args))
}

fn hints(args: &TrainedArgs) -> Hints {
    Hints { shape: args.shape.map(|shape| [shape.channels, shape.side]), activation: args.activation.clone() }
}

fn layer(layer: &Layer, network: &str) -> Result<()> {
    let channels = layer.channels.map_or(String::new(), |[from, to]| format!("{from} -> {to} channels, "));
    out::line(&format!(
        "\n{}: {channels}{}",
        names::place(&layer.place, Some(network)),
        names::activation(&layer.activation)
    ))?;
    let Some(mixture) = &layer.mixture else { return Ok(()) };
    let choice = agreement::choice(layer.layer, &[mixture]);
    let weights = mixture.w.iter().zip(&mixture.softmax).zip(mixture.shares());
    let rows: Vec<Vec<String>> = mixture
        .candidates()
        .iter()
        .zip(weights)
        .map(|(name, ((w, softmax), share))| {
            let chosen = match () {
                () if choice.undecided.iter().any(|u| u == name) => "undecided",
                () if *name == choice.choice => "chosen",
                () => "",
            };
            let w = if has_left(*w) { "left".into() } else { format!("{w:+.4}") };
            let mut cells =
                vec![format!("  {}", names::activation(name)), w, format!("{:.2}%", 100.0 * softmax)];
            // What the network mixes with, where it isn't the softmax.
            if mixture.shares.is_some() {
                cells.push(format!("{share:+.4}"));
            }
            cells.push(chosen.into());
            cells
        })
        .collect();
    let table = match mixture.shares {
        None => out::columns(&["  candidate", "w", "softmax", ""], &rows, &[1, 2]),
        Some(_) => out::columns(&["  candidate", "w", "portion", "share", ""], &rows, &[1, 2, 3]),
    };
    out::line(&table)?;
    if layer.by_channel {
        out::line("  Each channel has weights and a slope of its own; these are their means.")?;
    }
    match mixture.prelu_slope {
        Some(slope) => out::line(&format!("  PReLU's slope: {slope:.4}")),
        None => Ok(()),
    }
}
