//! The body of an answer: held until its length is known, or flowing as it is written.
//!
//! ```text
//!   Waiting ──▶ Held ─────────────────▶ Done
//!      │          │ too long, or flushed  ▲
//!      └──────────┴────▶ Flowing ─────────┘
//! ```
//!
//! The head of a body that is held ends with `Content-Length` if it turns out short, and with
//! `Transfer-Encoding` (or the end of the connection) if it does not. Where its end is told by more
//! than its bytes, it is told here: chunks, the last chunk, and the trailers behind it.

use std::io;
use std::mem::needs_drop;

use crate::answer::fields::{FieldName, Mistake};
use crate::answer::head::{AnswerHead, push_field};
use crate::answer::outlet::Outlet;
use crate::header_value::ToHeaderValue;
use crate::http::bytes::is_token;
use crate::http::encode::{self, Delimiter};
use crate::http::framing::Persistence;
use crate::http::trailers::may_trail;

/// The body of an answer, and where it stands.
pub(crate) struct AnswerBody {
    state: State,
    /// Bytes so far, sent or (for HEAD) only counted.
    bytes: u64,
    /// Field lines that go out behind a chunked body.
    trailers: Vec<u8>,
}

#[repr(u8)] // with a tag of its own, which each step asks for
enum State {
    /// Its head is open.
    Waiting,
    /// The fields are there up to `end`, and from `body` on the body. What ends the head may
    /// stand between them; it is `right` if it belongs to this body, and then has said so.
    Held { end: usize, body: usize, right: Option<Persistence> },
    /// The head is ended and tells where the body ends, which begins at `body` as long as nothing
    /// has left. Whether its client can tell its end from that of the connection decides how it
    /// is cut.
    Flowing { flow: Flow, body: usize, is_told: bool },
    /// It is complete, or given up; then the end of the connection may have to look like none.
    Done { must_reset: bool },
}

/// A body that goes out as it is written.
enum Flow {
    /// So many bytes are still to come.
    Length(u64),
    /// Where the data of the chunk under way begins.
    Chunked(Option<usize>),
    UntilClose,
    /// Counted, not sent.
    Dropped,
}

impl AnswerBody {
    #[inline]
    pub(crate) fn new() -> AnswerBody {
        AnswerBody { state: State::Waiting, bytes: 0, trailers: Vec::new() }
    }

    /// Whether there is anything to drop: each field has its say here.
    #[inline]
    pub(crate) fn holds_memory(&self) -> bool {
        const { assert!(!needs_drop::<State>()) }
        let AnswerBody { trailers, state: _, bytes: _ } = self;
        trailers.capacity() > 0
    }

    /// Whether its head is open.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    /// Whether it can end here, as far as is known of it.
    pub(crate) fn is_settled(&self) -> bool {
        // Not a `match`: a jump over four states is one that no processor foresees.
        let is_complete = matches!(self.state, State::Flowing { .. }) && self.missing_bytes() == 0;
        matches!(self.state, State::Held { .. }) || is_complete
    }

    /// Bytes so far, sent or (for HEAD) only counted.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is missing of the length that was declared.
    pub(crate) fn missing_bytes(&self) -> u64 {
        match self.state {
            State::Flowing { flow: Flow::Length(left), .. } => left,
            _ => 0,
        }
    }

    /// Whether only a reset can tell the client that the answer was cut.
    pub(crate) fn must_reset(&self) -> bool {
        matches!(self.state, State::Done { must_reset: true })
    }

    /// Where it begins, if what stands there from then on is the body as it was written.
    pub(crate) fn place(&self, outlet: &Outlet<'_>) -> Option<usize> {
        match self.state {
            State::Waiting => Some(outlet.len()),
            State::Held { body, .. } => Some(body),
            // The head of a declared length is ended, but its body stands behind it as it is.
            State::Flowing { flow: Flow::Length(_) | Flow::Dropped, body, .. } => Some(body),
            State::Flowing { .. } | State::Done { .. } => None,
        }
    }

    /// Keeps a field for the end of the body, where the body has a place for one.
    ///
    /// It does not touch the head, so a bad one is reported at once.
    pub(crate) fn trailer(
        &mut self,
        name: &str,
        value: &dyn ToHeaderValue,
        head: &AnswerHead<'_>,
    ) -> io::Result<()> {
        if !is_token(name.as_bytes()) {
            return Err(Mistake::FieldName(name.to_owned()).to_error());
        }
        if !may_trail(name.as_bytes()) {
            return Err(Mistake::TrailerField(name.to_owned()).to_error());
        }
        if !head.has(FieldName::Trailer) {
            return Err(Mistake::UnannouncedTrailer(name.to_owned()).to_error());
        }
        if !push_field(&mut self.trailers, name, value) {
            return Err(Mistake::FieldValue(name.to_owned()).to_error());
        }
        self.trailers.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Begins behind the fields of its head; without a delimiter it is held for its length.
    pub(crate) fn begin(
        &mut self,
        delimiter: Option<Delimiter>,
        head: &mut AnswerHead<'_>,
        outlet: &mut Outlet<'_>,
    ) {
        match delimiter {
            None => {
                let end = outlet.len();
                self.state = State::Held { end, body: end, right: None };
            }
            Some(delimiter) => self.flow(delimiter, head, outlet),
        }
    }

    /// Adds bytes; ends the head once they are too many to be held.
    pub(crate) fn write(
        &mut self,
        bytes: &[u8],
        head: &mut AnswerHead<'_>,
        outlet: &mut Outlet<'_>,
    ) -> io::Result<()> {
        let State::Held { end, body, right } = &mut self.state else {
            return self.flow_on(bytes, outlet);
        };
        let length = self.bytes + bytes.len() as u64;
        if length > MAX_HELD {
            self.flow_unbounded(head, outlet);
            return self.flow_on(bytes, outlet);
        }
        self.bytes = length;
        if !head.sends_body() {
            return Ok(());
        }
        *right = None;
        if body == end {
            // Most bodies are written at once: then this is the end of their head.
            let (delimiter, persistence) = (Delimiter::Length(length), head.persistence());
            encode::end_of_head(outlet.tail(), delimiter, persistence, head.rules());
            (*body, *right) = (outlet.len(), Some(persistence));
        }
        outlet.tail().extend_from_slice(bytes);
        Ok(())
    }

    /// Sends what has been written so far; it is no longer held for its length.
    pub(crate) fn flush(
        &mut self,
        head: &mut AnswerHead<'_>,
        outlet: &mut Outlet<'_>,
    ) -> io::Result<()> {
        outlet.check()?;
        match self.state {
            State::Waiting | State::Done { .. } => return Ok(()),
            State::Held { .. } => self.flow_unbounded(head, outlet),
            State::Flowing { .. } => {}
        }
        if let State::Flowing { flow, .. } = &mut self.state {
            flow.end_chunk(outlet);
        }
        self.spill(outlet)
    }

    /// Offers everything gathered to the kernel.
    pub(crate) fn spill(&mut self, outlet: &mut Outlet<'_>) -> io::Result<()> {
        outlet.spill().inspect_err(|_| self.cut())
    }

    /// Ends the body; true if that is all of it.
    #[inline]
    pub(crate) fn end(&mut self, head: &mut AnswerHead<'_>, outlet: &mut Outlet<'_>) -> bool {
        match self.state {
            // Nearly every answer: its head has ended as it should.
            State::Held { right: Some(said), .. } if said == head.persistence() => {
                self.state = State::Done { must_reset: false };
                true
            }
            _ => self.end_rare(head, outlet),
        }
    }

    /// Ends a body whose end is still to be told, if it can be.
    #[inline(never)]
    fn end_rare(&mut self, head: &mut AnswerHead<'_>, outlet: &mut Outlet<'_>) -> bool {
        let is_complete = match &mut self.state {
            State::Held { end, body, .. } => {
                let old = *end..*body;
                head.end(old, self.held_length(head), outlet);
                true
            }
            State::Flowing { flow, body, .. } => {
                let is_complete = flow.end(&self.trailers, outlet);
                head.say_late_close(*body, outlet);
                is_complete
            }
            State::Waiting | State::Done { .. } => false,
        };
        match is_complete {
            true => self.state = State::Done { must_reset: false },
            false => self.cut(),
        }
        is_complete
    }

    /// Ends the body in the middle: only the end of the connection can tell the client.
    pub(crate) fn give_up(&mut self, outlet: &mut Outlet<'_>) {
        match &mut self.state {
            // A head that was not ended would only puzzle the client.
            State::Waiting | State::Held { .. } => outlet.clear(),
            State::Flowing { flow, .. } => flow.end_chunk(outlet),
            State::Done { .. } => {}
        }
        self.cut();
    }

    /// Nothing more is said.
    fn cut(&mut self) {
        let must_reset = match self.state {
            State::Waiting | State::Held { .. } => false,
            State::Flowing { is_told, .. } => !is_told,
            State::Done { must_reset } => must_reset,
        };
        self.state = State::Done { must_reset };
    }

    /// The delimiter of a body that is held, if that is all of it.
    fn held_length(&self, head: &AnswerHead<'_>) -> Delimiter {
        match self.bytes {
            // What a GET would have brought is not known: better no length than a wrong one.
            0 if head.rules().head_only => Delimiter::None,
            length => head.known_length(length),
        }
    }

    /// Ends the head now, before the body is complete, and without a word about its length.
    fn flow_unbounded(&mut self, head: &mut AnswerHead<'_>, outlet: &mut Outlet<'_>) {
        self.flow(head.unknown_length(), head, outlet);
    }

    /// Ends the head now, before the body is complete.
    #[inline(never)]
    fn flow(&mut self, delimiter: Delimiter, head: &mut AnswerHead<'_>, outlet: &mut Outlet<'_>) {
        let (end, body) = match self.state {
            State::Held { end, body, .. } => (end, body),
            _ => (outlet.len(), outlet.len()),
        };
        let held = outlet.len() - body;
        head.end(end..body, delimiter, outlet);
        let body = outlet.len() - held;
        let flow = match delimiter {
            _ if !head.sends_body() => Flow::Dropped,
            Delimiter::Length(length) => Flow::Length(length),
            Delimiter::Chunked => Flow::Chunked((held > 0).then_some(body)),
            Delimiter::Close | Delimiter::Tunnel => Flow::UntilClose,
            Delimiter::None => Flow::Dropped,
        };
        // To HTTP/0.9 nothing else tells the end, whatever length was declared.
        let is_told = !(head.rules().is_bare || matches!(flow, Flow::UntilClose));
        self.state = State::Flowing { flow, body, is_told };
    }

    /// Adds bytes behind an ended head.
    #[inline(never)]
    fn flow_on(&mut self, bytes: &[u8], outlet: &mut Outlet<'_>) -> io::Result<()> {
        let State::Flowing { flow, .. } = &mut self.state else { return outlet.check() };
        let written = flow.write(bytes, outlet);
        if written.is_ok() {
            self.bytes += bytes.len() as u64;
        } else if outlet.is_broken() {
            self.cut();
        }
        written
    }
}

impl Flow {
    fn write(&mut self, bytes: &[u8], outlet: &mut Outlet<'_>) -> io::Result<()> {
        match self {
            Flow::Dropped => Ok(()),
            Flow::UntilClose => outlet.send(bytes),
            Flow::Length(left) => {
                let Some(rest) = left.checked_sub(bytes.len() as u64) else {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        "the body is longer than the content-length sent for it (that of send_error() \
                         is complete: return the error instead)",
                    ));
                };
                *left = rest;
                outlet.send(bytes)
            }
            Flow::Chunked(_) if bytes.len() >= LARGE_CHUNK => {
                self.end_chunk(outlet);
                encode::chunk_size(outlet.tail(), bytes.len());
                outlet.send(bytes)?;
                outlet.tail().extend_from_slice(b"\r\n");
                Ok(())
            }
            Flow::Chunked(chunk) => {
                let data = *chunk.get_or_insert(outlet.len());
                outlet.tail().extend_from_slice(bytes);
                if outlet.len() - data < LARGE_CHUNK {
                    return Ok(());
                }
                self.end_chunk(outlet);
                outlet.send(&[])
            }
        }
    }

    /// Ends the chunk under way, if there is one: with its size in front of its data, and a line end
    /// behind it.
    fn end_chunk(&mut self, outlet: &mut Outlet<'_>) {
        let Flow::Chunked(chunk) = self else { return };
        if let Some(data) = chunk.take().filter(|data| *data < outlet.len()) {
            let len = outlet.len() - data;
            outlet.replace(data..data, |out| encode::chunk_size(out, len));
            outlet.tail().extend_from_slice(b"\r\n");
        }
    }

    /// Ends the body; true if that is all of it.
    fn end(&mut self, trailers: &[u8], outlet: &mut Outlet<'_>) -> bool {
        self.end_chunk(outlet);
        match self {
            Flow::Chunked(_) => {
                let out = outlet.tail();
                out.extend_from_slice(encode::LAST_CHUNK);
                out.extend_from_slice(trailers);
                out.extend_from_slice(b"\r\n");
                true
            }
            Flow::Length(left) => *left == 0,
            Flow::UntilClose | Flow::Dropped => true,
        }
    }
}

/// How much of a body is held for its `Content-Length`.
const MAX_HELD: u64 = 64 * 1024;

/// A chunk is ended when it has so many bytes.
const LARGE_CHUNK: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::date::Stamp;
    use crate::http::encode::AnswerRules;
    use crate::http::status::Status;
    use crate::socket::kernel::Kernel;

    const RULES: AnswerRules = AnswerRules::USUAL;
    const OLD: AnswerRules = AnswerRules { modern_client: false, ..RULES };
    const HEAD: AnswerRules = AnswerRules { head_only: true, ..RULES };
    const BARE: AnswerRules = AnswerRules { is_bare: true, ..OLD };

    /// A body and what it works with.
    struct Answer<'a> {
        head: AnswerHead<'a>,
        body: AnswerBody,
        outlet: Outlet<'a>,
    }

    impl Answer<'_> {
        fn begin(&mut self, fields: &[(&str, &str)]) {
            let (head, outlet) = (&mut self.head, &mut self.outlet);
            head.begin(Status::OK, None, true, outlet);
            for (name, value) in fields {
                head.field(name, value, outlet);
            }
            let delimiter = head.complete(Status::OK, outlet).unwrap();
            self.body.begin(delimiter, head, outlet);
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.body.write(bytes, &mut self.head, &mut self.outlet)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.body.flush(&mut self.head, &mut self.outlet)
        }

        fn end(&mut self) -> bool {
            self.body.end(&mut self.head, &mut self.outlet)
        }
    }

    fn answer<T>(
        rules: AnswerRules,
        kernel: &Kernel,
        out: &mut Vec<u8>,
        act: impl FnOnce(&mut Answer<'_>) -> T,
    ) -> T {
        let stamp = Stamp::new("me");
        act(&mut Answer {
            head: AnswerHead::new(&stamp, rules),
            body: AnswerBody::new(),
            outlet: Outlet::new(out, kernel),
        })
    }

    /// Everything that goes out of an answer with those fields, and whether it is complete.
    fn wire(
        rules: AnswerRules,
        kernel: &Kernel,
        fields: &[(&str, &str)],
        write: impl FnOnce(&mut Answer<'_>),
    ) -> (String, bool) {
        let mut out = Vec::new();
        let is_complete = answer(rules, kernel, &mut out, |answer| {
            answer.begin(fields);
            write(answer);
            answer.end()
        });
        let mut wire = kernel.taken.take();
        wire.extend_from_slice(&out);
        (String::from_utf8(wire).unwrap(), is_complete)
    }

    #[test]
    fn what_is_held_gets_its_length_however_it_is_written() {
        let (once, _) = wire(RULES, &Kernel::default(), &[], |answer| {
            answer.write(b"hello").unwrap();
        });
        assert!(once.ends_with("\r\nContent-Length: 5\r\n\r\nhello"), "{once}");
        for pieces in [&["hel", "lo"][..], &["", "hello", ""], &["h", "e", "l", "l", "o"]] {
            let write = |answer: &mut Answer<'_>| {
                for piece in pieces {
                    answer.write(piece.as_bytes()).unwrap();
                }
            };
            let (pieced, is_complete) = wire(RULES, &Kernel::default(), &[], write);
            assert_eq!(pieced, once);
            assert!(is_complete);
            let (head, _) = wire(HEAD, &Kernel::default(), &[], write);
            assert_eq!(head, once.strip_suffix("hello").unwrap());
        }
    }

    #[test]
    fn a_close_that_comes_behind_a_held_body_is_said() {
        let (wire, _) = wire(RULES, &Kernel::default(), &[], |answer| {
            answer.write(b"hello").unwrap();
            answer.head.set_persistence(Persistence::Close);
        });
        assert!(wire.ends_with("Length: 5\r\nConnection: close\r\n\r\nhello"), "{wire}");
    }

    #[test]
    fn a_flushed_answer_is_chunked_or_ended_by_the_connection() {
        let flushed = |answer: &mut Answer<'_>| {
            answer.write(b"one").unwrap();
            answer.flush().unwrap();
            answer.write(b"two").unwrap();
            answer.write(b"three").unwrap();
            answer.flush().unwrap();
            answer.flush().unwrap();
        };
        let kernel = Kernel::default();
        kernel.takes.set(20);
        let (chunked, _) = wire(RULES, &kernel, &[], flushed);
        let (_, body) = chunked.split_once("Transfer-Encoding: chunked\r\n\r\n").unwrap();
        assert_eq!(body, "3\r\none\r\n8\r\ntwothree\r\n0\r\n\r\n");
        let (old, _) = wire(OLD, &kernel, &[], flushed);
        assert!(old.ends_with("Connection: close\r\n\r\nonetwothree"), "{old}");
        assert!(!kernel.waited.get());
    }

    #[test]
    fn a_long_answer_is_chunked_however_it_is_written_and_taken() {
        let body: String = (0..300_000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        for step in [1000, 16 * 1024, 100_000, body.len()] {
            for takes in [0, 1, 5000, usize::MAX] {
                let kernel = Kernel::default();
                kernel.takes.set(takes);
                let (wire, _) = wire(RULES, &kernel, &[], |answer| {
                    for piece in body.as_bytes().chunks(step) {
                        answer.write(piece).unwrap();
                    }
                });
                let (head, mut rest) = wire.split_once("\r\n\r\n").unwrap();
                assert!(head.ends_with("Transfer-Encoding: chunked"), "{head}");
                let mut decoded = String::new();
                while let Some((size, data)) = rest.split_once("\r\n") {
                    let size = usize::from_str_radix(size, 16).unwrap();
                    decoded += &data[..size];
                    rest = data[size..].strip_prefix("\r\n").unwrap();
                }
                assert!(decoded == body, "step {step}, takes {takes}");
            }
        }
    }

    #[test]
    fn a_declared_length_is_kept_or_the_answer_is_not_complete() {
        for (text, missing, sent) in [("hello", 0, "hello"), ("hell", 1, "hell"), ("hello!", 5, "")]
        {
            let (wire, is_complete) =
                wire(RULES, &Kernel::default(), &[("Content-Length", "5")], |answer| {
                    assert_eq!(answer.write(text.as_bytes()).is_err(), text.len() > 5);
                    assert_eq!(answer.body.missing_bytes(), missing);
                    assert_eq!(answer.body.is_settled(), missing == 0);
                });
            assert!(wire.ends_with(&format!("\r\nContent-Length: 5\r\n\r\n{sent}")), "{wire}");
            assert_eq!(is_complete, missing == 0, "{text}");
        }
    }

    #[test]
    fn a_cut_answer_that_only_the_connection_ends_must_be_reset() {
        for (rules, fields, must_reset) in [
            (RULES, &[][..], false),
            (RULES, &[("Content-Length", "8")], false),
            (OLD, &[], true),
            (OLD, &[("Content-Length", "8")], false),
            (BARE, &[], true),
            (BARE, &[("Content-Length", "8")], true),
        ] {
            for is_gone in [false, true] {
                let (kernel, mut out) = (Kernel::default(), Vec::new());
                answer(rules, &kernel, &mut out, |answer| {
                    answer.begin(fields);
                    answer.write(b"half").unwrap();
                    kernel.is_gone.set(is_gone);
                    assert_eq!(answer.flush().is_err(), is_gone);
                    answer.body.give_up(&mut answer.outlet);
                    let case = format!("{rules:?} {fields:?} {is_gone}");
                    assert_eq!(answer.body.must_reset(), must_reset, "{case}");
                    assert!(!answer.end(), "{case}: it stays cut");
                    assert_eq!(answer.body.must_reset(), must_reset, "{case}");
                });
            }
        }
    }

    #[test]
    fn a_late_close_is_said_without_harm_to_the_chunk_under_way() {
        let (wire, _) = wire(RULES, &Kernel::default(), &[], |answer| {
            answer.write(b"one").unwrap();
            answer.flush().unwrap();
            answer.write(b"two-and-twenty").unwrap();
            answer.head.set_persistence(Persistence::Close);
        });
        let (head, body) = wire.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with("Transfer-Encoding: chunked\r\nConnection: close"), "{head}");
        assert_eq!(body, "3\r\none\r\ne\r\ntwo-and-twenty\r\n0\r\n\r\n");
    }

    #[test]
    fn trailers_go_out_behind_a_chunked_body_and_nowhere_else() {
        let summed = |rules| {
            wire(rules, &Kernel::default(), &[("trailer", "X-Sum, X-Note")], |answer| {
                answer.write(b"hello").unwrap();
                answer.body.trailer("X-Sum", &7, &answer.head).unwrap();
                answer.body.trailer("X-Note", &"fine", &answer.head).unwrap();
            })
        };
        let (chunked, _) = summed(RULES);
        let (head, body) = chunked.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with("trailer: X-Sum, X-Note\r\nTransfer-Encoding: chunked"), "{head}");
        assert_eq!(body, "5\r\nhello\r\n0\r\nX-Sum: 7\r\nX-Note: fine\r\n\r\n");
        assert!(summed(OLD).0.ends_with("Connection: keep-alive\r\n\r\nhello"));
        assert!(summed(HEAD).0.ends_with("Transfer-Encoding: chunked\r\n\r\n"));
    }

    #[test]
    fn a_trailer_that_cannot_be_sent_is_refused_at_once() {
        let unannounced = wire(RULES, &Kernel::default(), &[], |answer| {
            assert!(answer.body.trailer("X-Sum", &"1", &answer.head).is_err());
        });
        assert!(unannounced.0.ends_with("Content-Length: 0\r\n\r\n"));
        let (wire, _) = wire(RULES, &Kernel::default(), &[("Trailer", "X-Sum")], |answer| {
            for (name, value) in
                [("X Sum", "1"), ("X-Sum", "1\r\nA: b"), ("Content-Length", "1"), ("", "1")]
            {
                let refused = answer.body.trailer(name, &value, &answer.head);
                assert!(refused.is_err(), "{name}: {value}");
            }
            answer.body.trailer("X-Sum", &"2", &answer.head).unwrap();
        });
        assert!(wire.ends_with("\r\n\r\n0\r\nX-Sum: 2\r\n\r\n"), "{wire}");
    }
}
