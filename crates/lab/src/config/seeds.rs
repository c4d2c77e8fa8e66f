//! The seeds of a study: `5` for the first five, `0,1,7` for those three.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::{Error, Result};

/// More seeds than this are a typing mistake.
const MOST: usize = 1000;

/// Seeds without repetition, at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seeds(Vec<u64>);

impl Seeds {
    /// The seeds `0, 1, ... n - 1`.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn first(n: usize) -> Self {
        assert!(n > 0, "a study has at least one seed");
        Self((0..n as u64).collect())
    }

    /// The seeds in their order.
    pub fn as_slice(&self) -> &[u64] {
        &self.0
    }

    /// The seed that a text names, alone: `7` is the seed 7.
    ///
    /// # Errors
    /// If the text is no number or the number is too large.
    pub fn alone(text: &str) -> Result<Self> {
        let seed = text.trim().parse().map_err(|_| {
            Error::input(format!(
                "`{text}` is no seed: give one number (`--seeds` takes a number of seeds or a list)"
            ))
        })?;
        Self::list(vec![seed])
    }

    fn list(list: Vec<u64>) -> Result<Self> {
        let mut sorted = list.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::input(format!("the seed {} is given twice", pair[0])));
        }
        list.iter().try_for_each(|&seed| super::check::seed("seeds", seed))?;
        if list.is_empty() || list.len() > MOST {
            return Err(Error::input(format!("{} seeds: give 1 to {MOST} of them", list.len())));
        }
        Ok(Self(list))
    }

    fn count(n: u64) -> Result<Self> {
        if n == 0 || n > MOST as u64 {
            return Err(Error::input(format!(
                "{n} seeds: give 1 to {MOST} of them; the seed {n} alone is `{n},`"
            )));
        }
        Ok(Self::first(n as usize))
    }
}

impl FromStr for Seeds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |part: &str| {
            part.trim().parse::<u64>().map_err(|_| {
                Error::input(format!(
                    "`{text}` is no choice of seeds: give their number (`5`) or a list (`0,1,7`; `7,` is seed 7 alone)"
                ))
            })
        };
        match text.split_once(',') {
            None => Self::count(number(text)?),
            Some(_) => Self::list(
                text.trim_end().trim_end_matches(',').split(',').map(number).collect::<Result<_>>()?,
            ),
        }
    }
}

impl fmt::Display for Seeds {
    /// The list, so that it parses back to the same seeds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self.0.iter().map(u64::to_string).collect();
        write!(f, "{}{}", list.join(","), if list.len() == 1 { "," } else { "" })
    }
}

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Seeds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seeds or a list of seeds")
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> std::result::Result<Seeds, E> {
                Seeds::count(n).map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, n: i64) -> std::result::Result<Seeds, E> {
                let n = u64::try_from(n).map_err(|_| E::custom("a number of seeds is not negative"))?;
                self.visit_u64(n)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Seeds, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Seeds, A::Error> {
                let mut list = Vec::new();
                while let Some(seed) = seq.next_element()? {
                    list.push(seed);
                }
                Seeds::list(list).map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_lists() {
        assert_eq!("3".parse::<Seeds>().unwrap().as_slice(), [0, 1, 2]);
        assert_eq!("0,1,7".parse::<Seeds>().unwrap().as_slice(), [0, 1, 7]);
        assert_eq!("7,".parse::<Seeds>().unwrap().as_slice(), [7]);
        assert_eq!(Seeds::alone("0").unwrap().as_slice(), [0]);
        assert_eq!(Seeds::alone("7").unwrap().to_string(), "7,");
        for seeds in ["3", "4,2", "7,"] {
            let seeds: Seeds = seeds.parse().unwrap();
            assert_eq!(seeds.to_string().parse::<Seeds>().unwrap(), seeds);
        }
    }

    #[test]
    fn refused() {
        for text in ["", "0", "-1", "a", "1,1", ",", "1,,2", "1001", "1.5", "9007199254740992,"] {
            assert!(text.parse::<Seeds>().unwrap_err().is_input(), "{text:?}");
        }
        assert!("0".parse::<Seeds>().unwrap_err().to_string().contains("the seed 0 alone is `0,`"));
        for text in ["", "0,1", "-1", "a", "1.5", "9007199254740992"] {
            assert!(Seeds::alone(text).unwrap_err().is_input(), "{text:?}");
        }
    }
}
