//! The other commands, and what programs may rely on.

mod common;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use common::{TINY, adact, json, json_lines, ok, run};
use serde_json::Value;

#[test]
fn help_teaches() {
    let dir = tempfile::tempdir().unwrap();
    let help = ok(dir.path(), "--help");
    for word in ["train", "study", "reproduce", "report", "predict", "inspect", "bench", "data", "Examples:"]
    {
        assert!(help.contains(word), "{word}");
    }
    for command in ["train", "study", "reproduce", "report", "predict"] {
        assert!(ok(dir.path(), &format!("{command} --help")).contains("Examples:"), "{command}");
    }
    assert!(ok(dir.path(), "--version").starts_with("adact "));
}

#[test]
fn a_mixture_of_every_activation_trains_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("train {TINY} --candidates smooth,cheap --out t"));
    let candidates = |folder: &str| {
        let told: Value = serde_json::from_str(&ok(dir.path(), &format!("inspect {folder} --json"))).unwrap();
        let layer = &told["layers"][3];
        assert_eq!(layer["activation"], "adact");
        layer["mixture"]["candidates"].as_array().unwrap().len()
    };
    assert_eq!(candidates("t"), 24);
    // A set inside of an activation's text; what two sets have in common is there once.
    let activation = "relu+relu+relu+adact:paper,cheap,all";
    ok(dir.path(), &format!("train {TINY} --activation {activation} --out all"));
    assert_eq!(candidates("all"), 28);
}

#[test]
fn a_study_leaves_table_figures_report_and_networks() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("study {TINY} --seeds 2 --variants adact,optimized,relu,random:1 --json --out study");
    let lines = json_lines(&ok(dir.path(), &line));
    let last = &lines.last().unwrap()["value"];
    assert_eq!(last["runs"].as_array().unwrap().len(), 8);
    assert_eq!(last["choices"].as_array().unwrap().len(), 4);
    let epochs = lines.iter().filter(|l| l["event"] == "epoch").count();
    assert_eq!(epochs, 8 * 3);

    let folder = dir.path().join("study");
    for name in ["table.md", "table.csv", "report.html", "result.json", "config.toml", "manifest.json"] {
        assert!(folder.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    assert!(fs::read_dir(folder.join("figures")).unwrap().count() >= 12);
    for variant in ["adact", "optimized", "relu", "random-1"] {
        for seed in [0, 1] {
            let run = folder.join(format!("runs/{variant}-seed{seed}"));
            let result = json(&run.join("result.json"));
            assert_eq!((&result["variant"], &result["seed"]), (&variant.into(), &seed.into()));
            assert!(run.join("best.safetensors").exists());
            let confusion = result["confusion"]["counts"].as_array().unwrap();
            let images: u64 =
                confusion.iter().flat_map(|r| r.as_array().unwrap()).map(|v| v.as_u64().unwrap()).sum();
            assert_eq!(images, 100);
            assert_eq!(result["inputs"].as_array().unwrap().len(), 4);
        }
    }
    // What AdAct chose can be given back; the other variants chose nothing.
    assert!(!folder.join("runs/relu-seed0/choice.toml").exists());
    let chosen: Vec<_> = json(&folder.join("runs/optimized-seed1/result.json"))["activations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_string())
        .collect();
    let choice = fs::read_to_string(folder.join("runs/adact-seed1/choice.toml")).unwrap();
    let lines: Vec<_> = choice.lines().skip(1).map(str::to_string).collect();
    let expected: Vec<_> =
        chosen.iter().enumerate().map(|(i, name)| format!("\"act.{i}\" = \"{name}\"")).collect();
    assert_eq!(lines, expected);
    let options = "--seed 1 --epochs 1 --limit-train 64 --limit-test 50 --out again";
    ok(dir.path(), &format!("train --activation @study/runs/adact-seed1/choice.toml {options}"));
    assert_eq!(json(&dir.path().join("again/result.json"))["activations"], serde_json::json!(chosen));

    let manifest = json(&folder.join("manifest.json"));
    assert!(manifest["data"].as_array().unwrap().iter().all(|f| f["sha256"].as_str().unwrap().len() == 64));

    // The report can be made again from what is finished.
    fs::remove_file(folder.join("report.html")).unwrap();
    fs::remove_dir_all(folder.join("runs/random-1-seed1")).unwrap();
    ok(dir.path(), "report study");
    assert!(folder.join("report.html").exists());
    assert_eq!(json(&folder.join("result.json"))["runs"].as_array().unwrap().len(), 7);
    ok(dir.path(), "report study study/runs/adact-seed0 --out both.html");
    assert!(dir.path().join("both.html").exists());
}

#[test]
fn the_default_folder_is_a_new_one_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("train {TINY} --epochs 1 --activation relu");
    ok(dir.path(), &line);
    ok(dir.path(), &line);
    ok(dir.path(), &format!("{line} --resume"));
    let mut names: Vec<_> =
        fs::read_dir(dir.path().join("runs")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["train-fmnist-mini-relu-seed0", "train-fmnist-mini-relu-seed0-2"]);
}

#[test]
fn a_network_is_inspected_and_asked() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("train {TINY} --out run"));
    ok(dir.path(), "data preview fmnist-mini --columns 2 --out sheet.png");
    let told = &json_lines(&ok(dir.path(), "predict run sheet.png --json"))[0];
    let probabilities = told["probabilities"].as_array().unwrap();
    let sum: f64 = probabilities.iter().map(|p| p[1].as_f64().unwrap()).sum();
    assert!(probabilities.len() == 10 && (sum - 1.0).abs() < 1e-5, "{told}");
    assert_eq!(told["class"], probabilities[0][0]);
    assert!(ok(dir.path(), "predict run sheet.png").starts_with("sheet.png: "));

    let network = &json_lines(&ok(dir.path(), "inspect run --json"))[0];
    assert_eq!(network["parameters"], 391_402);
    assert_eq!(network["classes"][0], "T-shirt/top");
    let result = json(&dir.path().join("run/result.json"));
    for (layer, expected) in
        network["layers"].as_array().unwrap().iter().zip(result["layers"].as_array().unwrap())
    {
        assert_eq!(layer["mixture"]["w"], expected["w"]);
    }
    // So short a training decides nothing.
    assert!(ok(dir.path(), "inspect run/best.safetensors").contains("undecided"));

    // Away from its folder it still knows its classes.
    fs::rename(dir.path().join("run/best.safetensors"), dir.path().join("moved.safetensors")).unwrap();
    let moved = &json_lines(&ok(dir.path(), "predict moved.safetensors sheet.png --json"))[0];
    assert_eq!(moved["probabilities"], told["probabilities"]);
    assert!(ok(dir.path(), "inspect moved.safetensors").contains("(T-shirt/top, trouser, "));
}

#[test]
fn an_exported_network_is_asked_where_that_is_built_in() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("train {TINY} --epochs 1 --out run"));
    ok(dir.path(), "data preview fmnist-mini --columns 2 --out sheet.png");
    ok(dir.path(), "export run --out net.onnx --fold-batch-norm");
    let line = "predict net.onnx sheet.png --json";
    if cfg!(feature = "onnx") {
        let all = |line: &str| {
            let told = json_lines(&ok(dir.path(), line))[0]["probabilities"].as_array().unwrap().clone();
            told.into_iter().map(|p| (p[0].as_str().unwrap().to_owned(), p[1].as_f64().unwrap()))
        };
        for ((name, p), (own, expected)) in all(line).zip(all("predict run sheet.png --json")) {
            assert!(name == own && (p - expected).abs() < 1e-5, "{name} {p}, {own} {expected}");
        }
        fs::write(dir.path().join("net.onnx"), "no file of ONNX").unwrap();
    }
    let word = if cfg!(feature = "onnx") { "is no ONNX file" } else { "--features onnx" };
    for (line, word) in
        [(line, word), ("inspect net.onnx", "only `adact predict`"), ("train --init net.onnx", "net.onnx")]
    {
        let output = run(dir.path(), line);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}\n{err}");
        assert!(err.contains(word) && err.lines().count() == 1, "{line}\n{err}");
    }
}

/// The file as PyTorch writes it: without metadata, the network wrapped, the values cut to bfloat16.
fn as_pytorch_writes(path: &Path) -> Vec<u8> {
    let file = fs::read(path).unwrap();
    let (length, rest) = file.split_at(8);
    let (header, values) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
    let header: Value = serde_json::from_slice(header).unwrap();
    let (mut tensors, mut bytes) = (serde_json::Map::new(), Vec::new());
    for (name, tensor) in header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__") {
        let place = |i: usize| tensor["data_offsets"][i].as_u64().unwrap() as usize;
        let start = bytes.len();
        values[place(0)..place(1)].chunks(4).for_each(|value| bytes.extend(&value[2..]));
        let entry = serde_json::json!({
            "dtype": "BF16", "shape": tensor["shape"], "data_offsets": [start, bytes.len()]
        });
        tensors.insert(format!("module._orig_mod.{name}"), entry);
    }
    let header = Value::from(tensors).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes].concat()
}

#[test]
fn weights_of_another_program_are_read_with_what_they_leave_open() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("train {TINY} --epochs 1 --activation mish+mish+elu+silu --out run"));
    ok(dir.path(), "data preview fmnist-mini --columns 2 --out sheet.png");
    let path = dir.path().join("torch.safetensors");
    fs::write(&path, as_pytorch_writes(&dir.path().join("run/best.safetensors"))).unwrap();

    let refused = |line: &str, words: &[&str]| {
        let output = run(dir.path(), line);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}\n{err}");
        assert!(
            words.iter().all(|word| err.contains(word)) && err.trim_end().lines().count() == 1,
            "{line}\n{err}"
        );
    };
    for command in ["predict torch.safetensors sheet.png", "inspect torch.safetensors"] {
        refused(
            command,
            &[
                "torch.safetensors",
                "1x16x16 to 1x31x31",
                "activations of layers 1, 2, 3, 4",
                "--shape",
                "--activation",
            ],
        );
        refused(&format!("{command} --shape 1x28x28"), &["activations of layers 1, 2, 3, 4", "--activation"]);
        refused(&format!("{command} --shape 3x28x28 --activation mish"), &["1x31x31, not 3x28x28"]);
        refused(&format!("{command} --shape 1x32x32 --activation mish"), &["1x31x31, not 1x32x32"]);
    }
    let known = "--shape 1x28x28 --activation mish+mish+elu+silu";
    let network = &json_lines(&ok(dir.path(), &format!("inspect torch.safetensors {known} --json")))[0];
    assert_eq!((&network["parameters"], &network["classes"][9]), (&391_370.into(), &"9".into()));
    let probabilities = |line: &str| {
        let told = &json_lines(&ok(dir.path(), line))[0];
        let mut all: Vec<f64> =
            told["probabilities"].as_array().unwrap().iter().map(|p| p[1].as_f64().unwrap()).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let own = probabilities("predict run sheet.png --json");
    let read = probabilities(&format!("predict torch.safetensors {known} sheet.png --json"));
    assert!(own.iter().zip(&read).all(|(a, b)| (a - b).abs() < 0.02), "{own:?} {read:?}");

    // A training starts from them, and our own files say all by themselves.
    let init = "--init torch.safetensors --activation mish+mish+elu+silu --epochs 1";
    ok(dir.path(), &format!("train {TINY} {init} --out from"));
    ok(dir.path(), &format!("inspect run {known}"));
    refused("inspect run/last/state.safetensors", &["is the state of a training"]);
    refused("inspect run --shape 1x32x32", &["images of 1x28x28, not 1x32x32"]);
    refused("inspect run --activation relu", &["with mish+mish+elu+silu, not relu"]);

    // Weights that don't name their classes have the names of the result beside them.
    fs::rename(&path, dir.path().join("run/best.safetensors")).unwrap();
    assert!(ok(dir.path(), &format!("inspect run {known}")).contains("(T-shirt/top, trouser, "));
}

#[test]
fn benchmarks_have_the_promised_keys() {
    let dir = tempfile::tempdir().unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let step = &json_lines(&ok(
        dir.path(),
        "bench step --activation relu --shape 1x28x28 --batch 8 --steps 3 --json",
    ))[0];
    for key in [
        "activation",
        "shape",
        "batch",
        "threads",
        "simd",
        "ms_per_step",
        "forward_ms",
        "backward_ms",
        "optimizer_ms",
    ] {
        assert!(keys(step).contains(&key.to_string()), "{step}");
    }
    // Whether they are fast is no test's business: on a busy machine not even the parts' medians add up.
    let times = ["ms_per_step", "forward_ms", "backward_ms", "optimizer_ms"];
    assert!(times.iter().all(|key| step[key].as_f64().is_some_and(|ms| ms > 0.0)), "{step}");
    let activations = json_lines(&ok(dir.path(), "bench activation --elements 4096 --steps 3 --json"));
    let names: Vec<_> = activations.iter().map(|a| a["activation"].as_str().unwrap()).collect();
    assert!(names.contains(&"adact") && names.contains(&"mish") && names.contains(&"gelu"), "{names:?}");
    assert!(
        activations.iter().all(|a| a["elements"] == 4096 && a["forward_backward_ms"].as_f64().unwrap() > 0.0)
    );
    let infer = &json_lines(&ok(dir.path(), "bench infer --batch 10 --steps 3 --threads 1 --json"))[0];
    assert!(infer["images_per_second"].as_f64().unwrap() > 0.0 && infer["threads"] == 1, "{infer}");
}

#[test]
fn what_candidates_cost_is_told_place_by_place() {
    let dir = tempfile::tempdir().unwrap();
    let line = "bench places --shape 1x16x16 --widths 4,4 --batch 4 --seconds 0.01 --candidates mish,relu";
    let costs = &json_lines(&ok(dir.path(), &format!("{line} --json")))[0];
    assert_eq!(
        (&costs["network"], &costs["base"], &costs["batch"]),
        (&"convnet".into(), &"relu".into(), &4.into())
    );
    let places = costs["places"].as_array().unwrap();
    assert_eq!(places.iter().map(|p| p["place"].as_str().unwrap()).collect::<Vec<_>>(), ["act.0", "act.1"]);
    for (place, numbers) in places.iter().zip([4 * 16 * 16, 4 * 8 * 8]) {
        assert_eq!(place["kept_bytes"], 4 * 4 * numbers);
        assert!(
            place["step_ms"].as_f64().unwrap() > 0.0 && place["rounds"].as_u64().unwrap() >= 3,
            "{place}"
        );
        let names: Vec<_> =
            place["candidates"].as_array().unwrap().iter().map(|c| &c["activation"]).collect();
        assert_eq!(names, ["mish", "relu"]);
        assert_eq!(place["candidates"][1]["step"]["ratio"], 1.0);
        let noise = |time: &str| place["candidates"][0][time]["noise"].as_f64().unwrap();
        assert!(noise("step") >= 0.0 && noise("infer") >= 0.0, "{place}");
    }
    let table = ok(dir.path(), line);
    for words in ["act.1", "Mish", "keeps, MiB", "ReLU in all other places"] {
        assert!(table.contains(words), "{table}");
    }
}

#[test]
fn a_study_tells_what_its_activations_cost() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = "--widths 4,4 --candidates relu,mish";
    let study = format!("study {TINY} {sizes} --seeds 2 --objective accuracy+speed --out");
    let told = ok(dir.path(), &format!("{study} out"));
    assert!(told.contains("2 seeds can") && told.contains("report: out"), "{told}");
    let out = dir.path().join("out");
    let result = json(&out.join("result.json"));
    let measured = result["timings"]["measured"].as_array().unwrap();
    let names: Vec<String> = measured.iter().map(|m| m["activations"].to_string()).collect();
    assert!(
        names.contains(&r#"["adact","adact"]"#.to_string())
            && names.contains(&r#"["relu","relu"]"#.to_string())
    );
    assert!(measured.iter().all(|m| m["step"]["ratio"].as_f64().unwrap() > 0.0), "{measured:?}");
    assert_eq!(json(&out.join("timings.json")), result["timings"]);
    assert_eq!(json(&out.join("places.json"))["places"].as_array().unwrap().len(), 2);
    let optimized = json(&out.join("runs/optimized-seed0/result.json"));
    assert_eq!(optimized["without_costs"].as_array().unwrap().len(), 2);
    for file in ["table.md", "report.html"] {
        let text = fs::read_to_string(out.join(file)).unwrap();
        assert!(text.contains("Accuracy against time") && text.contains("Training step"), "{file}");
    }
    for file in ["figures/front.svg", "figures/front.png"] {
        assert!(out.join(file).exists(), "{file}");
    }
    // The page can be made again, and what a study measured can be used by another.
    let page = fs::read(out.join("report.html")).unwrap();
    ok(dir.path(), "report out");
    assert!(fs::read(out.join("report.html")).unwrap() == page);
    ok(dir.path(), &format!("{study} other --costs out/places.json"));
    assert_eq!(
        fs::read(dir.path().join("other/places.json")).unwrap(),
        fs::read(out.join("places.json")).unwrap()
    );
    // What is lacking is told before anything is written.
    let lacks = run(
        dir.path(),
        &format!("study {TINY} --objective accuracy+speed --costs out/places.json --out third"),
    );
    let err = String::from_utf8_lossy(&lacks.stderr);
    assert!(lacks.status.code() == Some(2) && err.contains("lacks what elu costs at act.0"), "{err}");
    assert!(!dir.path().join("third").exists());
}

#[test]
fn data_sets_are_listed_and_verified() {
    let dir = tempfile::tempdir().unwrap();
    let sets = json_lines(&ok(dir.path(), "data list --json --data-dir ."));
    let names: Vec<_> = sets.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fmnist-mini", "shakespeare", "nuclei-mini", "fmnist", "cifar10", "svhn", "fer2013"]);
    let tasks: Vec<_> = sets[..4].iter().map(|s| s["task"].as_str().unwrap()).collect();
    assert_eq!(tasks, ["classification", "text", "segmentation", "classification"]);
    assert!(sets[..3].iter().all(|s| s["available"] == true));
    assert_eq!(sets[4]["available"], false);
    assert!(ok(dir.path(), "data list").contains("inside the program"));
    for (name, words) in [
        ("fmnist-mini", "6,000 training and 1,000 test images, all"),
        ("shakespeare", "1,003,854 training and 111,540 validation characters"),
        ("nuclei-mini", "48 training and 16 test images with masks"),
    ] {
        assert!(ok(dir.path(), &format!("data verify {name}")).contains(words), "{name}");
    }
}

#[test]
fn data_sets_of_every_task_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("poem.txt"), "O Rose thou art sick.\n".repeat(20)).unwrap();
    for (name, to) in [
        ("fmnist-mini", "fmnist-mini"),
        ("shakespeare", "shakespeare"),
        ("nuclei-mini", "nuclei-mini"),
        ("./poem.txt", "poem"),
    ] {
        assert_eq!(ok(dir.path(), &format!("data preview {name}")), format!("picture: {to}.png\n"));
        let shown = json_lines(&ok(dir.path(), &format!("data preview {name} --out x.png --json")));
        assert_eq!(shown[0]["picture"], "x.png");
        let picture = fs::read(dir.path().join("x.png")).unwrap();
        assert!(
            picture.starts_with(b"\x89PNG")
                && picture == fs::read(dir.path().join(format!("{to}.png"))).unwrap()
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    for line in ["data list", "data list --json", "--help"] {
        let mut child = adact()
            .current_dir(dir.path())
            .args(line.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let status = child.wait().unwrap();
        let mut err = String::new();
        child.stderr.unwrap().read_to_string(&mut err).unwrap();
        assert!(status.success() && err.is_empty(), "{line}: {status} {err}");
    }
}

#[test]
fn missing_data_sets_are_named_and_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        run(dir.path(), &format!("reproduce {TINY} --dataset fmnist-mini,cifar10 --data-dir . --out r"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert!(err.contains("cifar10") && err.contains("skipped") && out.contains("skipped"), "{out}\n{err}");
    let result = json(&dir.path().join("r/result.json"));
    assert_eq!((&result["studies"][0], &result["missing"][0]), (&"fmnist-mini".into(), &"cifar10".into()));
    assert!(dir.path().join("r/fmnist-mini/report.html").exists());
}

#[test]
fn a_reproduction_corrects_over_the_comparisons_of_all_its_data_sets() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), "data preview fmnist-mini --columns 2 --out sheet.png");
    for place in ["train/a", "train/b", "test/a", "test/b"] {
        let folder = dir.path().join("pictures").join(place);
        fs::create_dir_all(&folder).unwrap();
        for name in ["1.png", "2.png"] {
            fs::copy(dir.path().join("sheet.png"), folder.join(name)).unwrap();
        }
    }
    let line = "reproduce --epochs 1 --batch 32 --limit-train 64 --limit-test 50 --dataset fmnist-mini,pictures --out r";
    ok(dir.path(), line);
    assert_eq!(json(&dir.path().join("r/result.json"))["family"], 6);
    for name in ["fmnist-mini", "pictures"] {
        let folder = dir.path().join("r").join(name);
        let study = json(&folder.join("result.json"));
        assert_eq!(study["statistics"]["family"], 6, "{name}");
        assert_eq!(study["together"]["comparisons"], 3, "{name}");
        // The report that is made again says the same.
        ok(dir.path(), &format!("report r/{name}"));
        assert_eq!(json(&folder.join("result.json")), study, "{name}");
    }
    // A study alone, of the same folder, is corrected alone.
    ok(dir.path(), "study --config r/pictures/config.toml --out r/pictures --resume");
    assert_eq!(json(&dir.path().join("r/pictures/result.json"))["statistics"]["family"], 3);
}

#[test]
fn trainings_that_fail_are_told_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("study {TINY} --lr 1e30 --variants adact,relu --seeds 2 --out study");
    let output = run(dir.path(), &line);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    assert!(
        out.contains("ReLU (failed with 2 of 2 seeds)") && err.contains("4 trainings failed"),
        "{out}\n{err}"
    );
    let result = json(&dir.path().join("study/result.json"));
    let failures = result["failures"].as_array().unwrap();
    assert!(
        failures.len() == 4 && failures.iter().all(|f| f["epoch"] == 1 && f["step"].as_u64() > Some(0)),
        "{result}"
    );
    for name in ["table.md", "report.html"] {
        let text = fs::read_to_string(dir.path().join("study").join(name)).unwrap();
        assert!(text.contains("AdAct, seed 1, failed at step"), "{name}");
    }

    // A place that can't be written to is in the way of one training only; without it the study is completed.
    let line = format!("study {TINY} --variants relu,mish --out partly");
    ok(dir.path(), &line);
    fs::write(dir.path().join("partly/runs/mish-seed1"), "in the way").unwrap();
    let more = format!("{line} --seeds 2 --resume");
    assert_eq!(run(dir.path(), &more).status.code(), Some(1));
    let result = json(&dir.path().join("partly/result.json"));
    assert_eq!(result["runs"].as_array().unwrap().len(), 3);
    assert_eq!(result["statistics"]["comparisons"][0]["lacks"][0]["why"], "failed");
    fs::remove_file(dir.path().join("partly/runs/mish-seed1")).unwrap();
    ok(dir.path(), &more);
    let result = json(&dir.path().join("partly/result.json"));
    assert!(result["runs"].as_array().unwrap().len() == 4 && result.get("failures").is_none(), "{result}");
}

#[test]
fn a_published_result_is_enough_for_a_report() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("study {TINY} --variants adact,relu --out study"));
    fs::create_dir(dir.path().join("published")).unwrap();
    fs::copy(dir.path().join("study/result.json"), dir.path().join("published/result.json")).unwrap();
    let told = ok(dir.path(), "report published");
    assert!(told.contains("after the last epoch"), "{told}");
    for name in ["table.md", "table.csv"] {
        let read = |folder: &str| fs::read(dir.path().join(folder).join(name)).unwrap();
        assert_eq!(read("study"), read("published"), "{name}");
    }
    assert!(dir.path().join("published/figures/weights.svg").exists());
}

#[test]
fn a_single_seed_is_asked_for_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("study {TINY} --epochs 1 --variants relu");
    ok(dir.path(), &format!("{line} --seed 3 --out a"));
    ok(dir.path(), &format!("{line} --seeds 3, --out b"));
    for out in ["a", "b"] {
        assert_eq!(json(&dir.path().join(out).join("result.json"))["seeds"], serde_json::json!([3]));
    }
}

#[test]
fn shells_and_man_are_told_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = ok(dir.path(), &format!("completions {shell}"));
        assert!(
            script.contains("adact") && script.contains("reproduce") && script.contains("variants"),
            "{shell}"
        );
    }
    let page = ok(dir.path(), "man");
    assert!(page.contains(".TH adact 1") && page.contains("reproduce"), "{page}");
    ok(dir.path(), "man --out pages");
    for name in ["adact.1", "adact-study.1", "adact-bench-step.1"] {
        assert!(dir.path().join("pages").join(name).exists(), "{name}");
    }
    fs::write(dir.path().join("file"), "").unwrap();
    assert_eq!(run(dir.path(), "man --out file").status.code(), Some(2));
}

#[test]
fn quiet_leaves_results_and_errors() {
    let dir = tempfile::tempdir().unwrap();
    let told = run(dir.path(), &format!("study {TINY} -q --seeds 2 --out run"));
    let (out, err) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success() && err.is_empty() && out.contains("report: "), "{out}\n{err}");
    let told = run(dir.path(), &format!("train {TINY} --quiet --lr 1e38 --weight-decay 0"));
    let err = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.code() == Some(1) && err.lines().count() == 1 && err.contains("NaN"), "{err}");
}

/// Streams that are closed from the start, and readers that leave: the work is done all the same.
#[cfg(unix)]
#[test]
fn closed_streams_change_no_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_adact");
    let train = format!("{program} train {TINY} --epochs 1 --activation relu");
    for (line, code) in [
        (format!("{train} --out a 2>&-"), 0),
        (format!("{train} --out b >&-"), 0),
        (format!("{train} --out c >&- 2>&- <&-"), 0),
        (format!("{train} --json --out d | head -1 | grep -q started"), 0),
        (format!("{train} --lr -1 --out e 2>&-"), 2),
        (format!("{train} --no-such-option 2>&-"), 2),
        (format!("{train} --out a 2>&-"), 2),
        (format!("{program} completions bash | head -1 | grep -q adact"), 0),
        (format!("{program} --help | head -1 | grep -q Learn"), 0),
        (format!("{program} --version >&-"), 0),
    ] {
        let mut shell = std::process::Command::new("bash");
        let script = format!("set -o pipefail; {line}");
        let output = shell.current_dir(dir.path()).args(["-c", &script]).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}\n{err}");
        assert!(!err.contains("panicked") && !err.contains("mistake"), "{line}\n{err}");
    }
    // What a training left does not depend on who listened.
    for out in ["b", "c", "d"] {
        common::assert_same(&dir.path().join("a"), &dir.path().join(out));
    }
}

#[test]
fn what_sharing_a_folder_costs_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let line = "bench claims try --trainings 20 --workers 3 --seconds 0.01 --json";
    let told: serde_json::Value = serde_json::from_str(&ok(dir.path(), line)).unwrap();
    assert_eq!((told["trainings"].as_u64(), told["entries"].as_u64()), (Some(20), Some(20)));
    assert!(told["between"]["median"].as_f64().unwrap() > 0.0, "{told}");
    assert!(!dir.path().join("try").exists());
    fs::create_dir(dir.path().join("try")).unwrap();
    assert_eq!(run(dir.path(), line).status.code(), Some(2));
    assert!(dir.path().join("try").exists());
}
