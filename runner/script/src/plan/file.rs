//! Plans as files: text that an adapter can be given as it is, with what the judge has to know in
//! lines that adapters pass over.
//!
//! The first line is `# wassay-plan/1` and the [`Header`] in JSON. Then there is the request
//! `hello`, for each suite a line `# suite`, for each of its scripts a line `# script`, its
//! requests, and before those of a directive, or in their place, a line `# directive` with what is
//! [`Planned`]. The last line, `# end`, has how many requests there are.
//!
//! A file whose name ends in `.gz` is compressed, and a compressed one is read whatever its name
//! is.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::model::{Planned, Reply, ScriptPlan};
use crate::messages::MatchKind;
use crate::wap::{Answer, PROTOCOL, encoded};

/// What the first line of a plan begins with.
pub const MAGIC: &str = "# wassay-plan/1 ";

/// The most bytes that a plan or a file of answers may have when it is not compressed. What is read
/// of it is kept, and a compressed file may be a thousand times smaller.
const MOST_BYTES: u64 = 512 << 20;

/// The most bytes that a line of a plan may have: it may hold a module.
const PLAN_LINE: usize = 128 << 20;

/// The most bytes that an answer may have: what the protocol allows, with an end of a line.
const ANSWER_LINE: usize = (64 << 10) + 2;

/// What is said of a plan as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// How the texts of errors are to be compared.
    pub match_kind: MatchKind,
    /// Whether every expectation is altered, so that every directive has to fail.
    pub altered: bool,
}

/// What is said of a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteHeader {
    /// Its name.
    pub name: String,
    /// Where it came from.
    pub source: String,
    /// Where its scripts can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What is said of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptHeader {
    /// Its name in its suite.
    pub name: String,
    /// What messages call it.
    pub label: String,
    /// The features it is judged under.
    pub features: String,
    /// Why it is not in the plan, where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
    /// Which features its directives depend on; directives of which that cannot be told are in none
    /// of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Dependents>,
}

/// Directives that depend on the same features, by their number in the plan of the script, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependents {
    /// The features, each by its name; none for directives that need nothing beyond 1.0.
    pub features: Vec<String>,
    /// The modules that are to compile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<usize>,
    /// The other directives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directives: Vec<usize>,
}

/// A plan that was read.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is said of it as a whole.
    pub header: Header,
    /// Its suites.
    pub suites: Vec<(SuiteHeader, Vec<(ScriptHeader, ScriptPlan)>)>,
}

/// Why a file is no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A line is not what it has to be.
    #[error("line {line}: {what}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// Writes a plan, script by script.
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

    /// Ends the plan, and gives how many requests it has.
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

/// The lines of a file, decompressed where it is compressed (RFC 1952, section 2.3.1).
struct Lines<'f> {
    text: BufReader<Box<dyn Read + 'f>>,
    /// How many bytes may still come.
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

    /// The next line, without its end; of one that has more than `most` bytes so many, and whether
    /// that is all of it.
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
    let message = format!("it has more than {MOST_BYTES} bytes when it is not compressed");
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no plan of this version, or not all of one.
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

    /// How many requests there are, `hello` included.
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
                    return Err(format!("expected {count} requests, and there are {}", self.requests));
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

/// The answers that were recorded, a reply for each, up to this number; and how many there are.
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

/// A line as the reply to a request.
pub fn reply(line: &str) -> Reply {
    line.parse::<Answer>().map_or_else(|error| Reply::Broken(error.to_string()), Reply::Answered)
}

impl ScriptPlan {
    /// Replies in the place of answers that do not fit the requests: none of them can be believed.
    pub fn out_of_step(&self, why: String) -> Vec<Reply> {
        let mut replies = vec![Reply::NotRun(why.clone()); self.requests.len()];
        if let Some(first) = replies.first_mut() {
            *first = Reply::Broken(why);
        }
        replies
    }

    /// Whether the answers are as many as the requests, as far as the last one says: that to `E`
    /// repeats the name of the script.
    ///
    /// # Errors
    ///
    /// What the last answer is, where it is not that.
    pub fn in_step(&self, replies: &[Reply]) -> Result<(), String> {
        let expected = format!("ok {}", encoded(&self.name));
        let why = |came: &str| {
            format!(
                "the adapter's answers do not fit the requests: the last one of the script is to be `{expected}`, and is {came}"
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
