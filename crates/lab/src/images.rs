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
    /// Images held out of the training set, where the configuration asks for them.
    pub validation: Option<Images>,
    /// The images to judge by.
    pub test: Images,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of the results must know about the images.
    pub note: Option<String>,
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
        let Dataset { name, classes, mut train, mut test, files, note } = set;
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
            if let Some(n) = limit.filter(|&n| n < images.len()) {
                images.take(n);
                notes.push(format!("only the first {n} {part} images"));
            }
        }
        let mut validation = None;
        if let Selection::Validation(fraction) = config.protocol.select {
            let (rest, part) = split::stratified(&train.labels, fraction, config.data.split_seed);
            if rest.is_empty() || part.is_empty() {
                return Err(Error::input(format!(
                    "{name}: a fraction of {fraction} of {} training images leaves no image to one of the two parts",
                    train.len()
                )));
            }
            validation = Some(train.select(&part));
            train = train.select(&rest);
        }
        for (images, part) in [(&train, "training"), (&test, "test")] {
            if images.is_empty() {
                return Err(Error::input(format!("{name}: there are no {part} images")));
            }
        }
        let note = if notes.is_empty() { None } else { Some(notes.join("; ")) };
        Ok(Self { name, classes, train, validation, test, files, note })
    }

    /// The images by which the best epoch is picked.
    pub fn selection(&self) -> &Images {
        self.validation.as_ref().unwrap_or(&self.test)
    }
}
