//! Makes the embedded set to segment from the folder that embedded/NOTICE-nuclei describes:
//!
//! ```text
//! cargo run --release -p adact-data --example make_nuclei_mini -- NUCLEI_FOLDER crates/data/embedded/nuclei-mini.tar.gz
//! ```
//!
//! It takes the first 48 training and the first 16 test images in the order of their names, as the program reads them.

use std::error::Error;
use std::fs;
use std::io::{Cursor, Write};

use adact_data::{LoadOptions, Masked, load_segmentation};
use flate2::{Compression, GzBuilder};
use image::ImageFormat::Png;
use image::{DynamicImage, GrayImage, RgbImage};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &arguments[..] else {
        return Err("usage: make_nuclei_mini NUCLEI_FOLDER OUT_FILE".into());
    };
    let set = load_segmentation(from, None, &LoadOptions::segmentation())?;
    let mut archive = tar::Builder::new(Vec::new());
    for (name, part, count) in [("train", &set.train, 48), ("test", &set.test, 16)] {
        for i in 0..count.min(part.len()) {
            append(&mut archive, &format!("{name}/images/{i:02}.png"), &image(part, i)?)?;
            append(&mut archive, &format!("{name}/masks/{i:02}.png"), &mask(part, i)?)?;
        }
    }
    // No file name and no time in the header: the same images give the same bytes.
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(&archive.into_inner()?)?;
    let bytes = gzip.finish()?;
    println!("{to}: {} bytes", bytes.len());
    Ok(fs::write(to, bytes)?)
}

/// An image as PNG, without colours where it has none.
fn image(part: &Masked, i: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let (width, height) = (part.width as u32, part.height as u32);
    let colours = RgbImage::from_raw(width, height, part.image(i).to_vec()).ok_or("not a colour image")?;
    let grey = colours.pixels().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    let colours = DynamicImage::from(colours);
    png(if grey { colours.into_luma8().into() } else { colours })
}

/// A mask as PNG: 0 is the background, 255 a nucleus.
fn mask(part: &Masked, i: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let values = part.mask(i).iter().map(|&class| class * 255).collect();
    png(GrayImage::from_raw(part.width as u32, part.height as u32, values).ok_or("not a mask")?.into())
}

fn png(image: DynamicImage) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, Png)?;
    Ok(bytes.into_inner())
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append_data(&mut header, name, bytes)
}
