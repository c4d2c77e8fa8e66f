//! Sets to segment: which files belong together, what their classes are, and what is said about faults.

mod samples;

use std::fs;
use std::path::Path;

use adact_data::{LoadOptions, Masked, Result, SegmentationSet, load_segmentation};
use image::ImageFormat::{Jpeg, Png};
use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage};
use samples::*;
use sha2::{Digest, Sha256};

fn loaded(dir: &Path, side: usize) -> Result<SegmentationSet> {
    let options = LoadOptions { side, ..LoadOptions::segmentation() };
    load_segmentation(&dir.display().to_string(), None, &options)
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, Png).unwrap();
    bytes.into_inner()
}

/// A grey mask with these values.
fn mask(width: u32, values: &[u8]) -> Vec<u8> {
    let height = values.len() as u32 / width;
    png(GrayImage::from_raw(width, height, values.to_vec()).unwrap())
}

/// A set of 4 x 2 images: two to train on, one to test on.
fn write_set(dir: &Path) {
    for (part, name, values) in [
        ("train", "b", [0, 0, 9, 9, 0, 0, 9, 9]),
        ("train", "a", [9, 9, 9, 9, 200, 200, 200, 200]),
        ("test", "c", [200, 0, 0, 0, 0, 0, 0, 9]),
    ] {
        write(dir.join(part).join(format!("images/{name}.jpg")), picture(Jpeg, 4, 2, [200, 200, 200]));
        write(dir.join(part).join(format!("masks/{name}.png")), mask(4, &values));
    }
}

/// The SHA-256 of all pixels and classes.
fn hash(parts: [&Masked; 2]) -> String {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(&part.pixels));
    parts.iter().for_each(|part| hash.update(&part.masks));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_embedded_set() {
    let set = load_segmentation("nuclei-mini", None, &LoadOptions::segmentation()).unwrap();
    let shape = |part: &Masked| (part.len(), part.height, part.width, part.channels);
    assert_eq!((shape(&set.train), shape(&set.test)), ((48, 128, 128, 3), (16, 128, 128, 3)));
    assert_eq!(set.classes, ["background", "nucleus"]);
    for part in [&set.train, &set.test] {
        let counts = part.class_counts(256);
        assert_eq!(counts[0] + counts[1], part.masks.len());
        let share = counts[1] as f64 / part.masks.len() as f64;
        assert!((0.08..0.25).contains(&share), "{share}");
        assert!((0..part.len()).all(|i| part.mask(i).contains(&1)));
    }
    assert_eq!(
        hash([&set.train, &set.test]),
        "3d1cb0156b76342f8042bc1df35aae29f60d6dadeda9c2b5e1449d520fad2a13"
    );
    assert!(adact_data::NUCLEI_NOTICE.contains("CC0"));
    let small = LoadOptions { side: 32, grey: true, ..LoadOptions::default() };
    let small = load_segmentation("nuclei-mini", None, &small).unwrap();
    assert_eq!(shape(&small.test), (16, 32, 32, 1));
}

#[test]
fn the_embedded_set_is_the_first_of_the_whole() {
    let dir = std::env::var_os("ADACT_DATA").map(std::path::PathBuf::from);
    let Some(dir) = dir.filter(|dir| dir.join("nuclei").is_dir()) else {
        return println!("skipped: ADACT_DATA names no folder with nuclei");
    };
    let mut set = load_segmentation("nuclei", Some(&dir), &LoadOptions::segmentation()).unwrap();
    let mini = load_segmentation("nuclei-mini", None, &LoadOptions::segmentation()).unwrap();
    assert_eq!(
        (set.train.len(), set.test.len(), &set.classes[..]),
        (531, 133, &["0".into(), "255".into()][..])
    );
    set.train.take(48);
    set.test.take(16);
    assert!(set.train == mini.train && set.test == mini.test);
}

#[test]
fn a_folder_with_train_and_test() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("cells");
    write_set(&root);
    write(root.join("train/masks/notes.txt"), "not a mask");
    let set = loaded(&root, 2).unwrap();
    assert_eq!((set.name.as_str(), &set.classes[..]), ("cells", &["0", "9", "200"].map(String::from)[..]));
    // By name: a, then b. Of four columns the second and the last are nearest.
    assert_eq!(set.train.masks, [1, 1, 2, 2, 0, 1, 0, 1]);
    assert_eq!((&set.test.masks[..], &set.test.pixels[..]), (&[0, 0, 0, 1][..], &[200; 12][..]));
    assert_eq!((set.files[0].name.as_str(), set.note.as_deref()), ("6 image files", Some("resized to 2x2")));
    // A set to choose by, whose classes are those of the training set, too.
    write(root.join("val/images/d.png"), picture(Png, 4, 2, [7; 3]));
    write(root.join("val/masks/d.png"), mask(4, &[9; 8]));
    let three = loaded(&root, 2).unwrap();
    assert_eq!((&three.test, &three.remarks[..]), (&set.test, &[][..]));
    assert_eq!(three.validation.map(|own| (own.pixels, own.masks)), Some((vec![7; 12], vec![1; 4])));
    write(root.join("val/masks/d.png"), mask(4, &[3; 8]));
    says(loaded(&root, 2), "val/masks/d.png: the value 3 is in no mask to train on");
    fs::remove_dir_all(root.join("val")).unwrap();
    // The data folder, and a validation set that serves as a test set.
    fs::rename(root.join("test"), root.join("val")).unwrap();
    let options = LoadOptions { side: 2, ..LoadOptions::segmentation() };
    let again = load_segmentation("cells", Some(dir.path()), &options).unwrap();
    assert_eq!((again.train, again.test, again.validation), (set.train, three.test, None));
    assert_eq!(again.remarks, ["there is no test folder: val is the test set"]);
}

#[test]
fn a_folder_that_is_split() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..10 {
        write(dir.path().join(format!("images/{i}.png")), picture(Png, 4, 2, [i, i, i]));
        write(dir.path().join(format!("masks/{i}.png")), mask(4, &[i, 0, 0, 0, 0, 0, 0, 1]));
    }
    let set = loaded(dir.path(), 4).unwrap();
    assert_eq!((set.train.len(), set.test.len(), set.classes.len()), (8, 2, 10));
    assert_eq!(set.note.as_deref(), Some("resized to 4x4, split 80/20 with seed 0"));
    // Images and masks stay together: the picture's value is that of the mask's first pixel.
    for part in [&set.train, &set.test] {
        assert!((0..part.len()).all(|i| part.image(i)[0] == part.mask(i)[0]));
    }
    let other = LoadOptions { split_seed: 3, side: 4, ..LoadOptions::segmentation() };
    let other = load_segmentation(&dir.path().display().to_string(), None, &other).unwrap();
    assert_ne!(other.test, set.test);
    let fraction = LoadOptions { test_fraction: 0.01, ..LoadOptions::segmentation() };
    let path = dir.path().display().to_string();
    says(load_segmentation(&path, None, &fraction), "too few images for a test set of 1% of them");
}

#[test]
fn masks_of_colours_and_of_sixteen_bits() {
    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    let colours =
        RgbImage::from_fn(4, 2, |x, _| Rgb([[0, 0, 255], [255, 0, 0], [0, 0, 0], [1, 1, 1]][x as usize]));
    for name in ["train/masks/a.png", "train/masks/b.png", "test/masks/c.png"] {
        write(dir.path().join(name), png(colours.clone()));
    }
    let set = loaded(dir.path(), 4).unwrap();
    assert_eq!(set.classes, ["#000000", "#0000ff", "#010101", "#ff0000"]);
    assert_eq!(set.test.masks[..4], [1, 3, 0, 2]);
    // Small numbers in sixteen bits stay different.
    let deep = ImageBuffer::<Luma<u16>, _>::from_fn(4, 2, |x, _| Luma([[0, 1, 2, 999][x as usize]]));
    for name in ["train/masks/a.png", "train/masks/b.png", "test/masks/c.png"] {
        write(dir.path().join(name), png(deep.clone()));
    }
    let set = loaded(dir.path(), 4).unwrap();
    assert_eq!(
        (&set.classes[..], &set.test.masks[..4]),
        (&["0", "1", "2", "999"].map(String::from)[..], &[0, 1, 2, 3][..])
    );
}

#[test]
fn faults_name_the_file() {
    /// Writes the set, changes it, and expects these words.
    fn fault(change: impl Fn(&Path), words: &str) {
        let dir = tempfile::tempdir().unwrap();
        write_set(dir.path());
        change(dir.path());
        let result = loaded(dir.path(), 8);
        assert!(result.as_ref().is_err_and(|error| error.is_input()), "{result:?}");
        says(result, words);
    }
    let remove = |name: &'static str| move |dir: &Path| fs::remove_file(dir.join(name)).unwrap();
    let put = |name: &'static str, bytes: Vec<u8>| move |dir: &Path| write(dir.join(name), &bytes);
    fault(remove("train/masks/b.png"), "images/b.jpg: there is no mask of this name in");
    fault(remove("train/images/b.jpg"), "masks/b.png: there is no image of this name in");
    fault(put("train/images/b.png", vec![]), "b.jpg and b.png differ in their endings only");
    fault(put("train/masks/b.png", mask(2, &[0; 8])), "masks/b.png: the mask has 2x4 pixels, but its image");
    fault(put("test/masks/c.png", mask(4, &[7; 8])), "masks/c.png: the value 7 is in no mask to train on");
    fault(put("test/masks/c.png", picture(Jpeg, 4, 2, [0; 3])), "masks/c.png: a JPEG blurs the classes");
    fault(put("train/images/a.jpg", vec![]), "images/a.jpg: the file is empty");
    fault(put("train/masks/a.png", b"no picture".to_vec()), "masks/a.png: not a PNG");
    let uniform = |dir: &Path| {
        for name in ["train/masks/a.png", "train/masks/b.png", "test/masks/c.png"] {
            write(dir.join(name), mask(4, &[3; 8]));
        }
    };
    fault(uniform, "all pixels of all masks to train on are 3, but there must be 2 classes");
    let many = RgbImage::from_fn(20, 20, |x, y| Rgb([x as u8, y as u8, 0]));
    let many = move |dir: &Path| {
        write(dir.join("train/images/b.jpg"), picture(Jpeg, 20, 20, [1; 3]));
        write(dir.join("train/masks/b.png"), png(many.clone()));
    };
    fault(many, "masks/b.png: the mask has more than 256 values");
    // 250 values in one mask, and others in another.
    let together = |dir: &Path| {
        for (name, first, blue) in [("a", 0, 0), ("b", 100, 1)] {
            write(dir.join(format!("train/images/{name}.jpg")), picture(Jpeg, 250, 1, [1; 3]));
            let mask = RgbImage::from_fn(250, 1, |x, _| Rgb([x as u8, first, blue]));
            write(dir.join(format!("train/masks/{name}.png")), png(mask));
        }
    };
    fault(together, "masks/b.png: with this mask there are more than 256 values");
    let empty = |dir: &Path| {
        fs::remove_dir_all(dir.join("train")).unwrap();
        fs::create_dir_all(dir.join("train/images")).unwrap();
        fs::create_dir_all(dir.join("train/masks")).unwrap();
    };
    fault(empty, "train/images: no image in it");
    fault(
        |dir| fs::rename(dir.join("test/masks"), dir.join("test/x")).unwrap(),
        "test: there is no folder masks",
    );

    let dir = tempfile::tempdir().unwrap();
    write_set(dir.path());
    says(loaded(dir.path(), 0), "a side of 0 pixels");
    says(loaded(&dir.path().join("nowhere"), 8), "nowhere: no such file or folder");
    let file = dir.path().join("train/masks/a.png");
    says(loaded(&file, 8), "a.png: it is a file, but a folder of images is needed");
}
