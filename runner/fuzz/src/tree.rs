//! Scripts as trees of parentheses, which can be changed anywhere and printed.

/// A part of a script: a word or string, or a form in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A word or a string, as it is written.
    Atom(Box<str>),
    /// What is between two parentheses.
    List(Vec<Node>),
}

/// How deep forms may nest. Deeper ones are not reduced.
const MAX_DEPTH: usize = 500;

/// The maximum width of a line that a form is put on.
const WIDTH: usize = 100;

impl Node {
    /// A form without other forms in it.
    pub(crate) fn form(words: &[&str]) -> Node {
        Node::List(words.iter().map(|word| Node::Atom((*word).into())).collect())
    }

    /// The forms and words of a text, without comments; `None` if its parentheses do not match.
    pub(crate) fn read(text: &str) -> Option<Vec<Node>> {
        let mut open: Vec<Vec<Node>> = vec![Vec::new()];
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let end = match rest.as_bytes() {
                [] => break,
                [b';', b';', ..] => rest.find('\n').unwrap_or(rest.len()),
                [b'(', b';', ..] => end_of_comment(rest)?,
                [b'(', ..] => {
                    open.push(Vec::new());
                    if open.len() > MAX_DEPTH {
                        return None;
                    }
                    1
                }
                [b')', ..] => {
                    let list = Node::List(open.pop()?);
                    open.last_mut()?.push(list);
                    1
                }
                _ => {
                    let end = end_of_atom(rest)?;
                    open.last_mut()?.push(Node::Atom(rest.get(..end)?.into()));
                    end
                }
            };
            rest = rest.get(end..)?;
        }
        let top = open.pop()?;
        open.is_empty().then_some(top)
    }

    /// Its first word.
    pub(crate) fn head(&self) -> &str {
        match self {
            Node::List(nodes) => nodes.first().and_then(Node::atom).unwrap_or_default(),
            Node::Atom(_) => "",
        }
    }

    /// The word, if it is one.
    pub(crate) fn atom(&self) -> Option<&str> {
        match self {
            Node::Atom(word) => Some(word),
            Node::List(_) => None,
        }
    }

    /// What is in its parentheses.
    pub(crate) fn children(&self) -> &[Node] {
        match self {
            Node::List(nodes) => nodes,
            Node::Atom(_) => &[],
        }
    }

    /// The number of words and parentheses.
    pub(crate) fn size(&self) -> usize {
        match self {
            Node::Atom(_) => 1,
            Node::List(nodes) => 1 + nodes.iter().map(Node::size).sum::<usize>(),
        }
    }

    /// How often a word occurs.
    pub(crate) fn count(&self, word: &str) -> usize {
        match self {
            Node::Atom(atom) => usize::from(**atom == *word),
            Node::List(nodes) => nodes.iter().map(|node| node.count(word)).sum(),
        }
    }

    /// The part at a path: the index of a child at each level.
    pub(crate) fn at_mut(&mut self, path: &[usize]) -> Option<&mut Node> {
        match (path, self) {
            ([], node) => Some(node),
            ([first, rest @ ..], Node::List(nodes)) => nodes.get_mut(*first)?.at_mut(rest),
            _ => None,
        }
    }

    /// The part at a path.
    pub(crate) fn at(&self, path: &[usize]) -> Option<&Node> {
        match path {
            [] => Some(self),
            [first, rest @ ..] => self.children().get(*first)?.at(rest),
        }
    }

    /// The text on one line.
    pub(crate) fn flat(&self) -> String {
        let mut text = String::new();
        self.write_flat(&mut text);
        text
    }

    fn write_flat(&self, text: &mut String) {
        match self {
            Node::Atom(word) => text.push_str(word),
            Node::List(nodes) => {
                text.push('(');
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        text.push(' ');
                    }
                    node.write_flat(text);
                }
                text.push(')');
            }
        }
    }

    /// The text on as few lines as fit, with nested forms indented.
    pub(crate) fn pretty(&self) -> String {
        let mut text = String::new();
        self.write_pretty(&mut text, 0, 0);
        text
    }

    /// `closing` is how many parentheses follow on the same line.
    fn write_pretty(&self, text: &mut String, indent: usize, closing: usize) {
        let flat = self.flat();
        let nodes = self.children();
        if indent + flat.len() + closing <= WIDTH || nodes.iter().all(|node| node.atom().is_some()) {
            text.push_str(&flat);
            return;
        }
        text.push('(');
        let mut column = indent + 1;
        for (index, node) in nodes.iter().enumerate() {
            let width = node.flat().len();
            let closing = if index + 1 == nodes.len() { closing + 1 } else { 0 };
            let fits = column + 1 + width + closing <= WIDTH;
            if index > 0 && !fits {
                text.push('\n');
                text.push_str(&" ".repeat(indent + 2));
                column = indent + 2;
            } else if index > 0 {
                text.push(' ');
                column += 1;
            }
            node.write_pretty(text, column.min(indent + 2).max(indent), closing);
            column = text.len() - text.rfind('\n').map_or(0, |at| at + 1);
        }
        text.push(')');
    }
}

/// The end of a block comment, which may contain others.
fn end_of_comment(text: &str) -> Option<usize> {
    let (bytes, mut depth, mut at) = (text.as_bytes(), 0, 0);
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"(;" => (depth, at) = (depth + 1, at + 2),
            b";)" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn end_of_atom(text: &str) -> Option<usize> {
    let mut is_string = false;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if is_string => _ = bytes.next(),
            b'"' => is_string = !is_string,
            b'(' | b')' | b';' if !is_string => return Some(at),
            _ if byte.is_ascii_whitespace() && !is_string => return Some(at),
            _ => {}
        }
    }
    (!is_string).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_and_printed_without_comments() {
        let text = "(a (; (;x;) ) ;) \"( \\\" ;;\" ;; (\n $b(c 1)d)\n(e)";
        let nodes = Node::read(text).unwrap();
        let printed: Vec<String> = nodes.iter().map(Node::flat).collect();
        assert_eq!(printed, ["(a \"( \\\" ;;\" $b (c 1) d)", "(e)"]);
        for bad in ["(", ")", "\"", "(a))", "(; x"] {
            assert_eq!(Node::read(bad), None, "{bad}");
        }
        assert_eq!(Node::read(&"(".repeat(100_000)), None);
    }

    #[test]
    fn long_forms_are_broken_into_indented_lines() {
        let words = |word: &str| format!("({word} {})", "x".repeat(60));
        let text = format!("(module {} {} (c 1) (d 2))", words("a"), words("b"));
        let pretty = Node::read(&text).unwrap()[0].pretty();
        assert_eq!(pretty, format!("(module {}\n  {} (c 1) (d 2))", words("a"), words("b")));
        assert_eq!(Node::read(&pretty), Node::read(&text));
    }
}
