//! A text: its characters with their shares, and how its two parts begin.

use image::RgbImage;

use super::canvas::{BACKGROUND, MARGIN, Style, is_drawn, write};
use super::png;
use crate::error::Result;
use crate::{TextSet, thousands};

/// Letters in a line of each part, and lines.
const LETTERS: usize = 64;
const LINES: usize = 28;
/// The height of a line.
const LINE: u32 = 20;
/// More characters than fit are counted only.
const MAX_CHARACTERS: usize = 112;
/// The place of a character with its share.
const CELL: (u32, u32) = (84, 46);

/// A text as a PNG file: its characters, the most frequent first, with their shares of all, and the beginnings of the part to
/// train on and of the part to validate by. A letter that the program can't draw is a box, among the characters its number.
///
/// # Errors
/// If the picture can't be made a file.
pub fn text(text: &TextSet) -> Result<Vec<u8>> {
    png(&page(text))
}

fn page(text: &TextSet) -> RgbImage {
    let column = LETTERS as u32 * Style::Body.letter_width();
    let width = 3 * MARGIN + 2 * column;
    let shares = shares(text);
    let across = (width - 2 * MARGIN) / CELL.0;
    let shown = &shares[..shares.len().min(MAX_CHARACTERS)];
    let top = MARGIN + 36;
    let grid_height = (shown.len() as u32).div_ceil(across) * CELL.1;
    let parts_top = top + LINE + 8 + grid_height + 16;
    let height = parts_top + 28 + LINES as u32 * LINE + MARGIN;

    let mut page = RgbImage::from_pixel(width, height, BACKGROUND);
    let (train, validation) = (thousands(text.train.len()), thousands(text.validation.len()));
    let title = format!("{}: {train} training and {validation} validation characters", text.name);
    write(&mut page, (MARGIN, MARGIN), &title, Style::Title);
    let count = thousands(shares.len());
    let mut heading = match shares.len() - shown.len() {
        0 => format!("{count} different characters, and how often each occurs"),
        _ => format!("the most frequent of {count} different characters"),
    };
    if text.vocabulary.iter().any(|&character| name(character).starts_with("U+")) {
        heading += "; those with a number (U+...) are boxes below";
    }
    write(&mut page, (MARGIN, top), &heading, Style::Heading);
    for (at, (character, share)) in shown.iter().enumerate() {
        let at = at as u32;
        let (x, y) = (MARGIN + at % across * CELL.0, top + LINE + 8 + at / across * CELL.1);
        write(&mut page, (x, y), &name(*character), Style::Name);
        write(&mut page, (x, y + 20), share, Style::Small);
    }
    for (at, (name, part)) in
        [("training", &text.train), ("validation", &text.validation)].into_iter().enumerate()
    {
        let x = MARGIN + at as u32 * (column + MARGIN);
        write(&mut page, (x, parts_top), &format!("the {name} text begins"), Style::Heading);
        let beginning = text.decode(&part[..part.len().min(LETTERS * LINES)]);
        for (line, y) in wrapped(&beginning).into_iter().zip((parts_top + 28..).step_by(LINE as usize)) {
            write(&mut page, (x, y), &line, Style::Body);
        }
    }
    page
}

/// The characters by how often they occur in both parts, with their shares.
fn shares(text: &TextSet) -> Vec<(char, String)> {
    let mut counts = vec![0_usize; text.vocabulary.len()];
    let tokens = text.train.iter().chain(&text.validation);
    tokens.for_each(|&token| counts[usize::from(token)] += 1);
    let all = counts.iter().sum::<usize>().max(1) as f64;
    let mut characters: Vec<_> = text.vocabulary.iter().copied().zip(counts).collect();
    characters.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let share = |count: usize| match 100.0 * count as f64 / all {
        share if share < 0.01 => "< 0.01%".into(),
        share => format!("{share:.2}%"),
    };
    characters.into_iter().map(|(character, count)| (character, share(count))).collect()
}

/// A character as one can see it.
fn name(character: char) -> String {
    match character {
        '\n' => "newline".into(),
        ' ' => "space".into(),
        '\t' => "tab".into(),
        '\r' => "return".into(),
        seen if is_drawn(seen) && !seen.is_whitespace() => seen.into(),
        other => format!("U+{:04X}", u32::from(other)),
    }
}

/// The lines of a text, long ones cut into several.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let letters: Vec<char> = line.replace('\t', "    ").chars().collect();
        if letters.is_empty() {
            lines.push(String::new());
        }
        lines.extend(letters.chunks(LETTERS).map(|part| part.iter().collect::<String>()));
    }
    lines.truncate(LINES);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_names_that_can_be_seen() {
        let names: Vec<String> = ['a', 'é', ' ', '\n', '漢', '\u{7}', '\u{a0}'].map(name).to_vec();
        assert_eq!(names, ["a", "é", "space", "newline", "U+6F22", "U+0007", "U+00A0"]);
    }

    #[test]
    fn long_lines_are_cut_and_empty_ones_stay() {
        let text = format!("a\tb\n\n{}\nend", "x".repeat(LETTERS + 3));
        assert_eq!(wrapped(&text), ["a    b", "", &"x".repeat(LETTERS), "xxx", "end"]);
        assert_eq!(wrapped(&"line\n".repeat(99)).len(), LINES);
    }
}
