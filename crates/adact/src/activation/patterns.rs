//! Activations by patterns of the places' paths: `layer1.*=relu,*=mish`.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// No file of patterns is larger than this.
const LARGEST: u64 = 1 << 20;

/// A pattern of paths and the text of an activation.
type Rule = (String, String);

/// Splits rules at the commas between them; those inside of a mixture's candidates have no `=` after them.
pub(super) fn split(text: &str) -> Result<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), rules.last_mut()) {
            (Some((pattern, activation)), _) => rules.push((pattern.trim().into(), activation.trim().into())),
            (None, Some((_, activation))) => {
                activation.push(',');
                activation.push_str(part.trim());
            }
            (None, None) => {
                return Err(Error::config(format!(
                    "\"{text}\" begins without a place: write PLACE=ACTIVATION, as in layer1.*=relu,*=mish"
                )));
            }
        }
    }
    Ok(rules)
}

/// Reads rules from a file: `"layer1.*" = "relu"`, a line each, with comments behind `#`.
pub(super) fn read(path: &Path) -> Result<Vec<Rule>> {
    let length = std::fs::metadata(path).map_err(|e| Error::read(path, &e))?;
    if !length.is_file() || length.len() > LARGEST {
        let message = format!("{} is no file of activations", path.display());
        return Err(Error::new(ErrorKind::InvalidConfig, message));
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::read(path, &e))?;
    let rules =
        text.lines().enumerate().map(|(i, line)| (i + 1, line.split('#').next().unwrap_or("").trim()));
    let rules = rules.filter(|(_, line)| !line.is_empty()).map(|(number, line)| {
        let unquoted = |text: &str| {
            let text = text.trim();
            text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).to_string()
        };
        let rule = line.split_once('=').map(|(pattern, name)| (unquoted(pattern), unquoted(name)));
        rule.ok_or_else(|| {
            Error::config(format!(
                "{} line {number} (`{line}`): write \"PLACE\" = \"ACTIVATION\"",
                path.display()
            ))
        })
    });
    rules.collect()
}

/// The activation of each place: that of the first rule that fits its path.
pub(super) fn assign<'a>(rules: &'a [Rule], places: &[String]) -> Result<Vec<&'a str>> {
    if let Some((pattern, _)) = rules.iter().find(|(pattern, _)| !places.iter().any(|p| fits(pattern, p))) {
        let (first, last) =
            (places.first().map_or("", String::as_str), places.last().map_or("", String::as_str));
        return Err(Error::config(format!(
            "no place fits \"{pattern}\": the network has {} places, from {first} to {last}",
            places.len()
        )));
    }
    let first = |place: &String| {
        rules.iter().position(|(pattern, _)| fits(pattern, place)).ok_or_else(|| {
            Error::config(format!("nothing is given for the place {place}: end with *=ACTIVATION"))
        })
    };
    let chosen = places.iter().map(first).collect::<Result<Vec<_>>>()?;
    // A rule that decides nothing is a mistake, not a wish.
    if let Some(hidden) = (0..rules.len()).find(|rule| !chosen.contains(rule)) {
        return Err(Error::config(format!(
            "\"{}\" decides nothing: rules before it fit all of its places, and the first one that fits counts",
            rules[hidden].0
        )));
    }
    Ok(chosen.into_iter().map(|rule| rules[rule].1.as_str()).collect())
}

/// Whether a path fits a pattern, in which `*` stands for any characters.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, rest)) => path.strip_prefix(start).is_some_and(|path| {
            (0..=path.len()).filter(|&at| path.is_char_boundary(at)).any(|at| fits(rest, &path[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, path, expected) in [
            ("layer1.*", "layer1.0.act1", true),
            ("layer1.*", "layer10.act1", false),
            ("*.act2", "layer1.0.act2", true),
            ("*.0.*", "layer1.0.act2", true),
            ("act1", "act1", true),
            ("act1", "act10", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let places = ["act1".to_string(), "act2".to_string()];
        let error = |text| assign(&split(text).unwrap(), &places).unwrap_err().to_string();
        assert!(error("act3=relu,*=mish").contains("no place fits \"act3\": the network has 2 places"));
        assert!(error("act1=relu").contains("nothing is given for the place act2"));
        assert!(error("*=relu,act2=mish").starts_with("\"act2\" decides nothing: rules before it"));
        assert!(split("relu,*=mish").unwrap_err().to_string().contains("begins without a place"));
    }
}
