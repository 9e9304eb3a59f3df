//! The text of a module that a directive quotes, read as long as there is time.

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use wassay_terms::Deadline;

use super::embed::{EmbedError, Embedder, ErrorKind};
use super::model::ModuleForm;
use super::run::Interpreter;
use super::text::Grammar;
use super::thread::STACK;

/// How many bytes a text has at least that is read on a thread of its own, where there is a deadline. A shorter one takes some ten
/// milliseconds.
const LARGE: usize = 256 << 10;

impl<E: Embedder> Interpreter<'_, '_, '_, E> {
    /// The bytes of a module; an error of kind [`Timeout`](ErrorKind::Timeout) where the time is over before they are known.
    pub(super) fn bytes_of<'a>(
        &self,
        form: &'a ModuleForm,
        grammar: Grammar,
    ) -> Result<Cow<'a, [u8]>, EmbedError> {
        let bytes = match (form, self.deadline) {
            (ModuleForm::Quote(text), Some(deadline)) if text.len() >= LARGE => {
                let quote = ModuleForm::Quote(text.clone());
                in_time(deadline, move || quote.bytes_as(grammar).map(Cow::into_owned))
                    .ok_or_else(time_over)?
                    .map(Cow::Owned)
            }
            _ => form.bytes_as(grammar),
        };
        bytes.map_err(|error| self.malformed_text(form, error))
    }
}

/// The error of a script whose time is over.
pub(super) fn time_over() -> EmbedError {
    EmbedError::new(ErrorKind::Timeout, "the time allowed is over")
}

/// What work comes to that nothing interrupts: it is done on a thread, which is left alone when the time is over, and what it comes to
/// then is dropped.
fn in_time<T: Send + 'static>(deadline: Deadline, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new().name("reads-text".to_owned()).stack_size(STACK);
    let theirs = Arc::clone(&work);
    let thread = thread.spawn(move || {
        let done = take(&theirs).map(|work| work());
        // Nobody waits any more where the time is over.
        let _ = sender.send(done);
    });
    let Ok(thread) = thread else {
        // Without a thread it takes as long as it takes.
        return take(&work).map(|work| work());
    };
    loop {
        match receiver.recv_timeout(deadline.left()) {
            Ok(done) => return done,
            Err(RecvTimeoutError::Timeout) if deadline.is_over() => return None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => resume_unwind(panic),
                Ok(()) => unreachable!("the thread sends before it ends"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_that_takes_too_long_is_left_alone() {
        let in_a_minute = Deadline::after(Duration::from_secs(60)).unwrap();
        assert_eq!(in_time(in_a_minute, || 7), Some(7));
        let soon = Deadline::after(Duration::from_millis(20)).unwrap();
        let (ends, ended) = mpsc::channel::<()>();
        assert_eq!(in_time(soon, move || ended.recv().is_ok()), None);
        drop(ends);
    }
}
