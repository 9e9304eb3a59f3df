//! Source locations of instructions, from a module's DWARF (WebAssembly tool conventions, "DWARF
//! for WebAssembly"): addresses are offsets from the start of the code section's content.

use std::collections::HashMap;

use addr2line::{Context, LookupContinuation, LookupResult};
use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use wasmparser::{Parser, Payload};

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// The maximum depth of inlined functions.
const DEEPEST: usize = 32;

/// The DWARF of a module.
pub(super) struct Lines<'a> {
    context: Context<Slice<'a>>,
    /// The offset of the code section's content in the module.
    code: u64,
}

/// The maximum depth of a unit's tree of entries.
const DEEPEST_TREE: isize = 1000;

/// A function, and the source location of its call or trap.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The function's linkage name.
    pub(super) function: Option<String>,
    /// `FILE:LINE:COLUMN`.
    pub(super) at: Option<String>,
}

impl<'a> Lines<'a> {
    /// Reads the DWARF of a valid module, if it has any that is readable.
    pub(super) fn of(module: &'a [u8]) -> Option<Lines<'a>> {
        let (mut sections, mut code) = (HashMap::new(), None);
        for payload in Parser::new(0).parse_all(module) {
            match payload {
                Ok(Payload::CodeSectionStart { unchecked_range, .. }) => code = Some(unchecked_range.start),
                Ok(Payload::CustomSection(section)) if section.name().starts_with(".debug_") => {
                    sections.insert(section.name(), section.data());
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        if !sections.contains_key(SectionId::DebugInfo.name()) {
            return None;
        }
        let section = |id: SectionId| {
            let data = sections.get(id.name()).copied().unwrap_or_default();
            Ok::<_, gimli::Error>(EndianSlice::new(data, LittleEndian))
        };
        let dwarf = Dwarf::load(section).ok()?;
        // Trees deeper than compilers generate would overflow the reader's stack.
        if depth(&dwarf).ok()? > DEEPEST_TREE {
            return None;
        }
        Some(Lines { context: Context::from_dwarf(dwarf).ok()?, code: code? })
    }

    /// The source locations of the instruction at an offset of the module, from the innermost
    /// inlined function to the function itself. Empty if unknown.
    pub(super) fn places(&self, offset: u64) -> Vec<Place> {
        let mut places = Vec::new();
        let Some(address) = offset.checked_sub(self.code) else { return places };
        let mut lookup = self.context.find_frames(address);
        // Split DWARF files are not loaded.
        let frames = loop {
            match lookup {
                LookupResult::Output(frames) => break frames,
                LookupResult::Load { continuation, .. } => lookup = continuation.resume(None),
            }
        };
        let Ok(mut frames) = frames else { return places };
        while let Ok(Some(frame)) = frames.next() {
            let function = frame.function.and_then(|name| Some(name.raw_name().ok()?.into_owned()));
            let at = frame.location.and_then(|location| {
                let mut at = location.file?.to_owned();
                // 0 means no line or no column (DWARF 5, section 6.2.2).
                for number in [location.line, location.column].into_iter().map_while(|n| n.filter(|n| *n > 0))
                {
                    at.push_str(&format!(":{number}"));
                }
                Some(at)
            });
            places.push(Place { function, at });
            if places.len() == DEEPEST {
                break;
            }
        }
        places
    }
}

/// The maximum depth of the entries of all units.
fn depth(dwarf: &Dwarf<Slice<'_>>) -> gimli::Result<isize> {
    let (mut units, mut deepest) = (dwarf.units(), 0);
    while let Some(header) = units.next()? {
        let abbreviations = dwarf.abbreviations(&header)?;
        let mut entries = header.entries_raw(&abbreviations, None)?;
        while !entries.is_empty() {
            deepest = deepest.max(entries.next_depth());
            if let Some(abbreviation) = entries.read_abbreviation()? {
                entries.skip_attributes(abbreviation.attributes())?;
            }
        }
    }
    Ok(deepest)
}
