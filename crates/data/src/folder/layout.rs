//! Where in a folder the classes lie: in it, in its `train` and `test`, or deeper.

use std::path::{Path, PathBuf};

use super::decode::FORMATS;
use super::files::{Listing, Others};
use super::first;
use crate::error::{Error, Kind, Result};
use crate::thousands;

/// Names that say what a folder of classes is for, in lower case.
pub(crate) const TRAIN: &[&str] = &["train", "training"];
pub(crate) const TEST: &[&str] = &["test", "testing"];
pub(crate) const VALIDATION: &[&str] = &["val", "valid", "validation"];

/// Folders that hold one folder and no picture are walked through, this many at most.
const DEPTH: usize = 8;

/// What was found.
#[derive(Debug)]
pub(super) struct Layout {
    /// The names of the classes, sorted.
    pub(super) classes: Vec<String>,
    pub(super) train: Part,
    /// None where the images have to be split.
    pub(super) test: Option<Part>,
    pub(super) validation: Option<Part>,
    /// What a user must know: how the folder was understood, and what was passed over.
    pub(super) remarks: Vec<String>,
}

/// The pictures of a part, such as those to train on.
#[derive(Debug)]
pub(super) struct Part {
    /// What stands before a picture's name in messages and in the record of the files: `train/`, or nothing.
    pub(super) prefix: String,
    /// The folder with the folders of the classes.
    pub(super) dir: PathBuf,
    /// The names of the pictures of each class.
    pub(super) pictures: Vec<Vec<String>>,
}

/// Finds the classes below `root`, and the names of their pictures.
pub(super) fn find(root: &Path) -> Result<Layout> {
    let (top, listing) = descend(root)?;
    let mut skipped = Skipped::default();
    let mut remarks = Vec::new();
    if top != root {
        let inside = top.strip_prefix(root).unwrap_or(&top);
        remarks.push(format!("the images lie deeper, in {}", inside.display()));
    }
    let role = |names: &[&str]| role(&top, &listing.folders, names);
    let mut layout = match (role(TRAIN)?, role(TEST)?, role(VALIDATION)?) {
        (Some(train), test, validation) if test.is_some() || validation.is_some() => {
            let used = [Some(train), test, validation];
            let beside: Vec<_> = listing.folders.iter().filter(|&name| !used.contains(&Some(name))).collect();
            if !beside.is_empty() {
                remarks.push(format!("passed over beside {train}: {}", first(10, &beside)));
            }
            skipped.beside(&listing);
            parts(&top, train, test, validation, &mut skipped)?
        }
        // A class may well be called train.
        _ => {
            let (classes, train) = training(String::new(), top, listing, &mut skipped)?;
            Layout { classes, train, test: None, validation: None, remarks: Vec::new() }
        }
    };
    layout.remarks.splice(0..0, remarks);
    layout.remarks.extend(skipped.in_words());
    Ok(layout)
}

/// The classes in the folder `train`, and the parts, of which there are two or three.
fn parts(
    top: &Path,
    train: &str,
    test: Option<&String>,
    validation: Option<&String>,
    skipped: &mut Skipped,
) -> Result<Layout> {
    let (dir, listing) = descend(&top.join(train))?;
    let (classes, train) = training(format!("{train}/"), dir, listing, skipped)?;
    let mut part = |name: &String| {
        let (dir, listing) = descend(&top.join(name))?;
        check_classes(&dir, &listing, &classes)?;
        skipped.beside(&listing);
        Part::find(format!("{name}/"), dir, &classes, skipped)
    };
    let mut remarks = Vec::new();
    let (test, validation) = match (test, validation) {
        (None, Some(only)) => {
            remarks.push(format!("there is no test folder: {only} is the test set"));
            (Some(only), None)
        }
        both => both,
    };
    let (test, validation) = (test.map(&mut part).transpose()?, validation.map(&mut part).transpose()?);
    Ok(Layout { classes, train, test, validation, remarks })
}

/// The classes that a training set has, and its pictures.
fn training(
    prefix: String,
    dir: PathBuf,
    listing: Listing,
    skipped: &mut Skipped,
) -> Result<(Vec<String>, Part)> {
    skipped.beside(&listing);
    let classes = class_names(&dir, listing)?;
    let part = Part::find(prefix, dir, &classes, skipped)?;
    part.check(&classes)?;
    Ok((classes, part))
}

/// The folder, or the one that it is a mere wrapping of, as archives unpack to `name/name`.
fn descend(dir: &Path) -> Result<(PathBuf, Listing)> {
    let mut dir = dir.to_owned();
    let mut listing = Listing::of(&dir)?;
    for _ in 0..DEPTH {
        let [only] = &listing.folders[..] else { break };
        let inner_dir = dir.join(only);
        let inner = Listing::of(&inner_dir)?;
        if !listing.pictures.is_empty() || !inner.pictures.is_empty() || inner.folders.is_empty() {
            break;
        }
        (dir, listing) = (inner_dir, inner);
    }
    Ok((dir, listing))
}

/// The one folder of those whose name is one of `names`, in any case.
pub(crate) fn role<'a>(dir: &Path, folders: &'a [String], names: &[&str]) -> Result<Option<&'a String>> {
    let found: Vec<&String> =
        folders.iter().filter(|folder| names.contains(&folder.to_lowercase().as_str())).collect();
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [one, other, ..] => Err(Error::new(
            Kind::Unsupported,
            format!("{}: {one} and {other} mean the same: remove or rename one of them", dir.display()),
        )),
    }
}

/// The folders of a training set as names of classes.
fn class_names(dir: &Path, listing: Listing) -> Result<Vec<String>> {
    let (count, pictures) = (listing.folders.len(), listing.pictures.len());
    if (2..=256).contains(&count) {
        return Ok(listing.folders);
    }
    let found = match &listing.folders[..] {
        [] if pictures > 0 => format!("{} and no folders of classes", images(pictures)),
        [only] => format!("1 folder of classes ({only})"),
        folders => format!("{} folders of classes", folders.len()),
    };
    let wanted = "there must be 2 to 256, each with its images (or train/CLASS and test/CLASS)";
    Err(Error::new(Kind::Corrupt, format!("{}: {found}; {wanted}", dir.display())))
}

/// Whether what a part has besides the training set's classes is a mistake.
fn check_classes(dir: &Path, listing: &Listing, classes: &[String]) -> Result<()> {
    let fault = if let Some(extra) = listing.folders.iter().find(|name| !classes.contains(name)) {
        let same = classes.iter().find(|class| class.to_lowercase() == extra.to_lowercase());
        let same = same.map_or_else(String::new, |class| format!(" (there is {class:?})"));
        format!("the class {extra:?} has no folder in the training set{same}")
    } else if listing.folders.is_empty() && !listing.pictures.is_empty() {
        let found = images(listing.pictures.len());
        format!("{found} and no folders of classes: without classes they can't be judged, so move them away")
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Corrupt, format!("{}: {fault}", dir.display())))
}

impl Part {
    /// Lists the pictures of every class; a class may lack its folder.
    fn find(prefix: String, dir: PathBuf, classes: &[String], skipped: &mut Skipped) -> Result<Self> {
        let mut pictures = Vec::new();
        let mut unread = Vec::new();
        for class in classes {
            let folder = dir.join(class);
            let listing = if folder.is_dir() { Listing::of(&folder)? } else { Listing::default() };
            if listing.pictures.is_empty() && listing.others.count() > 0 {
                unread.push(format!("{class} ({})", listing.others.in_words()));
            }
            // Of a class without any pictures more is said below.
            if !listing.pictures.is_empty() {
                skipped.folders.extend(listing.folders.iter().map(|name| format!("{prefix}{class}/{name}")));
            }
            skipped.others.merge(&listing.others);
            pictures.push(listing.pictures);
        }
        if !unread.is_empty() {
            let message = format!(
                "{}: no file is a {FORMATS} picture in the {} {}; convert them, or remove the folder",
                dir.display(),
                if unread.len() == 1 { "class" } else { "classes" },
                first(10, &unread)
            );
            return Err(Error::new(Kind::Corrupt, message));
        }
        Ok(Self { prefix, dir, pictures })
    }

    /// Whether every class has pictures: the network's output for one without would never be trained.
    fn check(&self, classes: &[String]) -> Result<()> {
        let mut empty = Vec::new();
        let mut deeper = None;
        for (class, _) in classes.iter().zip(&self.pictures).filter(|(_, pictures)| pictures.is_empty()) {
            let folders = Listing::of(&self.dir.join(class))?.folders;
            if folders.is_empty() {
                empty.push(class.clone());
            } else {
                empty.push(format!("{class} (only folders: {})", first(3, &folders)));
                deeper = deeper.or(Some(self.dir.join(class)));
            }
        }
        if empty.is_empty() {
            return Ok(());
        }
        let class = if empty.len() == 1 { "the class" } else { "the classes" };
        let advice = match deeper {
            Some(deeper) => {
                format!("if the classes lie deeper, give that folder, such as {}", deeper.display())
            }
            None => "remove the folder, or give it images".into(),
        };
        let message = format!("{}: no image in {class} {}; {advice}", self.dir.display(), first(10, &empty));
        Err(Error::new(Kind::Corrupt, message))
    }
}

/// What is passed over.
#[derive(Default)]
struct Skipped {
    others: Others,
    folders: Vec<String>,
    beside: usize,
}

impl Skipped {
    /// Notes the pictures that lie beside folders of classes.
    fn beside(&mut self, listing: &Listing) {
        self.beside += listing.pictures.len();
    }

    fn in_words(self) -> Vec<String> {
        let mut words = Vec::new();
        if self.others.count() > 0 {
            let files = if self.others.count() == 1 { "file that is no" } else { "files that are no" };
            let count = thousands(self.others.count());
            words.push(format!("passed over {count} {files} {FORMATS} picture ({})", self.others.in_words()));
        }
        if self.beside > 0 {
            words.push(format!("passed over {} beside the folders of classes", images(self.beside)));
        }
        if !self.folders.is_empty() {
            words.push(format!("passed over folders inside of classes: {}", first(10, &self.folders)));
        }
        words
    }
}

fn images(count: usize) -> String {
    if count == 1 { "1 image".into() } else { format!("{} images", thousands(count)) }
}
