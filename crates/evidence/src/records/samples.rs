//! What a trained network makes: a text that it wrote, pictures that it divided into classes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::paint::{OKABE_ITO, PAPER};
use crate::{Error, ErrorKind, Result};

/// Samples of what the kept weights make of the test data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Samples {
    /// A text that a language model wrote.
    Text(TextSample),
    /// Test pictures that a network divided into classes, [`Samples::MOST_PICTURES`] at most.
    Pictures(Vec<PictureSample>),
}

/// A text that a language model wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSample {
    /// What it was given to go on from.
    pub prompt: String,
    /// What it wrote, some hundred characters.
    pub text: String,
}

/// A test picture, what is in it, and what the network says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureSample {
    /// The picture.
    pub image: Picture,
    /// The true class of each pixel.
    pub truth: Picture,
    /// The class that the network gives each pixel.
    pub answer: Picture,
}

/// A small picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The picture as a PNG file, in base64.
    pub png: String,
}

impl Samples {
    /// A run's record holds no more pictures than these.
    pub const MOST_PICTURES: usize = 4;
    /// Nor a text longer than this, in bytes.
    pub const LONGEST_TEXT: usize = 16 << 10;

    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Text(sample) if sample.prompt.len() + sample.text.len() > Self::LONGEST_TEXT => {
                Err(format!("text: it is longer than {} bytes", Self::LONGEST_TEXT))
            }
            Self::Text(_) => Ok(()),
            Self::Pictures(pictures) if pictures.len() > Self::MOST_PICTURES => {
                Err(format!("pictures: there are {}, more than {}", pictures.len(), Self::MOST_PICTURES))
            }
            Self::Pictures(pictures) => {
                let parts = |p: &PictureSample| [&p.image, &p.truth, &p.answer].map(Clone::clone);
                let mut all = pictures.iter().flat_map(parts).enumerate();
                all.try_for_each(|(i, picture)| {
                    picture.check().map_err(|e| format!("pictures[{}]: {e}", i / 3))
                })
            }
        }
    }
}

impl Picture {
    /// The longest side.
    pub const LONGEST_SIDE: u32 = 256;

    /// A picture of `width * height` pixels, row by row; three bytes each, red, green and blue.
    ///
    /// # Errors
    /// Another number of bytes, or a side of 0 or beyond [`Picture::LONGEST_SIDE`].
    pub fn rgb(width: u32, height: u32, pixels: &[u8]) -> Result<Self> {
        Self::encoded(width, height, pixels, png::ColorType::Rgb, None)
    }

    /// A grey picture of `width * height` pixels, row by row.
    ///
    /// # Errors
    /// As [`rgb`](Self::rgb).
    pub fn grey(width: u32, height: u32, pixels: &[u8]) -> Result<Self> {
        Self::encoded(width, height, pixels, png::ColorType::Grayscale, None)
    }

    /// A picture of classes: one number a pixel, row by row, each class in a colour of its own (the first is white).
    ///
    /// # Errors
    /// As [`rgb`](Self::rgb).
    pub fn of_classes(width: u32, height: u32, classes: &[u8]) -> Result<Self> {
        let colours: Vec<u8> = (0..=u8::MAX).flat_map(class_colour).collect();
        let used = 3 * (1 + usize::from(classes.iter().copied().max().unwrap_or(0)));
        Self::encoded(width, height, classes, png::ColorType::Indexed, Some(&colours[..used]))
    }

    fn encoded(
        width: u32,
        height: u32,
        pixels: &[u8],
        colour: png::ColorType,
        palette: Option<&[u8]>,
    ) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorKind::Invalid, message);
        check_sides(width, height).map_err(invalid)?;
        let bytes = width as usize * height as usize * colour.samples();
        if pixels.len() != bytes {
            let message = format!(
                "a picture of {width} x {height} pixels takes {bytes} bytes, but there are {}",
                pixels.len()
            );
            return Err(invalid(message));
        }
        let failed = |e: png::EncodingError| {
            Error::new(ErrorKind::Render, format!("cannot make a picture of a sample: {e}")).caused_by(e)
        };
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        if let Some(palette) = palette {
            encoder.set_palette(palette.to_vec());
        }
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(Self { width, height, png: STANDARD.encode(file) })
    }

    /// Writes the PNG file, whole or not at all.
    ///
    /// # Errors
    /// If the disk refuses, or the picture is none.
    pub fn write(&self, path: &std::path::Path) -> Result<()> {
        let file = self.file().map_err(|e| Error::new(ErrorKind::Invalid, e))?;
        crate::atomic::write(path, &file)
    }

    /// The PNG file.
    fn file(&self) -> Result<Vec<u8>, String> {
        STANDARD.decode(&self.png).map_err(|e| format!("png: {e}"))
    }

    fn check(&self) -> Result<(), String> {
        check_sides(self.width, self.height)?;
        // A page holds it as it is: it must be a PNG file, and of that size.
        let file = std::io::Cursor::new(self.file()?);
        let reader = png::Decoder::new(file).read_info().map_err(|e| format!("png: {e}"))?;
        if reader.info().size() == (self.width, self.height) {
            Ok(())
        } else {
            let (width, height) = reader.info().size();
            Err(format!("png: it has {width} x {height} pixels instead of {} x {}", self.width, self.height))
        }
    }
}

fn check_sides(width: u32, height: u32) -> Result<(), String> {
    let most = Picture::LONGEST_SIDE;
    if [width, height].into_iter().all(|side| (1..=most).contains(&side)) {
        Ok(())
    } else {
        Err(format!("a picture of {width} x {height} pixels: each side takes 1 to {most}"))
    }
}

/// The colour of a class, the same in every picture: white, black, then those of the figures in turn.
pub(crate) fn class_colour(class: u8) -> [u8; 3] {
    let paint = match class {
        0 => PAPER,
        class => OKABE_ITO[(usize::from(class) - 1) % OKABE_ITO.len()],
    };
    let part = |at: usize| u8::from_str_radix(&paint.colour[at..at + 2], 16).unwrap_or(0);
    [part(1), part(3), part(5)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_from_its_file() {
        let classes = [0u8, 1, 2, 1, 0, 2];
        let picture = Picture::of_classes(3, 2, &classes).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(picture.file().unwrap()));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let expected: Vec<u8> = classes.iter().flat_map(|c| class_colour(*c)).collect();
        assert_eq!(pixels, expected);
        assert_eq!(picture.check(), Ok(()));
        assert_eq!(class_colour(0), [255, 255, 255]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let whole = Picture::grey(2, 2, &[0, 50, 100, 255]).unwrap();
        let cases = [
            (Picture { width: 3, ..whole.clone() }, "it has 2 x 2 pixels instead of 3 x 2"),
            (Picture { width: 0, ..whole.clone() }, "each side takes 1 to 256"),
            (Picture { png: "<script>".into(), ..whole.clone() }, "png: Invalid symbol"),
            (Picture { png: STANDARD.encode("GIF89a"), ..whole.clone() }, "png: "),
        ];
        for (picture, message) in cases {
            let error = picture.check().unwrap_err();
            assert!(error.contains(message), "{error}");
        }
        let error = Picture::rgb(2, 2, &[0; 4]).unwrap_err().to_string();
        assert_eq!(error, "a picture of 2 x 2 pixels takes 12 bytes, but there are 4");
        let many = vec![PictureSample { image: whole.clone(), truth: whole.clone(), answer: whole }; 5];
        assert_eq!(Samples::Pictures(many).check().unwrap_err(), "pictures: there are 5, more than 4");
    }
}
