//! `report.html`: one page that needs nothing else. The answer comes first, then what it rests on.

mod answer;
mod comparisons;
mod provenance;
mod tables;

use crate::figures::{self, Figure};
use crate::names;
use crate::records::Study;
use crate::reproduction::Reproduction;
use crate::svg::escape;

/// A page about one or several studies.
///
/// It has no script, loads nothing, and holds every figure as inline SVG; everything that comes from the records is
/// escaped. No studies give a page that says so.
pub fn report(studies: &[Study]) -> String {
    let title = match studies {
        [] => "AdAct: no studies".to_string(),
        [one] => format!("AdAct on {}", names::dataset(&one.result.dataset)),
        several => format!("AdAct on {} data sets", several.len()),
    };
    let mut body = format!("<h1>{}</h1>\n", escape(&title));
    for study in studies {
        body += &answer::failures(&study.result, studies.len() > 1);
    }
    body += "<p class=\"lead\">AdAct mixes candidate activations with learned weights; the strongest of each layer is the one \
             to use there. Here is what was found, how sure it is, and what it rests on.</p>\n";
    if studies.is_empty() {
        body += "<p>There is nothing to report: no study was given.</p>\n";
    }
    if studies.len() > 1 {
        body += &contents(studies);
        body += &answer::overview(studies);
    }
    for (i, study) in studies.iter().enumerate() {
        body += &section(study, i, studies.len() > 1);
    }
    let beside = Reproduction::of(studies.iter().map(|s| &s.result));
    if !beside.is_empty() {
        body += &comparisons::paper(&beside);
    }
    body += "<h2 id=\"provenance\">Provenance</h2>\n";
    for study in studies {
        body += &provenance::provenance(study, studies.len() > 1);
    }
    page(&title, &body)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n\
         <body>\n{body}</body>\n</html>\n",
        escape(title),
        include_str!("report.css"),
    )
}

fn contents(studies: &[Study]) -> String {
    let mut out = String::from("<nav>");
    for (i, study) in studies.iter().enumerate() {
        out += &format!("<a href=\"#study-{i}\">{}</a>", escape(names::dataset(&study.result.dataset)));
    }
    out + "<a href=\"#provenance\">Provenance</a></nav>\n"
}

fn section(study: &Study, i: usize, several: bool) -> String {
    let result = &study.result;
    let mut out = String::new();
    if several {
        out += &format!("<h2 id=\"study-{i}\">{}</h2>\n", escape(names::dataset(&result.dataset)));
    }
    out += &answer::answer(study);
    out += &tables::results(result);
    out += &optional(figures::accuracies(result));
    if result.seeds.len() > 1 {
        out += "<h3>Is the difference real?</h3>\n";
        out += &comparisons::comparisons(result);
        out += &optional(figures::differences(result));
    }
    for (heading, figure) in [
        ("Weights per layer", figures::weights(result)),
        ("Weights per layer and seed", figures::weights_by_seed(result)),
        ("Weights over the epochs", figures::weights_over_epochs(study)),
        ("What each layer learned", figures::functions(result)),
        ("Learning curves", figures::learning_curves(study)),
        ("What was taken for what", figures::confusion(result)),
    ] {
        if let Some(figure) = figure {
            out += &format!("<h3>{heading}</h3>\n{}", inline(&figure));
        }
    }
    out
}

fn optional(figure: Option<Figure>) -> String {
    figure.map(|f| inline(&f)).unwrap_or_default()
}

fn inline(figure: &Figure) -> String {
    let class = if figure.panels.len() == 1 { "panels one" } else { "panels" };
    let panels: String = figure.panels.iter().map(|p| p.to_inline()).collect();
    format!(
        "<figure>\n<div class=\"{class}\">\n{panels}</div>\n<figcaption><b>{}.</b> {}</figcaption>\n</figure>\n",
        escape(&figure.title),
        escape(&figure.caption)
    )
}
