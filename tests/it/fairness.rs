//! What one client does, or has a handler do, does not come upon the others.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use basehttp::{Config, Exchange, handler_fn};
use basehttp_tests::{DEADLINE, get, is_threading, post, serve, serve_with};

/// Waits for a word at `/wait`, and then until `late` has passed since it began.
fn waiting(
    began: mpsc::Sender<()>,
    go_on: Receiver<()>,
    late: Duration,
) -> impl Fn(&mut Exchange<'_>) -> io::Result<String> + Send {
    let go_on = Mutex::new(go_on);
    move |http| {
        if http.path == "/wait" {
            let start = Instant::now();
            began.send(()).expect("the test waits");
            go_on.lock().expect("alone").recv_timeout(DEADLINE).expect("the test goes on");
            while start.elapsed() < late {
                std::thread::yield_now();
            }
        }
        let body = http.body()?;
        Ok(format!("{} {}", http.path, body.len()))
    }
}

#[test]
fn who_was_in_time_is_not_late_because_somebody_else_s_handler_was_slow() {
    let patience = Duration::from_millis(200);
    let config = Config {
        head_timeout: patience,
        idle_timeout: patience,
        body_timeout: patience,
        ..Config::default()
    };
    let ((began, has_begun), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let server = serve_with(handler_fn(waiting(began, go_on, patience * 3)), config);
    let mut slow = server.connect();
    // What each has sent before the handler blocks, and what it sends while that lasts.
    let post = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe";
    let mut clients = [
        ("half a head", "GET /a HTTP/1.1\r\n".to_owned(), "Host: a\r\n\r\n".to_owned(), "/a 0"),
        ("half a body", post.to_owned(), "llo".to_owned(), "/b 5"),
        ("nothing yet", String::new(), get("/c"), "/c 0"),
    ]
    .map(|(name, before, during, answer)| {
        let mut client = server.connect();
        client.send(before);
        (name, client, during, answer)
    });
    slow.send(get("/wait"));
    has_begun.recv_timeout(DEADLINE).expect("the handler begins");
    for (_, client, during, _) in &mut clients {
        client.send(&*during);
    }
    go.send(()).expect("the handler waits");
    assert_eq!(slow.reply().brief(), (200, "/wait 0"));
    for (name, client, _, answer) in &mut clients {
        assert_eq!(client.reply().brief(), (200, *answer), "{name}");
    }
}

#[test]
fn a_client_that_pipelines_gets_one_turn_like_the_others() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| http.path.to_owned()));
    let mut greedy = server.connect();
    let mut others: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for round in 0..5 {
        greedy.send(get("/greedy").repeat(300));
        for other in &mut others {
            assert_eq!(other.send(get("/other")).reply().text(), "/other", "{round}");
        }
        for n in 0..300 {
            assert_eq!(greedy.reply().text(), "/greedy", "{round} {n}");
        }
    }
}

/// Requests that repeat each other are answered in one go, but not in more than one turn.
#[test]
fn after_so_many_requests_that_repeat_each_other_it_is_the_others_turn() {
    let ((began, has_begun), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let (go_on, called) = (Mutex::new(go_on), AtomicUsize::new(0));
    let config = Config { event_loops: Some(1), ..Config::default() };
    let answer = move |http: &mut Exchange<'_>| {
        match http.path {
            "/gate" => {
                began.send(()).expect("the test waits");
                let go_on = go_on.lock().expect("sound");
                go_on.recv_timeout(DEADLINE).expect("the test goes on");
            }
            "/greedy" => drop(called.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        called.load(Ordering::Relaxed).to_string()
    };
    let server = serve_with(handler_fn(answer), config);
    let [mut gate, mut greedy, mut other] = [(); 3].map(|()| server.connect());
    for client in [&mut greedy, &mut other] {
        assert_eq!(client.send(get("/")).reply().text(), "0");
    }
    gate.send(get("/gate"));
    has_begun.recv_timeout(DEADLINE).expect("the method begins");
    greedy.send(get("/greedy").repeat(300));
    other.send(get("/other"));
    go.send(()).expect("the method waits");
    let before: usize = other.reply().text().parse().expect("a number");
    // With threads the loop goes on without the gate, and who comes first may have several turns.
    assert!(is_threading() || before <= 2 * 32, "{before} of one client came before another's one");
    for n in 1..=300 {
        assert_eq!(greedy.reply().text(), n.to_string());
    }
    assert_eq!(gate.reply().status, 200);
}

/// With threads, answers of one turn may wait for each other, but not for a method that takes long;
/// with one thread they wait for nobody.
#[test]
fn a_finished_answer_does_not_wait_for_a_method_that_takes_long() {
    let ((began, has_begun), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let (heard, hears) = mpsc::channel();
    let (go_on, hears) = (Mutex::new(go_on), Mutex::new(hears));
    // With several loops these three would not meet.
    let config = Config { event_loops: Some(1), ..Config::default() };
    let answer = move |http: &mut Exchange<'_>| {
        let has_heard = |from: &Mutex<Receiver<()>>, patience| {
            from.lock().expect("sound").recv_timeout(patience).is_ok()
        };
        match http.path {
            "/gate" => {
                // What was said too late for the last round says nothing in this one.
                while has_heard(&hears, Duration::ZERO) {}
                began.send(()).expect("the test waits");
                has_heard(&go_on, DEADLINE)
            }
            "/slow" => has_heard(&hears, DEADLINE / 2),
            _ => true,
        }
        .to_string()
    };
    let server = serve_with(handler_fn(answer), config);
    let [mut gate, mut quick, mut slow] = [(); 3].map(|()| server.connect());
    // Only where methods have been quick for a while does an answer wait at all.
    for _ in 0..1100 {
        assert_eq!(quick.send(get("/quick")).reply().brief(), (200, "true"));
    }
    for round in 0..4 {
        gate.send(get("/gate"));
        has_begun.recv_timeout(DEADLINE).expect("the method begins");
        // These two are heard together, in this order.
        quick.send(get("/quick"));
        slow.send(get("/slow"));
        go.send(()).expect("the method waits");
        assert_eq!(gate.reply().brief(), (200, "true"));
        assert_eq!(quick.reply().brief(), (200, "true"));
        heard.send(()).expect("the server is there");
        assert_eq!(slow.reply().brief(), (200, "true"), "{round}");
    }
}

/// A method that reads a long body waits for its client, and nobody else has to.
#[test]
fn a_finished_answer_does_not_wait_for_a_body_that_is_still_to_come() {
    let ((began, has_begun), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let config = Config { event_loops: Some(1), ..Config::default() };
    let server = serve_with(handler_fn(waiting(began, go_on, Duration::ZERO)), config);
    let [mut gate, mut quick, mut long] = [(); 3].map(|()| server.connect());
    for _ in 0..1100 {
        assert_eq!(quick.send(get("/quick")).reply().brief(), (200, "/quick 0"));
    }
    let body = "x".repeat(200_000);
    let request = post("/long", &body);
    let (first, rest) = request.split_at(request.len() / 2);
    gate.send(get("/wait"));
    has_begun.recv_timeout(DEADLINE).expect("the method begins");
    quick.send(get("/quick"));
    long.send(first);
    go.send(()).expect("the method waits");
    assert_eq!(gate.reply().brief(), (200, "/wait 0"));
    assert_eq!(quick.reply().brief(), (200, "/quick 0"));
    assert_eq!(long.send(rest).reply().brief(), (200, "/long 200000"));
}
