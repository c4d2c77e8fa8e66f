//! Texts for language models of characters, and the windows that batches are made of.

use std::path::{Path, PathBuf};

use adact_kernels::random::{Purpose, Stream};

use crate::error::{Error, Fault, Kind, Result};
use crate::source::{self, FileRecord};
use crate::{Task, embedded, sniff, thousands};

/// The file that stands for a folder, as in nanoGPT.
pub(crate) const INPUT: &str = "input.txt";

/// Code points: one more than the largest.
const CODE_POINTS: usize = char::MAX as usize + 1;

/// A text in memory: its characters as numbers, the first 90% to train on and the rest to validate by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSet {
    /// The name it is known by: `shakespeare`, or the file's name without its ending, or the folder's.
    pub name: String,
    /// The different characters of the whole text in the order of their code points; a character's place is its token.
    pub vocabulary: Vec<char>,
    /// The tokens to train on: the first `n * 9 / 10` of the `n` characters, as nanoGPT splits.
    pub train: Vec<u16>,
    /// The tokens to validate by: the rest.
    pub validation: Vec<u16>,
    /// The file that was read.
    pub files: Vec<FileRecord>,
    /// What a reader of results must know about the text.
    pub note: Option<String>,
    /// What a user should be told before a training.
    pub remarks: Vec<String>,
}

/// Loads a text: `shakespeare`, which is part of the program, or a UTF-8 file by its path, or a folder with
/// `input.txt`. A path that leads nowhere is tried inside the data folder `dir` as well (see [`data_dir`](crate::data_dir)).
///
/// ```
/// let text = adact_data::load_text("shakespeare", None)?;
/// assert_eq!((text.vocabulary.len(), text.train.len(), text.validation.len()), (65, 1_003_854, 111_540));
/// assert!(text.decode(&text.train).starts_with("First Citizen:"));
/// # Ok::<(), adact_data::Error>(())
/// ```
///
/// # Errors
/// If there is no such file, or it is empty, larger than 1 GiB, not UTF-8 (the sentence names the byte), has a NUL, or has one
/// character alone or more than 65,536 different ones.
pub fn load_text(name_or_path: &str, dir: Option<&Path>) -> Result<TextSet> {
    Task::Text.check(name_or_path)?;
    if name_or_path == "shakespeare" {
        return embedded::shakespeare();
    }
    let path = source::locate(name_or_path, dir)?;
    let (name, file) =
        if path.is_dir() { (path.file_name(), path.join(INPUT)) } else { (path.file_stem(), path.clone()) };
    let name = name.map_or_else(|| "text".into(), |name| name.to_string_lossy().into_owned());
    if path.is_dir() && !file.is_file() {
        let message =
            format!("{}: there is no {INPUT} in it: put the text there, or give a file", path.display());
        return Err(Error::new(Kind::Missing, message));
    }
    let bytes = source::read(&file)?;
    let file_name = file.file_name().map_or_else(|| PathBuf::from(INPUT), PathBuf::from);
    let record = FileRecord::of(file_name.to_string_lossy(), &bytes);
    TextSet::parse(name, &bytes, record).map_err(|fault| fault.at(&file))
}

impl TextSet {
    /// Makes a set of a file's bytes. A byte order mark at the beginning is no part of the text.
    pub(crate) fn parse(name: String, bytes: &[u8], record: FileRecord) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let (at, what) = (e.valid_up_to(), sniff::instead(bytes));
            let at = thousands(at);
            Fault::corrupt(format!("not a UTF-8 text, first at byte {at}{what}; convert it to UTF-8"))
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut seen = vec![false; CODE_POINTS];
        text.chars().for_each(|c| seen[c as usize] = true);
        let vocabulary: Vec<char> = ('\0'..=char::MAX).filter(|&c| seen[c as usize]).collect();
        if vocabulary.len() > 1 << 16 {
            let count = thousands(vocabulary.len());
            return Err(Fault::unsupported(format!("{count} different characters, but 65,536 are the most")));
        }
        if vocabulary.len() < 2 {
            return Err(Fault::unsupported("a text of one character alone has nothing to learn"));
        }
        if seen[0] {
            let at = thousands(bytes.iter().position(|&b| b == 0).unwrap_or(0));
            return Err(Fault::corrupt(format!("not a text: byte {at} is NUL")));
        }
        let mut tokens = vec![0; CODE_POINTS];
        vocabulary.iter().enumerate().for_each(|(token, &c)| tokens[c as usize] = token as u16);
        let mut train: Vec<u16> = text.chars().map(|c| tokens[c as usize]).collect();
        // n * 9 / 10 without the product; what is left is below 10 and can't overflow.
        let n = train.len();
        let validation = train.split_off(n / 10 * 9 + n % 10 * 9 / 10);
        let note = Some("the last 10% of the characters are for validation".into());
        Ok(Self { name, vocabulary, train, validation, files: vec![record], note, remarks: Vec::new() })
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// At the first character that is not in the vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<u16>> {
        let token = |(at, c): (usize, char)| {
            self.vocabulary.binary_search(&c).map(|token| token as u16).map_err(|_| {
                let (at, name, count) = (thousands(at + 1), &self.name, thousands(self.vocabulary.len()));
                let message = format!(
                    "character {at} of the text, {c:?}, is not one of the {count} characters of {name}: leave it out"
                );
                Error::new(Kind::Unsupported, message)
            })
        };
        text.chars().enumerate().map(token).collect()
    }

    /// The text of some tokens; a token beyond the vocabulary becomes `\u{fffd}`.
    pub fn decode(&self, tokens: &[u16]) -> String {
        let character = |&token: &u16| self.vocabulary.get(usize::from(token)).copied();
        tokens.iter().map(|token| character(token).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    /// Whether both parts have a window of `context` tokens and the one that follows.
    ///
    /// # Errors
    /// If they have not, or `context` is 0.
    pub fn check_context(&self, context: usize) -> Result<()> {
        let fault = |message| Err(Error::new(Kind::Unsupported, format!("{}: {message}", self.name)));
        if context == 0 {
            return fault("a context of 0 characters is not possible: it must be 1 or more".into());
        }
        for (part, what) in [(&self.train, "training"), (&self.validation, "validation")] {
            if part.len() <= context {
                let (has, needed) = (thousands(part.len()), thousands(context.saturating_add(1)));
                let context = thousands(context);
                return fault(format!(
                    "the {what} text has {has} characters, but a context of {context} needs {needed}: give a longer text or a \
                     smaller --context"
                ));
            }
        }
        Ok(())
    }
}

/// The windows of a part of a text that begin at `starts`: inputs and targets (batch x context each), where a target is
/// the token that follows its input.
///
/// ```
/// let (inputs, targets) = adact_data::text::windows(&[5, 6, 7, 8], &[1, 0], 2);
/// assert_eq!((inputs, targets), (vec![6, 7, 5, 6], vec![7, 8, 6, 7]));
/// ```
///
/// # Panics
/// If a window and the token after it do not lie in the part.
pub fn windows(part: &[u16], starts: &[usize], context: usize) -> (Vec<i32>, Vec<i32>) {
    let tokens = |shift: usize| {
        let window =
            |&start: &usize| part[start + shift..start + shift + context].iter().copied().map(i32::from);
        starts.iter().flat_map(window).collect()
    };
    (tokens(0), tokens(1))
}

/// Where the `batch` windows of a training step begin, drawn with replacement: a pure function of seed and step.
///
/// # Panics
/// If the part has no window of `context` tokens and the one that follows; see [`TextSet::check_context`].
pub fn random_starts(part_len: usize, context: usize, batch: usize, seed: u64, step: u64) -> Vec<usize> {
    assert!(part_len > context, "a part of {part_len} tokens has no window of {context} and one more");
    let stream = Stream::new(seed, Purpose::Windows, step);
    (0..batch as u64).map(|i| stream.below(i, (part_len - context) as u64) as usize).collect()
}

/// Where the windows begin that lie one after the other, from the beginning of a part: each token but those of an
/// incomplete window at the end is an input once.
///
/// # Panics
/// If `context` is 0.
pub fn consecutive_starts(part_len: usize, context: usize) -> Vec<usize> {
    (0..part_len.saturating_sub(context)).step_by(context).collect()
}
