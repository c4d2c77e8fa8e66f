//! What the trained networks make: texts, and pictures divided into classes.

use maud::{Markup, html};

use crate::names;
use crate::records::{Picture, PictureSample, RunResult, Samples, StudyResult, TextSample};
use crate::table::count;

/// The samples of so many variants are shown, those of others can be unfolded.
const SHOWN: usize = 3;

/// Whether a study has samples to show.
pub fn any(result: &StudyResult) -> bool {
    result.runs.iter().any(|run| run.samples.is_some())
}

/// The samples of each variant's first run that has some.
pub fn samples(result: &StudyResult) -> Markup {
    let of = |variant: &String| {
        let mut runs = result.runs.iter().filter(|run| run.variant == *variant);
        runs.find_map(|run| Some(sample(run, run.samples.as_ref()?)))
    };
    let told: Vec<Markup> = result.variants.iter().filter_map(of).collect();
    let (shown, more) = told.split_at(told.len().min(SHOWN));
    html! {
        @if !shown.is_empty() {
            h3 { "Samples" }
            @for sample in shown { (sample) }
        }
        @if !more.is_empty() {
            details {
                summary { "Samples of " (count(more.len(), "more variant")) }
                @for sample in more { (sample) }
            }
        }
    }
}

fn sample(run: &RunResult, samples: &Samples) -> Markup {
    let whose = format!("{} (seed {})", names::variant(&run.variant), run.seed);
    html! {
        figure.sample {
            @match samples {
                Samples::Text(TextSample { prompt, text }) => {
                    pre { b { (prompt) } (text) }
                    figcaption { (whose) ": what it writes after the words in bold." }
                }
                Samples::Pictures(pictures) => {
                    div.pictures { @for sample in pictures { (pictures_of(sample)) } }
                    figcaption {
                        (whose) ". Each from the left: a test picture, its true classes, the answer of the network."
                    }
                }
            }
        }
    }
}

fn pictures_of(sample: &PictureSample) -> Markup {
    html! {
        div {
            (picture(&sample.image, "a test picture"))
            (picture(&sample.truth, "its true classes"))
            (picture(&sample.answer, "the answer of the network"))
        }
    }
}

fn picture(picture: &Picture, what: &str) -> Markup {
    html! {
        img width=(picture.width) height=(picture.height) alt=(what) src={ "data:image/png;base64," (picture.png) };
    }
}
