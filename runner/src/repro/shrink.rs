//! Leaves out of a list what is not needed.

/// The items without which `needs` is no longer true, found by leaving out halves, quarters and so
/// on down to single items until no single item can be left out (delta debugging: Zeller and
/// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). `needs` is true of the
/// items as given. Where it says no because the time is over, what was left out until then stays
/// out.
pub(super) fn shrink<T: Clone>(items: Vec<T>, needs: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
    let mut items = items;
    let mut size = items.len();
    while size > 0 {
        let before = items.len();
        let mut at = 0;
        while at < items.len() {
            let end = items.len().min(at + size);
            let rest: Vec<T> = items[..at].iter().chain(&items[end..]).cloned().collect();
            if needs(&rest) {
                items = rest;
            } else {
                at = end;
            }
        }
        // What could not be left out before may be now that others are.
        if size > 1 || items.len() == before {
            size /= 2;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shrinks the numbers to 100, all of which are kept if `needs` says so of them, and counts the
    /// questions.
    fn shrunk(needs: impl Fn(&[u32]) -> bool) -> (Vec<u32>, usize) {
        let mut asked = 0;
        let items = shrink((0..100).collect(), &mut |items| {
            asked += 1;
            needs(items)
        });
        (items, asked)
    }

    #[test]
    fn what_is_needed_is_found_in_few_questions() {
        let (items, asked) = shrunk(|items| [3, 50, 97].iter().all(|needed| items.contains(needed)));
        assert_eq!(items, [3, 50, 97]);
        assert!(asked < 60, "{asked}");
        let (items, asked) = shrunk(|_| true);
        assert!(items.is_empty() && asked == 1, "{asked}");
        assert_eq!(shrunk(|items| items.len() == 100).0.len(), 100);
    }

    #[test]
    fn an_item_that_another_one_holds_goes_after_it() {
        // An even number may go only after the odd one behind it; 0 stays.
        let pairs = |items: &[u32]| {
            items.contains(&0)
                && (0..50).all(|half| !items.contains(&(2 * half + 1)) || items.contains(&(2 * half)))
        };
        assert_eq!(shrunk(pairs).0, [0]);
    }
}
