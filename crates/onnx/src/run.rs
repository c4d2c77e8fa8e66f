//! Runs the networks of images that [`export`](crate::export) wrote, by `tract`: what a file says elsewhere can be asked here.

use std::fmt;
use std::sync::Arc;

use prost::Message;
use tract_onnx::prelude::{
    DatumType, Framework, InferenceFact, InferenceModelExt, IntoRunnable, Tensor, TractResult,
    TypedRunnableModel, tvec,
};

use crate::NORMALISATION;
use crate::proto::{ModelProto, Size};

/// A network of images from an ONNX file, ready to run.
#[derive(Debug)]
pub struct Session {
    graph: Arc<TypedRunnableModel>,
    image: [usize; 2],
    classes: Vec<String>,
    segments: bool,
}

/// Why a file can't be run: a part of a sentence that begins with the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl Session {
    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// If they are no ONNX file, one that [`export`](crate::export) didn't write, a language model's, or need what `tract` hasn't.
    ///
    /// ```
    /// use adact::{ConvNetConfig, NetworkConfig, networks::AnyConfig};
    /// use adact_onnx::{Options, export, run::Session};
    /// let config: AnyConfig = ConvNetConfig::new(1, 16, 3).into();
    /// let net = config.init(&burn::tensor::Device::flex())?;
    /// let session = Session::read(&export(&net, &Options::default()))?;
    /// assert_eq!((session.image(), session.classes().len()), ([1, 16], 3));
    /// assert_eq!(session.logits(&[0.5; 256])?.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let model = ModelProto::decode(bytes).map_err(|e| Error(format!("is no ONNX file: {e}")))?;
        let said =
            |key: &str| model.metadata_props.iter().find(|entry| entry.key == key).map(|e| e.value.as_str());
        if said("network").is_none() {
            return Err(Error("is not of `adact export`: it doesn't say how pixels are normalised".into()));
        }
        match said("normalisation") {
            Some(NORMALISATION) => {}
            Some(other) => {
                return Err(Error(format!("normalises pixels as {other}, which is not known here")));
            }
            None => return Err(Error("is a language model: `adact sample` runs its weights".into())),
        }
        let graph = model.graph.as_ref();
        let sizes = |values: Option<&crate::proto::ValueInfoProto>| {
            let shape = values?.kind.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
            let size = |dim: &crate::proto::Dimension| match dim.size {
                Some(Size::Value(size)) => usize::try_from(size).ok(),
                _ => None,
            };
            Some(shape.dim.iter().map(size).collect::<Vec<_>>())
        };
        let input = sizes(graph.and_then(|graph| graph.input.first())).unwrap_or_default();
        let output = sizes(graph.and_then(|graph| graph.output.first())).unwrap_or_default();
        let (&[_, Some(channels), Some(side), Some(width)], &[_, Some(classes), ref pixels @ ..]) =
            (&input[..], &output[..])
        else {
            return Err(Error("takes no images, or answers with no classes".into()));
        };
        if classes == 0 || channels == 0 || side == 0 {
            return Err(Error("takes empty images, or has no classes".into()));
        }
        if side != width {
            return Err(Error(format!("takes images of {side} x {width}, which are not square")));
        }
        let names = said("classes").and_then(|names| serde_json::from_str::<Vec<String>>(names).ok());
        let names = names.filter(|names| names.len() == classes);
        let graph = optimised(bytes, [1, channels, side, side])
            .map_err(|e| Error(format!("can't be run: {}", one_line(&e))))?;
        Ok(Self {
            graph,
            image: [channels, side],
            classes: names.unwrap_or_else(|| (0..classes).map(|class| class.to_string()).collect()),
            segments: !pixels.is_empty(),
        })
    }

    /// Channels and side of its images.
    pub fn image(&self) -> [usize; 2] {
        self.image
    }

    /// The names of its classes, or their numbers where the file has none.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Whether each pixel has a class, and not each image.
    pub fn segments(&self) -> bool {
        self.segments
    }

    /// The logits of a normalised image (height, width, channels), as [`adact::Inputs`] has it: a row of classes, or one for each
    /// pixel.
    ///
    /// # Errors
    /// If there are more or fewer pixels, or the graph fails.
    pub fn logits(&self, image: &[f32]) -> Result<Vec<f32>, Error> {
        let [channels, side] = self.image;
        let pixels = side * side;
        if image.len() != channels * pixels {
            let len = image.len();
            return Err(Error(format!("takes images of {channels}x{side}x{side}, not {len} values")));
        }
        let image = transposed(image, channels);
        let run = || {
            let image = Tensor::from_shape(&[1, channels, side, side], &image)?;
            let outputs = self.graph.run(tvec!(image.into()))?;
            TractResult::Ok(outputs[0].to_plain_array_view::<f32>()?.iter().copied().collect::<Vec<f32>>())
        };
        let logits = run().map_err(|e| Error(format!("failed: {}", one_line(&e))))?;
        Ok(if self.segments { transposed(&logits, pixels) } else { logits })
    }
}

/// Rows of `columns` numbers as columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    (0..values.len()).map(|i| values[i % rows * columns + i / rows]).collect()
}

fn one_line(error: &impl fmt::Display) -> String {
    error.to_string().replace('\n', " ")
}

/// The graph for an input of this shape.
fn optimised(mut bytes: &[u8], shape: [usize; 4]) -> TractResult<Arc<TypedRunnableModel>> {
    let graph = tract_onnx::onnx().model_for_read(&mut bytes)?;
    graph
        .with_input_fact(0, InferenceFact::dt_shape(DatumType::F32, shape))?
        .into_optimized()?
        .into_runnable()
}
