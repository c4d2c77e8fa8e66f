//! One picture: from the bytes of a file to pixels of the size and the channels that a network takes.

use std::io::Cursor;
use std::path::Path;

use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::jpeg;
use crate::error::{Fault, Result};
use crate::{sniff, source};

/// The formats that are read, for messages.
pub(crate) const FORMATS: &str = "PNG, JPEG, WebP, GIF, BMP or TIFF";

/// The most bytes that one picture may have before it is resized: 89 million pixels in colour.
const MAX_DECODED: u64 = 256 << 20;

/// Reads one picture file as `side` x `side` x `channels` pixels (1: grey, 3: colour); see [`decode`].
///
/// # Errors
/// If the file can't be read or is no such picture.
pub fn read_image(path: &Path, side: usize, channels: usize) -> Result<Vec<u8>> {
    decode(&source::read(path)?, side, channels).map_err(|fault| fault.at(path))
}

/// Decodes a picture to `side` x `side` x `channels` pixels (1: grey, 3: colour), channels last.
///
/// PNG, JPEG, WebP, GIF, BMP and TIFF are told apart by their content; of several frames or pages the first is taken.
/// The picture is turned upright as its EXIF data says, put on white where it is transparent, and stretched to the
/// square.
///
/// # Errors
/// If the bytes are another format (the message says which, where it is known), broken or cut off, or the picture has
/// more than 16,384 pixels a side or more than 256 MiB.
pub fn decode(bytes: &[u8], side: usize, channels: usize) -> Result<Vec<u8>, Fault> {
    Picture::open(bytes)?.pixels(side, channels)
}

/// A picture whose header was read.
pub(crate) struct Picture<'a> {
    decoder: Box<dyn ImageDecoder + 'a>,
}

impl<'a> Picture<'a> {
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, Fault> {
        let format = format(bytes)
            .ok_or_else(|| Fault::unsupported(format!("not a {FORMATS} picture{}", sniff::instead(bytes))))?;
        if format == ImageFormat::Jpeg && !jpeg::is_whole(bytes) {
            return Err(Fault::corrupt("the image is cut off: it lacks the end of a JPEG"));
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(1 << 14);
        limits.max_image_height = Some(1 << 14);
        limits.max_alloc = Some(MAX_DECODED);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits);
        let decoder = reader.into_decoder().map_err(|e| broken(&e))?;
        if decoder.total_bytes() > MAX_DECODED {
            let (width, height) = decoder.dimensions();
            return Err(Fault::unsupported(format!("{width}x{height} pixels are too many")));
        }
        Ok(Self { decoder: Box::new(decoder) })
    }

    /// About the most bytes that [`pixels`](Self::pixels) needs at once: what is decoded, twice that for the decoder (a
    /// progressive JPEG's coefficients; afterwards the conversion needs less), and the rows that resizing keeps as floats.
    pub(crate) fn cost(&self, side: usize) -> u64 {
        3 * self.decoder.total_bytes() + 16 * u64::from(self.decoder.dimensions().0) * side as u64
    }

    pub(crate) fn pixels(self, side: usize, channels: usize) -> Result<Vec<u8>, Fault> {
        resized(self.upright()?, side, channels)
    }

    /// The picture as it is, turned upright.
    pub(crate) fn upright(mut self) -> Result<DynamicImage, Fault> {
        let orientation = self.decoder.orientation().map_err(|e| broken(&e))?;
        let mut image = DynamicImage::from_decoder(self.decoder).map_err(|e| broken(&e))?;
        image.apply_orientation(orientation);
        Ok(image)
    }
}

/// A picture as `side` x `side` x `channels` pixels: see [`decode`].
pub(crate) fn resized(image: DynamicImage, side: usize, channels: usize) -> Result<Vec<u8>, Fault> {
    let image = on_white(image);
    let image = match channels {
        1 => DynamicImage::ImageLuma8(image.into_luma8()),
        3 => DynamicImage::ImageRgb8(image.into_rgb8()),
        other => return Err(Fault::unsupported(format!("an image has 1 or 3 channels, not {other}"))),
    };
    let side = side as u32;
    let fits = (image.width(), image.height()) == (side, side);
    // Averaging over the area (a triangle) does not alias, and does not overshoot as sharper filters do.
    let image = if fits { image } else { image.resize_exact(side, side, FilterType::Triangle) };
    Ok(image.into_bytes())
}

/// The format of a picture that is read.
pub(super) fn format(bytes: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    match image::guess_format(bytes).ok()? {
        // A text may begin with the letters BM, but does not go on with the size of a header.
        Bmp => {
            matches!(bytes.get(14..18), Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0])).then_some(Bmp)
        }
        format => matches!(format, Png | Jpeg | WebP | Gif | Tiff).then_some(format),
    }
}

fn broken(error: &image::ImageError) -> Fault {
    Fault::corrupt(format!("the image does not decode ({error})"))
}

/// The image as it looks on white paper: a transparent logo's hidden colour is mostly black, as may be its ink.
fn on_white(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image;
    }
    let image = image.into_rgba8();
    DynamicImage::ImageRgb8(RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0.map(u16::from);
        Rgb([red, green, blue].map(|ink| ((ink * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    }))
}
