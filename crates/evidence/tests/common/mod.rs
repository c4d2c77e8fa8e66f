//! Studies that look like real ones, made of random numbers: nothing was trained.

#![allow(dead_code)]

use std::collections::BTreeMap;

use adact_evidence::records::*;
use adact_kernels::random::{Purpose, Stream};

pub const THREE: [&str; 3] = ["adact", "optimized", "relu"];
pub const SIX: [&str; 6] = ["adact", "optimized", "relu", "uniform:mish", "uniform:elu", "random-0"];

const EPOCHS: usize = 15;
const CLASSES: [&str; 10] =
    ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// A study of `variants` with seeds 0 to `seeds` - 1.
pub fn study(dataset: &str, variants: &[&str], seeds: u64) -> Study {
    let mut runs = Vec::new();
    let mut metrics = Vec::new();
    for (v, variant) in variants.iter().enumerate() {
        for seed in 0..seeds {
            let (run, epochs) = run(dataset, v as u64, variant, seed);
            runs.push(run);
            metrics.push(epochs);
        }
    }
    Study { result: of(plan(dataset, variants, None), runs), metrics }
}

/// A plan for 15 epochs that selects on the test set.
pub fn plan(dataset: &str, variants: &[&str], against: Option<&str>) -> Plan {
    Plan {
        dataset: dataset.into(),
        variants: variants.iter().map(|v| v.to_string()).collect(),
        against: against.map(String::from),
        epochs: EPOCHS,
        selection: Selection::Test,
    }
}

/// What became of a plan in which nothing failed.
pub fn of(plan: Plan, runs: Vec<RunResult>) -> StudyResult {
    let provenance = manifest(&plan.dataset);
    StudyResult::new(plan, runs, Vec::new(), provenance).unwrap()
}

pub fn manifest(dataset: &str) -> Manifest {
    let file =
        |name: &str, bytes, digit: &str| DataFile { name: name.into(), bytes, sha256: digit.repeat(64) };
    Manifest {
        builds: Vec::new(),
        command: ["adact", "study", "--dataset", dataset, "--seeds", "5"].map(String::from).to_vec(),
        versions: BTreeMap::from(
            [("adact", "0.1.0"), ("burn", "0.22.1"), ("rustc", "1.95.0")].map(|(k, v)| (k.into(), v.into())),
        ),
        dataset: dataset.into(),
        dataset_note: Some("the first 6,000 training and 1,000 test images".into()),
        variant: None,
        seed: None,
        data: vec![
            file("train-images-idx3-ubyte.gz", 2_601_333, "a"),
            file("t10k-images-idx3-ubyte.gz", 433_012, "3"),
        ],
        processor: "AMD EPYC 9R14".into(),
        system: "linux x86_64".into(),
        threads: 2,
        simd: "avx512".into(),
        started: "2026-11-25T09:30:00Z".into(),
        finished: Some("2026-11-25T10:12:30Z".into()),
    }
}

/// The accuracy that a variant would have without noise.
fn level(variant: &str) -> f64 {
    match variant {
        "adact" => 0.917,
        "optimized" => 0.9185,
        "relu" => 0.9125,
        "uniform:mish" => 0.916,
        "uniform:elu" => 0.9118,
        _ => 0.914,
    }
}

pub fn run(dataset: &str, v: u64, variant: &str, seed: u64) -> (RunResult, Vec<EpochRecord>) {
    let shared = Stream::new(seed, Purpose::Synthetic, 0);
    let own = Stream::new(seed, Purpose::Synthetic, 1 + v);
    let easier = match dataset {
        "cifar10" => -0.145,
        "svhn" => -0.004,
        "fer2013" => -0.36,
        _ => 0.0,
    };
    let top = easier + level(variant) + 0.0025 * shared.normal(0) + 0.0012 * own.normal(0);
    let is_adact = variant == "adact";
    let epochs: Vec<EpochRecord> = (1..=EPOCHS)
        .map(|epoch| {
            let e = epoch as f64;
            let noise = |i| own.normal(100 + 10 * epoch as u64 + i);
            let test = (top - 0.17 * (-(e - 1.0) / 2.2).exp() + 0.0022 * noise(0)).clamp(0.0, 1.0);
            EpochRecord {
                epoch,
                train_loss: 0.62 * (-(e - 1.0) / 3.0).exp() + 0.05 + 0.003 * noise(1),
                train_accuracy: (0.99 - 0.21 * (-(e - 1.0) / 4.0).exp() + 0.001 * noise(2)).clamp(0.0, 1.0),
                test_loss: Some(0.29 + 0.25 * (-(e - 1.0) / 1.7).exp() + 0.006 * e + 0.004 * noise(3)),
                test_accuracy: Some((test * 10000.0).round() / 10000.0),
                validation_loss: None,
                validation_accuracy: None,
                seconds: if is_adact { 25.4 } else { 21.7 } + 0.2 * noise(4),
                layers: is_adact.then(|| (0..4).map(|layer| weights(layer, epoch, shared)).collect()),
            }
        })
        .collect();
    let accuracy = |r: &EpochRecord| r.test_accuracy.unwrap_or(0.0);
    let best = epochs.iter().rev().max_by(|a, b| accuracy(a).total_cmp(&accuracy(b))).unwrap();
    let last = epochs.last().unwrap();
    let choices: Vec<String> = (0..4).map(|layer| weights(layer, best.epoch, shared).choice).collect();
    let activations = match variant {
        "optimized" => choices,
        "random-0" => ["elu", "relu", "silu", "prelu"].map(String::from).to_vec(),
        other => vec![other.trim_start_matches("uniform:").to_string(); 4],
    };
    let result = RunResult {
        dataset: dataset.into(),
        variant: variant.into(),
        activations,
        seed,
        epochs: EPOCHS,
        best: Best { epoch: best.epoch, test_accuracy: accuracy(best), test_loss: best.test_loss },
        last: Last { test_accuracy: last.test_accuracy, test_loss: last.test_loss },
        parameters: 391_370 + if is_adact { 32 } else { 0 },
        seconds: epochs.iter().map(|e| e.seconds).sum(),
        layers: best.layers.clone(),
        constants: None,
        selection: Selection::Test,
        validation: None,
        confusion: Some(confusion(accuracy(best), own)),
        inputs: Some((0..4).map(|layer| inputs(layer, own)).collect()),
        test_images: Some(10_000),
    };
    (result, epochs)
}

/// Weights that grow with the epochs towards a preference of the layer.
fn weights(layer: usize, epoch: usize, stream: Stream) -> LayerWeights {
    const PREFERENCE: [[f32; 7]; 4] = [
        [0.10, 0.05, 0.42, 0.12, -0.30, 0.20, 0.38],
        [0.02, 0.22, 0.05, -0.05, -0.35, 0.25, 0.40],
        [-0.10, 0.30, -0.12, -0.15, -0.40, 0.28, 0.52],
        [-0.22, 0.25, -0.25, -0.20, -0.48, 0.45, 0.66],
    ];
    let grown = 1.0 - (-(epoch as f32) / 6.0).exp();
    let w: Vec<f32> = (0..7)
        .map(|i| {
            let own = stream.child(layer as u64).normal(i as u64) as f32;
            grown * (PREFERENCE[layer][i] + 0.09 * own)
        })
        .collect();
    let total: f32 = w.iter().map(|v| v.exp()).sum();
    let softmax: Vec<f32> = w.iter().map(|v| v.exp() / total).collect();
    let strongest = (0..7).max_by(|&a, &b| w[a].total_cmp(&w[b])).unwrap();
    LayerWeights {
        candidates: None,
        w,
        softmax,
        prelu_slope: Some(0.25 - 0.05 * grown * layer as f32),
        choice: PAPER_CANDIDATES[strongest].into(),
    }
}

/// A nearly normal distribution, as batch norm leaves it.
fn inputs(layer: usize, stream: Stream) -> InputHistogram {
    let mut histogram = InputHistogram::new(-4.0, 4.0, 64);
    let draws: Vec<f32> = (0..20_000)
        .map(|i| {
            let z = stream.child(50 + layer as u64).normal(i);
            (z + 0.12 * layer as f64 * (z * z - 1.0)) as f32
        })
        .collect();
    histogram.add(&draws);
    histogram
}

fn confusion(accuracy: f64, stream: Stream) -> Confusion {
    let mut counts = vec![vec![0u64; 10]; 10];
    for image in 0..1000u64 {
        let truth = (image % 10) as usize;
        let right = stream.child(9).uniform(image) < accuracy;
        // Shirts, coats, pullovers and dresses are taken for each other.
        let alike = [0, 2, 4, 6, 3];
        let other = if alike.contains(&truth) {
            alike[stream.child(10).below(image, 5) as usize]
        } else {
            [5, 7, 9, 8, 1][stream.child(10).below(image, 5) as usize]
        };
        counts[truth][if right { truth } else { other }] += 1;
    }
    Confusion { classes: CLASSES.map(String::from).to_vec(), counts }
}
