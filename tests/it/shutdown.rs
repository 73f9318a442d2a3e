//! A server ends when it is told to, answers what is under way, and says what it came to.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::{Config, Exchange, HttpServer, RequestHandler, ShutdownHandle, handler_fn};
use basehttp_tests::{
    Client, DEADLINE, affordable_connections, echo, get, is_threading, serve, serve_with,
};

/// A handler that says when it has a request, and waits until it may answer.
fn held() -> (impl RequestHandler + Send + Sync, Receiver<()>, Sender<()>) {
    let (entered, enters) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let handler = handler_fn(move |_: &mut Exchange<'_>| {
        let _ = entered.send(());
        let _ = released.lock().expect("alone").recv_timeout(DEADLINE);
        "held"
    });
    (handler, enters, release)
}

fn refuses_to_connect(address: std::net::SocketAddr) -> bool {
    std::net::TcpStream::connect_timeout(&address, DEADLINE).is_err()
}

#[test]
fn idle_clients_are_closed_and_counted() {
    let server = serve(echo());
    let address = server.address();
    let mut clients: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.send(get("/")).reply().status, 200);
    }
    let start = Instant::now();
    let report = server.stop();
    assert_eq!((report.answered, report.closed_idle, report.cut), (0, 5, 0));
    assert!(start.elapsed() < DEADLINE / 2, "idle clients held it up");
    for client in &mut clients {
        client.expect_closed();
    }
    assert!(refuses_to_connect(address));
}

#[test]
fn a_request_under_way_is_answered_and_told_that_it_is_the_last() {
    let (handler, enters, release) = held();
    let server = serve(handler);
    let mut client = server.connect();
    client.send(get("/"));
    enters.recv_timeout(DEADLINE).expect("the handler is called");
    let stopper = thread::spawn(move || server.stop());
    // The stop is on its way, or will be; either way this answer is given.
    release.send(()).expect("the handler waits");
    assert_eq!(client.reply().text(), "held");
    client.expect_closed();
    let report = stopper.join().expect("it stops");
    assert_eq!(report.cut, 0);
}

#[test]
fn an_answer_made_while_stopping_says_close() {
    let server = serve(echo());
    let handle = server.shutdown_handle();
    let mut client = server.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
    server.assert_alive("half a body");
    let stopper = thread::spawn(move || handle.shutdown());
    // Once nobody is let in any more, the stop has begun.
    let start = Instant::now();
    while !refuses_to_connect(server.address()) {
        assert!(start.elapsed() < DEADLINE, "it goes on");
    }
    let reply = client.send("lf").reply();
    assert_eq!((reply.text(), reply.says_close()), ("PUT / half", true));
    client.expect_closed();
    drop(client);
    let report = stopper.join().expect("it stops");
    // With threads the first client's answer may be counted only now: its thread may have been held
    // up behind it.
    let most = if is_threading() { 2 } else { 1 };
    assert!((1..=most).contains(&report.answered), "{report:?}");
    assert_eq!(report.cut, 0);
}

#[test]
fn what_is_pipelined_behind_an_answer_that_could_not_say_close_is_answered() {
    let (entered, enters) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let released = Mutex::new(released);
    let server = serve(handler_fn(move |http: &mut Exchange<'_>| -> io::Result<()> {
        if http.path == "/flushed" {
            http.send_response(200).flush_headers()?;
            let _ = entered.send(());
            let _ = released.lock().expect("alone").recv_timeout(DEADLINE);
        }
        io::Write::write_all(&mut http.wfile, http.path.as_bytes())
    }));
    let mut client = server.connect();
    client.send(get("/flushed") + &get("/behind"));
    enters.recv_timeout(DEADLINE).expect("the handler is called");
    let (info, handle) = (server.stats(), server.shutdown_handle());
    let stopper = thread::spawn(move || handle.shutdown());
    // the head has left, and has not said that it is the last.
    while !format!("{:?}", server.shutdown_handle()).contains("stopping: true") {
        thread::yield_now();
    }
    release.send(()).expect("the handler waits");
    let first = client.reply();
    assert_eq!((first.text(), first.says_close()), ("/flushed", false));
    let second = client.reply();
    assert_eq!((second.text(), second.says_close()), ("/behind", true));
    client.expect_closed();
    assert_eq!(stopper.join().expect("it stops").cut, 0);
    assert_eq!(info.requests(), 2);
}

#[test]
fn what_is_not_done_in_time_is_cut() {
    let config = Config { drain_timeout: Duration::from_millis(100), ..Config::default() };
    let server = serve_with(echo(), config);
    let mut client = server.connect();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
    server.assert_alive("half a body");
    let report = server.stop();
    assert_eq!((report.answered, report.cut), (0, 1));
    client.expect_gone();
}

#[test]
fn a_handler_may_stop_its_own_server() {
    let own: Arc<Mutex<Option<ShutdownHandle>>> = Arc::default();
    let handle = Arc::clone(&own);
    let mut server = serve(handler_fn(move |_: &mut Exchange<'_>| {
        let handle = handle.lock().map(|mut handle| handle.take());
        let report = handle.ok().flatten().map(|handle| handle.shutdown());
        format!("{}", report.unwrap_or_default().answered)
    }));
    *own.lock().expect("nobody has panicked") = Some(server.shutdown_handle());
    let mut client = server.connect();
    let reply = client.send(get("/")).reply();
    assert_eq!(reply.text(), "0", "it does not wait for itself");
    client.expect_closed();
    server.join();
}

#[test]
fn a_deadline_may_be_as_long_as_a_duration_can_be() {
    let never = Duration::MAX;
    let config = Config {
        head_timeout: never,
        idle_timeout: never,
        body_timeout: never,
        write_timeout: never,
        linger_timeout: never,
        drain_timeout: never,
        timeout: Some(never),
        ..Config::default()
    };
    let server = serve_with(echo(), config);
    assert_eq!(server.connect().send(get("/")).reply().status, 200);
    server.assert_alive("an answer");
    assert_eq!(server.stop().cut, 0);
}

#[test]
fn stopping_twice_is_stopping_once() {
    let mut server = serve(echo());
    let mut client = server.connect();
    assert_eq!(client.send(get("/")).reply().status, 200);
    let stoppers: Vec<_> = (0..4)
        .map(|_| server.shutdown_handle())
        .map(|handle| thread::spawn(move || handle.shutdown()))
        .collect();
    for stopper in stoppers {
        assert_eq!(stopper.join().expect("it stops").closed_idle, 1);
    }
    server.join();
    assert_eq!(server.shutdown_handle().shutdown().closed_idle, 1);
}

#[test]
fn a_server_that_was_stopped_before_it_serves_ends_at_once() {
    let server = HttpServer::bind("127.0.0.1:0", echo()).expect("binds");
    assert_eq!(server.shutdown_handle().shutdown(), Default::default());
    server.serve_forever().expect("ends");
}

#[test]
fn a_server_that_is_dropped_leaves_its_port() {
    let server = HttpServer::bind("127.0.0.1:0", echo()).expect("binds");
    let address = server.server_address();
    assert_eq!((server.server_port(), server.server_name()), (address.port(), "127.0.0.1"));
    drop(server);
    assert!(refuses_to_connect(address));
    HttpServer::bind(address, echo()).expect("the port is free again");
}

#[test]
fn a_taken_port_is_an_error_whatever_the_options() {
    for allow_reuse_address in [true, false] {
        let config = Config { allow_reuse_address, ..Config::default() };
        let server = serve_with(echo(), config.clone());
        let second = HttpServer::bind_with(server.address(), echo(), config);
        let error = second.expect_err("the port is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&server.address().to_string()), "{error}");
    }
}

#[test]
fn a_port_can_be_bound_again_after_connections_were_closed_by_the_server() {
    let server = serve(echo());
    let address = server.address();
    let mut client = server.connect();
    client.send("GET / HTTP/1.0\r\n\r\n").reply();
    client.expect_closed();
    server.stop();
    HttpServer::bind(address, echo()).expect("as Python's allow_reuse_address");
}

#[test]
fn handle_request_answers_one_request_and_returns() {
    let mut server = HttpServer::bind("127.0.0.1:0", echo()).expect("binds");
    let mut client = Client::connect(server.server_address());
    client.send(get("/first"));
    server.handle_request().expect("one is answered");
    assert_eq!(server.stats().requests(), 1, "and is counted by then");
    assert_eq!(client.reply().text(), "GET /first ");
    client.send(get("/second"));
    server.handle_request().expect("one more is answered");
    assert_eq!(client.reply().text(), "GET /second ");
    client.send(get("/third").repeat(3));
    for answered in 3..=5 {
        server.handle_request().expect("one of three that are alike");
        assert_eq!(server.stats().requests(), answered);
        assert_eq!(client.reply().text(), "GET /third ");
    }
    let mut other = Client::connect(server.server_address());
    other.send("nonsense\r\n\r\n");
    server.handle_request().expect("a refusal is an answer");
    assert_eq!(other.reply().status, 400);
}

#[test]
fn handle_request_is_over_when_the_request_is_not_when_its_body_is_asked_for() {
    let mut server = HttpServer::bind("127.0.0.1:0", echo()).expect("binds");
    let mut client = Client::connect(server.server_address());
    client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    let client = thread::spawn(move || {
        assert_eq!(client.reply().status, 100);
        // Late enough for a server that thinks it is done to be gone.
        thread::sleep(Duration::from_millis(50));
        let _ = client.try_send("ab");
        client.next_reply("GET").map(|reply| reply.map(|reply| reply.text().to_owned()))
    });
    server.handle_request().expect("one is answered");
    drop(server);
    assert_eq!(client.join().expect("it is answered"), Ok(Some("PUT /x ab".to_owned())));
}

#[test]
fn handle_request_gives_up_at_its_timeout() {
    let config = Config { timeout: Some(Duration::from_millis(100)), ..Config::default() };
    let mut server = HttpServer::bind_with("127.0.0.1:0", echo(), config).expect("binds");
    // The time since the last call must not count.
    for pause in [Duration::ZERO, Duration::from_secs(2)] {
        thread::sleep(pause);
        let start = Instant::now();
        server.handle_request().expect("nobody came");
        let waited = start.elapsed();
        assert!(waited >= Duration::from_millis(90), "only {waited:?}");
        assert!(waited < Duration::from_millis(1500), "{waited:?} after a pause of {pause:?}");
    }
}

#[test]
fn handle_request_with_no_time_at_all_takes_what_is_there() {
    let config = Config { timeout: Some(Duration::ZERO), ..Config::default() };
    let mut server = HttpServer::bind_with("127.0.0.1:0", echo(), config).expect("binds");
    server.handle_request().expect("nobody is there");
    let mut client = Client::connect(server.server_address());
    client.send(get("/first") + &get("/second"));
    for path in ["/first", "/second"] {
        server.handle_request().expect("one is answered");
        assert_eq!(client.reply().text(), format!("GET {path} "));
    }
    server.handle_request().expect("nobody asks");
    assert_eq!(server.stats().requests(), 2);
}

#[test]
fn handle_request_answers_no_more_than_one() {
    let answered = std::sync::atomic::AtomicUsize::new(0);
    let handler = handler_fn(|_: &mut Exchange<'_>| {
        answered.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        "one"
    });
    let mut server = HttpServer::bind("127.0.0.1:0", handler).expect("binds");
    let address = server.server_address();
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(address)).collect();
    for client in &mut clients {
        client.send(get("/a") + &get("/b"));
    }
    for n in 1..=6 {
        server.handle_request().expect("one is answered");
        assert_eq!(answered.load(std::sync::atomic::Ordering::SeqCst), n);
    }
    for client in &mut clients {
        assert_eq!((client.reply().text(), client.reply().text()), ("one", "one"));
    }
}

#[test]
fn a_request_that_has_come_is_not_late_for_the_next_call() {
    let short = Duration::from_millis(100);
    let config = Config { idle_timeout: short, head_timeout: short, ..Config::default() };
    let mut server = HttpServer::bind_with("127.0.0.1:0", echo(), config).expect("binds");
    let mut client = Client::connect(server.server_address());
    client.send(get("/first"));
    server.handle_request().expect("one is answered");
    assert_eq!(client.reply().text(), "GET /first ");
    // Its connection has a deadline from here on.
    client.send(get("/second") + &get("/third"));
    server.handle_request().expect("one is answered");
    assert_eq!(client.reply().text(), "GET /second ");
    thread::sleep(3 * short);
    server.handle_request().expect("one is answered");
    assert_eq!(client.reply().text(), "GET /third ");
}

#[test]
fn everybody_who_has_connected_before_the_stop_is_answered() {
    let server = HttpServer::bind("127.0.0.1:0", echo()).expect("binds");
    // More than are let in at a time.
    let mut clients: Vec<Client> = (0..affordable_connections(400))
        .map(|_| Client::connect(server.server_address()))
        .collect();
    for client in &mut clients {
        client.send(get("/early"));
    }
    server.shutdown_handle().shutdown();
    server.serve_forever().expect("it stops at once");
    for (n, client) in clients.iter_mut().enumerate() {
        let reply = client.reply();
        assert_eq!((reply.text(), reply.says_close()), ("GET /early ", true), "{n}");
    }
}
