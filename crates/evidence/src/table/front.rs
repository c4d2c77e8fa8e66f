//! What activations cost, in sentences and as Markdown.

use super::cell;
use super::numbers::{capital, interval, mean_and_sd, p_in_words, signed_interval};
use crate::axes::{number, signed};
use crate::front::{Front, Point, front};
use crate::names::{self, MANY_PLACES};
use crate::records::{Beside, Role, StudyResult};
use crate::statistics::{Comparison, Verdict};

/// Which of the variants is as good as the best and fastest, what that is worth and how sure it is, in sentences for people who have
/// not read the paper. None where no activations were timed, or those of one variant alone.
pub fn cost_in_words(study: &StudyResult) -> Vec<String> {
    let Some(front) = front(study).filter(|front| front.points.len() > 1) else { return Vec::new() };
    let (best, pick) = (front.best(), front.pick());
    match pick.against_best.as_ref().filter(|_| front.pick != front.best) {
        Some(comparison) => saved(study, best, pick, comparison),
        None => {
            let mut told = vec![format!(
                "{} has the best mean, and no other variant that is as good as far as {} can tell takes less time by more than the \
                 noise of the measurement.",
                best.name,
                seeds(best.judged.n)
            )];
            let comparisons = || front.points.iter().filter_map(|point| point.against_best.as_ref());
            let few = |c: &&Comparison| c.seen_from(&best.variant).1 == Verdict::TooFewSeeds;
            told.extend(comparisons().find(few).map(|c| {
                format!(
                    "That says little: {} can't decide between variants whatever they say, {} at least could.",
                    seeds(c.difference.n),
                    c.seeds_to_reach_level
                )
            }));
            told
        }
    }
}

fn saved(study: &StudyResult, best: &Point, pick: &Point, comparison: &Comparison) -> Vec<String> {
    let metric = study.primary();
    let as_good = match metric.is_accuracy() {
        true => format!("as accurate as {}", best.name),
        false => format!("as good as {} by the {}", best.name, metric.words),
    };
    let n = comparison.difference.n;
    let (difference, verdict) = comparison.seen_from(&pick.variant);
    let sign = if Role::of(&comparison.a) == Role::of(&pick.variant) { 1.0 } else { -1.0 };
    let ends = comparison.difference.ci95.map(|[low, high]| match sign > 0.0 {
        true => [low, high],
        false => [-high, -low],
    });
    let everywhere = match pick.activations.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => names::activation(first),
        _ => &pick.name,
    };
    let which =
        if pick.name.contains(everywhere) { String::new() } else { format!(", {everywhere} everywhere,") };
    let mut told = vec![format!(
        "{}{which} is {as_good} as far as {} can tell, and a training step takes {} time ({}); the inference of a batch {}.",
        pick.name,
        seeds(n),
        less(&pick.step),
        noise(&pick.step),
        match pick.infer.is_noise() {
            true => format!("takes about as long ({})", noise(&pick.infer)),
            false => format!("takes {} ({})", less(&pick.infer), noise(&pick.infer)),
        }
    )];
    let saves = format!("{:.0}%", -pick.step.percent());
    told.extend(instead(study, pick, best).map(|instead| {
        format!(
            "{instead} costs nothing in {} that {} could show, and saves {saves} of the time of a step.",
            metric.words,
            seeds(n)
        )
    }));
    told.push(match (verdict, ends) {
        (Verdict::TooFewSeeds, _) => format!(
            "That says little: {} can't decide between the two whatever they say, {} at least could. The difference in {} is {}.",
            seeds(n),
            comparison.seeds_to_reach_level,
            metric.on_test(),
            signed(difference)
        ),
        (_, Some(ends)) => format!(
            "No proof that they are equal: the difference in {} is {}, and its 95% interval goes from {} ({}).",
            metric.on_test(),
            signed(difference),
            signed_interval(ends),
            p_in_words(comparison.permutation_holm)
        ),
        (_, None) => format!("The difference in {} is {}.", metric.on_test(), signed(difference)),
    });
    told
}

/// "ReLU in layers 1 and 2 instead of Mish", where two variants differ in some of their places alone.
fn instead(study: &StudyResult, pick: &Point, best: &Point) -> Option<String> {
    let (ours, theirs) = (&pick.activations, &best.activations);
    let different: Vec<usize> = (0..ours.len()).filter(|&i| Some(&ours[i]) != theirs.get(i)).collect();
    let mixes = ours.iter().chain(theirs).any(|activation| activation == "adact");
    if different.is_empty() || different.len() == ours.len() || ours.len() != theirs.len() || mixes {
        return None;
    }
    let mut groups: Vec<(&str, &str, Vec<usize>)> = Vec::new();
    for i in different {
        match groups.iter_mut().find(|(to, from, _)| *to == ours[i] && *from == theirs[i]) {
            Some((_, _, places)) => places.push(i),
            None => groups.push((&ours[i], &theirs[i], vec![i])),
        }
    }
    let words = |(to, from, at): &(&str, &str, Vec<usize>)| {
        format!("{} in {} instead of {}", names::activation(to), places(study, at), names::activation(from))
    };
    Some(names::list(&groups.iter().map(words).collect::<Vec<_>>()))
}

/// "layers 1 and 2", "layer1.0.act1", "12 places".
fn places(study: &StudyResult, at: &[usize]) -> String {
    let word = study.place_word();
    if at.len() > MANY_PLACES {
        return super::count(at.len(), word);
    }
    let path = |&i: &usize| match &study.places {
        Some(places) => places.get(i).cloned().unwrap_or_default(),
        None => (i + 1).to_string(),
    };
    let list = names::list(&at.iter().map(path).collect::<Vec<_>>());
    match (&study.places, at.len()) {
        (Some(_), _) => list,
        (None, 1) => format!("{word} {list}"),
        (None, _) => format!("{word}s {list}"),
    }
}

fn seeds(n: usize) -> String {
    super::count(n, "seed")
}

/// "9.1% less", "2.0% more".
fn less(time: &Beside) -> String {
    let percent = time.percent();
    format!("{:.1}% {}", percent.abs(), if percent <= 0.0 { "less" } else { "more" })
}

/// "±0.8%".
fn noise(time: &Beside) -> String {
    format!("±{:.1}%", 100.0 * time.noise)
}

/// How the times were measured and what the table tells.
pub(crate) fn measured_in_words(study: &StudyResult) -> String {
    let Some(timings) = &study.timings else { return String::new() };
    let machine = &timings.machine;
    format!(
        "Times of this machine ({}, {}, {}) with {} at once, measured when all trainings had ended: the activations of each training \
         took turns with {} at every place. ± is the noise of the measurement (three standard errors), and a variant's time is the mean over its seeds. \
         Percentages are beside the variant with the best mean. A mixture is timed as its training begins; candidates that leave \
         make it faster later. On the front no other variant is both as good and as fast, by the means.",
        machine.processor,
        super::count(machine.threads, "thread"),
        machine.simd,
        super::count(timings.batch, "example"),
        names::activation(&timings.base)
    )
}

/// The heads of the table, and which columns are numbers.
pub(crate) fn heads(study: &StudyResult) -> Vec<(String, bool)> {
    let judged = format!("{} {}", capital(&study.primary().on_test()), study.judged_in_words());
    let several = study.seeds.len() > 1;
    let mut heads = vec![("Variant".to_string(), false), (judged, true)];
    heads.extend(several.then(|| ("95% interval of the mean".to_string(), true)));
    for head in ["Training step", "Beside the best", "Inference", "Beside the best"] {
        heads.push((head.into(), true));
    }
    heads.push((String::new(), false));
    heads
}

/// What the section is called: "Accuracy against time".
pub(crate) fn title(study: &StudyResult) -> String {
    format!("{} against time", capital(&study.primary().words))
}

/// The cells of a point, as [`heads`] names them.
pub(crate) fn cells(study: &StudyResult, front: &Front, i: usize) -> Vec<String> {
    let point = &front.points[i];
    let beside = |time: &Beside| match () {
        () if i == front.best => String::new(),
        () if time.is_noise() => format!("within {}", noise(time)),
        () => {
            let sign = if time.percent() > 0.0 { "+" } else { "" };
            format!("{sign}{}% {}", number(time.percent(), 1), noise(time).replace('±', "± "))
        }
    };
    let ms = |ms: f64| format!("{ms:.2} ms");
    let role = match () {
        () if i == front.pick && i == front.best => "best mean, none as good is faster",
        () if i == front.pick => "fastest that is as good as the best, as far as seeds can tell",
        () if i == front.best => "best mean",
        () => "",
    };
    let on_front = if point.on_front { "on the front" } else { "" };
    let role = [role, on_front].into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ");
    let mut cells = vec![point.name.clone(), mean_and_sd(&point.judged)];
    if study.seeds.len() > 1 {
        cells.push(point.judged.ci95.map(interval).unwrap_or_default());
    }
    cells.extend([ms(point.step_ms), beside(&point.step), ms(point.infer_ms), beside(&point.infer), role]);
    cells
}

/// The section of `table.md`; nothing where no activations were timed.
pub(super) fn markdown(study: &StudyResult) -> String {
    let Some(front) = front(study) else { return String::new() };
    let heads = heads(study);
    let row = |cells: Vec<String>| {
        format!("| {} |\n", cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(" | "))
    };
    let sides: Vec<&str> = heads.iter().map(|(_, number)| if *number { "---:" } else { "---" }).collect();
    let mut out = format!("\n{}:", title(study));
    for sentence in cost_in_words(study) {
        out += &format!(" {}", cell(&sentence));
    }
    out += "\n\n";
    out += &row(heads.iter().map(|(head, _)| head.clone()).collect());
    out += &format!("|{}|\n", sides.join("|"));
    (0..front.points.len()).for_each(|i| out += &row(cells(study, &front, i)));
    out + &format!("\n{}\n", cell(&measured_in_words(study)))
}
