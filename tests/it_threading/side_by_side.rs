//! Handlers that take long run side by side, and nobody waits for them but their own clients.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::{Config, Exchange, RequestHandler, ThreadingHttpServer, handler_fn};
use basehttp_tests::{Client, DEADLINE, get, serve, serve_with};

/// A door that handlers wait at until the test opens it.
#[derive(Clone, Default)]
pub(crate) struct Door(Arc<(Mutex<(usize, bool)>, Condvar)>);

impl Door {
    /// Waits, for as long as a test may last.
    pub(crate) fn wait(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("nobody panics here");
        state.0 += 1;
        changed.notify_all();
        let closed = |state: &mut (usize, bool)| !state.1;
        drop(changed.wait_timeout_while(state, DEADLINE, closed).expect("nobody panics here"));
    }

    /// Waits until so many stand at it.
    pub(crate) fn has(&self, wanted: usize) {
        let (state, changed) = &*self.0;
        let state = state.lock().expect("nobody panics here");
        let too_few = |state: &mut (usize, bool)| state.0 < wanted;
        let (state, _) = changed.wait_timeout_while(state, DEADLINE, too_few).expect("no panic");
        assert_eq!(state.0, wanted, "handlers at the door");
    }

    pub(crate) fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().expect("nobody panics here").1 = true;
        changed.notify_all();
    }
}

/// `/wait` waits at the door; anything else is answered at once. Both tell their thread.
pub(crate) fn waits_at(door: &Door) -> impl RequestHandler + Send + Sync + 'static {
    let door = door.clone();
    handler_fn(move |http: &mut Exchange<'_>| {
        if http.path.starts_with("/wait") {
            door.wait();
        }
        thread::current().name().unwrap_or_default().to_owned()
    })
}

/// `/first` waits at one door, `/second` at another, and says when it goes on; anything else is
/// answered at once.
fn waits_at_two(
    first: &Door,
    second: &Door,
    goes_on: &Arc<AtomicBool>,
) -> impl RequestHandler + Send + Sync + 'static {
    let (first, second, goes_on) = (first.clone(), second.clone(), Arc::clone(goes_on));
    handler_fn(move |http: &mut Exchange<'_>| {
        match http.path {
            "/first" => first.wait(),
            "/second" => {
                second.wait();
                goes_on.store(true, Ordering::SeqCst);
            }
            _ => {}
        }
        http.path.to_owned()
    })
}

/// Waits until that is so.
fn until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "it never comes");
        thread::yield_now();
    }
}

#[test]
fn an_answer_does_not_wait_for_the_next_request_of_its_client() {
    let (first, second, goes_on) = (Door::default(), Door::default(), Arc::default());
    let server = serve(waits_at_two(&first, &second, &goes_on));
    let mut client = server.connect();
    client.send(get("/first") + &get("/second"));
    first.has(1);
    until(|| server.stats().take_overs() == 1);
    first.open();
    assert_eq!(client.reply().text(), "/first");
    assert!(!goes_on.load(Ordering::SeqCst), "the first answer has waited");
    second.has(1);
    second.open();
    assert_eq!(client.reply().text(), "/second");
}

#[test]
fn an_answer_does_not_wait_for_a_thread_for_the_next_request() {
    let (first, second, goes_on) = (Door::default(), Door::default(), Arc::default());
    let config = Config { max_handler_threads: 1, event_loops: Some(1), ..Config::default() };
    let server = serve_with(waits_at_two(&first, &second, &goes_on), config);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.send(get("/first") + &get("/third"));
    first.has(1);
    until(|| server.stats().take_overs() == 1);
    other.send(get("/second"));
    until(|| server.stats().waiting() == 1);
    first.open();
    second.has(1);
    // The only thread is taken, and so `/third` waits.
    assert_eq!(client.reply().text(), "/first");
    assert!(!goes_on.load(Ordering::SeqCst), "the first answer has waited");
    second.open();
    assert_eq!(client.reply().text(), "/third");
    assert_eq!(other.reply().text(), "/second");
}

#[test]
fn nobody_answers_the_other_requests_of_a_client_that_is_gone() {
    let (first, second, goes_on) = (Door::default(), Door::default(), Arc::default());
    second.open();
    let server = serve(waits_at_two(&first, &second, &goes_on));
    let mut client = server.connect();
    client.send(get("/first") + &get("/second"));
    first.has(1);
    until(|| server.stats().take_overs() == 1);
    client.reset();
    first.open();
    until(|| server.stats().open_connections() == 0);
    assert!(!goes_on.load(Ordering::SeqCst), "its next request has been answered");
}

#[test]
fn three_that_need_each_other_are_answered_by_three_threads() {
    let barrier = Barrier::new(3);
    let server = serve(handler_fn(move |_: &mut Exchange<'_>| {
        barrier.wait();
        thread::current().name().unwrap_or_default().to_owned()
    }));
    let mut clients: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(get("/"));
    }
    let names: HashSet<String> =
        clients.iter_mut().map(|client| client.reply().text().to_owned()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("Thread-")), "{names:?}");
}

#[test]
fn a_handler_that_waits_keeps_nobody_else() {
    let door = Door::default();
    for loops in [1, 2] {
        let config = Config { event_loops: Some(loops), ..Config::default() };
        let server = serve_with(waits_at(&door), config);
        let mut slow: Vec<Client> = (0..4).map(|_| server.connect()).collect();
        for client in &mut slow {
            client.send(get("/wait"));
            // Others are answered meanwhile, those that came before and those that come now.
            for _ in 0..10 {
                assert_eq!(server.connect().send(get("/quick")).reply().status, 200);
            }
        }
        door.open();
        for client in &mut slow {
            assert_eq!(client.reply().status, 200);
        }
    }
}

#[test]
fn a_handler_that_computes_keeps_nobody_else() {
    let (is_over, door) = (Arc::new(AtomicBool::new(false)), Door::default());
    door.open();
    let handler = {
        let (is_over, door) = (Arc::clone(&is_over), door.clone());
        handler_fn(move |http: &mut Exchange<'_>| {
            if http.path == "/compute" {
                door.wait();
                let start = Instant::now();
                while !is_over.load(Ordering::SeqCst) && start.elapsed() < DEADLINE {
                    std::hint::spin_loop();
                }
            }
            http.path.to_owned()
        })
    };
    let config = Config { event_loops: Some(1), ..Config::default() };
    let server = serve_with(handler, config);
    let mut client = server.connect();
    client.send(get("/compute"));
    door.has(1);
    assert_eq!(server.connect().send(get("/quick")).reply().text(), "/quick");
    assert_eq!(server.stats().take_overs(), 1);
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(client.reply().text(), "/compute");
}

#[test]
fn a_hundred_wait_at_once_and_all_go_on() {
    let door = Door::default();
    let server = serve(waits_at(&door));
    let mut clients: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(get("/wait"));
    }
    door.has(100);
    let stats = server.stats();
    assert!(stats.take_overs() >= 1, "{stats:?}");
    assert_eq!(server.connect().send(get("/quick")).reply().status, 200);
    door.open();
    for client in &mut clients {
        assert_eq!(client.reply().status, 200);
        assert_eq!(client.send(get("/quick")).reply().status, 200, "its connection goes on");
    }
}

#[test]
fn what_is_pipelined_behind_a_slow_one_is_answered_in_order() {
    let server = serve(handler_fn(move |http: &mut Exchange<'_>| {
        if http.path.contains("slow") {
            thread::sleep(Duration::from_millis(20));
        }
        http.path.to_owned()
    }));
    let paths = ["/a", "/slow1", "/b", "/slow2", "/slow1", "/c", "/d", "/slow3", "/e"];
    let mut client = server.connect();
    for _ in 0..3 {
        client.send(paths.map(get).concat());
        for path in paths {
            assert_eq!(client.reply().text(), path);
        }
    }
}

#[test]
fn beyond_the_cap_requests_wait_in_order_and_are_answered() {
    let (door, running, most) =
        (Door::default(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler = {
        let (door, running, most) = (door.clone(), running.clone(), most.clone());
        handler_fn(move |http: &mut Exchange<'_>| {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            if http.path == "/wait" {
                door.wait();
            }
            running.fetch_sub(1, Ordering::SeqCst);
            http.path.to_owned()
        })
    };
    let config = Config { max_handler_threads: 4, event_loops: Some(2), ..Config::default() };
    let server = serve_with(handler, config);
    let mut slow: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    for client in &mut slow {
        client.send(get("/wait"));
    }
    door.has(4);
    let mut waiting: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for client in &mut waiting {
        client.send(get("/wait"));
    }
    let (stats, start) = (server.stats(), Instant::now());
    while stats.waiting() < 20 - 2 {
        assert!(start.elapsed() < DEADLINE, "{stats:?}");
        thread::yield_now();
    }
    door.open();
    for client in slow.iter_mut().chain(&mut waiting) {
        assert_eq!(client.reply().text(), "/wait");
    }
    assert_eq!(stats.waiting(), 0);
    // Each loop may have lent itself to one more before the cap was reached.
    assert!(most.load(Ordering::SeqCst) <= 4 + 2, "{most:?} at once");
}

#[test]
fn who_waits_too_long_for_a_thread_is_turned_away_and_may_try_again() {
    let door = Door::default();
    let config = Config {
        max_handler_threads: 1,
        event_loops: Some(1),
        handler_queue_timeout: Duration::from_millis(50),
        ..Config::default()
    };
    let server = serve_with(waits_at(&door), config);
    let mut slow = server.connect();
    slow.send(get("/wait"));
    door.has(1);
    for _ in 0..2 {
        let reply = server.connect().send(get("/wait")).reply();
        assert_eq!((reply.status, reply.header("Retry-After")), (503, Some("1")), "{reply:?}");
        assert!(reply.says_close());
        assert!(reply.text().contains("Error code 503."), "{reply:?}");
    }
    let stats = server.stats();
    assert_eq!((stats.turned_away(), stats.waiting()), (2, 0), "{stats:?}");
    door.open();
    assert_eq!(slow.reply().status, 200);
    assert_eq!(server.connect().send(get("/quick")).reply().status, 200);
}

#[test]
fn handle_request_answers_one_request_and_serve_forever_goes_on_with_the_same_clients() {
    let config = Config { event_loops: Some(3), ..Config::default() };
    let handler = handler_fn(|http: &mut Exchange<'_>| http.path.to_owned());
    let mut server =
        ThreadingHttpServer::bind_with("127.0.0.1:0", handler, config).expect("it binds");
    let stop = server.shutdown_handle();
    let mut clients: Vec<Client> =
        (0..3).map(|_| Client::connect(server.server_address())).collect();
    for client in &mut clients {
        client.send(get("/first"));
        server.handle_request().expect("one is answered");
        assert_eq!(client.reply().text(), "/first");
    }
    let serving = thread::spawn(move || server.serve_forever());
    for client in &mut clients {
        assert_eq!(client.send(get("/second")).reply().text(), "/second");
    }
    stop.shutdown();
    serving.join().expect("no panic").expect("it ends well");
}

#[test]
fn who_waits_is_known_for_it_and_gets_threads_however_busy_the_machine_is() {
    let door = Door::default();
    let handler = {
        let door = door.clone();
        handler_fn(move |http: &mut Exchange<'_>| {
            match http.query().as_str() {
                "nap" => thread::sleep(Duration::from_millis(20)),
                _ => door.wait(),
            }
            "waited"
        })
    };
    let server = serve_with(handler, Config { event_loops: Some(1), ..Config::default() });
    let (stats, is_over) = (server.stats(), AtomicBool::new(false));
    thread::scope(|scope| {
        let over = Over(&is_over);
        let processors = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..2 * processors + 1 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let mut clients: Vec<Client> = (0..40).map(|_| server.connect()).collect();
        let start = Instant::now();
        loop {
            let before = stats.take_overs();
            for client in &mut clients[..8] {
                client.send(get("/slow?nap"));
            }
            for client in &mut clients[..8] {
                assert_eq!(client.reply().status, 200);
            }
            // Requests that are known to take long get no loop that could be taken over.
            if stats.take_overs() == before {
                break;
            }
            assert!(start.elapsed() < DEADLINE, "never known: {stats:?}");
        }
        for client in &mut clients {
            client.send(get("/slow?wait"));
        }
        door.has(40);
        door.open();
        drop(over);
    });
}

/// Ends the noise, whatever becomes of the test.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
