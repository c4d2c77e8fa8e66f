//! The publishers' files, where `ADACT_DATA` names a folder with them.

use std::path::PathBuf;
use std::time::Instant;

use adact_data::{Dataset, LoadOptions, load, verify};

/// The data set from `ADACT_DATA`, or a message that it is skipped.
fn real(name: &str) -> Option<Dataset> {
    let Some(dir) = std::env::var_os("ADACT_DATA").map(PathBuf::from).filter(|dir| dir.join(name).is_dir())
    else {
        println!("skipped: ADACT_DATA names no folder with {name}");
        return None;
    };
    let start = Instant::now();
    let data = load(name, Some(&dir), &LoadOptions::default()).unwrap();
    println!("{name}: {:.2} s, {:?}, {:?}", start.elapsed().as_secs_f64(), data.note, data.files);
    Some(data)
}

#[test]
fn fashion_mnist_begins_with_the_embedded_set() {
    let Some(data) = real("fmnist") else { return };
    let mut mini = load("fmnist-mini", None, &LoadOptions::default()).unwrap();
    assert_eq!((data.train.len(), data.test.len(), data.note), (60_000, 10_000, None));
    assert_eq!(data.train.class_counts(10), [6_000; 10]);
    let (mut train, mut test) = (data.train, data.test);
    train.take(6_000);
    test.take(1_000);
    assert!(train == mini.train && test == mini.test);
    mini.train.take(0);
    assert!(mini.train.is_empty());
}

#[test]
fn cifar_10_has_its_classes() {
    let Some(data) = real("cifar10") else { return };
    if data.note.is_none() {
        assert_eq!(data.train.class_counts(10), [5_000; 10]);
        assert_eq!(data.test.class_counts(10), [1_000; 10]);
    }
    // The first training image is a frog, the first test image a cat.
    assert_eq!((data.train.labels[0], data.test.labels[0]), (6, 3));
    assert_eq!(data.train.image(0)[..3], [59, 62, 63]);
}

#[test]
fn the_publishers_fer_2013_is_recognised() {
    if real("fer2013").is_none() {
        return;
    }
    let found = verify("fer2013", std::env::var_os("ADACT_DATA").map(PathBuf::from).as_deref()).unwrap();
    if found.note.as_deref() == Some("the Training rows, split 80/20 by class with seed 0") {
        assert!(found.is_publishers());
    }
}

#[test]
fn fer_2013_is_split_by_class() {
    let Some(data) = real("fer2013") else { return };
    let (train, test) = (data.train.class_counts(7), data.test.class_counts(7));
    let all: Vec<usize> = train.iter().zip(&test).map(|(a, b)| a + b).collect();
    assert_eq!(all, [3995, 436, 4097, 7215, 4830, 3171, 4965]);
    assert_eq!(test, all.iter().map(|&n| (n as f64 * 0.2).round() as usize).collect::<Vec<_>>());
}

#[test]
fn svhn_labels_the_digit_0_as_0() {
    let Some(data) = real("svhn") else { return };
    let counts = data.train.class_counts(10);
    assert!(counts.iter().all(|&n| n > 0), "{counts:?}");
    // In SVHN 1 is the most frequent digit.
    assert_eq!(counts.iter().enumerate().max_by_key(|&(_, n)| n).map(|(digit, _)| digit), Some(1));
}
