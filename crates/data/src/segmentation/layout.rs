//! Where in a folder the images and the masks lie, and which belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::folder::decode::FORMATS;
use crate::folder::files::Listing;
use crate::folder::layout::{TEST, TRAIN, VALIDATION, role};

const IMAGES: &[&str] = &["images"];
const MASKS: &[&str] = &["masks"];

/// What was found.
pub(super) struct Layout {
    pub(super) train: Part,
    /// None where the images have to be split.
    pub(super) test: Option<Part>,
    pub(super) validation: Option<Part>,
    pub(super) remarks: Vec<String>,
}

/// The images and the masks of a part, such as those to train on.
pub(super) struct Part {
    /// The folder with the folders of images and masks.
    pub(super) dir: PathBuf,
    pub(super) pairs: Vec<Pair>,
}

/// The files of an image and of its mask.
pub(super) struct Pair {
    pub(super) image: PathBuf,
    pub(super) mask: PathBuf,
}

/// Whether a folder, or its training set, has folders of images and of masks.
pub(crate) fn is_layout(root: &Path) -> bool {
    let has_both = |folders: &[String]| {
        [IMAGES, MASKS].iter().all(|names| matches!(role(root, folders, names), Ok(Some(_))))
    };
    let Ok(Listing { folders, .. }) = Listing::of(root) else { return false };
    let in_train = || {
        let train = role(root, &folders, TRAIN).ok().flatten()?;
        Some(has_both(&Listing::of(&root.join(train)).ok()?.folders))
    };
    has_both(&folders) || in_train().unwrap_or(false)
}

/// Finds the parts below `root`.
pub(super) fn find(root: &Path) -> Result<Layout> {
    let folders = Listing::of(root)?.folders;
    let role = |names: &[&str]| role(root, &folders, names);
    let Some(train) = role(TRAIN)? else {
        let (train, remarks) = (Part::find(root)?, Vec::new());
        return Ok(Layout { train, test: None, validation: None, remarks });
    };
    let mut remarks = Vec::new();
    let (test, validation) = match (role(TEST)?, role(VALIDATION)?) {
        (None, Some(only)) => {
            remarks.push(format!("there is no test folder: {only} is the test set"));
            (Some(only), None)
        }
        both => both,
    };
    let part = |name: &String| Part::find(&root.join(name));
    let (test, validation) = (test.map(part).transpose()?, validation.map(part).transpose()?);
    Ok(Layout { train: part(train)?, test, validation, remarks })
}

impl Part {
    fn find(dir: &Path) -> Result<Self> {
        let folders = Listing::of(dir)?.folders;
        let folder = |names: &[&str]| {
            role(dir, &folders, names)?.map(|name| dir.join(name)).ok_or_else(|| {
                let message = format!(
                    "{}: there is no folder {}: images lie in a folder {}, and beside it their masks, of the same names, in {}",
                    dir.display(),
                    names[0],
                    IMAGES[0],
                    MASKS[0]
                );
                Error::new(Kind::Missing, message)
            })
        };
        let (images, masks) = (folder(IMAGES)?, folder(MASKS)?);
        let image_names = by_stem(&images)?;
        let mut mask_names = by_stem(&masks)?;
        if image_names.is_empty() {
            let message = format!("{}: no image in it, which is a {FORMATS} picture", images.display());
            return Err(Error::new(Kind::Corrupt, message));
        }
        let alone = |path: PathBuf, what: &str, other: &Path| {
            let message =
                format!("{}: there is no {what} of this name in {}", path.display(), other.display());
            Err(Error::new(Kind::Corrupt, message))
        };
        let mut pairs = Vec::with_capacity(image_names.len());
        for (stem, image) in image_names {
            let image = images.join(image);
            match mask_names.remove(&stem) {
                Some(mask) => pairs.push(Pair { image, mask: masks.join(mask) }),
                None => return alone(image, "mask", &masks),
            }
        }
        match mask_names.into_values().next() {
            Some(mask) => alone(masks.join(mask), "image", &images),
            None => Ok(Self { dir: dir.to_path_buf(), pairs }),
        }
    }
}

/// The pictures of a folder by their names without the ending.
fn by_stem(dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    for name in Listing::of(dir)?.pictures {
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
        if let Some(other) = names.insert(stem, name.clone()) {
            let message =
                format!("{}: {other} and {name} differ in their endings only: remove one", dir.display());
            return Err(Error::new(Kind::Unsupported, message));
        }
    }
    Ok(names)
}
