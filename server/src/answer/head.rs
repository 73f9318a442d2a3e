//! The head of an answer: its status line, its fields, and what ends them.
//!
//! Fields are checked where they enter, so what is written later needs no checks; a mistake is kept
//! for `end_headers`. What frames the answer is not the handler's to write: its `Content-Length` is
//! a promise, its `Connection` a wish, and the body says how the head ends.

use std::cell::Cell;
use std::io;
use std::mem::needs_drop;
use std::ops::Range;

use crate::answer::fields::{EarlyFields, FieldName, FieldsSent, Mistake, Noted, note};
use crate::answer::outlet::Outlet;
use crate::header_value::ToHeaderValue;
use crate::http::bytes::is_all_text;
use crate::http::date::Stamp;
use crate::http::encode::{self, AnswerRules, Delimiter};
use crate::http::framing::Persistence;
use crate::http::status::Status;
use crate::http::version::Version;
use crate::http_error::is_phrase;

/// The head of an answer, and what it says of the body and of the connection.
pub(crate) struct AnswerHead<'a> {
    rules: AnswerRules,
    stamp: &'a Stamp,
    /// Of the answer begun, if one has been.
    status: Option<Status>,
    /// Whether any byte of the body goes out behind it.
    sends_body: bool,
    sent: FieldsSent,
    /// Where the lines of the stamp are, if this head has them.
    stamp_at: Option<usize>,
    early: Option<Box<EarlyFields>>,
    /// `Content-Length` as the handler has it.
    declared: Option<u64>,
    mistake: Option<Box<Mistake>>,
    /// The handler wants the connection to end.
    wants_close: bool,
    /// The head is ended, and has said that the connection is.
    has_said_close: bool,
}

impl<'a> AnswerHead<'a> {
    #[inline]
    pub(crate) fn new(stamp: &'a Stamp, rules: AnswerRules) -> Self {
        AnswerHead {
            rules,
            stamp,
            status: None,
            sends_body: true,
            sent: FieldsSent::default(),
            stamp_at: None,
            early: None,
            declared: None,
            mistake: None,
            wants_close: false,
            has_said_close: false,
        }
    }

    /// Whether there is anything to drop: each field has its say here.
    #[inline]
    pub(crate) fn holds_memory(&self) -> bool {
        const { assert!(!needs_drop::<AnswerRules>() && !needs_drop::<FieldsSent>()) }
        let AnswerHead {
            early,
            mistake,
            rules: _,
            stamp: _,
            status: _,
            sends_body: _,
            sent: _,
            stamp_at: _,
            declared: _,
            wants_close: _,
            has_said_close: _,
        } = self;
        early.is_some() || mistake.is_some()
    }

    /// What the request allows.
    pub(crate) fn rules(&self) -> &AnswerRules {
        &self.rules
    }

    /// The lines that [`begin`](Self::begin) adds by itself.
    pub(crate) fn stamp_lines(&self) -> &'a [u8] {
        self.stamp.both()
    }

    /// The status of the answer begun, if one has been.
    pub(crate) fn status(&self) -> Option<Status> {
        self.status
    }

    /// Whether any byte of the body goes out.
    pub(crate) fn sends_body(&self) -> bool {
        self.sends_body
    }

    /// Whether that field has been sent, or will be.
    pub(crate) fn has(&self, name: FieldName) -> bool {
        let early = self.early.as_ref().map(|early| early.sent).unwrap_or_default();
        self.sent.has(name) || early.has(name)
    }

    /// Declares the length of the body, as `Content-Length` does, unless that was sent.
    pub(crate) fn declare_length(&mut self, bytes: u64) {
        self.declared.get_or_insert(bytes);
    }

    /// What the head will say of the connection, unless a later call says otherwise.
    pub(crate) fn set_persistence(&mut self, persistence: Persistence) {
        self.wants_close = persistence == Persistence::Close;
    }

    /// What becomes of the connection.
    ///
    /// A client that wants it to end has it ended, whatever the handler says (RFC 9112 §9.6); and a
    /// head that has said so stands.
    pub(crate) fn persistence(&self) -> Persistence {
        // Without a branch: it is asked at each step.
        Persistence::until(self.wants_close | self.has_said_close | !self.rules.may_persist)
    }

    #[cold]
    pub(crate) fn remember(&mut self, mistake: Mistake) {
        // The first one is the cause of the others.
        self.mistake.get_or_insert_with(|| Box::new(mistake));
    }

    /// Whether there is something to complain about.
    pub(crate) fn has_mistake(&self) -> bool {
        self.mistake.is_some()
    }

    /// The first mistake with this head, for as long as no other answer takes its place.
    pub(crate) fn check_mistakes(&self) -> io::Result<()> {
        self.mistake.as_ref().map_or(Ok(()), |mistake| Err(mistake.to_error()))
    }

    /// Begins with the status line, and with `Server` and `Date` if `stamped`; early fields follow.
    pub(crate) fn begin(
        &mut self,
        status: Status,
        phrase: Option<&str>,
        stamped: bool,
        outlet: &mut Outlet<'_>,
    ) {
        let version = self.rules.version;
        if (status, phrase, stamped, version) != (Status::OK, None, true, Version::HTTP_11) {
            return self.begin_rare(status, phrase, stamped, outlet);
        }
        // Nearly every answer: all of it is kept ready.
        self.stamp_at = Some(self.stamp.begin_ok(outlet.tail()));
        self.open(Status::OK, outlet);
    }

    /// Any other than the usual answer; an interim one has neither stamp nor early fields.
    #[inline(never)]
    fn begin_rare(
        &mut self,
        status: Status,
        phrase: Option<&str>,
        stamped: bool,
        outlet: &mut Outlet<'_>,
    ) {
        if phrase.is_some_and(|phrase| !is_phrase(phrase)) {
            return self.remember(Mistake::Phrase(status));
        }
        encode::status_line(outlet.tail(), self.rules.version, status, phrase);
        self.status = Some(status);
        if is_interim(status) {
            return;
        }
        if stamped {
            self.stamp_at = Some(outlet.len());
            outlet.tail().extend_from_slice(self.stamp.both());
        }
        self.open(status, outlet);
    }

    /// Opens a final answer to fields; those that were sent early come first.
    #[inline]
    fn open(&mut self, status: Status, outlet: &mut Outlet<'_>) {
        self.status = Some(status);
        self.sends_body = self.rules.sends_body(status);
        if let Some(early) = &self.early {
            self.sent = early.sent;
            outlet.tail().extend_from_slice(&early.lines);
        }
    }

    /// Adds a field, or keeps it for the head that will be begun.
    #[inline]
    pub(crate) fn field(&mut self, name: &str, value: &dyn ToHeaderValue, outlet: &mut Outlet<'_>) {
        let Some(known) = FieldName::new(name) else {
            return self.remember(Mistake::FieldName(name.to_owned()));
        };
        if self.status.is_some()
            && !known.is_framing()
            && let Some(value) = value.as_written()
            && push_text(outlet.tail(), name, value)
        {
            // Most fields.
            self.sent.add(known);
            return outlet.tail().extend_from_slice(b"\r\n");
        }
        self.other_field(known, name, value, outlet);
    }

    /// Any other field: one that frames, is early, or has to be rendered.
    #[inline(never)]
    fn other_field(
        &mut self,
        known: FieldName,
        name: &str,
        value: &dyn ToHeaderValue,
        outlet: &mut Outlet<'_>,
    ) {
        let (lines, sent) = if self.status.is_some() {
            (outlet.tail(), &mut self.sent)
        } else {
            let early = self.early.get_or_insert_default();
            (&mut early.lines, &mut early.sent)
        };
        let line = lines.len();
        if !push_field(lines, name, value) {
            return self.remember(Mistake::FieldValue(name.to_owned()));
        }
        if !known.is_framing() {
            sent.add(known);
            return lines.extend_from_slice(b"\r\n");
        }
        // Framing is written by `end`, and only there.
        let noted = note(known, lines.get(line + name.len() + 2..).unwrap_or_default());
        match noted {
            Noted::Options { upgrade, .. } => {
                lines.extend_from_slice(b"\r\n");
                sent.add(if upgrade { FieldName::UpgradeOption } else { FieldName::Other });
            }
            _ => lines.truncate(line),
        }
        self.heed(noted);
    }

    /// Does what a field says of the framing.
    fn heed(&mut self, noted: Noted) {
        match noted {
            Noted::Options { persistence: None, .. } => {}
            Noted::Connection(persistence)
            | Noted::Options { persistence: Some(persistence), .. } => {
                self.set_persistence(persistence);
            }
            Noted::Contradiction => self.remember(Mistake::Connection),
            Noted::TransferEncoding => self.remember(Mistake::TransferEncoding),
            Noted::Length(length) => match (length, self.declared) {
                (Some(length), None) => self.declared = Some(length),
                _ => self.remember(Mistake::ContentLength),
            },
        }
    }

    /// Whether it is a final answer's, with nothing to be completed and nothing to complain about.
    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        self.mistake.is_none()
            && self.stamp_at.is_some()
            && !self.sent.is_rare()
            && self.status.is_some_and(|status| !self.rules.is_rare(status))
    }

    /// How the end of the body is told; `None` if by its length, which is not known yet.
    pub(crate) fn delimiter(&self) -> Option<Delimiter> {
        self.declared.map(|length| self.known_length(length))
    }

    /// Completes the fields of a final answer, and gives its [`delimiter`](Self::delimiter).
    pub(crate) fn complete(
        &mut self,
        status: Status,
        outlet: &mut Outlet<'_>,
    ) -> io::Result<Option<Delimiter>> {
        self.complete_stamp(outlet);
        let (sent, rules, known) = (self.sent, self.rules, self.delimiter());
        // RFC 9110 §7.8: a proxy must not pass the offer of its neighbour on.
        if sent.has(FieldName::Upgrade) && !sent.has(FieldName::UpgradeOption) {
            outlet.tail().extend_from_slice(b"Connection: Upgrade\r\n");
        }
        if rules.is_tunnel(status) {
            if status == Status::SWITCHING_PROTOCOLS && !sent.has(FieldName::Upgrade) {
                self.remember(Mistake::UnnamedUpgrade);
                self.check_mistakes()?;
            }
            return Ok(Some(Delimiter::Tunnel));
        }
        if rules.is_bare {
            // Nobody is told a length, so nothing has to wait for it.
            return Ok(known.or(Some(self.unknown_length())));
        }
        if sent.has(FieldName::Trailer) {
            if known.is_some() {
                self.remember(Mistake::LengthAndTrailer);
                self.check_mistakes()?;
            }
            // Only a chunked body has a place for them: it is not held for its length.
            if rules.modern_client {
                return Ok(Some(self.unknown_length()));
            }
        }
        Ok(known)
    }

    /// The delimiter of a body whose length is known, because it is complete or was declared.
    pub(crate) fn known_length(&self, length: u64) -> Delimiter {
        self.rules.known_length(self.status.unwrap_or(Status::OK), length)
    }

    /// The delimiter of a body that goes out before its end is known.
    pub(crate) fn unknown_length(&self) -> Delimiter {
        self.rules.unknown_length(self.status.unwrap_or(Status::OK))
    }

    /// Each final answer has one `Date` (RFC 9110 §6.6.1) and at most one `Server`: the handler's
    /// where it sent one, else the server's.
    #[inline(never)]
    fn complete_stamp(&mut self, outlet: &mut Outlet<'_>) {
        let sent = self.sent;
        let Some(stamp) = self.stamp_at else {
            if !sent.has(FieldName::Date) {
                outlet.tail().extend_from_slice(self.stamp.date());
            }
            return;
        };
        let date = stamp + self.stamp.server_len();
        if sent.has(FieldName::Date) {
            outlet.replace(date..stamp + self.stamp.both().len(), |_| {});
        }
        if sent.has(FieldName::Server) {
            outlet.replace(stamp..date, |_| {});
        }
    }

    /// Ends the head in the place of `old`, behind which the body stands.
    #[inline(never)] // of the usual answer the end is written where it belongs
    pub(crate) fn end(&mut self, old: Range<usize>, delimiter: Delimiter, outlet: &mut Outlet<'_>) {
        // HTTP/0.9 has answers without a head, and their end is that of the connection.
        let is_bare = self.rules.is_bare;
        let said = match delimiter {
            Delimiter::Close | Delimiter::Tunnel => Persistence::Close,
            _ if is_bare => Persistence::Close,
            _ => self.persistence(),
        };
        if is_bare {
            outlet.replace(0..old.end, |_| {});
        } else {
            outlet.replace(old, |out| encode::end_of_head(out, delimiter, said, &self.rules));
        }
        self.has_said_close = said == Persistence::Close;
    }

    /// Adds `Connection: close` to a head that was ended before that was known, if it is still
    /// here; the body begins at `body`.
    pub(crate) fn say_late_close(&mut self, body: usize, outlet: &mut Outlet<'_>) {
        if !self.has_said_close
            && self.persistence() == Persistence::Close
            && self.rules.modern_client
            && !outlet.has_left()
        {
            let blank_line = body.saturating_sub(2);
            outlet.replace(blank_line..blank_line, |out| out.extend_from_slice(encode::CLOSE));
        }
    }

    /// Forgets what was begun, so that another head can be.
    ///
    /// What was sent before the status stays, and so does the wish for the connection's end.
    pub(crate) fn reset(&mut self) {
        *self = AnswerHead {
            early: self.early.take(),
            wants_close: self.wants_close,
            ..AnswerHead::new(self.stamp, self.rules)
        };
    }

    /// Drops the early fields.
    pub(crate) fn forget_early(&mut self) {
        self.early = None;
    }

    /// Drops early fields that describe a body: another body takes its place.
    pub(crate) fn forget_early_body(&mut self) {
        if let Some(early) = &mut self.early {
            early.forget_body();
        }
    }
}

/// 1xx says that the answer is still to come; 101 is one (RFC 9110 §15.2.2).
pub(crate) fn is_interim(status: Status) -> bool {
    status.is_informational() && status != Status::SWITCHING_PROTOCOLS
}

/// Adds `name: value`, to which the line end is missing; nothing, and false, if the value cannot be
/// sent.
pub(crate) fn push_field(lines: &mut Vec<u8>, name: &str, value: &dyn ToHeaderValue) -> bool {
    if let Some(value) = value.as_written() {
        return push_text(lines, name, value);
    }
    // In a place of its own until it is known to be sound: what writes it may be the user's, and may
    // panic in the middle.
    let mut rendered = RENDERED.take();
    rendered.clear();
    rendered.reserve(MOST_VALUES);
    value.write_to(&mut rendered);
    let is_sound = push_text(lines, name, &rendered);
    if rendered.capacity() <= MAX_RENDERED {
        RENDERED.set(rendered);
    }
    is_sound
}

/// The same for a value that is there: it is checked where it stands, not where it has just been put.
#[inline(always)] // on the way of each request
fn push_text(lines: &mut Vec<u8>, name: &str, value: &[u8]) -> bool {
    let is_sound = is_all_text(value);
    if is_sound {
        lines.extend_from_slice(name.as_bytes());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(value);
    }
    is_sound
}

thread_local! {
    /// Where values are rendered: kept, so that a number costs no allocation.
    static RENDERED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Enough for a number, a date and most others.
const MOST_VALUES: usize = 64;

/// More bytes than that are not kept for the next value.
const MAX_RENDERED: usize = 1024;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use super::*;
    use crate::socket::kernel::Kernel;

    const RULES: AnswerRules = AnswerRules::USUAL;
    const OLD: AnswerRules = AnswerRules { modern_client: false, ..RULES };
    const BARE: AnswerRules = AnswerRules { is_bare: true, ..OLD };

    type Act = fn(&mut AnswerHead<'_>, &mut Outlet<'_>);

    /// What `write` makes of a head, which it ends if there is no mistake in it.
    fn head(
        rules: AnswerRules,
        write: impl FnOnce(&mut AnswerHead<'_>, &mut Outlet<'_>),
    ) -> (io::Result<()>, String) {
        let (kernel, mut out, mut stamp) = (Kernel::default(), Vec::new(), Stamp::new("me"));
        stamp.refresh(Instant::now(), || SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
        let mut outlet = Outlet::new(&mut out, &kernel);
        let mut head = AnswerHead::new(&stamp, rules);
        write(&mut head, &mut outlet);
        let ended = end(&mut head, &mut outlet);
        let text = String::from_utf8(out).unwrap();
        (ended, text.replace("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "D\r\n"))
    }

    fn end(head: &mut AnswerHead<'_>, outlet: &mut Outlet<'_>) -> io::Result<()> {
        head.check_mistakes()?;
        let (is_complete, delimiter, end) = (head.is_complete(), head.delimiter(), outlet.len());
        let completed = head.complete(head.status().unwrap(), outlet)?;
        if is_complete {
            assert_eq!((completed, outlet.len()), (delimiter, end), "nothing was to be completed");
        }
        let end = outlet.len();
        head.end(end..end, completed.unwrap_or(Delimiter::Length(0)), outlet);
        Ok(())
    }

    fn ok(head: &mut AnswerHead<'_>, outlet: &mut Outlet<'_>) {
        head.begin(Status::OK, None, true, outlet);
    }

    #[test]
    fn nothing_of_a_value_gets_out_before_it_is_known_to_be_sound() {
        use std::fmt;
        use std::panic::{AssertUnwindSafe, catch_unwind};

        /// Writes a whole answer of its own, and does not come to its end.
        struct Panics;
        impl ToHeaderValue for Panics {
            fn write_to(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(b"a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                panic!("in the middle");
            }
        }
        struct Fails;
        impl fmt::Display for Fails {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a\r\nInjected: 1\r\n")?;
                Err(fmt::Error)
            }
        }
        /// Takes away what is not its own.
        struct Clears;
        impl ToHeaderValue for Clears {
            fn write_to(&self, out: &mut Vec<u8>) {
                out.clear();
                out.push(0);
            }
        }
        let write = |is_early: bool, value: &dyn ToHeaderValue| {
            head(RULES, |head, outlet| {
                if !is_early {
                    ok(head, outlet);
                }
                let field = AssertUnwindSafe(|| head.field("X-A", value, outlet));
                // As a handler may.
                let _ = catch_unwind(field);
                if is_early {
                    ok(head, outlet);
                }
                head.field("Behind", &"it", outlet);
            })
        };
        let expected =
            "HTTP/1.1 200 OK\r\nServer: me\r\nD\r\nBehind: it\r\nContent-Length: 0\r\n\r\n";
        for is_early in [true, false] {
            let (ended, text) = write(is_early, &Panics);
            assert!(ended.is_ok());
            assert_eq!(text, expected);
            let (ended, text) = write(is_early, &format_args!("{}", Fails));
            assert!(ended.is_ok());
            assert_eq!(text, expected);
            let (ended, text) = write(is_early, &Clears);
            assert!(ended.is_err(), "it is a control character");
            assert!(expected.starts_with(&text) && text.starts_with("HTTP/1.1 200 OK"), "{text}");
        }
    }

    #[test]
    fn connection_options_are_the_server_s_in_any_spelling() {
        use Persistence::{Close, KeepAlive};
        for (value, persistence, is_sent) in [
            ("close", Close, false),
            (" Close ", Close, false),
            ("close,close,", Close, false),
            ("keep-alive", KeepAlive, false),
            ("close, Foo", Close, true),
            ("upgrade", KeepAlive, true),
        ] {
            let (ended, text) = head(RULES, |head, outlet| {
                ok(head, outlet);
                head.field("Connection", &value, outlet);
                assert_eq!(head.persistence(), persistence, "{value:?}");
            });
            assert!(ended.is_ok());
            assert_eq!(text.contains("Connection: close\r\n\r\n"), persistence == Close, "{text}");
            assert_eq!(text.contains(&format!("Connection: {value}\r\nC")), is_sent, "{text}");
        }
    }

    #[test]
    fn mistakes_are_reported_and_nothing_of_them_is_sent() {
        let acts: [(&str, Act); 10] = [
            ("line end in a value", |head, outlet| head.field("A", &"b\r\nC: d", outlet)),
            ("blank in a name", |head, outlet| head.field("A B", &"c", outlet)),
            ("no name", |head, outlet| head.field("", &"c", outlet)),
            ("transfer coding", |head, outlet| {
                head.field("Transfer-Encoding", &"chunked", outlet);
            }),
            ("two lengths", |head, outlet| {
                head.field("Content-Length", &"5", outlet);
                head.field("Content-Length", &"6", outlet);
            }),
            ("the same length twice", |head, outlet| {
                head.field("Content-Length", &"5", outlet);
                head.field("Content-Length", &"5", outlet);
            }),
            ("a contradiction", |head, outlet| {
                head.field("Connection", &"keep-alive, close", outlet);
            }),
            ("no option", |head, outlet| head.field("Connection", &"a b", outlet)),
            ("an option for all hops", |head, outlet| {
                head.field("Connection", &"content-length", outlet);
            }),
            ("no number", |head, outlet| head.field("Content-Length", &"+5", outlet)),
        ];
        for (name, act) in acts {
            let (ended, text) = head(RULES, |head, outlet| {
                ok(head, outlet);
                act(head, outlet);
                head.field("Behind", &"it", outlet);
            });
            assert!(ended.is_err(), "{name}");
            assert_eq!(text, "HTTP/1.1 200 OK\r\nServer: me\r\nD\r\nBehind: it\r\n", "{name}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_a_mistake() {
        let acts: [(&str, Act); 3] = [
            ("a phrase of two lines", |head, outlet| {
                head.begin(Status::OK, Some("a\nb"), true, outlet);
            }),
            ("101 without a protocol", |head, outlet| {
                head.begin(Status::SWITCHING_PROTOCOLS, None, true, outlet);
            }),
            ("a length, and trailers", |head, outlet| {
                ok(head, outlet);
                head.field("Trailer", &"X-Sum", outlet);
                head.field("Content-Length", &"5", outlet);
            }),
        ];
        for (name, act) in acts {
            let (ended, text) = head(RULES, act);
            assert!(ended.is_err() && !text.ends_with("\r\n\r\n"), "{name}: {text}");
        }
    }

    #[test]
    fn early_fields_go_out_with_whatever_answer_follows() {
        let (_, text) = head(RULES, |head, outlet| {
            head.field("Early", &"1", outlet);
            head.begin(Status::EARLY_HINTS, None, true, outlet);
            assert_eq!(
                outlet.split_off(0),
                b"HTTP/1.1 103 Early Hints\r\n",
                "not with an interim one"
            );
            head.reset();
            ok(head, outlet);
            head.field("Late", &"2", outlet);
            head.reset();
            outlet.clear();
            head.begin(Status::NOT_FOUND, None, true, outlet);
        });
        let expected =
            "HTTP/1.1 404 Not Found\r\nServer: me\r\nD\r\nEarly: 1\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_handler_s_server_and_date_take_the_place_of_ours() {
        let own = |name: &'static str| {
            head(RULES, move |head, outlet| {
                ok(head, outlet);
                head.field(name, &"mine", outlet);
            })
        };
        assert!(own("server").1.starts_with("HTTP/1.1 200 OK\r\nD\r\nserver: mine\r\n"));
        assert!(own("DATE").1.starts_with("HTTP/1.1 200 OK\r\nServer: me\r\nDATE: mine\r\n"));
        let (_, only) = head(RULES, |head, outlet| head.begin(Status::OK, None, false, outlet));
        assert_eq!(only, "HTTP/1.1 200 OK\r\nD\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn a_head_that_has_said_close_stands() {
        let (_, text) = head(OLD, |head, outlet| {
            ok(head, outlet);
            let end = outlet.len();
            head.end(end..end, Delimiter::Close, outlet);
            head.set_persistence(Persistence::KeepAlive);
            assert_eq!(head.persistence(), Persistence::Close);
            outlet.clear();
        });
        assert!(text.starts_with("Content-Length: 0\r\nConnection: close\r\n\r\n"), "{text}");
    }

    #[test]
    fn close_is_said_late_where_it_still_can_be() {
        for (rules, takes, is_said) in [(RULES, 0, true), (OLD, 0, false), (RULES, 1, false)] {
            let (kernel, mut out, stamp) = (Kernel::default(), Vec::new(), Stamp::new("me"));
            kernel.takes.set(takes);
            let mut outlet = Outlet::new(&mut out, &kernel);
            let mut head = AnswerHead::new(&stamp, rules);
            ok(&mut head, &mut outlet);
            end(&mut head, &mut outlet).unwrap();
            let body = outlet.len();
            outlet.tail().extend_from_slice(b"body");
            outlet.spill().unwrap();
            head.set_persistence(Persistence::Close);
            head.say_late_close(body, &mut outlet);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.ends_with("\r\nConnection: close\r\n\r\nbody"), is_said, "{text}");
            assert_eq!(text.matches("Connection: close").count(), usize::from(is_said), "{text}");
        }
    }

    #[test]
    fn an_answer_of_http_0_9_has_no_head_and_ends_with_the_connection() {
        let (kernel, mut out, stamp) = (Kernel::default(), Vec::new(), Stamp::new("me"));
        let mut outlet = Outlet::new(&mut out, &kernel);
        let mut head = AnswerHead::new(&stamp, BARE);
        ok(&mut head, &mut outlet);
        head.field("Content-Length", &5, &mut outlet);
        end(&mut head, &mut outlet).unwrap();
        assert_eq!(outlet.len(), 0);
        assert_eq!(head.persistence(), Persistence::Close);
    }

    #[test]
    fn the_wish_for_the_end_of_the_connection_outlives_an_answer_that_is_taken_back() {
        let (_, text) = head(RULES, |head, outlet| {
            head.set_persistence(Persistence::Close);
            ok(head, outlet);
            head.reset();
            outlet.clear();
            ok(head, outlet);
        });
        assert!(text.ends_with("Content-Length: 0\r\nConnection: close\r\n\r\n"), "{text}");
    }
}
