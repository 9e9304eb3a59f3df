//! The badge.

mod common;

use common::{case, good, mixed, report, suite};
use wassay_reports::{Counts, Outcome, badge};

#[test]
fn golden() {
    insta::assert_snapshot!("svg", badge::svg(&report(vec![good()])));
    insta::assert_snapshot!("shields", badge::shields(&report(vec![good(), mixed()])));
}

#[test]
fn its_words_and_colour_say_how_much_passed_and_whether_that_is_as_expected() {
    let says = |suites| {
        let json: serde_json::Value = serde_json::from_str(&badge::shields(&report(suites))).unwrap();
        (json["message"].as_str().unwrap().to_owned(), json["color"].as_str().unwrap().to_owned())
    };
    let one = |outcome, passed, failed, xfailed| {
        let counts = Counts { passed, failed, xfailed, ..Counts::default() };
        vec![case("a", outcome, counts)]
    };
    let said =
        |outcome, passed, failed, xfailed| says(vec![suite("s", one(outcome, passed, failed, xfailed))]);
    let is = |message: &str, colour: &str| (message.to_owned(), colour.to_owned());
    assert_eq!(said(Outcome::Passed, 7, 0, 0), is("100 %", "brightgreen"));
    assert_eq!(said(Outcome::XFailed, 999, 0, 1), is("99.9 %", "brightgreen"));
    assert_eq!(said(Outcome::Failed, 99_999, 1, 0), is("99.9 %", "red"));
    assert_eq!(said(Outcome::Failed, 0, 0, 0), is("0 %", "red"), "a script without directives failed");
    assert_eq!(says(vec![]), is("nothing ran", "lightgrey"));
    let mut many = vec![case("a", Outcome::Passed, Counts { passed: 9, ..Counts::default() }); 19];
    many.extend(one(Outcome::Failed, 8, 1, 0));
    assert_eq!(says(vec![suite("s", many)]), is("99.4 %", "yellow"));
}
