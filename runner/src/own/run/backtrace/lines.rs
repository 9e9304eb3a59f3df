//! Where in the source an instruction came from, by the DWARF that a module carries (WebAssembly
//! tool conventions, "DWARF for WebAssembly"): addresses are offsets from the begin of the code
//! section's content.

use std::collections::HashMap;

use addr2line::{Context, LookupContinuation, LookupResult};
use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use wasmparser::{Parser, Payload};

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// How many functions that were inlined into each other are followed.
const DEEPEST: usize = 32;

/// The DWARF of a module.
pub(super) struct Lines<'a> {
    context: Context<Slice<'a>>,
    /// Where the content of the code section begins in the module.
    code: u64,
}

/// How deep the tree of a unit's entries may be.
const DEEPEST_TREE: isize = 1000;

/// A function, and where in the source it is left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The function's name, as the linker knows it.
    pub(super) function: Option<String>,
    /// `FILE:LINE:COLUMN`.
    pub(super) at: Option<String>,
}

impl<'a> Lines<'a> {
    /// The DWARF in a valid module, where it has some that can be read.
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
        // Deeper trees than compilers make would use up the stack of who reads them.
        if depth(&dwarf).ok()? > DEEPEST_TREE {
            return None;
        }
        Some(Lines { context: Context::from_dwarf(dwarf).ok()?, code: code? })
    }

    /// The places that an instruction at an offset of the module came from: of the function inlined
    /// innermost first, of the function itself last. None where nothing is known.
    pub(super) fn places(&self, offset: u64) -> Vec<Place> {
        let mut places = Vec::new();
        let Some(address) = offset.checked_sub(self.code) else { return places };
        let mut lookup = self.context.find_frames(address);
        // What lies in files apart is not looked for.
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
                // 0 is no line and no column (DWARF 5, section 6.2.2).
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

/// How deep the deepest entry of all units lies.
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
