//! Reports panics on standard error.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;

use anstyle::Style;
use wassay_reports::terminal::Text;

use super::stream::tell;

/// The message of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Reports panics through the printer, which escapes their messages.
#[expect(clippy::disallowed_methods, reason = "the printer's own")]
pub(crate) fn report_panics() {
    panic::set_hook(Box::new(|panic| tell(&report(panic, &Backtrace::capture()))));
}

fn report(panic: &PanicHookInfo<'_>, backtrace: &Backtrace) -> Text {
    let thread = thread::current();
    let name = thread.name().unwrap_or("<unnamed>");
    let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let mut text = lines(&format!("thread '{name}' panicked{place}"), panic.payload_as_str());
    match backtrace.status() {
        BacktraceStatus::Captured => _ = text.block("  ", &backtrace.to_string(), |_| Style::new()),
        _ => _ = text.line("note: run with `RUST_BACKTRACE=1` for a backtrace"),
    }
    text
}

/// Formats a heading and the message, whose first line follows the heading.
fn lines(what: &str, message: Option<&str>) -> Text {
    let (first, rest) =
        message.map_or(("no message", ""), |message| message.split_once('\n').unwrap_or((message, "")));
    let mut text = Text::new(false);
    text.put(what).put(": ").put(first).end();
    text.block("  ", rest, |_| Style::new());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_message_is_escaped_and_indented() {
        let shown =
            lines("thread 'a' panicked at b.rs:1:2", Some("why \u{1b}[2J\n::error::x\ntest result: ok"));
        assert_eq!(
            shown,
            "thread 'a' panicked at b.rs:1:2: why \\u{1b}[2J\n  \\u{3a}:error::x\n  test result: ok\n"
        );
        assert_eq!(lines("a", None), "a: no message\n");
    }
}
