//! A server of several processes: each answers, any may die, and none stays behind.
//!
//! A process with threads may not fork, and tests are threads: so the server is a program of its
//! own, `src/bin/forking.rs`, which does what the paths of its requests say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::ForkingHttpServer;
use basehttp_tests::{Client, DEADLINE, Reply, echo, get, serve};

/// The program at work; it is killed when this is dropped, and its workers end with it.
struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

/// What the program has left behind.
struct Ended {
    status: ExitStatus,
    stdout: String,
    log: String,
}

/// What a worker says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    pid: u32,
    /// Requests it has had, with this one.
    requests: u64,
    /// Files it has open.
    files: usize,
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forking"));
    // In a process group of its own, as from a terminal.
    command.args(arguments).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(arguments: &[&str]) -> Server {
    let mut child = program(arguments).spawn().expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it prints text");
    let address = line.trim_end().parse().expect("it prints an address");
    Server { child, stdout, address }
}

impl Server {
    fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    fn ask(&self, path: &str) -> Said {
        said(&self.connect().send(get(path)).reply())
    }

    /// A client of another process than these.
    fn connect_elsewhere(&self, than: &[u32]) -> (Client, Said) {
        until(|| {
            let mut client = self.connect();
            let said = said(&client.send(get("/")).reply());
            (!than.contains(&said.pid)).then_some((client, said))
        })
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    fn ended(mut self) -> Ended {
        let status = until(|| self.child.try_wait().expect("it is our child"));
        let (mut stdout, mut log) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).expect("it prints text");
        if let Some(stderr) = &mut self.child.stderr {
            stderr.read_to_string(&mut log).expect("it logs text");
        }
        Ended { status, stdout, log }
    }

    /// Has it end, and insists that it ends well.
    fn stop(self) -> Ended {
        self.ask("/stop");
        let ended = self.ended();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
        ended
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn said(reply: &Reply) -> Said {
    let numbers: Vec<u64> = reply.text().split(' ').filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [pid, requests, files] => Said { pid: pid as u32, requests, files: files as usize },
        _ => panic!("{reply:?}"),
    }
}

/// Asks again and again, until there is an answer.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "it never comes");
        thread::sleep(Duration::from_millis(2));
    }
}

fn signal(name: &str, process: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), "--", process]).status();
    assert!(sent.expect("there is a kill command").success());
}

/// Whether a process is there, and not only waits to be waited for.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

#[test]
fn several_processes_answer_and_each_counts_for_itself() {
    let server = start(&["workers=3"]);
    let mut clients = Vec::new();
    let mut pids = vec![server.id()];
    for _ in 0..3 {
        let (client, said) = server.connect_elsewhere(&pids);
        pids.push(said.pid);
        clients.push((client, said));
    }
    for (client, before) in &mut clients {
        let after = said(&client.send(get("/")).reply());
        assert_eq!(after.pid, before.pid, "a connection stays where it is");
        assert!(after.requests > before.requests);
    }
    // There is no fourth one.
    for _ in 0..20 {
        assert!(pids.contains(&server.ask("/").pid));
    }
    server.stop();
}

#[test]
fn a_worker_that_aborts_loses_its_own_requests_and_is_replaced() {
    for (path, words) in [
        ("/abort", "signal: 6 (SIGABRT)"),
        ("/exit/3", "exit status: 3"),
        ("/exit/0", "exit status: 0"),
        ("killed", "signal: 9 (SIGKILL)"),
    ] {
        let server = start(&["workers=2"]);
        let (mut victim, first) = server.connect_elsewhere(&[]);
        let (mut other, second) = server.connect_elsewhere(&[first.pid]);
        match path {
            "killed" => signal("KILL", &first.pid.to_string()),
            path => drop(victim.send(get(path))),
        }
        victim.expect_gone();
        let answer = said(&other.send(get("/")).reply());
        assert_eq!(answer.pid, second.pid);
        server.connect_elsewhere(&[first.pid, second.pid]);
        assert!(!is_alive(first.pid));
        let log = server.stop().log;
        let told = format!("worker process {} died", first.pid);
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&told)).collect();
        assert!(lines.len() == 1 && lines[0].contains(words), "{path}: {log}");
        assert_eq!(log.matches(" died ").count(), 1, "{path}: {log}");
    }
}

#[test]
fn one_request_for_each_child_is_a_new_process_each_time_and_loses_none() {
    let server = start(&["workers=3", "requests=1"]);
    let clients: Vec<_> = (0..4)
        .map(|_| server.address)
        .map(|address| {
            thread::spawn(move || {
                let mut pids = Vec::new();
                for _ in 0..50 {
                    let mut client = Client::connect(address);
                    let reply = client.send(get("/")).reply();
                    assert!(reply.says_close(), "{reply:?}");
                    assert_eq!(said(&reply).requests, 1);
                    client.expect_closed();
                    pids.push(said(&reply).pid);
                }
                pids
            })
        })
        .collect();
    let pids: Vec<u32> =
        clients.into_iter().flat_map(|client| client.join().expect("all is answered")).collect();
    assert_eq!(pids.len(), 200);
    assert_eq!(pids.iter().collect::<BTreeSet<_>>().len(), 200, "each has a process of its own");
    let log = server.stop().log;
    assert!(!log.contains("worker process"), "{log}");
}

#[test]
fn a_worn_out_worker_has_a_last_answer_for_everybody_it_let_in() {
    let server = start(&["workers=1", "requests=5"]);
    let (mut one, mut two) = (server.connect(), server.connect());
    let replies = [
        one.send(get("/")).reply(),
        two.send(get("/")).reply(),
        one.send(get("/")).reply(),
        two.send(get("/")).reply(),
    ];
    one.expect_closed();
    two.expect_closed();
    let first = said(&replies[0]).pid;
    let told = replies.map(|reply| (said(&reply).pid, said(&reply).requests, reply.says_close()));
    assert_eq!(told, [(first, 1, false), (first, 2, false), (first, 3, true), (first, 4, true)]);
    // The place that was kept for who might come is still there.
    drop((one, two));
    let last = server.connect().send(get("/")).reply();
    assert_eq!((said(&last).pid, said(&last).requests, last.says_close()), (first, 5, true));
    assert_ne!(server.ask("/").pid, first);
    server.stop();
}

#[test]
fn a_worker_wears_out_among_requests_that_repeat_each_other() {
    let server = start(&["workers=1", "requests=5"]);
    let mut client = server.connect();
    client.send(get("/").repeat(10));
    // One place is kept for who comes next.
    let replies: Vec<_> = (0..4).map(|_| client.reply()).collect();
    client.expect_closed();
    let told = replies.iter().map(|reply| (said(reply).requests, reply.says_close()));
    assert_eq!(told.collect::<Vec<_>>(), [(1, false), (2, false), (3, false), (4, true)]);
    drop(client);
    assert_eq!(said(&server.connect().send(get("/")).reply()).requests, 5);
    server.stop();
}

#[test]
fn connections_spread_evenly() {
    let server = start(&["workers=4"]);
    let mut connections: BTreeMap<u32, Vec<Client>> = BTreeMap::new();
    // Until all of them are there.
    while connections.len() < 4 {
        let pids: Vec<u32> = connections.keys().copied().collect();
        let (client, said) = server.connect_elsewhere(&pids);
        connections.insert(said.pid, vec![client]);
    }
    for _ in 0..80 {
        let mut client = server.connect();
        let pid = said(&client.send(get("/")).reply()).pid;
        connections.entry(pid).or_default().push(client);
    }
    let counts: Vec<usize> = connections.values().map(Vec::len).collect();
    // In turns each has 21; but who waits for a processor is passed over.
    assert!(counts.len() == 4 && counts.iter().all(|count| *count >= 5), "{counts:?}");
    server.stop();
}

#[test]
fn a_handler_or_a_thread_of_it_may_stop_all_of_them() {
    for path in ["/stop", "/stop-from-a-thread"] {
        let server = start(&["workers=2"]);
        let (mut idle, first) = server.connect_elsewhere(&[]);
        let (mut client, second) = server.connect_elsewhere(&[first.pid]);
        assert_eq!(said(&client.send(get(path)).reply()).pid, second.pid);
        client.expect_closed();
        idle.expect_closed();
        let parent = server.id();
        let ended = server.ended();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
        assert!(!is_alive(first.pid) && !is_alive(second.pid));
        // What was half a line before the fork is there once, and so is the handler.
        let stdout = format!("served: dropped in {parent}\nShutdownReport {{ answered: ");
        assert!(ended.stdout.starts_with(&stdout), "{}", ended.stdout);
        assert!(ended.stdout.ends_with(" cut: 0 }\n"), "{}", ended.stdout);
        assert_eq!(ended.log.matches("worker process").count(), 0, "{}", ended.log);
    }
}

#[test]
fn a_report_is_the_sum_of_what_the_workers_did() {
    let server = start(&["workers=2", "drain_ms=100"]);
    let (mut half, first) = server.connect_elsewhere(&[]);
    let (mut idle, _) = server.connect_elsewhere(&[first.pid]);
    let (mut other, _) = server.connect_elsewhere(&[]);
    half.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
    // The same loop has had the half when it has answered this.
    until(|| (server.ask("/").pid == first.pid).then_some(()));
    let (mut stopper, _) = server.connect_elsewhere(&[first.pid]);
    stopper.send(get("/stop")).reply();
    for client in [&mut idle, &mut other, &mut stopper] {
        client.expect_closed();
    }
    half.expect_gone();
    let ended = server.ended();
    assert!(ended.stdout.contains("answered: 0, closed_idle: "), "{}", ended.stdout);
    assert!(ended.stdout.ends_with(" cut: 1 }\n"), "{}", ended.stdout);
}

#[test]
fn a_signal_drains_whether_it_goes_to_the_parent_or_to_all() {
    for (name, to_all) in [("TERM", false), ("TERM", true), ("INT", true)] {
        let server = start(&["workers=1", "signals"]);
        let mut client = server.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
        // The one worker there is has had the half when it has answered this.
        let worker = server.ask("/").pid;
        let minus = if to_all { "-" } else { "" };
        signal(name, &format!("{minus}{}", server.id()));
        // Once nobody is let in any more, the stop has begun.
        until(|| TcpStream::connect_timeout(&server.address, DEADLINE).err());
        let reply = client.send("lf").reply();
        assert_eq!((said(&reply).pid, reply.says_close()), (worker, true), "{name} {minus}");
        client.expect_closed();
        let ended = server.ended();
        assert_eq!(ended.status.code(), Some(0), "{name} {minus}: {}", ended.log);
        assert!(ended.stdout.contains("answered: 1, "), "{name} {minus}: {}", ended.stdout);
        assert!(!is_alive(worker));
    }
}

#[test]
fn a_signal_to_a_worker_has_that_one_replaced() {
    let server = start(&["workers=1", "signals"]);
    let (mut idle, first) = server.connect_elsewhere(&[]);
    signal("TERM", &first.pid.to_string());
    idle.expect_closed();
    server.connect_elsewhere(&[first.pid]);
    let log = server.stop().log;
    assert!(!log.contains("worker process"), "{log}");
}

#[test]
fn without_a_watch_for_signals_ctrl_c_ends_all_on_the_spot() {
    let server = start(&["workers=2"]);
    let (mut client, first) = server.connect_elsewhere(&[]);
    let (_, second) = server.connect_elsewhere(&[first.pid]);
    signal("INT", &format!("-{}", server.id()));
    client.expect_gone();
    assert_eq!(server.ended().status.code(), None, "killed by it");
    until(|| (!is_alive(first.pid) && !is_alive(second.pid)).then_some(()));
}

#[test]
fn workers_do_not_outlive_their_parent() {
    let mut server = start(&["workers=3", "drain_ms=200"]);
    let (mut idle, first) = server.connect_elsewhere(&[]);
    // One has nothing to do, and another has a handler that would go on for an hour.
    let (mut busy, second) = server.connect_elsewhere(&[first.pid]);
    busy.send(get("/sleep/3600000"));
    let (_, third) = server.connect_elsewhere(&[first.pid, second.pid]);
    server.child.kill().expect("it is our child");
    server.child.wait().expect("it is our child");
    idle.expect_closed();
    busy.expect_gone();
    let pids = [first.pid, second.pid, third.pid];
    until(|| pids.iter().all(|pid| !is_alive(*pid)).then_some(()));
    assert!(TcpStream::connect_timeout(&server.address, DEADLINE).is_err());
}

#[test]
fn a_handler_that_does_not_end_is_cut_by_a_stop() {
    let server = start(&["workers=2", "drain_ms=100"]);
    let (mut busy, first) = server.connect_elsewhere(&[]);
    let (mut stopper, _) = server.connect_elsewhere(&[first.pid]);
    busy.send(get("/sleep/3600000"));
    stopper.send(get("/stop")).reply();
    busy.expect_gone();
    let ended = server.ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert!(ended.stdout.ends_with(" cut: 1 }\n"), "{}", ended.stdout);
}

#[test]
fn workers_that_die_again_and_again_are_replaced_more_and_more_slowly() {
    let server = start(&["workers=1"]);
    for _ in 0..4 {
        server.connect().send(get("/abort")).expect_gone();
    }
    // Nobody else's request is lost by it.
    server.ask("/");
    let log = server.stop().log;
    let deaths: Vec<&str> = log.lines().filter(|line| line.contains(" died ")).collect();
    assert_eq!(deaths.len(), 4, "{log}");
    for (line, pause) in deaths.iter().zip(["100ms", "200ms", "400ms", "800ms"]) {
        assert!(line.contains(&format!("and is replaced in {pause}: ")), "{log}");
    }
}

#[test]
fn a_hundred_replacements_leave_no_file_open() {
    let server = start(&["workers=1", "requests=1"]);
    let mut files = BTreeSet::new();
    files.insert(server.ask("/").files);
    let before = until(|| Some(open_files(server.id())).filter(|count| *count > 0));
    for _ in 0..100 {
        files.insert(server.ask("/").files);
    }
    assert_eq!(files.len(), 1, "of the workers: {files:?}");
    // The line of the next worker may be there already, or not yet.
    let after = open_files(server.id());
    assert!(after.abs_diff(before) <= 1, "of the parent: {before}, later {after}");
    server.stop();
}

#[test]
fn a_server_that_was_stopped_before_it_serves_ends_at_once() {
    let ended = start(&["workers=2", "stopped"]).ended();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert!(ended.stdout.ends_with("{ answered: 0, closed_idle: 0, cut: 0 }\n"));
}

#[test]
fn a_taken_port_is_an_error_of_bind() {
    let taken = serve(echo());
    let error = ForkingHttpServer::bind(taken.address(), echo()).expect_err("the port is taken");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&taken.address().to_string()), "{error}");
    let forking = start(&["workers=2"]);
    let error = ForkingHttpServer::bind(forking.address, echo()).expect_err("the port is taken");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    forking.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_with_threads_is_told_what_to_do() {
    let server = ForkingHttpServer::bind("127.0.0.1:0", echo()).expect("it does not fork yet");
    let address = server.server_address();
    assert_eq!((server.server_port(), server.server_name()), (address.port(), "127.0.0.1"));
    let error = server.serve_forever().expect_err("tests are threads");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("start threads in the handler"), "{error}");
    TcpStream::connect_timeout(&address, DEADLINE).expect_err("the port is free again");

    let ended = program(&["threads"]).output().expect("it starts");
    assert_eq!(ended.status.code(), Some(1));
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(words.contains("has 2 threads"), "{words}");
}
