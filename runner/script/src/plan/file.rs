//! Plan files: text that can be sent to an adapter unchanged, with the data for judging in lines
//! that adapters ignore.
//!
//! The first line is `# wassay-plan/1` and the [`Header`] in JSON. The request `hello` follows,
//! then for each suite a line `# suite`, for each of its scripts a line `# script` and its
//! requests. A line `# directive` with a [`Planned`] precedes the requests of each directive. The
//! last line, `# end`, has the number of requests.
//!
//! A file whose name ends in `.gz` is written compressed; compressed files are recognised when
//! reading, whatever their name.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::model::{Planned, Reply, ScriptPlan};
use crate::messages::MatchKind;
use crate::wap::{Answer, PROTOCOL, encoded};

/// The start of the first line of a plan.
pub const MAGIC: &str = "# wassay-plan/1 ";

/// The maximum uncompressed size of a plan or a file of answers, which is kept in memory and may be
/// a thousand times larger than the compressed file.
const MOST_BYTES: u64 = 512 << 20;

/// The maximum length of a line of a plan in bytes, which may contain a module.
const PLAN_LINE: usize = 128 << 20;

/// The maximum length of an answer in bytes: the protocol's limit and a line ending.
const ANSWER_LINE: usize = (64 << 10) + 2;

/// The header of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// How to compare error texts.
    pub match_kind: MatchKind,
    /// Whether every expectation is altered, so that every directive must fail.
    pub altered: bool,
}

/// The header of a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteHeader {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: String,
    /// The base URL of its scripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The header of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptHeader {
    /// Its name in its suite.
    pub name: String,
    /// Its name in messages.
    pub label: String,
    /// The features it is judged under.
    pub features: String,
    /// Why it is not in the plan, if it is unusable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
    /// The features that its directives depend on; directives for which they are unknown are left
    /// out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Dependents>,
}

/// Directives that depend on the same features, by their index in the plan of the script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependents {
    /// The names of the features; none for directives that need nothing beyond 1.0.
    pub features: Vec<String>,
    /// The modules that should compile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<usize>,
    /// The other directives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directives: Vec<usize>,
}

/// A plan that was read from a file.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Its header.
    pub header: Header,
    /// Its suites.
    pub suites: Vec<(SuiteHeader, Vec<(ScriptHeader, ScriptPlan)>)>,
}

/// Why a file is not a plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line is invalid.
    #[error("line {line}: {what}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// The problem.
        what: String,
    },
}

/// Writes a plan script by script.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    requests: usize,
}

impl<W: Write> Writer<W> {
    /// Begins a plan.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn new(mut out: W, header: &Header) -> io::Result<Self> {
        writeln!(out, "{MAGIC}{}", json(header)?)?;
        writeln!(out, "hello {PROTOCOL}")?;
        Ok(Writer { out, requests: 1 })
    }

    /// Begins a suite.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn suite(&mut self, suite: &SuiteHeader) -> io::Result<()> {
        writeln!(self.out, "# suite {}", json(suite)?)
    }

    /// Writes a script.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn script(&mut self, script: &ScriptHeader, plan: &ScriptPlan) -> io::Result<()> {
        writeln!(self.out, "# script {}", json(script)?)?;
        let mut written = 0;
        for planned in &plan.directives {
            self.requests_to(plan, &mut written, planned.requests.start)?;
            writeln!(self.out, "# directive {}", json(planned)?)?;
            self.requests_to(plan, &mut written, planned.requests.end)?;
        }
        self.requests_to(plan, &mut written, plan.requests.len())?;
        self.requests += plan.requests.len();
        Ok(())
    }

    fn requests_to(&mut self, plan: &ScriptPlan, written: &mut usize, end: usize) -> io::Result<()> {
        while *written < end {
            self.out.write_all(plan.requests.line(*written).as_bytes())?;
            *written += 1;
        }
        Ok(())
    }

    /// Ends the plan and returns the number of requests.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<(W, usize)> {
        writeln!(self.out, "# end {}", self.requests)?;
        self.out.flush()?;
        Ok((self.out, self.requests))
    }
}

fn json(value: &impl Serialize) -> io::Result<String> {
    serde_json::to_string(value).map(wassay_reports::json::printable).map_err(io::Error::other)
}

/// The lines of a file, which may be compressed (RFC 1952, section 2.3.1).
struct Lines<'f> {
    text: BufReader<Box<dyn Read + 'f>>,
    /// The remaining size limit.
    left: u64,
    line: Vec<u8>,
}

impl<'f> Lines<'f> {
    fn new(file: impl Read + 'f) -> io::Result<Lines<'f>> {
        let mut file = BufReader::new(file);
        let is_compressed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
        let text: Box<dyn Read + 'f> = match is_compressed {
            true => Box::new(MultiGzDecoder::new(file)),
            false => Box::new(file),
        };
        Ok(Lines { text: BufReader::new(text), left: MOST_BYTES, line: Vec::new() })
    }

    /// The next line without its end, cut at `most` bytes, and whether it is complete.
    fn next(&mut self, most: usize) -> io::Result<Option<(&[u8], bool)>> {
        self.line.clear();
        let mut length = 0u64;
        loop {
            let read = self.text.fill_buf()?;
            if read.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', read);
            let taken = end.map_or(read.len(), |end| end + 1);
            self.left = self.left.checked_sub(taken as u64).ok_or_else(too_large)?;
            let text = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
            let room = most.saturating_sub(self.line.len());
            self.line.extend_from_slice(text.get(..room.min(text.len())).unwrap_or_default());
            length += text.len() as u64;
            self.text.consume(taken);
            if end.is_some() {
                return Ok(Some((&self.line, length <= most as u64)));
            }
        }
        Ok((length > 0).then_some((&*self.line, length <= most as u64)))
    }
}

fn too_large() -> io::Error {
    let message = format!("the uncompressed size exceeds {MOST_BYTES} bytes");
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not a plan of this version, or is truncated.
    pub fn read(file: impl Read) -> Result<Plan, PlanError> {
        let mut reader = PlanReader::default();
        let mut lines = Lines::new(file)?;
        while let Some((line, is_whole)) = lines.next(PLAN_LINE)? {
            let at = reader.lines + 1;
            let failed = |what: String| PlanError::Line { line: at, what };
            if !is_whole {
                return Err(failed(format!("a line of more than {PLAN_LINE} bytes")));
            }
            let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
            reader.line(line.map_err(|_| failed("not UTF-8".to_owned()))?).map_err(failed)?;
            reader.lines = at;
        }
        if !reader.is_ended {
            let what = "the plan ends here, without a line `# end`".to_owned();
            return Err(PlanError::Line { line: reader.lines + 1, what });
        }
        Ok(reader.plan)
    }

    /// The number of requests, including `hello`.
    pub fn requests(&self) -> usize {
        let scripts = self.suites.iter().flat_map(|(_, scripts)| scripts);
        1 + scripts.map(|(_, plan)| plan.requests.len()).sum::<usize>()
    }
}

#[derive(Default)]
struct PlanReader {
    plan: Plan,
    lines: usize,
    requests: usize,
    is_ended: bool,
}

impl PlanReader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if self.lines == 0 {
            let header = line.strip_prefix(MAGIC);
            let header = header.ok_or_else(|| format!("not a plan: expected `{}..`", MAGIC))?;
            self.plan.header = parsed(header)?;
            return Ok(());
        }
        let Some(note) = line.strip_prefix("# ") else {
            if !line.is_empty() {
                self.request(line)?;
            }
            return Ok(());
        };
        match note.split_once(' ').unwrap_or((note, "")) {
            ("suite", suite) => self.plan.suites.push((parsed(suite)?, Vec::new())),
            ("script", script) => {
                let (header, plan) = (parsed::<ScriptHeader>(script)?, ScriptPlan::default());
                let (_, scripts) = self.plan.suites.last_mut().ok_or("a script without a suite")?;
                let name = header.label.clone();
                scripts.push((header, ScriptPlan { name, ..plan }));
            }
            ("directive", directive) => {
                let planned = parsed::<Planned>(directive)?;
                self.script()?.directives.push(planned);
            }
            ("end", count) => {
                if count.parse() != Ok(self.requests) {
                    return Err(format!("expected {count} requests, found {}", self.requests));
                }
                self.is_ended = true;
            }
            // A remark.
            _ => {}
        }
        Ok(())
    }

    fn request(&mut self, line: &str) -> Result<(), String> {
        self.requests += 1;
        if self.requests == 1 {
            let expected = format!("hello {PROTOCOL}");
            return if line == expected { Ok(()) } else { Err(format!("expected `{expected}`")) };
        }
        self.script()?.requests.push(line);
        Ok(())
    }

    fn script(&mut self) -> Result<&mut ScriptPlan, &'static str> {
        let script = self.plan.suites.last_mut().and_then(|(_, scripts)| scripts.last_mut());
        script.map(|(_, plan)| plan).ok_or("a request or a directive without a script")
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Reads recorded answers, up to this number, as replies; also returns their total number.
///
/// # Errors
///
/// The file cannot be read, or is too large.
pub fn replies(file: impl Read, most: usize) -> io::Result<(Vec<Reply>, usize)> {
    let (mut replies, mut count) = (Vec::new(), 0);
    let mut lines = Lines::new(file)?;
    while let Some((line, is_whole)) = lines.next(ANSWER_LINE)? {
        count += 1;
        if count > most {
            continue;
        }
        let line = String::from_utf8_lossy(line);
        replies.push(match is_whole {
            true => reply(line.strip_suffix('\r').unwrap_or(&line)),
            false => Reply::Broken("an answer of more than 64 KiB".to_owned()),
        });
    }
    Ok((replies, count))
}

/// Parses a line as the reply to a request.
pub fn reply(line: &str) -> Reply {
    line.parse::<Answer>().map_or_else(|error| Reply::Broken(error.to_string()), Reply::Answered)
}

impl ScriptPlan {
    /// Replies that replace answers that do not match the requests, because none of them can be
    /// trusted.
    pub fn out_of_step(&self, why: String) -> Vec<Reply> {
        let mut replies = vec![Reply::NotRun(why.clone()); self.requests.len()];
        if let Some(first) = replies.first_mut() {
            *first = Reply::Broken(why);
        }
        replies
    }

    /// Checks that the answers are in step with the requests: the last one, to `E`, repeats the
    /// name of the script.
    ///
    /// # Errors
    ///
    /// The last answer is a different one.
    pub fn in_step(&self, replies: &[Reply]) -> Result<(), String> {
        let expected = format!("ok {}", encoded(&self.name));
        let why = |came: &str| {
            format!(
                "the adapter's answers do not match the requests: expected `{expected}` as the last one of the script, got {came}"
            )
        };
        match self.requests.len().checked_sub(1).and_then(|last| replies.get(last)) {
            Some(Reply::Answered(answer)) if answer.to_string() == expected => Ok(()),
            Some(Reply::Answered(answer)) => Err(why(&format!("`{answer}`"))),
            Some(Reply::Broken(broken)) => Err(why(broken)),
            _ => Ok(()),
        }
    }
}
