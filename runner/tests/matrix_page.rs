//! Tests of the matrix page in a real browser. Without one, every trial is reported as not run.

#![allow(clippy::disallowed_macros, clippy::disallowed_methods, clippy::unwrap_used)]

mod browser;
mod common;

use std::process::ExitCode;

use browser::{Browser, CONTRAST, Test};
use common::engines::folder;
use common::{Folder, wassay};
use serde_json::json;

fn main() -> ExitCode {
    let tests: [(&str, Test); 6] = [
        ("it_loads_without_a_complaint_and_runs_no_script", it_loads_without_a_complaint_and_runs_no_script),
        ("a_cell_leads_to_its_evidence_by_the_keyboard", a_cell_leads_to_its_evidence_by_the_keyboard),
        ("a_disagreement_opens_and_shows_who_says_what", a_disagreement_opens_and_shows_who_says_what),
        (
            "the_head_and_the_names_stay_where_the_table_scrolls",
            the_head_and_the_names_stay_where_the_table_scrolls,
        ),
        ("texts_have_contrast_in_light_and_dark", texts_have_contrast_in_light_and_dark),
        ("all_of_the_table_is_printed", all_of_the_table_is_printed),
    ];
    browser::run(tests)
}

fn page() -> (Folder, String) {
    let folder = folder();
    let file = folder.arg("matrix.html");
    let reports = ["a", "b", "c", "d"].map(|name| folder.arg(&format!("{name}.json")));
    let ran = wassay(&[&["matrix".to_owned()], &reports[..], &["-o".to_owned(), file.clone()]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    (folder, browser::url(&file))
}

/// The cells of the row whose name ends with this text.
fn cells(row: &str) -> String {
    format!(
        "[...[...document.querySelectorAll('.engines tr')].find(row => row.firstElementChild.textContent.endsWith('{row}'))\
         .querySelectorAll('td')].map(cell => cell.innerText.replace(/\\s+/g, ' ').trim())"
    )
}

fn it_loads_without_a_complaint_and_runs_no_script(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&url);
    assert_eq!(browser.evaluate("document.scripts.length + document.images.length"), 0);
    assert_eq!(
        browser.evaluate("performance.getEntriesByType('resource').length"),
        0,
        "it needs nothing else"
    );
    assert_eq!(browser.evaluate(&cells("gc")), json!(["✓ yes 3", "✓ yes 3", "✓ yes 3", "✗ no"]));
    let heads = "[...document.querySelectorAll('.engines thead th')].map(head => head.innerText.split('\\n').filter(Boolean).join(' '))";
    let expected = ["feature", "alpha 1.0", "beta 1.0", "beta 1.0 all-on --everything", "gamma 1.0"];
    assert_eq!(browser.evaluate(heads), json!(expected));
    // Text of a report must be shown escaped.
    let sources = browser
        .evaluate("[...document.querySelectorAll('.source')].map(source => source.textContent).join()");
    assert!(sources.as_str().unwrap().contains("</style><img src=x onerror=alert(1)>"), "{sources}");
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

fn a_cell_leads_to_its_evidence_by_the_keyboard(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&url);
    let lacking = "[...document.querySelectorAll('.engines td.no a')][0]";
    browser.evaluate(&format!("{lacking}.focus()"));
    let target = browser.evaluate(&format!("{lacking}.hash"));
    let evidence = format!("document.querySelector('{}')", target.as_str().unwrap());
    assert_eq!(browser.evaluate(&format!("{evidence}.checkVisibility()")), false);
    browser.press("Enter", "\r");
    browser.until("the evidence is on the screen", |browser| {
        let top = format!("{evidence}.getBoundingClientRect().top");
        browser.evaluate(&format!("{evidence}.checkVisibility() && {top} >= 0 && {top} < innerHeight"))
            == true
    });
    let text = browser.evaluate(&format!("{evidence}.innerText"));
    let text = text.as_str().unwrap();
    for part in ["gamma 1.0: no", "0 of 1 module compiled", "which is not meaningful", "objects.wast:1:1"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // From there it goes on to what was run and how.
    browser.evaluate(&format!("{evidence}.querySelector('a[href^=\"#c\"]').click()"));
    let engine = browser.evaluate("document.querySelector(location.hash).innerText");
    let engine = engine.as_str().unwrap();
    assert!(
        engine.contains("gamma 1.0") && engine.contains("contents ") && engine.contains("judged by wassay"),
        "{engine}"
    );
    // The box of the table itself is reached, so that it scrolls.
    assert_eq!(browser.evaluate("document.querySelector('.scroll').tabIndex"), 0);
}

fn a_disagreement_opens_and_shows_who_says_what(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&format!("{url}#one-1"));
    let one = "document.getElementById('one-1').closest('details')";
    assert_eq!(browser.evaluate(&format!("{one}.checkVisibility() && !{one}.open")), true);
    browser.evaluate("document.getElementById('one-1').focus()");
    browser.press("Enter", "\r");
    assert_eq!(browser.evaluate(&format!("{one}.open")), true);
    let rows = format!(
        "[...{one}.querySelectorAll('.verdicts tr')].map(row => row.innerText.replace(/\\s+/g, ' ').trim())"
    );
    let expected = [
        "failed beta 1.0, beta 1.0 (all-on) wrong-value: result 0 has the wrong value; actual i32 8",
        "passed alpha 1.0, gamma 1.0",
    ];
    assert_eq!(browser.evaluate(&rows), json!(expected));
}

fn the_head_and_the_names_stay_where_the_table_scrolls(browser: &mut Browser) {
    let (_folder, url) = page();
    let phone = json!({ "width": 360, "height": 400, "deviceScaleFactor": 2, "mobile": true });
    browser.call("Emulation.setDeviceMetricsOverride", phone);
    browser.open(&url);
    let width = browser.evaluate("document.documentElement.scrollWidth");
    browser.evaluate("(() => { const box = document.querySelector('.scroll'); box.scrollTo(200, 150); })()");
    let scrolled =
        browser.evaluate("(box => [box.scrollLeft, box.scrollTop])(document.querySelector('.scroll'))");
    let offset = |what: &str, side: &str| {
        format!(
            "Math.abs(document.querySelector('{what}').getBoundingClientRect().{side} - document.querySelector('.scroll').getBoundingClientRect().{side}) < 3"
        )
    };
    let head = browser.evaluate(&offset(".engines thead th", "top"));
    let name = browser.evaluate(&offset(".engines tbody tr:last-child th", "left"));
    browser.call("Emulation.clearDeviceMetricsOverride", json!({}));
    assert_eq!(width, 360, "the page itself is no wider than the screen");
    assert_ne!(scrolled[0], 0, "{scrolled}");
    assert_eq!((head, name), (true.into(), true.into()), "{scrolled}");
}

fn texts_have_contrast_in_light_and_dark(browser: &mut Browser) {
    let (_folder, url) = page();
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.call("Emulation.setEmulatedMedia", json!({ "features": features }));
        browser.open(&url);
        browser.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)");
        grounds.push(browser.evaluate("getComputedStyle(document.body).backgroundColor"));
        let contrast = browser.evaluate(CONTRAST).as_f64().unwrap();
        assert!(contrast >= 4.5, "{scheme}: a text has a contrast of {contrast:.2} only");
    }
    browser.call("Emulation.setEmulatedMedia", json!({ "features": [] }));
    assert_ne!(grounds[0], grounds[1]);
}

fn all_of_the_table_is_printed(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&url);
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    let style =
        "(style => [style.overflow, style.maxHeight])(getComputedStyle(document.querySelector('.scroll')))";
    let printed = browser.evaluate(style);
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "" }));
    assert_eq!(printed, json!(["visible", "none"]));
}
