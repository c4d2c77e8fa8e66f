//! Every format: what is read of a valid file, and what is said about a bad one.

mod samples;

use std::fs;
use std::path::Path;

use adact_data::{Dataset, Kind, LoadOptions, Result, cifar, fer, idx, load, mat, svhn};
use image::ImageFormat::{Jpeg, Png};
use samples::*;

fn loaded(name: &str, dir: &Path) -> Result<Dataset> {
    load(name, Some(dir), &LoadOptions::default())
}

/// Asserts that a fault is one sentence with the given words.
fn says<T: std::fmt::Debug, E: std::fmt::Display>(result: std::result::Result<T, E>, words: &str) {
    match result {
        Ok(value) => panic!("read {value:?} where {words:?} was expected"),
        Err(fault) => {
            let text = fault.to_string();
            assert!(text.contains(words) && !text.contains('\n'), "{text:?} lacks {words:?}");
        }
    }
}

fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn write_fashion(dir: &Path, train: u32, test: u32) {
    write(dir.join("train-images-idx3-ubyte.gz"), gzip(&idx_images(train)));
    write(dir.join("train-labels-idx1-ubyte.gz"), gzip(&idx_labels(train)));
    write(dir.join("t10k-images-idx3-ubyte"), idx_images(test));
    write(dir.join("t10k-labels-idx1-ubyte"), idx_labels(test));
}

#[test]
fn idx_plain_and_in_gzip() {
    for bytes in [idx_images(3), gzip(&idx_images(3))] {
        let array = idx::parse(&bytes, 3).unwrap();
        assert_eq!((&array.sizes[..], array.values), (&[3, 28, 28][..], noise(3 * 784)));
    }
    let written = idx::write(&idx::parse(&idx_images(3), 3).unwrap());
    assert_eq!(written, idx_images(3));
}

#[test]
fn idx_faults() {
    let images = idx_images(3);
    let packed = gzip(&images);
    let last = |bytes: &[u8]| bytes[..bytes.len() - 1].to_vec();
    let flipped = |at: usize| {
        let mut bytes = packed.clone();
        bytes[at] ^= 0x55;
        bytes
    };
    says(idx::parse(&[], 3), "truncated: the IDX header ends early");
    says(idx::parse(&images[..10], 3), "truncated: the IDX header ends early");
    says(idx::parse(&last(&images), 3), "truncated: the header promises 2352 values, 2351 are there");
    says(idx::parse(&[images.clone(), vec![0]].concat(), 3), "goes on after the 2352 values");
    says(idx::parse(&images, 1), "not IDX labels: it begins with [0, 0, 8, 3] instead of [0, 0, 8, 1]");
    says(idx::parse(b"%PDF-1.4", 3), "not IDX images");
    says(idx::parse(&idx(&[0, 28, 28], &[]), 3), "the header's sizes are [0, 28, 28]");
    says(idx::parse(&idx(&[u32::MAX; 3], &[]), 3), "the header's sizes are");
    says(idx::parse(&packed[..packed.len() / 2], 3), "truncated");
    says(idx::parse(&packed[..packed.len() - 8], 3), "truncated");
    says(idx::parse(&flipped(packed.len() - 6), 3), "broken");
    says(idx::parse(&flipped(2), 3), "broken");
    says(idx::parse(&gzip(&last(&images)), 3), "truncated: the gzip stream has 2351 of 2352 bytes");
    says(idx::parse(&gzip(&[images, vec![0]].concat()), 3), "goes on after the 2352 values");
    // Bombs: the header promises 3 GB, of 1 kB and of what could hold it.
    says(idx::parse(&gzip(&idx(&[4_000_000, 28, 28], &[0; 1000])), 3), "claims 3136000000 bytes, more than");
}

#[test]
fn promises_beyond_any_data_set_are_refused_before_memory_is_reserved() {
    let mut bytes = gzip(&idx(&[2_000_000, 28, 28], &noise(2_000_000)));
    assert!(bytes.len() > 2_000_000 * 784 / 1032);
    says(idx::parse(&bytes, 3), "claims 1568000000 bytes, more than any data set's file has");
    bytes.truncate(1000);
    says(idx::parse(&bytes, 3), "compressed bytes can hold");
}

#[test]
fn fashion_mnist_from_its_folder_or_the_data_folder() {
    let dir = tempfile::tempdir().unwrap();
    write_fashion(&dir.path().join("fmnist"), 12, 4);
    let data = loaded("fmnist", dir.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len(), data.classes[9].as_str()), (12, 4, "ankle boot"));
    assert_eq!(data.train.pixels, noise(12 * 784));
    assert_eq!(data.files[2].name, "t10k-images-idx3-ubyte");
    let note = "not the publisher's full set: 12 of 60,000 training images, 4 of 10,000 test images";
    assert_eq!(data.note.as_deref(), Some(note));
    assert_eq!(loaded("fmnist", &dir.path().join("fmnist")).unwrap(), data);
}

#[test]
fn fashion_mnist_faults_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    says(loaded("fmnist", dir.path()), "run `adact data get fmnist`, or put train-images-idx3-ubyte.gz, ");
    says(loaded("fmnist", &dir.path().join("none")), "which does not exist");
    let file = |name: &str| dir.path().join(name);
    write_fashion(dir.path(), 12, 4);
    fs::remove_file(file("t10k-labels-idx1-ubyte")).unwrap();
    let error = loaded("fmnist", dir.path()).unwrap_err();
    assert_eq!((error.kind(), error.is_input()), (Kind::Missing, true));
    says::<(), _>(Err(error), "t10k-labels-idx1-ubyte.gz: no such file");
    write(file("t10k-labels-idx1-ubyte"), idx_labels(5));
    says(loaded("fmnist", dir.path()), "t10k-labels-idx1-ubyte: 5 labels do not fit 4 images");
    write(file("t10k-labels-idx1-ubyte"), idx(&[4], &[1, 2, 10, 3]));
    says(loaded("fmnist", dir.path()), "t10k-labels-idx1-ubyte: the label of image 2 is 10");
    write(file("t10k-labels-idx1-ubyte"), b"");
    says(loaded("fmnist", dir.path()), "t10k-labels-idx1-ubyte: the file is empty");
    write(file("t10k-labels-idx1-ubyte"), idx_labels(4));
    write(file("t10k-images-idx3-ubyte"), idx(&[4, 14, 14], &[0; 4 * 196]));
    says(loaded("fmnist", dir.path()), "images of 14x14 pixels, but those of fmnist have 28x28");
    fs::remove_file(file("t10k-images-idx3-ubyte")).unwrap();
    fs::create_dir(file("t10k-images-idx3-ubyte.gz")).unwrap();
    says(loaded("fmnist", dir.path()), "is a folder, not a file");
}

#[test]
fn cifar_records_become_channels_last() {
    let images = cifar::parse(&cifar(2)).unwrap();
    let bytes = cifar(2);
    assert_eq!(images.labels, [0, 1]);
    let (row, column) = (5, 7);
    let at = |channel: usize| bytes[3073 + 1 + channel * 1024 + row * 32 + column];
    let pixel = &images.image(1)[(row * 32 + column) * 3..][..3];
    assert_eq!(pixel, [at(0), at(1), at(2)]);
}

#[test]
fn cifar_from_files_or_from_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("cifar10/cifar-10-binary.tar.gz"), cifar_archive(3));
    let from_archive = loaded("cifar10", dir.path()).unwrap();
    assert_eq!((from_archive.train.len(), from_archive.test.len()), (15, 3));
    assert_eq!(from_archive.files.len(), 1);
    for name in (1..=5).map(|i| format!("data_batch_{i}.bin")).chain(["test_batch.bin".into()]) {
        write(dir.path().join("cifar10/cifar-10-batches-bin").join(name), cifar(3));
    }
    let from_files = loaded("cifar10", dir.path()).unwrap();
    assert_eq!((&from_files.train, &from_files.test), (&from_archive.train, &from_archive.test));
    assert_eq!(from_files.files.len(), 6);
}

#[test]
fn cifar_faults() {
    let bytes = cifar(2);
    says(cifar::parse(&[]), "0 bytes are not a multiple of 3073");
    says(cifar::parse(&bytes[1..]), "6145 bytes are not a multiple of 3073");
    says(cifar::parse(&[&bytes[..], &[0]].concat()), "6147 bytes are not a multiple of 3073");
    says(cifar::parse(&vec![0; 3073 * 10_001]), "10001 images are more than the 10000");
    let mut wrong = bytes.clone();
    wrong[3073] = 10;
    says(cifar::parse(&wrong), "the label of image 1 is 10");

    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("data_batch_1.bin"), &bytes);
    says(loaded("cifar10", dir.path()), "data_batch_2.bin: no such file");
    let dir = tempfile::tempdir().unwrap();
    let archive = cifar_archive(1);
    let path = dir.path().join("cifar-10-binary.tar.gz");
    write(&path, &archive[..archive.len() / 2]);
    says(loaded("cifar10", dir.path()), "cifar-10-binary.tar.gz: ");
    write(&path, gzip(&[]));
    says(loaded("cifar10", dir.path()), "the archive holds no data_batch_1.bin");
    write(&path, b"not an archive at all");
    says(loaded("cifar10", dir.path()), "cifar-10-binary.tar.gz: ");
}

#[test]
fn mat_files_of_every_kind_give_the_same_images() {
    let expected = svhn::parse(&svhn(PLAIN, 11)).unwrap();
    assert_eq!(expected.labels, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    let (row, column, channel) = (3, 30, 2);
    let source = noise(11 * 3072)[3072 + row + 32 * (column + 32 * channel)];
    assert_eq!(expected.image(1)[(row * 32 + column) * 3 + channel], source);
    for compressed in [false, true] {
        for big_endian in [false, true] {
            // uint8; double narrowed to bytes; double; single; int16
            for (class, kind) in [(9, 2), (6, 2), (6, 9), (7, 7), (10, 3)] {
                let style = Style { compressed, big_endian, class, kind };
                assert!(svhn::parse(&svhn(style, 11)).unwrap() == expected, "class {class}, type {kind}");
            }
        }
    }
    // Fewer labels than fit in 4 bytes use the small format; `y` may come first, among other variables.
    let x = mat_variable(PLAIN, "X", &[32, 32, 3, 2], &noise(2 * 3072));
    let y = mat_variable(PLAIN, "y", &[2, 1], &[10, 3]);
    let other = mat_variable(Style { compressed: true, class: 4, ..PLAIN }, "comment", &[1, 5], b"hello");
    let images = svhn::parse(&[mat_header(PLAIN), other, y, x].concat()).unwrap();
    assert_eq!(images.labels, [0, 3]);
    let one = [mat_header(PLAIN), mat_variable(PLAIN, "X", &[32, 32, 3], &noise(3072)), {
        mat_variable(PLAIN, "y", &[1, 1], &[4])
    }];
    assert_eq!(svhn::parse(&one.concat()).unwrap().labels, [4]);
}

#[test]
fn mat_faults() {
    let packed = Style { compressed: true, ..PLAIN };
    let good = svhn(packed, 4);
    let with = |x: (&str, &[u32], Style), y: (&str, &[u32], &[u8])| {
        let count = x.1.iter().product::<u32>() as usize;
        let x = mat_variable(x.2, x.0, x.1, &noise(count));
        [mat_header(PLAIN), x, mat_variable(PLAIN, y.0, y.1, y.2)].concat()
    };
    let x: (&str, &[u32], Style) = ("X", &[32, 32, 3, 2], PLAIN);
    says(svhn::parse(&good[..100]), "truncated: a .mat file has a header of 128 bytes");
    says(svhn::parse(&good[..200]), "truncated: an element of");
    says(svhn::parse(&good[..good.len() - 1]), "truncated: an element of");
    says(svhn::parse(&good[..130]), "truncated");
    says(svhn::parse(&[b'x'; 300]), "not a MATLAB version 5 file");
    let mut hdf5 = format!("{:512}", "MATLAB 7.3 MAT-file").into_bytes();
    hdf5.extend(b"\x89HDF\r\n\x1a\n");
    says(svhn::parse(&hdf5), "version 7.3");
    says(svhn::parse(b"\x89HDF\r\n\x1a\n0123"), "version 7.3");
    says(svhn::parse(&mat_header(PLAIN)), "no variable `X` in the file, it holds none other");
    says(
        svhn::parse(&with(("images", x.1, PLAIN), ("y", &[2, 1], &[1, 2]))),
        "no variable `X` in the file, it holds `images`",
    );
    says(
        svhn::parse(&with(x, ("labels", &[2, 1], &[1, 2]))),
        "no variable `y` in the file, it holds `labels`",
    );
    says(
        svhn::parse(&with(("X", &[16, 16, 3, 2], PLAIN), ("y", &[2, 1], &[1, 2]))),
        "not 32 x 32 x 3 x count",
    );
    says(svhn::parse(&with(x, ("y", &[3, 1], &[1, 2, 3]))), "3 labels do not fit 2 images");
    says(svhn::parse(&with(x, ("y", &[2, 1], &[1, 11]))), "the label of image 1 is 11, not 1 to 10");
    says(svhn::parse(&with(x, ("y", &[9, 1], &[1, 2]))), "`y` of sizes [9, 1] has 2 bytes");
    says(
        svhn::parse(&with(("X", x.1, Style { class: 1, ..PLAIN }), ("y", &[2, 1], &[1, 2]))),
        "`X` is not an array of real numbers",
    );
    // A broken stream, and one whose checksum is wrong.
    for at in [128 + 12, good.len() - 2] {
        let mut broken = good.clone();
        broken[at] ^= 0x55;
        says(svhn::parse(&broken), "the compressed data of an array");
    }
    // A bomb: 3 GB promised by a few bytes.
    let mut bomb = mat_variable(PLAIN, "X", &[32, 32, 3, 1_000_000], &[]);
    let end = bomb.len() - 4;
    bomb[end..].copy_from_slice(&3_072_000_000u32.to_le_bytes());
    bomb[4..8].copy_from_slice(&3_100_000_000u32.to_le_bytes());
    let bomb = zlib(&bomb);
    let bomb =
        [mat_header(PLAIN), vec![15, 0, 0, 0], (bomb.len() as u32).to_le_bytes().to_vec(), bomb].concat();
    says(mat::parse(&bomb, ["X"]), "claims 3072000000 bytes, more than");
    // Half numbers are not silently rounded.
    let mut half = mat_variable(Style { class: 6, kind: 9, ..PLAIN }, "y", &[1, 1], &[1]);
    let end = half.len() - 8;
    half[end..].copy_from_slice(&1.5f64.to_le_bytes());
    says(
        mat::parse(&[mat_header(PLAIN), half].concat(), ["y"]),
        "`y` holds 1.5, not an integer from 0 to 255",
    );
}

#[test]
fn fer_takes_the_training_rows_and_splits_them_by_the_seed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("fer2013/fer2013.csv"), fer(400));
    let data = loaded("fer2013", dir.path()).unwrap();
    assert_eq!(data.train.len() + data.test.len(), 200);
    assert_eq!((data.train.height, data.train.channels), (48, 1));
    let note = "200 of 28,709 training images; the Training rows, split 80/20 by class with seed 0";
    assert_eq!(data.note.as_deref(), Some(note));
    assert_eq!(data, loaded("fer2013", dir.path()).unwrap());
    let other = LoadOptions { split_seed: 1, ..LoadOptions::default() };
    assert_ne!(load("fer2013", Some(dir.path()), &other).unwrap().test, data.test);
    // Quotes, carriage returns, spaces and another order of the columns are all in circulation.
    let quoted = format!("emotion, Usage, pixels\r\n3, Training,\"{}\"\r\n", fer_pixels(9));
    let plain = format!("emotion,pixels,Usage\n3,{},Training", fer_pixels(9));
    assert_eq!(fer::parse(quoted.as_bytes()), fer::parse(plain.as_bytes()));
    assert_eq!(fer::parse(plain.as_bytes()).unwrap().labels, [3]);
}

#[test]
fn fer_faults_name_the_line() {
    let row = |emotion: &str, pixels: &str, usage: &str| {
        format!("emotion,pixels,Usage\n1,{},Training\n{emotion},{pixels},{usage}\n", fer_pixels(0))
            .into_bytes()
    };
    let good = fer_pixels(0);
    let short = good.rsplit_once(' ').unwrap().0;
    says(fer::parse(&row("1", short, "Training")), "line 3: 2303 pixels instead of 2304");
    says(fer::parse(&row("1", &format!("{good} 1"), "Training")), "line 3: 2305 pixels instead of 2304");
    says(
        fer::parse(&row("1", &good.replacen("255", "256", 1), "Training")),
        "line 3: \"256\" is not a pixel",
    );
    says(fer::parse(&row("1", &good.replacen("255", "-1", 1), "Training")), "line 3: \"-1\" is not a pixel");
    says(
        fer::parse(&row("1", &good.replacen("255", "1e2", 1), "PublicTest")),
        "line 3: \"1e2\" is not a pixel",
    );
    says(fer::parse(&row("1", &good.replacen("255", &"9".repeat(99), 1), "Training")), "is not a pixel");
    says(fer::parse(&row("7", &good, "Training")), "line 3: the emotion is \"7\", not 0 to 6");
    says(fer::parse(&row("", &good, "Training")), "line 3: the emotion is \"\"");
    says(fer::parse(&row("1", &good, "Test")), "line 3: the usage is \"Test\"");
    says(fer::parse(format!("emotion,pixels,Usage\n1,{short}").as_bytes()), "line 2: 2 columns instead of 3");
    says(fer::parse(b"emotion,pixels\n"), "no column `Usage` in the first line \"emotion,pixels\"");
    says(fer::parse(b"emotion,pixels,Usage\n"), "no row has the usage Training");
    says(fer::parse(b""), "no column `emotion`");
    says(fer::parse(&[0xff; 100]), "no column `emotion`");
}

#[test]
fn a_folder_with_train_and_test() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("fruit");
    for part in ["train", "test"] {
        write(root.join(part).join("apple/1.png"), picture(Png, 40, 20, [200, 0, 0]));
        write(root.join(part).join("apple/2.JPG"), picture(Jpeg, 16, 16, [200, 200, 200]));
        write(root.join(part).join("lime/x.jpeg"), picture(Png, 8, 8, [0, 200, 0]));
        write(root.join(part).join("lime/notes.txt"), "not an image");
        write(root.join(part).join("lime/.hidden.png"), "hidden");
    }
    let name = root.display().to_string();
    let data = load(&format!("folder:{name}"), None, &LoadOptions::default()).unwrap();
    assert_eq!((data.name.as_str(), &data.classes[..]), ("fruit", &["apple".into(), "lime".into()][..]));
    assert_eq!((&data.train.labels[..], data.train.image_len()), (&[0, 0, 1][..], 32 * 32 * 3));
    assert_eq!(
        (data.train.image(0)[..3].to_vec(), data.train.image(2)[3000..3003].to_vec()),
        (vec![200, 0, 0], vec![0, 200, 0])
    );
    assert_eq!((data.files.len(), data.files[0].name.as_str()), (1, "6 image files"));
    assert_eq!(load(&name, None, &LoadOptions::default()).unwrap(), data);
    let grey = LoadOptions { grey: true, side: 20, ..LoadOptions::default() };
    assert_eq!(load(&name, None, &grey).unwrap().train.image(1), [200; 400]);
}

#[test]
fn a_folder_that_is_split() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..10 {
        write(dir.path().join(format!("a/{i}.png")), picture(Png, 8, 8, [i, 0, 0]));
        write(dir.path().join(format!("b/{i}.png")), picture(Png, 8, 8, [i, 1, 0]));
    }
    let data = load(&dir.path().display().to_string(), None, &LoadOptions::default()).unwrap();
    assert_eq!((data.train.class_counts(2), data.test.class_counts(2)), (vec![8, 8], vec![2, 2]));
    assert_eq!(data.note.as_deref(), Some("resized to 32x32, split 80/20 by class with seed 0"));
}

#[test]
fn folder_faults() {
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().display().to_string();
    let try_load = || load(&name, None, &LoadOptions::default());
    says(load(&format!("{name}/none"), None, &LoadOptions::default()), "none: no such file or folder");
    says(try_load(), "0 folders of classes");
    for class in ["a", "b"] {
        fs::create_dir(dir.path().join(class)).unwrap();
    }
    says(try_load(), "no image to train on");
    for i in 0..4 {
        write(dir.path().join(format!("a/{i}.png")), picture(Png, 8, 8, [i, 0, 0]));
    }
    let good = picture(Png, 8, 8, [1, 2, 3]);
    for (bytes, words) in [
        (&good[..good.len() / 2], "3.png: the image does not decode"),
        (&b""[..], "3.png: the file is empty"),
        (&b"GIF89a"[..], "3.png: neither a PNG nor a JPEG image"),
    ] {
        write(dir.path().join("b/3.png"), bytes);
        says(try_load(), words);
    }
    // A PNG whose header promises 60,000 x 60,000 pixels; the header's own checksum comes after.
    let mut bomb = good;
    bomb[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    write(dir.path().join("b/3.png"), bomb);
    says(try_load(), "3.png: the image does not decode");
    let options = |side, test_fraction| LoadOptions { side, test_fraction, ..LoadOptions::default() };
    says(load(&name, None, &options(0, 0.2)), "a side of 0 pixels");
    says(load(&name, None, &options(32, 1.0)), "a test fraction of 1 is not between 0 and 1");
    let error = load("cifar-10", None, &LoadOptions::default()).unwrap_err();
    assert!(error.is_input());
    says::<(), _>(Err(error), "did you mean `cifar10`?");
}

#[test]
fn verify_tells_the_publishers_bytes_from_readable_ones() {
    let dir = tempfile::tempdir().unwrap();
    write_fashion(dir.path(), 12, 4);
    let found = adact_data::verify("fmnist", Some(dir.path())).unwrap();
    assert!(!found.is_publishers());
    let states: Vec<String> = found.files.iter().map(|(_, state)| state.to_string()).collect();
    assert_eq!(
        (states[0].as_str(), found.data.train.len()),
        ("contents readable, not the publisher's bytes", 12)
    );
    assert_eq!((states[2].as_str(), states.len()), ("contents readable, no checksum known for this file", 4));
    assert!(adact_data::verify("fmnist-mini", None).unwrap().is_publishers());
    write(dir.path().join("t10k-labels-idx1-ubyte"), b"broken");
    says(adact_data::verify("fmnist", Some(dir.path())), "t10k-labels-idx1-ubyte: not IDX labels");
}

#[test]
fn a_contact_sheet_has_a_row_for_each_class() {
    let data = load("fmnist-mini", None, &LoadOptions::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sheet.png");
    adact_data::preview::write(&data, 10, &path).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let sheet = image::open(&path).unwrap().into_rgb8();
    // Pictures of 84 pixels with gaps of 4, in 10 rows and columns.
    assert!(sheet.width() > 10 * 88 && sheet.height() > 10 * 88);
    // The class's name is written left of its row.
    let dark = |x: std::ops::Range<u32>, y: std::ops::Range<u32>| {
        y.flat_map(|y| x.clone().map(move |x| (x, y)))
            .filter(|&(x, y)| sheet.get_pixel(x, y).0[0] < 128)
            .count()
    };
    for row in 0..10 {
        assert!(dark(0..120, 56 + row * 88..56 + row * 88 + 84) > 40, "row {row} has no name");
    }
    says(adact_data::preview::png(&data, 0), "a contact sheet of 0 columns");
    says(adact_data::preview::write(&data, 1, Path::new("/nowhere/x.png")), "/nowhere/x.png");
}
