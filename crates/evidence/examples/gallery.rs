//! Draws every figure of a study into a folder: `cargo run --example gallery -- STUDY FOLDER`.
//! Without a study it draws synthetic ones.

#[path = "../tests/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};

use adact_evidence::records::Study;
use adact_evidence::{Result, atomic, figures, report};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    match (arguments.next(), arguments.next()) {
        (Some(study), Some(folder)) => draw(&Study::read(&study)?, &folder),
        (Some(folder), None) => {
            draw(&common::study("fmnist", &common::THREE, 1), &folder.join("one-seed"))?;
            draw(&common::study("fmnist", &common::SIX, 5), &folder.join("five-seeds"))?;
            draw(&common::study("cifar10", &common::THREE, 8), &folder.join("eight-seeds"))?;
            let several = ["fmnist", "cifar10", "svhn"].map(|d| common::study(d, &common::THREE, 8));
            atomic::write(&folder.join("several.html"), report(&several).as_bytes())
        }
        _ => {
            eprintln!("gallery: give [STUDY] FOLDER");
            Ok(())
        }
    }
}

fn draw(study: &Study, folder: &Path) -> Result<()> {
    if let Err(e) = std::fs::create_dir_all(folder) {
        eprintln!("gallery: {}: {e}", folder.display());
    }
    atomic::write(&folder.join("report.html"), report(std::slice::from_ref(study)).as_bytes())?;
    for figure in figures::all(study) {
        figure.write(folder)?;
        println!("{}", folder.join(figure.name).display());
    }
    Ok(())
}
