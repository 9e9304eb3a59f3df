//! A badge with the share of faults that the suites kill.

use super::model::Audit;
use crate::badge::{Badge, Colour};
use crate::text::percent;

/// Renders the badge as an SVG picture.
pub fn svg(audit: &Audit) -> String {
    badge(audit).svg()
}

/// Renders the badge as the JSON of shields.io's endpoint badge.
pub fn shields(audit: &Audit) -> String {
    badge(audit).shields()
}

/// Equivalent and inapplicable faults are not counted.
fn badge(audit: &Audit) -> Badge {
    let tally = audit.tally();
    let judged = tally.killed.saturating_add(tally.survived);
    let message = match percent(tally.killed, judged) {
        Some(percent) => format!("{percent} of faults killed"),
        None => "nothing ran".to_owned(),
    };
    let (message, colour) = match (audit.interrupted, tally.survived) {
        _ if judged == 0 => (message, Colour::Grey),
        (true, _) => (format!("{message} (incomplete)"), Colour::Grey),
        (false, 0) => (message, Colour::Green),
        // Red from a tenth of the faults.
        (false, survived) if survived.saturating_mul(10) < judged => (message, Colour::Yellow),
        (false, _) => (message, Colour::Red),
    };
    Badge::new(&audit.engine.name, "audit", message, colour)
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::audit;
    use super::*;

    fn says(audit: &Audit) -> [String; 3] {
        let json: serde_json::Value = serde_json::from_str(&shields(audit)).unwrap();
        ["label", "message", "color"].map(|field| json[field].as_str().unwrap().to_owned())
    }

    #[test]
    fn the_badge_is_about_an_audit_and_counts_judged_faults() {
        let mut audit = audit();
        assert_eq!(says(&audit), ["e audit", "50 % of faults killed", "red"]);
        assert!(svg(&audit).contains("<title>e audit: 50 % of faults killed</title>"));
        audit.interrupted = true;
        assert_eq!(says(&audit)[1..], ["50 % of faults killed (incomplete)", "lightgrey"]);
        audit.interrupted = false;
        audit.faults.retain(|fault| !fault.kills.is_empty());
        assert_eq!(says(&audit)[1..], ["100 % of faults killed", "brightgreen"]);
        audit.faults.clear();
        assert_eq!(says(&audit)[1..], ["nothing ran", "lightgrey"]);
    }
}
