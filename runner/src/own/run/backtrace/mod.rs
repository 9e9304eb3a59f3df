//! The backtrace of a trap: function names, offsets, and source locations if a module has DWARF.

mod lines;
mod names;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use wassay_engine::{Backtrace, Frame, Module};
use wassay_reports::terminal::Text;

use lines::{Lines, Place};
use names::{demangled, shortened};

/// The loaded modules, with their files.
pub(super) type Loaded = Vec<(Module, PathBuf)>;

/// Formats the backtrace with one line per function, each with a line break.
///
/// ```text
///   0: divide (prog.wasm+0x1a3) at src/prog.c:12:10
///   1: checked at src/prog.c:20:12, inlined into
///      main (prog.wasm+0x1f0) at src/prog.c:31:5
/// ```
///
/// A function without a name is shown as `func[12]`. Offsets are offsets of instructions in the
/// module's binary: of the one that trapped, and of the calls of outer frames. Source locations are
/// `FILE:LINE:COLUMN`, with the file name as in the DWARF.
pub(super) fn show(backtrace: &Backtrace, loaded: &Loaded) -> Text {
    let mut renderer = Renderer { loaded, lines: Vec::new(), number: 0, text: Text::new(false) };
    backtrace.innermost().for_each(|frame| renderer.frame(&frame));
    if backtrace.omitted() > 0 {
        renderer.text.line(format_args!("     … {} more …", backtrace.omitted()));
    }
    renderer.number += backtrace.omitted();
    backtrace.outermost().for_each(|frame| renderer.frame(&frame));
    renderer.text
}

struct Renderer<'a> {
    loaded: &'a Loaded,
    /// The modules seen so far, with their DWARF.
    lines: Vec<(&'a Module, Option<Lines<'a>>)>,
    number: usize,
    text: Text,
}

impl<'a> Renderer<'a> {
    fn frame(&mut self, frame: &Frame<'a>) {
        if frame.through_host {
            self.text.line("     a host function");
        }
        let name = match frame.func_name {
            Some(name) => demangled(name),
            None => format!("func[{}]", frame.func_index),
        };
        let own = format!("{name} ({}+{:#x})", self.file(frame.module), frame.module_offset);
        let places =
            self.lines(frame.module).map(|lines| lines.places(frame.module_offset)).unwrap_or_default();
        let mut head = format!("{:3}: ", self.number);
        if let Some((outermost, inlined)) = places.split_last() {
            for Place { function, at } in inlined {
                let function = function.as_deref().map_or_else(|| "?".to_owned(), demangled);
                self.text.line(format_args!("{head}{function}{}, inlined into", written(at)));
                head = "     ".to_owned();
            }
            self.text.line(format_args!("{head}{own}{}", written(&outermost.at)));
        } else {
            self.text.line(format_args!("{head}{own}"));
        }
        self.number += 1;
    }

    /// The display name of a module: its file name without the folder.
    fn file(&self, module: &Module) -> String {
        let file = self.loaded.iter().find(|(loaded, _)| loaded.is(module)).map(|(_, file)| file);
        let name = file.and_then(|file| Path::new(file).file_name()).map(|name| name.to_string_lossy());
        shortened(name.as_deref().or(module.name()).unwrap_or("module"))
    }

    fn lines(&mut self, module: &'a Module) -> Option<&Lines<'a>> {
        let position = match self.lines.iter().position(|(met, _)| met.is(module)) {
            Some(position) => position,
            None => {
                self.lines.push((module, Lines::of(module.bytes())));
                self.lines.len() - 1
            }
        };
        self.lines[position].1.as_ref()
    }
}

fn written(place: &Option<String>) -> String {
    place.as_ref().map_or_else(String::new, |place| format!(" at {}", shortened(place)))
}
