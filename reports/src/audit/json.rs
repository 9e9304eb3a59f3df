//! An audit as JSON, for other programs. Its schema is `schema/audit.schema.json` of this crate.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::model::{Audit, Audited, Fault, State, Tally, Worth};
use crate::json::document;
use crate::millis;
use crate::model::Engine;

/// The version of the schema: it changes when a field goes or comes to mean something else.
pub const SCHEMA_VERSION: u32 = 1;

/// An audit of suites: which faults of an engine they would notice.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Audit"))]
struct AuditOut<'a> {
    /// The version of this schema.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    schema: u32,
    /// The engine on which the faults were played.
    engine: &'a Engine,
    /// What played them.
    harness: &'a Engine,
    /// What it ran on.
    host: &'a str,
    /// When it started: a date and time as in RFC 3339.
    started: &'a str,
    /// How long it took by the clock on the wall, in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    duration: Duration,
    /// Whether it was interrupted, so that some faults were not played to all scripts.
    interrupted: bool,
    /// The suites.
    suites: &'a [Audited],
    /// How many faults are in each state.
    totals: Tally,
    /// The same of each family.
    families: Vec<FamilyOut<'a>>,
    /// The faults, in the order of their tables.
    faults: Vec<FaultOut<'a>>,
    /// What each script that kills a fault is worth, by suite and script.
    scripts: BTreeMap<&'a str, Worth>,
}

/// A family of faults.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Family"))]
struct FamilyOut<'a> {
    /// Its name.
    name: &'a str,
    /// How many of its faults are in each state.
    #[serde(flatten)]
    tally: Tally,
}

/// A fault with its state.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "FaultWithState"))]
struct FaultOut<'a> {
    /// What became of it.
    state: State,
    #[serde(flatten)]
    fault: &'a Fault,
}

/// The audit as indented JSON, with a line feed at its end.
pub fn render(audit: &Audit) -> String {
    let Audit { engine, harness, host, started, duration, interrupted, suites, faults } = audit;
    let families = audit.families().into_iter().map(|(name, tally)| FamilyOut { name, tally });
    document(&AuditOut {
        schema: SCHEMA_VERSION,
        engine,
        harness,
        host,
        started,
        duration: *duration,
        interrupted: *interrupted,
        suites,
        totals: audit.tally(),
        families: families.collect(),
        faults: faults.iter().map(|fault| FaultOut { state: fault.state(), fault }).collect(),
        scripts: audit.scripts(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::audit;
    use super::*;
    use crate::json::tests::assert_schema;

    #[test]
    fn the_schema_file_says_what_is_written() {
        assert_schema::<AuditOut<'_>>("audit.schema.json");
    }

    #[test]
    fn what_other_programs_read() {
        let json: serde_json::Value = serde_json::from_str(&render(&audit())).unwrap();
        assert_eq!(json["schema"], 1);
        assert_eq!(json["duration_ms"], 3000.0);
        assert_eq!(json["totals"]["survived"], 2);
        assert_eq!(json["families"][0]["name"], "f");
        assert_eq!(json["families"][0]["killed"], 2);
        assert_eq!(json["faults"][4]["state"], "not-applicable");
        assert_eq!(json["faults"][0]["kills"][1]["script"], "s::b.wast");
        assert_eq!(json["scripts"]["s::a.wast"]["alone"][0], "f/two: does <nothing>");
    }
}
