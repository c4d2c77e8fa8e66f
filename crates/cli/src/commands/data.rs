//! `adact data`.

use std::path::{Path, PathBuf};

use adact_data::{
    Entry, LoadOptions, Task, catalogue, data_dir, download, entry, load, load_segmentation, load_text,
    preview, task_of, verify,
};
use adact_evidence::table::thousands;
use adact_lab::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::args::{DataCommand, DataGetArgs, DataNameArgs, DataPreviewArgs};
use crate::{options, out, progress};

pub fn run(command: &DataCommand, json: bool) -> Result<()> {
    match command {
        DataCommand::List(args) => list(args.data_dir.as_deref(), json),
        DataCommand::Get(args) => get(args, json),
        DataCommand::Verify(args) => check(args, json),
        DataCommand::Preview(args) => picture(args, json),
    }
}

fn list(dir: Option<&Path>, json: bool) -> Result<()> {
    let dir = data_dir(dir)?;
    let here = |entry: &Entry| if entry.files.is_empty() { None } else { entry.locate(&dir).ok() };
    if json {
        return catalogue().iter().try_for_each(|entry| {
            let folder = here(entry);
            out::json(&json!({
                "name": entry.name, "task": entry.task.to_string(), "title": entry.title,
                "homepage": entry.homepage, "licence": entry.licence,
                "train": entry.train, "test": entry.test, "channels": entry.channels, "side": entry.side,
                "classes": entry.classes, "available": folder.is_some() || entry.files.is_empty(), "folder": folder,
            }))
        });
    }
    let rows: Vec<Vec<String>> = catalogue()
        .iter()
        .map(|entry| {
            let place = match here(entry) {
                Some(folder) => folder.display().to_string(),
                None if entry.files.is_empty() => "inside the program".into(),
                None => format!("not here: adact data get {}", entry.name),
            };
            vec![
                entry.name.into(),
                entry.task.to_string(),
                thousands(entry.train as u64),
                if entry.test == 0 { "split".into() } else { thousands(entry.test as u64) },
                match entry.task {
                    Task::Text => "characters".into(),
                    _ => format!("{0}x{0}x{1}", entry.side, entry.channels),
                },
                if entry.classes.is_empty() { "-".into() } else { entry.classes.len().to_string() },
                place,
                entry.licence.into(),
            ]
        })
        .collect();
    let head = ["name", "task", "training", "test", "samples", "classes", "where", "licence"];
    out::line(&out::columns(&head, &rows, &[2, 3, 5]))?;
    out::line(&format!(
        "\nData of your own serve as well, by their path (--dataset PATH, or folder:PATH):\n\
         \x20 images with classes  train/CLASS/ and test/CLASS/ (val/CLASS/ as well, or instead of test), or CLASS/ alone and a \
         split\n\
         \x20 images with masks    train/images/ and train/masks/ with PNGs of the same names, and test/ (val/) like it, or a \
         split\n\
         \x20 a text               a file in UTF-8, or a folder with input.txt; the last 10% is for validation\n\
         PNG, JPEG, WebP, GIF, BMP and TIFF are read.\n\
         Data folder: {} (--data-dir or ADACT_DATA name another).",
        dir.display()
    ))
}

fn get(args: &DataGetArgs, json: bool) -> Result<()> {
    let bar = ProgressBar::with_draw_target(None, progress::target());
    let drawn = !bar.is_hidden();
    if let Ok(style) = ProgressStyle::with_template(
        "{msg:32} {bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left",
    ) {
        bar.set_style(style);
    }
    let mut file = String::new();
    let folder =
        download::get(&args.name, args.dir.data_dir.as_deref(), args.url.as_deref(), &mut |progress| {
            if progress.file != file {
                file = progress.file.to_owned();
                bar.reset();
                bar.set_message(file.clone());
                if !drawn {
                    out::note(&format!("{file}: {} bytes", thousands(progress.total)));
                }
            }
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        });
    bar.finish_and_clear();
    let folder = folder?;
    if json {
        return out::json(&json!({"name": args.name, "folder": folder}));
    }
    out::line(&format!("{}: complete and checked, in {}", args.name, folder.display()))
}

fn check(args: &DataNameArgs, json: bool) -> Result<()> {
    let found = verify(&args.name, args.dir.data_dir.as_deref())?;
    if json {
        let files: Vec<_> = found
            .files
            .iter()
            .map(|(f, state)| json!({"name": f.name, "bytes": f.bytes, "sha256": f.sha256, "state": state.to_string()}))
            .collect();
        return out::json(&json!({
            "name": args.name, "folder": found.folder, "publishers": found.is_publishers(), "files": files,
            "train": found.train, "test": found.test, "note": found.note,
        }));
    }
    for (file, state) in &found.files {
        out::line(&format!(
            "{}: {}, {} bytes, SHA-256 {}",
            file.name,
            state,
            thousands(file.bytes),
            file.sha256
        ))?;
    }
    let (train, test) = (thousands(found.train as u64), thousands(found.test as u64));
    out::line(&format!(
        "{}: {train} training and {test} {}",
        args.name,
        match entry(&args.name)?.task {
            Task::Text => "validation characters, all of them readable",
            Task::Segmentation => "test images with masks, all of them readable",
            Task::Classification => "test images, all of them readable",
        }
    ))?;
    found.note.as_deref().map_or(Ok(()), |note| out::line(&format!("note: {note}")))
}

fn picture(args: &DataPreviewArgs, json: bool) -> Result<()> {
    let (name, dir) = (args.name.as_str(), args.dir.data_dir.as_deref());
    let (png, remarks) = match task_of(name) {
        Task::Classification => {
            let data = load(name, dir, &LoadOptions::default())?;
            (preview::images(&data, args.columns)?, data.remarks)
        }
        Task::Text => {
            let text = load_text(name, dir)?;
            (preview::text(&text)?, text.remarks)
        }
        Task::Segmentation => {
            let set = load_segmentation(name, dir, &LoadOptions::segmentation())?;
            (preview::masks(&set, args.columns)?, set.remarks)
        }
    };
    let short = options::short_name(name);
    remarks.iter().for_each(|remark| out::note(&format!("{short}: {remark}")));
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{short}.png")));
    preview::write(&png, &path)?;
    if json {
        out::json(&json!({"picture": path}))
    } else {
        out::line(&format!("picture: {}", path.display()))
    }
}
