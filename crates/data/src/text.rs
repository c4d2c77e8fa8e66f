//! Texts, a character a token, and the sequences that a language model reads.

use std::io::Read;
use std::path::{Path, PathBuf};

use adact_kernels::random::{Purpose, Stream};

use crate::error::{Error, Fault, Kind, Result};
use crate::source::{self, FileRecord, gzip};
use crate::task::{self, Task, task_of};

/// The name of the embedded text.
pub(crate) const SHAKESPEARE: &str = "shakespeare";

/// No text is larger than this.
const LARGEST: usize = 256 << 20;

/// A text in two parts, each character a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSet {
    /// The name it is known by.
    pub name: String,
    /// The characters that occur, by token: sorted by code point.
    pub vocabulary: Vec<char>,
    /// The first nine tenths, to learn from.
    pub train: Vec<u16>,
    /// The last tenth, to judge by.
    pub validation: Vec<u16>,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// What a reader of results must know about the text.
    pub note: Option<String>,
    /// What a user should be told before a training.
    pub remarks: Vec<String>,
}

/// Loads a text: `shakespeare`, which is in the program, or a file in UTF-8, or a folder with an `input.txt`.
///
/// `dir` is not used yet: there is no text to download.
///
/// ```
/// let text = adact_data::load_text("shakespeare", None)?;
/// assert_eq!(text.vocabulary.len(), 65);
/// assert!(text.decode(&text.train).starts_with("First Citizen:"));
/// # Ok::<(), adact_data::Error>(())
/// ```
///
/// # Errors
/// If there is no such text, it is not UTF-8, or too short or of too many different characters.
pub fn load_text(name: &str, dir: Option<&Path>) -> Result<TextSet> {
    let _ = dir;
    if name == SHAKESPEARE {
        return embedded();
    }
    if task_of(name) == Task::Segmentation || crate::catalogue().iter().any(|entry| entry.name == name) {
        task::expect(name, Task::Text)?;
    }
    let path = Path::new(name.strip_prefix("folder:").unwrap_or(name));
    let path = if path.is_dir() { path.join(INPUT) } else { path.to_owned() };
    if !path.exists() {
        let message =
            format!("{}: there is no such text; give a file in UTF-8, or {SHAKESPEARE}", path.display());
        return Err(Error::new(Kind::Missing, message));
    }
    let bytes = source::read(&path)?;
    let name = path.file_stem().map_or_else(|| "text".into(), |name| name.to_string_lossy().into_owned());
    let file = FileRecord::of(file_name(&path), &bytes);
    parse(name, bytes, vec![file]).map_err(|fault| fault.at(&path))
}

/// The text of a folder.
pub(crate) const INPUT: &str = "input.txt";

fn file_name(path: &Path) -> String {
    path.file_name().map(PathBuf::from).unwrap_or_default().display().to_string()
}

fn embedded() -> Result<TextSet> {
    const BYTES: &[u8] = include_bytes!("../embedded/shakespeare.txt.gz");
    let mut text = Vec::new();
    let read = gzip(BYTES).read_to_end(&mut text);
    read.map_err(|e| Error::io(Path::new("the embedded shakespeare"), "unpack it", &e))?;
    let file = FileRecord::of("embedded/shakespeare.txt.gz", BYTES);
    let set = parse(SHAKESPEARE.into(), text, vec![file]);
    set.map_err(|fault| fault.at(Path::new("the embedded shakespeare")))
}

fn parse(name: String, bytes: Vec<u8>, files: Vec<FileRecord>) -> Result<TextSet, Fault> {
    if bytes.len() > LARGEST {
        return Err(Fault::unsupported(format!(
            "a text of {} MiB is the largest that is read",
            LARGEST >> 20
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|e| Fault::corrupt(format!("byte {} is not UTF-8", e.utf8_error().valid_up_to())))?;
    let mut vocabulary: Vec<char> = text.chars().collect();
    vocabulary.sort_unstable();
    vocabulary.dedup();
    if vocabulary.len() > usize::from(u16::MAX) {
        return Err(Fault::unsupported(format!("{} different characters are too many", vocabulary.len())));
    }
    let token = |c: char| vocabulary.binary_search(&c).map_or(0, |token| token as u16);
    let mut train: Vec<u16> = text.chars().map(token).collect();
    // The last tenth, as nanoGPT cuts it.
    let validation = train.split_off(train.len() * 9 / 10);
    Ok(TextSet { name, vocabulary, train, validation, files, note: None, remarks: Vec::new() })
}

impl TextSet {
    /// The tokens of a text.
    ///
    /// # Errors
    /// Names the first character that is not in the vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<u16>> {
        let token = |c: char| {
            let found = self.vocabulary.binary_search(&c).map(|token| token as u16);
            found.map_err(|_| Error::new(Kind::Unsupported, format!("{c:?} does not occur in {}", self.name)))
        };
        text.chars().map(token).collect()
    }

    /// The text of tokens. Those beyond the vocabulary are left out.
    pub fn decode(&self, tokens: &[u16]) -> String {
        tokens.iter().filter_map(|&token| self.vocabulary.get(usize::from(token))).collect()
    }

    /// Expects both parts to hold a sequence of `context` characters, and what follows them.
    ///
    /// # Errors
    /// If one is shorter.
    pub fn check_context(&self, context: usize) -> Result<()> {
        for (part, tokens) in [("training", &self.train), ("validation", &self.validation)] {
            if tokens.len() <= context {
                let (name, have) = (&self.name, tokens.len());
                return Err(Error::new(
                    Kind::Unsupported,
                    format!(
                        "{name}: its {part} part has {have} characters, and a context of {context} needs one more than that"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Sequences of `context` tokens that begin at `starts`, and for each token the one that follows it: (sequence, token).
///
/// # Panics
/// If a sequence, or what follows it, is beyond the end.
pub fn windows(part: &[u16], starts: &[usize], context: usize) -> (Vec<i32>, Vec<i32>) {
    let tokens = |shift: usize| {
        let all = starts.iter().flat_map(|&start| &part[start + shift..start + shift + context]);
        all.map(|&token| i32::from(token)).collect()
    };
    (tokens(0), tokens(1))
}

/// Where the sequences of a training step begin: drawn with replacement, as a function of the seed and the step.
///
/// # Panics
/// If the part is not longer than the context.
pub fn random_starts(part: usize, context: usize, batch: usize, seed: u64, step: u64) -> Vec<usize> {
    assert!(part > context, "a part of {part} tokens has no sequence of {context} and what follows");
    let stream = Stream::new(seed, Purpose::Shuffle, step);
    (0..batch as u64).map(|i| stream.below(i, (part - context) as u64) as usize).collect()
}

/// Where the sequences begin that cover a part one after the other; what is left at the end is left out.
pub fn consecutive_starts(part: usize, context: usize) -> Vec<usize> {
    let count = part.saturating_sub(1).checked_div(context).unwrap_or(0);
    (0..count).map(|i| i * context).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_text_is_the_whole_of_tiny_shakespeare() {
        let text = load_text(SHAKESPEARE, None).unwrap();
        assert_eq!((text.train.len(), text.validation.len()), (1_003_854, 111_540));
        let whole = text.decode(&text.train) + &text.decode(&text.validation);
        let record = FileRecord::of("", whole.as_bytes());
        assert_eq!(record.sha256, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed");
        assert_eq!(text.decode(&text.encode("ROMEO:").unwrap()), "ROMEO:");
        assert_eq!(text.encode("a#").unwrap_err().to_string(), "'#' does not occur in shakespeare");
    }

    #[test]
    fn targets_are_what_follows() {
        let part = [10, 11, 12, 13, 14, 15, 16];
        assert_eq!(consecutive_starts(7, 3), [0, 3]);
        assert_eq!(consecutive_starts(6, 3), [0]);
        assert_eq!(windows(&part, &[0, 3], 3), (vec![10, 11, 12, 13, 14, 15], vec![11, 12, 13, 14, 15, 16]));
        let starts = random_starts(7, 3, 100, 1, 2);
        assert!(starts.iter().all(|&start| start < 4) && (0..4).all(|start| starts.contains(&start)));
        assert_eq!(starts, random_starts(7, 3, 100, 1, 2));
        assert_ne!(starts, random_starts(7, 3, 100, 1, 3));
    }

    #[test]
    fn bad_texts_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let load = || load_text(path.to_str().unwrap(), None);
        assert!(load().unwrap_err().to_string().contains("there is no such text"));
        std::fs::write(&path, b"abc\xff").unwrap();
        assert!(load().unwrap_err().to_string().ends_with("a.txt: byte 3 is not UTF-8"));
        std::fs::write(&path, "abcdefghijklmnopqrst").unwrap();
        let text = load().unwrap();
        assert_eq!((text.train.len(), text.validation.len()), (18, 2));
        assert!(text.check_context(1).is_ok());
        assert!(
            text.check_context(2).unwrap_err().to_string().contains("its validation part has 2 characters")
        );
    }
}
