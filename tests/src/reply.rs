//! An answer, parsed strictly: what is not exactly HTTP/1.x fails the test.

use crate::shown;

/// An answer as it came over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// `HTTP/1.1`.
    pub version: String,
    /// The three digits.
    pub status: u16,
    /// What follows them.
    pub reason: String,
    /// Names and values, in their order; bytes that are no ASCII as Latin-1.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks put together; of a cut answer what there is of it.
    pub body: Vec<u8>,
    /// How its end was told.
    pub framing: Framing,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, whatever the head says.
    None,
    /// `Content-Length`.
    Length(usize),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection.
    UntilClose,
}

impl Reply {
    /// The value of a field, which must not be there twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} is there {} times: {self:?}", values.len());
        values.first().copied()
    }

    /// The values of all fields of that name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|field| field.0.eq_ignore_ascii_case(name));
        named.map(|field| field.1.as_str()).collect()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// Whether it says that the connection closes.
    pub fn says_close(&self) -> bool {
        self.all("Connection").iter().any(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Status and body, for a comparison on one line.
    pub fn brief(&self) -> (u16, &str) {
        (self.status, self.text())
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.version, self.status, self.reason)?;
        for (name, value) in &self.headers {
            write!(f, " | {name}: {value}")?;
        }
        write!(f, " | {}", shown(&self.body))
    }
}

/// What stands at the front of received bytes.
pub(crate) enum Parsed {
    /// An answer, and how many bytes it is.
    Whole(Reply, usize),
    /// More is needed.
    Partial,
    /// An answer that will never be whole, since the connection has ended.
    Cut(Reply),
}

/// All answers of a conversation that has ended; `methods` are those of its requests.
///
/// What follows them and is no answer comes last, as it is.
pub fn replies(mut bytes: &[u8], methods: &[&str]) -> (Vec<Reply>, Vec<u8>) {
    let mut replies = Vec::new();
    let mut methods = methods.iter();
    let mut method = methods.next();
    while bytes.starts_with(b"HTTP/") {
        match parse(bytes, method.unwrap_or(&"GET"), true) {
            Parsed::Whole(reply, len) => {
                if reply.status >= 200 {
                    method = methods.next();
                }
                replies.push(reply);
                bytes = &bytes[len..];
            }
            Parsed::Cut(_) | Parsed::Partial => break,
        }
    }
    (replies, bytes.to_vec())
}

/// Reads the answer to a request of that method; `ended` if nothing more will come.
pub(crate) fn parse(bytes: &[u8], method: &str, ended: bool) -> Parsed {
    let Some(head_len) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        if ended && !bytes.is_empty() {
            panic!("the head of an answer was cut: {}", shown(bytes));
        }
        return Parsed::Partial;
    };
    let head: String = bytes[..head_len].iter().copied().map(char::from).collect();
    let mut reply = parse_head(&head);
    let (behind, start) = (&bytes[head_len + 4..], head_len + 4);
    reply.framing = framing(&reply, method);
    let end = match reply.framing {
        Framing::None => Some((Vec::new(), 0)),
        Framing::Length(len) => behind.get(..len).map(|body| (body.to_vec(), len)),
        Framing::Chunked => dechunk(behind, &mut reply.body),
        Framing::UntilClose => ended.then(|| (behind.to_vec(), behind.len())),
    };
    match end {
        Some((body, len)) => {
            reply.body = body;
            Parsed::Whole(reply, start + len)
        }
        None if ended => {
            if reply.framing != Framing::Chunked {
                reply.body = behind.to_vec();
            }
            Parsed::Cut(reply)
        }
        None => Parsed::Partial,
    }
}

fn parse_head(head: &str) -> Reply {
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let mut words = status_line.splitn(3, ' ');
    let (version, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    assert!(["HTTP/1.0", "HTTP/1.1"].contains(&version), "the version of {status_line:?}");
    assert_eq!(status.len(), 3, "the status of {status_line:?}");
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
        assert!(!name.is_empty() && !name.contains([' ', '\t']), "no field: {line:?}");
        assert!(!value.contains(['\r', '\n', '\0']), "no value: {line:?}");
        (name.to_owned(), value.trim_matches([' ', '\t']).to_owned())
    });
    Reply {
        version: version.to_owned(),
        status: status.parse().expect("a status is a number"),
        reason: words.next().expect("a blank follows the status").to_owned(),
        headers: headers.collect(),
        body: Vec::new(),
        framing: Framing::None,
    }
}

/// RFC 9112 §6.3, for a client.
fn framing(reply: &Reply, method: &str) -> Framing {
    let (length, coding) = (reply.header("Content-Length"), reply.header("Transfer-Encoding"));
    assert!(length.is_none() || coding.is_none(), "two framings: {reply:?}");
    if method == "HEAD" || reply.status < 200 || [204, 304].contains(&reply.status) {
        return Framing::None;
    }
    match (coding, length) {
        (Some(coding), _) => {
            assert_eq!(coding, "chunked", "{reply:?}");
            Framing::Chunked
        }
        (None, Some(length)) => Framing::Length(length.parse().expect("a length is a number")),
        (None, None) => Framing::UntilClose,
    }
}

/// The data of a chunked body and its length on the wire; `partial` gets what there is of it.
fn dechunk(bytes: &[u8], partial: &mut Vec<u8>) -> Option<(Vec<u8>, usize)> {
    let mut at = 0;
    loop {
        let line = bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = str::from_utf8(&bytes[at..at + line]).expect("a chunk size is text");
        let is_plain = size.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        assert!(is_plain && !size.is_empty(), "the chunk size {size:?}");
        let size = usize::from_str_radix(size, 16).expect("a chunk size is hexadecimal");
        at += line + 2;
        let rest = &bytes[at..];
        partial.extend_from_slice(&rest[..size.min(rest.len())]);
        let end = rest.get(size..size + 2)?;
        assert_eq!(end, b"\r\n", "the end of a chunk");
        at += size + 2;
        if size == 0 {
            return Some((std::mem::take(partial), at));
        }
    }
}
