//! A stop in the middle of traffic loses nothing, counted from the clients' side.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use basehttp::{Exchange, RequestHandler, handler_fn};
use basehttp_tests::{Client, DEADLINE, Random, Reply, TestServer, get, post, serve};

const RUNS: u64 = 20;
const CLIENTS: u64 = 12;

/// What a run is counted with.
#[derive(Default)]
struct Run {
    /// Handlers that were called.
    called: AtomicUsize,
    answered: AtomicUsize,
    /// Set before the stop begins.
    is_stopping: AtomicBool,
}

/// Answers with the path, some late, some long, and counts.
fn counting(run: &Arc<Run>) -> impl RequestHandler + Send + Sync + 'static {
    let run = Arc::clone(run);
    handler_fn(move |http: &mut Exchange<'_>| -> io::Result<()> {
        let body = http.body()?;
        if http.path != "/alive" {
            run.called.fetch_add(1, Ordering::SeqCst);
        }
        if http.path.ends_with('7') {
            thread::sleep(Duration::from_millis(4));
        }
        http.send_response(200).end_headers()?;
        http.wfile.write_all(http.path.as_bytes())?;
        let is_long = http.path.ends_with('3');
        http.wfile.write_all(&vec![b'x'; if is_long { 200_000 } else { body.len() }])
    })
}

/// Sends requests until the server will not have any more.
fn client(server: &TestServer, run: &Run, number: u64, random: &mut Random) {
    for connection in 0.. {
        // Who is refused comes too late: the stop has begun.
        let Ok(mut client) = Client::try_connect(server.address()) else {
            assert!(run.is_stopping.load(Ordering::SeqCst), "refused before the stop");
            return;
        };
        for round in 0..1 + random.below(6) {
            let paths: Vec<String> = (0..1 + random.below(4))
                .map(|n| format!("/{number}/{connection}/{round}/{n}{}", random.below(10)))
                .collect();
            let requests: String = paths
                .iter()
                .map(|path| if path.ends_with('5') { post(path, "body") } else { get(path) })
                .collect();
            let is_sent = client.try_send(&requests).is_ok();
            let is_in_time = is_sent && !run.is_stopping.load(Ordering::SeqCst);
            for path in &paths {
                match client.next_reply("GET") {
                    Ok(Some(reply)) => {
                        assert!(reply.text().starts_with(path), "{path}: {reply:?}");
                        run.answered.fetch_add(1, Ordering::SeqCst);
                        // What was sent behind it is not answered, and the client knows that.
                        if reply.says_close() {
                            return assert_last(&mut client);
                        }
                    }
                    Ok(None) => {
                        assert!(!is_in_time, "{path} was sent before the stop");
                        return;
                    }
                    Err(cut) => panic!("{path} was cut: {cut:?}"),
                }
            }
        }
    }
}

fn assert_last(client: &mut Client) {
    let next: Result<Option<Reply>, Reply> = client.next_reply("GET");
    assert_eq!(next, Ok(None), "behind an answer that said close");
}

#[test]
fn a_stop_under_load_loses_no_request() {
    for seed in 0..RUNS {
        let run = Arc::new(Run::default());
        let server = serve(counting(&run));
        let mut idle: Vec<Client> = (0..5).map(|_| server.connect()).collect();
        for client in &mut idle {
            assert_eq!(client.send(get("/alive")).reply().status, 200);
        }
        let report = thread::scope(|scope| {
            for number in 0..CLIENTS {
                let (server, run) = (&server, &run);
                let mut random = Random::new(seed * CLIENTS + number + 1);
                scope.spawn(move || client(server, run, number, &mut random));
            }
            let start = Instant::now();
            while run.answered.load(Ordering::SeqCst) < 100 + 13 * seed as usize {
                assert!(start.elapsed() < DEADLINE, "the traffic is stuck");
                thread::yield_now();
            }
            run.is_stopping.store(true, Ordering::SeqCst);
            // What was sent before is on its way through the system; this comes behind it.
            server.assert_alive("traffic");
            server.shutdown_handle().shutdown()
        });
        // Idle clients would have held it up to the drain limit, and been cut.
        assert_eq!(report.cut, 0, "run {seed}");
        assert!(report.closed_idle >= 5, "run {seed}: {report:?}");
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        assert_eq!(count(&run.called), count(&run.answered), "run {seed}");
    }
}
