//! The report is one page that needs nothing else, and a browser shows it as it should be.

mod common;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use adact_evidence::records::{Failure, Study, StudyResult};
use adact_evidence::{figures, report};

fn studies() -> Vec<(&'static str, Vec<Study>)> {
    vec![
        ("one seed", vec![common::study("fmnist-mini", &common::THREE, 1)]),
        ("five seeds, six variants", vec![common::study("fmnist", &common::SIX, 5)]),
        ("several studies", ["fmnist", "cifar10"].map(|d| common::study(d, &common::THREE, 8)).to_vec()),
    ]
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for (name, studies) in studies() {
        let html = report(&studies);
        for forbidden in
            ["<script", "<link", "<img", "<iframe", "src=", "url(", "@import", "javascript:", "onload"]
        {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        // The namespace of SVG is not needed inline; nothing else has an address but the page's own parts.
        assert!(!html.contains("http://") && !html.contains("https://"), "{name}");
        let links = html.split("href=\"").skip(1).map(|l| l.split('"').next().unwrap());
        for link in links {
            let id = link.strip_prefix('#').unwrap_or_else(|| panic!("{name}: {link}"));
            assert!(html.contains(&format!("id=\"{id}\"")), "{name}: {link}");
        }
        let ids: Vec<&str> = html.split(" id=\"").skip(1).map(|l| l.split('"').next().unwrap()).collect();
        assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len(), "{name}: {ids:?}");
    }
}

#[test]
fn the_answer_comes_first() {
    let (_, studies) = studies().swap_remove(1);
    let html = report(&studies);
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}"));
    let order = [
        "<b>On Fashion-MNIST, AdAct",
        "How sure",
        "What it costs",
        "Results",
        "Is the difference real?",
        "Weights per layer<",
        "Provenance<",
    ];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
    for text in [
        "5 seeds can&#39;t decide",
        "+32 parameters",
        "adact study --dataset fmnist",
        &"a".repeat(64),
        "AMD EPYC",
    ] {
        place(text);
    }
}

#[test]
fn what_comes_from_outside_is_only_text() {
    let evil = "</title><script>alert(1)</script>\"'&";
    let mut study = common::study("fmnist", &common::THREE, 2);
    let mut runs = study.result.runs.clone();
    for run in &mut runs {
        run.dataset = evil.into();
        run.confusion.as_mut().unwrap().classes[0] = evil.into();
        if run.variant == "relu" {
            run.variant = evil.into();
            run.activations[0] = evil.into();
        }
    }
    let mut manifest = study.result.provenance.clone();
    manifest.command.push(evil.into());
    manifest.processor = evil.into();
    manifest.data[0].name = evil.into();
    manifest.versions.insert(evil.into(), evil.into());
    let plan = common::plan(evil, &["adact", "optimized", evil], None);
    let failure = Failure { variant: evil.into(), seed: 7, epoch: Some(1), step: None, why: evil.into() };
    study.result = StudyResult::new(plan, runs, vec![failure], manifest).unwrap();
    let html = report(&[study.clone()]);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    assert!(figures::all(&study).iter().all(|f| !f.svg().contains("<script")));
}

#[test]
fn classes_that_no_font_has_are_numbers_in_png_and_names_elsewhere() {
    // Private characters: no font should have them.
    let mut study = common::study("fmnist", &["relu"], 1);
    let confusion = study.result.runs[0].confusion.as_mut().unwrap();
    (confusion.classes[1], confusion.classes[2]) = ("\u{10fffd}".into(), "Straße".into());
    let figure = figures::confusion(&study.result).unwrap();
    assert!(figure.svg().contains(">\u{10fffd}</text>"));
    let [panel] = figure.png_panels.as_deref().unwrap() else { panic!("one panel") };
    let drawn = panel.to_svg();
    for text in [">#1</text>", "#1: U+10FFFD", ">Straße</text>"] {
        assert!(drawn.contains(text), "{text}: {drawn}");
    }
    assert!(!drawn.contains('\u{10fffd}'));
    // The figure is larger by the legend.
    let side = |png: Vec<u8>| u32::from_be_bytes(png[20..24].try_into().unwrap());
    study.result.runs[0].confusion.as_mut().unwrap().classes[1] = "Trouser".into();
    let plain = figures::confusion(&study.result).unwrap();
    assert!(plain.png_panels.is_none());
    assert!(side(figure.png().unwrap()) > side(plain.png().unwrap()));
}

#[test]
fn figures_are_files_that_others_can_read() {
    let dir = tempfile::tempdir().unwrap();
    let study = common::study("fmnist", &common::SIX, 5);
    let all = figures::all(&study);
    assert_eq!(all.len(), 8);
    for figure in all {
        figure.write(dir.path()).unwrap();
        let png = std::fs::read(dir.path().join(figure.name).with_extension("png")).unwrap();
        let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        assert!(png.starts_with(b"\x89PNG") && side(16) > 1000 && side(20) > 300, "{}", figure.name);
        // Written twice, a figure is the same to the last byte.
        assert_eq!(png, figure.png().unwrap());
        assert!(!figure.caption.is_empty() && figure.panels.iter().all(|p| !p.description.is_empty()));
    }
}

#[test]
fn a_study_that_kept_the_test_set_away_shows_what_it_has() {
    let mut study = common::study("fmnist", &common::THREE, 2);
    let selection = "validation:0.1".parse().unwrap();
    study.result.selection = selection;
    for run in &mut study.result.runs {
        run.selection = selection;
        run.last = Default::default();
    }
    for epoch in study.metrics.iter_mut().flatten() {
        (epoch.validation_accuracy, epoch.validation_loss) =
            (epoch.test_accuracy.take(), epoch.test_loss.take());
    }
    let curves = figures::learning_curves(&study).unwrap();
    let titles: Vec<&str> =
        curves.panels.iter().map(|p| p.description.split(" of ").next().unwrap()).collect();
    assert_eq!(titles, ["Validation accuracy", "Validation loss", "Training accuracy", "Training loss"]);
    assert!(report(&[study]).contains("held out; the test set was touched once"));
}

#[test]
fn a_single_epoch_has_no_curves() {
    let mut study = common::study("fmnist", &common::THREE, 1);
    study.metrics.iter_mut().for_each(|epochs| epochs.truncate(1));
    let names: Vec<&str> = figures::all(&study).iter().map(|f| f.name).collect();
    assert_eq!(names, ["accuracies", "weights", "functions", "confusion"]);
}

#[test]
fn a_browser_shows_it() {
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|b| runs(b))
    else {
        println!("skipped: there is no Chromium here");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("report.html");
    std::fs::write(&page, report(&[common::study("fmnist", &common::THREE, 2)])).unwrap();

    let light = screenshot(browser, &page, dir.path(), "light", 1000, &[]);
    let dark =
        screenshot(browser, &page, dir.path(), "dark", 1000, &["--blink-settings=preferredColorScheme=0"]);
    let phone = screenshot(browser, &page, dir.path(), "phone", 390, &[]);
    assert_ne!(std::fs::read(&light).unwrap(), std::fs::read(&dark).unwrap(), "dark mode changes nothing");
    for picture in [light, dark, phone] {
        // A page that failed to load is nearly empty and compresses to little.
        assert!(std::fs::metadata(&picture).unwrap().len() > 60_000, "{}", picture.display());
    }
    // The browser understood the page to its end.
    let dom =
        headless(browser, &["--window-size=390,800".into(), "--dump-dom".into(), address(&page)], dir.path());
    assert!(dom.contains("</html>") && dom.matches("<svg").count() > 15);
}

fn runs(browser: &str) -> bool {
    Command::new(browser).arg("--version").output().is_ok_and(|o| o.status.success())
}

fn address(page: &Path) -> String {
    format!("file://{}", page.display())
}

fn screenshot(browser: &str, page: &Path, dir: &Path, name: &str, width: u32, more: &[&str]) -> PathBuf {
    let picture = dir.join(name).with_extension("png");
    let mut arguments: Vec<String> = more.iter().map(|m| m.to_string()).collect();
    arguments.push(format!("--window-size={width},3000"));
    arguments.push(format!("--screenshot={}", picture.display()));
    arguments.push(address(page));
    headless(browser, &arguments, &dir.join(format!("{name}-profile")));
    picture
}

fn headless(browser: &str, arguments: &[String], profile: &Path) -> String {
    let fixed = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--hide-scrollbars",
    ];
    let quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
    let profile = format!("--user-data-dir={}", profile.display());
    let output = Command::new(browser).args(fixed).args(quiet).arg(profile).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
