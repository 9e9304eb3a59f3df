//! Plans as files: text that an adapter can be given as it is, with what the judge has to know in lines that adapters pass over.
//!
//! The first line is `# wassay-plan/1` and the [`Header`] in JSON. Then there is the request `hello`, for each suite a line `# suite`, for
//! each of its scripts a line `# script`, its requests, and before those of a directive, or in their place, a line `# directive` with
//! what is [`Planned`]. The last line, `# end`, has how many requests there are.
//!
//! A file whose name ends in `.gz` is compressed, and a compressed one is read whatever its name is.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::read::MultiGzDecoder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Planned, Reply, ScriptPlan};
use crate::messages::MatchKind;
use crate::wap::{Answer, PROTOCOL, encoded};

/// What the first line of a plan begins with.
pub const MAGIC: &str = "# wassay-plan/1 ";

/// The most bytes that a plan or a file of answers may have when it is not compressed: 2 GiB.
const MOST_BYTES: u64 = 2 << 30;

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
    /// Which features its directives depend on; directives of which that cannot be told are in none of these.
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
    serde_json::to_string(value).map_err(io::Error::other)
}

/// The text of a file, decompressed where it is compressed (RFC 1952, section 2.3.1).
fn text<'f>(file: impl Read + 'f) -> io::Result<impl BufRead + 'f> {
    let mut file = BufReader::new(file);
    let is_compressed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let file: Box<dyn Read + 'f> = match is_compressed {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(file),
    };
    Ok(BufReader::new(file.take(MOST_BYTES)))
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no plan of this version, or not all of one.
    pub fn read(file: impl Read) -> Result<Plan, PlanError> {
        let mut reader = PlanReader::default();
        for (index, line) in text(file)?.lines().enumerate() {
            reader.line(&line?).map_err(|what| PlanError::Line { line: index + 1, what })?;
            reader.lines = index + 1;
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

/// The answers that were recorded, a reply for each.
///
/// # Errors
///
/// The file cannot be read.
pub fn replies(file: impl Read) -> io::Result<Vec<Reply>> {
    let mut replies = Vec::new();
    for line in text(file)?.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        replies.push(reply(line.strip_suffix('\r').unwrap_or(&line)));
    }
    Ok(replies)
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

    /// Whether the answers are as many as the requests, as far as the last one says: that to `E` repeats the name of the script.
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
