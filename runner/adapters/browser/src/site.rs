//! The site for the browser: the page, and the two pipes.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::http::{self, Request, Response};
use crate::pipes::{self, Requests, locked};

/// The interval for checking whether the browser has exited.
const INTERVAL: Duration = Duration::from_millis(100);

const PAGE: &[u8] = include_bytes!("../page/index.html");
const WORKER: &[u8] = include_bytes!("../page/worker.js");
/// The adapter for JavaScript hosts, which answers the requests.
const ADAPTER: &[u8] = include_bytes!("../../js/wap.js");

/// A site on the loopback interface.
pub(crate) struct Site {
    listener: TcpListener,
    address: SocketAddr,
    /// The secret prefix of every path, which other programs on this machine do not know.
    secret: String,
}

/// State shared by the threads of all connections.
struct Shared {
    host: String,
    secret: String,
    requests: Mutex<Requests<io::Stdin>>,
    /// The result of the run.
    end: Sender<Result<(), String>>,
}

impl Site {
    pub(crate) fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        // The hasher is a source of randomness: each `RandomState` has new random keys.
        let secret = (0..2).map(|_| format!("{:016x}", RandomState::new().hash_one(()))).collect();
        Ok(Self { listener, address, secret })
    }

    /// The address of the page.
    pub(crate) fn address(&self) -> String {
        format!("http://{}/{}/", self.address, self.secret)
    }

    /// Serves until all requests of the input are answered.
    ///
    /// # Errors
    /// If the page reports an error, or if the browser exits early.
    pub(crate) fn serve(self, mut browser_ended: impl FnMut() -> bool) -> io::Result<()> {
        let (end, ended) = channel();
        let requests = Mutex::new(Requests::new(io::stdin()));
        let shared = Shared { host: self.address.to_string(), secret: self.secret, requests, end };
        let shared = Arc::new(shared);
        thread::spawn(move || {
            for connection in self.listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // The browser opens a new connection after an error.
                    let _ = shared.converse(&connection);
                });
            }
        });
        loop {
            match ended.recv_timeout(INTERVAL) {
                Ok(end) => return end.map_err(io::Error::other),
                Err(RecvTimeoutError::Timeout) if !browser_ended() => {}
                Err(_) => return Err(io::Error::other("the browser ended before the input did")),
            }
        }
    }
}

impl Shared {
    /// Handles the requests of a connection.
    fn converse(&self, connection: &TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let (mut input, mut output) = (BufReader::new(connection), connection);
        while let Some(request) = http::read(&mut input)? {
            self.respond(&request, &mut output)?;
        }
        Ok(())
    }

    fn respond(&self, request: &Request, output: &mut &TcpStream) -> io::Result<()> {
        let path = request.path.strip_prefix('/').and_then(|path| path.strip_prefix(&*self.secret));
        let Some(path) = path.filter(|_| request.host == self.host) else {
            return http::write(output, &http::empty("404 Not Found"));
        };
        let script = |body| Response { status: "200 OK", kind: "text/javascript", body };
        match (request.method.as_str(), path) {
            ("GET", "/") => {
                http::write(output, &Response { status: "200 OK", kind: "text/html", body: PAGE })
            }
            ("GET", "/worker.js") => http::write(output, &script(WORKER)),
            ("GET", "/wap.js") => http::write(output, &script(ADAPTER)),
            ("GET", "/requests") => self.requests(output),
            ("POST", "/answers") => {
                pipes::answer(&request.body)?;
                http::write(output, &http::empty("200 OK"))
            }
            ("POST", "/error") => {
                let _ = self.end.send(Err(String::from_utf8_lossy(&request.body).into_owned()));
                http::write(output, &http::empty("200 OK"))
            }
            _ => http::write(output, &http::empty("404 Not Found")),
        }
    }

    /// Sends the next requests. The page asks for them after it has answered all previous ones.
    fn requests(&self, output: &mut &TcpStream) -> io::Result<()> {
        let lines = locked(&self.requests).next()?;
        if lines.is_empty() {
            http::write(output, &http::empty("410 Gone"))?;
            let _ = self.end.send(Ok(()));
            return Ok(());
        }
        http::write(output, &Response { status: "200 OK", kind: "text/plain", body: &lines })
    }
}
