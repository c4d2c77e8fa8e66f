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
        ("a language model", vec![common::study_of(&common::gpt(), &common::THREE, 8)]),
        (
            "all tasks",
            [common::resnet(), common::gpt(), common::unet()]
                .map(|kind| common::study_of(&kind, &common::THREE, 2))
                .to_vec(),
        ),
    ]
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for (name, studies) in studies() {
        let html = report(&studies);
        // Pictures of samples are inside the page, and it says that no others are allowed.
        let inside = "src=\"data:image/png;base64,";
        let pictures = studies.iter().any(|study| study.result.task.as_deref() == Some("segmentation"));
        assert_eq!(html.contains(inside), pictures, "{name}");
        assert_eq!(html.contains("img-src data:"), html.contains("class=\"sample\""), "{name}");
        let html = html.replace(inside, "").replace("<img ", "");
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
        "5 seeds can't decide",
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
        epoch.validation = epoch.test.take();
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
    let segmentation = common::study_of(&common::unet(), &common::THREE, 2);
    std::fs::write(&page, report(&[common::study("fmnist", &common::THREE, 2), segmentation])).unwrap();

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

#[test]
fn pages_of_other_tasks_say_what_they_are_about() {
    let page = |kind: common::Kind, seeds| report(&[common::study_of(&kind, &common::SIX, seeds)]);
    for (html, says, says_not) in [
        (
            page(common::resnet(), 5),
            vec![
                "<h1>AdAct on CIFAR-10 with ResNet-20</h1>",
                "the strongest of each place is the one to use",
                "<b>On CIFAR-10 with ResNet-20, AdAct chose for 19 places: Mish (",
                "<span class=\"layer\">layer3.2.act2</span>",
                "place by place from ",
                "Weights of all places",
                "Each place by itself",
                "Test accuracy after the last epoch",
                "The test set of CIFAR-10 has 10,000 examples",
            ],
            vec!["Beside the paper", "Layer 1", "Samples", "Lower is better"],
        ),
        (
            page(common::gpt(), 5),
            vec![
                "<h1>AdAct on Shakespeare with GPT</h1>",
                "place by place: ",
                "3,750 steps, 5 seeds",
                "Test loss after the last step</th>",
                "test loss after the last step (lower is better)</text>",
                ">step</text>",
                "Weights over the steps",
                "<h3>Samples</h3>",
                "<dt>Network</dt><dd>gpt</dd>",
                "<pre><b>ROMEO:\n</b>What, shall I &lt;b&gt;speak&lt;/b&gt; of thee &amp; thine",
            ],
            vec!["accurac", "training images", "test images", "Weights of all places", "Layer ", "the paper"],
        ),
        (
            page(common::unet(), 5),
            vec![
                "<h1>AdAct on Nuclei (mini) with U-Net</h1>",
                "AdAct chose for 14 places",
                "Test mean IoU after the last epoch</th>",
                "Test mean IoU of AdAct, Optimized",
                "The pixels of the test images by class",
                "; 3,813,880 of 3,945,600 pixels right.",
                ">98.5%</text>",
                "Each from the left: a test picture, its true classes, the answer of the network.",
                "<summary>Samples of 3 more variants</summary>",
            ],
            vec!["accurac", "Layer ", "the paper"],
        ),
    ] {
        says.iter().for_each(|words| assert!(html.contains(words), "{words}"));
        for words in says_not {
            let at = html.find(words);
            assert!(at.is_none(), "{words}: {:?}", at.map(|at| html.get(at.saturating_sub(90)..at + 90)));
        }
    }
}

#[test]
fn figures_of_many_places_name_each_once_and_stay_in_their_panels() {
    let long = |i: usize| format!("backbone.encoder.stages.{i}.residual.feedforward.activation");
    let own = common::Kind { places: (0..12).map(long).collect(), ..common::resnet() };
    for kind in [common::resnet(), common::unet(), own] {
        let study = common::study_of(&kind, &common::THREE, 5);
        let all = figures::all(&study);
        let by_place = all.iter().find(|f| f.name == "weights_by_place").unwrap();
        let svg = by_place.svg();
        for path in &kind.places {
            // Of a long path the end is told.
            let end = &path[path.len().saturating_sub(34)..];
            let told = if end.len() < path.len() { format!("…{end}") } else { path.clone() };
            assert_eq!(svg.matches(&format!(">{told}</text>")).count(), 1, "{told}");
        }
        for name in ["weights", "weights_by_seed", "weights_over_epochs", "functions"] {
            let figure = all.iter().find(|f| f.name == name).unwrap();
            assert_eq!((figure.panels.len(), figure.columns), (kind.places.len(), 3), "{name}");
            for panel in &figure.panels {
                let title = panel.to_svg();
                let title = title.split("font-weight=\"bold\"").nth(1).unwrap();
                let title = title.split_once('>').unwrap().1.split("</text>").next().unwrap();
                let room = adact_evidence::svg::text_width(title, 13.5);
                assert!(room < panel.width, "{name}: {title:?} takes {room} of {}", panel.width);
            }
        }
    }
    // The paper's network needs no such figure.
    let papers = figures::all(&common::study("fmnist", &common::THREE, 2));
    assert!(papers.iter().all(|f| f.name != "weights_by_place"));
}
