//! Names for backtraces, from the name section (appendix "Name Section").

use std::ops::Range;

use wasmparser::{BinaryReader, Name, NameSectionReader, Parser, Payload};

use super::custom::name::NAME;

/// The names of a module's functions. Read when a backtrace with the module is resolved for the
/// first time.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// The module's own name.
    pub(crate) module: Option<Range<usize>>,
    /// The names of functions as ranges of the module's bytes, in ascending order of the functions'
    /// indices.
    functions: Vec<(u32, Range<usize>)>,
}

impl Symbols {
    /// Reads the symbols of a valid module. A malformed name section is read up to the first error.
    pub(crate) fn read(bytes: &[u8]) -> Symbols {
        let mut symbols = Symbols::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload {
                Ok(Payload::CustomSection(section)) if section.name() == NAME => {
                    symbols.read_names(section.data_reader());
                }
                Ok(_) => {}
                // A valid module can use encodings of features that are disabled here.
                Err(_) => break,
            }
        }
        symbols
    }

    /// The name of a function, as a range of the module's bytes.
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
                // A second subsection would be out of order.
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

/// The range of a name that ends at this offset.
fn ends_at(end: u64, name: &str) -> Range<usize> {
    let end = end as usize;
    end.saturating_sub(name.len())..end
}
