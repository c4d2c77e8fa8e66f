//! `adact status`.

use std::time::Duration;

use adact_evidence::names;
use adact_evidence::table::count;
use adact_lab::Result;
use adact_lab::study::work::{State, Status, Training, status};

use crate::args::StatusArgs;
use crate::out;

/// How often `--watch` looks.
const PAUSE: Duration = Duration::from_secs(2);
/// More trainings than people read.
const MOST_LINES: usize = 40;

pub fn run(args: &StatusArgs, json: bool) -> Result<()> {
    let mut before = String::new();
    loop {
        let status = status(&args.dir)?;
        if json {
            out::json(&status)?;
        } else {
            let words = in_words(&status);
            // Told again only where something changed.
            if words != before {
                out::line(&words)?;
                before = words;
            }
        }
        let ended = |training: &Training| matches!(training.state, State::Done | State::Failed { .. });
        if !args.watch || status.trainings.iter().all(ended) {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

fn in_words(status: &Status) -> String {
    let of = |is: fn(&State) -> bool| status.trainings.iter().filter(|t| is(&t.state)).collect::<Vec<_>>();
    let done = of(|state| matches!(state, State::Done));
    let running = of(|state| matches!(state, State::Running { .. }));
    let failed = of(|state| matches!(state, State::Failed { .. }));
    let waiting = of(|state| matches!(state, State::Waiting { .. }));
    let mut lines = vec![format!(
        "{}: {} done, {} running, {} failed, {} waiting",
        count(status.trainings.len(), "training"),
        done.len(),
        running.len(),
        failed.len(),
        waiting.len()
    )];
    // All of a small study, with their numbers; of a large one those of which there is something to tell.
    let told: Vec<&Training> = match status.trainings.len() {
        n if n <= MOST_LINES => status.trainings.iter().collect(),
        _ => running.iter().chain(&failed).take(MOST_LINES).copied().collect(),
    };
    for training in told {
        let name = format!("{:>5}  {}", training.task, names::training(&training.variant, training.seed));
        lines.push(match &training.state {
            State::Running { holder, epochs } => format!(
                "{name}: {} finished; process {} on {} since {}, alive {}",
                count(*epochs, "epoch"),
                holder.pid,
                holder.host,
                holder.since,
                holder.alive.as_deref().unwrap_or("unknown")
            ),
            State::Failed { why } => format!("{name}: failed: {why}"),
            State::Done => format!("{name}: done"),
            State::Waiting { epochs: 0 } => format!("{name}: waiting"),
            State::Waiting { epochs } => format!("{name}: waiting, {} finished", count(*epochs, "epoch")),
        });
    }
    lines.join("\n")
}
