//! The innermost and outermost frames of an activation that was unwound.

use crate::error::{INNERMOST, OUTERMOST};

/// The frames of the last activation that was unwound. It does not allocate, because it is filled
/// by signal handlers.
#[derive(Debug)]
pub(crate) struct VmTrace {
    count: usize,
    innermost: [usize; INNERMOST],
    /// The frames after those, each at its number modulo the length, so that the last ones are
    /// kept.
    outermost: [usize; OUTERMOST],
}

impl VmTrace {
    pub(crate) const EMPTY: VmTrace =
        VmTrace { count: 0, innermost: [0; INNERMOST], outermost: [0; OUTERMOST] };

    /// Records the frames of an activation, innermost first: for each an address inside the
    /// instruction at which execution left it.
    pub(super) fn record(&mut self, frames: impl Iterator<Item = usize>) {
        self.count = 0;
        for address in frames {
            match self.innermost.get_mut(self.count) {
                Some(slot) => *slot = address,
                None => self.outermost[(self.count - INNERMOST) % OUTERMOST] = address,
            }
            self.count += 1;
        }
    }

    /// The recorded frames: the innermost ones, the number of omitted ones, and the outermost ones.
    pub(crate) fn frames(&self) -> (&[usize], usize, impl Iterator<Item = usize>) {
        let behind = self.count.saturating_sub(INNERMOST);
        let omitted = behind.saturating_sub(OUTERMOST);
        let outermost = (omitted..behind).map(|number| self.outermost[number % OUTERMOST]);
        (&self.innermost[..self.count.min(INNERMOST)], omitted, outermost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_frames_are_kept() {
        let mut trace = VmTrace::EMPTY;
        for count in [0, 1, INNERMOST, INNERMOST + 1, INNERMOST + OUTERMOST, INNERMOST + OUTERMOST + 1, 1000]
        {
            trace.record(1..=count);
            let (innermost, omitted, outermost) = trace.frames();
            let kept: Vec<usize> = innermost.iter().copied().chain(outermost).collect();
            assert_eq!(kept.len() + omitted, count);
            let expected: Vec<usize> =
                (1..=count).filter(|at| *at <= INNERMOST || *at > INNERMOST + omitted).collect();
            assert_eq!(kept, expected);
        }
    }
}
