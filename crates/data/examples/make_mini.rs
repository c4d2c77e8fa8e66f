//! Makes the embedded set from the publisher's files:
//!
//! ```text
//! cargo run --release -p adact-data --example make_mini -- FASHION_MNIST_FOLDER crates/data/embedded
//! ```
//!
//! It takes the first 6,000 training and the first 1,000 test images, in the publisher's order. The result is the same
//! for the publisher's files and for repacked ones (Debian's package `dataset-fashion-mnist`).

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use adact_data::idx::{self, Idx};
use flate2::{Compression, GzBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = &arguments[..] else {
        return Err("usage: make_mini FASHION_MNIST_FOLDER OUT_FOLDER".into());
    };
    for (part, count) in [("train", 6_000), ("t10k", 1_000)] {
        for (name, dimensions) in [("images-idx3", 3), ("labels-idx1", 1)] {
            let source = Path::new(from).join(format!("{part}-{name}-ubyte.gz"));
            let Idx { mut sizes, mut values } =
                idx::parse(&fs::read(&source)?, dimensions).map_err(|fault| fault.at(&source))?;
            values.truncate(values.len() / sizes[0] * count);
            sizes[0] = count;
            // No file name and no time in the header: the same images give the same bytes.
            let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
            gzip.write_all(&idx::write(&Idx { sizes, values }))?;
            let bytes = gzip.finish()?;
            let target = Path::new(to).join(format!("{part}-{name}-ubyte.gz"));
            println!("{}: {} bytes", target.display(), bytes.len());
            fs::write(target, bytes)?;
        }
    }
    Ok(())
}
