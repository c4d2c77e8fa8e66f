//! A study beside the paper: its numbers, and whether its claims hold.

use crate::agreement::{More, not_clearly};
use crate::axes::signed;
use crate::figures::{layers_of, mean_softmax};
use crate::names;
use crate::paper::{CLAIMS, Claim, TABLE_1, What};
use crate::records::{LayerChoice, Role, Selection, StudyResult};
use crate::statistics::{Summary, Verdict, prediction_interval};
use crate::table::{cell, count, mean_and_sd, p_in_words, shortcomings};

/// One number of the paper's Table 1 beside ours.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberRow {
    /// The data set.
    pub dataset: String,
    /// The variant.
    pub variant: String,
    /// The paper's accuracy, of one run.
    pub paper: f64,
    /// Ours, measured as the paper does: the best epoch on the test set (where another part of the data picked the
    /// epoch, that one).
    pub ours: Summary,
    /// With how many seeds our training failed.
    pub failed: usize,
    /// Where another run of ours would fall with a probability of 95%, if runs are normally distributed;
    /// absent with a single seed.
    pub expected: Option<[f64; 2]>,
}

/// Whether a claim of the paper holds in our runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Our runs show the same.
    Yes,
    /// Our runs show something else.
    No,
    /// Our runs don't show the difference that is claimed.
    NotShown,
    /// Our runs don't show a difference, where none is claimed.
    NotContradicted,
}

/// A claim and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimRow {
    /// The claim.
    pub claim: Claim,
    /// The claim in words.
    pub says: String,
    /// Whether it holds.
    pub holds: Holds,
    /// What ours are, in words.
    pub ours: String,
}

/// Studies beside the paper.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reproduction {
    /// The numbers, by data set and variant.
    pub numbers: Vec<NumberRow>,
    /// The claims, by data set.
    pub claims: Vec<ClaimRow>,
    /// Where the studies differ from the paper's protocol, or say something of their data.
    pub caveats: Vec<String>,
}

impl NumberRow {
    /// What the two numbers say together.
    pub fn words(&self) -> String {
        let off = format!("{} against the paper", signed(self.ours.mean - self.paper));
        let failed = match self.failed {
            0 => String::new(),
            n => format!("; failed with {n} of {}", count(n + self.ours.n, "seed")),
        };
        let off = off + &failed;
        match self.expected {
            None => format!("{off}; one seed has no spread to measure it with"),
            Some([low, high]) if (low..=high).contains(&self.paper) => {
                format!("{off}: the paper's run could be one of ours")
            }
            Some(_) => format!("{off}: more than seeds explain"),
        }
    }
}

impl Holds {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Holds::Yes => "agrees",
            Holds::No => "differs",
            Holds::NotShown => "not shown",
            Holds::NotContradicted => "not contradicted",
        }
    }
}

impl Reproduction {
    /// Holds studies against the paper. Studies of data sets, networks or metrics that the paper does not have add nothing.
    /// Numbers are the
    /// paper's kind (see [`NumberRow::ours`]); claims follow the studies' verdicts, which rest on
    /// [`RunResult::judged`](crate::records::RunResult::judged).
    pub fn of<'a>(studies: impl IntoIterator<Item = &'a StudyResult>) -> Self {
        let mut all = Self::default();
        let mut family = None;
        let like_paper = |study: &&StudyResult| study.is_papers_network() && study.primary().is_accuracy();
        for study in studies.into_iter().filter(like_paper) {
            all.numbers.extend(TABLE_1.iter().filter_map(|(role, _)| number(study, *role)));
            let claims = CLAIMS.iter().filter(|c| c.dataset == study.dataset);
            all.claims.extend(claims.filter_map(|c| judge(study, *c)));
            all.caveats.extend(caveats(study));
            family = study.together.as_ref().map(|_| study.statistics.family).or(family);
        }
        all.caveats.extend(family.map(|n| {
            format!("Verdicts are corrected for {} of all data sets together (Holm).", count(n, "comparison"))
        }));
        all
    }

    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.claims.is_empty()
    }

    /// Both tables as Markdown.
    pub fn markdown(&self) -> String {
        let mut out = String::from(
            "| Data set | Variant | Paper (one run) | Ours, best epoch on the test set | |\n|---|---|---:|---:|---|\n",
        );
        for row in &self.numbers {
            out += &format!(
                "| {} | {} | {:.3} | {} | {} |\n",
                names::dataset(&row.dataset),
                names::variant(&row.variant),
                row.paper,
                mean_and_sd(&row.ours),
                row.words()
            );
        }
        for caveat in &self.caveats {
            out += &format!("\n{}\n", cell(caveat));
        }
        out += "\n| Data set | The paper says | Ours | |\n|---|---|---|---|\n";
        for row in &self.claims {
            out += &format!(
                "| {} | {} ({}) | {} | {} |\n",
                names::dataset(row.claim.dataset),
                row.says,
                row.claim.place,
                cell(&row.ours),
                row.holds.words()
            );
        }
        out
    }
}

/// The epochs of the paper's protocol.
const PAPER_EPOCHS: usize = 15;

fn caveats(study: &StudyResult) -> Option<String> {
    let mut differs = Vec::new();
    if study.epochs != PAPER_EPOCHS {
        differs.push(format!("{} epochs instead of {PAPER_EPOCHS}", study.epochs));
    }
    if study.selection != Selection::Test {
        differs.push("best epoch not picked on the test set".into());
    }
    differs.extend(shortcomings(study));
    differs.extend(study.provenance.dataset_note.iter().map(|note| format!("data: {note}")));
    let in_paper = crate::paper::DATASETS.contains(&study.dataset.as_str());
    (in_paper && !differs.is_empty())
        .then(|| format!("{}: {}.", names::dataset(&study.dataset), differs.join("; ")))
}

fn number(study: &StudyResult, role: Role<'_>) -> Option<NumberRow> {
    let paper = crate::paper::accuracy(role, &study.dataset)?;
    let row = study.table.iter().find(|r| r.role() == role)?;
    let (ours, failed) = (row.kept()?, row.failed);
    let expected = prediction_interval(&ours);
    Some(NumberRow {
        dataset: study.dataset.clone(),
        variant: row.variant.clone(),
        paper,
        ours,
        failed,
        expected,
    })
}

/// What became of a claim; `None` if the study has not what it speaks of.
fn judge(study: &StudyResult, claim: Claim) -> Option<ClaimRow> {
    let (says, holds, ours) = match claim.what {
        What::Leads(layer, leaders) => leads(study, layer, leaders)?,
        What::LeastEverywhere(name) => least(study, name)?,
        What::Better(a, b) => {
            let (verdict, ours) = verdict(study, a, b)?;
            let says = format!("{} is better than {}", names::variant(a), names::variant(b));
            (says, holds(verdict, Holds::NotShown), ours)
        }
        What::AsGood(a, b) => {
            let (verdict, ours) = verdict(study, a, b)?;
            let says = format!("{} is on par with {} or better", names::variant(a), names::variant(b));
            (says, holds(verdict, Holds::NotContradicted), ours)
        }
    };
    Some(ClaimRow { claim, says, holds, ours })
}

fn holds(verdict: Verdict, open: Holds) -> Holds {
    match verdict {
        Verdict::Better => Holds::Yes,
        Verdict::Worse => Holds::No,
        Verdict::NoDifferenceShown | Verdict::TooFewSeeds => open,
    }
}

fn leads(study: &StudyResult, layer: usize, leaders: &[&str]) -> Option<(String, Holds, String)> {
    let choice = study.choices.iter().find(|c| c.layer == layer)?;
    let holds = agrees(choice, leaders);
    let votes = |name: &str| choice.by_seed.iter().filter(|c| *c == name).count();
    let whose = if choice.undecided.is_empty() {
        String::new()
    } else {
        format!("{} with ", names::activation(&choice.choice))
    };
    let mut ours =
        format!("{} ({whose}{} of {} seeds)", choice.words(), choice.votes(), choice.by_seed.len());
    let agreeing: usize = leaders.iter().map(|l| votes(l)).sum();
    if holds == Holds::No && agreeing > 0 {
        ours += &format!("; {agreeing} as in the paper");
    }
    let names: Vec<&str> = leaders.iter().map(|l| names::activation(l)).collect();
    Some((format!("{} leads layer {layer}", names.join(" or ")), holds, ours))
}

/// Whether a layer's choice is one of `leaders`; not shown where it may be, among others.
fn agrees(choice: &LayerChoice, leaders: &[&str]) -> Holds {
    let leads = |name: &String| leaders.contains(&name.as_str());
    let (all, any) = match choice.undecided.as_slice() {
        [] => (leads(&choice.choice), leads(&choice.choice)),
        several => (several.iter().all(leads), several.iter().any(leads)),
    };
    match (all, any) {
        (true, _) => Holds::Yes,
        (_, true) => Holds::NotShown,
        _ => Holds::No,
    }
}

fn least(study: &StudyResult, name: &str) -> Option<(String, Holds, String)> {
    let says = format!("{} has the smallest weight in every layer", names::activation(name));
    let (mut others, mut open) = (Vec::new(), Vec::new());
    for layer in 0..study.choices.len() {
        let weights = mean_softmax(study, layer);
        let smallest = weights.into_iter().min_by(|a, b| a.1.total_cmp(&b.1))?.0;
        let rivals = not_clearly(More, &smallest, &layers_of(study, layer));
        let told = format!("{} in layer {}", names::activation(&smallest), layer + 1);
        if smallest == name && rivals.is_empty() {
            continue;
        } else if smallest == name || rivals.iter().any(|r| r == name) {
            open.push(format!("layer {}", layer + 1));
        } else {
            others.push(told);
        }
    }
    let undecided =
        if open.is_empty() { String::new() } else { format!("undecided in {}", names::list(&open)) };
    match (study.choices.is_empty(), others.is_empty(), open.is_empty()) {
        (true, ..) => None,
        (_, true, true) => Some((says, Holds::Yes, "so it has".into())),
        (_, true, false) => Some((says, Holds::NotShown, undecided)),
        _ => {
            others.extend(Some(undecided).filter(|u| !u.is_empty()));
            Some((says, Holds::No, others.join(", ")))
        }
    }
}

/// The verdict of `a` against `b`, whichever came first in the comparison, and what it rests on.
fn verdict(study: &StudyResult, a: Role<'_>, b: Role<'_>) -> Option<(Verdict, String)> {
    let c = study.statistics.between(a, b)?;
    let (mean, verdict) = c.seen_from(a);
    let why = match verdict {
        Verdict::TooFewSeeds => {
            format!(
                "{} seed{}, {} needed for a verdict",
                c.difference.n,
                if c.difference.n == 1 { "" } else { "s" },
                c.seeds_to_reach_level
            )
        }
        _ => p_in_words(c.permutation_holm),
    };
    let lacks = c.lacks_in_words().map_or(String::new(), |lacks| format!("; {lacks}"));
    Some((verdict, format!("difference {} ({why}){lacks}", signed(mean))))
}
