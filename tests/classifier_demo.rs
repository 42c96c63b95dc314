//! The classifier as a person meets it: a digit of their own is recognised, and the digits that it gets wrong are marked.

mod common;

use common::Driver;
use kiln::demos::views::View;
use kiln::session::Next;
use kiln::session::protocol::Command;
use serde_json::json;

fn views(driver: &Driver, id: &str) -> Vec<View> {
    driver.last_panels().into_iter().find(|panel| panel.id == id).expect("a panel").views
}

/// Before its first check.
fn after(steps: u32) -> Driver {
    let mut driver = Driver::new(true);
    driver.load("classifier?evaluate=5000", None);
    driver.step(steps);
    driver
}

/// A seven of two strokes as wide as a pen, in a corner.
fn seven() -> Vec<u8> {
    let ink = |i: usize| {
        let (y, x) = (i / 28 + 5, i % 28 + 6);
        ((6..9).contains(&y) && (7..21).contains(&x)) || ((9..23).contains(&y) && (x + y / 2).abs_diff(24) < 2)
    };
    (0..784).map(|i| if ink(i) { 255 } else { 0 }).collect()
}

#[test]
fn a_digit_that_a_person_draws_is_recognised_and_kept_with_the_run() {
    let mut driver = after(300);
    assert_eq!(views(&driver, "drawing").len(), 1, "a pad to draw on");
    driver.send(Command::Act { name: "draw".into(), args: json!({ "pixels": seven(), "mask": [] }) });
    let recognised = |driver: &Driver| {
        let View::Histogram { series, categories, .. } = &views(driver, "drawing")[1] else { panic!("bars") };
        assert_eq!(categories.len(), 10);
        series[0].counts.clone()
    };
    let percent = recognised(&driver);
    assert!(percent[7] > 50.0, "{percent:?}");
    assert!((percent.iter().sum::<f32>() - 100.0).abs() < 6.0, "{percent:?}");
    let mut again = Driver::new(true);
    again.load("", Some(driver.bytes()));
    while pollster::block_on(again.session.tick()) != Next::Sleep {}
    assert_eq!(recognised(&again), percent);
    driver.send(Command::Act { name: "draw".into(), args: json!({ "pixels": [], "mask": [] }) });
    assert_eq!(views(&driver, "drawing").len(), 1, "the pad was wiped");
}

#[test]
fn wrong_digits_are_marked_and_named_and_the_accuracy_of_the_step_is_shown_before_the_first_check() {
    let driver = after(20);
    let View::Images { captions, marks, count, .. } = &views(&driver, "examples")[0] else { panic!("digits") };
    assert_eq!((captions.len(), *count), (24, 24));
    let wrong: Vec<u32> = (0..).zip(captions).filter(|(_, text)| text.contains('→')).map(|(index, _)| index).collect();
    assert_eq!(marks.iter().map(|mark| mark.index).collect::<Vec<_>>(), wrong);
    assert!(!wrong.is_empty(), "after twenty steps it is not perfect");
    let View::Figures { figures } = &views(&driver, "figures")[0] else { panic!("figures") };
    let accuracy = figures.iter().find(|figure| figure.id == "accuracy_batch").expect("a figure").value;
    assert!((0.05..1.0).contains(&accuracy), "{accuracy}");
}
