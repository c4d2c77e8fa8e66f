//! Variants in pairs, and our numbers beside the paper's.

use crate::axes::signed;
use crate::names;
use crate::records::StudyResult;
use crate::reproduction::{Holds, Reproduction};
use crate::statistics::{Comparison, Method, Verdict, smallest_p};
use crate::svg::escape;
use crate::table::{correction_in_words, count, mean_and_sd, p_value, signed_interval};

/// The comparisons, and how to read them.
pub fn comparisons(result: &StudyResult) -> String {
    let (first, others) = result.statistics.by_interest();
    let mut out = table(&first);
    if !others.is_empty() {
        out += &format!(
            "<details><summary>{} between the other variants</summary>\n{}</details>\n",
            count(others.len(), "more comparison"),
            table(&others)
        );
    }
    out + &explained(result)
}

fn table(comparisons: &[&Comparison]) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table>\n<thead><tr><th>Comparison</th><th class=\"n\">Mean difference</th>\
         <th class=\"n\">95% interval</th><th class=\"n\">p, permutation</th><th class=\"n\">p, t-test</th><th>Verdict</th>\
         <th class=\"n\">Seeds to show it</th></tr></thead>\n<tbody>\n",
    );
    for c in comparisons {
        let class = match c.verdict {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::NoDifferenceShown | Verdict::TooFewSeeds => "",
        };
        let interval = c.difference.ci95.map(signed_interval);
        out += &format!(
            "<tr><td class=\"name\">{} − {}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"name {class}\">{}</td><td class=\"n\">{}</td></tr>\n",
            escape(&c.name_a()),
            escape(&c.name_b()),
            signed(c.difference.mean),
            interval.unwrap_or_default(),
            p_value(Some(c.permutation_holm)),
            p_value(c.t_test_holm),
            c.short(),
            c.seeds_needed_in_words()
        );
    }
    out + "</tbody></table></div>\n"
}

fn explained(result: &StudyResult) -> String {
    let all = &result.statistics.comparisons;
    let Some(first) = all.first() else { return String::new() };
    let m = result.statistics.family;
    let draws = match first.permutation.method {
        Method::Exact => "every combination of signs".to_string(),
        Method::Sampled(draws) => format!("{draws} combinations of signs, drawn"),
    };
    let mut out = format!(
        "<p class=\"lead\">Differences in the test accuracy {}. Runs with one seed share initial weights and batch order and \
         are compared in pairs. p-values are two-sided and {}. The verdict follows the permutation test ({draws}) at the \
         level {}; the t-test, beside it, assumes normally distributed differences. “Seeds to show it”: for a power of 80% by \
         the paired t-test at the level divided by {m}, if mean and spread of the differences are as seen here, and at least \
         as many as the permutation test needs. From few seeds that is a rough guess.</p>\n",
        result.selection.judged_in_words(),
        escape(&correction_in_words(result)),
        result.statistics.level
    );
    let open = all.iter().filter(|c| c.verdict == Verdict::TooFewSeeds).map(|c| c.difference.n);
    if let Some(n) = open.max() {
        out += &format!(
            "<p><b>{n} seeds can't decide.</b> Even if all of them agree, the smallest p-value of {n} pairs is {:.4}, and {m} \
             comparison{} make it {:.4}. At least {} seeds are needed.</p>\n",
            smallest_p(n),
            if m == 1 { "" } else { "s" },
            (smallest_p(n) * m as f64).min(1.0),
            first.seeds_to_reach_level
        );
    }
    out
}

/// Our numbers beside the paper's Table 1, and its claims.
pub fn paper(beside: &Reproduction) -> String {
    let mut out = String::from(
        "<h2 id=\"paper\">Beside the paper</h2>\n<p class=\"lead\">The paper’s numbers are its own: one run each, the best epoch \
         picked on the test set. Ours beside them are measured in the same way; claims follow the verdicts above, which don’t \
         rest on such numbers. R. Maiti, “AdAct: Learning to Optimize Activation Function Choice Through Adaptive Activation \
         Modules”, ICLR 2024 Tiny Papers.</p>\n",
    );
    out += "<div class=\"scroll\"><table>\n<thead><tr><th>Data set</th><th>Variant</th><th class=\"n\">Paper (Table 1)</th>\
            <th class=\"n\">Ours, best epoch on the test set</th><th></th></tr></thead>\n<tbody>\n";
    for row in &beside.numbers {
        out += &format!(
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{:.3}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            escape(names::dataset(&row.dataset)),
            escape(&names::variant(&row.variant)),
            row.paper,
            mean_and_sd(&row.ours),
            escape(&row.words())
        );
    }
    out += "</tbody></table></div>\n";
    out +=
        &beside.caveats.iter().map(|c| format!("<p class=\"lead\">{}</p>\n", escape(c))).collect::<String>();
    out += "<div class=\"scroll\"><table>\n<thead><tr><th>Data set</th><th>The paper says</th>\
            <th>Where</th><th>Ours</th><th></th></tr></thead>\n<tbody>\n";
    for row in &beside.claims {
        let class = match row.holds {
            Holds::Yes => "yes",
            Holds::No => "no",
            Holds::NotShown | Holds::NotContradicted => "",
        };
        out += &format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"{class}\">{}</td></tr>\n",
            escape(names::dataset(row.claim.dataset)),
            escape(&row.says),
            escape(row.claim.place),
            escape(&row.ours),
            row.holds.words()
        );
    }
    out + "</tbody></table></div>\n"
}
