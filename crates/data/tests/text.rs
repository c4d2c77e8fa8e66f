//! Texts: what is read, how it is split, and the windows that are cut from it.

mod samples;

use adact_data::text::{consecutive_starts, random_starts, windows};
use adact_data::{TextSet, load_text};
use samples::*;

/// A text loaded from a file with these bytes.
fn loaded(bytes: &[u8]) -> adact_data::Result<TextSet> {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("letters.txt"), bytes);
    load_text(&dir.path().join("letters.txt").display().to_string(), None)
}

#[test]
fn the_embedded_text_is_the_publishers() {
    let text = load_text("shakespeare", None).unwrap();
    assert_eq!(text.files[0].sha256, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed");
    assert_eq!((text.files[0].bytes, text.vocabulary.len()), (1_115_394, 65));
    // As nanoGPT's prepare.py prints.
    assert_eq!((text.train.len(), text.validation.len()), (1_003_854, 111_540));
    assert_eq!(text.vocabulary[..3], ['\n', ' ', '!']);
    assert!(text.decode(&text.train).starts_with("First Citizen:\nBefore we proceed"));
    assert!(adact_data::SHAKESPEARE_NOTICE.contains(&text.files[0].sha256));
}

#[test]
fn characters_are_numbered_by_their_code_points() {
    let text = loaded("\u{feff}zebra é 漢\u{1f600}".as_bytes()).unwrap();
    assert_eq!(text.vocabulary, [' ', 'a', 'b', 'e', 'r', 'z', 'é', '漢', '\u{1f600}']);
    assert_eq!((text.name.as_str(), text.files[0].name.as_str()), ("letters", "letters.txt"));
    assert_eq!(
        (&text.train[..5], text.train.len(), &text.validation[..]),
        (&[5, 3, 2, 4, 1][..], 9, &[8][..])
    );
    assert_eq!(text.encode("éab").unwrap(), [6, 1, 2]);
    assert_eq!(text.decode(&[6, 1, 2, 99]), "éab\u{fffd}");
    says(text.encode("bar-zebra"), "character 4 of the text, '-', is not one of the 9 characters of letters");
}

#[test]
fn nine_tenths_are_rounded_down() {
    for n in [2, 9, 10, 11, 19, 999, 1000] {
        let text = loaded(&b"xy".repeat(n)[..n]).unwrap();
        assert_eq!((text.train.len(), text.validation.len()), (n * 9 / 10, n - n * 9 / 10), "{n}");
    }
}

#[test]
fn a_folder_with_a_text_and_the_data_folder() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path().join("poems/input.txt"), "roses are red");
    let poems = load_text(&dir.path().join("poems").display().to_string(), None).unwrap();
    assert_eq!((poems.name.as_str(), poems.train.len()), ("poems", 11));
    assert_eq!(load_text("poems", Some(dir.path())).unwrap(), poems);
    assert_eq!(load_text(&format!("folder:{}/poems", dir.path().display()), None).unwrap(), poems);
    says(load_text(&dir.path().display().to_string(), None), "there is no input.txt in it");
}

#[test]
fn text_faults() {
    says(loaded(b""), "letters.txt: the file is empty");
    says(loaded(b"good \xff bad"), "letters.txt: not a UTF-8 text, first at byte 5");
    says(loaded(b"cut off \xc3"), "first at byte 8");
    let png = picture(image::ImageFormat::Png, 4, 4, [1, 2, 3]);
    says(loaded(&png), "not a UTF-8 text, first at byte 0: it is a PNG picture");
    says(loaded(b"aaaa"), "one character alone has nothing to learn");
    says(loaded(b"two\0parts"), "not a text: byte 3 is NUL");
    let many: String = ('\u{1}'..=char::MAX).take(65_537).collect();
    says(loaded(many.as_bytes()), "65,537 different characters");
    let all: String = ('\u{1}'..=char::MAX).take(65_536).collect();
    assert_eq!(loaded(all.as_bytes()).unwrap().validation.last(), Some(&65_535));
    says(load_text("/nowhere/x.txt", None), "/nowhere/x.txt: no such file or folder");
    says(load_text("x.txt", None), "x.txt: no such file or folder");
    assert!(load_text("nonsense", None).unwrap_err().is_input());
}

#[test]
fn a_context_must_fit_both_parts() {
    let text = loaded(&b"xy".repeat(50)).unwrap();
    text.check_context(9).unwrap();
    says(
        text.check_context(10),
        "letters: the validation text has 10 characters, but a context of 10 needs 11: give",
    );
    says(text.check_context(90), "the training text has 90 characters");
    says(text.check_context(0), "a context of 0 characters");
    text.check_context(usize::MAX).unwrap_err();
}

#[test]
fn starts_are_functions_of_seed_and_step() {
    let starts = random_starts(20, 4, 1000, 1, 2);
    assert_eq!(starts, random_starts(20, 4, 1000, 1, 2));
    assert_ne!(starts, random_starts(20, 4, 1000, 1, 3));
    assert_ne!(starts, random_starts(20, 4, 1000, 2, 2));
    assert_eq!((starts.iter().min(), starts.iter().max()), (Some(&0), Some(&15)));
    // A larger batch begins with the smaller one; the last start has a target for each input.
    assert_eq!(random_starts(20, 4, 10, 1, 2), starts[..10]);
    let part: Vec<u16> = (0..20).collect();
    assert_eq!(windows(&part, &[15], 4), (vec![15, 16, 17, 18], vec![16, 17, 18, 19]));
}

#[test]
fn consecutive_windows_do_not_overlap() {
    assert_eq!(consecutive_starts(9, 4), [0, 4]);
    assert_eq!(consecutive_starts(8, 4), [0]);
    assert_eq!(consecutive_starts(4, 4), [0; 0]);
    let part: Vec<u16> = (0..10).collect();
    let (inputs, targets) = windows(&part, &consecutive_starts(10, 3), 3);
    assert_eq!((inputs, targets), ((0..9).collect(), (1..10).collect()));
}
