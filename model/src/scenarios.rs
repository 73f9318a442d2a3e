//! What happens to the loops, and how it is looked through.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::thread;
use shuttle::{Config, FailurePersistence, Runner};

use crate::oracle::{self, Rules};
use crate::serve::crew::Crew;
use crate::toy::{self, Request};
use Request::{Kept, NoHandler, Quick, Slow, Stop};

/// A server, its clients, and its end.
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    rules: Rules,
    /// For each loop its clients, and for each client what it sends at once.
    clients: &'static [&'static [&'static [&'static [Request]]]],
    ending: Ending,
}

/// Who stops the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Somebody, when all clients have gone but for those whose handler waits for that.
    AfterTheLast,
    /// Somebody, at any time.
    Anytime,
    /// A handler.
    FromInside,
}

/// How to look for an order that breaks something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Any thread may go on at any time.
    Random,
    /// Threads have priorities, and a few changes of them: finds what takes few switches in the
    /// wrong places.
    Pct,
}

impl Scenario {
    /// Tries so many schedules; panics at the first that breaks anything.
    pub fn check(&'static self, search: Search, seed: u64, schedules: usize) {
        match search {
            Search::Random => self.run(RandomScheduler::new_from_seed(seed, schedules)),
            Search::Pct => {
                // Bugs take two switches in the wrong place, or three, or four.
                for depth in 2..=5 {
                    let scheduler =
                        PctScheduler::new_from_seed(seed + depth as u64, depth, schedules / 4);
                    self.run(scheduler);
                }
            }
        }
    }

    fn run(&'static self, scheduler: impl Scheduler + 'static) {
        let mut config = Config::default();
        config.stack_size = 1 << 16;
        config.failure_persistence = FailurePersistence::None;
        // The warning that it knows no weaker order than `SeqCst` is in the README.
        config.silence_warnings = true;
        Runner::new(scheduler, config).run(|| self.once());
    }

    fn once(&'static self) {
        oracle::begin(self.rules);
        let counts: Vec<usize> = self.clients.iter().map(|clients| clients.len()).collect();
        let (homes, shop, wires) = toy::build(&counts);
        let crew = Crew::new(shop, homes.len(), self.rules.cap);
        let clients = self.clients.iter().flat_map(|clients| clients.iter());
        let waits_for_end = |bursts: &&[&[Request]]| bursts.concat().contains(&Kept);
        let (kept, others): (Vec<_>, Vec<_>) = clients
            .zip(wires)
            .map(|(bursts, wire)| {
                (waits_for_end(bursts), thread::spawn(move || wire.run_client(bursts)))
            })
            .partition(|(waits_for_end, _)| *waits_for_end);
        let stop = crew.trade.stop_from_outside();
        let stopper = thread::spawn(move || {
            if self.ending == Ending::Anytime {
                (0..oracle::choose(30)).for_each(|_| thread::yield_now());
                stop();
            }
            others.into_iter().for_each(|(_, client)| client.join().expect("it ends well"));
            if self.ending == Ending::AfterTheLast {
                stop();
            }
            kept.into_iter().for_each(|(_, client)| client.join().expect("it ends well"));
        });
        crew.run(homes);
        crew.trade.end();
        drop(crew);
        stopper.join().expect("it ends well");
        for thread in oracle::threads() {
            thread.join().expect("it ends well");
        }
        oracle::end();
    }
}

const RULES: Rules =
    Rules { loops: 1, cap: 2, no_thread: 0, impatient: 10, overdue: 0, runs: 30, cut: 0, pause: 0 };

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "quick and slow",
        rules: RULES,
        clients: &[&[&[&[Quick], &[Slow], &[Quick]], &[&[Slow, Quick]], &[&[Quick, NoHandler]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "a burst of slow ones, and a cap of one",
        rules: Rules { cap: 1, ..RULES },
        clients: &[&[
            &[&[Slow, Slow]],
            &[&[Slow], &[Quick]],
            &[&[Slow]],
            &[&[Quick, NoHandler], &[Slow]],
        ]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "two loops",
        rules: Rules { loops: 2, ..RULES },
        clients: &[&[&[&[Slow], &[Quick]], &[&[Quick]]], &[&[&[Slow, Quick]], &[&[Slow]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "two loops, and a cap of one",
        rules: Rules { loops: 2, cap: 1, ..RULES },
        clients: &[&[&[&[Slow], &[Slow]], &[&[Slow]]], &[&[&[Slow, Quick]], &[&[Slow]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "threads that cannot be started",
        rules: Rules { no_thread: 50, ..RULES },
        clients: &[&[&[&[Slow], &[Quick]], &[&[Slow]], &[&[Slow, Quick]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "two loops, and threads that cannot be started",
        rules: Rules { loops: 2, no_thread: 50, ..RULES },
        clients: &[&[&[&[Slow], &[Quick]], &[&[Slow]]], &[&[&[Slow], &[Slow]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "somebody waits too long for a handler",
        rules: Rules { cap: 1, overdue: 30, ..RULES },
        clients: &[&[&[&[Slow], &[Slow]], &[&[Slow, Slow]], &[&[Slow], &[Quick]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "a stop under load",
        rules: Rules { loops: 2, ..RULES },
        clients: &[&[&[&[Slow], &[Quick]], &[&[Quick, Slow]]], &[&[&[Slow, Quick]]]],
        ending: Ending::Anytime,
    },
    Scenario {
        name: "a stop from inside a handler",
        rules: Rules { loops: 2, cap: 1, ..RULES },
        clients: &[&[&[&[Quick], &[Stop]], &[&[Quick, Slow]]], &[&[&[Slow, Quick]]]],
        ending: Ending::FromInside,
    },
    Scenario {
        name: "a handler that outlives the drain limit",
        rules: Rules { loops: 2, cut: 25, ..RULES },
        clients: &[&[&[&[Kept]], &[&[Quick], &[Slow]]], &[&[&[Slow], &[Slow]]]],
        ending: Ending::Anytime,
    },
    Scenario {
        name: "a handler that does not end, beside others that do",
        rules: Rules { loops: 2, cut: 25, runs: 100, ..RULES },
        clients: &[&[&[&[Kept]], &[&[Quick], &[Slow]]], &[&[&[Slow], &[Slow]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "a handler that does not end, and nobody else may run",
        rules: Rules { cap: 1, cut: 25, overdue: 25, ..RULES },
        clients: &[&[&[&[Kept]], &[&[Slow], &[NoHandler]], &[&[Quick]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        // Several threads sleep, and none leaves: what waits behind the handler that does not end is
        // taken only if whoever takes that one wakes the next.
        name: "requests that wait behind a handler that does not end",
        rules: Rules { cap: 3, cut: 25, impatient: 0, ..RULES },
        clients: &[&[&[&[Slow], &[Kept]], &[&[Slow], &[Slow]], &[&[Slow], &[Slow], &[Slow]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "clients that take their time, and a handler that does not end",
        rules: Rules { cap: 1, cut: 25, overdue: 25, pause: 50, ..RULES },
        clients: &[&[&[&[Kept]], &[&[NoHandler], &[Slow], &[Quick]], &[&[Quick]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "clients that take their time, and two loops",
        rules: Rules { loops: 2, pause: 50, ..RULES },
        clients: &[&[&[&[Quick], &[Slow], &[Quick]]], &[&[&[Slow], &[Quick]], &[&[Quick]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "handlers that do not end, and threads that cannot be started",
        rules: Rules { loops: 2, cut: 25, no_thread: 40, overdue: 25, ..RULES },
        clients: &[&[&[&[Kept]], &[&[Quick], &[Slow]]], &[&[&[Slow], &[Quick]]]],
        ending: Ending::AfterTheLast,
    },
    Scenario {
        name: "all handlers outlive the drain limit, and others wait for one",
        rules: Rules { cap: 1, cut: 25, overdue: 10, ..RULES },
        clients: &[&[&[&[Kept]], &[&[Kept]], &[&[Slow], &[Kept]]]],
        ending: Ending::Anytime,
    },
];
