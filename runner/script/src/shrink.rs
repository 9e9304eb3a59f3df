//! Shrinks a list to the items that are needed.

/// Removes items as long as `needs` returns true: halves, quarters and so on down to single items,
/// until no single item can be removed (delta debugging: Zeller and Hildebrandt, "Simplifying and
/// Isolating Failure-Inducing Input", 2002). `needs` must be true for all items. If it returns
/// false after a timeout, the items removed until then stay removed.
pub fn shrink<T: Clone>(items: Vec<T>, needs: &mut dyn FnMut(&[T]) -> bool) -> Vec<T> {
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
        // Removals may enable further ones.
        if size > 1 || items.len() == before {
            size /= 2;
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shrinks the numbers up to 100, and counts the calls of `needs`.
    fn shrunk(needs: impl Fn(&[u32]) -> bool) -> (Vec<u32>, usize) {
        let mut asked = 0;
        let items = shrink((0..100).collect(), &mut |items| {
            asked += 1;
            needs(items)
        });
        (items, asked)
    }

    #[test]
    fn needed_items_are_found_with_few_calls() {
        let (items, asked) = shrunk(|items| [3, 50, 97].iter().all(|needed| items.contains(needed)));
        assert_eq!(items, [3, 50, 97]);
        assert!(asked < 60, "{asked}");
        let (items, asked) = shrunk(|_| true);
        assert!(items.is_empty() && asked == 1, "{asked}");
        assert_eq!(shrunk(|items| items.len() == 100).0.len(), 100);
    }

    #[test]
    fn an_item_that_another_one_holds_goes_after_it() {
        // An even number can be removed only after the odd one that follows it; 0 stays.
        let pairs = |items: &[u32]| {
            items.contains(&0)
                && (0..50).all(|half| !items.contains(&(2 * half + 1)) || items.contains(&(2 * half)))
        };
        assert_eq!(shrunk(pairs).0, [0]);
    }
}
