//! The page's types are generated from the session's, and every demo shows what it says.

mod common;

use common::{Driver, is_images};
use kiln::data::{LeftOut, Taken};
use kiln::demos::registry::DEMOS;
use kiln::demos::{
    Action, Candidate, Does, Entry, Family, Figure, FileKind, Floats, HistogramSeries, Mark, Needs, Opens, Panel,
    PointSet, ShortText, Slider, Title, Token, View, WasmModule,
};
use kiln::generate::Filter;
use kiln::session::protocol::{Command, DeviceInfo, DeviceKind, Event, LibraryTask, Status};
use kiln::weights::{Stored, StoredFile};
use ts_rs::{Config, TS};

/// `KILN_BLESS=1 cargo test --profile fast --features typescript --test protocol` writes the file anew.
#[test]
fn the_typescript_declarations_are_those_of_the_protocol() {
    let config = Config::default();
    let mut text = String::from("// Generated from src/session/protocol.rs by tests/protocol.rs; do not edit.\n");
    for declaration in [
        Command::decl(&config),
        Event::decl(&config),
        Status::decl(&config),
        DeviceKind::decl(&config),
        DeviceInfo::decl(&config),
        Action::decl(&config),
        Panel::decl(&config),
        View::decl(&config),
        PointSet::decl(&config),
        HistogramSeries::decl(&config),
        Figure::decl(&config),
        Floats::decl(&config),
        Token::decl(&config),
        ShortText::decl(&config),
        Candidate::decl(&config),
        Filter::decl(&config),
        LibraryTask::decl(&config),
        Stored::decl(&config),
        StoredFile::decl(&config),
        Mark::decl(&config),
        Slider::decl(&config),
        Taken::decl(&config),
        LeftOut::decl(&config),
        Entry::decl(&config),
        Family::decl(&config),
        Title::decl(&config),
        Does::decl(&config),
        Needs::decl(&config),
        WasmModule::decl(&config),
        Opens::decl(&config),
        FileKind::decl(&config),
    ] {
        text += &format!("\nexport {declaration}\n");
    }
    holds("www/protocol.d.ts", &text);
}

/// `www/demos.json` is written anew in the same way.
#[test]
fn the_list_of_demos_that_the_page_reads_is_the_registry() {
    holds("www/demos.json", &(serde_json::to_string_pretty(DEMOS).expect("a list") + "\n"));
}

fn holds(path: &str, text: &str) {
    if std::env::var_os("KILN_BLESS").is_some() {
        std::fs::write(path, text).expect("it can be written");
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "{path}");
}

#[test]
fn every_demo_shows_panels_with_distinct_names_and_finite_numbers() {
    for demo in DEMOS {
        let mut driver = Driver::new(true);
        let link = match demo.name {
            "text" => "text?model=tests/fixtures/text/tiny-llama-q8_0.gguf&prompt=Hello&attention=true&lens=true",
            "autoencoder" => "autoencoder?size=64&model=tests/fixtures/autoencoder/tiny",
            name => name,
        };
        driver.load(link, None);
        driver.step(2);
        let panels = driver.last_panels();
        let mut ids: Vec<&str> = panels.iter().map(|p| p.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), panels.len(), "{}", demo.name);
        for view in panels.iter().flat_map(|p| &p.views) {
            match view {
                View::Images { count, width, height, channels, pixels, .. } => {
                    assert_eq!(pixels.len() as u32, count * width * height * channels);
                }
                View::Map2d { columns, rows, width, height, channels, pixels, .. } => {
                    assert_eq!(pixels.len() as u32, columns * rows * width * height * channels);
                }
                View::Sliders { sliders, .. } => {
                    assert!(sliders.iter().all(|s| s.low < s.high && (s.low..=s.high).contains(&s.value)));
                    let ends = |s: &Slider| s.play.is_none_or(|to| to == s.low || to == s.high);
                    assert!(sliders.iter().all(ends), "{}", demo.name);
                }
                View::Pad { width, height, channels, pixels, mask, .. } => {
                    assert_eq!(pixels.len() as u32, width * height * channels);
                    assert!(mask.is_empty() || mask.len() as u32 == width * height);
                }
                View::Points2d { sets, .. } => assert!(sets.iter().all(|s| s.xy.0.iter().all(|v| v.is_finite()))),
                View::Field2d { columns, rows, values, low, high, .. } => {
                    assert_eq!(values.0.len() as u32, columns * rows);
                    assert!(low < high);
                }
                View::Mesh2d { columns, rows, xy, .. } | View::Arrows2d { columns, rows, xy, .. } => {
                    assert_eq!(xy.0.len() as u32, 2 * columns * rows);
                    assert!(xy.0.iter().all(|v| v.is_finite()));
                }
                View::Paths2d { length, xy, .. } => {
                    assert!(xy.0.len().is_multiple_of(2 * *length as usize));
                    assert!(xy.0.iter().all(|v| v.is_finite()));
                }
                View::Scalars { series, rows, .. } => assert_eq!(rows.0.len() % (series.len() + 1), 0),
                View::Histogram { series, .. } => {
                    assert!(series.iter().all(|s| s.counts.iter().all(|c| c.is_finite())));
                }
                View::Tokens { tokens, .. } => {
                    let candidates = tokens.iter().flat_map(|t| &t.candidates);
                    assert!(!tokens.is_empty() && candidates.into_iter().all(|c| (0.0..=1.0).contains(&c.p)));
                }
                View::Texts { texts, .. } => {
                    let tokens = texts.iter().flat_map(|text| &text.tokens);
                    assert!(tokens.into_iter().all(|t| t.raw.is_none_or(|p| (0.0..=1.0).contains(&p))));
                }
                View::Attention { token, heads, weights, .. } => {
                    assert_eq!(weights.0.len() as u32, heads * (token + 1));
                }
                View::Lens { layers, .. } => assert!(layers.iter().all(|l| !l.is_empty())),
                View::Figures { figures } => assert!(figures.iter().all(|f| f.value.is_finite())),
                View::Note { code, text, .. } => assert!(!code.is_empty() && text.ends_with('.'), "{code}: {text}"),
            }
        }
    }
}

#[test]
fn a_dcgan_shows_samples_as_a_film_and_curves_only_once() {
    let mut driver = Driver::new(true);
    driver.load("dcgan?width=4&batch=8", None);
    driver.step(2);
    let panels = driver.last_panels();
    let samples = panels.iter().find(|p| p.id == "samples").expect("samples");
    assert!(is_images(&samples.views[0]));
    let rows = |driver: &Driver| {
        let panels = driver.last_panels();
        let losses = panels.into_iter().find(|p| p.id == "losses").expect("losses");
        match &losses.views[0] {
            View::Scalars { rows, .. } => rows.0.iter().step_by(3).copied().collect::<Vec<f32>>(),
            _ => panic!("losses are curves"),
        }
    };
    driver.step(1);
    assert_eq!(rows(&driver), vec![3.0]);
}
