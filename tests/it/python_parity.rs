//! The same bytes to Python's own server and to ours: every difference is one that `docs/python.md`
//! names, and every one that it names on the wire is still there.
//!
//! Where there is no `python3`, this says so and checks only the document.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use basehttp::{Exchange, Handled, http_handler};
use basehttp_tests::{Client, Reply, first_line, replies, serve, shown};

use crate::python_requests::{EXPLAINED, In, REQUESTS};

/// Shows whether the connection is still open, and in step.
const PROBE: &str = "GET /probe HTTP/1.1\r\nHost: a\r\n\r\n";

/// What the script has in Python.
struct Echo;

#[http_handler]
impl Echo {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        let words: Vec<&str> = http.path.trim_start_matches('/').split('/').collect();
        let code = || words.get(1).and_then(|code| code.parse::<u16>().ok()).unwrap_or(0);
        match (words[0], words.len()) {
            ("error", 2) => http.send_error(code()),
            ("error", _) => {
                let explain = words.get(3).copied();
                match explain {
                    Some(explain) => http.send_error_with(code(), words[2], explain),
                    // Python's default explanation, with a message of one's own.
                    None => {
                        Err(basehttp::HttpError::new(code()).message(words[2].to_owned()).into())
                    }
                }
            }
            ("status", 2) => {
                http.send_response(code()).send_header("Content-Length", 0).end_headers()
            }
            ("status", _) => {
                let phrase = words[2];
                http.send_response_with(code(), phrase)
                    .send_header("Content-Length", 0)
                    .end_headers()
            }
            ("close", _) => http
                .send_response(200)
                .send_header("Connection", "close")
                .send_header("Content-Length", 0)
                .end_headers(),
            _ => {
                let mut text = format!("{}\n{}\n{}", http.command, http.path, http.request_version);
                for (name, value) in http.headers {
                    text += &format!("\n{name}={value}");
                }
                answer(http, text.as_bytes())
            }
        }
    }

    fn do_HEAD(&self, http: &mut Exchange) -> io::Result<()> {
        self.do_GET(http)
    }

    fn do_POST(&self, http: &mut Exchange) -> Handled {
        match http.path {
            "/unread" => Ok(answer(http, b"unread")?),
            _ => {
                let body = http.body()?;
                Ok(answer(http, &body)?)
            }
        }
    }
}

fn answer(http: &mut Exchange<'_>, body: &[u8]) -> io::Result<()> {
    http.send_response(200)
        .send_header("Content-Type", "text/plain; charset=utf-8")
        .send_header("Content-Length", body.len())
        .end_headers()?;
    http.wfile.write_all(body)
}

/// Python's server; it is killed by its own id when this is dropped.
struct Python {
    child: Child,
    address: SocketAddr,
}

impl Python {
    /// `None` where there is no `python3` that can run it.
    fn start() -> Option<Python> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/python_parity.py");
        let mut child = Command::new("python3")
            .arg(script)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let line = first_line(&mut child);
        let port = line.split_once(' ').and_then(|(_, port)| port.trim().parse().ok());
        let mut python = Python { child, address: ([127, 0, 0, 1], port.unwrap_or(0)).into() };
        // A `python3` that is too old, or no Python: it has ended, or will.
        if port.is_none() {
            let _ = python.child.kill();
            return None;
        }
        Some(python)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All answers to `request` and to the probe behind it, and what came that is none.
fn conversation(address: SocketAddr, request: &str) -> (Vec<Reply>, Vec<u8>) {
    let mut client = Client::connect(address);
    // The server may have had enough before all of it is sent.
    let _ = client.try_send([request, PROBE].concat());
    let _ = client.stream().shutdown(std::net::Shutdown::Write);
    let method = request.trim_start().split([' ', '\t']).next().unwrap_or_default();
    replies(&client.read_to_end(), &[method, "GET", "GET", "GET"])
}

fn differences(ours: &(Vec<Reply>, Vec<u8>), theirs: &(Vec<Reply>, Vec<u8>)) -> BTreeSet<In> {
    let mut found = BTreeSet::new();
    if ours.0.len() != theirs.0.len() || ours.1 != theirs.1 {
        found.insert(In::Answers);
    }
    for (our, their) in ours.0.iter().zip(&theirs.0) {
        for (differ, what) in [
            (our.status != their.status, In::Status),
            (our.reason != their.reason, In::Reason),
            (fields(our) != fields(their), In::Fields),
            (our.body != their.body, In::Body),
        ] {
            if differ {
                found.insert(what);
            }
        }
    }
    found
}

/// The fields that can be compared: not what each server calls itself, nor when it answered.
fn fields(reply: &Reply) -> BTreeSet<(String, &str)> {
    let compared = reply.headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str()));
    compared.filter(|(name, _)| !["server", "date"].contains(&name.as_str())).collect()
}

#[test]
fn every_difference_to_python_is_one_that_the_contract_names() {
    let Some(python) = Python::start() else {
        eprintln!("SKIPPED: there is no python3 to compare with");
        return;
    };
    let server = serve(Echo);
    let mut wrong = Vec::new();
    for (request, keys) in REQUESTS {
        let ours = conversation(server.address(), request);
        let theirs = conversation(python.address, request);
        let found = differences(&ours, &theirs);
        let explains = |key: &str| {
            let row = EXPLAINED.iter().find(|(id, _)| *id == key);
            row.unwrap_or_else(|| panic!("{key} is not in the table")).1
        };
        let explained: BTreeSet<In> = keys.iter().flat_map(|key| explains(key)).copied().collect();
        let unexplained: Vec<_> = found.difference(&explained).collect();
        let idle: Vec<_> =
            keys.iter().filter(|key| explains(key).iter().all(|e| !found.contains(e))).collect();
        if !unexplained.is_empty() || !idle.is_empty() {
            wrong.push(format!(
                "{}\n  not explained: {unexplained:?}, explains nothing: {idle:?}\n  \
                 ours:   {:?} {}\n  theirs: {:?} {}",
                shown(request),
                ours.0,
                shown(&ours.1),
                theirs.0,
                shown(&theirs.1),
            ));
        }
    }
    assert!(wrong.is_empty(), "{} requests:\n{}", wrong.len(), wrong.join("\n"));
}

/// Python answers lines that are too long as well, later: too much to show on a failure above.
#[test]
fn limits_are_python_s_or_smaller() {
    let Some(python) = Python::start() else {
        eprintln!("SKIPPED: there is no python3 to compare with");
        return;
    };
    let server = serve(Echo);
    let target = |len: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(len));
    let fields = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(n));
    for (what, request, ours, theirs) in [
        ("target-limit", target(20_000), 414, 200),
        ("the same", target(70_000), 414, 414),
        ("the same", fields(101), 431, 431),
        ("the same", fields(90), 200, 200),
    ] {
        for (address, status) in [(server.address(), ours), (python.address, theirs)] {
            let found = conversation(address, &request).0.first().map(|reply| reply.status);
            assert_eq!(found, Some(status), "{what} of {}", request.len());
        }
    }
}

/// The rows of the document: heading, and id.
fn rows() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/python.md");
    let text = std::fs::read_to_string(path).expect("docs/python.md is there");
    let mut heading = String::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            heading = line.trim_start_matches(['#', ' ']).to_owned();
        }
        if let Some((id, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once("` |")) {
            rows.push((heading.clone(), id.to_owned()));
        }
    }
    rows
}

#[test]
fn the_contract_and_the_requests_name_the_same_differences() {
    let rows = rows();
    let ids: Vec<&str> = rows.iter().map(|row| row.1.as_str()).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an id is there twice");
    let on_the_wire: BTreeSet<&str> =
        rows.iter().filter(|row| row.0.contains("on the wire")).map(|row| row.1.as_str()).collect();
    let explained: BTreeSet<&str> = EXPLAINED.iter().map(|row| row.0).collect();
    assert_eq!(on_the_wire, explained, "the rows under \"on the wire\", and the table here");
    let used = REQUESTS.iter().flat_map(|(_, keys)| keys.iter().copied());
    let used: BTreeSet<&str> = used.chain(["target-limit"]).collect();
    assert_eq!(used, explained, "the rows that a request shows, and the table here");
}
