//! Which task a data set is for, and what is said where it is loaded as one for another.

mod samples;

use std::collections::BTreeMap;

use adact_data::{
    LoadOptions, Task, catalogue, load, load_segmentation, load_text, preview, task_of, verify,
};
use image::ImageFormat::Png;
use image::{GrayImage, Luma};
use samples::*;

#[test]
fn names_have_the_task_of_the_catalogue() {
    for entry in catalogue() {
        let expected = match entry.name {
            "shakespeare" => Task::Text,
            "nuclei-mini" => Task::Segmentation,
            _ => Task::Classification,
        };
        assert_eq!((entry.task, task_of(entry.name)), (expected, expected), "{}", entry.name);
    }
    let embedded: Vec<_> =
        catalogue().iter().filter(|entry| entry.files.is_empty()).map(|e| e.name).collect();
    assert_eq!(embedded, ["fmnist-mini", "shakespeare", "nuclei-mini"]);
    let names = [Task::Classification, Task::Text, Task::Segmentation].map(|task| task.to_string());
    assert_eq!(names, ["classification", "text", "segmentation"]);
}

#[test]
fn the_catalogue_tells_what_the_embedded_sets_hold() {
    let entry = |name| catalogue().iter().find(|entry| entry.name == name).unwrap();
    let (text, expected) = (load_text("shakespeare", None).unwrap(), entry("shakespeare"));
    assert_eq!((text.train.len(), text.validation.len()), (expected.train, expected.test));
    let set = load_segmentation("nuclei-mini", None, &LoadOptions::segmentation()).unwrap();
    let expected = entry("nuclei-mini");
    assert_eq!(
        (set.train.len(), set.test.len(), &set.classes[..]),
        (
            expected.train,
            expected.test,
            &expected.classes.iter().map(|&c| String::from(c)).collect::<Vec<_>>()[..]
        )
    );
    assert_eq!((set.train.height, set.train.channels), (expected.side, expected.channels));
}

#[test]
fn files_and_folders_show_their_task() {
    let dir = tempfile::tempdir().unwrap();
    let root = |name: &str| dir.path().join(name).display().to_string();
    write(root("poems/input.txt"), "roses");
    write(root("classes/a/x.png"), picture(Png, 8, 8, [0; 3]));
    write(root("classes/images/x.png"), picture(Png, 8, 8, [0; 3]));
    for part in ["flat", "split/Train"] {
        write(root(part) + "/images/x.png", picture(Png, 8, 8, [0; 3]));
        write(root(part) + "/masks/x.png", picture(Png, 8, 8, [0; 3]));
    }
    for (name, task) in [
        (root("poems"), Task::Text),
        (root("poems/input.txt"), Task::Text),
        (format!("folder:{}", root("poems")), Task::Text),
        (root("not/there.TXT"), Task::Text),
        (root("flat"), Task::Segmentation),
        (root("split"), Task::Segmentation),
        (format!("folder:{}", root("split")), Task::Segmentation),
        (root("classes"), Task::Classification),
        (root("nowhere"), Task::Classification),
        ("nonsense".into(), Task::Classification),
        ("".into(), Task::Classification),
    ] {
        assert_eq!(task_of(&name), task, "{name}");
    }
}

#[test]
fn the_sets_in_the_program_are_verified_whole() {
    for (name, train, test) in
        [("fmnist-mini", 6_000, 1_000), ("shakespeare", 1_003_854, 111_540), ("nuclei-mini", 48, 16)]
    {
        let found = verify(name, None).unwrap();
        assert_eq!((found.train, found.test, found.folder.as_deref()), (train, test, None));
        assert!(found.is_publishers() && !found.files.is_empty());
    }
    // The record of the text is that of the publisher's file.
    let (file, _) = &verify("shakespeare", None).unwrap().files[0];
    assert_eq!((file.bytes, &file.sha256[..8]), (1_115_394, "86c4e6aa"));
}

#[test]
fn a_loader_for_another_task_says_which_network_is_needed() {
    let images = |name: &str| load(name, None, &LoadOptions::default());
    let masks = |name: &str| load_segmentation(name, None, &LoadOptions::segmentation());
    says(images("shakespeare"), "shakespeare is a text: it needs a language model, --network gpt");
    says(images("poems.txt"), "poems.txt is a text: it needs a language model, --network gpt");
    says(
        images("nuclei-mini"),
        "nuclei-mini is a set of images with masks: it needs a network for segmentation, --network unet",
    );
    says(load_text("nuclei-mini", None), "--network unet");
    says(
        load_text("cifar10", None),
        "cifar10 is a set of images with classes: it needs a network for classification",
    );
    says(masks("fmnist-mini"), "such as --network convnet");
    says(masks("shakespeare"), "--network gpt");
    says(load_text("shakespear", None), "did you mean `shakespeare`?");
    says(masks("nuclei_mini"), "did you mean `nuclei-mini`?");
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("train/images/x.png"), picture(Png, 8, 8, [0; 3]));
    write(dir.path().join("train/masks/x.png"), picture(Png, 8, 8, [0; 3]));
    says(images(&dir.path().display().to_string()), "--network unet");
    // What can't be told is left to the reader that was asked for.
    let classes = dir.path().join("train/images").display().to_string();
    says(load_text(&classes, None), "there is no input.txt in it");
    says(masks(&classes), "there is no folder images");
}

/// The colours of a picture, and how many pixels each has.
fn colours(png: &[u8]) -> BTreeMap<[u8; 3], usize> {
    let mut counts = BTreeMap::new();
    let picture = image::load_from_memory(png).unwrap().into_rgb8();
    picture.pixels().for_each(|pixel| *counts.entry(pixel.0).or_default() += 1);
    counts
}

#[test]
fn masks_are_shown_over_their_images() {
    let dir = tempfile::tempdir().unwrap();
    // Images of one colour; the left half of each mask is class 0, the right half class 1.
    let mask = GrayImage::from_fn(64, 64, |x, _| Luma([u8::from(x >= 32) * 9]));
    for i in 0..3 {
        write(dir.path().join(format!("images/{i}.png")), picture(Png, 64, 64, [10, 200, 10]));
        write(dir.path().join(format!("masks/{i}.png")), {
            let mut bytes = std::io::Cursor::new(Vec::new());
            mask.write_to(&mut bytes, Png).unwrap();
            bytes.into_inner()
        });
    }
    let options = LoadOptions { side: 64, test_fraction: 0.34, ..LoadOptions::segmentation() };
    let set = load_segmentation(&dir.path().display().to_string(), None, &options).unwrap();
    let counts = colours(&preview::masks(&set, 10).unwrap());
    // Two images to train on and one to test on: each is shown whole, and again its left half and half of its right.
    assert_eq!(counts[&[10, 200, 10]], 3 * (64 * 64 + 32 * 64));
    let orange = [230, 159, 0];
    // The edge is one column of class 1; the list shows the colour as well.
    assert_eq!(counts[&orange], 3 * 64 + 16 * 16);
    let half = |below: u16, above: u16| ((below * (255 - 110) + above * 110) / 255) as u8;
    assert_eq!(counts[&[half(10, 230), half(200, 159), half(10, 0)]], 3 * 31 * 64);
    says(preview::masks(&set, 51), "a contact sheet of 51 columns");
}

#[test]
fn a_text_is_shown_by_its_characters_and_beginnings() {
    let dir = tempfile::tempdir().unwrap();
    let page = |text: &str| {
        let path = dir.path().join("text.txt");
        write(&path, text);
        preview::text(&load_text(&path.display().to_string(), None).unwrap()).unwrap()
    };
    let size = |png: &[u8]| {
        let picture = image::load_from_memory(png).unwrap();
        (picture.width(), picture.height())
    };
    let short = page("To be, or not to be.");
    let long = page(&"To be, or not to be.".repeat(1000));
    assert_eq!(size(&short), size(&long));
    let ink = |png: &[u8]| colours(png)[&[32, 32, 36]];
    assert!(ink(&long) > 3 * ink(&short), "the lines are not filled");
    // More characters take more lines, and more than fit are counted only.
    let all = |count: u32| (0x4e00..0x4e00 + count).filter_map(char::from_u32).collect::<String>();
    let (many, most, beyond) = (page(&all(60)), page(&all(112)), page(&all(20_000)));
    assert!(size(&short).1 < size(&many).1 && size(&many).1 < size(&most).1);
    assert_eq!(size(&most), size(&beyond));
}
