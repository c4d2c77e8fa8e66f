//! The data of a training, as its configuration asks for them.

use std::borrow::Cow;

use adact_data::{
    Dataset, FileRecord, Images, LoadOptions, Masked, Rows, SegmentationSet, Task, TextSet, split,
};
use adact_evidence::records::Selection;

use crate::config::{Config, NetworkShape};
use crate::error::{Error, Result};
use crate::parts::Part;

/// How much of the training data a search on two levels keeps for its mixtures.
const SEARCH_SHARE: f64 = 0.25;

/// What to learn from, to choose by and to judge by.
#[derive(Clone, Debug)]
pub struct Data {
    /// The data set's name.
    pub name: String,
    /// What is learned.
    pub task: Task,
    /// The names of the classes, by label; of a text, its characters, by token.
    pub classes: Vec<String>,
    /// Channels and side of the images; zeros for what is none.
    pub image: [usize; 2],
    /// What to learn from.
    pub train: Part,
    /// What mixtures learn from in a search on two levels, held out of what is to learn from.
    pub search: Option<Part>,
    /// What to choose by, where the configuration asks for it: the data's own, or a part held out of the training set.
    pub validation: Option<Part>,
    /// What to judge by. Of a text, which has no more than two parts, that is what others call validation.
    pub test: Part,
    /// What the best epoch is picked by: what the configuration asks for, or the validation set that the data has.
    pub selected_by: Selection,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of the results must know about the data.
    pub note: Option<String>,
    /// What a user should be told before the training, such as what was passed over in a folder.
    pub remarks: Vec<String>,
}

impl Data {
    /// Loads what `config` names.
    ///
    /// # Errors
    /// If it is missing, broken or for another task, or the network can't take it.
    pub fn load(config: &Config) -> Result<Self> {
        let d = &config.data;
        let task = config.network.task()?;
        let defaults = match task {
            Task::Segmentation => LoadOptions::segmentation(),
            _ => LoadOptions::default(),
        };
        let options = LoadOptions {
            split_seed: d.split_seed,
            side: d.side.unwrap_or(defaults.side),
            grey: d.grey.unwrap_or(defaults.grey),
            ..defaults
        };
        let data = match task {
            Task::Classification => {
                Self::prepare(adact_data::load(&d.dataset, d.dir.as_deref(), &options)?, config)?
            }
            Task::Text => Self::of_text(adact_data::load_text(&d.dataset, d.dir.as_deref())?, config)?,
            Task::Segmentation => Self::of_masks(
                adact_data::load_segmentation(&d.dataset, d.dir.as_deref(), &options)?,
                config,
            )?,
        };
        // What the network can't take is said before anything is written.
        config.network.config(data.shape())?;
        Ok(data)
    }

    /// Rows of numbers to classify, of one's own, with the names of the classes: the first to learn from, the second to
    /// judge by.
    ///
    /// # Errors
    /// If a part is empty, the rows of both are of different lengths, or a row is of a class without a name.
    pub fn of_rows(name: impl Into<String>, classes: &[&str], train: Rows, test: Rows) -> Result<Self> {
        let name = name.into();
        if train.features() != test.features() {
            let (one, other) = (train.features(), test.features());
            return Err(Error::input(format!(
                "{name}: rows of {one} numbers to learn from and of {other} to judge by"
            )));
        }
        for (rows, part) in [(&train, "training"), (&test, "test")] {
            if rows.is_empty() {
                return Err(Error::input(format!("{name}: there are no {part} rows")));
            }
            if let Some(row) = rows.labels().iter().position(|&label| usize::from(label) >= classes.len()) {
                let (class, count) = (rows.labels()[row], classes.len());
                return Err(Error::input(format!(
                    "{name}: {part} row {row} is of class {class}, and there are {count}"
                )));
            }
        }
        Ok(Self {
            name,
            task: Task::Classification,
            classes: classes.iter().map(|&class| class.into()).collect(),
            image: [0, 0],
            train: Part::Rows(train),
            search: None,
            validation: None,
            test: Part::Rows(test),
            selected_by: Selection::Test,
            files: Vec::new(),
            note: None,
            remarks: Vec::new(),
        })
    }

    /// What a network must take and give.
    pub(crate) fn shape(&self) -> NetworkShape {
        let [channels, side] = self.image;
        NetworkShape { channels, side, classes: self.classes.len() }
    }

    /// A text: its first part to learn from, its second to judge by.
    fn of_text(mut set: TextSet, config: &Config) -> Result<Self> {
        if config.protocol.select != Selection::Test {
            return Err(Error::input(format!(
                "{}: a text has two parts, and the second one judges: --select test is all there is",
                set.name
            )));
        }
        let mut notes: Vec<String> = set.note.take().into_iter().collect();
        for (tokens, limit, part) in [
            (&mut set.train, config.data.limit_train, "training"),
            (&mut set.validation, config.data.limit_test, "test"),
        ] {
            if let Some(n) = limit.filter(|&n| n < tokens.len()) {
                tokens.truncate(n);
                notes.push(format!("only the first {n} {part} characters"));
            }
        }
        let context = config.network.context();
        set.check_context(context)?;
        Ok(Self {
            name: set.name,
            task: Task::Text,
            classes: set.vocabulary.iter().map(char::to_string).collect(),
            image: [0, 0],
            train: Part::Text { tokens: set.train, context },
            search: None,
            validation: None,
            test: Part::Text { tokens: set.validation, context },
            selected_by: Selection::Test,
            files: set.files,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            remarks: set.remarks,
        })
    }

    /// Images with masks.
    fn of_masks(set: SegmentationSet, config: &Config) -> Result<Self> {
        let SegmentationSet { name, classes, mut train, mut test, validation, files, note, mut remarks } =
            set;
        let mut notes: Vec<String> = note.into_iter().collect();
        for (images, limit, part) in
            [(&mut train, config.data.limit_train, "training"), (&mut test, config.data.limit_test, "test")]
        {
            if let Some(n) = limit.filter(|&n| n < images.len()) {
                images.take(n);
                notes.push(format!("only the first {n} {part} images"));
            }
        }
        // All are of one class, as far as holding images out is concerned.
        let labels = vec![0; train.len()];
        let own = validation.map(|own| (own.len(), own));
        let (train, validation, selected_by) =
            to_choose_by(&name, config, train, own, &labels, Masked::select, &mut remarks)?;
        notes.extend(remarks.iter().cloned());
        Ok(Self {
            name,
            task: Task::Segmentation,
            classes,
            image: [train.channels, train.height],
            train: Part::Masked(train),
            search: None,
            validation: validation.map(Part::Masked),
            test: Part::Masked(test),
            selected_by,
            files,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            remarks,
        })
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
        let labels = train.labels.clone();
        let own = validation.map(|own| (own.len(), own));
        let (train, validation, selected_by) =
            to_choose_by(&name, config, train, own, &labels, Images::select, &mut remarks)?;
        for (images, part) in [(&train, "training"), (&test, "test")] {
            if images.is_empty() {
                return Err(Error::input(format!("{name}: there are no {part} images")));
            }
        }
        notes.extend(remarks.iter().cloned());
        let note = if notes.is_empty() { None } else { Some(notes.join("; ")) };
        Ok(Self {
            name,
            task: Task::Classification,
            classes,
            image: [train.channels, train.height],
            train: Part::Images(train),
            search: None,
            validation: validation.map(Part::Images),
            test: Part::Images(test),
            selected_by,
            files,
            note,
            remarks,
        })
    }

    /// The data as a training takes them: where it searches on two levels, a quarter of what is to learn from is kept for its
    /// mixtures.
    ///
    /// # Errors
    /// If there is too little to divide.
    pub(crate) fn divided(&self, config: &Config) -> Result<Cow<'_, Self>> {
        let mixes = config.train.as_ref().is_some_and(|train| train.activation.contains("adact"));
        if !(config.search.bilevel && mixes) {
            return Ok(Cow::Borrowed(self));
        }
        let (train, search) = self.train.divided(SEARCH_SHARE, config.data.split_seed);
        if train.is_empty() || search.is_empty() {
            let message =
                format!("bilevel: {} is too small to hold a quarter of it out for the search", self.name);
            return Err(Error::input(message));
        }
        Ok(Cow::Owned(Self { train, search: Some(search), ..self.clone() }))
    }

    /// What the best epoch is picked by.
    pub fn selection(&self) -> &Part {
        self.validation.as_ref().unwrap_or(&self.test)
    }
}

/// The images to train on, those to choose by where the configuration asks for some, and what these are: the data's own (with
/// their number), or some that are held out of the training images, the same share of every class.
fn to_choose_by<I>(
    name: &str,
    config: &Config,
    train: I,
    own: Option<(usize, I)>,
    labels: &[u8],
    select: impl Fn(&I, &[u32]) -> I,
    remarks: &mut Vec<String>,
) -> Result<(I, Option<I>, Selection)> {
    match (config.protocol.select, own) {
        (Selection::Test, None) => Ok((train, None, Selection::Test)),
        (Selection::Test, Some((count, _))) => {
            remarks.push(format!(
                "the folder's {count} validation images are not used (--select validation uses them)"
            ));
            Ok((train, None, Selection::Test))
        }
        (Selection::Validation(_) | Selection::ValidationSet, Some((_, own))) => {
            Ok((train, Some(own), Selection::ValidationSet))
        }
        (Selection::Validation(fraction), None) => {
            let (rest, part) = split::stratified(labels, fraction, config.data.split_seed);
            if rest.is_empty() || part.is_empty() {
                return Err(Error::input(format!(
                    "{name}: a fraction of {fraction} of {} training images leaves no image to one of the two parts",
                    labels.len()
                )));
            }
            Ok((select(&train, &rest), Some(select(&train, &part)), Selection::Validation(fraction)))
        }
        (Selection::ValidationSet, None) => Err(Error::input(format!(
            "{name}: it comes without a validation set; --select validation holds out training images"
        ))),
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
        let counts = |part: &Part| match part {
            Part::Images(images) => images.class_counts(5),
            _ => unreachable!(),
        };
        assert_eq!((counts(&data.train), counts(&data.test)), (vec![6; 5], vec![2; 5]));
        assert!(data.note.unwrap().contains("only 30 training images, the same share of every class"));
        let named = Data::prepare(set(false), &config).unwrap();
        assert_eq!(counts(&named.train), [30, 0, 0, 0, 0]);
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

    #[test]
    fn images_with_masks_are_held_out_like_others() {
        let masked = |count: usize| {
            let pixels = (0..count).flat_map(|i| vec![i as u8; 256]).collect();
            Masked::new((16, 16, 1), pixels, vec![0; count * 256]).unwrap()
        };
        let set = |validation| SegmentationSet {
            name: "cells".into(),
            classes: vec!["0".into(), "1".into()],
            train: masked(10),
            test: masked(4),
            validation,
            files: Vec::new(),
            note: None,
            remarks: Vec::new(),
        };
        let mut config = Config::of_network("unet").unwrap();
        (config.data.limit_train, config.data.limit_test) = (Some(8), Some(3));
        let data = Data::of_masks(set(Some(masked(2))), &config).unwrap();
        assert_eq!((data.train.len(), data.validation, data.test.len()), (8, None, 3));
        let note = "only the first 8 training images; only the first 3 test images; the folder's 2 validation images are not \
                    used (--select validation uses them)";
        assert_eq!(data.note.as_deref(), Some(note));
        config.protocol.select = Selection::Validation(0.25);
        let data = Data::of_masks(set(Some(masked(2))), &config).unwrap();
        assert_eq!((data.train.len(), data.selected_by), (8, Selection::ValidationSet));
        assert_eq!(data.validation, Some(Part::Masked(masked(2))));
        let data = Data::of_masks(set(None), &config).unwrap();
        assert_eq!((data.train.len(), data.selection().len()), (6, 2));
        assert_eq!(data.selected_by, Selection::Validation(0.25));
        config.protocol.select = Selection::ValidationSet;
        let message = Data::of_masks(set(None), &config).unwrap_err().to_string();
        assert!(message.starts_with("cells: it comes without a validation set"), "{message}");
    }

    #[test]
    fn a_text_is_limited_to_its_first_characters() {
        let mut config = Config::of_network("gpt").unwrap();
        (config.data.limit_train, config.data.limit_test) = (Some(700), Some(65));
        let data = Data::load(&config).unwrap();
        assert_eq!((data.classes.len(), data.train.len(), data.test.len()), (65, 10, 1));
        assert!(
            data.note
                .unwrap()
                .ends_with("only the first 700 training characters; only the first 65 test characters")
        );
        config.data.limit_test = Some(64);
        let message = Data::load(&config).unwrap_err().to_string();
        assert!(message.contains("the validation text has 64 characters"), "{message}");
    }
}
