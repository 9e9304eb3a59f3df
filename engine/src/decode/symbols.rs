//! Names for backtraces: from the name section (appendix "Name Section").

use std::ops::Range;

use wasmparser::{BinaryReader, Name, NameSectionReader, Parser, Payload};

use super::custom::name::NAME;

/// What a module calls its functions. Read when the first backtrace with the module is looked at.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// The module's own name.
    pub(crate) module: Option<Range<usize>>,
    /// The names of functions by index, in ascending order: where each lies in the module's bytes.
    functions: Vec<(u32, Range<usize>)>,
}

impl Symbols {
    /// Reads the symbols of a valid module. A name section is read up to where it is broken.
    pub(crate) fn read(bytes: &[u8]) -> Symbols {
        let mut symbols = Symbols::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload {
                Ok(Payload::CustomSection(section)) if section.name() == NAME => {
                    symbols.read_names(section.data_reader());
                }
                Ok(_) => {}
                // An accepted module may use encodings that a feature adds.
                Err(_) => break,
            }
        }
        symbols
    }

    /// Where the name of a function lies in the module's bytes.
    pub(crate) fn function(&self, index: u32) -> Option<Range<usize>> {
        let found = self.functions.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(self.functions[found].1.clone())
    }

    fn read_names(&mut self, reader: BinaryReader<'_>) {
        for subsection in NameSectionReader::new(reader) {
            match subsection {
                Ok(Name::Module { name, name_range }) => {
                    self.module.get_or_insert(ends_at(name_range.end, name));
                }
                // A second one would be out of order.
                Ok(Name::Function(mut names)) if self.functions.is_empty() => {
                    while let Some(Ok(naming)) = names.next() {
                        let range = ends_at(names.names.original_position(), naming.name);
                        self.functions.push((naming.index, range));
                    }
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}

/// Where a name lies that ends there.
fn ends_at(end: u64, name: &str) -> Range<usize> {
    let end = end as usize;
    end.saturating_sub(name.len())..end
}
