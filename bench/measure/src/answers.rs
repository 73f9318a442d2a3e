//! Where answers end. What is in them is looked at once, and not again while it repeats itself.

use memchr::memmem;

/// The answers on one connection.
#[derive(Default)]
pub struct Answers {
    expects: Expects,
    /// The start of a head or of a chunk's size whose end has not come yet.
    pending: Vec<u8>,
    /// The last head and its framing: most heads are the same as the one before.
    last_head: Vec<u8>,
    last_framing: Framing,
    /// Bytes of the body so far.
    body: usize,
}

#[derive(Clone, Copy, Default)]
enum Expects {
    #[default]
    Head,
    Body {
        left: usize,
    },
    ChunkSize,
    /// The rest of a chunk and the line end behind it.
    Chunk {
        left: usize,
    },
    /// The empty line behind the last chunk.
    LastLine,
}

#[derive(Clone, Copy, Default)]
enum Framing {
    #[default]
    Chunked,
    Length(usize),
}

impl Answers {
    /// How many answers end within `received`; an error if one is not a 200 with `body` bytes.
    pub fn count(&mut self, received: &[u8], body: usize) -> Result<usize, String> {
        let joined = (!self.pending.is_empty()).then(|| {
            let mut joined = std::mem::take(&mut self.pending);
            joined.extend_from_slice(received);
            joined
        });
        let mut input = joined.as_deref().unwrap_or(received);
        let mut count = 0;
        loop {
            match self.expects {
                Expects::Head => {
                    if self.last_head.is_empty() || !input.starts_with(&self.last_head) {
                        let Some(end) = memmem::find(input, b"\r\n\r\n") else { break };
                        self.last_framing = framing(&input[..end])?;
                        self.last_head = input[..end + 4].to_vec();
                    }
                    input = &input[self.last_head.len()..];
                    self.body = 0;
                    self.expects = match self.last_framing {
                        Framing::Length(left) => Expects::Body { left },
                        Framing::Chunked => Expects::ChunkSize,
                    };
                }
                Expects::Body { left } => {
                    let length = left.min(input.len());
                    input = &input[length..];
                    self.body += length;
                    self.expects = Expects::Body { left: left - length };
                    if length < left {
                        break;
                    }
                    count += self.end(body)?;
                }
                Expects::ChunkSize => {
                    let Some(end) = memmem::find(input, b"\r\n") else { break };
                    let size = std::str::from_utf8(&input[..end]).unwrap_or_default();
                    let size = usize::from_str_radix(size, 16).map_err(|_| "a bad chunk size")?;
                    input = &input[end + 2..];
                    self.body += size;
                    self.expects = match size {
                        0 => Expects::LastLine,
                        _ => Expects::Chunk { left: size + 2 },
                    };
                }
                Expects::Chunk { left } => {
                    let length = left.min(input.len());
                    input = &input[length..];
                    self.expects = Expects::Chunk { left: left - length };
                    if length < left {
                        break;
                    }
                    self.expects = Expects::ChunkSize;
                }
                Expects::LastLine => {
                    let Some(rest) = input.strip_prefix(b"\r\n") else { break };
                    input = rest;
                    count += self.end(body)?;
                }
            }
        }
        self.pending.extend_from_slice(input);
        Ok(count)
    }

    /// Takes note that an answer is complete.
    fn end(&mut self, body: usize) -> Result<usize, String> {
        self.expects = Expects::Head;
        if self.body == body {
            Ok(1)
        } else {
            Err(format!("an answer of {} bytes instead of {body}", self.body))
        }
    }
}

fn framing(head: &[u8]) -> Result<Framing, String> {
    let head = std::str::from_utf8(head).map_err(|_| "a head that is not text")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        return Err(format!("answered {status:?}"));
    }
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok(Framing::Chunked);
        }
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse().map_err(|_| "a bad content length")?;
            return Ok(Framing::Length(length));
        }
    }
    Err("an answer without a length".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n";

    #[test]
    fn delivery_does_not_matter() {
        let all = [LENGTH, LENGTH, CHUNKED, LENGTH, CHUNKED, CHUNKED].concat();
        for size in 1..=all.len() {
            let mut answers = Answers::default();
            let counted = all.chunks(size).map(|piece| answers.count(piece, 3).unwrap());
            assert_eq!(counted.sum::<usize>(), 6, "in pieces of {size}");
        }
    }

    #[test]
    fn wrong_answers_are_told() {
        assert!(Answers::default().count(LENGTH, 4).is_err());
        assert!(Answers::default().count(b"HTTP/1.1 404 Not Found\r\n\r\n", 0).is_err());
    }
}
