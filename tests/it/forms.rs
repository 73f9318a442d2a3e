//! A form is the same however it was sent, and a method gets it as it likes.

use std::fs;
use std::io::{self, Read, Seek};
use std::time::Duration;

use basehttp::{
    Config, Exchange, Field, FieldStorage, Form, FormLimits, FormOptions, FromRequest,
    FromRequestWith, Headers, HttpError, Multipart, OrStatus, Query, QueryString, Result,
    TextErrors, http_handler,
};
use basehttp_tests::{Reply, affordable_connections, get, serve, serve_with, shown};
use serde::Deserialize;

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=xyz";

/// A request whose body is a form.
pub(crate) fn post_form(path: &str, content_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A multipart body with the boundary `xyz`; each part is its head, without the empty line, and its
/// content.
pub(crate) fn parts(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().map(|(head, data)| format!("--xyz\r\n{head}\r\n\r\n{data}\r\n"));
    parts.chain(["--xyz--\r\n".to_owned()]).collect()
}

/// The head of a part with a name, and with a file name if it is not empty.
pub(crate) fn named(name: &str, filename: &str) -> String {
    match filename {
        "" => format!("Content-Disposition: form-data; name=\"{name}\""),
        _ => format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\""),
    }
}

/// Says what is in a form, a line for each field.
pub(crate) struct Told;

fn told(form: &FieldStorage) -> String {
    let lines = form.iter().map(|field| {
        let (name, value, kind) = (&field.name, shown(field.value()), field.content_type());
        let place = if field.file.is_in_memory() { "" } else { " spooled" };
        let cut = if field.done { "" } else { " cut" };
        match &field.filename {
            Some(filename) => format!("{name}={value} [{filename}, {kind}]{place}{cut}\n"),
            None => format!("{name}={value}{place}{cut}\n"),
        }
    });
    lines.collect()
}

#[http_handler]
impl Told {
    fn do_GET(&self, form: FieldStorage) -> String {
        told(&form)
    }

    fn do_HEAD(&self, http: &mut Exchange) -> Result<()> {
        let form = http.form()?;
        http.send_response(200).send_header("X-Told", told(&form).trim_end());
        Ok(http.end_headers()?)
    }

    fn do_POST(&self, form: FieldStorage) -> String {
        told(&form)
    }

    fn do_PUT(&self, http: &mut Exchange) -> Result<String> {
        Ok(told(&http.form()?))
    }

    /// What came of a form that broke off.
    fn do_PATCH(&self, http: &mut Exchange) -> Result<String> {
        Ok(told(&http.form().or_else(FieldStorage::recover)?))
    }
}

/// The status and the rule on the page of a refusal.
pub(crate) fn refusal(reply: &Reply) -> (u16, &str) {
    let page = reply.text();
    let rule = page.split_once(" = ").and_then(|(_, rest)| rest.split_once(".</p>"));
    (reply.status, rule.map_or(page, |(rule, _)| rule))
}

#[test]
fn query_and_body_go_through_one_door() {
    let server = serve(Told);
    let multipart =
        parts(&[(&named("a", ""), "1"), (&named("b", ""), "x y"), (&named("a", ""), "\u{e9}")]);
    let expected = "a=1\nb=x y\na=\\xc3\\xa9\n";
    for request in [
        get("/?a=1&b=x+y&a=%C3%A9").into_bytes(),
        post_form("/?z=9", URLENCODED, "a=1&b=x%20y&a=%c3%a9"),
        post_form("/", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=1&b=x+y&a=\u{e9}"),
        post_form("/", "application/x-www-form-urlencoded;charset=ISO-8859-1", "a=1&b=x+y&a=%E9"),
        post_form("/?z=9", MULTIPART, &multipart),
        post_form("/", "Multipart/Form-Data; charset=utf-8; Boundary=\"xyz\"", &multipart),
        post_form("/", MULTIPART, format!("ignored\r\n{multipart}ignored, too")),
    ] {
        let reply = server.connect().send(&request).reply();
        assert_eq!(reply.brief(), (200, expected), "{}", shown(&request));
        let put = String::from_utf8(request.clone()).unwrap().replacen("POST ", "PUT ", 1);
        assert_eq!(server.connect().send(&put).reply().brief(), (200, expected), "{put}");
    }
    let head = server.connect().send("HEAD /?a=%41 HTTP/1.1\r\nHost: a\r\n\r\n").reply_to("HEAD");
    assert_eq!(head.header("X-Told"), Some("a=A"));
    assert_eq!(server.connect().send(get("/")).reply().brief(), (200, ""));
    // What a GET has for a body means nothing.
    let mut body = post_form("/?a=query", URLENCODED, "a=body");
    body.splice(..4, *b"GET");
    assert_eq!(server.connect().send(&body).reply().brief(), (200, "a=query\n"));
}

#[test]
fn other_bodies_are_refused_with_415() {
    let server = serve(Told);
    let rule = "a form is application/x-www-form-urlencoded or multipart/form-data";
    for request in [
        post_form("/", "application/json", "{}"),
        post_form("/", "text/plain", "a=1"),
        post_form("/", "multipart/mixed; boundary=xyz", parts(&[])),
        post_form("/", "", ""),
        post_form("/", "text/plain\r\nContent-Type: application/x-www-form-urlencoded", "a=1"),
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na=1".into(),
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n".into(),
    ] {
        let reply = server.connect().send(&request).reply();
        assert_eq!(refusal(&reply), (415, rule), "{}", shown(&request));
    }
    for boundary in
        ["", "; boundary=", "; boundary=\"a b \"", "; boundary=a; boundary=b", "; boundary=\"a"]
    {
        let content_type = format!("multipart/form-data{boundary}");
        let reply = server.connect().send(post_form("/", &content_type, parts(&[]))).reply();
        let rule = "the content-type has no boundary of 1 to 70 allowed characters";
        assert_eq!(refusal(&reply), (400, rule), "{content_type}");
    }
}

#[test]
fn an_upload_keeps_its_name_its_type_and_its_bytes() {
    let server = serve(Told);
    let all_bytes: Vec<u8> = (0..=255).collect();
    let mut body = parts(&[
        (&named("note", ""), ""),
        (&format!("{}\r\nContent-Type: image/PNG", named("picture", "c:\\\u{e9}\\a b.png")), "x"),
        // Nothing was chosen.
        ("Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\nContent-Type: application/octet-stream", ""),
        (&named("same", "one.txt"), "1"),
        (&named("same", "two.txt"), "\r\n--xy\r\n"),
    ])
    .into_bytes();
    let end = body.len() - "--xyz--\r\n".len();
    let head = format!("--xyz\r\n{}\r\nContent-Type: nonsense\r\n\r\n", named("all", "all"));
    body.splice(end..end, [head.as_bytes(), &all_bytes, b"\r\n"].concat());
    let reply = server.connect().send(post_form("/", MULTIPART, body)).reply();
    let all = shown(String::from_utf8_lossy(&all_bytes).as_bytes());
    let expected = format!(
        "note=\npicture=x [c:\\\u{e9}\\a b.png, image/png]\nempty=\nsame=1 [one.txt, text/plain]\n\
         same=\\r\\n--xy\\r\\n [two.txt, text/plain]\nall={all} [all, application/octet-stream]\n"
    );
    assert_eq!(reply.brief(), (200, expected.as_str()));
}

#[test]
fn delivery_does_not_matter() {
    let server = serve(Told);
    let look_alike = "\r\n--xyz-\r\n--xyzz\r\n\r--xyz\n";
    let body = parts(&[
        (&named("a", ""), look_alike),
        (&named("f", "\u{20ac}.txt"), ""),
        (&named("b", ""), "2"),
    ]);
    let expected = format!("a={}\nf= [\u{20ac}.txt, text/plain]\nb=2\n", shown(look_alike));
    let whole = post_form("/", MULTIPART, &body);
    let mut client = server.connect();
    for cut in 1..whole.len() {
        client.send(&whole[..cut]).send(&whole[cut..]);
        assert_eq!(client.reply().brief(), (200, expected.as_str()), "cut at {cut}");
    }
    assert_eq!(
        client.send_slowly(&whole).reply().brief(),
        (200, expected.as_str()),
        "byte by byte"
    );
    let head = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {MULTIPART}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    for size in [1, 2, 3, 7, 64, body.len()] {
        let chunk =
            |chunk: &[u8]| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        let chunks: Vec<u8> = body.as_bytes().chunks(size).flat_map(chunk).collect();
        client.send([head.as_bytes(), &chunks, b"0\r\n\r\n"].concat());
        assert_eq!(client.reply().brief(), (200, expected.as_str()), "chunks of {size}");
    }
}

#[test]
fn each_limit_is_named_when_it_refuses() {
    let limits = FormLimits {
        max_fields: 3,
        max_part_head_bytes: 200,
        max_part_header_fields: 2,
        max_field_name_bytes: 10,
        max_field_memory_bytes: 20,
        max_form_memory_bytes: 300,
    };
    let config = Config { form_limits: limits, max_body_bytes: 2000, ..Config::default() };
    let server = serve_with(Told, config);
    let plain = named("a", "");
    let short = (plain.as_str(), "1");
    let head = |more: usize| format!("{plain}\r\nX: {}", "x".repeat(200 - plain.len() - 9 + more));
    let length = "the body is longer than max_body_bytes";
    for (content_type, body, status, rule) in [
        (MULTIPART, parts(&[short; 3]), 200, "a=1\na=1\na=1\n"),
        (MULTIPART, parts(&[short; 4]), 413, "the form has more fields than max_fields"),
        (URLENCODED, "a=1&b=2&c=3".into(), 200, "a=1\nb=2\nc=3\n"),
        (URLENCODED, "a=1&b=2&c=3&d=4".into(), 413, "the form has more fields than max_fields"),
        (MULTIPART, parts(&[(&head(0), "1")]), 200, "a=1\n"),
        (
            MULTIPART,
            parts(&[(&head(1), "1")]),
            431,
            "the head of a part is longer than max_part_head_bytes",
        ),
        (MULTIPART, format!("{}\r\n{}", "x".repeat(198), parts(&[short])), 200, "a=1\n"),
        (
            MULTIPART,
            format!("{}\r\n{}", "x".repeat(199), parts(&[short])),
            400,
            "there is more than max_part_head_bytes in front of the first boundary",
        ),
        (MULTIPART, parts(&[(&format!("{plain}\r\nX: y"), "1")]), 200, "a=1\n"),
        (
            MULTIPART,
            parts(&[(&format!("{plain}\r\nX: y\r\nX: z"), "1")]),
            431,
            "a part has more header fields than max_part_header_fields",
        ),
        (MULTIPART, parts(&[(&named("0123456789", ""), "1")]), 200, "0123456789=1\n"),
        (
            MULTIPART,
            parts(&[(&named("0123456789x", ""), "1")]),
            431,
            "the name of a field is longer than max_field_name_bytes",
        ),
        (
            URLENCODED,
            "0123456789x=1".into(),
            431,
            "the name of a field is longer than max_field_name_bytes",
        ),
        // Values are not refused for their length: they move out of memory.
        (
            MULTIPART,
            parts(&[(&plain, &"x".repeat(20)), (&plain, &"y".repeat(21))]),
            200,
            "a=xxxxxxxxxxxxxxxxxxxx\na=yyyyyyyyyyyyyyyyyyyyy spooled\n",
        ),
        (URLENCODED, format!("a={}", "x".repeat(298)), 200, ""),
        (
            URLENCODED,
            format!("a={}", "x".repeat(299)),
            413,
            "the form needs more memory than max_form_memory_bytes",
        ),
        // Two heads of some 200 bytes each: the second is more than may be kept.
        (
            MULTIPART,
            parts(&[(head(0).as_str(), ""); 2]),
            413,
            "the form needs more memory than max_form_memory_bytes",
        ),
        (MULTIPART, parts(&[(&plain, &"x".repeat(2000))]), 413, length),
        (URLENCODED, format!("a={}", "x".repeat(2000)), 413, length),
    ] {
        let reply = server.connect().send(post_form("/", content_type, &body)).reply();
        let told = if reply.status == 200 && rule.is_empty() { (200, "") } else { refusal(&reply) };
        assert_eq!(told, (status, rule), "{}", shown(&body));
    }
}

#[test]
fn a_form_that_breaks_off_is_an_error_that_keeps_what_came() {
    let server = serve(Told);
    let whole = parts(&[(&named("a", ""), "1"), (&named("b", "f"), "data")]);
    let end = whole.len() - "\r\n--xyz--\r\n".len();
    for (body, kept) in [
        (&whole[..end], "a=1\nb=data [f, text/plain] cut\n"),
        (&whole[..end + 8], "a=1\nb=data\\r\\n--xyz- [f, text/plain] cut\n"),
        (&whole[..end - 4], "a=1\nb= [f, text/plain] cut\n"),
        (&whole[..end - 10], "a=1\n"),
        ("", ""),
    ] {
        let request = post_form("/", MULTIPART, body);
        let reply = server.connect().send(&request).reply();
        let rule = "the form ended before its last boundary";
        assert_eq!(refusal(&reply), (400, rule), "{}", shown(body));
        let request = String::from_utf8(request).unwrap().replacen("POST", "PATCH", 1);
        assert_eq!(server.connect().send(request).reply().brief(), (200, kept), "{}", shown(body));
    }
    // Another refusal keeps nothing.
    let request = String::from_utf8(post_form("/", MULTIPART, "--xyz\r\n\r\n--xyz--")).unwrap();
    let reply = server.connect().send(request.replacen("POST", "PATCH", 1)).reply();
    assert_eq!(refusal(&reply), (400, "a part has not exactly one content-disposition: form-data"));
}

#[test]
fn charsets_are_those_of_the_part_or_of_the_form() {
    let server = serve(Told);
    let latin = |head: &str| [head.as_bytes(), b"\r\n\r\ncaf\xe9\r\n"].concat();
    let own = format!("{}\r\nContent-Type: text/plain; charset=iso-8859-1", named("a", ""));
    let upload = format!("{}\r\nContent-Type: text/plain; charset=big5", named("f", "x"));
    let odd = format!("{}\r\nContent-Type: text/plain; charset=big5", named("a", ""));
    let form_s = format!("{}\r\n\r\nwindows-1252\r\n", named("_charset_", ""));
    let unknown = format!("{}\r\n\r\nbig5\r\n", named("_charset_", ""));
    let known = "the only charsets known here are UTF-8 and ISO-8859-1";
    for (bodies, status, told) in [
        (vec![latin(&own)], 200, "a=caf\u{e9}\n"),
        (vec![latin(&named("a", ""))], 400, "a text of the form is not in its charset"),
        // It counts for the fields in front of it, too.
        (vec![latin(&named("a", "")), form_s.into()], 200, "a=caf\u{e9}\n_charset_=windows-1252\n"),
        // What an upload is in is the program's business.
        (vec![latin(&upload)], 200, "f=caf\u{fffd} [x, text/plain; charset=big5]\n"),
        (vec![latin(&odd)], 415, known),
        (vec![unknown.into()], 415, known),
    ] {
        let mut body = Vec::new();
        for part in bodies {
            body.extend_from_slice(&[b"--xyz\r\n", part.as_slice()].concat());
        }
        body.extend_from_slice(b"--xyz--");
        let reply = server.connect().send(post_form("/", MULTIPART, &body)).reply();
        let expected = told.replace('\u{e9}', "\\xc3\\xa9").replace('\u{fffd}', "\\xef\\xbf\\xbd");
        assert_eq!(refusal(&reply), (status, expected.as_str()), "{}", shown(&body));
    }
}

/// Reads forms by other rules.
struct ByOtherRules;

#[http_handler]
impl ByOtherRules {
    fn do_POST(&self, http: &mut Exchange) -> Result<String> {
        let options = match http.path {
            "/python" => FormOptions {
                keep_blank_values: false,
                errors: TextErrors::Replace,
                ..FormOptions::default()
            },
            "/strict" => FormOptions { strict_parsing: true, ..FormOptions::default() },
            _ => FormOptions {
                limits: Some(FormLimits { max_fields: 1, ..FormLimits::default() }),
                ..FormOptions::default()
            },
        };
        Ok(told(&http.form_with(&options)?))
    }
}

#[test]
fn rules_can_be_chosen() {
    let server = serve(ByOtherRules);
    for (path, body, status, told) in [
        ("/python", "a=&b=%FF&c", 200, "b=\\xef\\xbf\\xbd\n"),
        ("/strict", "a=&b=1", 200, "a=\nb=1\n"),
        ("/strict", "a", 400, "a field of the form is not of the form name=value"),
        ("/strict", "a=%4", 400, "a % in the form is not followed by two hexadecimal digits"),
        ("/few", "a=1&b=2", 413, "the form has more fields than max_fields"),
    ] {
        let reply = server.connect().send(post_form(path, URLENCODED, body)).reply();
        assert_eq!(refusal(&reply), (status, told), "{path} {body}");
    }
}

/// Python's way to get at fields.
struct PythonLike;

#[http_handler]
impl PythonLike {
    fn do_POST(&self, http: &mut Exchange, mut form: FieldStorage) -> Result<String> {
        match http.path {
            "/index" => return Ok(form["missing"].value().to_owned()),
            "/mutable" => return Ok(form["missing"].file.len().to_string()),
            _ => {}
        }
        let keys: Vec<&str> = form.keys().collect();
        let lists = (form.getlist("a"), form.getlist("z"));
        let values = (form.getvalue("a"), form.getfirst("f"), form.getvalue("z"));
        let has = (form.contains_key("f"), form.contains("z"), form.is_empty());
        let mut answer = format!("{keys:?} {} {lists:?} {values:?} {has:?}", form.len());
        let file = &mut form["f"];
        let mut twice = String::new();
        file.file.read_to_string(&mut twice)?;
        file.file.rewind()?;
        file.file.read_to_string(&mut twice)?;
        answer += &format!(" {twice} {} {}", file.safe_filename(), file.headers().len());
        Ok(answer)
    }
}

#[test]
fn python_s_names_are_there() {
    let server = serve(PythonLike);
    let body =
        parts(&[(&named("a", ""), "1"), (&named("f", "../up"), "data"), (&named("a", ""), "2")]);
    let reply = server.connect().send(post_form("/", MULTIPART, &body)).reply();
    let expected = "[\"a\", \"f\"] 2 ([\"1\", \"2\"], []) (Some(\"1\"), Some(\"data\"), None) \
                    (true, false, false) datadata up 1";
    assert_eq!(reply.brief(), (200, expected));
    // What the client left out is the client's mistake, and no panic that a log would tell of.
    for path in ["/index", "/mutable"] {
        let reply = server.connect().send(post_form(path, MULTIPART, &body)).reply();
        assert_eq!(refusal(&reply), (400, "the form has no field \"missing\""));
    }
    server.assert_alive("indexing");
}

/// What arguments can be made of, and in which order.
struct Arguments {
    realm: &'static str,
}

struct Token<'a>(&'a str);

impl<'a> FromRequestWith<'a, Arguments> for Token<'a> {
    fn from_request_with(http: &mut Exchange<'a>, handler: &Arguments) -> Result<Self> {
        http.send_header("X-Realm", handler.realm);
        Ok(Token(http.headers.get("x-token").or_status(401)?))
    }
}

struct Late;

impl FromRequest<'_> for Late {
    fn from_request(http: &mut Exchange<'_>) -> Result<Self> {
        match http.path.contains("late") {
            true => Err(HttpError::new(418)),
            false => Ok(Late),
        }
    }
}

#[derive(Deserialize)]
struct Login {
    name: String,
    #[serde(default)]
    age: Option<u8>,
}

#[http_handler]
impl Arguments {
    fn do_GET(&self, token: Token<'_>, _: Late, query: Option<QueryString<'_>>) -> String {
        format!("{} {}", token.0, query.map_or("none", |query| query.as_str()))
    }

    fn do_POST(&self, Form(login): Form<Login>, http: &mut Exchange) -> io::Result<()> {
        http.send_response(200).end_headers()?;
        io::Write::write_fmt(&mut http.wfile, format_args!("{} {:?}", login.name, login.age))
    }

    fn do_PUT(&self, query: Option<Query<Login>>, form: Option<FieldStorage>) -> String {
        let name = query.map_or("nobody".into(), |query| query.0.name);
        format!("{name} {:?}", form.map(|form| form.len()))
    }

    fn do_PATCH(&self, form: Result<FieldStorage, HttpError>, headers: Headers<'_>) -> String {
        match form {
            Ok(form) => format!("{} fields, {} headers", form.len(), headers.len()),
            Err(error) => format!("never mind the {}", error.status()),
        }
    }
}

#[test]
fn arguments_are_made_before_the_call_in_their_order() {
    let server = serve(Arguments { realm: "here" });
    let get = |path: &str, more: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
        server.connect().send(request).reply()
    };
    assert_eq!(get("/?a=1", "X-Token: t\r\n").brief(), (200, "t a=1"));
    assert_eq!(get("/", "X-Token: t\r\n").brief(), (200, "t none"));
    // The first that fails is the answer.
    assert_eq!(get("/late", "").status, 401);
    assert_eq!(get("/late", "").header("X-Realm"), Some("here"));
    assert_eq!(get("/late", "X-Token: t\r\n").status, 418);
}

#[test]
fn absent_is_none_and_wrong_is_refused() {
    let server = serve(Arguments { realm: "here" });
    let send = |method: &str, path: &str, content_type: &str, body: &str| {
        let request = String::from_utf8(post_form(path, content_type, body)).unwrap();
        server.connect().send(request.replacen("POST", method, 1)).reply()
    };
    let bare = "PUT / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(server.connect().send(bare).reply().brief(), (200, "nobody None"));
    assert_eq!(send("PUT", "/?name=x", URLENCODED, "a=1&b=2").brief(), (200, "x Some(2)"));
    assert_eq!(refusal(&send("PUT", "/?age=1", URLENCODED, "")), (400, "missing field `name`"));
    assert_eq!(send("PUT", "/", "text/plain", "").status, 415);
    assert_eq!(send("PATCH", "/", "text/plain", "").brief(), (200, "never mind the 415"));
    assert_eq!(send("PATCH", "/", URLENCODED, "a=1").brief(), (200, "1 fields, 3 headers"));
    assert_eq!(send("POST", "/", URLENCODED, "name=x&age=7").brief(), (200, "x Some(7)"));
    let multipart = parts(&[(&named("name", ""), "x"), (&named("age", ""), "")]);
    assert_eq!(send("POST", "/", MULTIPART, &multipart).brief(), (200, "x None"));
    let reply = send("POST", "/", URLENCODED, "name=x&age=300");
    let rule = "field `age`: \"300\" is no whole number of this size: number too large to \
                fit in target type";
    assert_eq!(refusal(&reply), (422, rule));
}

/// Reads parts one at a time, and answers meanwhile.
struct Streaming;

#[http_handler]
impl Streaming {
    fn do_POST(&self, http: &mut Exchange) -> Result<()> {
        http.rfile.set_max_bytes(1 << 40);
        http.send_response(200).end_headers()?;
        let mut parts = Multipart::new(&mut http.rfile, http.headers)?;
        while let Some(mut part) = parts.next_part()? {
            if part.name == "skipped" {
                continue;
            }
            let (mut sum, mut len) = (0u64, 0);
            let mut piece = [0; 1000];
            while let count @ 1.. = part.read(&mut piece)? {
                len += count;
                sum = piece[..count].iter().fold(sum, |sum, byte| sum + u64::from(*byte));
            }
            let line = format!("{} {} {len} {sum}\n", part.name, part.content_type());
            io::Write::write_all(&mut http.wfile, line.as_bytes())?;
        }
        Ok(())
    }
}

#[test]
fn a_part_is_read_as_it_comes_and_may_be_skipped() {
    let server = serve(Streaming);
    // More than the receive buffer, the window, and what a field may take of memory.
    let data: Vec<u8> = (0..3_000_000u32).map(|n| (n % 253) as u8).collect();
    let sum: u64 = data.iter().map(|byte| u64::from(*byte)).sum();
    let mut body = Vec::new();
    for name in ["first", "skipped", "last"] {
        let head = format!("--xyz\r\n{}\r\nContent-Type: image/gif\r\n\r\n", named(name, "f"));
        body.extend_from_slice(&[head.as_bytes(), &data, b"\r\n"].concat());
    }
    body.extend_from_slice(b"--xyz--");
    let mut client = server.connect();
    let reply = client.send(post_form("/", MULTIPART, &body)).reply();
    let line = format!("image/gif 3000000 {sum}");
    assert_eq!(reply.brief(), (200, format!("first {line}\nlast {line}\n").as_str()));
    // The connection goes on behind a body that was read to its last boundary.
    let next = client.send(post_form("/", MULTIPART, parts(&[(&named("a", ""), "\u{1}")]))).reply();
    assert_eq!(next.brief(), (200, "a text/plain 1 1\n"));
}

#[test]
fn long_fields_share_one_temporary_file() {
    struct Files;

    #[http_handler]
    impl Files {
        fn do_POST(&self, form: FieldStorage) -> String {
            let is_spooled = |field: &&Field| !field.file.is_in_memory();
            let spooled = form.iter().filter(is_spooled).count();
            let len: u64 = form.iter().filter(is_spooled).map(|field| field.file.len()).sum();
            let is_own = |entry: &fs::DirEntry| {
                // Without a name: nothing can be left behind.
                let name = fs::read_link(entry.path()).unwrap_or_default();
                let is_deleted = name.to_string_lossy().ends_with("(deleted)");
                is_deleted && fs::metadata(entry.path()).is_ok_and(|file| file.len() == len)
            };
            let files = fs::read_dir("/proc/self/fd")
                .map_or(0, |entries| entries.flatten().filter(is_own).count());
            let sums = form.iter().map(|field| field.value().len()).sum::<usize>();
            format!("{spooled} {sums} {}", if cfg!(target_os = "linux") { files } else { 1 })
        }
    }

    let server = serve(Files);
    let long = "x".repeat(70_000);
    let body = parts(&vec![(named("a", "").as_str(), long.as_str()); 50]);
    let reply = server.connect().send(post_form("/", MULTIPART, body)).reply();
    assert_eq!(reply.brief(), (200, "50 3500000 1"));
    // A form of short fields is kept out of memory where there are too many of them.
    let short = "x".repeat(60_000);
    let body = parts(&vec![(named("a", "").as_str(), short.as_str()); 30]);
    let reply = server.connect().send(post_form("/", MULTIPART, body)).reply();
    assert_eq!(reply.brief(), (200, "13 1800000 1"));
}

#[test]
fn half_sent_forms_hold_nobody_up_and_are_cut_at_their_deadline() {
    let config = Config {
        body_timeout: Duration::from_millis(500),
        min_body_rate: u32::MAX,
        ..Config::default()
    };
    let server = serve_with(Told, config);
    let body = parts(&[(&named("a", ""), "1"), (&named("f", "f"), "data")]);
    let whole = post_form("/", MULTIPART, &body);
    let half = &whole[..whole.len() - 20];
    let clients = affordable_connections(200);
    let mut waiting: Vec<_> = (0..clients).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send(half);
    }
    // On one thread, all of them and a whole form.
    let reply = server.connect().send(&whole).reply();
    assert_eq!(reply.brief(), (200, "a=1\nf=data [f, text/plain]\n"));
    for client in &mut waiting {
        let rule = "the request body took longer than body_timeout";
        assert_eq!(refusal(&client.reply()), (408, rule));
        client.expect_gone();
    }
}
