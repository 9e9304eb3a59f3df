//! The subset of HTTP/1.1 that the page needs.

use std::io::{self, BufRead, Read, Write};

/// The maximum size of a request's head, in bytes.
const LONGEST_HEAD: u64 = 16 << 10;
/// The maximum size of a request's body, in bytes.
const LONGEST_BODY: u64 = 16 << 20;

/// A request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The value of the header `Host`.
    pub(crate) host: String,
    pub(crate) body: Vec<u8>,
}

/// A response: status, media type and body.
pub(crate) struct Response<'a> {
    pub(crate) status: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) body: &'a [u8],
}

/// A response without a body.
pub(crate) const fn empty(status: &'static str) -> Response<'static> {
    Response { status, kind: "text/plain", body: b"" }
}

/// Reads the next request of a connection, or `None` at its end.
pub(crate) fn read(connection: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut head = connection.by_ref().take(LONGEST_HEAD);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Err(bad("request line")) };
    let (mut host, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err(bad("head"));
        }
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            return Err(bad("header"));
        };
        match name.to_ascii_lowercase().as_str() {
            "host" => value.trim().clone_into(&mut host),
            "content-length" => length = value.trim().parse().map_err(|_| bad("length"))?,
            _ => {}
        }
    }
    if length > LONGEST_BODY {
        return Err(bad("length"));
    }
    let mut body = Vec::new();
    connection.by_ref().take(length).read_to_end(&mut body)?;
    if body.len() as u64 == length {
        Ok(Some(Request { method, path, host, body }))
    } else {
        Err(bad("body"))
    }
}

/// Writes a response. Browsers require the two cross-origin headers for shared memories.
pub(crate) fn write(connection: &mut impl Write, response: &Response<'_>) -> io::Result<()> {
    let Response { status, kind, body } = response;
    let mut message = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n\r\n",
        body.len()
    )
    .into_bytes();
    message.extend_from_slice(body);
    connection.write_all(&message)?;
    connection.flush()
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a request with a bad {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_connection_are_read_one_after_the_other() {
        let text = "POST /a HTTP/1.1\r\nHost: x:1\r\ncontent-LENGTH: 3\r\n\r\nv 0GET /b HTTP/1.1\r\n\r\n";
        let mut connection = text.as_bytes();
        let first = read(&mut connection).unwrap().unwrap();
        assert_eq!((first.method.as_str(), first.path.as_str(), first.host.as_str()), ("POST", "/a", "x:1"));
        assert_eq!(first.body, b"v 0");
        assert_eq!(read(&mut connection).unwrap().unwrap().path, "/b");
        assert!(read(&mut connection).unwrap().is_none());
    }

    #[test]
    fn what_is_not_a_request_is_an_error() {
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(1 << 20));
        let requests = ["GET", "GET / HTTP/1.1", "GET / HTTP/1.1\r\nA\r\n\r\n", &long];
        let lengths = ["x", "-1", "5", "99999999999999999999", "999999999"];
        let with_length =
            lengths.map(|length| format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nv 0"));
        for text in requests.into_iter().chain(with_length.iter().map(String::as_str)) {
            assert!(read(&mut text.as_bytes()).is_err(), "{}", &text[..text.len().min(60)]);
        }
    }
}
