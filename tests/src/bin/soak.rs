//! The long trials: `cargo xtask soak`, or one of them by name; of both servers, or of `http` or
//! `threading` alone.
//!
//! `soak requests 1000000 7`: so many requests at random, from that seed. `soak four`, `soak idle`,
//! `soak panics`, `soak slow`: at full size.

use std::time::{Duration, Instant};
use std::{env, thread};

use basehttp_tests::trials::{self, Slow, SlowClient};
use basehttp_tests::{ServerProcess, Soaked, Usage, get, soak};

fn main() {
    #[cfg(unix)]
    allow_many_files();
    const KINDS: [&str; 2] = ["http", "threading"];
    let (kinds, words): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|word| KINDS.contains(&word.as_str()));
    let word = |n: usize| words.get(n).map(String::as_str);
    let is_wanted = |trial: &str| word(0).is_none_or(|wanted| wanted == trial);
    let number = |n: usize, usual: u64| word(n).and_then(|word| word.parse().ok()).unwrap_or(usual);
    for kind in KINDS.into_iter().filter(|kind| kinds.is_empty() || kinds.contains(&(*kind).into()))
    {
        println!("\n## {kind}\n");
        if is_wanted("four") {
            four(kind);
        }
        if is_wanted("idle") {
            idle(kind, 10_000);
        }
        if is_wanted("panics") {
            panics(kind, 10_000);
        }
        if is_wanted("slow") {
            slow(kind, 1000);
        }
        if is_wanted("requests") {
            requests(kind, number(1, 1_000_000), number(2, 1));
        }
    }
}

/// Both ends of a connection need one.
#[cfg(unix)]
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut files = getrlimit(Resource::Nofile);
    files.current = Some(files.maximum.unwrap_or(u64::MAX).min(20_000));
    // Where that is not allowed, there are fewer clients.
    let _ = setrlimit(Resource::Nofile, files);
}

fn start(kind: &str) -> ServerProcess {
    start_with(kind, None)
}

fn start_with(kind: &str, max_files: Option<u32>) -> ServerProcess {
    let own = env::current_exe().expect("a program knows where it is");
    let program = own.with_file_name(format!("measured{}", env::consts::EXE_SUFFIX));
    ServerProcess::start(&program.to_string_lossy(), &[kind], max_files)
}

fn usage(server: &ServerProcess) -> Usage {
    server.usage().expect("this system tells what a process uses")
}

fn shown(usage: Usage) -> String {
    let Usage { resident_kib, threads, files, .. } = usage;
    format!("{resident_kib} KiB, {threads} threads, {files} files")
}

/// The four trials that README.md has a table of.
fn four(kind: &str) {
    #[cfg(unix)]
    {
        let server = start_with(kind, Some(24));
        let stay = Duration::from_secs(1);
        let (before, after) = trials::crowd(&server, 60, stay).expect("the system tells");
        let (busy, status) = (after.cpu - before.cpu, status(&server, "/"));
        println!("four: 60 clients on 24 files: then {status}; {busy:?} of {stay:?} at work");
    }
    let server = start(kind);
    trials::panics(&server, 12);
    println!("four: 12 panics, each a 500: then {}", status(&server, "/"));
    let idle = trials::idle_clients(&server, 8);
    println!("four: 8 idle clients: then {}", status(&server, "/"));
    drop(idle);
    let taken = trials::endless_lines(&server, 64 << 20) as f64 / f64::from(1 << 20);
    let used = shown(usage(&server));
    println!(
        "four: endless lines: cut after {taken:.1} MiB; {used}; then {}",
        status(&server, "/")
    );
}

fn status(server: &ServerProcess, path: &str) -> u16 {
    server.connect().send(get(path)).reply().status
}

/// Idle clients, and the next one.
fn idle(kind: &str, count: usize) {
    let server = start(kind);
    let before = trials::latencies(&mut server.connect(), 10_000);
    println!("idle: at first {}", shown(usage(&server)));
    let clients = trials::idle_clients(&server, count);
    let after = trials::latencies(&mut server.connect(), 10_000);
    println!("idle: with {count} clients {}", shown(usage(&server)));
    println!(
        "idle: p99 {:?} at first, {:?} beside them",
        trials::p99(&before),
        trials::p99(&after)
    );
    drop(clients);
    let start = Instant::now();
    while usage(&server).files > 100 {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", shown(usage(&server)));
    }
    println!("idle: after them {}", shown(usage(&server)));
}

/// Handlers that panic.
fn panics(kind: &str, count: usize) {
    let server = start(kind);
    trials::panics(&server, 100);
    println!("panics: after 100 {}", shown(usage(&server)));
    trials::panics(&server, count - 100);
    println!("panics: after {count} {}", shown(usage(&server)));
    let counted = server.connect().send(get("/panics")).reply();
    assert_eq!(counted.text(), count.to_string());
}

/// Slow clients of all kinds at once, with the deadlines that users have.
fn slow(kind: &str, each: usize) {
    let server = start(kind);
    let before = trials::latencies(&mut server.connect(), 10_000);
    let mut clients = Vec::new();
    let bodies = [Slow::Body { length: 1000 }, Slow::Body { length: 1_000_000 }];
    for n in 0..each {
        for how in [Slow::Head, bodies[n % 2], Slow::Answer] {
            clients.push(SlowClient::start(server.address(), how).expect("connects"));
        }
    }
    println!("slow: {each} of each, {}", shown(usage(&server)));
    let (mut during, mut most_threads) = (Vec::new(), 0);
    thread::scope(|scope| {
        let dripping = scope.spawn(|| drip_until_cut(&mut clients));
        let mut quick = server.connect();
        while !dripping.is_finished() {
            during.extend(trials::latencies(&mut quick, 500));
            most_threads = most_threads.max(usage(&server).threads);
        }
    });
    during.sort();
    println!("slow: {most_threads} threads at most, at the end {}", shown(usage(&server)));
    println!(
        "slow: p99 {:?} at first, {:?} beside them",
        trials::p99(&before),
        trials::p99(&during)
    );
    for (name, is_it) in [
        ("heads", (|how| how == Slow::Head) as fn(Slow) -> bool),
        ("short bodies", |how| how == Slow::Body { length: 1000 }),
        ("long bodies", |how| how == Slow::Body { length: 1_000_000 }),
    ] {
        let cuts = clients.iter().filter(|client| is_it(client.how()));
        let cuts: Vec<_> = cuts.filter_map(SlowClient::cut).collect();
        let times = cuts.iter().map(|(after, _)| after.as_secs_f64());
        let (first, last) = (times.clone().fold(f64::MAX, f64::min), times.fold(0.0, f64::max));
        let told = cuts.iter().filter(|(_, says_408)| *says_408).count();
        println!(
            "slow: {} {name} cut after {first:.1} to {last:.1} s, {told} with a 408",
            cuts.len()
        );
    }
}

/// Each sends another byte every second or so, until the server has had enough of all of them.
fn drip_until_cut(clients: &mut [SlowClient]) {
    let is_dripping = |client: &SlowClient| client.how() != Slow::Answer && client.cut().is_none();
    while clients.iter().any(is_dripping) {
        // Not all of them in the same moment: no thousand clients are so well drilled.
        for some in clients.chunks_mut(30) {
            some.iter_mut().for_each(SlowClient::drip);
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Requests at random.
fn requests(kind: &str, count: u64, seed: u64) {
    let server = start(kind);
    // What it needs for as many clients at once is no leak.
    let warm = run(&server, seed ^ 0xffff, 20_000);
    println!("requests: after the first {} {}", warm.answered, shown(usage(&server)));
    let (mut soaked, start) = (Soaked::default(), Instant::now());
    const PARTS: u64 = 10;
    for part in 0..PARTS {
        soaked.add(run(&server, seed + part * 1000, count / PARTS));
        let Soaked { answered, connections, aborted, half_closed } = soaked;
        println!(
            "requests: {answered} answered once, {connections} connections, {aborted} aborts, \
             {half_closed} half-closes, {:.0} s; {}",
            start.elapsed().as_secs_f64(),
            shown(usage(&server))
        );
    }
    let open = server.connect().send(get("/open")).reply();
    println!("requests: {} connections open at the end, this one included", open.text());
}

/// Eight clients that share so many requests.
fn run(server: &ServerProcess, seed: u64, count: u64) -> Soaked {
    const CLIENTS: u64 = 8;
    let address = server.address();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| scope.spawn(move || soak(address, seed * CLIENTS + n, count / CLIENTS)))
            .collect();
        let mut sum = Soaked::default();
        for client in clients {
            sum.add(client.join().expect("its answers are all there"));
        }
        sum
    })
}
