//! Slurm: a planned study as job arrays, and jobs that ask to be run again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf, absolute};
use std::process::Command;

use adact_evidence::atomic;
use adact_evidence::table::count;
use adact_lab::folder::SLURM;
use adact_lab::study::work::{Plan, State, Status, Training};
use adact_lab::{Error, Result};
use serde::Serialize;

use crate::out;

/// The largest array that Slurm takes where nobody changed it (`MaxArraySize`). A study of more trainings has jobs that take what is
/// left.
const LARGEST_ARRAY: usize = 1000;
/// How often a job asks to be run again: one whose time is too short for a single step would do so for ever.
const MOST_RUNS: usize = 100;
/// What a job's lines say themselves.
const OURS: [&str; 8] =
    ["--array", "--dependency", "--parsable", "--wrap", "--test-only", "--help", "--usage", "--version"];
/// The same, as letters.
const OUR_LETTERS: &str = "adhV";

/// The numbers of the jobs that were submitted last.
const JOBS: &str = "jobs.txt";

/// What a study's jobs are made of.
pub struct Jobs<'a> {
    /// The study's folder.
    pub dir: &'a Path,
    /// Its plan.
    pub plan: &'a Plan,
    /// How far its trainings are.
    pub status: &'a Status,
    /// How this program was called.
    pub program: &'a Path,
    /// Options for each `sbatch`.
    pub options: &'a str,
    /// How many jobs of an array run at once; none leaves it to Slurm.
    pub at_once: Option<usize>,
}

/// The numbers of the jobs that were submitted.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Submitted {
    /// The array of the trainings that wait for none.
    pub trainings: Option<String>,
    /// The array of those that follow another one.
    pub followers: Option<String>,
    /// The job that makes the report.
    pub report: Option<String>,
}

/// Refuses options for `sbatch` that the script sets itself, before anything is planned.
pub fn check(options: &str) -> Result<()> {
    let ours = |word: &&str| {
        let letter = word.strip_prefix('-').and_then(|rest| rest.chars().next());
        OURS.contains(&word.split('=').next().unwrap_or_default())
            || letter.is_some_and(|letter| OUR_LETTERS.contains(letter))
    };
    if let Some(word) = options.split_whitespace().find(ours) {
        return Err(Error::input(format!("--sbatch-args: {word} is what the script says itself")));
    }
    if options.contains(['\n', '\r']) {
        return Err(Error::input("--sbatch-args: takes one line"));
    }
    Ok(())
}

/// A shell script that submits what is left of a study.
pub fn script(jobs: &Jobs<'_>) -> Result<String> {
    let left = jobs.status.trainings.iter().filter(|training| training.state != State::Done);
    let (followers, first): (Vec<_>, Vec<_>) = left.partition(|training| training.follows.is_some());
    let numbers = |of: &[&Training]| of.iter().map(|t| t.task).collect::<Vec<_>>();
    let (first, followers) = (numbers(&first), numbers(&followers));
    let all = first.len() + followers.len();

    let each = jobs.status.trainings.len() <= LARGEST_ARRAY;
    let array = |tasks: &[usize]| {
        let indices = if each { ranges(tasks) } else { format!("0-{}", tasks.len().min(LARGEST_ARRAY) - 1) };
        let at_once = jobs.at_once.map_or_else(String::new, |n| format!("%{n}"));
        format!("--array={indices}{at_once}")
    };
    let (dir, here) = (full(jobs.dir)?, full(Path::new("."))?);
    let name = dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    // A program that was found in PATH is found there in the jobs, too.
    let is_path = jobs.program.components().count() > 1;
    let program = if is_path { full(jobs.program)? } else { jobs.program.to_owned() };
    let program = quoted(&program.to_string_lossy());
    let folder = quoted(&dir.to_string_lossy());
    let logs = quoted(&dir.join(SLURM).to_string_lossy());
    let here = quoted(&here.to_string_lossy());
    // A percent sign of the folder's name is none of Slurm's placeholders.
    let output =
        |of: &str| quoted(&format!("{}/{of}.out", dir.join(SLURM).to_string_lossy().replace('%', "%%")));
    let (of_array, of_report) = (output("%A_%a"), output("report-%j"));
    let name = quoted(&format!("adact-{name}"));
    let (options, identity) = (jobs.options, &jobs.plan.identity);
    let (told, which) =
        if each { ("a job for each", "--task auto ") } else { ("jobs that take what is left", "") };

    let mut text = format!(
        r#"#!/usr/bin/env bash
# Submits what is left of the plan {identity} to Slurm: {}, {told}, then the report.
# A job that is told that its time is nearly up keeps what it trained and asks to be run again.
set -euo pipefail
cd {here}
mkdir -p {logs}
submit() {{ # where its jobs print, further options; the script on standard input
    local id output=$1
    shift
    id=$(sbatch --parsable --job-name={name} --output="$output" --open-mode=append --requeue --signal=B:USR1@60 {options} "$@")
    id=${{id%%;*}}
    case $id in
        '' | *[!0-9]*) echo "sbatch printed no job's number: $id" >&2; return 1 ;;
    esac
    echo "$id"
}}
work() {{
    cat <<'JOB'
#!/usr/bin/env bash
exec {program} work {folder} --plan-id {identity} {which}--requeue --threads "${{SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}}"
JOB
}}
ended=
"#,
        count(all, "training"),
    );
    for (name, tasks) in [("trainings", &first), ("followers", &followers)] {
        if !tasks.is_empty() {
            text += &format!(
                "{name}=$(work | submit {of_array} ${{ended:+--dependency=afterany$ended}} {})\nended+=\":${name}\"\necho \"{name} ${name}\"\n",
                array(tasks)
            );
        }
    }
    text += &format!(
        r#"report=$(submit {of_report} ${{ended:+--dependency=afterany$ended}} <<'JOB'
#!/usr/bin/env bash
exec {program} collect {folder}
JOB
)
echo "report $report"
"#
    );
    Ok(text)
}

/// Runs a script that submits; it stays in the study's folder.
pub fn submit(dir: &Path, script: &str) -> Result<Submitted> {
    let logs = dir.join(SLURM);
    fs::create_dir_all(&logs).map_err(|e| Error::io("create the folder", &logs, &e))?;
    let path = logs.join("submit.sh");
    atomic::write(&path, script.as_bytes())?;
    let output = Command::new("bash").arg(&path).output();
    let output = output.map_err(|e| Error::failure(format!("--submit: bash can't be run: {e}")))?;
    let mut submitted = Submitted::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Some((what, id)) = line.split_once(' ') else { continue };
        match what {
            "trainings" => submitted.trainings = Some(id.into()),
            "followers" => submitted.followers = Some(id.into()),
            "report" => submitted.report = Some(id.into()),
            _ => {}
        }
    }
    if output.status.success() {
        let ids = [&submitted.trainings, &submitted.followers, &submitted.report]
            .map(|id| id.as_deref().unwrap_or_default());
        atomic::write(&logs.join(JOBS), (ids.join(" ") + "\n").as_bytes())?;
        return Ok(submitted);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    let why = why.trim().replace('\n', "; ");
    let already = submitted.trainings.map_or_else(String::new, |id| {
        format!("; the job {id} was submitted before that, `scancel {id}` takes it back")
    });
    Err(Error::input(format!(
        "--submit: {}: {why}{already}; the study is planned, so give the same command with --resume when that is mended",
        path.display()
    )))
}

/// How many jobs of an earlier submission are still in Slurm's queue.
pub fn queued(dir: &Path) -> usize {
    let Ok(text) = fs::read_to_string(dir.join(SLURM).join(JOBS)) else { return 0 };
    let ids = text.split_whitespace().collect::<Vec<_>>().join(",");
    let output =
        Command::new("squeue").args(["--noheader", "--array", "--format=%i", "--jobs", &ids]).output();
    output.map_or(0, |output| String::from_utf8_lossy(&output.stdout).lines().count())
}

/// Expects Slurm to be there; says what is lacking.
pub fn expect_slurm() -> Result<()> {
    match Command::new("sbatch").arg("--version").output() {
        Err(e) if e.kind() == ErrorKind::NotFound => Err(Error::input(
            "--submit: there is no `sbatch` here, so the study is planned and not submitted: give the script above to `bash` where Slurm is, \
             or the same command with --resume",
        )),
        _ => Ok(()),
    }
}

/// Asks Slurm to run this job again, whose time is nearly up.
pub fn requeue() -> Result<()> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    // One element of an array by its place: the last one's own number is that of the whole array.
    let element = || Some(format!("{}_{}", number("SLURM_ARRAY_JOB_ID")?, number("SLURM_ARRAY_TASK_ID")?));
    let Some(job) = element().or_else(|| number("SLURM_JOB_ID").map(|job| job.to_string())) else {
        return Err(Error::input("--requeue: this is no job of Slurm (SLURM_JOB_ID is not set)"));
    };
    if number("SLURM_RESTART_COUNT").unwrap_or(0) >= MOST_RUNS {
        return Err(Error::failure(format!(
            "the job {job} was run {MOST_RUNS} times and is not run again; give it more time (--time)"
        )));
    }
    let output = Command::new("scontrol").args(["requeue", &job]).output();
    let why = match output {
        Ok(output) if output.status.success() => {
            out::note(&format!("Slurm runs the job {job} again"));
            return Ok(());
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(e) => e.to_string(),
    };
    Err(Error::failure(format!("the job {job} can't be run again: scontrol: {why}")))
}

fn full(path: &Path) -> Result<PathBuf> {
    absolute(path).map_err(|e| Error::io("tell the full path", path, &e))
}

/// Numbers in ascending order, as an array takes them.
fn ranges(numbers: &[usize]) -> String {
    let mut text = String::new();
    for run in numbers.chunk_by(|a, b| a + 1 == *b) {
        let comma = if text.is_empty() { "" } else { "," };
        text += &match run {
            [first, .., last] => format!("{comma}{first}-{last}"),
            _ => format!("{comma}{}", run[0]),
        };
    }
    text
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./+%=:@,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_told_in_ranges() {
        assert_eq!(ranges(&[0]), "0");
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        assert_eq!(quoted("/a/b-1"), "/a/b-1");
        assert_eq!(quoted("/my data/it's"), r"'/my data/it'\''s'");
        assert_eq!(quoted("$x"), "'$x'");
    }

    #[test]
    fn options_that_the_script_sets_are_refused() {
        assert!(check("--partition=x --time=2:00:00 --gpus=1").is_ok());
        let refused = check("--time=1 --array=0-3").unwrap_err();
        assert!(refused.is_input() && refused.to_string().contains("--array=0-3"), "{refused}");
        for refused in ["--time=1\n--x", "-a 0-3", "-a0-3", "-d afterok:1", "--help"] {
            assert!(check(refused).is_err(), "{refused}");
        }
        assert!(check("-p x -t 10 -n 1 --comment=a-b").is_ok());
    }
}
