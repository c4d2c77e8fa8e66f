//! Which task a data set is for, and what is said where it is loaded as one for another.

mod samples;

use adact_data::{LoadOptions, Task, catalogue, load, load_segmentation, load_text, task_of, verify};
use image::ImageFormat::Png;
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
    says(verify("shakespeare", None), "shakespeare is part of the program: there is nothing to verify");
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("train/images/x.png"), picture(Png, 8, 8, [0; 3]));
    write(dir.path().join("train/masks/x.png"), picture(Png, 8, 8, [0; 3]));
    says(images(&dir.path().display().to_string()), "--network unet");
    // What can't be told is left to the reader that was asked for.
    let classes = dir.path().join("train/images").display().to_string();
    says(load_text(&classes, None), "there is no input.txt in it");
    says(masks(&classes), "there is no folder images");
}
