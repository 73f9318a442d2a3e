//! A method that takes long can see that its client has left.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use basehttp::{Exchange, RequestHandler, handler_fn};
use basehttp_tests::{DEADLINE, get, post, serve};

/// Says when it has begun, and what it sees; then looks again when it is told to, and once the test
/// has nothing more to say it looks until the client has gone.
fn watcher(saw: Sender<bool>, look: Receiver<()>) -> impl RequestHandler + Send + Sync {
    let look = Mutex::new(look);
    handler_fn(move |http: &mut Exchange<'_>| -> io::Result<String> {
        if !http.path.starts_with("/watch") {
            return Ok(http.path.to_owned());
        }
        let _ = saw.send(http.is_client_gone());
        let look = look.lock().unwrap_or_else(PoisonError::into_inner);
        while look.recv_timeout(DEADLINE).is_ok() {
            let _ = saw.send(http.is_client_gone());
        }
        if http.path == "/watch/end" {
            let start = Instant::now();
            while !http.is_client_gone() {
                assert!(start.elapsed() < DEADLINE, "the client never leaves");
                std::thread::yield_now();
            }
            let _ = saw.send(true);
        }
        let body = http.body()?;
        Ok(format!("{} {}", http.path, body.len()))
    })
}

#[test]
fn who_listens_is_there_and_its_connection_goes_on() {
    let ((saw, sees), (look, looks)) = (mpsc::channel(), mpsc::channel());
    let server = serve(watcher(saw, looks));
    let mut client = server.connect();
    client.send(post("/watch", "body"));
    assert_eq!(sees.recv_timeout(DEADLINE), Ok(false));
    look.send(()).expect("it waits");
    assert_eq!(sees.recv_timeout(DEADLINE), Ok(false));
    // What is pipelined behind it is seen, left alone, and answered in its turn.
    client.send(get("/next"));
    look.send(()).expect("it waits");
    assert_eq!(sees.recv_timeout(DEADLINE), Ok(false));
    drop(look);
    assert_eq!(client.reply().text(), "/watch 4");
    assert_eq!(client.reply().text(), "/next");
    assert_eq!(client.send(get("/more")).reply().text(), "/more");
}

#[test]
fn who_has_left_is_gone_with_a_goodbye_or_without() {
    for is_rude in [false, true] {
        let ((saw, sees), (look, looks)) = (mpsc::channel(), mpsc::channel());
        let server = serve(watcher(saw, looks));
        let mut client = server.connect();
        client.send(get("/watch/end"));
        assert_eq!(sees.recv_timeout(DEADLINE), Ok(false));
        match is_rude {
            true => client.reset(),
            false => drop(client),
        }
        drop(look);
        assert_eq!(sees.recv_timeout(DEADLINE), Ok(true), "{is_rude}");
        server.assert_alive("a client that left");
    }
}

#[test]
fn who_has_ended_its_side_looks_gone_and_is_answered_all_the_same() {
    let ((saw, sees), (look, looks)) = (mpsc::channel(), mpsc::channel());
    let server = serve(watcher(saw, looks));
    let mut client = server.connect();
    client.send(get("/watch/end"));
    assert_eq!(sees.recv_timeout(DEADLINE), Ok(false));
    client.end_writing();
    drop(look);
    assert_eq!(sees.recv_timeout(DEADLINE), Ok(true));
    assert_eq!(client.reply().text(), "/watch/end 0");
    client.expect_closed();
}

#[test]
fn what_nobody_has_read_hides_the_end_behind_it() {
    let ((saw, sees), (look, looks)) = (mpsc::channel(), mpsc::channel());
    let server = serve(watcher(saw, looks));
    let mut client = server.connect();
    client.send(get("/watch"));
    assert_eq!(sees.recv_timeout(DEADLINE), Ok(false));
    client.send(get("/next")).end_writing();
    look.send(()).expect("it waits");
    assert_eq!(sees.recv_timeout(DEADLINE), Ok(false));
    drop(look);
    assert_eq!(client.reply().text(), "/watch 0");
    assert_eq!(client.reply().text(), "/next");
    client.expect_closed();
}
