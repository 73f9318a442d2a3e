//! What must hold for any bytes at all: one function for each, which panics where it does not.
//!
//! The fuzzer (`fuzz/`) and the property tests at the bottom of this file call the same functions,
//! so that what one of them finds is a test of the other. Not for programs: it is compiled for
//! tests and under `cfg(fuzzing)` only.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};

use crate::config::{Config, FormLimits};
use crate::form::collect::FormOptions;
use crate::form::field_storage::FieldStorage;
use crate::form::text::TextErrors;
use crate::http::bytes::{is_all_text, is_token};
use crate::http::chunked::{BodyDecoder, Then};
use crate::http::connection::{Connection, Want};
use crate::http::date::Stamp;
use crate::http::encode::AnswerRules;
use crate::http::error::BadRequest;
use crate::http::framing::{BodyLength, Framing, Persistence};
use crate::http::head::{HeadLimits, HeadReader};
use crate::http::lenient::Leniency;
use crate::http::status::Status;
use crate::http::target::{self, Form, QueryString};
use crate::http::version::Version;
use crate::http_error::HttpError;
use crate::rfile::{CONTINUE, RequestReader};
use crate::socket::Socket;
use crate::wfile::ResponseWriter;

/// Small enough for a fuzzer to reach.
const LIMITS: HeadLimits = HeadLimits {
    head_bytes: 2048,
    target_bytes: 512,
    fields: 20,
    body_bytes: 1 << 20,
    leniency: Leniency::NONE,
};

/// A head is the same, or refused for the same, however it is delivered; another reader reads the
/// same in it; and what it was read as, written down again, is read as the same.
pub fn head(bytes: &[u8]) {
    let at_once = read_head([bytes]);
    for pieces in deliveries(bytes) {
        let delivered = read_head(pieces.iter().copied());
        assert_eq!(delivered, at_once, "another delivery, another head");
    }
    compare_with_httparse(bytes, &at_once);
    let Ok(Some(read)) = at_once else { return };
    assert!(is_token(read.command.as_bytes()), "{read:?}");
    assert!(read.version >= Version::HTTP_10 && read.version.major() == 1, "{read:?}");
    for (name, value) in &read.fields {
        assert!(is_token(name.as_bytes()) && is_all_text(value.as_bytes()), "{name}: {value}");
    }
    let mut again = format!("{}\r\n", read.requestline).into_bytes();
    for (name, value) in &read.fields {
        again.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    again.extend_from_slice(b"\r\n");
    if again.len() <= LIMITS.head_bytes {
        let again = read_head([&again[..]]);
        assert_eq!(again.map(|read| read.map(HeadRead::without_len)), Ok(Some(read.without_len())));
    }
}

/// What was read of a head.
#[derive(Debug, PartialEq, Eq)]
struct HeadRead {
    requestline: String,
    command: String,
    path: String,
    version: Version,
    fields: Vec<(String, String)>,
    framing: Framing,
    len: usize,
}

impl HeadRead {
    fn without_len(self) -> HeadRead {
        HeadRead { len: 0, ..self }
    }
}

fn read_head<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<Option<HeadRead>, BadRequest> {
    let (mut reader, mut bytes) = (HeadReader::default(), Vec::new());
    for piece in pieces {
        bytes.extend_from_slice(piece);
        if bytes.is_empty() {
            continue;
        }
        let Some(head) = reader.read(&bytes, &LIMITS)? else { continue };
        let mut other_text = None;
        let view = head.view(&bytes[..head.len()], &mut other_text);
        let Some(view) = view else { panic!("a head that cannot be shown") };
        return Ok(Some(HeadRead {
            requestline: view.requestline.to_owned(),
            command: view.command.to_owned(),
            path: view.path.to_owned(),
            version: view.version,
            fields: view.headers.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
            framing: head.framing,
            len: head.len(),
        }));
    }
    Ok(None)
}

/// What we read, `httparse` reads as the same; and what it reads and we do not is refused for a rule
/// that is not its own.
fn compare_with_httparse(bytes: &[u8], ours: &Result<Option<HeadRead>, BadRequest>) {
    let mut bytes = bytes.to_vec();
    if let Ok(Some(read)) = ours {
        // It knows no later minor version than 1, which is to be read as that.
        if read.version > Version::HTTP_11 {
            bytes[read.requestline.len() - 1] = b'1';
        }
    }
    let mut fields = [httparse::EMPTY_HEADER; LIMITS.fields];
    let mut theirs = httparse::Request::new(&mut fields);
    let theirs_len = match theirs.parse(&bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        refused => {
            assert!(!matches!(ours, Ok(Some(_))), "{refused:?}, and we have {ours:?}");
            return;
        }
    };
    match ours {
        Ok(Some(read)) => {
            let minor = theirs.version.unwrap_or(9);
            let line = [theirs.method.unwrap_or(""), theirs.path.unwrap_or("")].join(" ");
            assert_eq!(read.len, theirs_len);
            assert_eq!(line, read.requestline[..line.len()]);
            assert_eq!(minor, read.version.minor().min(1));
            assert_eq!(read.fields.len(), theirs.headers.len());
            for (ours, theirs) in read.fields.iter().zip(theirs.headers.iter()) {
                let latin_1 = || theirs.value.iter().copied().map(char::from).collect();
                let value = String::from_utf8(theirs.value.to_vec()).unwrap_or_else(|_| latin_1());
                assert_eq!(*ours, (theirs.name.to_owned(), value));
            }
        }
        Ok(None) => panic!("a complete head is waited for"),
        Err(BadRequest::RequestLine) => {
            assert!(bytes.starts_with(b"\r") || bytes.starts_with(b"\n"))
        }
        Err(BadRequest::LineEnd) => {
            let lines = bytes[..theirs_len].split_inclusive(|byte| *byte == b'\n');
            assert!(lines.into_iter().any(|line| !line.ends_with(b"\r\n")), "{ours:?}");
        }
        Err(syntax @ (BadRequest::Version | BadRequest::FieldName | BadRequest::FieldValue)) => {
            panic!("{syntax:?}, but httparse reads it");
        }
        // Sizes, bytes of the target, and what the fields mean are not its matter.
        Err(_) => {}
    }
}

/// A target has one form or none, and what is cut out of it stays inside.
pub fn target(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    for method in ["GET", "OPTIONS", "CONNECT"] {
        let form = target::classify(method.as_bytes(), bytes);
        assert_eq!(form == Some(Form::Authority), form.is_some() && method == "CONNECT", "{text}");
        assert!(form != Some(Form::Asterisk) || (method, text) == ("OPTIONS", "*"), "{text}");
        assert!(form != Some(Form::Origin) || text.starts_with('/'), "{text}");
    }
    let (path, query) = target::split(text);
    assert!(!path.starts_with("//") && !path.contains('?'), "{text}");
    assert!(text.ends_with(query), "{text}");
    assert!(target::decode_path(path).len() <= 3 * path.len(), "{text}");
    let query = QueryString::new(query);
    for (name, _) in query.pairs() {
        assert!(query.get(&name).is_some(), "{text}: {name}");
    }
}

/// A chunked body is the same however it is delivered, and the same to a reader that takes the
/// grammar word by word.
pub fn chunked(bytes: &[u8]) {
    let at_once = read_chunked([bytes]);
    for pieces in deliveries(bytes) {
        assert_eq!(read_chunked(pieces.iter().copied()), at_once, "another delivery");
    }
    match (at_once, by_the_grammar(bytes)) {
        (Ok((data, used, true)), Some((expected, len))) => {
            assert_eq!((data, used), (expected, len), "where the body ends");
        }
        (Ok((_, _, true)), None) => panic!("accepted, against the grammar"),
        (Ok((_, _, false)), found) => assert_eq!(found, None, "taken for incomplete"),
        // The limits are not part of the grammar.
        (Err(BadRequest::ChunkOverhead), _) => {}
        (Err(refused), found) => assert_eq!(found, None, "{refused}"),
    }
}

type Body = (Vec<u8>, usize, bool);

fn read_chunked<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<Body, BadRequest> {
    let mut decoder = BodyDecoder::new(BodyLength::Chunked);
    let (mut data, mut used) = (Vec::new(), 0);
    for mut piece in pieces {
        loop {
            let framed = decoder.frame(piece)?;
            piece = &piece[framed.skip..];
            used += framed.skip;
            let Then::Data(len) = framed.then else { break };
            data.extend_from_slice(&piece[..len]);
            piece = &piece[len..];
            used += len;
            decoder.take(len);
        }
    }
    Ok((data, used, decoder.is_done()))
}

/// RFC 9112 §7.1, rule by rule, with nothing clever: the data, and the length on the wire.
fn by_the_grammar(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut data, mut at) = (Vec::new(), 0);
    let line = |at: usize| {
        let len = bytes.get(at..)?.windows(2).position(|two| two == b"\r\n")?;
        Some(&bytes[at..at + len])
    };
    loop {
        let size_line = line(at)?;
        at += size_line.len() + 2;
        let digits = size_line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extension) = size_line.split_at(digits);
        if size.is_empty() || size.len() > 16 || !is_extension(extension) {
            return None;
        }
        let size = u64::from_str_radix(str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        let end = at.checked_add(usize::try_from(size).ok()?)?;
        data.extend_from_slice(bytes.get(at..end)?);
        if bytes.get(end..end.checked_add(2)?)? != b"\r\n" {
            return None;
        }
        at = end + 2;
    }
    loop {
        let field = line(at)?;
        at += field.len() + 2;
        if field.is_empty() {
            return Some((data, at));
        }
        let colon = field.iter().position(|byte| *byte == b':')?;
        if !is_token(&field[..colon]) || !is_all_text(&field[colon + 1..]) {
            return None;
        }
    }
}

/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`, and nothing behind it.
fn is_extension(mut rest: &[u8]) -> bool {
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let skip = |rest: &mut &[u8]| *rest = &rest[rest.iter().take_while(is_blank).count()..];
    let token = |rest: &mut &[u8]| {
        let len = rest.iter().take_while(|byte| is_token(&[**byte])).count();
        *rest = &rest[len..];
        len > 0
    };
    while !rest.is_empty() {
        skip(&mut rest);
        let [b';', behind @ ..] = rest else { return false };
        rest = behind;
        skip(&mut rest);
        if !token(&mut rest) {
            return false;
        }
        let mut value = rest;
        skip(&mut value);
        let [b'=', behind @ ..] = value else { continue };
        rest = behind;
        skip(&mut rest);
        if let [b'"', behind @ ..] = rest {
            let mut len = 0;
            loop {
                match &behind[len..] {
                    [b'"', ..] => break,
                    [b'\\', escaped, ..] if is_all_text(&[*escaped]) => len += 2,
                    [b'\\', ..] | [] => return false,
                    [byte, ..] if is_all_text(&[*byte]) => len += 1,
                    _ => return false,
                }
            }
            rest = &behind[len + 1..];
        } else if !token(&mut rest) {
            return false;
        }
    }
    true
}

/// A conversation is the same however it is delivered: the same requests, the same bytes out; and
/// what goes out reads as one answer for each request.
pub fn connection(bytes: &[u8]) {
    let (seen, out) = converse([bytes]);
    assert_eq!(answers(&out, &seen), seen.iter().map(Seen::answer).collect::<Vec<_>>());
    for pieces in deliveries(bytes) {
        let (seen_now, out_now) = converse(pieces.iter().copied());
        assert_eq!(answers(&out_now, &seen_now).len(), seen_now.len());
        assert_eq!(seen_now, seen, "another delivery, other requests");
        assert_eq!(out_now, out, "another delivery, other bytes out");
    }
}

/// A request as its handler saw it, or the refusal at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Request { line: String, body: Result<Vec<u8>, ()>, is_head: bool },
    Refused(BadRequest),
}

impl Seen {
    /// Status and body of the answer.
    fn answer(&self) -> (u16, Vec<u8>) {
        match self {
            Seen::Request { is_head: true, .. } => (200, Vec::new()),
            Seen::Request { line, body: Ok(body), .. } => (200, [line.as_bytes(), body].concat()),
            Seen::Request { line, body: Err(()), .. } => (200, line.as_bytes().to_vec()),
            Seen::Refused(refused) => (refused.status().code(), Vec::new()),
        }
    }
}

/// Delivers the pieces, and answers each request with its line and its body.
fn converse<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> (Vec<Seen>, Vec<u8>) {
    let wire = Wire::default();
    wire.coming.borrow_mut().extend(pieces.into_iter().map(<[u8]>::to_vec));
    let (mut connection, stamp) = (Connection::default(), Stamp::new("us"));
    let config = Config { max_body_bytes: 1 << 20, ..Config::default() };
    let (mut seen, mut out) = (Vec::new(), Vec::new());
    loop {
        match connection.advance(&LIMITS) {
            Want::Close => break,
            Want::Expectation => connection.welcome_body(),
            Want::Bytes => match wire.read(connection.input.room()) {
                Ok(0) | Err(_) => {
                    connection.end_of_input();
                }
                Ok(count) => connection.input.fill(count),
            },
            Want::Refusal(refused) => {
                let rules = AnswerRules { may_persist: false, ..RULES };
                let mut wfile = ResponseWriter::new(&mut out, &wire, &stamp, rules);
                wfile.begin(Ok(refused.status()), None, true);
                wfile.finish();
                seen.push(Seen::Refused(refused));
                break;
            }
            Want::Handler => {
                let Some((parts, mut repeats)) = connection.parts() else {
                    panic!("no request to lend")
                };
                let rules = AnswerRules {
                    head_only: parts.head.command == "HEAD",
                    modern_client: parts.head.version >= Version::HTTP_11,
                    is_bare: false,
                    is_connect: parts.head.command == "CONNECT",
                    may_persist: parts.persistence == Persistence::KeepAlive,
                    ..RULES
                };
                let (left, persistence) = loop {
                    let line = parts.head.requestline.to_owned();
                    let mut rfile = RequestReader::new(parts.body.clone(), &wire, &config);
                    let mut body = Vec::new();
                    let read = rfile.read_to_end(&mut body);
                    let mut wfile = ResponseWriter::new(&mut out, &wire, &stamp, rules);
                    wfile.begin(Ok(Status::OK), None, true);
                    let written = wfile.write_all(line.as_bytes());
                    assert!(written.is_ok(), "nothing is in the way of an answer");
                    // Every other answer does not wait for its length.
                    if line.len() % 2 == 0 {
                        assert!(wfile.flush().is_ok());
                    }
                    if read.is_ok() {
                        assert!(wfile.write_all(&body).is_ok());
                    }
                    let persistence = wfile.finish().persistence;
                    let body = read.map(|_| body).map_err(|_| ());
                    seen.push(Seen::Request { line, body, is_head: rules.head_only });
                    if persistence == Persistence::Close || !repeats.next() {
                        break (rfile.take_rest(), persistence);
                    }
                };
                let repeated = repeats.count();
                connection.answered(repeated, left, persistence);
            }
        }
    }
    let mut sent = wire.sent.take();
    sent.append(&mut out);
    (seen, sent)
}

/// A client of HTTP/1.1 that keeps its connection.
const RULES: AnswerRules = AnswerRules::USUAL;

/// A socket of bytes that are there, and of bytes that were sent.
#[derive(Default)]
struct Wire {
    coming: RefCell<VecDeque<Vec<u8>>>,
    sent: RefCell<Vec<u8>>,
}

impl Socket for Wire {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut coming = self.coming.borrow_mut();
        while let Some(mut piece) = coming.pop_front() {
            let count = piece.len().min(into.len());
            into[..count].copy_from_slice(&piece[..count]);
            if count < piece.len() {
                coming.push_front(piece.split_off(count));
            }
            if count > 0 {
                return Ok(count);
            }
        }
        Ok(0)
    }

    fn is_peer_gone(&self) -> bool {
        false
    }

    fn has_written(&self) -> bool {
        false
    }

    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        let all: Vec<u8> = bytes.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.sent.borrow_mut().extend_from_slice(&all);
        Ok(all.len())
    }

    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        // Whether a client has to be asked for its body depends on how it delivers it.
        if bytes != CONTINUE {
            self.sent.borrow_mut().extend_from_slice(bytes);
        }
        Ok(())
    }
}

/// Reads answers as a client does (RFC 9112 §6.3): status and body of each.
fn answers(mut bytes: &[u8], to: &[Seen]) -> Vec<(u16, Vec<u8>)> {
    let mut found = Vec::new();
    for request in to {
        let mut fields = [httparse::EMPTY_HEADER; 20];
        let mut head = httparse::Response::new(&mut fields);
        let Ok(httparse::Status::Complete(len)) = head.parse(bytes) else {
            panic!("no answer: {}", bytes.escape_ascii());
        };
        let values = |name: &str| {
            let named = head.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            named.map(|field| String::from_utf8_lossy(field.value).into_owned()).collect::<Vec<_>>()
        };
        let (lengths, codings) = (values("Content-Length"), values("Transfer-Encoding"));
        assert!(lengths.len() + codings.len() <= 1, "{lengths:?} {codings:?}");
        let behind = &bytes[len..];
        let (body, used) = match (&lengths[..], &codings[..]) {
            _ if matches!(request, Seen::Request { is_head: true, .. }) => (Vec::new(), 0),
            ([length], _) => {
                let length: usize = length.parse().expect("a number");
                (behind[..length].to_vec(), length)
            }
            (_, [coding]) => {
                assert_eq!(coding, "chunked");
                by_the_grammar(behind).expect("a chunked body")
            }
            _ => (behind.to_vec(), behind.len()),
        };
        found.push((head.code.unwrap_or(0), body));
        bytes = &behind[used..];
    }
    assert!(bytes.is_empty(), "more than the answers: {}", bytes.escape_ascii());
    found
}

/// A form is the same however its body is delivered, and what it was read as, written down again, is
/// read as the same.
pub fn multipart(bytes: &[u8]) {
    let limits = FormLimits {
        max_fields: 8,
        max_part_head_bytes: 256,
        max_part_header_fields: 4,
        max_field_name_bytes: 64,
        max_field_memory_bytes: 64,
        max_form_memory_bytes: 1024,
    };
    let options = FormOptions { limits: Some(limits), ..FormOptions::default() };
    let read = |pieces: Vec<&[u8]>, content_type: &str| {
        FormRead::of(FieldStorage::read(Pieces(pieces), content_type, &options))
    };
    let at_once = read(vec![bytes], "multipart/form-data; boundary=b");
    for pieces in deliveries(bytes) {
        let delivered = read(pieces, "multipart/form-data; boundary=b");
        assert_eq!(delivered, at_once, "another delivery, another form");
    }
    let boundary = "no-fuzzer-thinks-of-this-long-one";
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut again = String::new();
    for (name, filename, value) in &at_once.fields {
        let filename = filename.as_ref().map(|name| format!("; filename=\"{}\"", quoted(name)));
        again += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{value}\r\n",
            quoted(name),
            filename.unwrap_or_default()
        );
    }
    again += &format!("--{boundary}--");
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let again = FieldStorage::read(again.as_bytes(), &content_type, &FormOptions::default());
    // A quotation mark that was sent as `%22` is one, and a name of many is longer as `\"`.
    if let Ok(again) = again {
        assert_eq!(FormRead::of(Ok(again)).fields, at_once.fields);
    }
}

/// An urlencoded form is read as a query is, and by whoever asks for it.
pub fn urlencoded(bytes: &[u8]) {
    let content_type = "application/x-www-form-urlencoded";
    let options = FormOptions { errors: TextErrors::Replace, ..FormOptions::default() };
    let read = FormRead::of(FieldStorage::read(bytes, content_type, &options));
    let Ok(text) = str::from_utf8(bytes) else { return };
    if read.refused.is_none() {
        let pairs = QueryString::new(text).pairs();
        let pairs = pairs.map(|(name, value)| (name.into_owned(), None, value.into_owned()));
        assert_eq!(pairs.collect::<Vec<_>>(), read.fields);
    }
    let strict = FormOptions { strict_parsing: true, ..FormOptions::default() };
    if let Ok(strict) = FieldStorage::read(bytes, content_type, &strict) {
        assert_eq!(FormRead::of(Ok(strict)), read, "strictness refuses, and changes nothing");
    }
}

/// What was read of a form: name, file name and value of each field, and with what it was refused.
#[derive(Debug, PartialEq)]
struct FormRead {
    fields: Vec<(String, Option<String>, String)>,
    refused: Option<(u16, String)>,
}

impl FormRead {
    fn of(form: Result<FieldStorage, HttpError>) -> FormRead {
        let told = |error: &HttpError| (error.status().code(), error.explain_text().to_owned());
        let refused = form.as_ref().err().map(told);
        let fields = form.or_else(FieldStorage::recover).unwrap_or_default().into_iter();
        let fields = fields
            .map(|field| (field.name.clone(), field.filename.clone(), field.value().to_owned()));
        FormRead { fields: fields.collect(), refused }
    }
}

/// Gives out pieces as they were cut.
struct Pieces<'b>(Vec<&'b [u8]>);

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.0.first().is_some_and(|piece| piece.is_empty()) {
            self.0.remove(0);
        }
        self.0.first_mut().map_or(Ok(0), |piece| piece.read(into))
    }
}

/// Other ways to deliver `bytes`: byte by byte, and in two pieces; not all of them where they are
/// many.
fn deliveries(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let step = (bytes.len() / MOST_CUTS).max(1);
    let cuts = (1..bytes.len()).step_by(step);
    let by_byte = std::iter::once(bytes.chunks(1).collect());
    by_byte.chain(cuts.map(|cut| vec![&bytes[..cut], &bytes[cut..]]))
}

/// Enough to find what depends on a place, and few enough for a fuzzer's speed.
const MOST_CUTS: usize = 24;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A request that is right, and what its handler has to see of it.
    fn request() -> impl Strategy<Value = (Vec<u8>, Seen)> {
        let line = ("(GET|POST|HEAD|PUT|M-SEARCH)", "/[a-z%0-9/]{0,12}(\\?[a-z=&]{0,9})?");
        let fields = vec("[A-Za-z-]{1,9}: {0,2}[ -~\u{a1}-\u{ff}]{0,20}", 0..4);
        let body = vec(any::<u8>(), 0..40);
        (line, fields, body, vec(1usize..9, 0..9), any::<bool>(), any::<bool>()).prop_map(
            |((method, target), fields, body, cuts, is_chunked, has_trailer)| {
                let line = format!("{method} {target} HTTP/1.1");
                // A field of that name would frame, or end, the conversation.
                let is_free = |field: &&String| {
                    let name = field.split(':').next().unwrap_or_default().to_lowercase();
                    !["host", "expect", "te"].contains(&name.as_str())
                };
                let fields: Vec<_> = fields.iter().filter(is_free).cloned().collect();
                let mut text = format!("{line}\r\nHost: a\r\n").into_bytes();
                for field in fields {
                    text.extend_from_slice(format!("{field}\r\n").as_bytes());
                }
                if is_chunked {
                    text.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                    let mut rest = &body[..];
                    for cut in cuts.iter().copied().chain([usize::MAX]) {
                        let (now, later) = rest.split_at(cut.min(rest.len()));
                        if !now.is_empty() {
                            text.extend_from_slice(
                                format!("{:X};x=\"y\"\r\n", now.len()).as_bytes(),
                            );
                            text.extend_from_slice(&[now, b"\r\n"].concat());
                        }
                        rest = later;
                    }
                    let trailer = if has_trailer { "X-Sum: 1\r\n" } else { "" };
                    text.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
                } else {
                    text.extend_from_slice(
                        format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(),
                    );
                    text.extend_from_slice(&body);
                }
                (text, Seen::Request { line, body: Ok(body), is_head: method == "HEAD" })
            },
        )
    }

    /// Bytes that are nearly right: requests with some bytes changed, dropped or doubled.
    fn nearly_right() -> impl Strategy<Value = Vec<u8>> {
        let odd = prop_oneof![
            any::<u8>(),
            proptest::sample::select(b"\r\n\t\0 :;,=\"#/@%+-_0fx".to_vec()),
        ];
        (vec(request(), 1..4), vec((any::<proptest::sample::Index>(), odd, 0u8..4), 0..6)).prop_map(
            |(requests, changes)| {
                let mut bytes: Vec<u8> = requests.into_iter().flat_map(|(text, _)| text).collect();
                for (place, odd, how) in changes {
                    let at = place.index(bytes.len());
                    match how {
                        0 => bytes[at] = odd,
                        1 => bytes.insert(at, odd),
                        2 if bytes.len() > 1 => drop(bytes.remove(at)),
                        _ => bytes.insert(at, bytes[at]),
                    }
                }
                bytes
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

        #[test]
        fn pipelined_requests_come_out_as_they_went_in(
            different in vec((request(), 1usize..4), 1..5),
            sizes in vec(1usize..60, 1..20),
        ) {
            // Some repeat the one before them.
            let requests: Vec<_> =
                different.into_iter().flat_map(|(one, count)| vec![one; count]).collect();
            let bytes: Vec<u8> = requests.iter().flat_map(|(text, _)| text.clone()).collect();
            let expected: Vec<Seen> = requests.into_iter().map(|(_, seen)| seen).collect();
            let mut pieces = Vec::new();
            let mut rest = &bytes[..];
            for size in sizes.iter().cycle() {
                let (piece, later) = rest.split_at((*size).min(rest.len()));
                pieces.push(piece);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            let (seen, out) = converse(pieces);
            prop_assert_eq!(&seen, &expected);
            let at_once = converse([&bytes[..]]);
            prop_assert_eq!(&at_once.0, &expected);
            prop_assert_eq!(at_once.1, out);
        }

        #[test]
        fn what_is_nearly_right_is_the_same_however_it_is_delivered(bytes in nearly_right()) {
            connection(&bytes);
            head(&bytes);
            let behind_head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            chunked(&bytes[behind_head.map_or(0, |at| at + 4)..]);
        }

        #[test]
        fn a_target_is_cut_where_it_should_be(text in "(https?://|/)?[ -~]{0,30}") {
            target(text.as_bytes());
        }

        #[test]
        fn what_is_written_is_what_a_client_reads(
            lengths in vec((0usize..30_000, any::<bool>()), 0..8),
            declares in any::<bool>(),
        ) {
            let (wire, stamp, mut out) = (Wire::default(), Stamp::new("us"), Vec::new());
            let piece = |(length, is_flushed): &(usize, bool)| {
                let bytes = (0..*length).map(|n| (n % 251) as u8).collect();
                (bytes, *is_flushed)
            };
            let pieces: Vec<(Vec<u8>, bool)> = lengths.iter().map(piece).collect();
            let body: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece.clone()).collect();
            let mut wfile = ResponseWriter::new(&mut out, &wire, &stamp, RULES);
            wfile.begin(Ok(Status::OK), None, true);
            if declares {
                wfile.field("Content-Length", &body.len());
            }
            for (piece, is_flushed) in &pieces {
                wfile.write_all(piece).unwrap();
                if *is_flushed {
                    wfile.flush().unwrap();
                }
            }
            prop_assert!(wfile.finish().is_complete);
            let mut sent = wire.sent.take();
            sent.append(&mut out);
            let to = Seen::Request { line: String::new(), body: Ok(Vec::new()), is_head: false };
            prop_assert_eq!(answers(&sent, &[to]), vec![(200, body)]);
        }
    }

    /// What a fuzzer starts from, and what it has found.
    #[test]
    fn seeds_hold() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
        type Property = fn(&[u8]);
        let properties: [(&str, Property); 6] = [
            ("head", head),
            ("target", target),
            ("chunked", chunked),
            ("connection", connection),
            ("multipart", multipart),
            ("urlencoded", urlencoded),
        ];
        for (name, property) in properties {
            let mut count = 0;
            for entry in fs::read_dir(seeds.join(name)).expect("there are seeds") {
                let path = entry.expect("a seed").path();
                property(&fs::read(&path).expect("a seed can be read"));
                count += 1;
            }
            assert!(count > 3, "{count} seeds for {name}");
        }
    }
}
