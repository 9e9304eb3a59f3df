//! Random numbers that depend on a seed only.

/// A source of random numbers for one case.
#[derive(Clone, Debug)]
pub struct Random(fastrand::Rng);

impl Random {
    /// The source for the case with this number in the run with this seed. It does not depend on
    /// the other cases, so that any case can be generated alone.
    pub fn of_case(seed: u64, number: u64) -> Random {
        // Two steps of the generator separate neighbouring seeds and numbers.
        let mut first = fastrand::Rng::with_seed(seed);
        Random(fastrand::Rng::with_seed(first.u64(..) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.usize(..end) }
    }

    /// A number in an inclusive range.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// Whether something happens that does so in `percent` of all cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// 128 random bits.
    pub fn wide_bits(&mut self) -> u128 {
        self.0.u128(..)
    }

    /// One of several items, which must not be empty.
    pub fn pick<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        match self.below(others.len() + 1).checked_sub(1) {
            Some(at) => others.get(at).copied().unwrap_or(first),
            None => first,
        }
    }

    /// Random bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_depends_on_its_seed_and_number_only() {
        let bits = |seed, number| Random::of_case(seed, number).bits();
        assert_eq!(bits(1, 2), bits(1, 2));
        assert_ne!(bits(1, 2), bits(2, 1));
        assert_ne!(bits(1, 2), bits(1, 3));
    }
}
