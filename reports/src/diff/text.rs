//! Renders a comparison as text for a terminal.

use anstyle::{AnsiColor, Style};

use super::model::{CaseDrift, Change, Diff, Run, State, SuiteDrift, Verdict, What};
use crate::terminal::{Text, printable};
use crate::text::{MAX_SHOWN, at, cut, plural, seconds};

const PLAIN: Style = Style::new();
const GOOD: Style = AnsiColor::Green.on_default();
const ODD: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Renders the runs, a list for each kind of change, and a line with the verdict.
pub fn render(diff: &Diff, colour: bool) -> Text {
    let mut out = Out(Text::new(colour));
    out.line(PLAIN, &format!("old  {}", run(&diff.old)));
    out.line(PLAIN, &format!("new  {}", run(&diff.new)));
    notes(diff).iter().for_each(|note| out.line(ODD, note));
    out.changes("regressed", BAD, &diff.regressed);
    out.changes("new failures, of directives that were not judged before", BAD, &diff.new_failures);
    out.changes("no longer judged", BAD, &diff.unjudged);
    if !diff.less.is_empty() {
        out.line(PLAIN, "");
        out.line(BAD, "less is judged than before:");
        diff.less.iter().for_each(|less| out.line(PLAIN, &format!("  {}", less.describe())));
    }
    out.changes("expected to fail now", ODD, &diff.excused);
    out.changes("fixed", GOOD, &diff.fixed);
    out.changes("changed otherwise", ODD, &diff.changed);
    out.title("slower", ODD, diff.slower.len());
    for slower in &diff.slower {
        let [before, now] = [slower.before, slower.after].map(seconds);
        out.line(PLAIN, &format!("  {}::{}: {before} -> {now}", slower.suite, slower.case));
    }
    if !diff.drift.is_empty() {
        out.line(PLAIN, "");
        out.line(ODD, "changes of the suites, not of the engine:");
        diff.drift.suites.iter().for_each(|drift| out.line(PLAIN, &format!("  {}", suite_drift(drift))));
        diff.drift.cases.iter().for_each(|drift| out.case_drift(drift));
    }
    out.line(PLAIN, "");
    let style = match diff.verdict {
        Verdict::Good => GOOD,
        Verdict::Attention => ODD,
        Verdict::Bad => BAD,
    };
    out.line(style, &verdict(diff));
    out.0
}

/// The verdict, in a line.
pub(crate) fn verdict(diff: &Diff) -> String {
    let counted = |count: usize, one: &str, more: &str| {
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { more }))
    };
    let bad = [
        counted(diff.regressed.len(), "result regressed", "results regressed"),
        counted(diff.new_failures.len(), "new failure", "new failures"),
        counted(diff.unjudged.len(), "result is no longer judged", "results are no longer judged"),
        (!diff.less.is_empty()).then(|| "less is judged than before".to_owned()),
    ];
    let bad: Vec<String> = bad.into_iter().flatten().collect();
    let excused =
        counted(diff.excused.len(), "result is expected to fail now", "results are expected to fail now");
    match (bad.is_empty(), excused) {
        (true, None) => "nothing regressed".to_owned(),
        (true, Some(excused)) => format!("nothing regressed; {excused}"),
        (false, _) => bad.join(", "),
    }
}

/// Caveats about comparing the two runs, one line each.
pub(crate) fn notes(diff: &Diff) -> Vec<String> {
    let Diff { old, new, more_reader_only, more_text_not_compared, .. } = diff;
    let mut notes = Vec::new();
    if old.engine.name != new.engine.name {
        notes.push(format!("two engines are compared: {} and {}", old.engine.title(), new.engine.title()));
    }
    if let (Some(before), Some(after)) = (&old.harness, &new.harness)
        && before != after
    {
        notes.push(format!("the old run was judged by {}, the new one by {}", before.title(), after.title()));
    }
    if let Some(why) = &old.incomplete {
        notes.push(format!("the old report is incomplete: {why}"));
    }
    if *more_reader_only > 0 {
        let more = plural(*more_reader_only, "directive");
        notes.push(format!("{more} more passed by the parser alone"));
    }
    if *more_text_not_compared > 0 {
        notes.push(format!("{} more not compared", plural(*more_text_not_compared, "error text")));
    }
    notes
}

fn run(run: &Run) -> String {
    let counts = &run.totals.directives;
    let who = format!("{}, {}", run.engine.title(), run.started);
    let reader_only = match run.totals.reader_only {
        0 => String::new(),
        count => format!(", {count} judged by the parser alone"),
    };
    format!(
        "{}: {}, {}, {} passed, {} failed{reader_only}",
        printable(&who),
        plural(run.totals.cases.total(), "case"),
        plural(counts.total(), "directive"),
        counts.passed,
        counts.failed,
    )
}

/// Describes a change of a suite in a line.
pub(crate) fn suite_drift(drift: &SuiteDrift) -> String {
    let line = match drift {
        SuiteDrift::New { suite, cases } => {
            let odd = cases.failed.saturating_add(cases.xpassed);
            let odd = if odd > 0 { format!(", {odd} not as expected") } else { String::new() };
            format!("the suite {suite} is new: {}{odd}", plural(cases.total(), "case"))
        }
        SuiteDrift::Gone { suite, cases } => {
            format!("the suite {suite} is gone: {}", plural(cases.total(), "case"))
        }
        SuiteDrift::Origin { suite: [old, new], source: [before, after] } if old == new => {
            format!("the suite {new} is from {after}, was from {before}")
        }
        SuiteDrift::Origin { suite: [old, new], source: [before, after] } => {
            format!("the suite {new} ({after}) was called {old} ({before})")
        }
    };
    printable(&line).into_owned()
}

/// Describes a change of a case, to follow its name.
pub(crate) fn case_drift(drift: &CaseDrift) -> String {
    let CaseDrift { directives_new, directives_gone, unexpected, .. } = drift;
    let odd =
        if unexpected.is_empty() { String::new() } else { format!(", {} not as expected", unexpected.len()) };
    match drift.what {
        What::New => format!("is new: {}{odd}", plural(*directives_new, "directive")),
        What::Gone => format!("is gone: {}", plural(*directives_gone, "directive")),
        What::Moved => format!("was called {}", printable(drift.from.as_deref().unwrap_or_default())),
        What::Edited => format!("was edited: {directives_new} new{odd}, {directives_gone} gone"),
        What::Features => {
            let [from, to] = [&drift.from, &drift.to].map(|list| list.as_deref().unwrap_or_default());
            format!("is judged under {}, was under {}", printable(to), printable(from))
        }
    }
}

/// The result before, in a line, with the actual value if it differs.
pub(crate) fn was(change: &Change) -> Option<String> {
    let before = change.before.as_ref()?;
    let other = before
        .actual
        .as_ref()
        .filter(|actual| change.after.actual.as_ref().is_some_and(|now| now != *actual));
    let actual =
        other.map_or_else(String::new, |actual| format!(", actual {}", printable(&cut(actual, MAX_SHOWN))));
    Some(state(before) + &actual)
}

/// Describes a result in a line.
pub(crate) fn state(state: &State) -> String {
    match (state.outcome, state.message.as_str()) {
        (outcome, "") => outcome.to_string(),
        (outcome, message) => format!("{outcome}: {}", printable(message)),
    }
}

struct Out(Text);

impl Out {
    fn line(&mut self, style: Style, line: &str) {
        self.0.paint(style, line).end();
    }

    fn changes(&mut self, title: &str, style: Style, changes: &[Change]) {
        self.title(title, style, changes.len());
        changes.iter().for_each(|change| self.change(change));
    }

    fn title(&mut self, title: &str, style: Style, count: usize) {
        if count > 0 {
            self.line(PLAIN, "");
            self.line(style, &format!("{count} {title}:"));
        }
    }

    fn change(&mut self, change: &Change) {
        let place = at(&format!("{}::{}", change.suite, change.case), change.line, change.column);
        self.line(PLAIN, &format!("  {place}: {}", state(&change.after)));
        let source: Vec<&str> = change.source.lines().take(8).collect();
        self.0.block("      ", &cut(&source.join("\n"), MAX_SHOWN), |_| PLAIN);
        for (label, value) in [("expected", &change.after.expected), ("actual  ", &change.after.actual)] {
            if let Some(value) = value {
                self.line(PLAIN, &format!("    {label} {}", cut(value, MAX_SHOWN)));
            }
        }
        if let Some(before) = was(change) {
            self.line(PLAIN, &format!("    before   {before}"));
        }
    }

    fn case_drift(&mut self, drift: &CaseDrift) {
        self.line(PLAIN, &format!("  {}::{} {}", drift.suite, drift.case, case_drift(drift)));
    }
}
