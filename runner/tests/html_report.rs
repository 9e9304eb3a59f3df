//! Tests of the HTML report in a real browser. Without one, every trial is reported as not run.

// A harness of its own: its arguments and its output are those of a developer.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

mod browser;
mod common;

use std::process::ExitCode;
use std::time::Duration;

use browser::{Browser, CONTRAST, Test};
use common::{FAILS, Folder, PASSES, wassay};
use serde_json::json;
use wassay_reports::{Case, Counts, Engine, Failure, Outcome, Report, Suite, html};

fn main() -> ExitCode {
    let tests: [(&str, Test); 8] = [
        ("it_loads_without_a_complaint", it_loads_without_a_complaint),
        ("filtering_shows_what_matches", filtering_shows_what_matches),
        ("a_filter_can_be_linked_to", a_filter_can_be_linked_to),
        ("a_failure_opens_by_the_keyboard", a_failure_opens_by_the_keyboard),
        ("a_failure_can_be_linked_to", a_failure_can_be_linked_to),
        ("it_is_dark_where_the_reader_wants_it_dark", it_is_dark_where_the_reader_wants_it_dark),
        ("it_fits_a_phone", it_fits_a_phone),
        (
            "sixty_seven_thousand_failures_are_reported_quickly",
            sixty_seven_thousand_failures_are_reported_quickly,
        ),
    ];
    browser::run(tests)
}

/// The report of a run: two scripts pass, of which one needs vectors, and one fails in two
/// directives.
fn page() -> (Folder, String) {
    let vector = format!("(module (func (param v128)))\n{PASSES}");
    // What is in a script must stay what it is.
    let fails = format!("{FAILS}(assert_trap (invoke \"</script><img src=x onerror=alert(1)>\") \"x\")\n");
    let folder =
        Folder::new(&[("s/good.wast", PASSES), ("s/vector.wast", vector.as_str()), ("s/bad.wast", &fails)]);
    let file = folder.arg("report.html");
    let ran = wassay(&["test", &folder.arg("s"), "--report", &format!("html={file}")]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    (folder, browser::url(&file))
}

/// The names of the scripts whose rows can be seen.
const ROWS: &str = "[...document.querySelectorAll('tr[data-s]')].filter(row => row.checkVisibility())\
    .map(row => row.querySelector('th').textContent)";

/// The places of the failures that can be seen.
const FAILURES: &str = "[...document.querySelectorAll('[data-failure]')].filter(item => item.checkVisibility())\
    .map(item => item.querySelector('code').textContent)";

fn it_loads_without_a_complaint(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&url);
    assert_eq!(
        browser.evaluate("document.querySelector('h1').textContent"),
        concat!("wassay ", env!("CARGO_PKG_VERSION"))
    );
    // The page's own script ran: its policy knows it.
    assert_eq!(browser.evaluate("document.getElementById('filter').hidden"), false);
    assert_eq!(browser.evaluate("document.getElementById('n').value"), "3 cases, 3 entries");
    assert_eq!(browser.evaluate(ROWS), json!(["bad.wast", "good.wast", "vector.wast"]));
    assert_eq!(browser.evaluate("document.scripts.length + document.images.length"), 1);
    assert_eq!(
        browser.evaluate("performance.getEntriesByType('resource').length"),
        0,
        "it needs nothing else"
    );
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

fn filtering_shows_what_matches(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&url);
    // A slash leads into the box, from anywhere.
    browser.press("/", "/");
    assert_eq!(browser.evaluate("document.activeElement.id"), "q");
    let mut shown = |text: &str| {
        browser.evaluate("document.getElementById('q').select()");
        if text.is_empty() {
            browser.press("Backspace", "");
            browser.call(
                "Input.dispatchKeyEvent",
                json!({ "type": "keyDown", "key": "Backspace", "windowsVirtualKeyCode": 8 }),
            );
        } else {
            browser.call("Input.insertText", json!({ "text": text }));
        }
        let note = browser.evaluate("document.getElementById('n').value");
        (browser.evaluate(ROWS), browser.evaluate(FAILURES).as_array().unwrap().len(), note)
    };
    assert_eq!(shown("GOOD"), (json!(["good.wast"]), 0, json!("1 case, 0 entries")));
    assert_eq!(shown("uses:simd"), (json!(["vector.wast"]), 0, json!("1 case, 0 entries")));
    assert_eq!(shown("is:failed"), (json!(["bad.wast"]), 3, json!("1 case, 3 entries")));
    assert_eq!(shown("trap-expected"), (json!([]), 1, json!("0 cases, 1 entry")));
    assert_eq!(shown("bad.wast is:passed"), (json!([]), 0, json!("0 cases, 0 entries")));
    assert_eq!(shown("").0, json!(["bad.wast", "good.wast", "vector.wast"]));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

fn a_filter_can_be_linked_to(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&format!("{url}#q=uses%3Asimd"));
    assert_eq!(browser.evaluate(ROWS), json!(["vector.wast"]));
    // So does the matrix of features.
    browser.open(&url);
    browser.evaluate("document.querySelector('.matrix a').click()");
    browser.until("the link is followed", |browser| browser.evaluate(ROWS) == json!(["vector.wast"]));
    assert_eq!(browser.evaluate("document.getElementById('q').value"), "uses:simd");
    browser.open(&format!("{url}#%E0%A4%A"));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}

fn a_failure_opens_by_the_keyboard(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&url);
    let source = "document.querySelector('[data-failure] .source')";
    assert_eq!(browser.evaluate(&format!("{source}.checkVisibility()")), false);
    browser.evaluate("document.querySelector('[data-failure] > summary').focus()");
    browser.press("Enter", "\r");
    assert_eq!(browser.evaluate(&format!("{source}.checkVisibility()")), true);
    let directive = FAILS.lines().nth(1).unwrap();
    assert_eq!(browser.evaluate(&format!("{source}.textContent")), directive);
    let sides = browser
        .evaluate("[...document.querySelector('[data-failure] .sides').children].map(e => e.textContent)");
    assert_eq!(sides[0], "expected");
    assert!(sides[1].as_str().unwrap().contains('8') && sides[3].as_str().unwrap().contains('7'), "{sides}");
    let nasty = browser.evaluate("[...document.querySelectorAll('.source')].pop().textContent");
    assert!(nasty.as_str().unwrap().contains("</script><img src=x onerror=alert(1)>"), "{nasty}");
}

fn a_failure_can_be_linked_to(browser: &mut Browser) {
    let (_folder, url) = page();
    browser.open(&format!("{url}#s1-2"));
    assert_eq!(browser.evaluate("document.getElementById('s1-2').open"), true);
    assert_eq!(browser.evaluate("document.querySelector('#s1-2 .source').checkVisibility()"), true);
    assert_eq!(browser.evaluate("document.getElementById('s1-1').open"), false);
    // Also where a filter hides it.
    browser.open(&format!("{url}#q=vector"));
    assert_eq!(browser.evaluate(FAILURES), json!([]));
    browser.evaluate("location.hash = 's1-1'");
    browser.until("it is shown", |browser| {
        browser.evaluate("document.querySelector('#s1-1 .source').checkVisibility()") == true
    });
}

fn it_is_dark_where_the_reader_wants_it_dark(browser: &mut Browser) {
    let (_folder, url) = page();
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.call("Emulation.setEmulatedMedia", json!({ "features": features }));
        browser.open(&format!("{url}#s1-1"));
        grounds.push(browser.evaluate("getComputedStyle(document.body).backgroundColor"));
        let contrast = browser.evaluate(CONTRAST).as_f64().unwrap();
        assert!(contrast >= 4.5, "{scheme}: a text has a contrast of {contrast:.2} only");
    }
    browser.call("Emulation.setEmulatedMedia", json!({ "features": [] }));
    assert_eq!(grounds, [json!("rgb(255, 255, 255)"), json!("rgb(20, 23, 27)")]);
}

fn it_fits_a_phone(browser: &mut Browser) {
    let (_folder, url) = page();
    let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
    browser.call("Emulation.setDeviceMetricsOverride", phone);
    browser.open(&format!("{url}#s1-1"));
    let width = browser.evaluate("document.documentElement.scrollWidth");
    let letters = browser.evaluate("parseFloat(getComputedStyle(document.body).fontSize)");
    // How much of a suite failed is not cut off, and what failed comes before the suites.
    let failed = "document.querySelector('.stack td[data-l=failed]')";
    let right = browser.evaluate(&format!("{failed}.getBoundingClientRect().right"));
    assert!(right.as_f64().is_some_and(|right| right > 0.0 && right <= 360.0), "{right}");
    assert_eq!(browser.evaluate(&format!("{failed}.checkVisibility()")), true);
    let top = |id: &str| format!("document.getElementById('{id}').getBoundingClientRect().top");
    assert_eq!(browser.evaluate(&format!("{} < {}", top("failures"), top("suites"))), true);
    browser.call("Emulation.clearDeviceMetricsOverride", json!({}));
    assert_eq!(width, 360, "nothing stands beyond the edge");
    assert!(letters.as_f64().unwrap() >= 14.0);
}

fn sixty_seven_thousand_failures_are_reported_quickly(browser: &mut Browser) {
    let folder = Folder::new::<&str>(&[]);
    let page = html::render(&all_failed());
    assert!(page.len() < 3_000_000, "{}", page.len());
    std::fs::write(folder.file("report.html"), page).unwrap();
    let url = browser::url(&folder.arg("report.html"));
    // A third of a second where this was written. What is asserted is that time does not grow with
    // the square of the failures, on machines that have other work too.
    let times = (0..3).map(|_| {
        browser.open(&url);
        browser.until("the load is timed", |browser| {
            browser.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd > 0") == true
        });
        browser.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd").as_f64().unwrap()
    });
    let best = times.fold(f64::INFINITY, f64::min);
    println!("it is there after {best:.0} ms");
    assert!(best < 10_000.0, "{best} ms");
    let filtering = "(() => { const begun = performance.now(); const box = document.getElementById('q');\
        box.value = 'script-17'; box.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - begun })()";
    let filtered = browser.evaluate(filtering).as_f64().unwrap();
    println!("it is filtered after {filtered:.0} ms");
    assert!(filtered < 10_000.0, "{filtered} ms");
    assert_eq!(browser.evaluate("document.getElementById('n').value.split(' ')[0]"), "11");
}

/// As many scripts and directives as the official suite has, all of which failed.
fn all_failed() -> Report {
    let failure = |line: u32| Failure {
        line,
        column: 1,
        kind: "wrong-value".to_owned(),
        message: "result 0 has the wrong value".to_owned(),
        expected: Some("i32 1 (0x00000001)".to_owned()),
        actual: Some("i32 2 (0x00000002)".to_owned()),
        source: format!("(assert_return (invoke \"f{line}\" (i32.const {line})) (i32.const 1))"),
        ..Failure::default()
    };
    let case = |number: u32| Case {
        features: vec!["simd".to_owned(), "multi-value".to_owned()],
        failures: (1..=233).map(failure).collect(),
        ..Case::new(
            format!("script-{number}.wast"),
            Outcome::Failed,
            Duration::from_millis(number.into()),
            Counts { failed: 233, ..Counts::default() },
        )
    };
    let suite = Suite::new("spec".to_owned(), "spec".to_owned(), (0..288).map(case).collect());
    let engine = Engine::new("wassay", "0");
    let (host, started) = ("x86_64-linux".to_owned(), "2026-01-02T03:04:05Z".to_owned());
    Report::new(engine, host, started, Duration::from_secs(1), vec![suite])
}
