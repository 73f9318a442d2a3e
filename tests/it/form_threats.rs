//! What has been done to other servers by forms, done to this one.
//!
//! From the advisories about python-multipart, werkzeug, Go, multer and busboy, and from bugs of
//! Python's `cgi` that were never mended.

use std::io::Read;

use basehttp::{Config, FieldStorage, Result, http_handler};
use basehttp_tests::{serve, serve_with, shown};

use crate::forms::{Told, named, parts, post_form, refusal};

const MULTIPART: &str = "multipart/form-data; boundary=xyz";
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// Insists on the answer to each body.
fn insist(cases: &[(&str, String, u16, &str)]) {
    let server = serve(Told);
    for (content_type, body, status, told) in cases {
        let reply = server.connect().send(post_form("/", content_type, body)).reply();
        assert_eq!(refusal(&reply), (*status, *told), "{}", shown(body));
        server.assert_alive(&shown(body));
    }
}

#[test]
fn heads_without_an_end_are_refused_before_it_would_come() {
    let server = serve(Told);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000000\r\n";
    for (front, filler, status) in [
        ("--xyz\r\nContent-Disposition: form-data; name=\"", "x", 431),
        ("--xyz\r\nX", "x", 431),
        ("--xyz\r\n", "X: y\r\n", 431),
        ("", "preamble\r\n", 400),
        ("", "--xyzz\r\n", 400),
        ("--xyz", " ", 400),
    ] {
        let mut client = server.connect();
        client.send(format!("{head}Content-Type: {MULTIPART}\r\n\r\n{front}"));
        // More than the loop collects, so that the form is looked at; the rest never comes.
        client.send(filler.repeat(80_000 / filler.len()));
        assert_eq!(client.reply().status, status, "{front} {filler}");
    }
}

#[test]
fn what_stands_behind_the_last_boundary_costs_nothing() {
    let server = serve(Told);
    let body = parts(&[(&named("a", ""), "1")]) + &"--xyz\r\n".repeat(1_000_000);
    // The rest is too much to be dropped, so that the connection ends behind the answer.
    let mut client = server.connect();
    let _ = client.try_send(post_form("/", MULTIPART, body));
    let reply = client.reply();
    assert_eq!((reply.brief(), reply.says_close()), ((200, "a=1\n"), true));
}

#[test]
fn parameters_that_two_readers_could_read_differently_are_refused() {
    let disposition = "a part has not exactly one content-disposition: form-data";
    let extended = "parameters such as filename* have no place in a form (RFC 7578 section 4.2)";
    let line = "a line in the head of a part is not of the form name: value";
    let part = |head: &str| parts(&[(head, "x")]);
    let plain = named("a", "");
    insist(&[
        // RFC 2231: continuations and encodings that some readers prefer to the plain parameter.
        (MULTIPART, part(&format!("{plain}; filename*=UTF-8''evil.php")), 400, extended),
        (
            MULTIPART,
            part(&format!("{plain}; filename=a.txt; filename*0=evil; filename*1=.php")),
            400,
            extended,
        ),
        (MULTIPART, part("Content-Disposition: form-data; name*=UTF-8''a"), 400, extended),
        (
            MULTIPART,
            part(&format!("{plain}; filename=\"a.txt\"; filename=\"evil.php\"")),
            400,
            disposition,
        ),
        (
            MULTIPART,
            part(&format!("{plain}\r\nContent-Disposition: form-data; name=b")),
            400,
            disposition,
        ),
        (MULTIPART, part(&format!("{plain}; filename=\"a\"b\"")), 400, disposition),
        (MULTIPART, part(&format!("{plain}; filename=\"a")), 400, disposition),
        (MULTIPART, part("Content-Disposition: attachment; name=\"a\""), 400, disposition),
        // Without a disposition, and without a name.
        (MULTIPART, part("Content-Type: text/plain"), 400, disposition),
        (MULTIPART, "--xyz\r\n\r\nx\r\n--xyz--\r\n".into(), 400, disposition),
        (
            MULTIPART,
            part("Content-Disposition: form-data; filename=\"a\""),
            400,
            "a part has no name",
        ),
        // Lines: bare, folded, doubled.
        (MULTIPART, part(&format!("{plain};\r\n filename=\"evil.php\"")), 400, line),
        (MULTIPART, part(&format!("{plain}\nX: y")), 400, line),
        (MULTIPART, part(&format!("{plain}\r\nX: y\rZ: z")), 400, line),
        (MULTIPART, part(&format!("{plain}\r\nX: \0")), 400, line),
        (MULTIPART, part(&format!("{plain}\r\nContent-Type : text/html")), 400, line),
        (
            MULTIPART,
            part(&format!("{plain}\r\nContent-Type: text/a\r\nContent-Type: text/b")),
            400,
            line,
        ),
        // A length within a part means nothing, negative or not.
        (MULTIPART, part(&format!("{plain}\r\nContent-Length: -1")), 200, "a=x\n"),
        (
            MULTIPART,
            part(&format!("{plain}\r\nContent-Length: 99999999999999999999")),
            200,
            "a=x\n",
        ),
    ]);
}

#[test]
fn nothing_is_encoded_or_nested_within_a_part() {
    let nested = format!("{}\r\nContent-Type: Multipart/Mixed; boundary=b", named("a", ""));
    let page = format!("{}\r\nContent-Type: multipart/related; boundary=b", named("a", "page.mht"));
    let base64 = format!("{}\r\nContent-Transfer-Encoding: base64", named("a", ""));
    insist(&[
        (
            MULTIPART,
            parts(&[(&nested, "--b--")]),
            400,
            "a part of a form cannot be a multipart itself",
        ),
        (
            MULTIPART,
            parts(&[(&base64, "eA==")]),
            415,
            "a part has a content-transfer-encoding that encodes",
        ),
        // A file is a file, whatever it is called (Python loses it).
        (
            MULTIPART,
            parts(&[(&page, "--b--")]),
            200,
            "a=--b-- [page.mht, multipart/related; boundary=b]\n",
        ),
    ]);
}

#[test]
fn only_an_ampersand_separates() {
    insist(&[
        (URLENCODED, "a=1;a=2".into(), 200, "a=1;a=2\n"),
        (URLENCODED, "a=1&amp;b=2".into(), 200, "a=1\namp;b=2\n"),
        (URLENCODED, "a=1%26b=2".into(), 200, "a=1&b=2\n"),
        (URLENCODED, "a=1\n&b=2\0".into(), 200, "a=1\\n\nb=2\\x00\n"),
    ]);
}

#[test]
fn boundaries_at_odd_places_are_understood_or_refused() {
    let cut = "the form ended before its last boundary";
    let a = format!("{}\r\n\r\n", named("a", ""));
    insist(&[
        (MULTIPART, format!("--xyz\r\n{a}--xyz--\r\n"), 200, "a=\n"),
        (MULTIPART, format!("--xyz\r\n{a}--xyz\r\n{a}--xyz--"), 200, "a=\na=\n"),
        (MULTIPART, format!("\r\n--xyz\r\n{a}1\r\n--xyz-- \t\r\n"), 200, "a=1\n"),
        (MULTIPART, format!("--xyz\r\n{a}1\r\n--XYZ--\r\n"), 400, cut),
        (MULTIPART, format!("--xyz\r\n{a}1--xyz--\r\n"), 400, cut),
        (MULTIPART, format!("--xyz\n{a}1\r\n--xyz--\r\n"), 200, ""),
        (MULTIPART, format!("--xyz\r\n{a}1\n--xyz--\n"), 400, cut),
        (MULTIPART, format!("--xyz\r\n{a}1\r\n--xyz\n\r\n--xyz--"), 200, "a=1\\r\\n--xyz\\n\n"),
        (MULTIPART, "--xyz--".into(), 200, ""),
        // Boundaries of which one is the beginning of another, or that are all hyphens.
        (
            "multipart/form-data; boundary=x",
            format!("--x\r\n{a}1\r\n--xx\r\n2\r\n--x--"),
            200,
            "a=1\\r\\n--xx\\r\\n2\n",
        ),
        ("multipart/form-data; boundary=--", format!("----\r\n{a}1\r\n------"), 200, "a=1\n"),
        (
            "multipart/form-data; boundary=-",
            format!("---\r\n{a}1\r\n--\r\n-----"),
            200,
            "a=1\\r\\n--\n",
        ),
    ]);
}

#[test]
fn look_alikes_by_the_million_are_read_in_one_go() {
    let server = serve_with(Told, Config { max_body_bytes: 1 << 30, ..Config::default() });
    for unit in ["\r\n--xy", "\r\n--xyzz", "\r\n--xyz-", "\r", "\r\n", "\r\n--", "\r\n--xyz \r "] {
        let data = unit.repeat(2_000_000 / unit.len());
        let body = parts(&[(&named("a", "f"), &data), (&named("b", ""), "2")]);
        let reply = server.connect().send(post_form("/", MULTIPART, body)).reply();
        let end = " [f, text/plain] spooled\nb=2\n";
        assert!(reply.text().ends_with(end), "{unit:?}: {}", shown(&reply.body));
        assert!(reply.text().contains(&format!("({} bytes)", data.len())), "{unit:?}");
    }
}

#[test]
fn a_thousand_fields_are_enough() {
    let many = |count: usize| parts(&vec![(named("a", "").as_str(), ""); count]);
    let server = serve(Told);
    for count in [1000, 1001, 20_000] {
        let reply = server.connect().send(post_form("/", MULTIPART, many(count))).reply();
        assert_eq!(reply.status, if count > 1000 { 413 } else { 200 }, "{count}");
        let body = "a=1&".repeat(count);
        let reply = server.connect().send(post_form("/", URLENCODED, body)).reply();
        assert_eq!(reply.status, if count > 1000 { 413 } else { 200 }, "{count}");
    }
    // Heads count for the memory of the form, each within its own limits or not.
    let head = format!("{}\r\nX: {}", named("a", ""), "x".repeat(8000));
    let heads = parts(&vec![(head.as_str(), ""); 200]);
    let reply = server.connect().send(post_form("/", MULTIPART, heads)).reply();
    assert_eq!(refusal(&reply), (413, "the form needs more memory than max_form_memory_bytes"));
}

/// Adds up the bytes of uploads.
struct Sums;

#[http_handler]
impl Sums {
    fn do_POST(&self, mut form: FieldStorage) -> Result<String> {
        let mut sum = 0;
        for field in &mut form {
            let mut bytes = Vec::new();
            field.file.read_to_end(&mut bytes)?;
            sum = bytes.iter().fold(sum, |sum, byte| sum + u64::from(*byte));
        }
        Ok(sum.to_string())
    }
}

#[test]
fn any_bytes_can_be_uploaded() {
    let server = serve(Sums);
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for round in 0..200usize {
        let len = if round % 20 == 0 { 200_000 } else { round * 3 };
        let bytes: Vec<u8> = (0..len)
            .map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // Mostly what boundaries are made of.
                if random & 3 == 0 { random as u8 } else { b"\r\n-xyz"[(random >> 8) as usize % 6] }
            })
            .collect();
        let head = format!("--xyz\r\n{}\r\n\r\n", named("f", "f"));
        let is_boundary = |window: &[u8]| window == b"\r\n--xyz";
        if bytes.windows(7).any(is_boundary) || bytes.starts_with(b"--xyz") {
            continue;
        }
        let body = [head.as_bytes(), &bytes, b"\r\n--xyz--\r\n"].concat();
        let reply = server.connect().send(post_form("/", MULTIPART, body)).reply();
        let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
        assert_eq!(reply.brief(), (200, sum.to_string().as_str()), "round {round}");
    }
}

#[test]
fn random_bodies_never_panic() {
    let server = serve(Told);
    let pieces: [&[u8]; 18] = [
        b"--xyz",
        b"--xyz--",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"Content-Disposition: form-data",
        b"; name=\"a\"",
        b"; name=",
        b"; filename=\"",
        b"\"",
        b"\\",
        b"%22",
        b"Content-Type: ",
        b"text/plain; charset=utf-8",
        b"\0\xff\xfe",
        b"=&%zz+",
        b":",
    ];
    let mut random = 0x1234_5678_9abc_def1u64;
    let mut next = move |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 16) as usize % limit
    };
    let mut client = server.connect();
    for round in 0..3_000 {
        let body: Vec<u8> =
            (0..next(24)).flat_map(|_| pieces[next(pieces.len())]).copied().collect();
        let content_type = if next(4) == 0 { URLENCODED } else { MULTIPART };
        let reply = client.send(post_form("/", content_type, &body)).reply();
        assert!(
            matches!(reply.status, 200 | 400 | 415 | 431),
            "{round}: {reply:?} {}",
            shown(&body)
        );
        if reply.says_close() {
            client = server.connect();
        }
    }
}
