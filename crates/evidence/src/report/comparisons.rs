//! Variants in pairs, and our numbers beside the paper's.

use maud::{Markup, html};

use super::table;
use crate::axes::signed;
use crate::names;
use crate::records::StudyResult;
use crate::reproduction::{Holds, Reproduction};
use crate::statistics::{Comparison, Method, Verdict, smallest_p};
use crate::table::{correction_in_words, count, direction_in_words, mean_and_sd, p_value, signed_interval};

/// The comparisons, and how to read them.
pub fn comparisons(result: &StudyResult) -> Markup {
    let (first, others) = result.statistics.by_interest();
    html! {
        (in_rows(&first))
        @if !others.is_empty() {
            details {
                summary { (count(others.len(), "more comparison")) " between the other variants" }
                (in_rows(&others))
            }
        }
        (explained(result))
    }
}

fn in_rows(comparisons: &[&Comparison]) -> Markup {
    let class = |c: &Comparison| match c.verdict {
        Verdict::Better => "name better",
        Verdict::Worse => "name worse",
        Verdict::NoDifferenceShown | Verdict::TooFewSeeds => "name",
    };
    let heads = [
        ("Comparison", false),
        ("Mean difference", true),
        ("95% interval", true),
        ("p, permutation", true),
        ("p, t-test", true),
        ("Verdict", false),
        ("Seeds to show it", true),
    ];
    let rows = html! {
        @for c in comparisons {
            tr {
                td.name { (c.name_a()) " − " (c.name_b()) }
                td.n { (signed(c.difference.mean)) }
                td.n { (c.difference.ci95.map(signed_interval).unwrap_or_default()) }
                td.n { (p_value(Some(c.permutation_holm))) }
                td.n { (p_value(c.t_test_holm)) }
                td class=(class(c)) { (c.short()) }
                td.n { (c.seeds_needed_in_words()) }
            }
        }
    };
    table(&heads, rows)
}

fn explained(result: &StudyResult) -> Markup {
    let all = &result.statistics.comparisons;
    let Some(first) = all.first() else { return html! {} };
    let m = result.statistics.family;
    let draws = match first.permutation.method {
        Method::Exact => "every combination of signs".to_string(),
        Method::Sampled(draws) => format!("{draws} combinations of signs, drawn"),
    };
    let open = all.iter().filter(|c| c.verdict == Verdict::TooFewSeeds).map(|c| c.difference.n).max();
    html! {
        p.lead {
            "Differences in the " (result.primary().on_test()) " " (result.judged_in_words()) "."
            (direction_in_words(result)) " Runs with one seed share initial weights and batch order and are compared in pairs. \
             p-values are two-sided and " (correction_in_words(result)) ". The verdict follows the permutation test (" (draws)
            ") at the level " (result.statistics.level) "; the t-test, beside it, assumes normally distributed differences. \
             “Seeds to show it”: for a power of 80% by the paired t-test at the level divided by " (m) ", if mean and spread of \
             the differences are as seen here, and at least as many as the permutation test needs. From few seeds that is a rough \
             guess."
        }
        @if let Some(n) = open {
            p {
                b { (n) " seeds can't decide." } " Even if all of them agree, the smallest p-value of " (n) " pairs is "
                (format!("{:.4}", smallest_p(n))) ", and " (count(m, "comparison")) (if m == 1 { " makes" } else { " make" })
                " it " (format!("{:.4}", (smallest_p(n) * m as f64).min(1.0))) ". At least " (first.seeds_to_reach_level)
                " seeds are needed."
            }
        }
    }
}

/// Our numbers beside the paper's Table 1, and its claims.
pub fn paper(beside: &Reproduction) -> Markup {
    let class = |holds: Holds| match holds {
        Holds::Yes => Some("yes"),
        Holds::No => Some("no"),
        Holds::NotShown | Holds::NotContradicted => None,
    };
    let number_heads = [
        ("Data set", false),
        ("Variant", false),
        ("Paper (Table 1)", true),
        ("Ours, best epoch on the test set", true),
        ("", false),
    ];
    let numbers = html! {
        @for row in &beside.numbers {
            tr {
                td { (names::dataset(&row.dataset)) }
                td { (names::variant(&row.variant)) }
                td.n { (format!("{:.3}", row.paper)) }
                td.n { (mean_and_sd(&row.ours)) }
                td { (row.words()) }
            }
        }
    };
    let claim_heads =
        [("Data set", false), ("The paper says", false), ("Where", false), ("Ours", false), ("", false)];
    let claims = html! {
        @for row in &beside.claims {
            tr {
                td { (names::dataset(row.claim.dataset)) }
                td { (row.says) }
                td { (row.claim.place) }
                td { (row.ours) }
                td class=[class(row.holds)] { (row.holds.words()) }
            }
        }
    };
    html! {
        h2 id="paper" { "Beside the paper" }
        p.lead {
            "The paper’s numbers are its own: one run each, the best epoch picked on the test set. Ours beside them are measured \
             in the same way; claims follow the verdicts above, which don’t rest on such numbers. R. Maiti, “AdAct: Learning to \
             Optimize Activation Function Choice Through Adaptive Activation Modules”, ICLR 2024 Tiny Papers."
        }
        (table(&number_heads, numbers))
        @for caveat in &beside.caveats { p.lead { (caveat) } }
        (table(&claim_heads, claims))
    }
}
