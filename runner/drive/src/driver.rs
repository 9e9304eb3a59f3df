//! Sends scripts to an adapter process, and recovers from failures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use wassay_script::embed::Identity;
use wassay_script::plan::file::reply;
use wassay_script::plan::{Engine, Noted, Reply, ScriptPlan, compile_parts};
use wassay_script::reading::Reading;
use wassay_script::verdict::ScriptResult;
use wassay_script::wap::{Answer, BadHello, Hello, Requests};
use wassay_script::{Judges, Options};

use crate::child::{Child, Line, Silence};
use crate::command::Command;
use crate::deadline::{Deadline, Late};

/// The limits of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The time limit for a request.
    pub request: Duration,
    /// The default time limit for a script.
    pub script: Duration,
    /// The limit for writable memory of its process in bytes.
    pub memory: Option<u64>,
    /// The maximum number of restarts per script.
    pub restarts: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request: Duration::from_secs(10),
            script: Duration::from_secs(30),
            memory: Some(4 << 30),
            restarts: 16,
        }
    }
}

/// Why an engine cannot be driven.
#[derive(Debug, Error)]
pub enum DriveError {
    /// Its command cannot be started.
    #[error("cannot start `{command}`: {error}")]
    Start {
        /// The command.
        command: Command,
        /// The error.
        error: std::io::Error,
    },
    /// It did not answer `hello`.
    #[error("{command}: no answer to `hello wap/1`: {why}")]
    Silent {
        /// The command.
        command: Command,
        /// The reason.
        why: String,
    },
    /// Its answer to `hello` is invalid.
    #[error("{command}: {error}")]
    Hello {
        /// The command.
        command: Command,
        /// The problem.
        error: BadHello,
    },
}

/// An engine whose identity is known; it creates drivers.
#[derive(Clone, Debug)]
pub struct Known {
    command: Command,
    limits: Limits,
    hello: Hello,
    published: Option<Published>,
}

/// The identity of a described engine in reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Its name.
    pub name: String,
    /// Its version, if its adapter does not report it.
    pub version: String,
    /// The column, if there are several.
    pub configuration: Option<String>,
    /// The flags of the column.
    pub flags: Vec<String>,
    /// The enabled features of the column.
    pub features: Vec<String>,
    /// Its package, if it was not packaged by its developers.
    pub package: Option<String>,
    /// The command, without paths of this machine.
    pub command: String,
}

impl Published {
    /// Its identity in reports, without an adapter.
    pub fn identity(&self) -> Identity {
        let Published { name, version, configuration, flags, features, package, command } = self.clone();
        let (adapter, command) = (None, Some(command));
        Identity { name, version, configuration, flags, features, adapter, command, package }
    }
}

/// Drives an engine by its adapter.
#[derive(Debug)]
pub struct Driver {
    engine: Arc<Known>,
    /// Its process, started with the first script.
    child: Option<Child>,
}

/// Why an attempt to send a script ended.
enum StreamEnd {
    /// The process ended, in this way.
    Ended(String),
    /// An answer timed out.
    Silent(Late),
    /// An invalid answer.
    Garbage(String),
    /// The process cannot be restarted.
    Lost(DriveError),
}

impl Known {
    /// Starts an engine to query its identity.
    ///
    /// # Errors
    ///
    /// It cannot be started, or its answer to `hello` is invalid.
    pub fn ask(command: Command, limits: Limits) -> Result<Known, DriveError> {
        let (child, hello) = greet(&command, &limits)?;
        child.close();
        Ok(Known { command, limits, hello, published: None })
    }

    /// The same engine, started by another command that gets the same answer to `hello`.
    #[must_use]
    pub fn started_by(&self, command: Command) -> Known {
        Known { command, ..self.clone() }
    }

    /// Sets the identity from the engine's description.
    #[must_use]
    pub fn published_as(self, published: Published) -> Known {
        Known { published: Some(published), ..self }
    }

    /// Creates a driver with its own process, which is started with the first script.
    pub fn driver(self: &Arc<Self>) -> Driver {
        Driver { engine: Arc::clone(self), child: None }
    }

    /// The adapter's answer to `hello`.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Its limits.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Sets other limits.
    pub(crate) fn within(self, limits: Limits) -> Known {
        Known { limits, ..self }
    }

    /// The engine's identity in reports.
    pub fn identity(&self) -> Identity {
        let Known { command, hello, published, .. } = self;
        let said = hello.identity();
        if let Some(published) = published {
            let identity = published.identity();
            let version =
                if said.version.is_empty() { identity.version.clone() } else { said.version.clone() };
            let package = identity.package.clone().or_else(|| said.package.clone());
            return Identity { adapter: said.adapter, version, package, ..identity };
        }
        // Words of the command that look like flags distinguish configurations in reports.
        let flags = command.words().iter().skip(1).filter(|word| word.starts_with('-'));
        Identity { flags: flags.cloned().collect(), command: Some(command.to_string()), ..said }
    }
}

/// Starts a process and queries its identity.
fn greet(command: &Command, limits: &Limits) -> Result<(Child, Hello), DriveError> {
    let started = Child::start(command, limits.memory);
    let mut child = started.map_err(|error| DriveError::Start { command: command.clone(), error })?;
    let mut hello = Requests::default();
    hello.hello();
    child.send(hello.text());
    let silent = |why: String| DriveError::Silent { command: command.clone(), why };
    let wait = limits.request.max(Limits::default().request);
    let answer = match child.line(Instant::now() + wait) {
        Ok(Line::Text(line)) => line.parse::<Answer>().map_err(|error| silent(error.to_string()))?,
        Ok(Line::TooLong) => return Err(silent("a line over the maximum length".to_owned())),
        Err(Silence::Timeout) => {
            return Err(silent(format!(
                "timed out after {}; an adapter must flush its output after each answer",
                shown(wait)
            )));
        }
        Err(Silence::Ended(how)) => return Err(silent(how)),
    };
    let hello = Hello::read(&answer);
    let hello = hello.map_err(|error| DriveError::Hello { command: command.clone(), error })?;
    Ok((child, hello))
}

impl Driver {
    /// The adapter's answer to `hello`.
    pub fn hello(&self) -> &Hello {
        &self.engine.hello
    }

    /// Sends a script and returns the reply to each request, within a time limit.
    pub fn run(&mut self, plan: &ScriptPlan, time: Duration) -> Vec<Reply> {
        self.replies(plan, &Deadline::begin(time, self.engine.limits.request))
    }

    fn replies(&mut self, plan: &ScriptPlan, deadline: &Deadline) -> Vec<Reply> {
        match self.stream(plan, deadline) {
            Ok(replies) => replies,
            Err(broke) => {
                tracing::debug!(
                    script = plan.name,
                    "sending the script again, one request at a time: {}",
                    broke.description()
                );
                self.child = None;
                let replies = self.step(plan, deadline);
                self.child = None;
                replies
            }
        }
    }

    /// Sends all requests at once, which is faster than one by one.
    fn stream(&mut self, plan: &ScriptPlan, deadline: &Deadline) -> Result<Vec<Reply>, StreamEnd> {
        let child = self.running()?;
        child.send(plan.requests.text());
        let mut replies = Vec::with_capacity(plan.requests.len());
        for _ in 0..plan.requests.len() {
            replies.push(next(child, deadline)?);
        }
        plan.in_step(&replies).map_err(StreamEnd::Garbage)?;
        Ok(replies)
    }

    /// Sends a script again to obtain unexpected values, of which the replies have only the last
    /// one of each wrapper.
    fn note(&mut self, plan: &ScriptPlan, replies: &[Reply], deadline: &Deadline) -> Noted {
        let calls = plan.not_noted(replies);
        let mut noted = Noted::new();
        if calls.is_empty() || !replies.iter().all(|reply| matches!(reply, Reply::Answered(_))) {
            return noted;
        }
        let mut ask = || -> Result<(), StreamEnd> {
            let child = self.running()?;
            let (mut text, mut next_call) = (String::new(), calls.iter().peekable());
            for number in 0..plan.requests.len() {
                text.push_str(plan.requests.line(number));
                if let Some((_, words)) = next_call.next_if(|(call, _)| *call == number) {
                    words.iter().for_each(|word| text.push_str(word));
                }
            }
            child.send(&text);
            let mut next_call = calls.iter().peekable();
            for number in 0..plan.requests.len() {
                next(child, deadline)?;
                let Some((call, words)) = next_call.next_if(|(call, _)| *call == number) else { continue };
                let mut value = Vec::with_capacity(words.len());
                for _ in words {
                    if let Reply::Answered(Answer::Value(word)) = next(child, deadline)? {
                        value.push(word.cast_unsigned());
                    }
                }
                noted.insert(*call, value);
            }
            Ok(())
        };
        if ask().is_err() {
            // Keep the values so far; further answers of the process are useless.
            self.child = None;
        }
        noted
    }

    /// Sends requests one by one to find the one that an engine fails on, and restarts without it.
    fn step(&mut self, plan: &ScriptPlan, deadline: &Deadline) -> Vec<Reply> {
        let mut culprits: BTreeMap<usize, Reply> = BTreeMap::new();
        loop {
            let mut replies = Vec::with_capacity(plan.requests.len());
            let broke = self.step_once(plan, &culprits, &mut replies, deadline);
            let Err(broke) = broke else {
                return match plan.in_step(&replies) {
                    Ok(()) => replies,
                    Err(why) => plan.out_of_step(why),
                };
            };
            let culprit = replies.len();
            let is_over = deadline.is_over();
            let is_first = culprit == 0;
            let reply = broke.reply();
            replies.push(reply.clone());
            culprits.insert(culprit, reply);
            self.child = None;
            let why = if is_over {
                "the script timed out earlier"
            } else if is_first {
                "the engine fails to begin a script"
            } else if culprits.len() > self.engine.limits.restarts {
                "the engine failed on too many requests of the script"
            } else {
                continue;
            };
            replies.resize(plan.requests.len(), Reply::NotRun(why.to_owned()));
            return replies;
        }
    }

    fn step_once(
        &mut self,
        plan: &ScriptPlan,
        culprits: &BTreeMap<usize, Reply>,
        replies: &mut Vec<Reply>,
        deadline: &Deadline,
    ) -> Result<(), StreamEnd> {
        let child = self.running()?;
        for number in 0..plan.requests.len() {
            if let Some(reply) = culprits.get(&number) {
                replies.push(reply.clone());
                continue;
            }
            child.send(plan.requests.line(number));
            replies.push(next(child, deadline)?);
        }
        Ok(())
    }

    /// The process, started if necessary.
    fn running(&mut self) -> Result<&mut Child, StreamEnd> {
        if self.child.is_none() {
            let (child, _) = greet(&self.engine.command, &self.engine.limits).map_err(StreamEnd::Lost)?;
            self.child = Some(child);
        }
        self.child.as_mut().ok_or_else(|| StreamEnd::Ended("the engine was not started".to_owned()))
    }
}

/// The next reply, before the deadline and within the time limit of a request.
fn next(child: &mut Child, deadline: &Deadline) -> Result<Reply, StreamEnd> {
    let begun = Instant::now();
    match child.line(deadline.of_request()) {
        Ok(Line::Text(line)) => match reply(&line) {
            Reply::Broken(why) => Err(StreamEnd::Garbage(why)),
            reply => Ok(reply),
        },
        Ok(Line::TooLong) => {
            Err(StreamEnd::Garbage("the adapter wrote a line over the maximum length".to_owned()))
        }
        Err(Silence::Timeout) => Err(StreamEnd::Silent(deadline.late(begun))),
        Err(Silence::Ended(how)) => Err(StreamEnd::Ended(how)),
    }
}

impl StreamEnd {
    fn description(&self) -> String {
        match self {
            StreamEnd::Ended(how) => how.clone(),
            StreamEnd::Silent(late) => late.to_string(),
            StreamEnd::Garbage(why) => why.clone(),
            StreamEnd::Lost(error) => error.to_string(),
        }
    }

    fn reply(self) -> Reply {
        let description = self.description();
        match self {
            StreamEnd::Ended(_) | StreamEnd::Lost(_) => Reply::Crashed(description),
            StreamEnd::Silent(_) => Reply::TimedOut(description),
            StreamEnd::Garbage(_) => Reply::Broken(description),
        }
    }
}

/// A duration in seconds, to a tenth.
fn shown(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A process that failed has already been killed.
        if let Some(child) = self.child.take() {
            child.close();
        }
    }
}

impl Judges for Driver {
    const DRIVES_WASSAY: bool = false;

    fn identity(&self) -> Identity {
        self.engine.identity()
    }

    fn judge(&mut self, script: &Reading<'_, '_>, options: &Options) -> ScriptResult {
        let plan = compile_parts(script, options);
        if let (Some(observer), Some(first)) = (&options.observer, plan.directives.first()) {
            observer.begins(first.place);
        }
        let time = options.timeout.unwrap_or(self.engine.limits.script);
        let deadline = Deadline::begin(time, self.engine.limits.request);
        let replies = self.replies(&plan, &deadline);
        let noted = self.note(&plan, &replies, &deadline);
        let engine = Engine { hello: self.engine.hello.clone(), match_kind: options.match_kind };
        plan.judge_under(&replies, &noted, &engine, options)
    }
}
