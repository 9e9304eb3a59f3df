//! The evidence for cells, and the directives on which engines differ, within the size limit.

use serde::Serialize;

use super::super::assess::{bad, good};
use super::super::{Cell, Disagreement, Kind, Matrix, State, Unit, Verdict};
use super::cell::{CellView, anchor, cell_view};
use crate::html::item::{Item, LEAST};
use crate::html::shown::{cost, name, shown};
use crate::model::Failure;
use crate::text::{at, counted, cut, grouped};

/// The evidence for the cells of a row.
#[derive(Serialize)]
pub(super) struct Evidence {
    feature: String,
    title: String,
    cells: Vec<CellEvidence>,
}

/// The evidence for a cell.
#[derive(Serialize)]
struct CellEvidence {
    id: String,
    engine: String,
    /// The index of the column.
    column: usize,
    view: CellView,
    modules: String,
    unit: &'static str,
    directives: String,
    apart: String,
    /// What is not counted, with reasons.
    aside: Vec<String>,
    since: String,
    failing: Vec<Item>,
    left: u64,
}

/// The evidence for all cells, and the number of failing directives that did not fit.
pub(super) fn evidence(matrix: &Matrix, columns: usize, mut room: usize) -> (Vec<Evidence>, u64) {
    let mut left = 0u64;
    let mut all = Vec::new();
    for (group_at, group) in matrix.groups.iter().enumerate() {
        for (row_at, row) in group.rows.iter().enumerate() {
            let feature = if row.feature.is_empty() { "nothing beyond 1.0" } else { &row.feature };
            let mut one = Evidence { feature: name(feature), title: name(&row.title), cells: Vec::new() };
            for (column_at, cell) in row.cells.iter().take(columns).enumerate() {
                if cell.state == State::NotRun {
                    continue;
                }
                let Some(column) = matrix.columns.get(column_at) else { continue };
                let view = cell_view(group_at, row_at, column_at, cell);
                let id = anchor(group_at, row_at, column_at);
                let mut of = cell_evidence(id, name(&column.title()), column_at + 1, (row.unit, view), cell);
                room = room.saturating_sub(of.cost());
                for failing in &cell.failing {
                    let Failure { line, column, .. } = failing.failure;
                    let place = name(&format!("{}::{}", failing.suite, at(&failing.case, line, column)));
                    let id = format!("{}-{}", of.id, of.failing.len() + 1);
                    let item = Item::of(id, place, failing.url.clone(), &failing.failure);
                    if item.cost() > room {
                        of.left = of.left.saturating_add(1);
                        continue;
                    }
                    room -= item.cost();
                    of.failing.push(item);
                }
                left = left.saturating_add(of.left);
                one.cells.push(of);
            }
            all.push(one);
        }
    }
    (all, left)
}

fn cell_evidence(
    id: String,
    engine: String,
    column: usize,
    (unit, view): (Unit, CellView),
    cell: &Cell,
) -> CellEvidence {
    let of = |counts: &crate::outcome::Counts, noun: &str, done: &str| {
        let judged = good(counts).saturating_add(bad(counts));
        format!("{} of {} {done}", grouped(good(counts)), counted(judged, noun))
    };
    let directives = match cell.state {
        State::No if unit == Unit::Directive => format!(
            "{}, which is not meaningful, because modules may be rejected for any reason",
            of(&cell.directives, "directive", "passed")
        ),
        _ => of(&cell.directives, unit.word(), "passed"),
    };
    let aside = cell.set_aside.iter().take(40).map(|aside| {
        let count = counted(aside.directives, "directive");
        format!(
            "{count} not counted, because the engine lacks {}, which they also need",
            name(&aside.feature)
        )
    });
    CellEvidence {
        id,
        engine,
        column,
        view,
        modules: match unit {
            Unit::Directive => of(&cell.modules, "module", "compiled"),
            Unit::Case => String::new(),
        },
        unit: if unit == Unit::Case { "cases" } else { "directives" },
        directives,
        apart: cell.apart(),
        aside: aside.collect(),
        since: cell.since.as_ref().map_or_else(String::new, |since| {
            let not_in =
                since.not_in.as_ref().map_or_else(String::new, |version| format!(", not in {version}"));
            name(&format!("{}, by the run of {}{not_in}", since.words(), since.started))
        }),
        failing: Vec::new(),
        left: cell.failing_left,
    }
}

impl CellEvidence {
    fn cost(&self) -> usize {
        let texts = [&self.engine, &self.modules, &self.directives, &self.apart, &self.since];
        1200 + texts.iter().map(|text| cost(text)).sum::<usize>()
            + self.aside.iter().map(|line| 40 + cost(line)).sum::<usize>()
    }
}

/// The directives on which engines differ, by which engines fail them.
#[derive(Serialize)]
pub(super) struct Differences {
    kinds: Vec<KindView>,
}

#[derive(Serialize)]
struct KindView {
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    count: String,
    /// The number per engine, for those that only one engine fails.
    by_engine: Vec<String>,
    directives: Vec<Difference>,
    left: u64,
}

/// A directive on which engines differ.
#[derive(Serialize)]
pub(super) struct Difference {
    item: Item,
    features: String,
    /// Which engines fail it, in words.
    failing: String,
    /// The first failure.
    how: String,
    verdicts: Vec<VerdictView>,
}

/// The result of a directive in some columns.
#[derive(Serialize)]
struct VerdictView {
    class: &'static str,
    word: &'static str,
    engines: String,
    text: String,
}

/// The directives on which engines differ, as far as they fit.
pub(super) fn differences(matrix: &Matrix, columns: usize, room: &mut usize) -> Differences {
    let found = &matrix.disagreements;
    let kind = |kind: Kind, id, title, hint, count: u64, room: &mut usize| {
        let of: Vec<&Disagreement> = found.directives.iter().filter(|one| one.kind == kind).collect();
        let mut shown = Vec::new();
        for one in &of {
            let view = difference(matrix, one, columns, format!("{id}-{}", shown.len() + 1));
            let cost = view.cost();
            if cost <= *room {
                *room -= cost;
                shown.push(view);
            }
        }
        let by_engine = if kind == Kind::OneFails { by_engine(matrix, &of) } else { Vec::new() };
        let left = count.saturating_sub(shown.len() as u64);
        KindView { id, title, hint, count: grouped(count), by_engine, directives: shown, left }
    };
    let mut third = *room / 3;
    let given = third * 3;
    let mut kinds = Vec::new();
    for (of, id, title, hint, count) in [
        (
            Kind::OneFails,
            "one",
            "Only one engine fails",
            "At least two other engines pass these, so most are bugs of that engine.",
            found.one_fails,
        ),
        (
            Kind::AllFail,
            "all",
            "All engines fail",
            "No engine that judged these passes them, which suggests a problem of the test or of how it is run.",
            found.all_fail,
        ),
        (Kind::Differ, "differ", "Engines differ", "Some engines pass these and some fail.", found.differ),
    ] {
        kinds.push(kind(of, id, title, hint, count, &mut third));
        third += given / 3;
    }
    *room = third.saturating_sub(given / 3);
    Differences { kinds }
}

/// The number of directives that only one engine fails, by engine, in descending order.
fn by_engine(matrix: &Matrix, of: &[&Disagreement]) -> Vec<String> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for one in of {
        let mut failing = matrix.columns.iter().zip(&one.verdicts);
        let Some((column, _)) = failing.find(|(_, verdict)| matches!(verdict, Verdict::Failed { .. })) else {
            continue;
        };
        match counts.iter_mut().find(|(engine, _)| *engine == column.engine.name) {
            Some((_, count)) => *count += 1,
            None => counts.push((&column.engine.name, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.iter().map(|(engine, count)| format!("{} {}", name(engine), grouped(*count))).collect()
}

fn difference(matrix: &Matrix, one: &Disagreement, columns: usize, id: String) -> Difference {
    let mut verdicts: Vec<VerdictView> = Vec::new();
    for (column, verdict) in matrix.columns.iter().take(columns).zip(&one.verdicts) {
        let (class, text) = match verdict {
            Verdict::Passed => ("passed", String::new()),
            Verdict::Failed { kind, message, actual } => {
                let actual = actual.as_ref().map_or_else(String::new, |actual| format!("; actual {actual}"));
                ("failed", shown(&format!("{kind}: {message}{actual}")))
            }
            Verdict::Lacks { feature } => ("skipped", name(feature)),
            _ => ("skipped", String::new()),
        };
        let (word, title) = (verdict.word(), name(&column.title()));
        match verdicts.iter_mut().find(|known| known.word == word && known.text == text) {
            Some(known) => known.engines.push_str(&format!(", {title}")),
            None => verdicts.push(VerdictView { class, word, engines: title, text }),
        }
    }
    verdicts.sort_by_key(|verdict| match verdict.class {
        "failed" => 0,
        "passed" => 1,
        _ => 2,
    });
    let failing = verdicts.iter().filter(|verdict| verdict.class == "failed");
    let how = failing.clone().next().map_or_else(String::new, |verdict| cut(&verdict.text, 120).into_owned());
    let failing = failing.map(|verdict| verdict.engines.as_str()).collect::<Vec<_>>().join(", ");
    let failure = Failure {
        source: one.source.clone(),
        expected: one.expected.clone(),
        key: Some(one.key),
        ..Failure::default()
    };
    let place = name(&format!("{}::{}", one.suite, at(&one.case, one.line, one.column)));
    Difference {
        item: Item::of(id, place, one.url.clone(), &failure),
        features: name(&one.features.join(" ")),
        failing: shown(&failing),
        how: shown(&how),
        verdicts,
    }
}

impl Difference {
    fn cost(&self) -> usize {
        let verdict = |verdict: &VerdictView| 160 + cost(&verdict.engines) + cost(&verdict.text);
        LEAST
            + self.item.cost()
            + cost(&self.features)
            + cost(&self.failing)
            + cost(&self.how)
            + self.verdicts.iter().map(verdict).sum::<usize>()
    }
}
