//! What a study compares: `adact,optimized,relu,uniform:mish,all-uniform,random:3,search:gumbel/nearest`.

use adact::Gate;
use adact_evidence::Rule;
use adact_evidence::records::{Costs, LayerWeights, Role, RunResult, Selection};
use adact_kernels::random::{Purpose, Stream};
use adact_kernels::{Activation, LEFT};

use crate::config::{Config, Curve, Granularity, Method, StudyOptions};
use crate::costs::weighing::weighed;
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
    /// What a rule chose when a mixture had learned with the same seed.
    Chosen {
        /// The variant that mixes.
        of: String,
        /// The rule.
        rule: Rule,
    },
    /// The curves that AdAct learned with the same seed, kept as they are.
    Frozen,
    /// A draw by lot for each place, where AdAct tells the places: those of a program.
    Drawn(usize, Vec<Activation>),
}

/// The variant that mixes as the paper does, or as the options of a study say.
const ADACT: &str = "adact";

impl Source {
    /// The variant that is trained first, with the same seed.
    pub(crate) fn follows(&self) -> Option<&str> {
        match self {
            Self::Given(_) => None,
            Self::Chosen { of, .. } => Some(of),
            Self::Frozen | Self::Drawn(..) => Some(ADACT),
        }
    }

    /// The rule that chooses, where a mixture learned.
    pub(crate) fn rule(&self) -> Option<Rule> {
        match self {
            Self::Chosen { rule, .. } => Some(*rule),
            Self::Given(_) | Self::Frozen | Self::Drawn(..) => None,
        }
    }

    /// The activations, as the section `[train]` names them, weighed against costs where there are some; none where those of `mixture`, a training that is done, have to be
    /// known first.
    ///
    /// # Errors
    /// If its record lacks the choice of a place, or what the rule chooses.
    pub(crate) fn activations(
        &self,
        mixture: Option<&RunResult>,
        costs: Option<&Costs>,
    ) -> Option<Result<Chosen>> {
        match self {
            Self::Given(activations) => Some(Ok(activations.clone().into())),
            Self::Chosen { rule: Rule::Halving, .. } => mixture
                .map(|mixture| Ok(Chosen { to_halve: Some(Box::new(mixture.clone())), ..Chosen::default() })),
            Self::Chosen { rule, .. } => mixture.map(|mixture| chosen(mixture, *rule, costs)),
            Self::Frozen => mixture.map(curves),
            Self::Drawn(i, candidates) => {
                mixture.map(|mixture| Ok(draw(*i, candidates, mixture.activations.len()).into()))
            }
        }
    }
}

/// What a training is given of another: see the section `[train]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chosen {
    /// The activations.
    pub activations: String,
    /// The curves of the mixtures, where these stay as they are.
    pub curves: Vec<Curve>,
    /// The training of the mixture, where short trainings are to choose.
    pub to_halve: Option<Box<RunResult>>,
    /// What would have been chosen if the time didn't count, where it does.
    pub without_costs: Option<String>,
}

impl From<String> for Chosen {
    fn from(activations: String) -> Self {
        Self { activations, ..Self::default() }
    }
}

/// The curves that a mixture learned.
fn curves(mixture: &RunResult) -> Result<Chosen> {
    choices(mixture, Rule::Weight)?;
    let is_softmax = gate_of(mixture) == Gate::Softmax;
    let curve = |layer: &LayerWeights| {
        let alone = |share: &f32| if *share > 0.0 { 0.0 } else { f64::from(LEFT) };
        let w = match &layer.shares {
            // A search that is evaluated with one candidate alone.
            Some(shares) if is_softmax => shares.iter().map(alone).collect(),
            _ => layer.w.iter().map(|&w| f64::from(w)).collect(),
        };
        Curve { w, prelu_slope: layer.prelu_slope.map(f64::from) }
    };
    let curves = mixture.layers.iter().flatten().map(curve).collect();
    Ok(Chosen { activations: ADACT.into(), curves, ..Chosen::default() })
}

/// How the weights of a mixture were its shares.
fn gate_of(mixture: &RunResult) -> Gate {
    let method = mixture.mixing.as_deref().and_then(|method| method.parse::<Method>().ok());
    method.unwrap_or_default().mixing.gate()
}

/// What a rule chose; where costs are told, it is weighed against them.
fn chosen(mixture: &RunResult, rule: Rule, costs: Option<&Costs>) -> Result<Chosen> {
    let alone = choices(mixture, rule)?;
    let weighed = costs.map(|costs| weighed(mixture, rule, costs)).transpose()?.flatten();
    Ok(match weighed {
        Some(weighed) => {
            Chosen { activations: weighed.join("+"), without_costs: Some(alone), ..Chosen::default() }
        }
        None => alone.into(),
    })
}

/// The activations that a rule chose, as the section `[train]` names them.
pub(crate) fn choices(mixture: &RunResult, rule: Rule) -> Result<String> {
    let (variant, seed) = (&mixture.variant, mixture.seed);
    let layers = mixture.layers.as_deref().unwrap_or_default();
    if layers.len() != mixture.activations.len() {
        let message = format!("the run of {variant} with seed {seed} has no choice for each place");
        return Err(Error::failure(message));
    }
    let chosen = mixture.choice_by(rule).ok_or_else(|| {
        let message =
            format!("the run of {variant} with seed {seed} doesn't tell what the rule {rule} chooses");
        Error::failure(message)
    })?;
    Ok(chosen.join("+"))
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

    /// Whether its rule takes the fastest of what it can't tell apart, where the time counts.
    pub(crate) fn weighs_time(&self) -> bool {
        matches!(self.source.rule(), Some(Rule::Weight | Rule::Distil))
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

/// The variants that `words` name, each once, in their order; a search comes before what is chosen by it. `places` are those of
/// the network; a program's are not known before AdAct is trained.
///
/// # Errors
/// If a word is no variant, or `optimized` (or a random one of a program) comes without `adact`.
pub fn parse<S: AsRef<str>>(words: &[S], config: &Config, places: Option<usize>) -> Result<Vec<Variant>> {
    let has_adact = words.iter().any(|word| word.as_ref().trim() == ADACT);
    let mut variants: Vec<Variant> = Vec::new();
    for word in words {
        for variant in one(word.as_ref().trim(), config, places, has_adact)? {
            if !variants.iter().any(|v| v.name == variant.name) {
                variants.push(variant);
            }
        }
    }
    if variants.is_empty() {
        return Err(Error::input("variants: give at least one"));
    }
    unused(&variants, config)?;
    let halves = |v: &Variant| v.source.rule() == Some(Rule::Halving);
    if variants.iter().any(halves) && config.protocol.select == Selection::Test {
        return Err(Error::input(
            "choose: halving compares short trainings by held-out data, so give --select validation (a text has none)",
        ));
    }
    let lacks = |v: &&Variant| v.source.follows().is_some_and(|of| variants.iter().all(|v| v.name != of));
    let Some(variant) = variants.iter().find(lacks) else { return Ok(variants) };
    Err(Error::input(match variant.role() {
        Role::Optimized => {
            "variants: `optimized` takes the activations that `adact` chose, so give `adact` as well".into()
        }
        Role::Frozen => {
            "variants: `frozen` keeps the curves that `adact` learned, so give `adact` as well".into()
        }
        Role::Nearest => {
            "variants: `nearest` takes the activations nearest to what `adact` learned, so give `adact` as well".into()
        }
        _ => format!(
            "variants: `{}` draws an activation for each place, which only the program's training of `adact` tells, so give \
             `adact` as well",
            variant.name
        ),
    }))
}

/// Refuses options that no variant makes use of, and variants that do what another does.
fn unused(variants: &[Variant], config: &Config) -> Result<()> {
    let search = &config.search;
    let any = |is: &dyn Fn(Role<'_>) -> bool| variants.iter().any(|variant| is(variant.role()));
    if search.choose != Rule::default() && !any(&|role| role == Role::Optimized) {
        return Err(Error::input("choose: is of no use here: it is for the variant `optimized`"));
    }
    if search.costs.is_some() && !variants.iter().any(Variant::weighs_time) {
        return Err(Error::input(
            "costs: are of no use here: no variant has activations that are chosen by weight or by distil",
        ));
    }
    let adact = any(&|role| role == Role::Mixture);
    match search.given() {
        Some("mixing") if !adact => Err(Error::input(
            "mixing: is of no use here: it is for the variant `adact`, and search:METHOD names its own",
        )),
        Some(option) if !any(&|role| role.is_mixture()) => {
            Err(Error::input(format!("{option}: is of no use here: no variant searches")))
        }
        _ => Ok(()),
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
        let name = &search(name).map_or(name.to_owned(), |(method, rule)| name_of(method, rule));
        if variants.iter().any(|v| v.name == *name) {
            return Ok(Some(name.to_owned()));
        }
        let names: Vec<&str> = variants.iter().map(|v| v.name.as_str()).collect();
        Err(Error::input(format!("against: `{word}` is not among the variants: {}", names.join(", "))))
    }
}

/// The method and the rule of `search:METHOD/RULE`, if a word is that and both are there.
fn search(word: &str) -> Option<(Method, Option<Rule>)> {
    let (method, rule) = match Role::of(word) {
        Role::Search(method) => (method, None),
        Role::Searched(method, rule) => (method, Some(rule.parse().ok()?)),
        _ => return None,
    };
    Some((method.parse().ok()?, rule))
}

/// The name of a search, or of what a rule chose by it.
fn name_of(method: Method, rule: Option<Rule>) -> String {
    let (method, rule) = (method.to_string(), rule.map(Rule::name));
    match rule {
        Some(rule) => Role::Searched(&method, rule).to_string(),
        None => Role::Search(&method).to_string(),
    }
}

fn one(word: &str, config: &Config, places: Option<usize>, has_adact: bool) -> Result<Vec<Variant>> {
    let candidates = &config.model.candidates;
    let activation = |name: &str| -> Result<Activation> {
        name.parse::<Activation>().map_err(|e| Error::input(format!("variants: {e}")))
    };
    match word.split_once(':') {
        Some(("uniform", name)) => return Ok(vec![Variant::uniform(activation(name)?)]),
        Some(("random", count)) => return random(count, candidates, places),
        _ => {}
    }
    let chosen = |of: &str, rule| {
        Ok(vec![Variant { name: word.into(), source: Source::Chosen { of: of.into(), rule } }])
    };
    match Role::of(word) {
        Role::Search(_) | Role::Searched(..) if places.is_none() => {
            return Err(Error::input(format!(
                "variants: `{word}`: a training program searches in its own way, so leave it out"
            )));
        }
        Role::Nearest if places.is_none() => {
            return Err(Error::input(
                "variants: `nearest` needs what each place sees, which a program doesn't tell: leave it out",
            ));
        }
        Role::Frozen if places.is_none() => {
            return Err(Error::input(
                "variants: `frozen` keeps what `adact` learned, which a program can't be given: leave it out",
            ));
        }
        Role::Frozen if config.model.granularity == Granularity::Channel => {
            return Err(Error::input(
                "variants: `frozen` keeps a curve for each place, and not for each channel: leave it out",
            ));
        }
        Role::Frozen => return Ok(vec![Variant { name: word.into(), source: Source::Frozen }]),
        Role::Mixture => return Ok(vec![Variant::given(word, ADACT)]),
        Role::Optimized => return chosen(ADACT, config.search.choose),
        Role::Nearest => return chosen(ADACT, Rule::Nearest),
        Role::Search(method) => {
            let method = method.parse().map_err(|e: Error| e.about("variants"))?;
            return searching(method, None, config, has_adact);
        }
        Role::Searched(method, rule) => {
            let method = method.parse().map_err(|e: Error| e.about("variants"))?;
            let rule = rule.parse().map_err(|e| Error::input(format!("variants: {e}")))?;
            return searching(method, Some(rule), config, has_adact);
        }
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

/// A search, and what a rule chooses by it. What `adact` does already is not done again.
fn searching(method: Method, rule: Option<Rule>, config: &Config, has_adact: bool) -> Result<Vec<Variant>> {
    if method.shrink && config.model.candidates.len() < 2 {
        return Err(Error::input("variants: with one candidate none can leave, so give more --candidates"));
    }
    let is_adacts = method == config.search.mixing && has_adact;
    if is_adacts && rule.is_none() {
        return Err(Error::input(format!(
            "variants: `search:{method}` is what `adact` does already, so leave one of them out"
        )));
    }
    let of = if is_adacts { ADACT.into() } else { name_of(method, None) };
    let chosen = |rule| {
        let source = Source::Chosen { of: of.clone(), rule };
        Variant { name: name_of(method, Some(rule)), source }
    };
    let search = (of != ADACT).then(|| Variant::given(&of, ADACT));
    Ok(search.into_iter().chain(rule.map(chosen)).collect())
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
    let known = ["adact", "optimized", "nearest", "frozen", "all-uniform", "random", "uniform", "search"];
    let names = Activation::ALL.iter().map(|a| a.name());
    let many = places.map_or("one for each place".into(), |places| format!("{places} activations"));
    Error::input(format!(
        "`{word}` is no variant{}: choose from adact, optimized, nearest, frozen, an activation, uniform:ACTIVATION, all-uniform, \
         random:COUNT, search:METHOD, search:METHOD/RULE, or {many} joined by `+`",
        suggestion(word, known.into_iter().chain(names))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        parse(words, &Config::default(), Some(4)).unwrap().into_iter().map(|v| v.name).collect()
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
    fn a_search_comes_before_what_is_chosen_by_it() {
        assert_eq!(
            names(&["search:gumbel/nearest", "search:gumbel/weight", "relu"]),
            ["search:gumbel", "search:gumbel/nearest", "search:gumbel/weight", "relu"]
        );
        assert_eq!(names(&["search:anneal+shrink"]), ["search:anneal-shrink"]);
        // What AdAct does is not searched again.
        let twice = parse(&["search:softmax", "adact"], &Config::default(), Some(4)).unwrap_err().to_string();
        assert!(twice.contains("is what `adact` does already"), "{twice}");
        assert_eq!(names(&["search:softmax/distil", "adact"]), ["search:softmax/distil", "adact"]);
        assert_eq!(names(&["search:softmax/distil"]), ["search:softmax", "search:softmax/distil"]);
        let mut config = Config::default();
        config.search.choose = Rule::Distil;
        let source = |i: usize, words: &[&str]| parse(words, &config, Some(4)).unwrap()[i].source.clone();
        let chosen = |rule| Source::Chosen { of: "adact".into(), rule };
        assert_eq!(source(1, &["adact", "optimized"]), chosen(Rule::Distil));
        assert_eq!(source(2, &["adact", "optimized", "nearest"]), chosen(Rule::Nearest));
        assert_eq!(source(0, &["search:softmax/weight", "adact", "optimized"]), chosen(Rule::Weight));
        for (words, why) in [
            (vec!["adact", "relu"], "it is for the variant `optimized`"),
            (vec!["relu"], "it is for the variant `optimized`"),
        ] {
            let error = parse(&words, &config, Some(4)).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        let mut gumbel = Config::default();
        gumbel.search.mixing = "gumbel".parse().unwrap();
        let error = parse(&["search:hard", "relu"], &gumbel, Some(4)).unwrap_err();
        assert!(error.to_string().contains("it is for the variant `adact`"), "{error}");
        let mut fast = Config::default();
        fast.search.lr = Some(0.1);
        parse(&["search:hard", "relu"], &fast, Some(4)).unwrap();
        let error = parse(&["mish", "relu"], &fast, Some(4)).unwrap_err();
        assert!(error.to_string().contains("search-lr: is of no use here"), "{error}");
        let error = parse(&["adact", "search:hard"], &config, None).unwrap_err();
        assert!(error.to_string().contains("searches in its own way"), "{error}");
    }

    #[test]
    fn random_choices_are_fixed_and_made_of_candidates() {
        let mut config = Config::default();
        config.model.candidates = vec![Activation::Relu, Activation::Mish];
        let a = parse(&["random:20"], &config, Some(4)).unwrap();
        assert_eq!(a, parse(&["random:20"], &config, Some(4)).unwrap());
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
            parse(&["adact", "optimized", "uniform:leaky_relu"], &Config::default(), Some(4)).unwrap();
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
        let variants = parse(&["adact", "random:2", "mish+relu"], &Config::default(), None).unwrap();
        let run = |places: usize| RunResult {
            activations: vec!["adact".into(); places],
            ..serde_json::from_value(serde_json::json!({
                "dataset": "d", "variant": "adact", "activations": ["adact"], "seed": 0, "epochs": 1,
                "best": {"epoch": 1, "test_accuracy": 0.5}, "last": {}, "parameters": 1, "seconds": 1.0,
            }))
            .unwrap()
        };
        assert!(variants[1].source.activations(None, None).is_none());
        let drawn = variants[2].source.activations(Some(&run(4)), None).unwrap().unwrap().activations;
        let known = parse(&["random:2"], &Config::default(), Some(4)).unwrap();
        assert_eq!(Source::Given(drawn), known[1].source);
        let error = parse(&["random:2", "relu"], &Config::default(), None).unwrap_err();
        assert!(error.to_string().contains("so give `adact` as well"), "{error}");
        let error = parse(&["adact", "nearest"], &Config::default(), None).unwrap_err();
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
            (vec!["frozen"], "`adact` as well"),
            (vec!["random:0"], "1 to 100"),
            (vec!["search:gumble"], "(did you mean `gumbel`?)"),
            (vec!["search:gumbel/neerest"], "did you mean 'nearest'"),
            (vec!["serach:gumbel"], "search:METHOD"),
            (vec!["mish+relu"], "4 layers"),
            (vec!["mish+relu+elu+slu"], "silu"),
            (vec![], "at least one"),
        ] {
            let error = parse(&words, &Config::default(), Some(4)).unwrap_err();
            assert!(error.is_input() && error.to_string().contains(expected), "{words:?}: {error}");
        }
    }
}
