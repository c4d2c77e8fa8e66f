//! The table as Markdown.

use super::numbers::{capital, interval, mean_and_sd, mean_and_sd_or_nothing, p_value, signed_interval};
use super::sentences::{
    correction_in_words, direction_in_words, search_in_words, selection_in_words, shortcomings,
    undecided_in_words,
};
use crate::axes::signed;
use crate::names;
use crate::nearest::{DISTANCE_IN_WORDS, by_curve};
use crate::records::StudyResult;
use crate::searches::{IN_WORDS, kept_in_words, searches};

/// The table as Markdown, with what it rests on.
pub fn markdown(study: &StudyResult) -> String {
    let several = study.seeds.len() > 1;
    let seeds = match study.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds, mean ± standard deviation", seeds.len()),
    };
    let metric = capital(&study.primary().on_test());
    let network = study.network.iter().filter(|_| !study.is_papers_network());
    let network: String = network.map(|network| format!(" with {}", names::network(network))).collect();
    let mut out = format!(
        "{metric} on {}, {}, {seeds}. ",
        cell(&(study.dataset.clone() + &network)),
        study.length_in_words()
    );
    out += &selection_in_words(study);
    out += direction_in_words(study);
    out += &search_in_words(study);
    for (i, sentence) in shortcomings(study).iter().enumerate() {
        out += &format!("{}- {}", if i == 0 { "\n\n" } else { "\n" }, cell(sentence));
    }
    out += &variants_table(study, several);
    if let Some(test_set) = &study.statistics.test_set {
        out += &format!("\n{}\n", cell(&test_set.words(&study.dataset)));
    }
    if !study.choices.is_empty() {
        out += &choices_table(study, several);
    }
    out += &super::front::markdown(study);
    out += &searches_table(study);
    if several && !study.statistics.comparisons.is_empty() {
        out += &comparisons_table(study);
    }
    if let Some(builds) = study.provenance.several_builds() {
        out += &format!("\n{}\n", cell(&builds));
    }
    out
}

fn variants_table(study: &StudyResult, several: bool) -> String {
    let (metric, picked) = (capital(&study.primary().on_test()), study.picked_in_words());
    let mut out = format!("\n\n| Variant | Activations | {} {} |", cell(&metric), study.judged_in_words());
    out += if several { " 95% interval of the mean |" } else { "" };
    out += &picked.map_or(String::new(), |picked| format!(" {} |", capital(picked)));
    out += " Parameters | Time |\n|---|---|---:|";
    out += if several { "---:|" } else { "" };
    out += if picked.is_some() { "---:|" } else { "" };
    out += "---:|---:|\n";
    for row in &study.table {
        let judged = mean_and_sd_or_nothing(&row.judged);
        out += &format!("| {} | {} | {judged} |", cell(&row.name()), cell(&row.activations_in_words()));
        if several {
            out += &format!(" {} |", row.judged.and_then(|j| j.ci95).map(interval).unwrap_or_default());
        }
        if picked.is_some() {
            out += &format!(" {} |", mean_and_sd_or_nothing(&row.kept()));
        }
        out += &format!(" {} | {} |\n", row.parameters_in_words(), row.time_in_words());
    }
    out
}

fn choices_table(study: &StudyResult, several: bool) -> String {
    // Layers are numbers, places are paths.
    let (head, side) = if study.is_papers_network() { ("Layer", "---:") } else { ("Place", "---") };
    let curves: Vec<_> = study.choices.iter().map(|choice| by_curve(study, choice.layer - 1)).collect();
    let have_curves = curves.iter().all(Option::is_some);
    let mut out = format!("\n| {head} | {}'s choice | Weight |", study.mixture_name());
    let mut line = format!("\n|{side}|---|---:|");
    if several {
        out += " Seeds that chose it | Pairs of seeds that agree |";
        line += "---|---:|";
    }
    if have_curves {
        out += " Distance from the learned curve | Nearest to the curve |";
        line += "---:|---|";
    }
    out += &(line + "\n");
    for (choice, curve) in study.choices.iter().zip(&curves) {
        // Of an undecided layer the numbers are those of the first that is named.
        let place = study.place_of(choice);
        let place = cell(place.strip_prefix("layer ").unwrap_or(&place));
        out += &format!("| {place} | {} | {:.3} |", cell(&choice.words()), choice.share);
        if several {
            let agree = choice.agreement.map_or("–".into(), |a| format!("{:.0}%", 100.0 * a));
            out += &format!(" {} of {} | {agree} |", choice.votes(), choice.by_seed.len());
        }
        if let Some(curve) = curve.as_ref().filter(|_| have_curves) {
            let distance =
                |name: &str| curve.of(name).map_or(String::new(), |near| format!("{:.3}", near.distance));
            let nearest = names::activation(&curve.choice);
            out +=
                &format!(" {} | {} ({}) |", distance(&choice.choice), cell(nearest), distance(&curve.choice));
        }
        out += "\n";
    }
    if study.choices.iter().any(|c| !c.undecided.is_empty()) {
        out += &format!(
            "\n{} The numbers are those of the one named first.\n",
            undecided_in_words(study.seeds.len())
        );
    }
    if have_curves {
        out += &format!("\n{DISTANCE_IN_WORDS}\n");
    }
    out
}

/// What each search found by each rule, and what came of it; nothing where records don't tell.
fn searches_table(study: &StudyResult) -> String {
    let searches = searches(study);
    if searches.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "\n| Search | Mixture | At once | Rule | Activation for each {}, of most seeds | Seeds agree | Trained anew |\n\
         |---|---:|---:|---|---|---:|---:|\n",
        study.place_word()
    );
    for search in &searches {
        let (mixture, at_once) = (&search.mixture, &search.discretised);
        let (mixture, at_once) = (mean_and_sd_or_nothing(mixture), mean_and_sd_or_nothing(at_once));
        let mut first = format!("{} | {mixture} | {at_once}", cell(&names::variant(&search.variant)));
        for chosen in &search.rules {
            let trained = chosen.trained.as_ref().map_or(String::new(), |(_, reached)| mean_and_sd(reached));
            out += &format!(
                "| {first} | {} | {} | {} | {trained} |\n",
                chosen.rule,
                cell(&chosen.words()),
                chosen.agreement_in_words()
            );
            first = " | | ".into();
        }
    }
    out + &format!("\n{IN_WORDS} {}\n", cell(&kept_in_words(study)))
}

fn comparisons_table(study: &StudyResult) -> String {
    let mut out = String::from(
        "\n| Comparison | Mean difference | 95% interval | Permutation test | t-test | Verdict | Seeds to show it |\n\
         |---|---:|---:|---:|---:|---|---:|\n",
    );
    for c in &study.statistics.comparisons {
        out += &format!(
            "| {} − {} | {} | {} | {} | {} | {} | {} |\n",
            cell(&c.name_a()),
            cell(&c.name_b()),
            signed(c.difference.mean),
            c.difference.ci95.map(signed_interval).unwrap_or_default(),
            p_value(Some(c.permutation_holm)),
            p_value(c.t_test_holm),
            c.short(),
            c.seeds_needed_in_words()
        );
    }
    out += &format!(
        "\nDifferences in the {} {}.{} p-values are two-sided and {}. Seeds to show it: for a power of 80% if mean \
         and spread are as seen here.\n",
        study.primary().on_test(),
        study.judged_in_words(),
        direction_in_words(study),
        cell(&correction_in_words(study))
    );
    if let Some(why) = study.statistics.too_few_seeds() {
        out += &format!("\n{why}\n");
    }
    out
}

/// Text from outside as the contents of a Markdown cell: one line, and nothing that ends the cell or begins HTML.
pub(crate) fn cell(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_stays_in_its_cell() {
        assert_eq!(cell("a|b\n<c"), "a\\|b &lt;c");
    }
}
