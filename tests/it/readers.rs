//! Other people's readers: what is accepted here they frame in the same place, and what is sent from
//! here they read as it was meant.
//!
//! Where a reader is not installed, this says so and goes on without it. What differs is on a list,
//! with its reason; what we refuse is not looked at, since nothing follows it.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use basehttp::{Exchange, handler_fn};
use basehttp_tests::{DEADLINE, TestServer, first_line, replies, serve, shown};

/// Shows where the request in front of it was taken to end.
const PROBE: &str = "GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Somebody else's server; it is killed by its own id when this is dropped.
struct Reader {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    /// It says what it has read; others only answer.
    tells: bool,
    /// Where its files are, if it needs any.
    files: Option<PathBuf>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(files) = &self.files {
            let _ = fs::remove_dir_all(files);
        }
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/readers").join(name)
}

fn local(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// One that takes a free port and prints it.
fn that_tells(name: &'static str, command: &mut Command) -> Option<Reader> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let line = first_line(&mut child);
    let port = line.split_once(' ').and_then(|(_, port)| port.trim().parse().ok());
    let address = local(port.unwrap_or(0));
    let reader = Reader { name, child, address, tells: true, files: None };
    port.map(|_: u16| reader)
}

/// One that is told where to listen.
fn that_answers(name: &'static str, config: impl Fn(u16, &str) -> String) -> Option<Reader> {
    let files = env::temp_dir().join(format!("basehttp-{name}-{}", std::process::id()));
    fs::create_dir_all(&files).ok()?;
    let port = TcpListener::bind(local(0)).ok()?.local_addr().ok()?.port();
    let path = files.join("config");
    fs::write(&path, config(port, files.to_str()?)).ok()?;
    let mut command = Command::new(name);
    match name {
        "nginx" => command.arg("-p").arg(&files).arg("-e").arg("stderr").arg("-c").arg(&path),
        _ => command.arg("-f").arg(&path),
    };
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok();
    let Some(child) = child else {
        let _ = fs::remove_dir_all(&files);
        return None;
    };
    let mut reader = Reader { name, child, address: local(port), tells: false, files: Some(files) };
    let start = Instant::now();
    while TcpStream::connect(reader.address).is_err() {
        let has_ended = !matches!(reader.child.try_wait(), Ok(None));
        if has_ended || start.elapsed() > DEADLINE {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Some(reader)
}

fn readers() -> Vec<Reader> {
    let go = env::temp_dir().join(format!("basehttp-go-{}", std::process::id()));
    let mut build = Command::new("go");
    build.arg("build").arg("-o").arg(&go).arg(script("server.go"));
    let built = build.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = [
        ("node", that_tells("node", Command::new("node").arg(script("node.js")))),
        ("go", built.ok().and_then(|_| that_tells("go", &mut Command::new(&go)))),
        ("nginx", that_answers("nginx", nginx)),
        ("haproxy", that_answers("haproxy", haproxy)),
    ];
    let _ = fs::remove_file(go);
    let mut readers = Vec::new();
    for (name, reader) in found {
        match reader {
            Some(reader) => readers.push(reader),
            None => eprintln!("SKIPPED: there is no {name} to compare with"),
        }
    }
    readers
}

fn nginx(port: u16, files: &str) -> String {
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|path| format!("{path}_temp_path {files}/{path};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {files}/pid;\nerror_log /dev/null crit;\nevents {{}}\n\
         http {{\naccess_log off;\n{paths}server {{\nlisten 127.0.0.1:{port};\n\
         location / {{ return 200 \"$request_method\"; }}\n}}\n}}\n"
    )
}

fn haproxy(port: u16, _: &str) -> String {
    format!(
        "defaults\n mode http\n timeout client 2s\n timeout server 2s\n timeout connect 2s\n\
         frontend here\n bind 127.0.0.1:{port}\n http-request wait-for-body time 500ms\n \
         http-request return status 200 content-type text/plain lf-string %[method]\n"
    )
}

/// What was read: a text for each request that was answered, and the status of the refusal.
fn frames(address: SocketAddr, request: &[u8]) -> Vec<String> {
    let Ok(mut stream) = TcpStream::connect(address) else { return Vec::new() };
    let _ = stream.set_read_timeout(Some(DEADLINE));
    let _ = stream.write_all(&[request, PROBE.as_bytes()].concat());
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        bytes.extend_from_slice(&piece[..count]);
    }
    let (replies, _) = replies(&bytes, &[]);
    let finals = replies.iter().filter(|reply| reply.status >= 200);
    finals
        .map(|reply| match reply.status {
            200 => String::from_utf8_lossy(&reply.body).into_owned(),
            status => status.to_string(),
        })
        .collect()
}

fn ours() -> TestServer {
    serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<String> {
        let length = http.body()?.len();
        let target = http.requestline.split(' ').nth(1).unwrap_or_default();
        Ok(format!("{} {target} {length}", http.command))
    }))
}

/// Requests that are right, from the plain to the odd.
const RIGHT: [&str; 12] = [
    "GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX-A: b\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, TE\r\nTE: trailers\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a:80\r\nX:\r\nY: \t b \t\r\n\r\n",
    "DELETE /a%20b HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\n\r\nabc",
    "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nb",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
];

/// Bytes that mean something to somebody.
const ODD: &[u8] = b"\r\n\t\0 :;,=\"+-_0x\x0b\x80";

/// Every request that is right, and every one with an odd byte put in, one dropped or one replaced.
fn requests() -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    for right in RIGHT.map(str::as_bytes) {
        all.insert(right.to_vec());
        for at in 0..right.len() {
            all.insert([&right[..at], &right[at + 1..]].concat());
            for odd in ODD {
                all.insert([&right[..at], &[*odd], &right[at..]].concat());
                all.insert([&right[..at], &[*odd], &right[at + 1..]].concat());
            }
        }
    }
    all
}

/// How what somebody else has read differs from what we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// It refuses what we accept. Nothing follows a refusal, so nothing can be hidden behind it.
    Refuses,
    /// It ends the connection while we keep it: it reads less, and nothing else.
    EndsEarlier,
    /// It keeps the connection while we end it: what we do not read any more, it reads as we would.
    EndsLater,
    /// It has read other requests than we have. That is what smuggling is made of.
    ReadsOther,
}

use Difference::{EndsEarlier, EndsLater, ReadsOther, Refuses};

/// The differences that are known: whose they are, which field they take, and why.
const EXPLAINED: [(&str, Difference, &str, &str); 10] = [
    ("node", Refuses, "", "knows methods by a list"),
    ("node", EndsEarlier, "HTTP/1.0", "keeps no connection of HTTP/1.0 without a length it knows"),
    ("node", EndsLater, "Connection", "takes no tab off an element of a list"),
    ("go", Refuses, "", "wants no empty line in front, and two digits behind each `%`"),
    ("go", EndsEarlier, "Connection", "sees `close` between blanks too, and without a list"),
    ("go", EndsLater, "Connection", "sees `keep-alive` between blanks too, and without a list"),
    ("nginx", Refuses, "", "has methods in capital letters, and decodes targets before it answers"),
    ("nginx", EndsEarlier, "Connection", "looks for `close` anywhere in the value"),
    ("nginx", EndsLater, "Connection", "looks for `keep-alive` anywhere in the value"),
    ("haproxy", Refuses, "HTTP/1.0", "wants no body behind GET, HEAD and DELETE of HTTP/1.0"),
];

fn difference(ours: &[String], theirs: &[String], tells: bool) -> Option<Difference> {
    let method = |frame: &str| frame.split(' ').next().unwrap_or_default().to_owned();
    let same = |a: &String, b: &String| if tells { a == b } else { method(a) == method(b) };
    let has_refused = theirs.last().is_some_and(|frame| frame.parse::<u16>().is_ok());
    let read = &theirs[..theirs.len() - usize::from(has_refused)];
    let agree = ours.iter().zip(read).all(|(ours, theirs)| same(ours, theirs));
    match (read.len().cmp(&ours.len()), has_refused) {
        _ if !agree => Some(ReadsOther),
        (Ordering::Equal, false) => None,
        (Ordering::Less, true) => Some(Refuses),
        (Ordering::Less, false) => Some(EndsEarlier),
        (_, _) => Some(EndsLater),
    }
}

#[test]
fn what_is_accepted_here_ends_in_the_same_place_everywhere() {
    let readers = readers();
    let server = ours();
    let (mut accepted, mut wrong) = (0, Vec::new());
    for request in requests().iter().step_by(EVERY) {
        let ours = frames(server.address(), request);
        let is_refused = ours.iter().any(|frame| frame.parse::<u16>().is_ok());
        if readers.is_empty() || ours.is_empty() || is_refused {
            continue;
        }
        accepted += 1;
        for reader in &readers {
            let theirs = frames(reader.address, request);
            let Some(difference) = difference(&ours, &theirs, reader.tells) else { continue };
            let text = String::from_utf8_lossy(request);
            let is_explained = EXPLAINED.iter().any(|(name, known, word, _)| {
                (*name, *known) == (reader.name, difference) && text.contains(word)
            });
            if !is_explained {
                wrong.push(format!(
                    "{}: {difference:?} of {}\n  ours:   {ours:?}\n  theirs: {theirs:?}",
                    reader.name,
                    shown(request)
                ));
            }
        }
    }
    println!("{accepted} requests accepted here, {} readers", readers.len());
    assert!(readers.is_empty() || accepted > 300, "only {accepted} requests are accepted");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_difference_is_told_by_what_both_have_read() {
    let list = |frames: &[&str]| frames.iter().map(|frame| frame.to_string()).collect::<Vec<_>>();
    let ours = list(&["GET / 0", "GET /probe 0"]);
    for (theirs, expected) in [
        (&["GET / 0", "GET /probe 0"][..], None),
        (&["GET / 0"], Some(EndsEarlier)),
        (&[], Some(EndsEarlier)),
        (&["400"], Some(Refuses)),
        (&["GET / 0", "400"], Some(Refuses)),
        (&["GET / 0", "GET /probe 0", "GET / 0"], Some(EndsLater)),
        (&["GET / 0", "GET /probe 0", "400"], Some(EndsLater)),
        (&["GET / 5", "GET /probe 0"], Some(ReadsOther)),
        (&["GET / 0", "PUT /probe 0"], Some(ReadsOther)),
        (&["POST / 0", "400"], Some(ReadsOther)),
    ] {
        assert_eq!(difference(&ours, &list(theirs), true), expected, "{theirs:?}");
    }
    assert_eq!(difference(&ours, &list(&["GET", "GET"]), false), None);
}

/// What is asked of a server whose answers Python reads.
fn answering() -> TestServer {
    serve(handler_fn(|http: &mut Exchange<'_>| -> io::Result<()> {
        let Some((how, length)) = http.path[1..].split_once('/') else { return Ok(()) };
        let body = vec![b'x'; length.parse().unwrap_or(0)];
        match how {
            "held" => http.wfile.write_all(&body),
            "flushed" => {
                http.send_response(200).flush_headers()?;
                http.wfile.write_all(&body)
            }
            "trailers" => {
                http.send_response(200).send_header("Trailer", "X-Sum").end_headers()?;
                http.wfile.write_all(&body)?;
                http.send_trailer("X-Sum", body.len())
            }
            "hints" => {
                http.send_response(100).end_headers()?;
                http.wfile.write_all(&body)
            }
            status => {
                http.send_response(status.parse::<u16>().unwrap_or(500)).end_headers()?;
                http.wfile.write_all(&body)
            }
        }
    }))
}

#[test]
fn what_is_sent_from_here_python_s_client_reads_as_it_was_meant() {
    let server = answering();
    let requests: [(&str, u16, usize); 14] = [
        ("GET /held/0", 200, 0),
        ("GET /held/5", 200, 5),
        ("HEAD /held/5", 200, 0),
        ("GET /held/70000", 200, 70_000),
        ("GET /flushed/0", 200, 0),
        ("GET /flushed/5", 200, 5),
        ("HEAD /flushed/5", 200, 0),
        ("GET /flushed/200000", 200, 200_000),
        ("GET /trailers/5", 200, 5),
        ("GET /204/5", 204, 0),
        ("GET /304/5", 304, 0),
        ("GET /205/5", 205, 0),
        ("GET /404/5", 404, 5),
        ("GET /hints/5", 200, 5),
    ];
    let mut command = Command::new("python3");
    command.arg(script("client.py")).arg(server.address().port().to_string());
    command.args(requests.iter().map(|request| request.0));
    let Some(output) = command.output().ok().filter(|output| !output.stdout.is_empty()) else {
        eprintln!("SKIPPED: there is no python3 to compare with");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let read: Vec<String> =
        text.lines().map(|line| line.rsplit_once(' ').map_or("", |line| line.0).into()).collect();
    let meant: Vec<String> =
        requests.iter().map(|(_, status, length)| format!("{status} {length}")).collect();
    assert_eq!(read, meant, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every so many of the requests: 1 tries all of them, which takes more than a minute.
const EVERY: usize = 11;
