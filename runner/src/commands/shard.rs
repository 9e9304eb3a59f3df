//! `--shard K/N`: the part of a run that one of several machines takes.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wassay_reports::Report;
use wassay_testsuite::Case;

use crate::batch::Selection;

/// One of several equal parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which, from 1.
    number: usize,
    /// Of how many.
    count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let bad = || format!("`{text}` is no shard: expected its number and how many there are, as in `1/4`");
        let (number, count) = text.split_once('/').ok_or_else(bad)?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits(number)).ok_or_else(bad)?;
        let count = count.parse().ok().filter(|_| digits(count)).ok_or_else(bad)?;
        if (1..=count).contains(&number) { Ok(Shard { number, count }) } else { Err(bad()) }
    }
}

impl Shard {
    /// Takes the cases of the other shards away. Suites stay, also those of which nothing is left: a report has them.
    ///
    /// The split is the same on every machine that has the same cases and the same report. A case that has a time in the report goes to the
    /// shard with the least to do so far, the longest first; any other goes where the hash of its name and content says.
    pub(crate) fn apply(self, selections: &mut [Selection], timings: Option<&Report>) {
        let times = timings.map(|report| times(report, selections)).unwrap_or_default();
        // What a shard has to do so far, and how many cases, so that those that take no time fall apart too.
        let mut loads = vec![(Duration::ZERO, 0_usize); self.count];
        let mut timed: Vec<(Duration, (usize, usize))> = Vec::new();
        let mut shards: HashMap<(usize, usize), usize> = HashMap::new();
        for (at, selection) in selections.iter().enumerate() {
            for (index, case) in selection.cases.iter().enumerate() {
                match times.get(&(at, case.name())) {
                    Some(time) => timed.push((*time, (at, index))),
                    None => {
                        shards.insert((at, index), self.by_hash(at, case));
                    }
                }
            }
        }
        timed.sort_by_key(|(time, place)| (Reverse(*time), *place));
        for (time, place) in timed {
            let least = loads.iter_mut().enumerate().min_by_key(|(number, load)| (**load, *number));
            if let Some((number, load)) = least {
                *load = (load.0.saturating_add(time), load.1 + 1);
                shards.insert(place, number);
            }
        }
        for (at, selection) in selections.iter_mut().enumerate() {
            let mut index = 0..;
            let is_ours = |_: &Case| {
                let place = (at, index.next().unwrap_or_default());
                shards.get(&place) == Some(&(self.number - 1))
            };
            selection.cases.retain(is_ours);
        }
    }

    /// The shard of a case by what it is, wherever it lies: its suite's number among those that were named, its name and its content.
    fn by_hash(self, suite: usize, case: &Case) -> usize {
        let content = match case {
            Case::Script(script) => {
                script.read().map(|text| text.into_owned().into_bytes()).unwrap_or_default()
            }
            Case::Guest(guest) => guest.module().map(|module| module.into_owned()).unwrap_or_default(),
        };
        let head = format!("{suite} {} ", case.name());
        let digest: [u8; 32] = Sha256::new().chain_update(head).chain_update(content).finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % self.count as u64;
        usize::try_from(number).unwrap_or_default()
    }
}

/// How long each case took in a report, by the number of its suite and its name.
fn times<'a>(report: &'a Report, selections: &[Selection]) -> HashMap<(usize, &'a str), Duration> {
    let mut times = HashMap::new();
    for (at, selection) in selections.iter().enumerate() {
        // One suite may have been called otherwise.
        let only = selections.len() == 1 && report.suites.len() == 1;
        let of_suite = report.suites.iter().filter(|suite| only || suite.name == selection.suite.name());
        for case in of_suite.flat_map(|suite| &suite.cases) {
            times.insert((at, case.name.as_str()), case.duration);
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wassay_reports::{Counts, Engine, Outcome, Suite};
    use wassay_testsuite::catalogue;

    use super::*;
    use crate::batch::full_name;

    fn selections() -> Vec<Selection> {
        ["scripts", "proposals/simd", "proposals/wide-arithmetic"]
            .map(|name| Selection::all(catalogue::find(name).unwrap().clone()))
            .into()
    }

    fn names(selections: &[Selection]) -> Vec<String> {
        let names = |selection: &Selection| {
            selection.cases.iter().map(|case| full_name(&selection.suite, case)).collect::<Vec<_>>()
        };
        selections.iter().flat_map(names).collect()
    }

    fn shards(count: usize, timings: Option<&Report>) -> Vec<Vec<String>> {
        (1..=count)
            .map(|number| {
                let mut selections = selections();
                Shard { number, count }.apply(&mut selections, timings);
                assert_eq!(selections.len(), 3, "also those of which nothing is left");
                names(&selections)
            })
            .collect()
    }

    fn assert_is_whole(shards: &[Vec<String>]) {
        let all = names(&selections());
        assert_eq!(shards.iter().map(Vec::len).sum::<usize>(), all.len(), "each in one");
        assert_eq!(shards.iter().flatten().collect::<BTreeSet<_>>(), all.iter().collect());
    }

    /// A report in which each case took what `time` says of its number, but for the last suite, which it does not have.
    fn report(time: impl Fn(usize) -> u64) -> Report {
        let mut number = 0..;
        let suite = |selection: &Selection| {
            let case = |case: &Case| wassay_reports::Case {
                name: case.name().to_owned(),
                outcome: Outcome::Passed,
                duration: Duration::from_millis(time(number.next().unwrap())),
                directives: Counts::default(),
                text_not_compared: 0,
                features: Vec::new(),
                failures: Vec::new(),
                notes: Vec::new(),
                keys: Vec::new(),
                attempts: Vec::new(),
            };
            let cases = selection.cases.iter().map(case).collect();
            Suite { name: selection.suite.name().to_owned(), source: String::new(), url: None, cases }
        };
        Report {
            engine: Engine { name: String::new(), version: String::new() },
            host: String::new(),
            started: String::new(),
            duration: Duration::ZERO,
            suites: selections().iter().take(2).map(suite).collect(),
        }
    }

    #[test]
    fn a_shard_is_a_number_of_a_count() {
        assert_eq!("1/1".parse(), Ok(Shard { number: 1, count: 1 }));
        assert_eq!("3/4".parse(), Ok(Shard { number: 3, count: 4 }));
        for bad in ["", "1", "/", "0/4", "5/4", "1/0", "1/", "/4", "-1/4", "+1/4", "1/4/4", "a/b", "1 / 4"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }

    #[test]
    fn each_case_is_in_one_shard_and_stays_there() {
        for count in [1, 4, 100] {
            let split = shards(count, None);
            assert_is_whole(&split);
            assert_eq!(split, shards(count, None));
        }
        let sizes: Vec<usize> = shards(4, None).iter().map(Vec::len).collect();
        assert!(sizes.iter().all(|size| *size > 10), "{sizes:?}");
    }

    #[test]
    fn with_times_shards_take_equally_long_and_what_is_new_goes_by_its_hash() {
        let timings = report(|number| if number == 5 { 500 } else { number as u64 % 7 });
        let split = shards(4, Some(&timings));
        assert_is_whole(&split);
        assert_eq!(split, shards(4, Some(&timings)));
        let time = |names: &Vec<String>| -> Duration {
            let of = |suite: &Suite| {
                let is_here =
                    |case: &&wassay_reports::Case| names.contains(&format!("{}::{}", suite.name, case.name));
                suite.cases.iter().filter(is_here).map(|case| case.duration).sum::<Duration>()
            };
            timings.suites.iter().map(of).sum()
        };
        let mut times: Vec<u128> = split.iter().map(|names| time(names).as_millis()).collect();
        times.sort_unstable();
        assert_eq!(times.pop(), Some(500), "the longest is alone but for what takes no time");
        assert!(times[2] - times[0] <= 1, "{times:?}");
        let new = "proposals/wide-arithmetic::wide-arithmetic.wast".to_owned();
        let place = |split: &[Vec<String>]| split.iter().position(|names| names.contains(&new));
        assert_eq!(place(&split), place(&shards(4, None)));
        assert!(place(&split).is_some());
    }
}
