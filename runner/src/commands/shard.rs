//! `--shard K/N`: splits a run across machines.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wassay_reports::{Report, Shards};
use wassay_testsuite::Case;
use wassay_testsuite::access::Budget;

use crate::batch::Selection;

/// One of several parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Its number, from 1.
    number: u32,
    /// The number of shards, at most [`MOST`].
    count: u32,
}

/// The maximum number of shards: more is a typing error, and each costs memory.
const MOST: u32 = 1 << 16;

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let bad = || {
            format!(
                "invalid shard `{text}`: expected its number and the number of shards, at most {MOST}, such as `1/4`"
            )
        };
        let (number, count) = text.split_once('/').ok_or_else(bad)?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits(number)).ok_or_else(bad)?;
        let count = count.parse().ok().filter(|_| digits(count)).ok_or_else(bad)?;
        if (1..=count).contains(&number) && count <= MOST { Ok(Shard { number, count }) } else { Err(bad()) }
    }
}

impl Shard {
    /// Removes the cases of other shards. Empty suites are kept, since reports list them. Returns
    /// the shard's description for the report; `judging` describes how cases are judged, which must
    /// be the same in all shards.
    ///
    /// The split is the same on every machine with the same cases and the same report. Cases with a
    /// duration in the report are assigned to the least loaded shard, the longest first; other
    /// cases are assigned by a hash of name and content.
    pub(crate) fn apply(
        self,
        selections: &mut [Selection],
        timings: Option<&Report>,
        judging: &str,
    ) -> Shards {
        let times = timings.map(|report| times(report, selections)).unwrap_or_default();
        // The load of each shard, and its number of cases, which spreads cases that take no time.
        let mut loads = vec![(Duration::ZERO, 0_usize); self.count as usize];
        let mut timed: Vec<(Duration, (usize, usize))> = Vec::new();
        let mut shards: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        let mut digests: BTreeMap<(usize, usize), [u8; 32]> = BTreeMap::new();
        for (at, selection) in selections.iter().enumerate() {
            for (index, case) in selection.cases.iter().enumerate() {
                let digest = digest(at, case);
                digests.insert((at, index), digest);
                match times.get(&(at, case.name())) {
                    Some(time) => timed.push((*time, (at, index))),
                    None => {
                        shards.insert((at, index), self.by_hash(&digest));
                    }
                }
            }
        }
        timed.sort_by_key(|(time, place)| (Reverse(*time), *place));
        for (time, place) in timed {
            let least = loads.iter_mut().zip(0..).min_by_key(|(load, number)| (**load, *number));
            if let Some((load, number)) = least {
                *load = (load.0.saturating_add(time), load.1 + 1);
                shards.insert(place, number);
            }
        }
        let mut all = Sha256::new().chain_update(judging);
        selections.iter().for_each(|selection| all.update(format!("\n{}", selection.suite.name())));
        for (place, digest) in &digests {
            all.update(digest);
            all.update(shards.get(place).copied().unwrap_or_default().to_be_bytes());
        }
        let selection = HEXLOWER.encode(all.finalize().get(..16).unwrap_or_default());
        for (at, selection) in selections.iter_mut().enumerate() {
            let mut index = 0..;
            let is_ours = |_: &Case| {
                let place = (at, index.next().unwrap_or_default());
                shards.get(&place) == Some(&(self.number - 1))
            };
            selection.cases.retain(is_ours);
        }
        Shards { numbers: vec![self.number], count: self.count, selection, cases: digests.len() as u64 }
    }

    /// Whether an item of a list, given its position, belongs to the shard.
    pub(crate) fn takes(self, position: usize) -> bool {
        position % self.count as usize == (self.number - 1) as usize
    }

    /// The shard for a digest.
    fn by_hash(self, digest: &[u8; 32]) -> u32 {
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(self.count);
        u32::try_from(number).unwrap_or_default()
    }
}

/// The digest of a case, independent of its location: the index of its suite on the command line,
/// its name and its content.
fn digest(suite: usize, case: &Case) -> [u8; 32] {
    let content = match case {
        Case::Script(script) => script.read().map(|text| text.into_owned().into_bytes()).unwrap_or_default(),
        Case::Guest(guest) => {
            let module = guest.module(&mut Budget::default());
            module.map(|module| module.into_owned()).unwrap_or_default()
        }
        Case::Unreadable(_) => Vec::new(),
    };
    let head = format!("{suite} {} ", case.name());
    Sha256::new().chain_update(head).chain_update(content).finalize().into()
}

/// The duration of each case in a report, by the index of its suite and its name.
fn times<'a>(report: &'a Report, selections: &[Selection]) -> HashMap<(usize, &'a str), Duration> {
    let mut times = HashMap::new();
    for (at, selection) in selections.iter().enumerate() {
        // A single suite may have had another name.
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

    fn shards(count: u32, timings: Option<&Report>) -> Vec<Vec<String>> {
        (1..=count)
            .map(|number| {
                let mut selections = selections();
                Shard { number, count }.apply(&mut selections, timings, "class");
                assert_eq!(selections.len(), 3, "empty suites are kept");
                names(&selections)
            })
            .collect()
    }

    fn assert_is_whole(shards: &[Vec<String>]) {
        let all = names(&selections());
        assert_eq!(shards.iter().map(Vec::len).sum::<usize>(), all.len(), "each in one");
        assert_eq!(shards.iter().flatten().collect::<BTreeSet<_>>(), all.iter().collect());
    }

    /// A report with durations from `time` by index, without the last suite.
    fn report(time: impl Fn(usize) -> u64) -> Report {
        let mut number = 0..;
        let suite = |selection: &Selection| {
            let case = |case: &Case| {
                let (name, time) =
                    (case.name().to_owned(), Duration::from_millis(time(number.next().unwrap())));
                wassay_reports::Case::new(name, Outcome::Passed, time, Counts::default())
            };
            let cases = selection.cases.iter().map(case).collect();
            Suite::new(selection.suite.name().to_owned(), String::new(), cases)
        };
        let engine = Engine::default();
        let suites = selections().iter().take(2).map(suite).collect();
        Report::new(engine, String::new(), String::new(), Duration::ZERO, suites)
    }

    #[test]
    fn a_shard_is_a_number_of_a_count() {
        assert_eq!("1/1".parse(), Ok(Shard { number: 1, count: 1 }));
        assert_eq!("3/4".parse(), Ok(Shard { number: 3, count: 4 }));
        for bad in [
            "1/65537",
            "1/99999999999999",
            "",
            "1",
            "/",
            "0/4",
            "5/4",
            "1/0",
            "1/",
            "/4",
            "-1/4",
            "+1/4",
            "1/4/4",
            "a/b",
            "1 / 4",
        ] {
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
    fn shards_of_one_run_agree_on_it_and_those_of_another_do_not() {
        let of = |number, timings: Option<&Report>, judging: &str, suites: usize| {
            let mut selections = selections();
            selections.truncate(suites);
            Shard { number, count: 4 }.apply(&mut selections, timings, judging)
        };
        let first = of(1, None, "class", 3);
        let cases = selections().iter().map(|selection| selection.cases.len() as u64).sum();
        assert_eq!((first.numbers.as_slice(), first.count, first.cases), (&[1][..], 4, cases));
        assert_eq!(of(2, None, "class", 3).selection, first.selection);
        // Combining different splits would run some cases twice and some never.
        let timings = report(|number| number as u64 % 7);
        for other in [of(2, Some(&timings), "class", 3), of(2, None, "ignore", 3), of(2, None, "class", 2)] {
            assert_ne!(other.selection, first.selection);
        }
    }

    #[test]
    fn durations_balance_the_shards_and_new_cases_are_assigned_by_hash() {
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
        assert_eq!(times.pop(), Some(500), "the longest is alone, except for cases that take no time");
        assert!(times[2] - times[0] <= 1, "{times:?}");
        let new = "proposals/wide-arithmetic::wide-arithmetic.wast".to_owned();
        let place = |split: &[Vec<String>]| split.iter().position(|names| names.contains(&new));
        assert_eq!(place(&split), place(&shards(4, None)));
        assert!(place(&split).is_some());
    }
}
