//! The shards of a sharded run in a report.

use serde::{Deserialize, Serialize};

use crate::text::listed;

/// The shards of a sharded run that a report contains: one in the report of a shard, several in a
/// merged one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "ShardsIn")]
#[cfg_attr(test, schemars(!try_from))]
pub struct Shards {
    /// The numbers of the shards in the report, from 1, ascending.
    pub numbers: Vec<u32>,
    /// The number of shards of the run.
    pub count: u32,
    /// A digest of the selection, the judgement and the split of the whole run: the same in all its
    /// shards.
    pub selection: String,
    /// The number of cases in all shards together.
    pub cases: u64,
}

impl Shards {
    /// The number of missing shards.
    pub fn missing_count(&self) -> u32 {
        self.count.saturating_sub(u32::try_from(self.numbers.len()).unwrap_or(u32::MAX))
    }

    /// The numbers of the missing shards, ascending.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        let mut present = self.numbers.iter().copied().peekable();
        (1..=self.count).filter(move |number| present.next_if_eq(number).is_none())
    }

    /// Whether no shard is missing.
    pub fn is_complete(&self) -> bool {
        self.missing_count() == 0
    }

    /// Describes the missing shards; `None` if it has all.
    pub fn describe(&self) -> Option<String> {
        let Shards { numbers, count, .. } = self;
        match (numbers.as_slice(), self.missing_count()) {
            (_, 0) => None,
            ([only], _) => Some(format!("shard {only} of {count}")),
            (_, 1) => Some(format!("shard {} of {count} is missing", self.missing_listed())),
            _ => Some(format!("shards {} of {count} are missing", self.missing_listed())),
        }
    }

    /// Lists the missing shards, such as `2, 3 and 4`.
    pub(crate) fn missing_listed(&self) -> String {
        listed(self.missing().map(|number| number.to_string()), u64::from(self.missing_count()))
    }
}

/// Shards as read, before their numbers are checked.
#[derive(Deserialize)]
struct ShardsIn {
    numbers: Vec<u32>,
    count: u32,
    selection: String,
    cases: u64,
}

impl TryFrom<ShardsIn> for Shards {
    type Error = String;

    fn try_from(read: ShardsIn) -> Result<Shards, String> {
        let ShardsIn { numbers, count, selection, cases } = read;
        let ascending = numbers.is_sorted_by(|a, b| a < b);
        if numbers.is_empty() || !ascending || numbers.iter().any(|number| !(1..=count).contains(number)) {
            return Err(format!("expected shard numbers from 1 to {count} in ascending order"));
        }
        Ok(Shards { numbers, count, selection, cases })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(numbers: &[u32], count: u32) -> Shards {
        Shards { numbers: numbers.to_vec(), count, selection: "d".to_owned(), cases: 9 }
    }

    #[test]
    fn missing_shards_are_described() {
        assert_eq!(shards(&[1, 2, 3], 3).describe(), None);
        assert_eq!(shards(&[2], 3).describe().as_deref(), Some("shard 2 of 3"));
        assert_eq!(shards(&[1, 3], 3).describe().as_deref(), Some("shard 2 of 3 is missing"));
        assert_eq!(shards(&[1, 3], 5).describe().as_deref(), Some("shards 2, 4 and 5 of 5 are missing"));
        // A huge count must not create a huge text.
        let many = shards(&[1, 3], u32::MAX).describe().unwrap();
        assert!(many.contains("and 4294967282 more") && many.len() < 200, "{many}");
    }

    #[test]
    fn invalid_shard_numbers_are_rejected() {
        let read = |numbers: &str, count: u32| {
            let json = format!(r#"{{"numbers": {numbers}, "count": {count}, "selection": "d", "cases": 1}}"#);
            serde_json::from_str::<Shards>(&json).is_ok()
        };
        assert!(read("[1, 3]", 3) && read("[1]", 1));
        assert!(
            !read("[]", 3) && !read("[0]", 3) && !read("[4]", 3) && !read("[2, 1]", 3) && !read("[1, 1]", 3)
        );
    }
}
