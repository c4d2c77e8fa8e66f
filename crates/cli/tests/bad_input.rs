//! Each mistake gets one sentence and the right exit code, and nothing is written.

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::{TINY, adact, files, ok, run};

/// Expects exit code `code` and one line on standard error that has all `words`.
fn assert_sentence(line: &str, output: &Output, code: i32, words: &[&str]) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "adact {line}\n{err}");
    assert!(output.stdout.is_empty(), "adact {line}");
    assert!(!err.contains("panicked") && !err.contains("mistake in the program"), "adact {line}\n{err}");
    let sentences = err.trim_end().lines().count();
    assert_eq!(sentences, 1, "adact {line}\n{err}");
    for word in words {
        assert!(err.contains(word), "adact {line}\n{err}\nlacks {word:?}");
    }
}

fn refused(dir: &Path, line: &str, words: &[&str]) {
    let before = files(dir);
    assert_sentence(line, &run(dir, line), 2, words);
    assert_eq!(files(dir), before, "adact {line} has written something");
    assert!(!dir.join("out").exists() && !dir.join("runs").exists(), "adact {line}");
}

#[test]
fn options() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for (line, words) in [
        ("train --dataset cifra10 --out out", vec!["cifra10", "cifar10"]),
        ("train --dataset ./nowhere --out out", vec!["nowhere"]),
        ("train --activation rleu --out out", vec!["rleu", "relu"]),
        ("train --activation relu+mish --out out", vec!["2", "4"]),
        ("train --init nowhere.safetensors --out out", vec!["nowhere.safetensors"]),
        ("train --epochs 0 --out out", vec!["epochs", "at least 1"]),
        ("train --lr -1 --out out", vec!["lr", "positive"]),
        ("train --lr nan --out out", vec!["lr"]),
        ("train --limit-train 0 --out out", vec!["limit-train"]),
        ("train --betas 0.9,1.5 --out out", vec!["betas"]),
        ("train --rrelu 0.5,0.1 --out out", vec!["rrelu"]),
        ("train --weights 1,2 --out out", vec!["weights", "7"]),
        ("train --candidates relu,relu --out out", vec!["relu", "twice"]),
        ("train --select validation:0.001 --limit-train 10 --out out", vec!["0.001"]),
        ("train --config nowhere.toml --out out", vec!["nowhere.toml"]),
        ("train --threads 0 --out out", vec!["threads"]),
        ("study --variants adact,optimised --out out", vec!["optimised", "optimized"]),
        ("study --variants optimized --out out", vec!["adact"]),
        ("study --variants uniform:mich,adact --out out", vec!["mich", "mish"]),
        ("study --jobs 0 --out out", vec!["jobs"]),
        ("reproduce --dataset cifra10 --out out", vec!["cifra10", "cifar10"]),
        ("reproduce --data-dir . --dataset cifar10 --out out", vec!["data sets"]),
        ("predict nowhere image.png", vec!["nowhere"]),
        ("inspect nowhere.safetensors", vec!["nowhere.safetensors"]),
        ("train --activation relu --mixing gumbel", vec!["mixing", "no place of --activation is a mixture"]),
        ("train --mixing shrink --candidates relu", vec!["none can leave"]),
        ("train --activation adact:smooth --candidates relu,mish", vec!["adact:smooth lists its own"]),
        ("train --temperature 1,0.1", vec!["temperature", "softmax has none"]),
        ("train --mixing gumbel --temperature 1,0", vec!["temperature", "0.001"]),
        ("train --warm-epochs 15", vec!["warm-epochs", "15"]),
        ("train --network gpt --warm-epochs 1", vec!["gelu", "--candidates"]),
        ("train --optimizer sgd --search-betas 0.9,0.9", vec!["search-betas", "SGD"]),
        ("train --bilevel --steps 20", vec!["bilevel", "--epochs"]),
        ("train --bilevel --limit-train 1", vec!["bilevel", "too small"]),
        ("study --variants adact,search:gumble", vec!["gumble", "gumbel"]),
        ("study --variants search:gumbel/nearst", vec!["nearst", "nearest"]),
        ("train --activation relu --bilevel", vec!["bilevel", "no place of --activation is a mixture"]),
        ("study --variants relu,elu --choose distil", vec!["choose", "`optimized`"]),
        ("study --variants relu,elu --search-lr 0.1", vec!["search-lr", "no variant searches"]),
        ("study --variants search:hard,relu --mixing gumbel", vec!["mixing", "`adact`"]),
        (
            "study --network gpt --steps 20 --eval-every 10 --warm-epochs 2 --candidates relu,gelu",
            vec!["warm-epochs", "20 steps"],
        ),
        ("study --costs places.json", vec!["costs", "--objective accuracy+speed"]),
        ("study --objective accuracy+speed --costs nowhere.json", vec!["nowhere.json", "cannot read"]),
        (
            "study --objective accuracy+speed --costs places.json --variants relu,mish",
            vec!["costs", "of no use", "by weight or by distil"],
        ),
        (
            "study --objective accuracy+speed --program true",
            vec!["objective", "training program", "can't be timed"],
        ),
        ("train --candidates paper --weights 1,2", vec!["2 numbers for 7 candidates (relu,elu"]),
        ("bench places --candidates relu,relu", vec!["relu is given twice"]),
        ("bench places --seconds 0", vec!["--seconds", "above 0"]),
        ("train --precision bf16", vec!["precision: bf16", "convnet has convolutions", "gpt can do it"]),
        ("bench places --batch 0", vec!["--batch", "at least 1"]),
        ("bench places --network resnet21", vec!["resnet21", "resnet20"]),
        ("study --variants search:gumbel/halving", vec!["halving", "--select validation"]),
        ("study --variants relu --against search:gumbel", vec!["search:gumbel", "not among the variants"]),
        ("study --program true --variants adact,search:hard", vec!["search:hard", "in its own way"]),
        ("study --program true --mixing hard", vec!["mixing", "in its own way"]),
        ("report nowhere", vec!["nowhere"]),
        ("bench step --batch 0", vec!["batch"]),
        ("bench infer --activation mush", vec!["mush", "mish"]),
        ("data verify cifra10", vec!["cifra10", "cifar10"]),
        ("data get fmnist-mini", vec!["part of the program"]),
        ("data preview fmnist --data-dir .", vec!["fmnist"]),
        ("data preview fmnist-mini --columns 0 --out x.png", vec!["columns"]),
    ] {
        if line.starts_with("reproduce --data-dir") {
            // The missing data set is named on a line of its own before.
            let output = run(dir, line);
            assert_eq!(output.status.code(), Some(2));
            let err = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                err.contains("cifar10") && err.contains("skipped") && err.contains("none of the data sets"),
                "{err}"
            );
            continue;
        }
        refused(dir, line, &words);
    }
}

/// What the parser of the command line refuses comes with a hint at `--help`.
#[test]
fn command_line() {
    let dir = tempfile::tempdir().unwrap();
    for (line, word) in [
        ("trian", "train"),
        ("train --epoch 3", "--epochs"),
        ("train --epochs three", "three"),
        ("train --select tset", "test"),
        ("train --candidates relu,mich", "mish"),
        ("train --candidates smoth", "did you mean 'smooth'"),
        ("train --candidates lightest", "sets of them are paper, all, smooth, cheap"),
        ("train --candidates relu,", "the name of an activation is missing"),
        ("train --tensorboard of", "off"),
        ("train --resume --force", "--force"),
        ("study --seeds 1,1", "twice"),
        ("study --seeds 0", "the seed 0 alone is `0,`"),
        ("study --seed 0,1", "--seeds"),
        ("study --seed 1 --seeds 2", "--seeds"),
        ("train --mixing gumble", "did you mean `gumbel`"),
        ("study --choose heaviest", "The rules are weight, nearest, distil, halving"),
        ("study --objective speed", "accuracy+speed"),
        ("bench places --candidates relu,mich", "mish"),
        ("train --network gpt --precision f16", "use f32 or bf16"),
        ("completions csh", "bash"),
        ("bench step --shape 3x32x31", "3x32x32"),
        ("predict", "MODEL"),
    ] {
        let output = run(dir.path(), line);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "adact {line}\n{err}");
        assert!(err.starts_with("error: ") && err.contains(word), "adact {line}\n{err}");
    }
}

#[test]
fn configuration_files() {
    let dir = tempfile::tempdir().unwrap();
    for (text, words) in [
        ("[protocol]\nepoch = 3\n", vec!["c.toml", "line 2", "epoch", "epochs"]),
        ("[protocol]\nepochs = -1\n", vec!["c.toml", "line 2", "epochs"]),
        ("[protocol\n", vec!["c.toml", "line 1"]),
        ("\0\u{1}", vec!["c.toml"]),
        ("[model]\ncandidates = []\n", vec!["candidates"]),
    ] {
        fs::write(dir.path().join("c.toml"), text).unwrap();
        refused(dir.path(), "train --config c.toml --out out", &words);
    }
    fs::write(dir.path().join("c.toml"), [0xff, 0xfe]).unwrap();
    refused(dir.path(), "train --config c.toml --out out", &["c.toml"]);
}

#[test]
fn data_files() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for folder in ["fmnist", "cifar10", "svhn", "fer2013"] {
        fs::create_dir(at(folder)).unwrap();
    }
    let idx = [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];
    let fer = "emotion,pixels,Usage\n0,".to_owned() + &"1 ".repeat(2302) + "1,Training\n";
    let pixel_256 = "emotion,pixels,Usage\n0,".to_owned() + &"256 ".repeat(2303) + "1,Training\n";
    for name in idx {
        fs::write(at("fmnist").join(name), b"").unwrap();
    }
    refused(dir.path(), "train --data-dir . --dataset fmnist --out out", &["train-images", "empty"]);
    for name in idx {
        fs::write(at("fmnist").join(name), b"\x00\x00\x09\x03garbage and more").unwrap();
    }
    refused(dir.path(), "study --data-dir . --dataset fmnist --out out", &["train-images"]);
    for name in idx {
        fs::remove_file(at("fmnist").join(name)).unwrap();
        fs::write(at("fmnist").join(format!("{name}.gz")), b"\x1f\x8bnot gzip at all").unwrap();
    }
    refused(dir.path(), "train --data-dir . --dataset fmnist --out out", &[".gz"]);
    for i in 1..=5 {
        fs::write(at("cifar10").join(format!("data_batch_{i}.bin")), [0; 3072]).unwrap();
    }
    fs::write(at("cifar10/test_batch.bin"), [99; 3073]).unwrap();
    refused(dir.path(), "train --data-dir . --dataset cifar10 --out out", &["data_batch_1.bin"]);
    for name in ["train_32x32.mat", "test_32x32.mat"] {
        fs::write(
            at("svhn").join(name),
            b"MATLAB 7.3 MAT-file, Platform: GLNXA64\0\x89HDF\r\n\x1a\n".repeat(20),
        )
        .unwrap();
    }
    refused(dir.path(), "train --data-dir . --dataset svhn --out out", &["train_32x32.mat", "7.3"]);
    for (text, words) in [(fer.as_str(), "2303"), (&pixel_256, "256"), ("", "empty")] {
        fs::write(at("fer2013/fer2013.csv"), text).unwrap();
        refused(dir.path(), "train --data-dir . --dataset fer2013 --out out", &["fer2013.csv", words]);
    }
}

#[test]
fn models() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &format!("train {TINY} --epochs 1 --activation relu --out model"));
    let keep = files(dir.path());
    let weights = fs::read(dir.path().join("model/best.safetensors")).unwrap();
    let line = |line: &str, words: &[&str]| {
        assert_sentence(line, &run(dir.path(), line), 2, words);
        assert!(!dir.path().join("out").exists(), "adact {line}");
    };
    line(
        "train --init model/best.safetensors --activation adact --out out",
        &["best.safetensors", "act.0.w"],
    );
    for (name, bytes) in [
        ("empty.safetensors", Vec::new()),
        ("cut.safetensors", weights[..weights.len() / 2].to_vec()),
        ("text.safetensors", b"these are no weights, and that is the truth".to_vec()),
        ("huge.safetensors", [&u64::MAX.to_le_bytes()[..], b"{}"].concat()),
    ] {
        fs::write(dir.path().join(name), bytes).unwrap();
        line(&format!("inspect {name}"), &[name]);
        line(&format!("train --activation relu --init {name} --out out"), &[name]);
    }
    fs::write(dir.path().join("text.png"), "no picture").unwrap();
    line("predict model text.png", &["text.png"]);
    line("predict model nowhere.png", &["nowhere.png"]);
    for name in ["config.toml", "manifest.json", "last/metrics.jsonl", "last/state.safetensors"] {
        fs::remove_dir_all(dir.path().join("broken")).ok();
        ok(dir.path(), &format!("train {TINY} --epochs 1 --activation relu --out broken"));
        fs::remove_file(dir.path().join("broken/result.json")).unwrap();
        fs::write(dir.path().join("broken").join(name), b"\x07{").unwrap();
        line(&format!("train {TINY} --epochs 1 --activation relu --out broken --resume"), &["broken"]);
    }
    assert!(keep.iter().all(|path| path.exists()));
}

#[test]
fn output_folders() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    ok(dir, &format!("train {TINY} --epochs 1 --out held"));
    ok(dir, &format!("train {TINY} --epochs 1 --out stateless"));
    fs::remove_dir_all(dir.join("stateless/last")).unwrap();
    ok(dir, &format!("train {TINY} --out longer"));
    ok(dir, &format!("study {TINY} --variants relu --out study"));
    let before = files(dir);
    for (line, words) in [
        (format!("train {TINY} --epochs 1 --out held"), vec!["held", "--resume", "--force"]),
        (format!("train {TINY} --epochs 1 --lr 0.1 --out held --resume"), vec!["held", "protocol.lr"]),
        (format!("study {TINY} --epochs 1 --out held --resume"), vec!["held", "training"]),
        (format!("train {TINY} --epochs 1 --out longer --resume"), vec!["longer", "3 epochs", "--epochs 3"]),
        (
            format!("study {TINY} --epochs 2 --out study --resume"),
            vec!["relu-seed0", "3 epochs", "--epochs 3"],
        ),
        (format!("train {TINY} --epochs 2 --out stateless --resume"), vec!["stateless", "last", "--force"]),
    ] {
        assert_sentence(&line, &run(dir, &line), 2, &words);
        assert_eq!(files(dir), before);
    }
    fs::create_dir(dir.join("mine")).unwrap();
    fs::write(dir.join("mine/thesis.tex"), "x").unwrap();
    for how in ["", "--resume", "--force"] {
        let line = format!("train {TINY} --out mine {how}");
        assert_sentence(&line, &run(dir, &line), 2, &["mine", "--out"]);
        assert_eq!(files(&dir.join("mine")).len(), 1);
    }
    let line = format!("train {TINY} --out mine/thesis.tex");
    assert_sentence(&line, &run(dir, &line), 2, &["thesis.tex", "file"]);
    let line = format!("train {TINY} --out mine/thesis.tex/below");
    assert_sentence(&line, &run(dir, &line), 2, &["thesis.tex"]);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(closed.join("x"), "x").is_ok() {
        println!("skipped: this user may write anywhere");
        return;
    }
    let line = format!("train {TINY} --out closed/run");
    assert_sentence(&line, &run(dir.path(), &line), 2, &["closed", "ermission"]);
}

/// A disk that takes no more: the limit on the size of files stands in for it.
#[cfg(unix)]
#[test]
fn a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 400; exec {} train {TINY} --tensorboard off --out run 2>err",
        env!("CARGO_BIN_EXE_adact")
    );
    let status =
        std::process::Command::new("sh").arg("-c").arg(script).current_dir(dir.path()).status().unwrap();
    let err = fs::read_to_string(dir.path().join("err")).unwrap();
    assert_eq!(status.code(), Some(1), "{err}");
    assert!(err.contains("best.safetensors") && !err.contains("panicked"), "{err}");
    let left: Vec<_> =
        files(&dir.path().join("run")).into_iter().map(|p| p.file_name().unwrap().to_owned()).collect();
    assert_eq!(left, ["config.toml", "manifest.json"]);
    // With room again, it goes on.
    ok(dir.path(), &format!("train {TINY} --tensorboard off --out run --resume"));
}

#[test]
fn a_loss_that_is_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!("train {TINY} --lr 1e38 --weight-decay 0 --out run");
    let output = run(dir.path(), &line);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    let last = err.trim_end().lines().last().unwrap();
    assert!(last.contains("at step ") && last.contains("--lr"), "{err}");
    assert!(!dir.path().join("run/result.json").exists());
}

#[test]
fn a_wrong_simd_path() {
    let output = adact().args(["bench", "step"]).env("ADACT_SIMD", "sse9").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("sse9"));
}

#[test]
fn folders_of_images() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    ok(dir, "data preview fmnist-mini --columns 1 --out sheet.png");
    let fruit = dir.join("fruit");
    for class in ["apple", "lime"] {
        fs::create_dir_all(fruit.join(class)).unwrap();
        for i in 0..5 {
            fs::copy(dir.join("sheet.png"), fruit.join(class).join(format!("{i}.png"))).unwrap();
        }
    }
    let picture = fs::read(dir.join("sheet.png")).unwrap();
    fs::write(fruit.join("lime/cut.png"), &picture[..picture.len() / 2]).unwrap();
    fs::write(fruit.join("apple/photo.jpg"), "\0\0\0\x18ftypheic\0\0\0\0").unwrap();
    let words = ["2 images can't be read: apple/photo.jpg (", "it is a HEIC picture", ", lime/cut.png ("];
    refused(dir, "train --dataset ./fruit --out out", &words);
    fs::remove_file(fruit.join("lime/cut.png")).unwrap();
    fs::rename(fruit.join("apple/photo.jpg"), fruit.join("apple/photo.heic")).unwrap();
    refused(
        dir,
        "train --dataset ./fruit --limit-train 1 --out out",
        &["fruit", "2 classes", "--limit-train"],
    );
    fs::create_dir(fruit.join("plum")).unwrap();
    refused(dir, "train --dataset ./fruit --out out", &["no image in the class plum"]);
    fs::remove_dir(fruit.join("plum")).unwrap();
    // What is passed over is said.
    let output = run(dir, "data preview ./fruit --out fruit.png");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && err.contains("fruit: passed over 1 file") && err.contains("(1 .heic)"),
        "{err}"
    );
}

/// A picture of one colour for each pixel, row by row (BMP).
fn picture(side: u32, pixel: impl Fn(u32) -> [u8; 3]) -> Vec<u8> {
    let row = (3 * side).next_multiple_of(4);
    let mut bytes = b"BM".to_vec();
    for field in [54 + row * side, 0, 54, 40, side, side, 1 | 24 << 16, 0, row * side, 0, 0, 0, 0] {
        bytes.extend(field.to_le_bytes());
    }
    // From the lowest row to the highest, blue first.
    for y in (0..side).rev() {
        (0..side).for_each(|x| bytes.extend(pixel(y * side + x).into_iter().rev()));
        bytes.extend(vec![0; (row - 3 * side) as usize]);
    }
    bytes
}

/// Six images to train on and two to test on, of 16 x 16 pixels; `value` of a pixel's class is what the masks have.
fn masked(root: &Path, value: impl Fn(u8) -> [u8; 3]) {
    for (part, count) in [("train", 6), ("test", 2)] {
        for folder in ["images", "masks"] {
            fs::create_dir_all(root.join(part).join(folder)).unwrap();
        }
        for i in 0..count {
            let class = |at: u32| ((at / 64 + i) % 3) as u8;
            let name = format!("{i}.bmp");
            let image = picture(16, |at| [class(at) * 90, 10, i as u8]);
            fs::write(root.join(part).join("images").join(&name), image).unwrap();
            fs::write(root.join(part).join("masks").join(&name), picture(16, |at| value(class(at)))).unwrap();
        }
    }
}

#[test]
fn texts() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let poem = "O Rose thou art sick.\n".repeat(40);
    for (name, text) in [
        ("poem.txt", poem.as_bytes()),
        ("short.txt", b"To be, or not to be: that is the question.\n"),
        ("latin.txt", b"caf\xe9"),
        ("empty.txt", b""),
        ("poem.md", poem.as_bytes()),
    ] {
        fs::write(dir.join(name), text).unwrap();
    }
    fs::create_dir(dir.join("folder")).unwrap();
    for (line, words) in [
        (
            "train --network gpt --dataset ./short.txt --out out",
            vec!["38 characters", "context of 64", "--context"],
        ),
        ("train --network gpt --limit-train 64 --out out", vec!["64 characters", "context of 64 needs 65"]),
        ("train --network gpt --context 0 --out out", vec!["context of 0"]),
        ("study --network gpt --dataset latin.txt --out out", vec!["latin.txt", "UTF-8", "byte 3"]),
        ("study --network gpt --dataset empty.txt --out out", vec!["empty.txt", "empty"]),
        ("study --network gpt --dataset nowhere.txt --out out", vec!["nowhere.txt", "no such file"]),
        ("study --network gpt --dataset folder --out out", vec!["folder", "input.txt"]),
        ("study --network gpt --dataset shakespear --out out", vec!["did you mean `shakespeare`"]),
        ("train --network gpt --select validation --out out", vec!["shakespeare", "--select test"]),
        // For other networks.
        ("study --dataset poem.txt --out out", vec!["poem.txt is a text", "--network gpt"]),
        ("study --dataset poem.md --out out", vec!["poem.md"]),
        ("study --dataset ./poem.md --out out", vec!["poem.md: it is a file", "folder of images"]),
        (
            "study --network vit --dataset shakespeare --out out",
            vec!["shakespeare is a text", "--network gpt"],
        ),
        ("study --network unet --dataset poem.txt --out out", vec!["poem.txt is a text", "--network gpt"]),
        (
            "study --network gpt --dataset fmnist-mini --out out",
            vec!["images with classes", "--network convnet"],
        ),
        ("study --network gpt --dataset nuclei-mini --out out", vec!["images with masks", "--network unet"]),
        ("data preview latin.txt --out x.png", vec!["latin.txt", "UTF-8"]),
        ("data get shakespeare", vec!["part of the program"]),
    ] {
        refused(dir, line, &words);
    }
    // A text of one's own is learned, and its name is the file's.
    let line = "train --network gpt --dataset poem.txt --context 8 --dim 32 --depth 1 --steps 3 --out run";
    assert!(ok(dir, line).contains("AdAct on poem: test loss"));
    assert_eq!(common::json(&dir.join("run/result.json"))["task"], "language");
}

#[test]
fn images_with_masks() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let grey = |class: u8| [class; 3];
    let line = "train --network unet --levels 2 --base 4 --side 16 --epochs 1 --dataset cells --out out";
    type Fault<'a> = (&'a dyn Fn(&Path), Vec<&'a str>);
    let faults: [Fault; 8] = [
        (
            &|cells| fs::remove_file(cells.join("train/masks/3.bmp")).unwrap(),
            vec!["train/images/3.bmp", "no mask"],
        ),
        (
            &|cells| fs::remove_file(cells.join("test/images/1.bmp")).unwrap(),
            vec!["test/masks/1.bmp", "no image"],
        ),
        (
            &|cells| fs::remove_dir_all(cells.join("test/masks")).unwrap(),
            vec!["cells/test", "no folder masks"],
        ),
        (
            &|cells| fs::write(cells.join("train/masks/2.bmp"), picture(15, |_| [0; 3])).unwrap(),
            vec!["train/masks/2.bmp", "15x15", "16x16"],
        ),
        (
            &|cells| fs::write(cells.join("test/masks/0.bmp"), picture(16, |_| [7; 3])).unwrap(),
            vec!["test/masks/0.bmp", "the value 7 is in no mask to train on"],
        ),
        (
            &|cells| fs::write(cells.join("train/masks/0.bmp"), b"\xff\xd8\xff").unwrap(),
            vec!["train/masks/0.bmp", "JPEG", "PNG"],
        ),
        (&|cells| fs::write(cells.join("train/masks/0.bmp"), b"BM").unwrap(), vec!["train/masks/0.bmp"]),
        (
            &|cells| {
                masked(cells, |_| [5; 3]);
            },
            vec!["all pixels of all masks", "2 classes"],
        ),
    ];
    for (fault, words) in faults {
        masked(&dir.join("cells"), grey);
        fault(&dir.join("cells"));
        refused(dir, line, &words);
        fs::remove_dir_all(dir.join("cells")).unwrap();
    }
    masked(&dir.join("cells"), grey);
    for (line, words) in [
        ("train --network unet --dataset cells --side 36 --out out", vec!["4 levels", "36 x 36", "multiple"]),
        ("train --network unet --side 100 --out out", vec!["4 levels", "100 x 100", "multiple"]),
        ("train --network unet --levels 9 --out out", vec!["9 levels"]),
        (
            "train --network unet --dataset cells --select validation:0.01 --out out",
            vec!["0.01", "6 training images"],
        ),
        ("train --network unet --dataset cells/train/images/0.bmp --out out", vec!["0.bmp", "it is a file"]),
        ("train --network unet --dataset nuclei --out out", vec!["did you mean `nuclei-mini`"]),
        ("train --network unet --dataset ./nowhere --out out", vec!["nowhere", "no such"]),
        // For other networks.
        (
            "train --network unet --dataset fmnist-mini --out out",
            vec!["images with classes", "--network convnet"],
        ),
        ("train --dataset cells --out out", vec!["cells is a set of images with masks", "--network unet"]),
        ("train --network gpt --dataset cells --out out", vec!["images with masks", "--network unet"]),
        (
            "train --network resnet20 --dataset nuclei-mini --out out",
            vec!["images with masks", "--network unet"],
        ),
        ("data preview nuclei-mini --columns 51 --out x.png", vec!["51 columns"]),
    ] {
        refused(dir, line, &words);
    }
    // Classes as numbers and as colours.
    masked(&dir.join("colours"), |class| [[0; 3], [0, 0, 255], [255, 0, 0]][usize::from(class)]);
    for (set, classes) in [("cells", ["0", "1", "2"]), ("colours", ["#000000", "#0000ff", "#ff0000"])] {
        ok(dir, &line.replace("cells", set).replace("--out out", &format!("--out {set}-run")));
        let result = common::json(&dir.join(format!("{set}-run/result.json")));
        assert_eq!(
            (&result["task"], &result["confusion"]["classes"]),
            (&"segmentation".into(), &serde_json::json!(classes))
        );
    }
}
