//! Folders of images, as people have them: what is read, how it is understood, and what is said about the rest.

mod samples;

use std::fs;
use std::path::Path;

use adact_data::folder::{decode, read_image};
use adact_data::{Dataset, LoadOptions, Result, load};
use image::ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
use samples::*;

fn loaded(dir: &Path) -> Result<Dataset> {
    load(&format!("folder:{}", dir.display()), None, &LoadOptions::default())
}

/// Writes `count` pictures into the folder of a class.
fn write_class(dir: impl AsRef<Path>, count: u8) {
    for i in 0..count {
        write(dir.as_ref().join(format!("{i}.png")), picture(Png, 8, 8, [i, 90, 200]));
    }
}

/// A folder of classes, each with its number of pictures.
fn write_classes(dir: impl AsRef<Path>, classes: &[(&str, u8)]) {
    classes.iter().for_each(|(class, count)| write_class(dir.as_ref().join(class), *count));
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/pictures").join(name)).unwrap()
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
    says(try_load(), "no image in the classes a, b; remove the folder, or give it images");
    for i in 0..4 {
        write(dir.path().join(format!("a/{i}.png")), picture(Png, 8, 8, [i, 0, 0]));
    }
    let good = picture(Png, 8, 8, [1, 2, 3]);
    for (bytes, words) in [
        (&good[..good.len() / 2], "3.png: the image does not decode"),
        (&b""[..], "3.png: the file is empty"),
        (&b"GIF89a"[..], "3.png: the image does not decode"),
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
fn every_format_is_read_by_its_content() {
    let colour = [200, 90, 30];
    for format in [Png, Jpeg, WebP, Gif, Bmp, Tiff] {
        let pixels = decode(&picture(format, 20, 12, colour), 4, 3).unwrap();
        let near = pixels.chunks(3).all(|pixel| pixel.iter().zip(colour).all(|(&a, b)| a.abs_diff(b) <= 3));
        assert!(near && pixels.len() == 48, "{format:?}: {pixels:?}");
    }
    // The first frame, the first page.
    for name in ["animation.gif", "animation.webp", "pages.tif"] {
        assert_eq!(decode(&sample(name), 1, 3).unwrap(), [200, 10, 10], "{name}");
    }
    let dir = tempfile::tempdir().unwrap();
    for (i, format) in [Png, Jpeg, WebP, Gif, Bmp, Tiff].into_iter().enumerate() {
        // All named .jpg, except for one without an ending.
        write(dir.path().join(format!("a/{i}.jpg")), picture(format, 9, 9, [1, 2, 3]));
        write(dir.path().join(format!("b/{i}")), picture(format, 9, 9, [1, 2, 3]));
    }
    write(dir.path().join("b/README"), "BMW");
    write(dir.path().join("b/LICENSE"), "none");
    let data = loaded(dir.path()).unwrap();
    assert_eq!(data.train.class_counts(2), [5, 5]);
    assert_eq!(
        data.remarks,
        ["passed over 2 files that are no PNG, JPEG, WebP, GIF, BMP or TIFF picture (2 without an ending)"]
    );
}

#[test]
fn other_pictures_are_named() {
    for (bytes, words) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "it is a HEIC picture (convert it)"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "it is an AVIF picture (convert it)"),
        (b"<!DOCTYPE html><html>", "it is an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "it is a Git LFS pointer (run `git lfs pull`)"),
        (&[0; 5000], "it is nothing but zero bytes"),
        (b"hello", "not a PNG, JPEG, WebP, GIF, BMP or TIFF picture"),
    ] {
        says(decode(bytes, 8, 3), words);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.jpg");
    write(&path, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic");
    says(
        read_image(&path, 8, 3),
        "x.jpg: not a PNG, JPEG, WebP, GIF, BMP or TIFF picture: it is a HEIC picture",
    );
}

#[test]
fn a_picture_that_is_cut_off_is_never_read_in_part() {
    let made = [Png, Jpeg, WebP, Gif, Bmp, Tiff]
        .map(|format| (format!("{format:?}"), picture(format, 40, 24, [200, 90, 30])));
    let kept =
        ["progressive.jpg", "restarts.jpg", "lossy.webp", "animation.gif", "animation.webp", "pages.tif"]
            .map(|name| (name.to_owned(), sample(name)));
    for (name, bytes) in made.into_iter().chain(kept) {
        let whole = decode(&bytes, 16, 3).unwrap();
        let mut refused = 0;
        for length in 0..bytes.len() {
            // What comes after the first frame, or after all pixels, may be missing.
            match decode(&bytes[..length], 16, 3) {
                Ok(pixels) => assert!(pixels == whole, "{name}: {length} of {} bytes", bytes.len()),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > bytes.len() / 3, "{name}: {refused} of {}", bytes.len());
    }
}

#[test]
fn all_broken_pictures_are_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    write_classes(dir.path(), &[("train/a", 20), ("train/b", 20), ("test/a", 3), ("test/b", 3)]);
    let jpeg = picture(Jpeg, 40, 40, [1, 2, 3]);
    let cut = &jpeg[..jpeg.len() / 2];
    write(dir.path().join("train/b/half.jpg"), cut);
    says(loaded(dir.path()), "train/b/half.jpg: the image is cut off: it lacks the end of a JPEG");
    write(dir.path().join("test/a/half.jpg"), cut);
    write(dir.path().join("train/a/empty.png"), "");
    let reasons = "3 images can't be read: train/a/empty.png (the file is empty), train/b/half.jpg (the image is cut off: \
                   it lacks the end of a JPEG), test/a/half.jpg (the image is cut off: it lacks the end of a JPEG)";
    says(loaded(dir.path()), reasons);
    for i in 10..20 {
        write(dir.path().join(format!("train/a/{i}.png")), "");
    }
    let error = loaded(dir.path()).unwrap_err();
    assert!(error.is_input());
    says::<(), _>(Err(error), "13 images can't be read: train/a/10.png (the file is empty), train/a/11.png");
    says(loaded(dir.path()), "train/a/19.png (the file is empty) and 3 more");
}

#[test]
fn files_of_other_kinds_are_counted_or_leave_a_class_empty() {
    let dir = tempfile::tempdir().unwrap();
    write_classes(dir.path(), &[("a", 5), ("b", 5)]);
    for i in 0..3 {
        write(dir.path().join(format!("a/{i}.HEIC")), "ftyp");
    }
    write(dir.path().join("b/notes.txt"), "");
    let remark =
        "passed over 4 files that are no PNG, JPEG, WebP, GIF, BMP or TIFF picture (3 .heic, 1 .txt)";
    assert_eq!(loaded(dir.path()).unwrap().remarks, [remark]);
    write(dir.path().join("c/1.heic"), "ftyp");
    write(dir.path().join("d/1.svg"), "<svg");
    says(
        loaded(dir.path()),
        "picture in the classes c (1 .heic), d (1 .svg); convert them, or remove the folder",
    );
    fs::remove_dir_all(dir.path().join("c")).unwrap();
    fs::remove_dir_all(dir.path().join("d")).unwrap();
    fs::create_dir(dir.path().join("e")).unwrap();
    says(loaded(dir.path()), "no image in the class e; remove the folder, or give it images");
}

#[test]
fn what_systems_leave_behind_is_no_class_and_no_image() {
    let dir = tempfile::tempdir().unwrap();
    write_classes(dir.path(), &[("a", 5), ("b", 5)]);
    let expected = loaded(dir.path()).unwrap();
    for folder in ["__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found", ".ipynb_checkpoints", ".git"] {
        write_class(dir.path().join(folder), 2);
        write_class(dir.path().join("a").join(folder), 2);
    }
    for file in ["a/._0.png", "a/Thumbs.db", "b/.DS_Store", "b/desktop.ini", "Thumbs.db"] {
        write(dir.path().join(file), "junk");
    }
    assert_eq!(loaded(dir.path()).unwrap(), expected);
}

#[test]
fn validation_folders_and_any_case_are_understood() {
    let dir = tempfile::tempdir().unwrap();
    write_classes(dir.path().join("Train"), &[("a", 5), ("b", 4)]);
    write_classes(dir.path().join("VALID"), &[("a", 2), ("b", 1)]);
    let data = loaded(dir.path()).unwrap();
    assert_eq!((data.train.class_counts(2), data.test.class_counts(2)), (vec![5, 4], vec![2, 1]));
    assert_eq!(
        (data.validation, data.remarks),
        (None, vec!["there is no test folder: VALID is the test set".into()])
    );

    // With all three, and something beside them.
    write_classes(dir.path().join("Testing"), &[("a", 3)]);
    write_class(dir.path().join("annotations"), 1);
    let data = loaded(dir.path()).unwrap();
    let counts =
        [&data.train, &data.test, data.validation.as_ref().unwrap()].map(|part| part.class_counts(2));
    assert_eq!(counts, [vec![5, 4], vec![3, 0], vec![2, 1]]);
    assert_eq!(data.remarks, ["passed over beside Train: annotations", "no test image of b"]);

    fs::create_dir(dir.path().join("val")).unwrap();
    says(loaded(dir.path()), "VALID and val mean the same: remove or rename one of them");
    fs::remove_dir_all(dir.path().join("val")).unwrap();
    write_class(dir.path().join("Testing/A"), 1);
    says(loaded(dir.path()), "Testing: the class \"A\" has no folder in the training set (there is \"a\")");
    fs::remove_dir_all(dir.path().join("Testing")).unwrap();
    write_class(dir.path().join("Testing"), 3);
    says(
        loaded(dir.path()),
        "Testing: 3 images and no folders of classes: without classes they can't be judged",
    );
}

#[test]
fn stray_pictures_do_not_make_train_and_val_classes() {
    let dir = tempfile::tempdir().unwrap();
    for part in ["train", "val"] {
        write_class(dir.path().join(part), 3);
    }
    says(loaded(dir.path()), "train: 3 images and no folders of classes; there must be 2 to 256");
    for part in ["train", "val"] {
        write_classes(dir.path().join(part), &[("a", 5), ("b", 5)]);
    }
    let data = loaded(dir.path()).unwrap();
    assert_eq!((data.classes.len(), data.train.len(), data.test.len()), (2, 10, 10));
    let remark = "passed over 6 images beside the folders of classes".to_owned();
    assert_eq!(data.remarks, ["there is no test folder: val is the test set".to_owned(), remark]);
    // A class of vehicles may well be called train.
    let vehicles = tempfile::tempdir().unwrap();
    write_classes(vehicles.path(), &[("bus", 5), ("train", 5)]);
    assert_eq!(loaded(vehicles.path()).unwrap().classes, ["bus", "train"]);
}

#[test]
fn folders_that_wrap_others_are_walked_through() {
    let dir = tempfile::tempdir().unwrap();
    write_classes(dir.path().join("d/d"), &[("a", 5), ("b", 5)]);
    write_class(dir.path().join("d/__MACOSX"), 1);
    let data = loaded(dir.path()).unwrap();
    assert_eq!((data.train.len(), &data.classes[..]), (8, &["a".into(), "b".into()][..]));
    assert_eq!(data.remarks, ["the images lie deeper, in d/d"]);

    let dir = tempfile::tempdir().unwrap();
    for part in ["train/train", "test/test"] {
        write_classes(dir.path().join("archive").join(part), &[("a", 2), ("b", 2)]);
    }
    let data = loaded(dir.path()).unwrap();
    assert_eq!((data.train.len(), data.test.len()), (4, 4));

    // Two of them can't both be meant.
    let dir = tempfile::tempdir().unwrap();
    write_classes(dir.path().join("one"), &[("a", 2), ("b", 2)]);
    write_classes(dir.path().join("two"), &[("a", 2), ("b", 2)]);
    says(
        loaded(dir.path()),
        "no image in the classes one (only folders: a, b), two (only folders: a, b); if the classes lie deeper, give that folder, such as ",
    );
    let dir = tempfile::tempdir().unwrap();
    write_class(dir.path().join("only"), 5);
    says(loaded(dir.path()), "1 folder of classes (only); there must be 2 to 256");
    write_class(dir.path().join("only/inside"), 2);
    write_class(dir.path().join("other"), 5);
    assert_eq!(loaded(dir.path()).unwrap().remarks, ["passed over folders inside of classes: only/inside"]);
}

#[test]
fn transparency_is_white() {
    let logo = |alpha: u8| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbaImage::from_pixel(4, 4, image::Rgba([0, 0, 100, alpha]))
            .write_to(&mut bytes, Png)
            .unwrap();
        bytes.into_inner()
    };
    assert_eq!(decode(&logo(0), 1, 3).unwrap(), [255; 3]);
    assert_eq!(decode(&logo(0), 1, 1).unwrap(), [255]);
    assert_eq!(decode(&logo(255), 1, 3).unwrap(), [0, 0, 100]);
    assert_eq!(decode(&logo(51), 1, 3).unwrap(), [204, 204, 224]);
}

#[test]
fn too_few_images_to_split_are_told() {
    let dir = tempfile::tempdir().unwrap();
    write_classes(dir.path(), &[("a", 2), ("b", 2)]);
    says(loaded(dir.path()), "the classes have too few images for a test set of 20% of each");
    write_class(dir.path().join("a"), 5);
    assert_eq!(loaded(dir.path()).unwrap().remarks, ["no test image of b"]);
}
