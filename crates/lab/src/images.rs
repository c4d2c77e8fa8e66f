//! The images of a training, as its configuration asks for them.

use adact_data::{Dataset, FileRecord, Images, LoadOptions, split};
use adact_evidence::records::Selection;

use crate::config::Config;
use crate::error::{Error, Result};

/// The images to learn from, to choose by and to judge by.
#[derive(Debug)]
pub struct Data {
    /// The data set's name.
    pub name: String,
    /// The names of the classes, by label.
    pub classes: Vec<String>,
    /// The images to learn from.
    pub train: Images,
    /// Images to choose by, where the configuration asks for them: the data's own, or some held out of the training set.
    pub validation: Option<Images>,
    /// The images to judge by.
    pub test: Images,
    /// What the best epoch is picked by: what the configuration asks for, or the validation set that the data has.
    pub selected_by: Selection,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of the results must know about the images.
    pub note: Option<String>,
    /// What a user should be told before the training, such as what was passed over in a folder.
    pub remarks: Vec<String>,
}

impl Data {
    /// Loads the images that `config` names.
    ///
    /// # Errors
    /// If they are missing or broken, or the network can't take them.
    pub fn load(config: &Config) -> Result<Self> {
        let d = &config.data;
        let defaults = LoadOptions::default();
        let options = LoadOptions {
            split_seed: d.split_seed,
            side: d.side.unwrap_or(defaults.side),
            grey: d.grey.unwrap_or(defaults.grey),
            ..defaults
        };
        Self::prepare(adact_data::load(&d.dataset, d.dir.as_deref(), &options)?, config)
    }

    /// Cuts a data set into the parts that `config` asks for.
    fn prepare(set: Dataset, config: &Config) -> Result<Self> {
        let Dataset { name, classes, mut train, mut test, validation, files, note, mut remarks, by_class } =
            set;
        if train.height != train.width || train.height < 16 {
            return Err(Error::input(format!(
                "{name}: the images are {}x{}, but the network needs square ones with sides of 16 pixels or more",
                train.width, train.height
            )));
        }
        let mut notes: Vec<String> = note.into_iter().collect();
        for (images, limit, part) in
            [(&mut train, config.data.limit_train, "training"), (&mut test, config.data.limit_test, "test")]
        {
            let Some(n) = limit.filter(|&n| n < images.len()) else { continue };
            if by_class {
                if part == "training" && n < classes.len() {
                    return Err(Error::input(format!(
                        "{name}: {n} training images are too few for {} classes: raise --limit-train",
                        classes.len()
                    )));
                }
                *images = images.select(&split::spread(&images.labels, n, config.data.split_seed));
                notes.push(format!("only {n} {part} images, the same share of every class"));
            } else {
                images.take(n);
                notes.push(format!("only the first {n} {part} images"));
            }
        }
        let mut selected_by = config.protocol.select;
        let validation = match (selected_by, validation) {
            (Selection::Test, None) => None,
            (Selection::Test, Some(own)) => {
                remarks.push(format!(
                    "the folder's {} validation images are not used (--select validation uses them)",
                    own.len()
                ));
                None
            }
            (Selection::Validation(_) | Selection::ValidationSet, Some(own)) => {
                selected_by = Selection::ValidationSet;
                Some(own)
            }
            (Selection::Validation(fraction), None) => {
                let (rest, part) = split::stratified(&train.labels, fraction, config.data.split_seed);
                if rest.is_empty() || part.is_empty() {
                    return Err(Error::input(format!(
                        "{name}: a fraction of {fraction} of {} training images leaves no image to one of the two parts",
                        train.len()
                    )));
                }
                let held_out = train.select(&part);
                train = train.select(&rest);
                Some(held_out)
            }
            (Selection::ValidationSet, None) => {
                return Err(Error::input(format!(
                    "{name}: it comes without a validation set; --select validation holds out training images"
                )));
            }
        };
        for (images, part) in [(&train, "training"), (&test, "test")] {
            if images.is_empty() {
                return Err(Error::input(format!("{name}: there are no {part} images")));
            }
        }
        notes.extend(remarks.iter().cloned());
        let note = if notes.is_empty() { None } else { Some(notes.join("; ")) };
        Ok(Self { name, classes, train, validation, test, selected_by, files, note, remarks })
    }

    /// The images by which the best epoch is picked.
    pub fn selection(&self) -> &Images {
        self.validation.as_ref().unwrap_or(&self.test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 images of each of five classes, class by class.
    fn set(by_class: bool) -> Dataset {
        let images = |count: usize| {
            let labels: Vec<u8> = (0..5).flat_map(|class| vec![class; count]).collect();
            Images::new((16, 16, 1), vec![7; labels.len() * 256], labels).unwrap()
        };
        Dataset {
            name: "set".into(),
            classes: ["a", "b", "c", "d", "e"].map(String::from).to_vec(),
            train: images(100),
            test: images(20),
            validation: Some(images(10)),
            files: Vec::new(),
            note: None,
            remarks: Vec::new(),
            by_class,
        }
    }

    #[test]
    fn a_limit_takes_the_same_share_of_every_class_of_a_folder() {
        let mut config = Config::default();
        (config.data.limit_train, config.data.limit_test) = (Some(30), Some(10));
        let data = Data::prepare(set(true), &config).unwrap();
        assert_eq!((data.train.class_counts(5), data.test.class_counts(5)), (vec![6; 5], vec![2; 5]));
        assert!(data.note.unwrap().contains("only 30 training images, the same share of every class"));
        let named = Data::prepare(set(false), &config).unwrap();
        assert_eq!(named.train.class_counts(5), [30, 0, 0, 0, 0]);
        assert!(named.note.unwrap().contains("only the first 30 training images"));
        config.data.limit_train = Some(4);
        let message = Data::prepare(set(true), &config).unwrap_err().to_string();
        assert_eq!(message, "set: 4 training images are too few for 5 classes: raise --limit-train");
    }

    #[test]
    fn a_validation_set_of_the_data_comes_before_a_part_of_the_training_set() {
        let mut config = Config::default();
        let data = Data::prepare(set(true), &config).unwrap();
        assert_eq!((data.selected_by, data.validation.as_ref()), (Selection::Test, None));
        let remark = "the folder's 50 validation images are not used (--select validation uses them)";
        assert_eq!((data.remarks, data.note.as_deref()), (vec![remark.to_owned()], Some(remark)));

        config.protocol.select = Selection::Validation(0.1);
        let data = Data::prepare(set(true), &config).unwrap();
        assert_eq!((data.train.len(), data.validation.unwrap().len()), (500, 50));
        assert_eq!(data.selected_by, Selection::ValidationSet);
        let data = Data::prepare(Dataset { validation: None, ..set(true) }, &config).unwrap();
        assert_eq!((data.train.len(), data.validation.unwrap().len()), (450, 50));
        assert_eq!(data.selected_by, Selection::Validation(0.1));
        config.protocol.select = Selection::ValidationSet;
        assert!(Data::prepare(Dataset { validation: None, ..set(true) }, &config).is_err());
    }
}
