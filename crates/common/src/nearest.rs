//! The nearest of some names to one that nothing is called.

/// The name that `name` most likely means, or none where nothing is near. Capitals don't matter; `known` are spelled
/// without. The first of equals.
///
/// Near is a name that `name` begins, with three letters or more; else the one with the fewest letters that are wrong,
/// lacking, too many or swapped with the next, if it is no more than one, and one more for every four of its letters.
///
/// ```
/// use adact_common::nearest;
///
/// assert_eq!(nearest("rleu", ["elu", "relu", "gelu"]), Some("relu"));
/// assert_eq!(nearest("nuclei", ["svhn", "nuclei-mini"]), Some("nuclei-mini"));
/// assert_eq!(nearest("swimming", ["elu", "relu", "gelu"]), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let known: Vec<&str> = known.into_iter().collect();
    let is_begun = |known: &&str| name.chars().count() >= 3 && known.starts_with(&name);
    let mistyped = || {
        let with_mistakes = known.iter().map(|known| (strsim::damerau_levenshtein(&name, known), *known));
        let near = with_mistakes.filter(|(mistakes, known)| *mistakes <= 1 + known.chars().count() / 4);
        near.min_by_key(|(mistakes, _)| *mistakes).map(|(_, known)| known)
    };
    known.iter().copied().find(is_begun).or_else(mistyped)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] =
        ["elu", "relu", "leaky_relu", "mish", "optimized", "gpt", "cifar10", "shakespeare"];

    #[test]
    fn mistyped_names_are_near() {
        for (name, expected) in [
            ("rleu", "relu"),
            ("ReLU", "relu"),
            ("LeakyReLU", "leaky_relu"),
            ("gtp", "gpt"),
            ("mich", "mish"),
            ("swish", "mish"),
            ("optimised", "optimized"),
            ("CIFAR-10", "cifar10"),
            ("shakespaere", "shakespeare"),
        ] {
            assert_eq!(nearest(name, NAMES), Some(expected), "{name}");
        }
    }

    #[test]
    fn names_that_were_begun_are_near() {
        for (name, expected) in [("opt", "optimized"), ("Shakes", "shakespeare"), ("leaky", "leaky_relu")] {
            assert_eq!(nearest(name, NAMES), Some(expected), "{name}");
        }
    }

    #[test]
    fn others_are_not() {
        for name in ["", "x", "zzzz", "transformer", "größer"] {
            assert_eq!(nearest(name, NAMES), None, "{name}");
        }
        assert_eq!(nearest("relu", []), None);
    }

    #[test]
    fn of_equals_the_first_is_told() {
        assert_eq!(nearest("fmn", ["fmnist", "fmnist-mini"]), Some("fmnist"));
        assert_eq!(nearest("xelu", ["relu", "gelu"]), Some("relu"));
    }
}
