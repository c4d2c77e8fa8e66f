//! `report.html`: one page that needs nothing else. The answer comes first, then what it rests on.
//!
//! Its parts are templates of `maud`, which escapes whatever it is given; only figures and styles are put in as they are.

mod answer;
mod comparisons;
mod front;
mod provenance;
mod samples;
mod searches;
mod sure;
mod tables;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::figures::{self, Figure};
use crate::names;
use crate::records::Study;
use crate::reproduction::Reproduction;

/// A page about one or several studies.
///
/// It has no script, loads nothing, and holds every figure as inline SVG; everything that comes from the records is
/// escaped. No studies give a page that says so.
pub fn report(studies: &[Study]) -> String {
    let papers = studies.iter().all(|s| s.result.is_papers_network());
    let title = match studies {
        [] => "AdAct: no studies".to_string(),
        [one] => format!("AdAct on {}", one.result.subject()),
        several if papers => format!("AdAct on {} data sets", several.len()),
        several => format!("AdAct in {} studies", several.len()),
    };
    let several = studies.len() > 1;
    let place = names::place_word(studies.iter().find_map(|s| s.result.network.as_deref()));
    let beside = Reproduction::of(studies.iter().map(|s| &s.result));
    let body = html! {
        h1 { (title) }
        @for study in studies { (answer::failures(&study.result, several)) }
        p.lead {
            "AdAct mixes candidate activations with learned weights; the strongest of each " (place) " is the one to use there. \
             Here is what was found, how sure it is, and what it rests on."
        }
        @if studies.is_empty() { p { "There is nothing to report: no study was given." } }
        @if several {
            (contents(studies))
            (answer::overview(studies))
        }
        @for (i, study) in studies.iter().enumerate() { (section(study, i, several)) }
        @if !beside.is_empty() { (comparisons::paper(&beside)) }
        h2 id="provenance" { "Provenance" }
        @for study in studies { (provenance::provenance(study, several)) }
    };
    page(&title, body, studies.iter().any(|s| samples::any(&s.result))).into_string()
}

/// The whole page. Only one with samples has a style for them, and may show the pictures that are in it.
fn page(title: &str, body: Markup, samples: bool) -> Markup {
    let policy = if samples { "; img-src data:" } else { "" };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy"
                    content={ "default-src 'none'; style-src 'unsafe-inline'" (policy) };
                meta name="color-scheme" content="light dark";
                title { (title) }
                style {
                    (PreEscaped(include_str!("report.css")))
                    @if samples { (PreEscaped(include_str!("samples.css"))) }
                }
            }
            body { (body) }
        }
    }
}

fn contents(studies: &[Study]) -> Markup {
    html! {
        nav {
            @for (i, study) in studies.iter().enumerate() {
                a href={ "#study-" (i) } { (study.result.subject()) }
            }
            a href="#provenance" { "Provenance" }
        }
    }
}

fn section(study: &Study, i: usize, several: bool) -> Markup {
    let result = &study.result;
    let (places, word) = (result.place_word(), result.unit().word());
    let by_place = [
        (format!("Weights per {places}"), figures::weights(result)),
        (format!("Weights per {places} and seed"), figures::weights_by_seed(result)),
        (format!("Weights over the {word}s"), figures::weights_over_epochs(study)),
        (format!("What each {places} learned"), figures::functions(result)),
    ];
    let others = [
        ("Learning curves".to_string(), figures::learning_curves(study)),
        ("What was taken for what".to_string(), figures::confusion(result)),
    ];
    html! {
        @if several { h2 id={ "study-" (i) } { (result.subject()) } }
        (answer::answer(study))
        (tables::results(result))
        @if let Some(figure) = figures::accuracies(result) { (inline(&figure)) }
        @if result.seeds.len() > 1 {
            h3 { "Is the difference real?" }
            (comparisons::comparisons(result))
            @if let Some(figure) = figures::differences(result) { (inline(&figure)) }
        }
        (front::costs(result))
        (searches::searched(result))
        @if let Some(all) = figures::weights_by_place(result) {
            h3 { "Weights of all places" }
            (inline(&all))
            // A panel for each of many places is much to scroll through.
            details {
                summary {
                    "Each place by itself: its weights, seed by seed and over the " (word) "s, and what it learned"
                }
                (headed(&by_place))
            }
        } @else {
            (headed(&by_place))
        }
        (headed(&others))
        (samples::samples(result))
    }
}

/// Figures under headings.
fn headed(figures: &[(String, Option<Figure>)]) -> Markup {
    html! {
        @for (heading, figure) in figures {
            @if let Some(figure) = figure {
                h3 { (heading) }
                (inline(figure))
            }
        }
    }
}

fn inline(figure: &Figure) -> Markup {
    html! {
        figure {
            div.panels.one[figure.panels.len() == 1] {
                @for panel in &figure.panels { (PreEscaped(panel.to_inline())) }
            }
            figcaption { b { (figure.title) "." } " " (figure.caption) }
        }
    }
}

/// A table that scrolls on its own where the screen is narrow: the heads of its columns, those of numbers to the right,
/// and its rows.
fn table(heads: &[(&str, bool)], rows: Markup) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for (head, number) in heads { th class=[number.then_some("n")] { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}
