//! What trained networks say of image files: classes, and masks.

use std::fs;
use std::path::{Path, PathBuf};

use adact_data::Images;
use adact_data::folder::read_image;
use adact_evidence::records::Picture;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::model::{Hints, Model};

/// What answers to images: a network, or an ONNX file that is run.
pub trait ImageModel {
    /// Channels and side of its images.
    fn image(&self) -> [usize; 2];
    /// The names of its classes.
    fn classes(&self) -> &[String];
    /// Whether each pixel has a class, and not each image.
    fn segments(&self) -> bool;
    /// The probability of each class for a normalised image (height, width, channels): a row, or one for each pixel.
    ///
    /// # Errors
    /// If it can't be run.
    fn probabilities(&self, image: Vec<f32>) -> Result<Vec<Vec<f32>>>;
}

/// What a network says of an image.
#[derive(Clone, Debug, Serialize)]
pub struct Prediction {
    /// The image's file.
    pub image: String,
    /// The most likely class.
    pub class: String,
    /// Every class with its probability, the most likely first.
    pub probabilities: Vec<(String, f32)>,
}

/// The classes that a network gives to the pixels of an image.
#[derive(Clone, Debug, Serialize)]
pub struct MaskPrediction {
    /// The image's file.
    pub image: String,
    /// The file of the mask that was written.
    pub mask: String,
    /// The share of each class.
    pub shares: Vec<(String, f64)>,
}

/// Opens what answers to images: weights as [`Model::open`] does, or a file of `adact export` where the feature `onnx` is on.
///
/// # Errors
/// As [`Model::open`]; if it is a language model; or for an ONNX file that can't be run.
pub fn open(path: &Path, hints: &Hints) -> Result<Box<dyn ImageModel>> {
    if is_onnx(path) {
        return onnx(path);
    }
    Ok(Box::new(Model::open(path, hints)?.of_images()?))
}

/// Whether a file is ONNX's, by its name.
pub(crate) fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx")) && !path.is_dir()
}

/// The class of each image file, and how sure the network is.
///
/// # Errors
/// If a file is no image that can be read, or the network fails.
pub fn classes(model: &dyn ImageModel, files: &[PathBuf]) -> Result<Vec<Prediction>> {
    let predict = |file: &PathBuf| {
        let shares = model.probabilities(read(model, file)?)?.remove(0);
        let mut probabilities: Vec<_> = model.classes().iter().cloned().zip(shares).collect();
        probabilities.sort_by(|a, b| b.1.total_cmp(&a.1));
        Ok(Prediction {
            image: file.display().to_string(),
            class: probabilities.first().map_or_else(String::new, |(class, _)| class.clone()),
            probabilities,
        })
    };
    files.iter().map(predict).collect()
}

/// The class of each pixel of image files, as pictures in a folder: `NAME-mask.png`, of the network's own side.
///
/// # Errors
/// If a file is no image that can be read, two have the same name, a mask would be one of the images (nothing is written then),
/// or the folder can't be written to.
pub fn masks(model: &dyn ImageModel, files: &[PathBuf], folder: &Path) -> Result<Vec<MaskPrediction>> {
    let side = u32::try_from(model.image()[1]).unwrap_or(u32::MAX);
    let masks = names(files, folder)?;
    // All are read and answered before anything is written.
    let answer = |file: &PathBuf| {
        let found = model.probabilities(read(model, file)?)?;
        let best = |row: &Vec<f32>| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
        Ok(found.iter().map(|row| best(row) as u8).collect())
    };
    let answers = files.iter().map(answer).collect::<Result<Vec<Vec<u8>>>>()?;
    fs::create_dir_all(folder).map_err(|e| Error::io("create the folder", folder, &e).as_input())?;
    let write = |((file, to), mask): ((&PathBuf, &PathBuf), &Vec<u8>)| {
        Picture::of_classes(side, side, mask)?.write(to)?;
        let share = |class: usize| {
            mask.iter().filter(|&&c| usize::from(c) == class).count() as f64 / mask.len() as f64
        };
        Ok(MaskPrediction {
            image: file.display().to_string(),
            mask: to.display().to_string(),
            shares: model.classes().iter().enumerate().map(|(i, name)| (name.clone(), share(i))).collect(),
        })
    };
    files.iter().zip(&masks).zip(&answers).map(write).collect()
}

/// The masks' files: each of its own, and none of them an image.
fn names(files: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    let name = |file: &PathBuf| {
        let stem =
            file.file_stem().map_or_else(|| "image".into(), |stem| stem.to_string_lossy().into_owned());
        folder.join(format!("{stem}-mask.png"))
    };
    let masks: Vec<PathBuf> = files.iter().map(name).collect();
    for (i, mask) in masks.iter().enumerate() {
        let (file, to) = (files[i].display(), mask.display());
        if let Some(twin) = masks[..i].iter().position(|other| other == mask) {
            return Err(Error::input(format!(
                "{file}: its mask would be {to}, as that of {}: give them a call each, with another --out",
                files[twin].display()
            )));
        }
        if files.contains(mask) {
            return Err(Error::input(format!(
                "{to}: is an image, and the mask of {file} too: choose another --out"
            )));
        }
    }
    Ok(masks)
}

/// An image file as the network takes it: of its channels and side, normalised.
fn read(model: &dyn ImageModel, file: &Path) -> Result<Vec<f32>> {
    let [channels, side] = model.image();
    let pixels = read_image(file, side, channels)?;
    let images = Images { channels, height: side, width: side, pixels, labels: vec![0] };
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    images.batch(&[0], &mut pixels, &mut labels);
    Ok(pixels)
}

#[cfg(not(feature = "onnx"))]
fn onnx(path: &Path) -> Result<Box<dyn ImageModel>> {
    Err(Error::input(format!(
        "{}: ONNX files need an adact with the feature `onnx`: cargo install --path crates/cli --features onnx",
        path.display()
    )))
}

#[cfg(feature = "onnx")]
fn onnx(path: &Path) -> Result<Box<dyn ImageModel>> {
    let bytes = fs::read(path).map_err(|e| Error::io("read it", path, &e).as_input())?;
    let session = adact_onnx::run::Session::read(&bytes)
        .map_err(|e| Error::input(format!("{}: {e}", path.display())))?;
    let classes = session.classes().iter().map(|name| crate::model::printable(name)).collect();
    Ok(Box::new(OnnxFile { path: path.into(), classes, session }))
}

/// An ONNX file that is run.
#[cfg(feature = "onnx")]
struct OnnxFile {
    path: PathBuf,
    classes: Vec<String>,
    session: adact_onnx::run::Session,
}

#[cfg(feature = "onnx")]
impl ImageModel for OnnxFile {
    fn image(&self) -> [usize; 2] {
        self.session.image()
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn segments(&self) -> bool {
        self.session.segments()
    }

    fn probabilities(&self, image: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        let logits = self.session.logits(&image);
        let logits = logits.map_err(|e| Error::failure(format!("{}: {e}", self.path.display())))?;
        let softmax = |row: &[f32]| adact_kernels::softmax(row).into_iter().map(|p| p as f32).collect();
        Ok(logits.chunks_exact(self.classes.len()).map(softmax).collect())
    }
}
