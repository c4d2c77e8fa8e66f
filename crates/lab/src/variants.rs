//! What a study compares: `adact,optimized,relu,uniform:mish,all-uniform,random:3`.

use adact_evidence::nearest;
use adact_evidence::records::{LayerWeights, Role, RunResult};
use adact_kernels::Activation;
use adact_kernels::random::{Purpose, Stream};

use crate::config::StudyOptions;
use crate::error::{Error, Result, suggestion};

/// Random choices beyond this are a typing mistake.
const MOST_RANDOM: usize = 100;

/// One network of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What records and tables call it: `adact`, `optimized`, `mish`, `random-1`, `mish+elu+silu+relu`.
    pub name: String,
    /// Where its activations come from.
    pub source: Source,
}

/// Where a variant's activations come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// They are known: `adact`, one name for all layers, or one a layer joined by `+`.
    Given(String),
    /// What AdAct chose with the same seed.
    Optimized,
    /// What is nearest to the functions that AdAct learned with the same seed.
    Nearest,
    /// A draw by lot for each place, where AdAct tells the places: those of a program.
    Drawn(usize, Vec<Activation>),
}

impl Source {
    /// Whether AdAct is trained first, with the same seed.
    pub(crate) fn follows_adact(&self) -> bool {
        !matches!(self, Self::Given(_))
    }

    /// The activations, as the section `[train]` names them; none where AdAct has to be `adact`, a training that is done.
    ///
    /// # Errors
    /// If the record of AdAct's training lacks the choice of a place, or what it saw.
    pub(crate) fn activations(&self, adact: Option<&RunResult>) -> Option<Result<String>> {
        match self {
            Self::Given(activations) => Some(Ok(activations.clone())),
            Self::Optimized => adact.map(choices),
            Self::Nearest => adact.map(nearest_to_curves),
            Self::Drawn(i, candidates) => {
                adact.map(|adact| Ok(draw(*i, candidates, adact.activations.len())))
            }
        }
    }
}

/// The activations that AdAct chose, as `optimized` uses them.
pub(crate) fn choices(adact: &RunResult) -> Result<String> {
    let layers = adact.layers.as_deref().unwrap_or_default();
    if layers.len() != adact.activations.len() {
        return Err(Error::failure(format!(
            "the run of adact with seed {} has no choice for each place",
            adact.seed
        )));
    }
    Ok(layers.iter().map(|layer| layer.choice.as_str()).collect::<Vec<_>>().join("+"))
}

/// The activations that are nearest to the functions that AdAct learned, under the inputs that each place saw; the choice by weight
/// where a function is 0 everywhere.
fn nearest_to_curves(adact: &RunResult) -> Result<String> {
    choices(adact)?;
    let layers = adact.layers.as_deref().unwrap_or_default().iter().enumerate();
    let pick = |(i, layer): (usize, &LayerWeights)| {
        let ranking = nearest::of_run(adact, i).ok_or_else(|| {
            Error::failure(format!(
                "the run of adact with seed {} doesn't tell what its places saw",
                adact.seed
            ))
        })?;
        Ok(ranking.into_iter().next().map_or_else(|| layer.choice.clone(), |near| near.activation))
    };
    Ok(layers.map(pick).collect::<Result<Vec<_>>>()?.join("+"))
}

/// The `i`th draw, one of `candidates` a place.
fn draw(i: usize, candidates: &[Activation], places: usize) -> String {
    let stream = Stream::new(0, Purpose::Choice, i as u64);
    let pick = |place| candidates[stream.below(place, candidates.len() as u64) as usize].name();
    (0..places as u64).map(pick).collect::<Vec<_>>().join("+")
}

impl Variant {
    /// The part that it plays.
    pub fn role(&self) -> Role<'_> {
        Role::of(&self.name)
    }

    fn given(name: impl Into<String>, activations: impl Into<String>) -> Self {
        Self { name: name.into(), source: Source::Given(activations.into()) }
    }

    /// Each layer has the same activation.
    fn uniform(activation: Activation) -> Self {
        Self::given(activation.name(), activation.name())
    }

    /// The `i`th random choice, one of `candidates` a layer. It is the same for every seed of a study, so that
    /// its runs are comparable.
    fn random(i: usize, candidates: &[Activation], places: Option<usize>) -> Self {
        let source = match places {
            Some(places) => Source::Given(draw(i, candidates, places)),
            None => Source::Drawn(i, candidates.to_vec()),
        };
        Self { name: Role::Random(&i.to_string()).to_string(), source }
    }
}

/// The variants that `words` name, each once, in their order. `candidates` are those AdAct mixes, `places` those of the
/// network; a program's are not known before AdAct is trained.
///
/// # Errors
/// If a word is no variant, or `optimized` (or a random one of a program) comes without `adact`.
pub fn parse<S: AsRef<str>>(
    words: &[S],
    candidates: &[Activation],
    places: Option<usize>,
) -> Result<Vec<Variant>> {
    let mut variants: Vec<Variant> = Vec::new();
    for word in words {
        for variant in one(word.as_ref().trim(), candidates, places)? {
            if !variants.iter().any(|v| v.name == variant.name) {
                variants.push(variant);
            }
        }
    }
    if variants.is_empty() {
        return Err(Error::input("variants: give at least one"));
    }
    let mixture = variants.iter().any(|v| v.role() == Role::Mixture);
    match variants.iter().find(|v| v.source.follows_adact()).filter(|_| !mixture) {
        Some(Variant { source: Source::Optimized, .. }) => Err(Error::input(
            "variants: `optimized` takes the activations that `adact` chose, so give `adact` as well",
        )),
        Some(Variant { source: Source::Nearest, .. }) => Err(Error::input(
            "variants: `nearest` takes the activations nearest to what `adact` learned, so give `adact` as well",
        )),
        Some(Variant { name, .. }) => Err(Error::input(format!(
            "variants: `{name}` draws an activation for each place, which only the program's training of `adact` tells, so \
             give `adact` as well"
        ))),
        None => Ok(variants),
    }
}

impl StudyOptions {
    /// The name of the variant with which all others are compared, if there is one.
    ///
    /// # Errors
    /// If it is not among the variants.
    pub fn against(&self, variants: &[Variant]) -> Result<Option<String>> {
        let Some(word) = self.against.as_deref().map(str::trim) else { return Ok(None) };
        let name = word.strip_prefix("uniform:").unwrap_or(word);
        // An activation may be spelled in several ways.
        let name = name.parse::<Activation>().map_or(name, |activation| activation.name());
        if variants.iter().any(|v| v.name == name) {
            return Ok(Some(name.to_owned()));
        }
        let names: Vec<&str> = variants.iter().map(|v| v.name.as_str()).collect();
        Err(Error::input(format!("against: `{word}` is not among the variants: {}", names.join(", "))))
    }
}

fn one(word: &str, candidates: &[Activation], places: Option<usize>) -> Result<Vec<Variant>> {
    let activation = |name: &str| -> Result<Activation> {
        name.parse::<Activation>().map_err(|e| Error::input(format!("variants: {e}")))
    };
    match word.split_once(':') {
        Some(("uniform", name)) => return Ok(vec![Variant::uniform(activation(name)?)]),
        Some(("random", count)) => return random(count, candidates, places),
        _ => {}
    }
    match Role::of(word) {
        Role::Mixture => return Ok(vec![Variant::given(word, "adact")]),
        Role::Optimized => return Ok(vec![Variant { name: word.into(), source: Source::Optimized }]),
        Role::Nearest if places.is_none() => {
            return Err(Error::input(
                "variants: `nearest` needs what each place sees, which a program doesn't tell: leave it out",
            ));
        }
        Role::Nearest => return Ok(vec![Variant { name: word.into(), source: Source::Nearest }]),
        Role::Random(_) | Role::Named(_) => {}
    }
    match word {
        "all-uniform" => Ok(candidates.iter().map(|&a| Variant::uniform(a)).collect()),
        "random" => random("1", candidates, places),
        _ if word.contains('+') => {
            let parts: Vec<_> = word.split('+').collect();
            if let Some(places) = places.filter(|&places| places != parts.len()) {
                return Err(Error::input(format!(
                    "variants: `{word}` has {} activations, the network has {places} layers",
                    parts.len()
                )));
            }
            for part in parts.iter().filter(|&&part| part != "adact") {
                activation(part)?;
            }
            Ok(vec![Variant::given(word, word)])
        }
        _ => match word.parse::<Activation>() {
            Ok(activation) => Ok(vec![Variant::uniform(activation)]),
            Err(_) => Err(unknown(word, places)),
        },
    }
}

fn random(count: &str, candidates: &[Activation], places: Option<usize>) -> Result<Vec<Variant>> {
    match count.parse::<usize>() {
        Ok(n) if (1..=MOST_RANDOM).contains(&n) => {
            Ok((1..=n).map(|i| Variant::random(i, candidates, places)).collect())
        }
        _ => Err(Error::input(format!(
            "variants: `random:{count}` needs a number from 1 to {MOST_RANDOM}, as in `random:3`"
        ))),
    }
}

fn unknown(word: &str, places: Option<usize>) -> Error {
    let known = ["adact", "optimized", "nearest", "all-uniform", "random", "uniform"];
    let names = Activation::ALL.iter().map(|a| a.name());
    let many = places.map_or("one for each place".into(), |places| format!("{places} activations"));
    Error::input(format!(
        "`{word}` is no variant{}: choose from adact, optimized, nearest, an activation, uniform:ACTIVATION, all-uniform, \
         random:COUNT, or {many} joined by `+`",
        suggestion(word, known.into_iter().chain(names))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        parse(words, Activation::PAPER, Some(4)).unwrap().into_iter().map(|v| v.name).collect()
    }

    #[test]
    fn words_expand_once_and_in_order() {
        assert_eq!(names(&["adact", "optimized", "relu"]), ["adact", "optimized", "relu"]);
        assert_eq!(names(&["uniform:relu", "relu", "mish", "uniform:mish"]), ["relu", "mish"]);
        assert_eq!(names(&["all-uniform"]).len(), 7);
        assert_eq!(names(&["random:3", "random"]), ["random-1", "random-2", "random-3"]);
        assert_eq!(names(&["mish+elu+adact+relu"]), ["mish+elu+adact+relu"]);
    }

    #[test]
    fn random_choices_are_fixed_and_made_of_candidates() {
        let candidates = [Activation::Relu, Activation::Mish];
        let a = parse(&["random:20"], &candidates, Some(4)).unwrap();
        assert_eq!(a, parse(&["random:20"], &candidates, Some(4)).unwrap());
        let all: Vec<&str> = a
            .iter()
            .flat_map(|v| match &v.source {
                Source::Given(activations) => activations.split('+'),
                _ => unreachable!(),
            })
            .collect();
        assert_eq!(all.len(), 20 * 4);
        assert!(all.contains(&"relu") && all.contains(&"mish"));
        assert!(all.iter().all(|name| ["relu", "mish"].contains(name)));
    }

    #[test]
    fn a_baseline_is_one_of_the_variants() {
        let variants =
            parse(&["adact", "optimized", "uniform:leaky_relu"], Activation::PAPER, Some(4)).unwrap();
        let against = |word: &str| {
            let plan = StudyOptions { against: Some(word.into()), ..StudyOptions::default() };
            plan.against(&variants).map_err(|e| e.to_string())
        };
        assert_eq!(against("optimized"), Ok(Some("optimized".into())));
        assert_eq!(against("uniform:leaky_relu"), Ok(Some("leaky_relu".into())));
        assert_eq!(
            against("relu").unwrap_err(),
            "against: `relu` is not among the variants: adact, optimized, leaky_relu"
        );
        assert_eq!(StudyOptions::default().against(&variants).unwrap(), None);
    }

    #[test]
    fn a_programs_random_choices_wait_for_its_places() {
        let variants = parse(&["adact", "random:2", "mish+relu"], Activation::PAPER, None).unwrap();
        let run = |places: usize| RunResult {
            activations: vec!["adact".into(); places],
            ..serde_json::from_value(serde_json::json!({
                "dataset": "d", "variant": "adact", "activations": ["adact"], "seed": 0, "epochs": 1,
                "best": {"epoch": 1, "test_accuracy": 0.5}, "last": {}, "parameters": 1, "seconds": 1.0,
            }))
            .unwrap()
        };
        assert!(variants[1].source.activations(None).is_none());
        let drawn = variants[2].source.activations(Some(&run(4))).unwrap().unwrap();
        let known = parse(&["random:2"], Activation::PAPER, Some(4)).unwrap();
        assert_eq!(Source::Given(drawn), known[1].source);
        let error = parse(&["random:2", "relu"], Activation::PAPER, None).unwrap_err();
        assert!(error.to_string().contains("so give `adact` as well"), "{error}");
        let error = parse(&["adact", "nearest"], Activation::PAPER, None).unwrap_err();
        assert!(error.to_string().contains("which a program doesn't tell"), "{error}");
    }

    #[test]
    fn mistakes_are_explained() {
        for (words, expected) in [
            (vec!["optimised", "adact"], "`optimized`"),
            (vec!["rleu"], "`relu`"),
            (vec!["uniform:mich"], "mish"),
            (vec!["optimized"], "`adact` as well"),
            (vec!["nearest", "relu"], "`adact` as well"),
            (vec!["nearst", "adact"], "`nearest`"),
            (vec!["random:0"], "1 to 100"),
            (vec!["mish+relu"], "4 layers"),
            (vec!["mish+relu+elu+slu"], "silu"),
            (vec![], "at least one"),
        ] {
            let error = parse(&words, Activation::PAPER, Some(4)).unwrap_err();
            assert!(error.is_input() && error.to_string().contains(expected), "{words:?}: {error}");
        }
    }
}
