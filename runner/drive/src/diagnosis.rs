//! Finds the message of a crash in the standard error of a program.

/// Returns the line of a program's standard error that says what happened: the last one that is
/// not part of a stack trace or a remark of its runtime. If there are only such lines, it is the
/// last one.
pub(crate) fn main_line(stderr: &str) -> Option<&str> {
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    let next = |at: usize| lines.get(at + 1).copied().unwrap_or_default();
    let mut messages = lines.iter().enumerate().filter(|(at, line)| !is_trace(line, next(*at)));
    messages.next_back().map(|(_, line)| *line).or(lines.last().copied()).map(str::trim)
}

/// Whether a line is part of a stack trace, or a remark, of a common runtime.
fn is_trace(line: &str, next: &str) -> bool {
    const REMARKS: [&str; 8] = [
        "at ", // JavaScript, Java, Rust
        "Node.js v",
        "note: ", // Rust
        "stack backtrace:",
        "-----", // V8
        "#FailureMessage",
        "goroutine ",
        "[signal ", // Go
    ];
    let text = line.trim();
    let is_remark = REMARKS.iter().any(|remark| text.starts_with(remark)) || text.chars().all(|c| c == '#');
    // In Go, each function is followed by its file after a tab.
    let is_go = |line: &str| line.starts_with('\t') && line.contains(".go:");
    is_remark || is_go(line) || is_go(next) || is_numbered_frame(text, next)
}

/// Whether a line is a numbered frame, and not a numbered cause of an error.
fn is_numbered_frame(text: &str, next: &str) -> bool {
    let Some((number, frame)) = text.split_once(": ") else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_frame = frame.starts_with("0x")
        || !frame.contains(' ')
        || (frame.starts_with('<') && frame.contains(">::")) // Rust
        || (frame.contains(" (") && frame.ends_with(')'))
        || next.trim_start().starts_with("at ");
    is_number && is_frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_before_the_trace() {
        for (stderr, expected) in [
            ("first\nlast \n\n", "last"),
            (
                "/a.js:1\nnull.foo\n     ^\n\nTypeError: Cannot read properties of null (reading 'foo')\n    \
                 at Object.<anonymous> (/a.js:1:6)\n    at node:internal/main/run_main_module:28:49\n\n\
                 Node.js v20.20.2\n",
                "TypeError: Cannot read properties of null (reading 'foo')",
            ),
            (
                "FATAL ERROR: Reached heap limit Allocation failed\n----- Native stack trace -----\n\n 1: 0xb78db3 \
                 node::OOMErrorHandler(char const*) [node]\n 4: 0x10fb205  [node]\n\n\
                 ----- JavaScript stack trace -----\n\n1: [eval]:1:9\n2: run (node:internal/vm:209:10)\n",
                "FATAL ERROR: Reached heap limit Allocation failed",
            ),
            (
                "#\n# Fatal error in , line 0\n# Check failed: x.\n#\n#\n#FailureMessage Object: 0x7ffe\n",
                "# Check failed: x.",
            ),
            (
                "thread 'main' panicked at src/main.rs:2:5:\nwhy\nstack backtrace:\n   0: begin_panic\n             at \
                 /rustc/x.rs:1\n   1: <T as core::F>::call_once\n             at /rustc/y.rs:2\n\
                 note: run with `RUST_BACKTRACE=1`\n",
                "why",
            ),
            (
                "thread 'main' (7) panicked at a.rs:1:2:\nassertion failed: a\nstack backtrace:\n   0: core::panic\n   \
                 1: <a::B as c::D>::call\n   2: a::main\nnote: run with `RUST_BACKTRACE=full`\n",
                "assertion failed: a",
            ),
            (
                "panic: why\n[signal SIGSEGV: segmentation violation]\n\ngoroutine 1 [running]:\nmain.f(0x1)\n\
                 \t/a/main.go:5 +0x1d\nmain.main()\n\t/a/main.go:9 +0x1d\n",
                "panic: why",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: why\n",
                "ValueError: why",
            ),
            (
                "Error: failed to run\n\nCaused by:\n    0: failed to invoke command\n    1: wasm trap: it ended\n",
                "1: wasm trap: it ended",
            ),
            ("    at a (b:1:2)\n    at c (d:1:2)\n", "at c (d:1:2)"),
        ] {
            assert_eq!(main_line(stderr), Some(expected), "{stderr}");
        }
        assert_eq!(main_line(" \n\n"), None);
    }
}
