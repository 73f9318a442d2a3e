//! What clients can do to a server, measured in a process of its own: memory, threads, files, time.
//!
//! The first four are what other servers were put to; README.md has the table.

use std::thread;
use std::time::{Duration, Instant};

use basehttp_tests::trials::{self, Slow, SlowClient};
use basehttp_tests::{Client, DEADLINE, ServerProcess, Usage, affordable_connections, get, soak};

fn start(arguments: &[&str], max_files: Option<u32>) -> ServerProcess {
    let kind = if basehttp_tests::is_threading() { "threading" } else { "http" };
    let arguments = [&[kind], arguments].concat();
    ServerProcess::start(env!("CARGO_BIN_EXE_measured"), &arguments, max_files)
}

/// What it uses; `None` where the system does not tell.
fn usage(server: &ServerProcess) -> Option<Usage> {
    let usage = server.usage().ok();
    if usage.is_none() {
        eprintln!("SKIPPED: this system does not tell what a process uses");
    }
    usage
}

fn assert_answers(server: &ServerProcess) {
    assert_eq!(server.connect().send(get("/")).reply().brief(), (200, "hello /\n"));
}

#[test]
fn clients_beyond_the_limit_of_files_come_and_go_and_the_next_is_answered() {
    for (max_files, clients) in [(24, 60), (64, 500)] {
        let server = start(&[], Some(max_files));
        let stay = Duration::from_millis(500);
        let measured = trials::crowd(&server, affordable_connections(clients), stay);
        assert_answers(&server);
        let Ok((before, after)) = measured else { continue };
        // A server that asks again and again would use all of that time, and never sleep, or wake
        // thousands of times.
        let (busy, sleeps) = (after.cpu - before.cpu, after.sleeps - before.sleeps);
        assert!(busy <= stay / 2, "{max_files} files: {busy:?} of {stay:?}");
        assert!(sleeps < 200, "{max_files} files: awake {sleeps} times");
        assert!(after.files <= max_files as usize, "{after:?}");
    }
}

#[test]
fn files_that_handlers_hold_are_waited_for() {
    let server = start(&[], Some(40));
    let mut inside = server.connect();
    assert_eq!(inside.send(get("/hold")).reply().status, 200);
    // There is no descriptor for these; the one inside is served.
    let mut outside: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for client in &mut outside {
        client.send(get("/waits"));
    }
    let before = usage(&server);
    for _ in 0..10 {
        assert_eq!(inside.send(get("/")).reply().status, 200);
        thread::sleep(Duration::from_millis(20));
    }
    if let (Some(before), Some(after)) = (before, usage(&server)) {
        assert!(after.cpu - before.cpu <= Duration::from_millis(150), "{before:?} {after:?}");
    }
    assert_eq!(inside.send(get("/release")).reply().status, 200);
    for client in &mut outside {
        assert_eq!(client.reply().brief(), (200, "hello /waits\n"));
    }
}

#[test]
fn panics_cost_neither_capacity_nor_threads() {
    let server = start(&[], None);
    // All that the next will need has been there once.
    trials::panics(&server, 12);
    assert_answers(&server);
    let before = usage(&server);
    trials::panics(&server, 1000);
    let mut clients = trials::idle_clients(&server, 20);
    assert_eq!(clients[0].send(get("/panics")).reply().text(), "1012");
    drop(clients);
    if let (Some(before), Some(after)) = (before, usage(&server)) {
        // A loop that was kept for a moment may have brought another thread in.
        assert!(after.threads <= before.threads + 2, "{before:?} {after:?}");
        assert!(after.resident_kib < before.resident_kib + 2048, "{before:?} {after:?}");
    }
}

#[test]
fn idle_clients_hold_nobody_up_and_cost_little() {
    let server = start(&[], None);
    let eight = trials::idle_clients(&server, 8);
    assert_answers(&server);
    let before = usage(&server);
    let count = affordable_connections(2000);
    let many = trials::idle_clients(&server, count);
    assert_answers(&server);
    if let (Some(before), Some(after)) = (before, usage(&server)) {
        // 1 KiB for each, and what a process is made of.
        assert!(after.resident_kib < before.resident_kib + 512 + count as u64, "{after:?}");
        assert!(after.threads < 20, "{after:?}");
    }
    drop((eight, many));
}

#[test]
fn endless_header_lines_are_cut_and_not_kept() {
    let server = start(&[], None);
    let most = 64 * 1024 * 1024;
    let before = usage(&server);
    let taken = trials::endless_lines(&server, most);
    // 64 KiB are looked at, and 16 MiB dropped while the client is given time to read its 431.
    assert!(taken < most / 2, "{taken} bytes");
    assert_answers(&server);
    if let (Some(before), Some(after)) = (before, usage(&server)) {
        assert!(after.resident_kib < before.resident_kib + 4096, "{before:?} {after:?}");
    }
}

#[test]
fn slow_clients_cost_no_thread_and_are_cut_at_their_deadlines() {
    let short = Duration::from_millis(1000);
    let server = start(&["impatient=1000"], None);
    let each = affordable_connections(400) / 4;
    let mut clients: Vec<SlowClient> = Vec::new();
    let mut quick = server.connect();
    for how in [Slow::Answer, Slow::Head, Slow::Body { length: 100 }, Slow::Body { length: 90_000 }]
    {
        for _ in 0..each {
            clients.push(SlowClient::start(server.address(), how).expect("connects"));
            if how == Slow::Answer {
                // A burst of answers that long would be work for many threads, whoever reads them.
                assert_eq!(quick.send(get("/quick")).reply().status, 200);
            }
        }
    }
    let (start, mut most_threads) = (Instant::now(), 0);
    let is_dripping = |client: &SlowClient| client.how() != Slow::Answer && client.cut().is_none();
    while clients.iter().any(is_dripping) {
        assert!(start.elapsed() < DEADLINE, "some go on for ever");
        for client in &mut clients {
            client.drip();
        }
        assert_eq!(quick.send(get("/quick")).reply().status, 200);
        most_threads = most_threads.max(server.usage().map_or(0, |usage| usage.threads));
        thread::sleep(Duration::from_millis(20));
    }
    assert!(most_threads < 20, "{most_threads} threads");
    for client in clients.iter().filter(|client| client.how() != Slow::Answer) {
        let how = client.how();
        let Some((after, says_408)) = client.cut() else { panic!("{how:?} goes on") };
        // (Its deadline began before the last of them had connected.)
        assert!(after >= short - Duration::from_millis(20), "{how:?} after {after:?}");
        assert!(says_408, "{how:?} after {after:?}");
    }
}

#[test]
fn whatever_clients_do_each_whole_request_is_answered_once_and_nothing_is_left_behind() {
    let server = start(&[], None);
    let address = server.address();
    let run = |seed: u64, requests: u64| {
        thread::scope(|scope| {
            for n in 0..4 {
                scope.spawn(move || soak(address, seed * 4 + n, requests / 4));
            }
        });
    };
    run(1, 1000);
    let before = usage(&server);
    run(2, 4000);
    // Those who left are gone for the server too, sooner or later.
    let start = Instant::now();
    while server.connect().send(get("/open")).reply().text() != "1" {
        assert!(start.elapsed() < DEADLINE, "connections are left open");
        thread::yield_now();
    }
    if let (Some(before), Some(after)) = (before, usage(&server)) {
        assert!(after.threads <= before.threads + 4, "{before:?} {after:?}");
        assert!(after.resident_kib < before.resident_kib + 4096, "{before:?} {after:?}");
    }
}
