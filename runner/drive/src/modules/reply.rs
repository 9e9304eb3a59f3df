//! Replies to requests that are answered here, not by the engine.

use wassay_script::plan::Reply;
use wassay_script::wap::{Answer, Class};

use super::run::Ran;

pub(super) fn ok() -> Reply {
    Reply::Answered(Answer::Ok("".into()))
}

pub(super) fn value(number: i32) -> Reply {
    Reply::Answered(Answer::Value(number))
}

pub(super) fn error(class: Class, message: &str) -> Reply {
    Reply::Answered(Answer::Error(class, message.into()))
}

impl Ran {
    /// The reply for a run that did not succeed.
    pub(super) fn reply(self, class: Class) -> Reply {
        match self {
            Ran::Well => ok(),
            Ran::Badly(said) => error(class, &said),
            Ran::Crashed(how) => Reply::Crashed(how),
            Ran::TimedOut(late) => Reply::TimedOut(late.to_string()),
            Ran::NotRun => Reply::NotRun("the script timed out earlier".to_owned()),
            Ran::Lost(why) => Reply::Broken(why),
        }
    }
}
