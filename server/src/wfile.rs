//! `wfile`: one answer on its way, from the status line to the last byte.
//!
//! ```text
//!     begin, field      end_head         write            finish
//!   ─────────────▶ head ────────▶ body ────────▶ outlet ────────▶ the next answer
//!         ▲          │
//!         └── 1xx ───┘
//! ```
//!
//! What is said and what has to be said is known by the head, how the end of the body is told by the
//! body, and what has left by the outlet. Here is the order in which they come, and what all three
//! have to agree to: as long as nothing has left, an error can still take an answer's place.

use std::fmt;
use std::io::{self, Write};
use std::mem::needs_drop;

use crate::answer::body::AnswerBody;
use crate::answer::fields::{FieldName, Mistake};
use crate::answer::head::{AnswerHead, is_interim};
use crate::answer::outlet::Outlet;
use crate::header_value::ToHeaderValue;
use crate::http::date::Stamp;
use crate::http::encode::{AnswerRules, Delimiter};
use crate::http::framing::Persistence;
use crate::http::status::{InvalidStatus, Status};
use crate::rarely::rarely;
use crate::socket::Socket;

/// Writes the body of an answer (Python: `wfile`).
///
/// What is written is gathered and sent when the method returns. An answer of up to 64 KiB gets a
/// `Content-Length`; a longer one, or one that is [flushed](Write::flush), is sent as it comes:
/// chunked to an HTTP/1.1 client, ended by the connection to an older one. A method that knows the
/// length may send `Content-Length` itself, and must keep it.
///
/// Writing before `send_response` begins a `200 OK`; writing before `end_headers` ends the headers.
/// To a HEAD request, and with a status that allows no body, nothing of the body is sent.
pub struct ResponseWriter<'a> {
    outlet: Outlet<'a>,
    head: AnswerHead<'a>,
    body: AnswerBody,
}

/// What an answer was in the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) persistence: Persistence,
    pub(crate) body_bytes: u64,
    /// The client got, or will get, all that was promised to it.
    pub(crate) is_complete: bool,
}

impl<'a> ResponseWriter<'a> {
    #[inline]
    pub(crate) fn new(
        out: &'a mut Vec<u8>,
        socket: &'a dyn Socket,
        stamp: &'a Stamp,
        rules: AnswerRules,
    ) -> Self {
        ResponseWriter {
            outlet: Outlet::new(out, socket),
            head: AnswerHead::new(stamp, rules),
            body: AnswerBody::new(),
        }
    }

    /// The status of the answer begun, if one has been.
    pub(crate) fn status(&self) -> Option<Status> {
        self.head.status()
    }

    /// Whether `Content-Type` has been sent.
    pub(crate) fn has_content_type(&self) -> bool {
        self.head.has(FieldName::ContentType)
    }

    /// Whether `Trailer` has been sent, so that the body must not have a length.
    pub(crate) fn announces_trailers(&self) -> bool {
        self.head.has(FieldName::Trailer)
    }

    /// Whether `Allow` has been sent.
    pub(crate) fn has_allow(&self) -> bool {
        self.head.has(FieldName::Allow)
    }

    /// Declares the length of the body, as `Content-Length` does, unless that was sent.
    pub(crate) fn declare_length(&mut self, bytes: u64) {
        self.head.declare_length(bytes);
    }

    /// Whether `end_headers` has something to complain about.
    pub(crate) fn has_mistake(&self) -> bool {
        self.head.has_mistake()
    }

    /// Whether nothing is left to be done by the handler: all that it may have promised is there.
    pub(crate) fn is_settled(&self) -> bool {
        self.body.is_settled() && !self.has_mistake()
    }

    /// Whether the head has not been ended, so that fields can still be added.
    pub(crate) fn is_head_open(&self) -> bool {
        self.body.is_waiting()
    }

    /// Whether only a reset can tell the client that the answer was cut, or it takes nothing: then
    /// the kernel is not to go on offering what it has.
    pub(crate) fn must_reset(&self) -> bool {
        self.body.must_reset() || self.outlet.is_broken()
    }

    /// What is missing of the `Content-Length` that the handler sent.
    pub(crate) fn missing_bytes(&self) -> u64 {
        self.body.missing_bytes()
    }

    /// Whether another answer can still take this one's place.
    pub(crate) fn is_replaceable(&self) -> bool {
        !self.outlet.has_left()
    }

    /// What the head will say of the connection, unless a later call says otherwise.
    pub(crate) fn set_persistence(&mut self, persistence: Persistence) {
        self.head.set_persistence(persistence);
    }

    /// Begins an answer with its status line, and with `Server` and `Date` if `stamped`.
    pub(crate) fn begin(
        &mut self,
        status: Result<Status, InvalidStatus>,
        phrase: Option<&str>,
        stamped: bool,
    ) {
        match status {
            Err(invalid) => self.head.remember(Mistake::Status(invalid)),
            Ok(status) if self.is_begun() => self.head.remember(Mistake::SecondStatus(status)),
            Ok(status) => self.head.begin(status, phrase, stamped, &mut self.outlet),
        }
    }

    /// Whether there is a status, or was one.
    fn is_begun(&self) -> bool {
        !self.is_head_open() || self.status().is_some()
    }

    /// Adds a field; one that cannot be sent is remembered for `end_headers`.
    pub(crate) fn field(&mut self, name: &str, value: &dyn ToHeaderValue) {
        if self.is_head_open() {
            self.head.field(name, value, &mut self.outlet);
        } else {
            self.head.remember(Mistake::LateField(name.to_owned()));
        }
    }

    /// Keeps a field for the end of the body, where the body has a place for one.
    ///
    /// It does not touch the head, so a bad one is reported at once.
    pub(crate) fn trailer(&mut self, name: &str, value: &dyn ToHeaderValue) -> io::Result<()> {
        self.body.trailer(name, value, &self.head)
    }

    /// What becomes of the connection.
    pub(crate) fn persistence(&self) -> Persistence {
        self.head.persistence()
    }

    /// Ends the head: an interim answer is sent at once, any other waits for its body.
    #[inline(always)] // few steps, and on the way of each request
    pub(crate) fn end_head(&mut self) -> io::Result<()> {
        if !self.is_head_open() {
            rarely();
            return self.head.check_mistakes();
        }
        if !self.head.is_complete() {
            return self.end_rare_head();
        }
        self.body.begin(self.head.delimiter(), &mut self.head, &mut self.outlet);
        Ok(())
    }

    /// Ends a head that is not like nearly all others.
    #[inline(never)]
    fn end_rare_head(&mut self) -> io::Result<()> {
        self.head.check_mistakes()?;
        let Some(status) = self.status() else { return Err(Mistake::NoStatus.to_error()) };
        if is_interim(status) {
            return self.end_interim();
        }
        let delimiter = self.head.complete(status, &mut self.outlet)?;
        self.body.begin(delimiter, &mut self.head, &mut self.outlet);
        if delimiter == Some(Delimiter::Tunnel) {
            // The client waits for it.
            self.body.spill(&mut self.outlet)?;
        }
        Ok(())
    }

    /// The client has not asked for the 101 that was begun.
    pub(crate) fn refuse_upgrade(&mut self) {
        self.head.remember(Mistake::UnaskedUpgrade);
    }

    /// Takes back what was gathered of this answer, so that another can take its place.
    ///
    /// Fields that were sent before the status stay.
    pub(crate) fn discard(&mut self) {
        if self.outlet.has_left() {
            return;
        }
        self.outlet.clear();
        self.head.reset();
        self.body = AnswerBody::new();
    }

    /// Drops early fields that describe a body: another body takes its place.
    pub(crate) fn forget_early_body(&mut self) {
        self.head.forget_early_body();
    }

    /// Takes the whole answer back, early fields and all: its head from the status line on, and
    /// its body. `None`, and nothing changes, if it was not begun or cannot be taken back.
    pub(crate) fn take_back(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.status()?;
        if self.outlet.has_left() || self.head.rules().is_bare {
            return None;
        }
        let body = self.body.place(&self.outlet)?;
        let body = self.outlet.split_off(body);
        let head = self.outlet.split_off(0);
        self.discard();
        self.head.forget_early();
        Some((head, body))
    }

    /// Whether there is anything to drop: each field has its say here.
    #[inline]
    pub(crate) fn holds_memory(&self) -> bool {
        const { assert!(!needs_drop::<Outlet<'_>>()) }
        let ResponseWriter { head, body, outlet: _ } = self;
        head.holds_memory() || body.holds_memory()
    }

    /// The lines that [`begin`](Self::begin) adds by itself.
    pub(crate) fn stamp_lines(&self) -> &'a [u8] {
        self.head.stamp_lines()
    }

    /// Ends the answer, and the head too if that was left open.
    pub(crate) fn finish(&mut self) -> Finished {
        if self.is_head_open() {
            self.end_open_head();
        }
        let is_complete = self.body.end(&mut self.head, &mut self.outlet);
        let persistence = if is_complete { self.persistence() } else { Persistence::Close };
        let body_bytes = if self.head.sends_body() { self.body.bytes() } else { 0 };
        Finished { persistence, body_bytes, is_complete }
    }

    /// Ends the head of a body that has not begun; what cannot be sent is given up.
    #[inline(never)]
    fn end_open_head(&mut self) {
        self.begin_if_needed();
        if self.end_head().is_err() {
            self.give_up();
        }
    }

    /// Ends an answer in the middle: only the end of the connection can tell the client.
    pub(crate) fn give_up(&mut self) {
        self.body.give_up(&mut self.outlet);
    }

    /// A method that writes without a status means 200.
    fn begin_if_needed(&mut self) {
        if self.status().is_none() && !self.has_mistake() {
            self.begin(Ok(Status::OK), None, true);
        }
    }

    /// Sends an interim answer (RFC 9110 §15.2); one that an old client must not see is dropped.
    fn end_interim(&mut self) -> io::Result<()> {
        if self.head.rules().modern_client {
            self.outlet.tail().extend_from_slice(b"\r\n");
            self.outlet.begin_anew();
        } else {
            self.outlet.clear();
        }
        self.head.reset();
        self.body.spill(&mut self.outlet)
    }
}

impl fmt::Debug for ResponseWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseWriter")
            .field("status", &self.status())
            .field("body_bytes", &self.body.bytes())
            .finish_non_exhaustive()
    }
}

impl Write for ResponseWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_head_open() {
            self.begin_if_needed();
            self.end_head()?;
        }
        self.body.write(bytes, &mut self.head, &mut self.outlet)
    }

    /// Sends what has been written so far; the answer is no longer held for its length.
    ///
    /// What the client does not take at once is kept and sent later: it does not wait.
    fn flush(&mut self) -> io::Result<()> {
        self.body.flush(&mut self.head, &mut self.outlet)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::*;
    use crate::http::status::IntoStatus;
    use crate::socket::kernel::Kernel;

    const RULES: AnswerRules = AnswerRules::USUAL;
    const OLD: AnswerRules = AnswerRules { modern_client: false, ..RULES };
    const HEAD: AnswerRules = AnswerRules { head_only: true, ..RULES };

    /// Everything that `answer` puts on the wire, behind an earlier answer.
    fn wire(
        rules: AnswerRules,
        kernel: &Kernel,
        answer: impl FnOnce(&mut ResponseWriter<'_>),
    ) -> String {
        let mut stamp = Stamp::new("me");
        stamp.refresh(Instant::now(), || SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
        let mut out = b"<earlier>".to_vec();
        let mut wfile = ResponseWriter::new(&mut out, kernel, &stamp, rules);
        wfile.set_persistence(Persistence::KeepAlive);
        answer(&mut wfile);
        wfile.finish();
        let mut wire = kernel.taken.take();
        wire.extend_from_slice(&out);
        String::from_utf8(wire).unwrap().replace("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "D\r\n")
    }

    fn ok(wfile: &mut ResponseWriter<'_>) {
        wfile.begin(Ok(Status::OK), None, true);
    }

    #[test]
    fn a_short_answer_gets_its_length() {
        let short = |wfile: &mut ResponseWriter<'_>| {
            ok(wfile);
            wfile.field("A", &"b");
            wfile.end_head().unwrap();
            wfile.write_all(b"hel").unwrap();
            wfile.write_all(b"lo").unwrap();
        };
        let kernel = Kernel::default();
        let expected =
            "<earlier>HTTP/1.1 200 OK\r\nServer: me\r\nD\r\nA: b\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(wire(RULES, &kernel, short), expected);
        let without_body = expected.strip_suffix("hello").unwrap();
        assert_eq!(wire(HEAD, &kernel, short), without_body);
    }

    #[test]
    fn what_is_left_open_is_ended() {
        let kernel = Kernel::default();
        let head = "<earlier>HTTP/1.1 200 OK\r\nServer: me\r\nD\r\nContent-Length: ";
        assert_eq!(wire(RULES, &kernel, ok), format!("{head}0\r\n\r\n"));
        let body = |wfile: &mut ResponseWriter<'_>| wfile.write_all(b"hi").unwrap();
        assert_eq!(wire(RULES, &kernel, body), format!("{head}2\r\n\r\nhi"));
    }

    #[test]
    fn what_leaves_of_earlier_answers_does_not_shift_what_is_taken_back() {
        let kernel = Kernel::default();
        kernel.takes.set(7);
        let stamp = Stamp::new("me");
        let mut out = b"<earlier>".to_vec();
        let mut wfile = ResponseWriter::new(&mut out, &kernel, &stamp, RULES);
        ok(&mut wfile);
        wfile.field("Content-Length", &6);
        wfile.end_head().unwrap();
        wfile.write_all(b"abcdef").unwrap();
        wfile.flush().unwrap();
        assert_eq!(kernel.taken.take(), b"<earlie");
        let (head, body) = wfile.take_back().unwrap();
        assert!(head.starts_with(b"HTTP/1.1 200 OK\r\n") && head.ends_with(b"\r\n\r\n"));
        assert_eq!(body, b"abcdef");
        assert_eq!(out, b"r>");
    }

    #[test]
    fn an_error_can_take_the_place_of_what_has_not_left() {
        let kernel = Kernel::default();
        let wire = wire(RULES, &kernel, |wfile| {
            wfile.field("Early", &"1");
            ok(wfile);
            wfile.field("Late", &"2");
            wfile.write_all(b"half").unwrap();
            assert!(wfile.is_replaceable());
            wfile.discard();
            wfile.begin(Ok(Status::NOT_FOUND), None, true);
        });
        assert!(wire.contains("404 Not Found") && wire.contains("Early: 1\r\n"), "{wire}");
        assert!(
            !wire.contains("Late") && !wire.contains("200") && !wire.contains("half"),
            "{wire}"
        );
        assert!(wire.ends_with("Content-Length: 0\r\n\r\n"), "{wire}");
    }

    #[test]
    fn an_answer_that_began_with_a_mistake_is_not_sent() {
        type Act = fn(&mut ResponseWriter<'_>);
        let acts: [(&str, Act); 4] = [
            ("a status that is none", |wfile| wfile.begin(1000u16.into_status(), None, true)),
            ("a bad field", |wfile| wfile.field("A B", &"c")),
            ("two statuses", |wfile| {
                ok(wfile);
                ok(wfile);
            }),
            ("an upgrade that nobody asked for", |wfile| {
                ok(wfile);
                wfile.refuse_upgrade();
            }),
        ];
        for (name, act) in acts {
            let kernel = Kernel::default();
            let wire = wire(RULES, &kernel, |wfile| {
                act(wfile);
                assert!(wfile.end_head().is_err(), "{name}");
                assert!(wfile.write_all(b"body").is_err(), "{name}: and it stays one");
                assert!(!wfile.is_settled(), "{name}");
            });
            assert_eq!(wire, "<earlier>", "{name}");
        }
    }

    #[test]
    fn what_comes_behind_the_head_is_too_late_for_it() {
        let kernel = Kernel::default();
        let wire = wire(RULES, &kernel, |wfile| {
            ok(wfile);
            wfile.end_head().unwrap();
            wfile.field("Late", &"1");
            assert!(wfile.end_head().is_err());
        });
        assert!(wire.ends_with("\r\nD\r\nContent-Length: 0\r\n\r\n"), "{wire}");
    }

    #[test]
    fn an_answer_is_over_when_a_write_has_failed() {
        for length in [0, 200_000] {
            let (kernel, stamp, mut out) = (Kernel::default(), Stamp::new("me"), Vec::new());
            kernel.is_gone.set(true);
            let mut wfile = ResponseWriter::new(&mut out, &kernel, &stamp, RULES);
            wfile.write_all(b"half").unwrap();
            let failed = match length {
                0 => wfile.flush(),
                _ => wfile.write_all(&vec![b'x'; length]),
            };
            assert!(failed.is_err(), "{length}");
            assert!(wfile.write_all(b"more").is_err() && wfile.flush().is_err(), "{length}");
            assert!(!wfile.is_replaceable() && wfile.take_back().is_none(), "{length}");
            assert!(!wfile.is_settled() && !wfile.finish().is_complete, "{length}");
            assert!(out.is_empty(), "{length}");
        }
    }

    #[test]
    fn an_interim_answer_goes_ahead_and_old_clients_never_see_it() {
        let hints = |wfile: &mut ResponseWriter<'_>| {
            wfile.begin(Ok(Status::EARLY_HINTS), None, true);
            wfile.field("Link", &"</a.css>");
            wfile.end_head().unwrap();
            ok(wfile);
        };
        let kernel = Kernel::default();
        let modern = wire(RULES, &kernel, hints);
        let expected =
            "<earlier>HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n";
        assert!(modern.starts_with(expected), "{modern}");
        assert!(wire(OLD, &kernel, hints).starts_with("<earlier>HTTP/1.1 200 OK\r\n"));
    }

    #[test]
    fn a_tunnel_has_no_framing_and_takes_the_connection_with_it() {
        let connect = AnswerRules { is_connect: true, ..RULES };
        let switched = |wfile: &mut ResponseWriter<'_>| {
            wfile.begin(Ok(Status::SWITCHING_PROTOCOLS), None, false);
            wfile.field("Upgrade", &"echo");
            wfile.field("Content-Length", &5);
            wfile.write_all(b"raw").unwrap();
            assert_eq!(wfile.persistence(), Persistence::Close);
        };
        let connected = |wfile: &mut ResponseWriter<'_>| {
            ok(wfile);
            wfile.end_head().unwrap();
            wfile.write_all(b"raw").unwrap();
        };
        let kernel = Kernel::default();
        let head = "<earlier>HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nD\r\n";
        assert_eq!(wire(RULES, &kernel, switched), format!("{head}Connection: Upgrade\r\n\r\nraw"));
        let head = "<earlier>HTTP/1.1 200 OK\r\nServer: me\r\nD\r\n";
        assert_eq!(wire(connect, &kernel, connected), format!("{head}\r\nraw"));
    }
}
