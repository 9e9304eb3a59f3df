//! Reduces a script to a small one that still shows a difference.
//!
//! The script is a tree of parentheses, and only `differs` knows what its words mean: parts are
//! removed or replaced by smaller ones as long as there is a difference of the same class
//! (hierarchical delta debugging: Misherghi and Su, ICSE 2006).

use std::time::Instant;

use wassay_script::shrink::shrink;

use crate::tree::Node;

/// Whether forms, as a script, show the difference.
pub(crate) type Differs<'a> = dyn FnMut(&[Node]) -> bool + 'a;

/// Smaller things that an instruction is replaced by.
const CONSTANTS: [&[&str]; 7] = [
    &["i32.const", "0"],
    &["i64.const", "0"],
    &["f32.const", "0"],
    &["f64.const", "0"],
    &["v128.const", "i64x2", "0", "0"],
    &["unreachable"],
    &["nop"],
];

/// About how many instructions inside another one are tried in its place.
const MOST_INSIDE: usize = 40;

/// Removes from a script what a difference does not need, until the deadline. `fuel` are the names
/// of the globals that make functions end: they are not removed from loops, which would hang.
pub(crate) fn reduce(
    forms: Vec<Node>,
    fuel: &[String],
    end: Instant,
    differs: &mut Differs<'_>,
) -> Vec<Node> {
    let mut reduction = Reduction { fuel, end, differs };
    let alone = without_calls(&forms);
    let is_enough = alone.len() < forms.len() && !reduction.is_over() && (reduction.differs)(&alone);
    let forms = if is_enough { alone } else { forms };
    let last = forms.len().saturating_sub(1);
    let rest = forms.get(last).cloned();
    let with_last = |kept: &[Node]| kept.iter().chain(&rest).cloned().collect::<Vec<_>>();
    let kept = shrink(forms.get(..last).unwrap_or_default().to_vec(), &mut |kept| {
        Instant::now() < reduction.end && (reduction.differs)(&with_last(kept))
    });
    let mut forms = Node::List(with_last(&kept));
    loop {
        let before = forms.size();
        forms = reduction.each_form(forms);
        if forms.size() >= before || reduction.is_over() {
            return forms.children().to_vec();
        }
    }
}

/// The forms without all calls but the last one, which is enough for most differences.
fn without_calls(forms: &[Node]) -> Vec<Node> {
    let is_call = |form: &Node| matches!(form.head(), "invoke" | "get");
    let last = forms.len().saturating_sub(1);
    forms
        .iter()
        .enumerate()
        .filter(|(at, form)| *at == last || !is_call(form))
        .map(|(_, form)| form)
        .cloned()
        .collect()
}

struct Reduction<'a, 'd> {
    fuel: &'a [String],
    end: Instant,
    differs: &'a mut Differs<'d>,
}

impl Reduction<'_, '_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// One pass over all forms, outer ones first.
    fn each_form(&mut self, script: Node) -> Node {
        let mut script = script;
        let mut level: Vec<Vec<usize>> = (0..script.children().len()).map(|index| vec![index]).collect();
        while !level.is_empty() && !self.is_over() {
            for path in &level {
                script = self.form(script, path);
            }
            // The next level of what is left.
            let mut next = Vec::new();
            for path in &level {
                let children = script.at(path).map_or(&[][..], Node::children);
                next.extend((0..children.len()).map(|index| [&path[..], &[index]].concat()));
            }
            level = next;
        }
        script
    }

    /// Reduces one form: removes what is in it, replaces it by something smaller.
    fn form(&mut self, script: Node, path: &[usize]) -> Node {
        let mut script = script;
        let Some(Node::List(nodes)) = script.at(path) else { return self.number(script, path) };
        let is_instruction = is_instruction(script.at(path));
        if is_instruction && let Some(smaller) = self.replaced(&script, path) {
            return smaller;
        }
        // The head stays.
        let mut size = nodes.len().saturating_sub(1);
        while size > 0 && !self.is_over() {
            let mut at = 1;
            while let Some(Node::List(nodes)) = script.at(path)
                && at < nodes.len()
            {
                let end = nodes.len().min(at + size);
                let rest: Vec<Node> = nodes[..at].iter().chain(&nodes[end..]).cloned().collect();
                match self.with(&script, path, Node::List(rest)) {
                    Some(smaller) => script = smaller,
                    None => at += size,
                }
            }
            // Pairs of words are instructions with an immediate.
            size = if size == 3 { 2 } else { size / 2 };
        }
        script
    }

    /// Replaces an instruction by a constant or by one inside it, smaller ones first: fewer
    /// candidates show the difference then, each of which may take long.
    fn replaced(&mut self, script: &Node, path: &[usize]) -> Option<Node> {
        let node = script.at(path)?;
        let mut inside = Vec::new();
        let mut level: Vec<&Node> = node.children().iter().collect();
        while !level.is_empty() && inside.len() < MOST_INSIDE {
            inside.extend(level.iter().filter(|node| is_instruction(Some(node))).map(|node| (*node).clone()));
            level = level.into_iter().flat_map(Node::children).collect();
        }
        inside.sort_by_key(Node::size);
        let constants = CONSTANTS.iter().map(|words| Node::form(words));
        constants.chain(inside).find_map(|candidate| self.with(script, path, candidate))
    }

    /// Replaces a number by a simpler one.
    fn number(&mut self, script: Node, path: &[usize]) -> Node {
        let Some(word) = script.at(path).and_then(Node::atom) else { return script };
        let is_number = word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
        if !is_number || word == "0" || word == "1" {
            return script;
        }
        for simpler in ["0", "1"] {
            let replaced = Self::set(&script, path, Node::Atom(simpler.into()));
            if let Some(replaced) = replaced
                && !self.is_over()
                && (self.differs)(replaced.children())
            {
                return replaced;
            }
        }
        script
    }

    fn set(script: &Node, path: &[usize], node: Node) -> Option<Node> {
        let mut script = script.clone();
        *script.at_mut(path)? = node;
        Some(script)
    }

    /// The script with something smaller at a path, if that shows the difference as well.
    fn with(&mut self, script: &Node, path: &[usize], node: Node) -> Option<Node> {
        if node.size() >= script.at(path)?.size() || self.is_over() {
            return None;
        }
        let smaller = Self::set(script, path, node)?;
        (!self.may_hang(script, &smaller) && (self.differs)(smaller.children())).then_some(smaller)
    }

    /// Whether a script has less fuel than before, and loops or calls that it may be needed for.
    fn may_hang(&self, before: &Node, after: &Node) -> bool {
        let fuel = |script: &Node| self.fuel.iter().map(|name| script.count(name)).sum::<usize>();
        let repeated = |script: &Node| script.count("loop") + script.count("func");
        let calls = [
            "loop",
            "call",
            "call_indirect",
            "call_ref",
            "return_call",
            "return_call_indirect",
            "return_call_ref",
        ];
        fuel(after) < fuel(before)
            && repeated(after) == repeated(before)
            && calls.iter().any(|word| after.count(word) > 0)
    }
}

/// Whether a form is an instruction, by the shape of its word.
fn is_instruction(node: Option<&Node>) -> bool {
    let head = node.map_or("", Node::head);
    let plain =
        ["block", "loop", "if", "try_table", "call", "select", "drop", "return", "br", "br_if", "br_table"];
    head.contains('.') && !head.ends_with(".const")
        || plain.contains(&head)
        || head.starts_with("call_")
        || head.starts_with("br_on")
        || head.starts_with("return_")
        || head.starts_with("throw")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reduced(text: &str, fuel: &[String], mut differs: impl FnMut(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        let flat = |forms: &[Node]| forms.iter().map(Node::flat).collect::<Vec<_>>().join(" ");
        flat(&reduce(Node::read(text).unwrap(), fuel, end, &mut |forms| differs(&flat(forms))))
    }

    #[test]
    fn what_is_not_needed_goes() {
        let text = "(module (memory 1) (func $f (param i32) (result i32)
            (i32.add (i32.mul (local.get 0) (i32.const 7)) (block (result i32) (i32.clz (i32.const 5))))))
            (invoke \"g\") (invoke \"f\" (i32.const 123))";
        let found = reduced(text, &[], |text| {
            text.contains("i32.clz") && text.ends_with("(invoke \"f\" (i32.const 123))")
        });
        assert_eq!(found, "(module (func (i32.clz))) (invoke \"f\" (i32.const 123))");
    }

    #[test]
    fn fuel_stays_in_what_loops() {
        let text = "(module (func (loop (global.set $fuel (i32.const 1)) (br 0) (nop) (x))) (func (global.get $fuel))) (last)";
        let fuel = ["$fuel".to_owned()];
        let kept = reduced(text, &fuel, |text| text.contains("loop"));
        assert_eq!(kept, "(module (func (loop (global.set $fuel)))) (last)");
        let gone = reduced(text, &fuel, |text| text.contains("module"));
        assert_eq!(gone, "(module) (last)");
    }
}
