//! Clients that wait cost neither a thread nor anybody's answer.

use std::fs;
use std::path::Path;

use basehttp::Config;
use basehttp_tests::{Client, affordable_connections, echo, get, serve, serve_with};

/// Threads that this one has started, itself and those that they have started; `None` where the
/// system does not tell.
///
/// Linux gives a thread without a name of its own that of its maker; other tests have another.
fn threads() -> Option<usize> {
    let name = |task: &Path| fs::read_to_string(task.join("comm")).ok();
    let own = name(Path::new("/proc/thread-self"))?;
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    Some(
        tasks
            .filter(|task| task.as_ref().is_ok_and(|t| name(&t.path()) == Some(own.clone())))
            .count(),
    )
}

#[test]
fn idle_connections_cost_no_thread_and_hold_nobody_up() {
    let server = serve(echo());
    let before = threads();
    let mut idle: Vec<Client> =
        (0..affordable_connections(500)).map(|_| server.connect()).collect();
    for (n, client) in idle.iter_mut().enumerate() {
        match n % 4 {
            0 => {}
            1 => assert_eq!(client.send(get("/")).reply().status, 200),
            2 => _ = client.send("GET / HTTP/1.1\r\nHos"),
            _ => _ = client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"),
        }
    }
    assert_eq!(server.connect().send(get("/me")).reply().text(), "GET /me ");
    match (before, threads()) {
        (Some(before), Some(now)) => {
            // The other test of this file may have begun.
            assert!(now < before + 8, "{before} threads, then {now}");
        }
        _ => eprintln!("SKIPPED: this system does not tell how many threads there are"),
    }
    for (n, client) in idle.iter_mut().enumerate() {
        let whole = get("/");
        let rest = [&whole, &whole, "t: a\r\n\r\n", "cd"][n % 4];
        let reply = client.send(rest).reply();
        assert_eq!(reply.text(), ["GET / ", "GET / ", "GET / ", "PUT / abcd"][n % 4], "{n}");
    }
}

#[test]
fn the_cap_on_connections_is_kept_and_the_next_client_gets_the_free_place() {
    let config = Config { max_connections: Some(3), ..Config::default() };
    let server = serve_with(echo(), config);
    let mut inside: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut inside {
        assert_eq!(client.send(get("/in")).reply().status, 200);
    }
    // The kernel takes this one in, and the server does not: it is answered as soon as one leaves.
    let mut waiting = server.connect();
    waiting.send(get("/waited"));
    for client in &mut inside {
        assert_eq!(client.send(get("/in")).reply().status, 200);
    }
    waiting.stream().set_nonblocking(true).expect("can look");
    let looked = waiting.stream().peek(&mut [0]);
    assert_eq!(looked.map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock));
    waiting.stream().set_nonblocking(false).expect("can wait");
    inside.pop();
    assert_eq!(waiting.reply().text(), "GET /waited ");

    // More wait than there are places; all are answered in their turn.
    let mut queue: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for client in &mut queue {
        client.send("GET /q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }
    inside.clear();
    drop(waiting);
    for client in &mut queue {
        assert_eq!(client.reply().text(), "GET /q ");
    }
}
