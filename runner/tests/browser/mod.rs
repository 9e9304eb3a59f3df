//! A headless Chromium, driven over its DevTools protocol on the loopback interface.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use libtest_mimic::Arguments;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::common::clean;
use crate::common::trials::{NotRun, find, ignored, trial};

/// The time limit for any operation of the browser.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address of a file.
pub(crate) fn url(file: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(byte);
    let escaped = file.bytes().map(|byte| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    format!("file://{}", escaped.collect::<String>())
}

/// The smallest contrast ratio of all visible texts with their background (WCAG 2.2, "contrast
/// ratio").
pub(crate) const CONTRAST: &str = "(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const texts = [...document.body.querySelectorAll('*')].filter(e => e.checkVisibility() &&
    [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
  return Math.min(...texts.map(e => {
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
})()";

/// A test with a browser.
pub(crate) type Test = fn(&mut Browser);

/// Runs tests one after the other in one browser. Without a browser each is reported as not run.
pub(crate) fn run<const N: usize>(tests: [(&'static str, Test); N]) -> ExitCode {
    let args = Arguments::from_args();
    let program = find(&["chromium", "chromium-browser", "google-chrome"]);
    let browser: Arc<Mutex<OnceLock<Result<Browser, NotRun>>>> = Arc::default();
    let trials = tests.map(|(name, test)| {
        let program = match program.clone() {
            Ok(program) => program,
            Err(why) => return ignored(name, why),
        };
        let browser = Arc::clone(&browser);
        trial(name, move || {
            let mut browser = browser.lock().unwrap_or_else(PoisonError::into_inner);
            browser.get_or_init(|| Browser::start(&program));
            match browser.get_mut() {
                Some(Ok(browser)) => {
                    test(browser);
                    Ok(())
                }
                Some(Err(why)) => Err(why.clone()),
                None => Err(NotRun("no browser was started".to_owned())),
            }
        })
    });
    let conclusion = libtest_mimic::run(&args, trials.into());
    drop(browser);
    conclusion.exit_code()
}

/// A browser with one page. Its processes and files are removed on drop.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    /// Errors on the console, exceptions, and what the page's policy forbade.
    pub(crate) errors: Vec<String>,
    loaded: u32,
    last: u64,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// # Errors
    ///
    /// The program ends without reporting its DevTools address, so it is not a working browser.
    pub(crate) fn start(program: &Path) -> Result<Browser, NotRun> {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]);
        command.args(["--no-first-run", "--disable-dev-shm-usage", "--remote-debugging-port=0"]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        // The browser stores its data in the profile.
        clean(command.env("HOME", profile.path()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let not_run = |why: &str| NotRun(format!("{} does not start: {why}", program.display()));
        let mut child = command.spawn().map_err(|error| not_run(&error.to_string()))?;
        let (send, printed) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // It is read to the end: the browser waits where its complaints are not.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(send.send(line))));
        let (begun, mut last) = (Instant::now(), "it printed nothing".to_owned());
        let address = loop {
            match printed.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
                Ok(line) => match line.strip_prefix("DevTools listening on ") {
                    Some(address) => break address.to_owned(),
                    None => last = line,
                },
                Err(_) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(not_run(&last));
                }
            }
        };
        let host = address.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).unwrap();
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(address.as_str(), stream).unwrap();
        let (session, errors) = (String::new(), Vec::new());
        let mut browser = Browser { child, socket, session, errors, loaded: 0, last: 0, _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.session =
            browser.call("Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Ok(browser)
    }

    /// Calls a method of the protocol and returns its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        loop {
            let message = self.receive();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    fn receive(&mut self) -> Value {
        let message = self.socket.read().expect("the browser answers in time");
        let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Page.loadEventFired") => self.loaded += 1,
            Some("Runtime.exceptionThrown") => self.errors.push(params["exceptionDetails"].to_string()),
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.errors.push(params["entry"].to_string());
            }
            Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                self.errors.push(params.to_string())
            }
            _ => {}
        }
        message
    }

    /// Opens a page and waits until it is loaded.
    pub(crate) fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.loaded = 0;
        self.errors.clear();
        self.call("Page.navigate", json!({ "url": url }));
        self.until("the page is loaded", |browser| {
            browser.evaluate("location.protocol === 'file:' && document.readyState === 'complete'") == true
        });
    }

    /// Evaluates a JavaScript expression.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Waits until a condition holds.
    pub(crate) fn until(&mut self, what: &str, mut so: impl FnMut(&mut Browser) -> bool) {
        let begun = Instant::now();
        while !so(self) {
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses and releases a key: its name in the protocol and what it writes.
    pub(crate) fn press(&mut self, key: &str, text: &str) {
        let code = if key == "Enter" { 13 } else { 0 };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends its own processes, else those of the child at least go.
        self.session.clear();
        let close = json!({ "id": 0, "method": "Browser.close" });
        if self.socket.send(Message::text(close.to_string())).is_err() {
            let _ = self.child.kill();
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
