//! Every format: what is read of a valid file, and what is said about a bad one.

mod samples;

use std::fs;
use std::path::Path;

use adact_data::{Dataset, Kind, LoadOptions, Result, cifar, fer, idx, load, mat, preview, svhn};
use samples::*;

fn loaded(name: &str, dir: &Path) -> Result<Dataset> {
    load(name, Some(dir), &LoadOptions::default())
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
fn fashion_mnist_under_the_names_that_programs_give_it() {
    let dir = tempfile::tempdir().unwrap();
    let raw = dir.path().join("FashionMNIST/raw");
    write(raw.join("train-images.idx3-ubyte"), idx_images(12));
    write(raw.join("train-labels.idx1-ubyte"), idx_labels(12));
    write(raw.join("t10k-images.idx3-ubyte.gz"), gzip(&idx_images(4)));
    write(raw.join("t10k-labels-idx1-ubyte.gz"), idx_labels(4));
    assert_eq!(loaded("fmnist", dir.path()).unwrap().train.len(), 12);
    let page = "<!DOCTYPE html>\n<html><body>404</body></html>";
    for page in [page.as_bytes().to_vec(), gzip(page.as_bytes())] {
        write(raw.join("train-images-idx3-ubyte.gz"), page);
        says(loaded("fmnist", dir.path()), "train-images-idx3-ubyte.gz: not IDX images: it is an HTML page");
        says(loaded("fmnist", dir.path()), "move it away and run `adact data get fmnist`");
    }
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("fmnist/fashion-mnist_train.csv"), "label,pixel1");
    says(
        loaded("fmnist", dir.path()),
        "fashion-mnist_train.csv is Kaggle's version as a table, which is not read",
    );
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
fn cifar_for_python_is_the_same() {
    let images = cifar::parse(&cifar(12)).unwrap();
    assert!(cifar::parse(&cifar_pickle(12, "labels")).unwrap() == images);
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("cifar-10-python.tar.gz"), cifar_python_archive(3));
    let from_archive = loaded("cifar10", dir.path()).unwrap();
    assert_eq!(
        (from_archive.train.len(), from_archive.files[0].name.as_str()),
        (15, "cifar-10-python.tar.gz")
    );
    for name in (1..=5).map(|i| format!("data_batch_{i}")).chain(["test_batch".into()]) {
        write(dir.path().join("cifar-10-batches-py").join(name), cifar_pickle(3, "labels"));
    }
    let from_files = loaded("cifar10", dir.path()).unwrap();
    assert!((&from_files.train, &from_files.test) == (&from_archive.train, &from_archive.test));
    fs::remove_file(dir.path().join("cifar-10-batches-py/test_batch")).unwrap();
    says(loaded("cifar10", dir.path()), "cifar-10-batches-py/test_batch: no such file");

    let good = cifar_pickle(2, "labels");
    says(
        cifar::parse(&cifar_pickle(2, "fine_labels")),
        "the labels are CIFAR-100's, which is another data set",
    );
    says(cifar::parse(&cifar_pickle(2, "names")), "a pickle without CIFAR-10's `data`");
    says(cifar::parse(&good[..good.len() / 2]), "truncated: the pickle ends early");
    says(cifar::parse(b"\x80\x02K\x01."), "the pickle holds no dictionary");
    says(cifar::parse(b"\x80\x02cos\nsystem\nU\x02ls\x85R."), "the pickle holds no dictionary");
    says(cifar::parse(b"\x80\x02P1\n."), "the pickle's instruction 0x50 is none that plain data needs");
}

#[test]
fn what_lies_where_cifar_10_should_is_named() {
    says(
        cifar::parse(&vec![0; 3074 * 2]),
        "6148 bytes are not a multiple of 3073, the size of one image: it is nothing but zero",
    );
    says(cifar::parse(&noise(3074 * 2)), "(one of CIFAR-100 has 3074)");
    says(cifar::parse(b"<!DOCTYPE html><html>"), "it is an HTML page");
    for (name, what) in [
        ("cifar-100-python/train", "cifar-100-python is CIFAR-100, another data set"),
        (
            "cifar-10-batches-mat/data_batch_1.mat",
            "cifar-10-batches-mat is the version for MATLAB, which is not read",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path().join(name), "x");
        says(loaded("cifar10", dir.path()), what);
    }
    let hundred = archive(
        ["train.bin", "test.bin", "fine_label_names.txt"].map(String::from).into_iter(),
        &noise(3074),
    );
    says(
        cifar::parse_archive(&hundred),
        "the archive holds no data_batch_1.bin: it is CIFAR-100, another data set",
    );
    says(cifar::parse_archive(b"<html></html>"), "not an archive of CIFAR-10: it is an HTML page");
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("cifar-10-binary.tar.gz"), "<html></html>");
    says(
        loaded("cifar10", dir.path()),
        "for the publisher's file move it away and run `adact data get cifar10`",
    );
}

/// An archive with one entry of a few bytes that says to be zeros up to `size`, as GNU tar writes sparse files.
fn sparse_archive(size: u64) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let gnu = header.as_gnu_mut().unwrap();
    gnu.sparse[0].set_offset(0);
    gnu.sparse[0].set_length(512);
    gnu.sparse[1].set_offset(size);
    gnu.sparse[1].set_length(0);
    gnu.set_real_size(size);
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_size(512);
    header.set_path("cifar-10-batches-bin/data_batch_1.bin").unwrap();
    header.set_cksum();
    archive.append(&header, &[1; 512][..]).unwrap();
    gzip(&archive.into_inner().unwrap())
}

#[test]
fn a_sparse_entry_of_an_archive_is_not_expanded_without_limit() {
    // What fits is read, zeros and all.
    says(cifar::parse_archive(&sparse_archive(3073)), "the archive holds no data_batch_2.bin");
    for size in [70 << 20, 1 << 40] {
        says(
            cifar::parse_archive(&sparse_archive(size)),
            "data_batch_1.bin: more bytes than a CIFAR-10 file has",
        );
    }
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
            // uint8; double narrowed to bytes; double; single; then every other integer, as SciPy writes them
            let integers = [(8, 1), (10, 3), (11, 4), (12, 5), (13, 6), (14, 12), (15, 13)];
            for (class, kind) in [(9, 2), (6, 2), (6, 9), (7, 7)].into_iter().chain(integers) {
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
fn fer_under_its_other_names() {
    let row = |i: usize| format!("{}, Training, {}\n", i % 7, fer_pixels(i));
    let dir = tempfile::tempdir().unwrap();
    let icml = "emotion, Usage, pixels\n".to_owned() + &(0..14).map(row).collect::<String>();
    write(dir.path().join("icml_face_data.csv"), icml);
    let expected = loaded("fer2013", dir.path()).unwrap();
    assert_eq!((expected.train.len(), expected.files[0].name.as_str()), (14, "icml_face_data.csv"));
    let dir = tempfile::tempdir().unwrap();
    let row = |i: usize| format!("{},{}\n", i % 7, fer_pixels(i));
    write(
        dir.path().join("train.csv"),
        "emotion,pixels\n".to_owned() + &(0..14).map(row).collect::<String>(),
    );
    let data = loaded("fer2013", dir.path()).unwrap();
    assert!(data.train == expected.train && data.test == expected.test);
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("test.csv"), "pixels\n");
    says(loaded("fer2013", dir.path()), "test.csv is images without their emotions");
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
    says(fer::parse(b"emotion,faces\n"), "no column `pixels` in the first line \"emotion,faces\"");
    says(fer::parse(b"emotion,pixels\n"), "no row has the usage Training");
    let archive = gunzip(&archive(["fer2013/fer2013.csv".into()].into_iter(), &row("1", &good, "Training")));
    says(fer::parse(&archive), "not a CSV file: it is a tar archive (unpack it)");
    says(fer::parse(&gzip(&archive)), "not a CSV file: it is gzip-compressed data (unpack it)");
    says(fer::parse(b"emotion,pixels,Usage\n"), "no row has the usage Training");
    says(fer::parse(b""), "no column `emotion`");
    says(fer::parse(&[0xff; 100]), "no column `emotion`");
}

#[test]
fn verify_tells_the_publishers_bytes_from_readable_ones() {
    let dir = tempfile::tempdir().unwrap();
    write_fashion(dir.path(), 12, 4);
    let found = adact_data::verify("fmnist", Some(dir.path())).unwrap();
    assert!(!found.is_publishers());
    let states: Vec<String> = found.files.iter().map(|(_, state)| state.to_string()).collect();
    assert_eq!((states[0].as_str(), found.train), ("contents readable, not the publisher's bytes", 12));
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
    preview::write(&preview::images(&data, 10).unwrap(), &path).unwrap();
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
    says(preview::images(&data, 0), "a contact sheet of 0 columns");
    says(preview::write(b"", Path::new("/nowhere/x.png")), "/nowhere/x.png");
}
