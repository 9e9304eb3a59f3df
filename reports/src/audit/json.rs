//! Renders an audit as JSON. The schema is `schema/audit.schema.json` in this crate.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::model::{Audit, Audited, Fault, ScriptKills, State, Tally};
use crate::json::document;
use crate::millis;
use crate::model::Engine;

/// The version of the schema, raised when a field is removed or changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// An audit of suites: which faults of an engine they detect.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Audit"))]
struct AuditOut<'a> {
    /// The version of this schema.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    schema: u32,
    /// The engine on which the scripts ran.
    engine: &'a Engine,
    /// The program that injected the faults.
    harness: &'a Engine,
    /// The machine: operating system and architecture.
    host: &'a str,
    /// The start time, in RFC 3339 format.
    started: &'a str,
    /// The elapsed time in milliseconds.
    #[serde(rename = "duration_ms", with = "millis")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    duration: Duration,
    /// Whether the audit was interrupted, so that some scripts did not run with every fault.
    interrupted: bool,
    /// The audited suites.
    suites: &'a [Audited],
    /// The number of faults in each state.
    totals: Tally,
    /// The number of faults in each state, by family.
    families: Vec<FamilyOut<'a>>,
    /// The faults, in the order of their tables.
    faults: Vec<FaultOut<'a>>,
    /// The faults that each script kills, by `suite::script`; scripts that kill none are absent.
    scripts: BTreeMap<&'a str, ScriptKills>,
}

/// A family of faults.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Family"))]
struct FamilyOut<'a> {
    /// The name of the family.
    name: &'a str,
    /// The number of its faults in each state.
    #[serde(flatten)]
    tally: Tally,
}

/// A fault with its state.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "FaultWithState"))]
struct FaultOut<'a> {
    /// The result for this fault.
    state: State,
    #[serde(flatten)]
    fault: &'a Fault,
}

/// Renders the audit as indented JSON with a trailing newline.
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
    fn the_schema_file_matches_the_output() {
        assert_schema::<AuditOut<'_>>("audit.schema.json");
    }

    #[test]
    fn json_has_totals_states_and_kills() {
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
