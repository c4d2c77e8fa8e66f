//! What a network says of images.

use adact_kernels::loss::argmax;
use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use crate::conv_net::{ConvNet, images_from_channels_last};
use crate::error::{Error, ErrorKind, Result};
use crate::ops;

/// What an evaluation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The sum of the images' losses.
    pub loss_sum: f64,
    /// How many images are right.
    pub correct: usize,
    /// The class of each image.
    pub predictions: Vec<usize>,
}

impl ConvNet {
    /// Evaluates pixels (batch, side, side, channels), normalised, against the class of each image: batch norm by its
    /// running statistics, RReLU by its mean.
    ///
    /// # Errors
    /// If the sizes don't fit or a label is no class.
    pub fn evaluate(&self, pixels: Vec<f32>, labels: &[i32]) -> Result<Evaluation> {
        let images = self.images(pixels, &Device::flex())?;
        self.check_labels(&images, labels)?;
        let logits = self.valid().forward(images);
        let values: Vec<f32> = logits.clone().into_data().iter::<f32>().collect();
        let (_, loss) = ops::cross_entropy_counted(logits, labels);
        Ok(Evaluation {
            loss_sum: loss.mean * labels.len() as f64,
            correct: loss.correct,
            predictions: values.chunks_exact(self.config().classes).map(argmax).collect(),
        })
    }

    /// The probability of each class for each image, of pixels as [`evaluate`](Self::evaluate) takes them.
    ///
    /// # Errors
    /// If the sizes don't fit.
    pub fn predict(&self, pixels: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        let images = self.images(pixels, &Device::flex())?;
        let probabilities = softmax(self.valid().forward(images), 1).into_data();
        let values: Vec<f32> = probabilities.iter::<f32>().collect();
        Ok(values.chunks_exact(self.config().classes).map(<[f32]>::to_vec).collect())
    }

    /// The images (batch, channels, side, side) of pixels whose channels lie last.
    pub(crate) fn images(&self, pixels: Vec<f32>, device: &Device) -> Result<Tensor<4>> {
        let (side, channels) = (self.config().side, self.config().channels);
        let size = side * side * channels;
        if pixels.is_empty() || !pixels.len().is_multiple_of(size) {
            let message = format!(
                "{} values are no images of {channels}x{side}x{side}, {size} values each",
                pixels.len()
            );
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        let batch = pixels.len() / size;
        Ok(images_from_channels_last(pixels, [batch, side, side, channels], device))
    }

    /// One label for each image, and a class of this network.
    pub(crate) fn check_labels(&self, images: &Tensor<4>, labels: &[i32]) -> Result<()> {
        let invalid = |message| Err(Error::new(ErrorKind::InvalidData, message));
        let (count, classes) = (images.dims()[0], self.config().classes);
        if labels.len() != count {
            return invalid(format!("there are {} labels for {count} images", labels.len()));
        }
        let is_class = |&label: &i32| usize::try_from(label).is_ok_and(|label| label < classes);
        match labels.iter().position(|label| !is_class(label)) {
            Some(at) => {
                invalid(format!("label {} of image {at} is none of the {classes} classes", labels[at]))
            }
            None => Ok(()),
        }
    }
}
