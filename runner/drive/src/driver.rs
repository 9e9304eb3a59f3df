//! Scripts sent to a process, with what is done where it fails.

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

/// What an engine may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take for one request.
    pub request: Duration,
    /// How long it may take for a script where the options of a run do not say so.
    pub script: Duration,
    /// How many bytes of writable memory its process may have.
    pub memory: Option<u64>,
    /// How often its process is replaced for one script.
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
    /// Its command cannot be run.
    #[error("cannot start `{command}`: {error}")]
    Start {
        /// The command.
        command: Command,
        /// What the system said.
        error: std::io::Error,
    },
    /// It did not answer `hello`.
    #[error("{command}: no answer to `hello wap/1`: {why}")]
    Silent {
        /// The command.
        command: Command,
        /// What came instead.
        why: String,
    },
    /// Its answer to `hello` is not one.
    #[error("{command}: {error}")]
    Hello {
        /// The command.
        command: Command,
        /// What is wrong with it.
        error: BadHello,
    },
}

/// An engine that has said who it is: drivers are made of it.
#[derive(Clone, Debug)]
pub struct Known {
    command: Command,
    limits: Limits,
    hello: Hello,
    published: Option<Published>,
}

/// What reports say of an engine that is described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// What it is called.
    pub name: String,
    /// Its version, where its adapter does not say it.
    pub version: String,
    /// The column that it is run in, where there are several.
    pub configuration: Option<String>,
    /// The flags of the column.
    pub flags: Vec<String>,
    /// The features that are on in the column.
    pub features: Vec<String>,
    /// Who packaged it, where that was not its makers.
    pub package: Option<String>,
    /// The command that starts it, without paths of this machine.
    pub command: String,
}

impl Published {
    /// What reports call it, where nothing stands between it and wassay.
    pub fn identity(&self) -> Identity {
        let Published { name, version, configuration, flags, features, package, command } = self.clone();
        let (adapter, command) = (None, Some(command));
        Identity { name, version, configuration, flags, features, adapter, command, package }
    }
}

/// An engine that is driven by its command.
#[derive(Debug)]
pub struct Driver {
    engine: Arc<Known>,
    /// Its process, once there was a script.
    child: Option<Child>,
}

/// What ends an attempt to send a script.
enum Broke {
    /// The process ended, in this way.
    Ended(String),
    /// No answer came in time.
    Silent(Duration),
    /// What came is no answer.
    Garbage(String),
    /// The process cannot be started again.
    Lost(DriveError),
}

impl Known {
    /// Starts an engine to see who it is.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not answer `hello` as it has to.
    pub fn ask(command: Command, limits: Limits) -> Result<Known, DriveError> {
        let (child, hello) = greet(&command, &limits)?;
        child.close();
        Ok(Known { command, limits, hello, published: None })
    }

    /// The same engine, called in reports as its description says.
    #[must_use]
    pub fn published_as(self, published: Published) -> Known {
        Known { published: Some(published), ..self }
    }

    /// A driver with a process of its own, which is started with its first script.
    pub fn driver(self: &Arc<Self>) -> Driver {
        Driver { engine: Arc::clone(self), child: None }
    }

    /// What the adapter says of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// What it may use.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The same engine within other limits.
    pub(crate) fn within(self, limits: Limits) -> Known {
        Known { limits, ..self }
    }

    /// What reports call the engine.
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
        // What a run was asked for is published with what it found: words of the command that look
        // like flags tell configurations apart.
        let flags = command.words().iter().skip(1).filter(|word| word.starts_with('-'));
        Identity { flags: flags.cloned().collect(), command: Some(command.to_string()), ..said }
    }
}

/// Starts a process and asks who it is.
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
        Ok(Line::TooLong) => return Err(silent("a line that does not end".to_owned())),
        Err(Silence::Timeout) => {
            return Err(silent(format!(
                "nothing within {}; an adapter has to flush its output after each answer",
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
    /// What the adapter says of itself.
    pub fn hello(&self) -> &Hello {
        &self.engine.hello
    }

    /// Sends a script, and gives the reply to each of its requests, within this time.
    pub fn run(&mut self, plan: &ScriptPlan, time: Duration) -> Vec<Reply> {
        let until = Instant::now() + time;
        // What ends a request early leaves time to send the script again twice.
        let patience = self.engine.limits.request.min(time / 3);
        match self.stream(plan, until, patience) {
            Ok(replies) => replies,
            Err(broke) => {
                tracing::debug!(script = plan.name, "sent again, one request at a time: {}", broke.told());
                self.child = None;
                let replies = self.step(plan, until, patience);
                self.child = None;
                replies
            }
        }
    }

    /// Sends all requests at once: adapters answer faster than they could one by one.
    fn stream(&mut self, plan: &ScriptPlan, until: Instant, patience: Duration) -> Result<Vec<Reply>, Broke> {
        let child = self.running()?;
        child.send(plan.requests.text());
        let mut replies = Vec::with_capacity(plan.requests.len());
        for _ in 0..plan.requests.len() {
            replies.push(next(child, until, patience)?);
        }
        plan.in_step(&replies).map_err(Broke::Garbage)?;
        Ok(replies)
    }

    /// Sends a script again to learn the values that were not as expected, of which the replies
    /// have the last of each wrapper alone.
    fn note(&mut self, plan: &ScriptPlan, replies: &[Reply], until: Instant) -> Noted {
        let calls = plan.not_noted(replies);
        let mut noted = Noted::new();
        if calls.is_empty() || !replies.iter().all(|reply| matches!(reply, Reply::Answered(_))) {
            return noted;
        }
        let patience = self.engine.limits.request;
        let mut ask = || -> Result<(), Broke> {
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
                next(child, until, patience)?;
                let Some((call, words)) = next_call.next_if(|(call, _)| *call == number) else { continue };
                let mut value = Vec::with_capacity(words.len());
                for _ in words {
                    if let Reply::Answered(Answer::Value(word)) = next(child, until, patience)? {
                        value.push(word.cast_unsigned());
                    }
                }
                noted.insert(*call, value);
            }
            Ok(())
        };
        if ask().is_err() {
            // What was learned so far is as good; what is still to come belongs to no script.
            self.child = None;
        }
        noted
    }

    /// Sends requests one by one, so that it is known which one an engine fails on, and begins
    /// again without that.
    fn step(&mut self, plan: &ScriptPlan, until: Instant, patience: Duration) -> Vec<Reply> {
        let mut culprits: BTreeMap<usize, Reply> = BTreeMap::new();
        loop {
            let mut replies = Vec::with_capacity(plan.requests.len());
            let broke = self.step_once(plan, &culprits, &mut replies, until, patience);
            let Err(broke) = broke else {
                return match plan.in_step(&replies) {
                    Ok(()) => replies,
                    Err(why) => plan.out_of_step(why),
                };
            };
            let culprit = replies.len();
            let is_over = Instant::now() >= until;
            let is_first = culprit == 0;
            let reply = broke.reply();
            replies.push(reply.clone());
            culprits.insert(culprit, reply);
            self.child = None;
            let why = if is_over {
                "the script timed out earlier"
            } else if is_first {
                "the engine does not begin a script"
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
        until: Instant,
        patience: Duration,
    ) -> Result<(), Broke> {
        let child = self.running()?;
        for number in 0..plan.requests.len() {
            if let Some(reply) = culprits.get(&number) {
                replies.push(reply.clone());
                continue;
            }
            child.send(plan.requests.line(number));
            replies.push(next(child, until, patience)?);
        }
        Ok(())
    }

    /// The process, started where there is none.
    fn running(&mut self) -> Result<&mut Child, Broke> {
        if self.child.is_none() {
            let (child, _) = greet(&self.engine.command, &self.engine.limits).map_err(Broke::Lost)?;
            self.child = Some(child);
        }
        self.child.as_mut().ok_or_else(|| Broke::Ended("the engine was not started".to_owned()))
    }
}

/// The next reply, within this time and before that.
fn next(child: &mut Child, until: Instant, patience: Duration) -> Result<Reply, Broke> {
    let now = Instant::now();
    match child.line(until.min(now + patience)) {
        Ok(Line::Text(line)) => match reply(&line) {
            Reply::Broken(why) => Err(Broke::Garbage(why)),
            reply => Ok(reply),
        },
        Ok(Line::TooLong) => Err(Broke::Garbage("the adapter wrote a line that does not end".to_owned())),
        Err(Silence::Timeout) => Err(Broke::Silent(now.elapsed())),
        Err(Silence::Ended(how)) => Err(Broke::Ended(how)),
    }
}

impl Broke {
    fn told(&self) -> String {
        match self {
            Broke::Ended(how) => how.clone(),
            Broke::Silent(time) => format!("the engine did not answer within {}", shown(*time)),
            Broke::Garbage(why) => why.clone(),
            Broke::Lost(error) => error.to_string(),
        }
    }

    fn reply(self) -> Reply {
        let told = self.told();
        match self {
            Broke::Ended(_) | Broke::Lost(_) => Reply::Crashed(told),
            Broke::Silent(_) => Reply::TimedOut(told),
            Broke::Garbage(_) => Reply::Broken(told),
        }
    }
}

/// A time in seconds, to a tenth.
fn shown(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

impl Drop for Driver {
    fn drop(&mut self) {
        // One that a script broke was killed then.
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
        let until = Instant::now() + time;
        let replies = self.run(&plan, time);
        let noted = self.note(&plan, &replies, until);
        let engine = Engine { hello: self.engine.hello.clone(), match_kind: options.match_kind };
        plan.judge_under(&replies, &noted, &engine, options)
    }
}
