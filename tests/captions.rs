//! Words for pictures: what a text says to a model, whatever is in it, and whether what was drawn is recalled by its name.

mod common;

use common::{Disk, Driver};
use kiln::data::Dataset;
use kiln::data::captions::{Bag, Captions};
use kiln::data::emoji::{self, GROUPS};
use kiln::demos::{Context, pictures};
use kiln::device::open_cpu;
use kiln::error::Code;
use kiln::rng::{Purpose, Stream};
use kiln::session::Host;
use kiln::train::recalled;
use serde_json::json;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Three pictures, so that a word of every phrase is known; in the order of the words `cat`, `heart`, `red`, `心`, `红`, `色`.
fn small() -> Captions {
    let file = json!({ "en": vec![["red heart", "cat"]; 3], "zh": vec![["红色心"]; 3] });
    Captions::parse(file.to_string().as_bytes(), 3, 2).expect("captions")
}

fn shipped() -> Captions {
    emoji::captions(&Disk).expect("they are read").ready().expect("at once")
}

/// A text that is known whole.
fn bag(captions: &Captions, text: &str) -> Bag {
    let (bag, unknown) = captions.bag(text);
    assert_eq!(unknown, Vec::<String>::new(), "{text}");
    bag
}

fn length(bag: &Bag) -> f32 {
    bag.iter().map(|(_, w)| w * w).sum::<f32>().sqrt()
}

fn weight(bag: &Bag, place: usize) -> f32 {
    bag.iter().find(|(at, _)| *at == place).map_or(0.0, |(_, w)| *w)
}

#[test]
fn a_word_with_a_factor_weighs_so_much_more_and_the_length_of_a_bag_is_fixed() {
    let captions = small();
    assert_eq!(captions.features(), 8, "two groups and six words");
    let (heart, red) = (3, 4);
    let even = bag(&captions, "red heart");
    assert_eq!(weight(&even, red), weight(&even, heart));
    for (text, ratio) in [
        ("red*2 heart", 2.0),
        ("heart red*2", 2.0),
        ("red red heart", 2.0),
        ("red*0.5 heart", 0.5),
        ("red*1e3, heart", 1e3),
    ] {
        let bag = bag(&captions, text);
        assert!((weight(&bag, red) / weight(&bag, heart) / ratio - 1.0).abs() < 1e-4, "{text}: {bag:?}");
    }
    for text in ["red", "red heart", "red*7", "red*0.001 heart*0.002", "cat red heart 红色心", "red*9 cat*0.1"] {
        assert!((length(&bag(&captions, text)) - 3.0).abs() < 1e-5, "{text}");
    }
    assert_eq!(captions.group(1), vec![(1, 3.0)]);
    assert_eq!(bag(&captions, "red*5"), bag(&captions, "red"), "alone it says no more");
}

#[test]
fn chinese_is_read_by_character_and_capitals_and_signs_count_for_nothing() {
    let captions = small();
    let places = |text: &str| bag(&captions, text).into_iter().map(|(place, _)| place).collect::<Vec<_>>();
    assert_eq!(places("红心"), places("心 红"));
    assert_eq!(places("红心").len(), 2);
    assert_eq!(places("red红"), places("red 红"), "both languages may stand together");
    let heavy = bag(&captions, "红心*3 色");
    assert_eq!(weight(&heavy, places("红")[0]), weight(&heavy, places("心")[0]));
    assert!((weight(&heavy, places("红")[0]) / weight(&heavy, places("色")[0]) - 3.0).abs() < 1e-5);
    for text in [
        "RED Heart",
        "red-heart",
        "Red, heart!",
        "  red\n\theart ",
        "r.e.d heart",
        "red*heart",
        "(red)/[heart]",
        "red*1 heart*",
    ] {
        assert_eq!(bag(&captions, text), bag(&captions, "red heart"), "{text}");
    }
}

#[test]
fn unknown_words_are_named_and_an_empty_text_says_nothing() {
    let captions = small();
    let (known, unknown) = captions.bag("blue heart 猫 Zebra*3");
    assert_eq!(known, bag(&captions, "heart"));
    assert_eq!(unknown, ["blue", "猫", "zebra"]);
    for text in ["", " ", "*", "***", "*2", "-", ".", "...!?，。", "\0", "red*0", "red*0 heart*-1"] {
        assert_eq!(captions.bag(text), (Bag::new(), Vec::new()), "{text:?}");
    }
    assert_eq!(captions.bag("xyz"), (Bag::new(), vec!["xyz".into()]));
}

/// A weight below 0 counts as 0; what is no finite number is no weight, and is named as a word that is not known.
#[test]
fn no_weight_makes_a_bag_that_is_not_finite() {
    let captions = small();
    for text in ["red*-1 heart", "red*-1e30 heart", "red*-0 heart", "red*0 heart"] {
        assert_eq!(bag(&captions, text), bag(&captions, "heart"), "{text}");
    }
    for (text, word) in
        [("red*nan heart", "nan"), ("red*1e39 heart", "1e39"), ("red*inf heart", "inf"), ("red*2x heart", "2x")]
    {
        assert_eq!(captions.bag(text), (bag(&captions, "red heart"), vec![word.into()]), "{text}");
    }
    for text in [
        "red*1e38 heart*1e38",
        "red*3e38 red*3e38 heart",
        "red*1e-30",
        "red*1e-45 heart*1e-45",
        "red*1e-30 heart*1e38",
        &"red*3e38 ".repeat(1_000),
    ] {
        let bag = bag(&captions, text);
        assert!(bag.iter().all(|(_, w)| w.is_finite()) && (length(&bag) - 3.0).abs() < 1e-5, "{text}: {bag:?}");
    }
}

#[test]
fn a_very_long_text_is_read_like_any_other() {
    let captions = small();
    assert_eq!(bag(&captions, &"red heart ".repeat(100_000)), bag(&captions, "red heart"));
    let long = "x".repeat(1 << 20);
    let (known, unknown) = captions.bag(&format!("heart {long}"));
    assert_eq!((known, unknown), (bag(&captions, "heart"), vec![long]));
    assert_eq!(captions.bag(&"*".repeat(1 << 20)), (Bag::new(), Vec::new()));
}

#[test]
fn a_digit_is_called_by_its_numeral_and_its_name_in_both_languages() {
    let digits = Captions::digits();
    assert_eq!(digits.features(), 10);
    let names =
        ["zero 零", "one 一", "two 二", "three 三", "four 四", "five 五", "six 六", "seven 七", "eight 八", "nine 九"];
    for (digit, names) in names.into_iter().enumerate() {
        for name in names.split(' ').chain([&*digit.to_string(), &names.to_uppercase()]) {
            assert_eq!(bag(&digits, name), vec![(digit, 1.0)], "{name}");
        }
        assert_eq!(digits.group(digit as u8), vec![(digit, 1.0)]);
    }
    assert_eq!(digits.bag("10 heart"), (Bag::new(), vec!["10".into(), "heart".into()]));
    assert_eq!(digits.names(3), None, "no picture has a name of its own");
}

#[test]
fn a_file_that_is_no_captions_is_refused() {
    let good = json!({ "en": vec![["red heart", "cat"]; 3], "zh": vec![["红色心"]; 3] }).to_string();
    assert!(Captions::parse(good.as_bytes(), 3, 2).is_ok());
    let few = json!({ "en": vec![["red"]; 3], "zh": vec![["红"]; 2] }).to_string();
    let nameless = json!({ "en": [["a"], [], ["b"]], "zh": [[], [], []] }).to_string();
    let other = json!({ "en": [[1], [2], [3]], "zh": [[], [], []] }).to_string();
    let deep = "[".repeat(100_000);
    for (what, bytes, count) in [
        ("empty", &b""[..], 3),
        ("no JSON", b"red heart", 3),
        ("cut off", &good.as_bytes()[..good.len() / 2], 3),
        ("not UTF-8", b"\xff\xfe{}", 3),
        ("without keys", b"{}", 3),
        ("for more pictures", good.as_bytes(), 4),
        ("for fewer pictures", good.as_bytes(), 2),
        ("for none", good.as_bytes(), 0),
        ("with fewer Chinese than English", few.as_bytes(), 3),
        ("with a picture without a name", nameless.as_bytes(), 3),
        ("of numbers", other.as_bytes(), 3),
        ("deep", deep.as_bytes(), 3),
    ] {
        let error = Captions::parse(bytes, count, 2).err().unwrap_or_else(|| panic!("{what} was taken"));
        assert_eq!(error.code, Code::BadFile, "{what}");
    }
    let rare = json!({ "en": [["a"], ["b"], ["c"]], "zh": [[], [], []] }).to_string();
    let rare = Captions::parse(rare.as_bytes(), 3, 2).expect("captions");
    assert_eq!(
        (rare.features(), rare.bag("a")),
        (2, (Bag::new(), vec!["a".into()])),
        "a word of one picture is not known"
    );
    assert_eq!(rare.draw(0, None, &mut Stream::new(1, Purpose::Noise)), Bag::new());
}

#[test]
fn the_shipped_captions_have_a_place_for_each_group_and_each_word() {
    let captions = shipped();
    assert_eq!(captions.features(), emoji::FEATURES);
    let mut places = BTreeSet::new();
    for picture in 0..1906 {
        let [en, zh] = captions.names(picture).expect("names");
        assert!(!en.is_empty() && !zh.is_empty(), "picture {picture}");
        for bag in [captions.bag(en).0, captions.bag(zh).0, captions.name(picture)] {
            places.extend(bag.iter().map(|(place, _)| *place));
        }
    }
    assert!(places.first() >= Some(&GROUPS.len()) && places.last() < Some(&emoji::FEATURES), "{places:?}");
    assert_eq!((captions.names(1906), captions.name(1906)), (None, Bag::new()), "there are no more");
    for text in ["red heart", "smiling cat", "红色的花", "蓝色 汽车"] {
        assert!(!captions.bag(text).0.is_empty(), "{text} is suggested");
    }
}

/// What a picture is called in training is one of its own captions, and a held-out picture is never in a batch: no run is told of it.
#[test]
fn drawn_captions_come_from_the_stream_and_are_those_of_the_pictures_of_the_batch() {
    let captions = shipped();
    let draw = |seed: u64| -> Vec<Bag> {
        let mut stream = Stream::new(seed, Purpose::Noise);
        (0..300).map(|picture| captions.draw(picture, Some(4), &mut stream)).collect()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    // A picture of whose phrases no word is known is told nothing.
    assert!(draw(1).iter().all(|bag| bag.is_empty() || (length(bag) - 3.0).abs() < 1e-5));
    assert!(draw(1).iter().filter(|bag| bag.is_empty()).count() < 15);

    let file = std::fs::read("www/data/emoji/captions.json").expect("it ships");
    let file: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
    let mut stream = Stream::new(3, Purpose::Noise);
    let (mut groups, mut names, mut all) = (0, 0, BTreeSet::new());
    let n = 2_000;
    for k in 0..n {
        let picture = 7 * (k % 20);
        let phrases =
            ["en", "zh"].map(|l| file[l][picture].as_array().expect("phrases").iter().filter_map(|p| p.as_str()));
        let own: Vec<Bag> = phrases.into_iter().flatten().map(|phrase| captions.bag(phrase).0).collect();
        let bag = captions.draw(picture, Some(4), &mut stream);
        groups += usize::from(bag == captions.group(4));
        let named = captions.names(picture).expect("names").iter().any(|name| captions.bag(name).0 == bag);
        names += usize::from(named);
        assert!(bag == captions.group(4) || own.contains(&bag), "picture {picture}: {bag:?}");
        all.insert(format!("{picture} {bag:?}"));
    }
    let share = |count: usize| count as f64 / n as f64;
    assert!((0.07..0.13).contains(&share(groups)) && (0.5..0.85).contains(&share(names)), "{groups}, {names} of {n}");
    assert!(all.len() > 100, "keywords are drawn, too: {}", all.len());

    let library = Driver::new(false).desk.library();
    let device = open_cpu().expect("a CPU").device;
    let context = Context { device, source: Rc::new(Disk), library, clock: Rc::new(|| 0.0) };
    let mut data = pictures::open("emoji", &context, 1).expect("the set");
    let held_out: BTreeSet<u32> =
        data.held_out().expect("pictures").ready().expect("at once").places.into_iter().collect();
    let mut seen = BTreeSet::new();
    for _ in 0..30 {
        seen.extend(data.batch(128).expect("pictures").ready().expect("at once").places);
    }
    assert_eq!((held_out.len(), seen.len()), (190, 1906 - 190));
    assert!(seen.is_disjoint(&held_out));
}

#[test]
fn perfect_pictures_are_all_recalled_random_ones_by_chance_and_what_is_not_a_number_never() {
    let n = 200usize;
    let perfect: Vec<f32> = (0..n * n).map(|i| (i / n).abs_diff(i % n) as f32).collect();
    assert_eq!(recalled(&perfect, n), 1.0);
    let random = Stream::new(1, Purpose::Noise).normal(n * n);
    let chance = recalled(&random, n);
    assert!((chance - 10.0 / n as f32).abs() < 0.04, "{chance}");
    let worst: Vec<f32> = perfect.iter().map(|d| -d).collect();
    assert!(recalled(&worst, n) < 0.1);
    // The tenth counts, the eleventh does not.
    let after = |before: usize| -> Vec<f32> {
        (0..n * n).map(|i| if i / n == i % n || (i % n + n - i / n) % n > before { 1.0 } else { 0.0 }).collect()
    };
    assert_eq!((recalled(&after(9), n), recalled(&after(10), n)), (1.0, 0.0));

    let half = |bad: f32| -> Vec<f32> {
        perfect.iter().enumerate().map(|(i, d)| if i / n < n / 2 { bad } else { *d }).collect()
    };
    for bad in [f32::NAN, f32::INFINITY] {
        assert_eq!(recalled(&half(bad), n), 0.5, "rows of {bad}");
    }
    let one = |bad: f32| -> Vec<f32> {
        perfect.iter().enumerate().map(|(i, d)| if i / n == i % n { bad } else { *d }).collect()
    };
    assert_eq!(recalled(&one(f32::NAN), n), 0.0, "its own distance is no number");
    // Others that are no numbers are not nearer.
    let others: Vec<f32> =
        perfect.iter().enumerate().map(|(i, d)| if i / n == i % n { *d } else { f32::NAN }).collect();
    assert_eq!(recalled(&others, n), 1.0);
    assert_eq!(recalled(&[], 0), 0.0);
}
