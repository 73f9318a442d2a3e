//! Each example starts, answers what its own words say, and ends at Ctrl-C.

use std::env;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Instant;

use basehttp_tests::{Client, DEADLINE, Reply, first_line, get, replies};

/// An example at work; it is killed when this is dropped.
struct Example {
    child: Child,
    address: SocketAddr,
}

impl Example {
    fn start(name: &str) -> Example {
        Example::start_with(name, &[])
    }

    /// [`start`](Self::start), with variables in its environment.
    fn start_with(name: &str, variables: &[(&str, &Path)]) -> Example {
        let program = folder().join(format!("{name}{}", env::consts::EXE_SUFFIX));
        let mut child = Command::new(&program)
            .arg("0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let line = first_line(&mut child);
        let address = line
            .strip_prefix("Starting server at http://")
            .and_then(|rest| rest.strip_suffix(", use <Ctrl-C> to stop\n"))
            .and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("{name} says {line:?}");
        };
        Example { child, address }
    }

    /// Sends it a signal by name, and waits for its end.
    fn signal(&mut self, name: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.expect("there is a kill command").success());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "it goes on");
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// What it wrote to stderr, once it has ended.
    fn log(&mut self) -> String {
        let mut text = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            stderr.read_to_string(&mut text).expect("it writes text");
        }
        text
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the examples are, once they have been built from the sources as they are now.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // target/debug/deps/it-0123456789abcdef
        let own = env::current_exe().expect("a test knows where it is");
        let profile = own.parent().and_then(|deps| deps.parent()).expect("it is in deps");
        let target = profile.parent().expect("a profile is in a target folder");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "basehttp-examples", "--examples"]);
        cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
        cargo.arg("--target-dir").arg(target);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success(), "the examples do not build");
        profile.join("examples")
    })
}

/// The answer that `curl -i` shows; `None` where there is no curl.
fn curl(arguments: &[&str]) -> Option<Reply> {
    let output = Command::new("curl")
        .args(["--silent", "--include", "--max-time", "10", "--noproxy", "*"])
        .args(arguments)
        .output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: there is no curl");
        return None;
    };
    assert!(output.status.success(), "curl {arguments:?}: {output:?}");
    let (replies, rest) = replies(&output.stdout, &["GET"]);
    assert_eq!((replies.len(), rest.len()), (1, 0), "{output:?}");
    replies.into_iter().next()
}

/// The lines that `get` sends, with the client's own address and headers filled in.
fn get_lines(path: &str, query: &str, headers: &str) -> String {
    let version = "basehttp/0.1.0";
    format!(
        "command=GET\npath={path}\nreal path=/\nquery={query}\nrequest_version=HTTP/1.1\n\n\
         SERVER VALUES:\nserver_version={version}\nsys_version=\nprotocol_version=HTTP/1.1\n\n\
         HEADERS RECEIVED:\n{headers}"
    )
}

#[test]
fn get_shows_what_the_server_knows() {
    let example = Example::start("get");
    let mut client = Client::connect(example.address);
    let request = "GET /?foo=bar HTTP/1.1\r\nUser-Agent: raw\r\nHost: here\r\n\r\n";
    let reply = client.send(request).reply();
    let (front, rest) = reply.text().split_once("command").expect("it has the command");
    let own = client.stream().local_addr().expect("it has an address");
    assert_eq!(front, format!("CLIENT VALUES:\nclient_address={own}\n"));
    let headers = "Host=here\nUser-Agent=raw\n";
    assert_eq!(format!("command{rest}"), get_lines("/?foo=bar", "foo=bar", headers));
    assert_eq!(reply.header("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(client.send("POST / HTTP/1.1\r\nHost: a\r\n\r\n").reply().status, 501);

    let url = format!("http://{}/?foo=bar", example.address);
    let headers = ["-H", "User-Agent: mine", "-H", "Accept:"];
    if let Some(reply) = curl(&[&[url.as_str()], &headers[..]].concat()) {
        let headers = format!("Host={}\nUser-Agent=mine\n", example.address);
        let (_, rest) = reply.text().split_once("command").expect("it has the command");
        assert_eq!(format!("command{rest}"), get_lines("/?foo=bar", "foo=bar", &headers));
    }
}

#[test]
fn errors_answers_with_python_s_page() {
    let example = Example::start("errors");
    let mut answers = vec![Client::connect(example.address).send(get("/")).reply()];
    answers.extend(curl(&[&format!("http://{}/", example.address)]));
    for reply in answers {
        assert_eq!((reply.status, reply.reason.as_str()), (404, "Not Found"));
        assert_eq!(reply.header("Content-Type"), Some("text/html;charset=utf-8"));
        assert_eq!(reply.header("Connection"), Some("close"));
        for line in [
            "<p>Error code 404.</p>",
            "<p>Message: Not Found.</p>",
            "<p>Error code explanation: 404 = Nothing matches the given URI.</p>",
        ] {
            assert!(reply.text().contains(line), "{line} in {}", reply.text());
        }
    }
}

#[test]
fn send_header_says_when_it_was_made() {
    let example = Example::start("send_header");
    let mut answers = vec![Client::connect(example.address).send(get("/")).reply()];
    answers.extend(curl(&[&format!("http://{}/", example.address)]));
    for reply in answers {
        assert_eq!(reply.brief(), (200, "Response body\n"));
        let made = reply.header("Last-Modified").expect("it has the field");
        assert_eq!((made.len(), &made[25..]), (29, " GMT"), "{made}");
    }
}

#[test]
fn post_says_what_was_in_the_form() {
    let example = Example::start("post");
    let told = |client: &str, agent: &str, path: &str, form: &str| {
        format!("Client: {client}\nUser-agent: {agent}\nPath: {path}\nForm data:\n{form}")
    };
    let mut client = Client::connect(example.address);
    let own = client.stream().local_addr().expect("it has an address").to_string();
    for (content_type, body, form) in [
        (
            "application/x-www-form-urlencoded",
            "name=dhellmann&foo=bar",
            "\tname=dhellmann\n\tfoo=bar\n",
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"y\"\r\n\r\n\u{e9}\r\n--b--",
            "\tUploaded x (2 bytes)\n",
        ),
    ] {
        let length = body.len();
        let request = format!(
            "POST /here HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let reply = client.send(request).reply();
        assert_eq!(reply.brief(), (200, told(&own, "unknown", "/here", form).as_str()));
    }

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let bytes = std::fs::metadata(file).expect("it is there").len();
    let (url, upload) = (format!("http://{}/", example.address), format!("datafile=@{file}"));
    let form = ["-F", "name=dhellmann", "-F", "foo=bar", "-F", &upload, "-A", "mine"];
    if let Some(reply) = curl(&[&[url.as_str()], &form[..]].concat()) {
        let client = reply.text().lines().next().and_then(|line| line.strip_prefix("Client: "));
        let client = client.expect("it names the client");
        assert!(client.starts_with("127.0.0.1:"), "{client}");
        let form = format!("\tname=dhellmann\n\tfoo=bar\n\tUploaded datafile ({bytes} bytes)\n");
        assert_eq!(reply.brief(), (200, told(client, "mine", "/", &form).as_str()));
    }
}

#[test]
fn upload_page_shows_what_was_uploaded() {
    let example = Example::start("upload_page");
    let mut client = Client::connect(example.address);
    let upload = |filename: &str, media_type: &str, data: &str| {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"{filename}\"\r\n\
             Content-Type: {media_type}\r\n\r\n{data}\r\n--b--\r\n"
        );
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let reply = Client::connect(example.address).send(request).reply();
        (reply.status, reply.header("Location").map(str::to_owned))
    };
    let made = (303, Some("/".to_owned()));
    assert_eq!(upload("../a<b>.gif", "image/gif", "GIF89a"), made);
    assert_eq!(upload("script.svg", "image/svg+xml", "<svg/>"), (415, None));
    assert_eq!(upload("", "application/octet-stream", ""), made);
    let page = client.send(get("/")).reply();
    let figure = "<img src=\"/pictures/0\" alt=\"a_b_.gif\"></a><figcaption>a_b_.gif, 6 bytes";
    assert!(page.text().contains(figure), "{}", page.text());
    assert!(!page.text().contains("/pictures/1"), "{}", page.text());
    let picture = client.send(get("/pictures/0")).reply();
    assert_eq!(
        (picture.brief(), picture.header("Content-Type")),
        ((200, "GIF89a"), Some("image/gif"))
    );
    // The oldest make room.
    for number in 1..15 {
        upload("b.png", "image/png", &number.to_string());
    }
    for (path, status) in [
        ("/pictures/2", 404),
        ("/pictures/3", 200),
        ("/pictures/14", 200),
        ("/pictures/15", 404),
        ("/pictures/x", 404),
        ("/x", 404),
    ] {
        assert_eq!(
            Client::connect(example.address).send(get(path)).reply().status,
            status,
            "{path}"
        );
    }
}

/// The screenshot stays in the target folder, as `tmp/upload_page/upload_page.png`.
#[test]
fn upload_page_works_in_a_browser() {
    let is_there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !is_there("chromium") || !is_there("node") {
        eprintln!("SKIPPED: there is no chromium, or no node");
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("upload_page");
    std::fs::create_dir_all(&folder).expect("it can be made");
    let example = Example::start("upload_page");
    let output = Command::new("timeout")
        .args(["60", "node", concat!(env!("CARGO_MANIFEST_DIR"), "/it/upload_page.mjs")])
        .arg(format!("http://{}/", example.address))
        .arg(&folder)
        .output()
        .expect("node runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    // The bar has reached its end, and the picture came back as it was sent.
    let end =
        ",100],\"width\":800,\"thumbnail\":128,\"caption\":\"noise _1_.png, 1441103 bytes\"}\n";
    assert!(shown.ends_with(end), "{shown} {}", String::from_utf8_lossy(&output.stderr));
    let screenshot = std::fs::read(folder.join("upload_page.png")).expect("there is a screenshot");
    assert!(screenshot.starts_with(b"\x89PNG\r\n\x1a\n"));
}

/// Temporary files are gone with whoever made them.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_program_leaves_no_temporary_file() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("killed");
    std::fs::create_dir_all(&folder).expect("it can be made");
    let mut example = Example::start_with("post", &[("TMPDIR", &folder)]);
    let mut client = Client::connect(example.address);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: 10000000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"y\"\r\n\r\n";
    client.send(head).send("x".repeat(1_000_000));
    // It is in the middle of the form, and in the file: it has a file open there.
    let fds = format!("/proc/{}/fd", example.child.id());
    let has_file = || {
        let links = std::fs::read_dir(&fds).into_iter().flatten().flatten();
        links
            .filter_map(|link| std::fs::read_link(link.path()).ok())
            .any(|to| to.starts_with(&folder))
    };
    let start = Instant::now();
    while !has_file() {
        assert!(start.elapsed() < DEADLINE, "nothing is spooled");
        thread::sleep(std::time::Duration::from_millis(5));
    }
    let left = || std::fs::read_dir(&folder).expect("it is there").count();
    assert_eq!(left(), 0, "a file has a name while it is used");
    example.signal("KILL");
    assert_eq!(left(), 0, "a file is left behind");
}

#[test]
fn threads_answers_three_in_the_time_of_one() {
    let example = Example::start("threads");
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(example.address)).collect();
    let start = Instant::now();
    for client in &mut clients {
        client.send(get("/"));
    }
    let mut names: Vec<String> =
        clients.iter_mut().map(|client| client.reply().text().to_owned()).collect();
    // One after the other they would take three seconds.
    let waited = start.elapsed();
    assert!(waited.as_secs_f64() >= 1.0 && waited.as_secs_f64() < 2.9, "{waited:?}");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("Thread-") && name.ends_with('\n')));
    if let Some(reply) = curl(&[&format!("http://{}/", example.address)]) {
        assert!(reply.text().starts_with("Thread-"), "{reply:?}");
    }
}

#[cfg(unix)]
#[test]
fn forking_shows_its_processes() {
    let mut example = Example::start("forking");
    let mut client = Client::connect(example.address);
    let (first, second) = (client.send(get("/")).reply(), client.send(get("/")).reply());
    let pid = first.text().strip_prefix("request 1 of process ").map(str::trim_end);
    let pid: u32 = pid.and_then(|pid| pid.parse().ok()).expect("it is the first");
    assert_ne!(pid, example.child.id(), "the parent serves nothing");
    assert_eq!(second.text(), format!("request 2 of process {pid}\n"));
    if let Some(reply) = curl(&[&format!("http://{}/", example.address)]) {
        assert!(reply.text().contains(" of process "), "{reply:?}");
    }
    assert_eq!(example.signal("INT").code(), Some(0));
    assert!(example.log().matches("\"GET / HTTP/1.1\" 200 ").count() >= 2);
}

#[cfg(unix)]
#[test]
fn examples_end_well_at_ctrl_c_even_with_clients_connected() {
    for (name, signal) in [("get", "INT"), ("errors", "TERM"), ("send_header", "INT")] {
        let mut example = Example::start(name);
        let mut idle = Client::connect(example.address);
        let size = idle.send(get("/seen")).reply().body.len();
        let status = example.signal(signal);
        assert_eq!(status.code(), Some(0), "{name} at {signal}: {status}");
        let log = example.log();
        let code = if name == "errors" { 404 } else { 200 };
        let line = format!("] \"GET /seen HTTP/1.1\" {code} {size}");
        let lines = log.lines().filter(|logged| logged.ends_with(&line)).count();
        assert_eq!(lines, 1, "{name}: {log}");
    }
}

#[test]
fn a_taken_port_ends_an_example_with_words() {
    let example = Example::start("get");
    let program = folder().join(format!("get{}", env::consts::EXE_SUFFIX));
    let second = Command::new(program).arg(example.address.port().to_string()).output();
    let second = second.expect("it starts");
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(words.contains(&example.address.to_string()), "{words}");
}
