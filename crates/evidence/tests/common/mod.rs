//! Studies that look like real ones, made of random numbers: nothing was trained.

#![allow(dead_code)]

use std::collections::BTreeMap;

use adact_evidence::metric::Metric;
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
        ..Plan::default()
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
        network: None,
        task: None,
        variant: None,
        seed: None,
        data: vec![
            file("train-images-idx3-ubyte.gz", 2_601_333, "a"),
            file("t10k-images-idx3-ubyte.gz", 433_012, "3"),
        ],
        processor: "AMD EPYC 9R14".into(),
        system: "linux x86_64".into(),
        threads: 2,
        hosts: Vec::new(),
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
    let is_adact = Role::of(variant).is_mixture();
    let epochs: Vec<EpochRecord> = (1..=EPOCHS)
        .map(|epoch| {
            let e = epoch as f64;
            let noise = |i| own.normal(100 + 10 * epoch as u64 + i);
            let test = (top - 0.17 * (-(e - 1.0) / 2.2).exp() + 0.0022 * noise(0)).clamp(0.0, 1.0);
            EpochRecord {
                epoch,
                step: None,
                train: Metrics::from([
                    ("loss", 0.62 * (-(e - 1.0) / 3.0).exp() + 0.05 + 0.003 * noise(1)),
                    ("accuracy", (0.99 - 0.21 * (-(e - 1.0) / 4.0).exp() + 0.001 * noise(2)).clamp(0.0, 1.0)),
                ]),
                test: Some(Metrics::from([
                    ("loss", 0.29 + 0.25 * (-(e - 1.0) / 1.7).exp() + 0.006 * e + 0.004 * noise(3)),
                    ("accuracy", (test * 10000.0).round() / 10000.0),
                ])),
                validation: None,
                seconds: if is_adact { 25.4 } else { 21.7 } + 0.2 * noise(4),
                layers: is_adact.then(|| (0..4).map(|layer| weights(layer, epoch, shared)).collect()),
            }
        })
        .collect();
    let accuracy = |r: &EpochRecord| r.test.as_ref().unwrap().get("accuracy").unwrap();
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
        network: None,
        task: None,
        metric: None,
        places: None,
        activations,
        seed,
        epochs: EPOCHS,
        steps: None,
        best: Best { epoch: best.epoch, test: best.test.clone().unwrap() },
        last: Last { test: last.test.clone() },
        parameters: 391_370 + if is_adact { 32 } else { 0 },
        seconds: epochs.iter().map(|e| e.seconds).sum(),
        layers: best.layers.clone(),
        constants: None,
        selection: Selection::Test,
        precision: None,
        validation: None,
        confusion: Some(confusion(accuracy(best), own)),
        inputs: Some((0..4).map(|layer| inputs(layer, own)).collect()),
        test_images: Some(10_000),
        samples: None,
        mixing: None,
        choices: Vec::new(),
        discretised: None,
        chosen_by: None,
        without_costs: None,
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
        place: None,
        candidates: None,
        w,
        softmax,
        shares: None,
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

/// What a synthetic study of another network is about.
pub struct Kind {
    pub dataset: &'static str,
    pub network: &'static str,
    pub task: Option<&'static str>,
    pub metric: &'static str,
    pub places: Vec<String>,
    /// How many steps lie between two evaluations, where they are counted.
    pub steps: Option<u64>,
}

/// ResNet-20 on CIFAR-10: 19 places, judged by the accuracy.
pub fn resnet() -> Kind {
    let blocks = (1..=3).flat_map(|l| (0..3).map(move |b| (l, b)));
    let inside = blocks.flat_map(|(l, b)| (1..=2).map(move |a| format!("layer{l}.{b}.act{a}")));
    let places = std::iter::once("act1".to_string()).chain(inside).collect();
    Kind { dataset: "cifar10", network: "resnet20", task: None, metric: "accuracy", places, steps: None }
}

/// A language model: 4 places, judged by the loss, counted in steps.
pub fn gpt() -> Kind {
    let places = (0..4).map(|i| format!("blocks.{i}.mlp.act")).collect();
    Kind {
        dataset: "shakespeare",
        network: "gpt",
        task: Some("language"),
        metric: "loss",
        places,
        steps: Some(250),
    }
}

/// U-Net: 14 places, judged by the mean IoU.
pub fn unet() -> Kind {
    let of = |part: &str, n: usize| {
        let part = part.to_string();
        (0..n).flat_map(move |i| [format!("{part}.{i}.act1"), format!("{part}.{i}.act2")]).collect::<Vec<_>>()
    };
    let places = [of("down", 4), of("dec", 3)].concat();
    Kind {
        dataset: "nuclei-mini",
        network: "unet",
        task: Some("segmentation"),
        metric: "mean_iou",
        places,
        steps: None,
    }
}

/// A study of another network. In each metric AdAct and Optimized are better than the others.
pub fn study_of(kind: &Kind, variants: &[&str], seeds: u64) -> Study {
    let (mut runs, mut metrics) = (Vec::new(), Vec::new());
    for (v, variant) in variants.iter().enumerate() {
        for seed in 0..seeds {
            let (run, epochs) = run(kind.dataset, v as u64, variant, seed);
            let (run, epochs) = told_as(kind, run, epochs);
            runs.push(run);
            metrics.push(epochs);
        }
    }
    let plan = Plan {
        network: Some(kind.network.into()),
        task: kind.task.map(String::from),
        metric: MetricRecord::of(kind.metric),
        steps: kind.steps.map(|steps| steps * EPOCHS as u64),
        ..plan(kind.dataset, variants, None)
    };
    let provenance = Manifest {
        network: plan.network.clone(),
        task: plan.task.clone(),
        dataset_note: None,
        ..manifest(kind.dataset)
    };
    Study { result: StudyResult::new(plan, runs, Vec::new(), provenance).unwrap(), metrics }
}

/// The same run as one of another network, with its metrics in place of accuracies.
fn told_as(kind: &Kind, run: RunResult, epochs: Vec<EpochRecord>) -> (RunResult, Vec<EpochRecord>) {
    let numbers = |accuracy: f64, loss: f64| match kind.metric {
        "loss" => {
            Metrics::from([("loss", 6.2 - 5.0 * accuracy), ("bits_per_character", 9.0 - 7.2 * accuracy)])
        }
        "mean_iou" => {
            Metrics::from([("loss", loss), ("mean_iou", accuracy - 0.1), ("dice", accuracy - 0.05)])
        }
        name => Metrics::from([("loss", loss), (name, accuracy)]),
    };
    let other = |m: &Metrics| numbers(m.get("accuracy").unwrap(), m.get("loss").unwrap());
    let stream = Stream::new(run.seed, Purpose::Synthetic, 7);
    let layers = |epoch: usize| {
        let of = |(i, path): (usize, &String)| LayerWeights {
            place: Some(path.clone()),
            ..weights(i % 4, epoch, stream.child(100 + i as u64))
        };
        kind.places.iter().enumerate().map(of).collect::<Vec<_>>()
    };
    let epochs: Vec<EpochRecord> = epochs
        .into_iter()
        .map(|e| EpochRecord {
            step: kind.steps.map(|steps| steps * e.epoch as u64),
            train: other(&e.train),
            test: e.test.as_ref().map(other),
            layers: e.layers.as_ref().map(|_| layers(e.epoch)),
            ..e
        })
        .collect();
    let primary = |e: &&EpochRecord| e.test.as_ref().unwrap().get(kind.metric).unwrap();
    let metric = Metric::of(kind.metric);
    let best =
        epochs.iter().max_by(|a, b| metric.gain(primary(a)).total_cmp(&metric.gain(primary(b)))).unwrap();
    let activations = |a: &String| if run.layers.is_some() { "adact".into() } else { a.clone() };
    let activations = (0..kind.places.len()).map(|i| activations(&run.activations[i % 4])).collect();
    let run = RunResult {
        network: Some(kind.network.into()),
        task: kind.task.map(String::from),
        metric: MetricRecord::of(kind.metric),
        places: Some(kind.places.clone()),
        activations,
        steps: kind.steps.map(|steps| steps * EPOCHS as u64),
        best: Best { epoch: best.epoch, test: best.test.clone().unwrap() },
        last: Last { test: epochs.last().unwrap().test.clone() },
        layers: best.layers.clone(),
        inputs: Some((0..kind.places.len()).map(|i| inputs(i % 4, stream.child(i as u64))).collect()),
        confusion: match kind.task {
            None => run.confusion.clone(),
            Some("segmentation") => Some(Confusion {
                classes: ["background", "nucleus"].map(String::from).to_vec(),
                counts: vec![vec![3_412_874, 51_310], vec![80_410, 401_006]],
            }),
            _ => None,
        },
        test_images: kind.task.is_none().then_some(10_000),
        samples: samples(kind, stream),
        ..run
    };
    (run, epochs)
}

fn samples(kind: &Kind, stream: Stream) -> Option<Samples> {
    match kind.task? {
        "language" => Some(Samples::Text(TextSample {
            prompt: "ROMEO:\n".into(),
            text: "What, shall I <b>speak</b> of thee & thine,\nAnd let the night be mock'd with such a sun?\n\n\
                   JULIET:\nO, he that hath the steerage of my course\nDirect my suit! On, lusty gentlemen.\n"
                .into(),
        })),
        "segmentation" => Some(Samples::Pictures((0..3).map(|i| cells(stream.child(i))).collect())),
        _ => None,
    }
}

/// Round things on a dark ground, and an answer that is a little off.
fn cells(stream: Stream) -> PictureSample {
    const SIDE: u32 = 64;
    let centres: Vec<(f64, f64, f64)> = (0..6)
        .map(|i| {
            let at = |k: u64| stream.uniform(3 * i + k);
            (64.0 * at(0), 64.0 * at(1), 5.0 + 6.0 * at(2))
        })
        .collect();
    let inside = |x: u32, y: u32, by: f64| {
        let near = |(cx, cy, r): &(f64, f64, f64)| (f64::from(x) - cx).hypot(f64::from(y) - cy) < r + by;
        centres.iter().any(near)
    };
    let pixels =
        |f: &dyn Fn(u32, u32) -> u8| (0..SIDE * SIDE).map(|i| f(i % SIDE, i / SIDE)).collect::<Vec<u8>>();
    let noise = |x: u32, y: u32| (40.0 * stream.child(5).uniform(u64::from(y * SIDE + x))) as u8;
    PictureSample {
        image: Picture::grey(
            SIDE,
            SIDE,
            &pixels(&|x, y| noise(x, y) + if inside(x, y, 0.0) { 150 } else { 20 }),
        )
        .unwrap(),
        truth: Picture::of_classes(SIDE, SIDE, &pixels(&|x, y| inside(x, y, 0.0).into())).unwrap(),
        answer: Picture::of_classes(SIDE, SIDE, &pixels(&|x, y| inside(x, y, 1.5).into())).unwrap(),
    }
}
