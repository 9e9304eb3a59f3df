//! Requests: one line each.

use std::fmt::Write as _;

use data_encoding::BASE64;

/// The name and version of the protocol.
pub const PROTOCOL: &str = "wap/1";

/// The requests of a script, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    text: String,
    /// The end of each line, including its line feed.
    ends: Vec<usize>,
}

impl Requests {
    /// The text of all requests.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of requests.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The line of a request, with its line feed; empty if there is no such request.
    pub fn line(&self, number: usize) -> &str {
        let begin = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(number).and_then(|end| self.text.get(begin..*end)).unwrap_or_default()
    }

    /// Appends a line, with or without a line feed.
    pub fn push(&mut self, line: &str) -> usize {
        self.text.push_str(line.strip_suffix('\n').unwrap_or(line));
        self.end_line()
    }

    /// Requests the identity of the adapter.
    pub fn hello(&mut self) -> usize {
        self.push(&format!("hello {PROTOCOL}"))
    }

    /// Begins a script with this name; the adapter drops all earlier state.
    pub fn begin(&mut self, name: &str, features: &str) -> usize {
        self.push(&format!("B {} features={}", encoded(name), encoded(features)))
    }

    /// Compiles a module under a handle.
    pub fn compile(&mut self, handle: u32, module: &[u8]) -> usize {
        self.write(format_args!("C {handle} "), Some(module))
    }

    /// Instantiates a module against the registered names.
    pub fn instantiate(&mut self, handle: u32, module: u32) -> usize {
        self.write(format_args!("I {handle} {module}"), None)
    }

    /// Registers an instance under a name.
    pub fn register(&mut self, instance: u32, name: &str) -> usize {
        self.write(format_args!("N {instance} {}", encoded(name)), None)
    }

    /// Adds the exports of an instance to a registered name.
    pub fn extend(&mut self, instance: u32, name: &str) -> usize {
        self.write(format_args!("X {instance} {}", encoded(name)), None)
    }

    /// Removes a registered name.
    pub fn unregister(&mut self, name: &str) -> usize {
        self.write(format_args!("U {}", encoded(name)), None)
    }

    /// Compiles a wrapper and instantiates it against an instance.
    pub fn wrap(&mut self, handle: u32, instance: u32, wrapper: &[u8]) -> usize {
        self.write(format_args!("L {handle} {instance} "), Some(wrapper))
    }

    /// Calls an export of a wrapper.
    pub fn call(&mut self, wrapper: u32, export: &str) -> usize {
        self.write(format_args!("V {wrapper} {}", encoded(export)), None)
    }

    /// Ends a script.
    pub fn end(&mut self, name: &str) -> usize {
        self.push(&format!("E {}", encoded(name)))
    }

    fn write(&mut self, words: std::fmt::Arguments<'_>, bytes: Option<&[u8]>) -> usize {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(words);
        if let Some(bytes) = bytes {
            BASE64.encode_append(bytes, &mut self.text);
        }
        self.end_line()
    }

    /// Ends the line and returns the index of its request.
    fn end_line(&mut self) -> usize {
        self.text.push('\n');
        self.ends.push(self.text.len());
        self.ends.len() - 1
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Begins a script.
    Begin {
        /// The features, as written.
        features: String,
    },
    /// Compiles a module.
    Compile {
        /// Its new handle.
        handle: u32,
        /// Its bytes.
        module: Vec<u8>,
    },
    /// Instantiates a module.
    Instantiate {
        /// The handle of the instance.
        handle: u32,
        /// The handle of the module.
        module: u32,
    },
    /// Registers an instance.
    Register {
        /// Its handle.
        instance: u32,
        /// The name.
        name: String,
    },
    /// Adds the exports of an instance to a name.
    Extend {
        /// Its handle.
        instance: u32,
        /// The name.
        name: String,
    },
    /// Removes a name.
    Unregister {
        /// The name.
        name: String,
    },
    /// Compiles and instantiates a wrapper.
    Wrap {
        /// Its handle.
        handle: u32,
        /// The handle of the instance under test.
        instance: u32,
        /// Its bytes.
        wrapper: Vec<u8>,
    },
    /// Calls an export of a wrapper.
    Call {
        /// The handle of the wrapper.
        wrapper: u32,
        /// The name of the export.
        export: String,
    },
    /// Ends a script.
    End,
}

impl Request {
    /// Parses a line; `None` if it is not a request of a script.
    pub fn read(line: &str) -> Option<Request> {
        let words: Vec<&str> = line.trim_end().split(' ').collect();
        let number = |word: &str| word.parse::<u32>().ok();
        let bytes = |word: &str| BASE64.decode(word.as_bytes()).ok();
        Some(match *words {
            ["B", _, ref more @ ..] => {
                let features = more.iter().find_map(|word| word.strip_prefix("features="));
                Request::Begin { features: decoded(features.unwrap_or_default())? }
            }
            ["C", handle] => Request::Compile { handle: number(handle)?, module: Vec::new() },
            ["C", handle, module] => Request::Compile { handle: number(handle)?, module: bytes(module)? },
            ["I", handle, module] => {
                Request::Instantiate { handle: number(handle)?, module: number(module)? }
            }
            ["N", instance] => Request::Register { instance: number(instance)?, name: String::new() },
            ["N", instance, name] => Request::Register { instance: number(instance)?, name: decoded(name)? },
            ["X", instance, name] => Request::Extend { instance: number(instance)?, name: decoded(name)? },
            ["U"] => Request::Unregister { name: String::new() },
            ["U", name] => Request::Unregister { name: decoded(name)? },
            ["L", handle, instance, wrapper] => Request::Wrap {
                handle: number(handle)?,
                instance: number(instance)?,
                wrapper: bytes(wrapper)?,
            },
            ["V", wrapper, export] => Request::Call { wrapper: number(wrapper)?, export: decoded(export)? },
            ["E", _] | ["E"] => Request::End,
            _ => return None,
        })
    }
}

/// Percent-encodes a text as one word: all bytes except letters, digits and a few signs, as in
/// URLs.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b',' | b'/' | b':' | b'+' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// Decodes a word; `None` if it is invalid.
pub fn decoded(word: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(word.len()), word.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_lines_of_words() {
        let mut requests = Requests::default();
        requests.hello();
        requests.begin("a b.wast", "3.0,threads");
        assert_eq!(requests.compile(0, b"\0asm"), 2);
        requests.instantiate(1, 0);
        requests.register(1, "Mü\n%");
        requests.extend(1, "m");
        requests.wrap(2, 1, b"");
        requests.call(2, "0");
        requests.unregister("");
        requests.end("a b.wast");
        let lines = [
            "hello wap/1\n",
            "B a%20b.wast features=3.0,threads\n",
            "C 0 AGFzbQ==\n",
            "I 1 0\n",
            "N 1 M%C3%BC%0A%25\n",
            "X 1 m\n",
            "L 2 1 \n",
            "V 2 0\n",
            "U \n",
            "E a%20b.wast\n",
        ];
        assert_eq!(requests.text(), lines.concat());
        assert_eq!(requests.len(), lines.len());
        assert!((0..10).all(|number| requests.line(number) == lines[number]));
        assert_eq!(requests.line(10), "");
    }

    #[test]
    fn requests_are_read_as_they_were_written() {
        let mut requests = Requests::default();
        requests.begin("a b.wast", "3.0,threads");
        requests.compile(0, b"\0asm");
        requests.compile(1, b"");
        requests.instantiate(2, 0);
        requests.register(2, "a b");
        requests.register(2, "");
        requests.wrap(3, 2, b"x");
        requests.call(3, "0");
        requests.unregister("");
        requests.end("a b.wast");
        let read: Vec<Request> = requests.text().lines().map(|line| Request::read(line).unwrap()).collect();
        let expected = [
            Request::Begin { features: "3.0,threads".to_owned() },
            Request::Compile { handle: 0, module: b"\0asm".to_vec() },
            Request::Compile { handle: 1, module: Vec::new() },
            Request::Instantiate { handle: 2, module: 0 },
            Request::Register { instance: 2, name: "a b".to_owned() },
            Request::Register { instance: 2, name: String::new() },
            Request::Wrap { handle: 3, instance: 2, wrapper: b"x".to_vec() },
            Request::Call { wrapper: 3, export: "0".to_owned() },
            Request::Unregister { name: String::new() },
            Request::End,
        ];
        assert_eq!(read, expected);
        for line in ["", "hello wap/1", "C x AA==", "I 0", "V 0", "N 0 %", "C 0 ?"] {
            assert_eq!(Request::read(line), None, "{line}");
        }
    }

    #[test]
    fn encoded_words_are_decoded_and_others_refused() {
        for text in ["", "a b", "Mü\n%", "\0\u{10ffff}"] {
            assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
        }
        for word in ["%", "%4", "%GG", "%ff"] {
            assert_eq!(decoded(word), None);
        }
    }
}
