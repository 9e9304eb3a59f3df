//! Exchanges data with a running guest.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, ErrorKind, PipeWriter, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use wassay_reports::Failure;
use wassay_terms::Deadline;
use wassay_testsuite::wasi::spec::{Operation, Stream};

use super::judge::{Judged, compare, failed};
use super::process::{Ended, Output, Process};

/// A running guest and its connections.
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) deadline: Deadline,
    pub(super) stdin: Option<PipeWriter>,
    pub(super) listeners: Vec<TcpListener>,
    /// The addresses of listeners, by name.
    pub(super) addresses: HashMap<String, SocketAddr>,
    pub(super) connections: HashMap<String, TcpStream>,
    /// The number of bytes read from each output.
    pub(super) read: HashMap<Stream, usize>,
}

impl Running {
    /// Closes the guest's input and waits for its end. After a timeout everything that it may wait
    /// for is closed; a guest that still does not end is abandoned.
    pub(super) fn wait(&mut self) -> Ended {
        self.stdin = None;
        let ended = self.process.ending.wait();
        if ended == Ended::TimeOver {
            self.cut_off();
        }
        ended
    }

    /// Closes everything that the guest may wait for.
    pub(super) fn cut_off(&mut self) {
        self.stdin = None;
        for connection in self.connections.values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        for listener in &self.listeners {
            // Makes a pending accept fail.
            let _ = rustix::net::shutdown(listener, rustix::net::Shutdown::Both);
        }
        self.process.ending.cut();
    }

    /// Performs an operation that exchanges data with the guest.
    pub(super) fn exchange(&mut self, operation: &Operation) -> Judged {
        match operation {
            Operation::Read { stream, payload } => self.read(*stream, payload),
            Operation::Write { payload } => self.write(payload),
            Operation::Connect { id } => self.connect(id),
            Operation::Send { id, payload } => self.send(id, payload),
            Operation::Recv { id, payload } => self.receive(id, payload),
            Operation::Run(_) | Operation::Wait { .. } | Operation::Output { .. } => Ok(()),
        }
    }

    fn read(&mut self, stream: Stream, expected: &str) -> Judged {
        let capture = match stream {
            Stream::Stdout => &self.process.stdout,
            Stream::Stderr => &self.process.stderr,
        };
        let begin = self.read.get(&stream).copied().unwrap_or(0);
        let end = begin + expected.len();
        capture.wait(self.deadline, &|bytes| bytes.len() >= end);
        let came = part(&**capture, begin..end);
        self.read.insert(stream, begin + came.len());
        compare(stream.name(), expected.as_bytes(), &came)
    }

    fn write(&mut self, payload: &str) -> Judged {
        let Some(stdin) = &mut self.stdin else {
            return Err(broken("the guest has no standard input".into()));
        };
        write_all(stdin, payload.as_bytes(), self.deadline)
            .map_err(|error| broken(format!("cannot write to the guest's standard input: {error}")))
    }

    fn connect(&mut self, id: &str) -> Judged {
        let address = match self.addresses.get(id) {
            Some(address) => *address,
            None => self.written_address()?,
        };
        let connection = TcpStream::connect_timeout(&address, left(self.deadline))
            .map_err(|error| broken(format!("cannot connect to the guest at {address}: {error}")))?;
        self.connections.insert(id.to_owned(), connection);
        Ok(())
    }

    /// Reads the address that the guest writes as the next line of its standard output.
    fn written_address(&mut self) -> Result<SocketAddr, Box<Failure>> {
        let begin = self.read.get(&Stream::Stdout).copied().unwrap_or(0);
        // Limit the length: a guest may write a lot without a line break.
        let has_line = |bytes: &[u8]| bytes.len() >= begin + ADDRESS || rest(bytes, begin).contains(&b'\n');
        self.process.stdout.wait(self.deadline, &has_line);
        let bytes = part(&*self.process.stdout, begin..begin + ADDRESS);
        let Some(length) = bytes.iter().position(|byte| *byte == b'\n') else {
            return Err(broken("it did not write a line with its address to standard output".into()));
        };
        self.read.insert(Stream::Stdout, begin + length + 1);
        let line = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned();
        let bad = |_| broken(format!("invalid address `{line}`: expected one such as `127.0.0.1:8080`"));
        let address: SocketAddr = line.trim().parse().map_err(bad)?;
        // Don't let the guest make this process connect to other machines.
        if !address.ip().is_loopback() {
            return Err(broken(format!(
                "invalid address {address}: expected a loopback address, such as 127.0.0.1"
            )));
        }
        Ok(address)
    }

    fn send(&mut self, id: &str, payload: &str) -> Judged {
        let deadline = self.deadline;
        let connection = self.connection(id)?;
        let sent = connection.set_write_timeout(Some(left(deadline)));
        sent.and_then(|()| connection.write_all(payload.as_bytes()))
            .map_err(|error| broken(format!("cannot send to `{id}`: {error}")))
    }

    fn receive(&mut self, id: &str, expected: &str) -> Judged {
        let deadline = self.deadline;
        let connection = self.connection(id)?;
        let mut bytes = vec![0; expected.len()];
        let mut count = 0;
        while let Some(rest) = bytes.get_mut(count..).filter(|rest| !rest.is_empty()) {
            let received = connection.set_read_timeout(Some(left(deadline)));
            match received.and_then(|()| connection.read(rest)) {
                Ok(0) => break,
                Ok(more) => count += more,
                Err(error) => return Err(broken(format!("cannot receive from `{id}`: {error}"))),
            }
        }
        bytes.truncate(count);
        compare(id, expected.as_bytes(), &bytes)
    }

    fn connection(&mut self, id: &str) -> Result<&mut TcpStream, Box<Failure>> {
        self.connections.get_mut(id).ok_or_else(|| broken(format!("there is no connection named `{id}`")))
    }
}

/// The maximum length of a line with an address, in bytes.
const ADDRESS: usize = 1 << 10;

/// The written part of a range of the output.
fn part(output: &dyn Output, range: Range<usize>) -> Vec<u8> {
    let part = RefCell::new(Vec::new());
    // The deadline is now, so this copies without waiting.
    output.wait(Instant::now().into(), &|bytes| {
        let end = range.end.min(bytes.len());
        *part.borrow_mut() = bytes.get(range.start..end).unwrap_or_default().to_vec();
        true
    });
    part.into_inner()
}

/// The bytes from an offset.
fn rest(bytes: &[u8], begin: usize) -> &[u8] {
    bytes.get(begin..).unwrap_or_default()
}

/// Writes to a nonblocking pipe until everything is written or the deadline.
fn write_all(pipe: &mut PipeWriter, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
    while !bytes.is_empty() {
        match pipe.write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let limit = Timespec::try_from(left(deadline)).map_err(io::Error::other)?;
                if rustix::event::poll(&mut [PollFd::new(pipe, PollFlags::OUT)], Some(&limit))? == 0 {
                    return Err(io::Error::new(ErrorKind::TimedOut, "the guest stopped reading"));
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The remaining time, at least a minimum, since zero would mean no timeout.
fn left(deadline: Deadline) -> Duration {
    deadline.left().max(Duration::from_millis(1))
}

fn broken(message: String) -> Box<Failure> {
    Box::new(failed("no-exchange", message))
}
