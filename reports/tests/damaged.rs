//! Reports that something happened to: whatever is read can be shown, compared and merged.

#![allow(clippy::unwrap_used)]

mod common;

use common::{good, mixed, report};
use serde_json::Value;
use wassay_reports::matrix::{self, Matrix, Named};
use wassay_reports::{Report, badge, diff, html, json, junit, markdown, merge, summary};

/// Numbers that look like chance and are the same in every run (xorshift64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Renders everything there is to render.
fn show(report: &Report, other: &Report) {
    let text = json::render(report);
    assert_eq!(&json::parse(&text).unwrap(), report, "what was read is written and read again");
    assert!(html::render(report).len() < html::MAX_LENGTH);
    let xml = junit::render(report);
    quick_junit::Report::deserialize_from_str(&xml).unwrap();
    for (old, new) in [(report, other), (other, report), (report, report)] {
        let changes = diff::compare(old, new);
        assert!(markdown::render(new, Some(&changes)).len() <= markdown::MAX_LENGTH);
        assert!(markdown::changes(&changes).len() <= markdown::MAX_LENGTH);
        assert!(!diff::text(&changes, false).contains('\u{1b}'));
        serde_json::from_str::<Value>(&changes.json()).unwrap();
    }
    // Duplicates may count as new.
    let same = diff::compare(report, report);
    assert!(same.regressed.is_empty() && same.fixed.is_empty() && same.changed.is_empty());
    assert!(!summary::render(report, false).contains('\u{1b}'));
    let (_, _) = (badge::svg(report), badge::shields(report));
    let named = |report: &Report| Named { name: "a".to_owned(), report: report.clone() };
    let matrix = Matrix::of(&[named(report), named(other)], &[named(other)]);
    assert!(matrix::html::render(&matrix).len() < html::MAX_LENGTH);
    assert!(matrix::markdown::render(&matrix).len() <= markdown::MAX_LENGTH);
    for text in [matrix::json::render(&matrix), matrix::features_json::render(&matrix)] {
        serde_json::from_str::<Value>(&text).unwrap();
    }
    if let Ok(merged) = merge::merge(vec![("a".to_owned(), report.clone())], false) {
        assert_eq!(merged.totals(), report.totals());
    }
    let _ = merge::merge(vec![("a".to_owned(), report.clone()), ("b".to_owned(), other.clone())], true);
}

/// The places of all values in a document.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), all));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| places(field, &format!("{at}/{name}"), all))
        }
        _ => {}
    }
}

fn nasty(chance: &mut Chance, old: &Value) -> Value {
    let twice = |items: &Vec<Value>| items.iter().chain(items).cloned().collect::<Vec<_>>();
    match (chance.below(16), old) {
        (0..=5, Value::Array(items)) => twice(items).into(),
        (6, Value::Array(_)) => Value::Array(Vec::new()),
        (0, _) => "\u{1b}[2J</script>]]>\u{0}\n`|@a".into(),
        (1, _) => "".into(),
        (2, _) => "é\u{202e}\u{fffe}".repeat(3000).into(),
        (3, _) => "javascript:alert(1)".into(),
        (4, _) => u64::MAX.into(),
        (5, _) => u32::MAX.into(),
        (6, _) => 1e12.into(),
        (7, _) => 0.into(),
        (8, _) => "crashed".into(),
        (9, _) => "xpassed".into(),
        (10, _) => "0b0b0b0b0b0b0c0c0c0c0c0c".into(),
        (11, _) => "0c0c0c0c0c0c".into(),
        (12, _) => Value::Null,
        (13, _) => (-1).into(),
        _ => old.clone(),
    }
}

#[test]
fn whatever_is_read_can_be_shown() {
    let whole = report(vec![good(), mixed()]);
    let document: Value = serde_json::from_str(&json::render(&whole)).unwrap();
    let mut all = Vec::new();
    places(&document, "", &mut all);
    let (mut chance, mut read) = (Chance(0x5eed), 0);
    for _ in 0..1500 {
        let mut damaged = document.clone();
        for _ in 0..=chance.below(4) {
            let place = &all[chance.below(all.len())];
            if let Some(value) = damaged.pointer_mut(place) {
                *value = nasty(&mut chance, value);
            }
        }
        if let Ok(report) = json::parse(&damaged.to_string()) {
            read += 1;
            show(&report, &whole);
        }
    }
    assert!(read > 200, "only {read} were reports at all");
}

#[test]
fn what_is_cut_or_overwritten_is_refused_or_shown() {
    let whole = report(vec![good(), mixed()]);
    let text = json::render(&whole);
    let mut chance = Chance(0xb17);
    for _ in 0..6000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=chance.below(3) {
            let at = chance.below(bytes.len());
            match chance.below(3) {
                0 => bytes.truncate(at),
                1 => bytes[at] = b"\"{}[],:0-9eEtfn\\ \x00x"[chance.below(19)],
                _ => bytes[at] ^= 1 << chance.below(8),
            }
            if bytes.is_empty() {
                break;
            }
        }
        if let Ok(report) = json::parse(&String::from_utf8_lossy(&bytes)) {
            show(&report, &whole);
        }
    }
}
