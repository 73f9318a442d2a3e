//! What the model knows of one schedule from outside, and what must hold in it.
//!
//! The checker runs all threads of a schedule on one thread of the system, and switches only where
//! one of its locks, atomics or waits is used. Here none of them is: looking on changes nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread::JoinHandle;

/// How a scenario bends the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) loops: usize,
    /// Handlers that may run without a loop.
    pub(crate) cap: usize,
    /// How often, of a hundred, a thread cannot be started.
    pub(crate) no_thread: u32,
    /// How often a thread without work runs out of patience.
    pub(crate) impatient: u32,
    /// How often a look at those who wait for a handler finds that their patience is over.
    pub(crate) overdue: u32,
    /// How often a driver whose handler has not returned is seen to want a processor only.
    pub(crate) runs: u32,
    /// How often a loop that drains finds that its time is over.
    pub(crate) cut: u32,
    /// How often a client takes its time before it sends on.
    pub(crate) pause: u32,
}

#[derive(Default)]
struct State {
    rules: Option<Rules>,
    /// Times that each request was answered, by connection and number.
    answers: BTreeMap<(usize, usize), usize>,
    threads: Vec<JoinHandle<()>>,
    running: usize,
    /// Handlers that run without a loop.
    alone: i64,
    waiting: i64,
    /// Loops that somebody might have to take over.
    lent: i64,
    /// All that happens to loops, in one number; and what it was at the last two ticks.
    news: u64,
    old_news: [u64; 2],
    ticks: u64,
    /// Something is broken, and loops need not end well.
    gave_up: bool,
    stopped: bool,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn with<R>(look: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(look)
}

/// A new schedule begins.
pub(crate) fn begin(rules: Rules) {
    // A schedule that has failed has left its threads behind: they cannot be touched any more.
    // Each loop is there to be taken by its first driver.
    let lent = rules.loops as i64;
    let before = STATE.replace(State { rules: Some(rules), lent, ..State::default() });
    std::mem::forget(before.threads);
}

pub(crate) fn rules() -> Rules {
    with(|state| state.rules).expect("a schedule has begun")
}

/// True so often of a hundred.
pub(crate) fn chance(percent: u32) -> bool {
    percent > 0 && thread_rng().gen_range(0..100) < percent
}

pub(crate) fn choose(count: usize) -> usize {
    thread_rng().gen_range(0..count)
}

pub(crate) fn thread_begins() {
    with(|state| {
        state.running += 1;
        let Rules { loops, cap, .. } = state.rules.expect("a schedule has begun");
        // One for each loop, one for each handler, and those that were called for a loop whose
        // driver came back before them.
        let most = 3 * loops + cap + 1;
        assert!(state.running <= most, "{} threads for {loops} loops, cap {cap}", state.running);
    });
}

pub(crate) fn thread_ends() {
    with(|state| state.running -= 1);
}

pub(crate) fn keep(thread: JoinHandle<()>) {
    with(|state| state.threads.push(thread));
}

/// Threads that may still run.
pub(crate) fn threads() -> Vec<JoinHandle<()>> {
    with(|state| std::mem::take(&mut state.threads))
}

pub(crate) fn tick_begins() {
    with(|state| {
        // What the watch saw last it did not see the time before: that was before the last tick.
        let is_lively = state.lent > 0 || state.waiting > 0 || state.news != state.old_news[0];
        assert!(is_lively, "the watch ticks although nothing happens");
        state.old_news = [state.old_news[1], state.news];
        state.ticks += 1;
    });
}

pub(crate) fn ticks() -> u64 {
    with(|state| state.ticks)
}

/// A loop has found something to answer.
pub(crate) fn note_departure() {
    with(|state| {
        state.news += 1;
        state.lent += 1;
    });
}

/// It is answered, or waits for somebody without a loop, or its loop was taken over.
pub(crate) fn note_return() {
    with(|state| {
        state.news += 1;
        state.lent -= 1;
    });
}

/// A handler goes on, or begins, without a loop.
pub(crate) fn begin_alone() {
    with(|state| {
        state.alone += 1;
        let Rules { loops, cap, .. } = state.rules.expect("a schedule has begun");
        let most = (cap + loops) as i64;
        assert!(state.alone <= most, "{} handlers without a loop, of {most}", state.alone);
    });
}

pub(crate) fn end_alone() {
    with(|state| state.alone -= 1);
}

pub(crate) fn note_waiting(change: i64) {
    with(|state| {
        state.news += 1;
        state.waiting += change;
        assert!(state.waiting >= 0, "more have been served than have waited");
    });
}

pub(crate) fn note_read(connection: usize, request: usize) {
    let is_new = with(|state| state.answers.insert((connection, request), 0)).is_none();
    assert!(is_new, "request {request} of connection {connection} was read twice");
}

pub(crate) fn note_answer(connection: usize, request: usize) {
    with(|state| {
        let in_order = state.answers.range((connection, 0)..(connection, request));
        let is_next = in_order.fold(true, |so_far, (_, times)| so_far && *times == 1);
        assert!(is_next, "request {request} of connection {connection} was answered too early");
        let times = state.answers.get_mut(&(connection, request)).expect("it was read");
        *times += 1;
        assert!(*times == 1, "request {request} of connection {connection} was answered again");
    });
}

/// The requests of a connection that were read and not answered.
pub(crate) fn owed(connection: usize) -> usize {
    with(|state| {
        let of_it = state.answers.range((connection, 0)..(connection + 1, 0));
        of_it.filter(|(_, times)| **times == 0).count()
    })
}

pub(crate) fn note_stop() {
    with(|state| state.stopped = true);
}

pub(crate) fn is_stopped() -> bool {
    with(|state| state.stopped)
}

pub(crate) fn give_up() {
    with(|state| state.gave_up = true);
}

pub(crate) fn has_given_up() -> bool {
    with(|state| state.gave_up)
}

/// The schedule is over: nobody is left, and nothing is counted any more.
pub(crate) fn end() {
    with(|state| {
        assert!(state.running == 0, "threads are left");
        assert!(state.waiting == 0, "somebody still waits for a handler");
        assert!(state.alone == 0, "not every handler that ran without a loop has come back");
    })
}
