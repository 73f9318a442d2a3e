//! Whether the model can fail: the files of the server with one rule taken away, one after the other.
//!
//! Each is a change of text in a copy; the server's files know nothing of it. A change that does not
//! fit its file any more is an error, so the list stays true.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A rule taken away.
struct Mutant {
    /// Which, as the README numbers them.
    rule: &'static str,
    /// What is different.
    what: &'static str,
    /// In which file, from what, to what.
    edits: &'static [Edit],
    expected: Expected,
}

/// What the model is to say of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Failure,
    /// Nothing: another rule keeps this promise too, or it is about cost alone.
    Silence(&'static str),
}

use Expected::{Failure, Silence};

/// Tries each, or those of which `name` is a part, and prints the list as Markdown.
///
/// # Errors
/// Where a change does not fit, or the model does not say what it should.
pub fn run(schedules: usize, name: &str) -> io::Result<()> {
    println!("| rule | taken away | what the model says |\n|---|---|---|");
    let mut surprises = 0;
    for mutant in MUTANTS.iter().filter(|mutant| mutant.what.contains(name)) {
        write_copy(mutant)?;
        let said = match watch(schedules)? {
            // Some orders are rare: once more, with more of them.
            None if mutant.expected == Failure => watch(RARE * schedules)?,
            said => said,
        };
        let (is_expected, words) = match (said, mutant.expected) {
            (Some(words), expected) => (expected == Failure, words),
            (None, Silence(reason)) => (true, format!("nothing: {reason}")),
            (None, Failure) => (false, "nothing".into()),
        };
        let mark = if is_expected { "" } else { " (a surprise)" };
        println!("| {} | {} | {words}{mark} |", mutant.rule, mutant.what);
        surprises += usize::from(!is_expected);
    }
    if surprises > 0 {
        return Err(io::Error::other(format!("{surprises} surprises")));
    }
    Ok(())
}

fn model() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The copy, where it lies to the model as the server does.
fn copy() -> PathBuf {
    model().join("target/mutant")
}

fn write_copy(mutant: &Mutant) -> io::Result<()> {
    let mut files: Vec<String> = ["baton", "crew", "mailbox", "pool"]
        .iter()
        .map(|name| format!("server/src/serve/{name}.rs"))
        .collect();
    files.extend(["model/Cargo.toml", "model/Cargo.lock"].map(str::to_owned));
    for folder in ["model/src", "model/src/serve"] {
        for entry in fs::read_dir(model().join("..").join(folder))? {
            let name = entry?.file_name().into_string().expect("our files have plain names");
            if name.ends_with(".rs") {
                files.push(format!("{folder}/{name}"));
            }
        }
    }
    for file in files {
        let mut text = fs::read_to_string(model().join("..").join(&file))?;
        for (_, from, to) in mutant.edits.iter().filter(|(of, ..)| file.ends_with(of)) {
            if text.matches(from).count() != 1 {
                let words = format!("{}: in {file} there is not one `{from}`", mutant.what);
                return Err(io::Error::other(words));
            }
            text = text.replacen(from, to, 1);
        }
        let path = copy().join(&file);
        fs::create_dir_all(path.parent().expect("it lies in a folder"))?;
        // What has not changed is not compiled again.
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            fs::write(path, text)?;
        }
    }
    Ok(())
}

/// Runs the copy, and returns what it failed with.
fn watch(schedules: usize) -> io::Result<Option<String>> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).arg("--manifest-path").arg(copy().join("model/Cargo.toml"));
        // Of its own, or `cargo run` would find the copy's program in the place of the model's.
        command.arg("--target-dir").arg(copy().join("target"));
        command
    };
    let built = cargo(&["build", "--quiet"]).output()?;
    if !built.status.success() {
        let words = String::from_utf8_lossy(&built.stderr);
        return Err(io::Error::other(format!("a change does not compile: {words}")));
    }
    let said = copy().join("said");
    let mut child = cargo(&["run", "--quiet"])
        .args(["--", &schedules.to_string()])
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(fs::File::create(&said)?)
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Ok(Some("it never ends".into()));
        }
        thread::sleep(Duration::from_millis(50));
    };
    if status.success() {
        return Ok(None);
    }
    Ok(Some(first_words(&fs::read_to_string(said)?)))
}

/// What the first panic said, without the numbers of threads.
fn first_words(said: &str) -> String {
    let lines = said.lines().skip_while(|line| !line.contains("panicked at ")).skip(1);
    let first: Vec<&str> = lines.take(1).collect();
    let words = first.concat();
    if words.starts_with("deadlock!") {
        return "deadlock".into();
    }
    if words.starts_with("exceeded max_steps") {
        return "it goes round for ever".into();
    }
    words
}

/// So many times as many schedules show what is rare.
const RARE: usize = 10;

/// Longer than any model takes that comes to an end.
const PATIENCE: Duration = Duration::from_secs(300);

/// A change of one file, from what, to what.
type Edit = (&'static str, &'static str, &'static str);

const CALLED_FOR_EVER: Edit =
    ("pool.rs", "            state.call = Call::Answered;\n        }", "        }");

const NO_LATE_CALL: Edit = ("pool.rs", "0..self.runnable(state).min(state.asleep)", "0..0");

const LEAVES_UNSEEN: Edit = (
    "pool.rs",
    "(state, has_waited) = wait_for(&self.work, state, SPARE);",
    "(state, has_waited) = wait_for(&self.work, state, SPARE);\n\
     if has_waited {\n\
     self.leave(state);\n\
     return Task::Leave;\n\
     }",
);

const MUTANTS: &[Mutant] = &[
    Mutant {
        rule: "1",
        what: "whoever comes takes the loop, whichever loan it means",
        edits: &[("baton.rs", "if slot.loans != loan.0 {", "if false {")],
        expected: Failure,
    },
    Mutant {
        rule: "1",
        what: "loans have no numbers",
        edits: &[("baton.rs", "slot.loans += 1;", "slot.loans = 1;")],
        expected: Failure,
    },
    Mutant {
        rule: "1",
        what: "the watch acts on a loan that it has not seen before",
        edits: &[("baton.rs", "(self.is_lent && self == before)", "self.is_lent")],
        expected: Failure,
    },
    Mutant {
        rule: "1",
        what: "no tick between the look before sleep and the next",
        edits: &[(
            "crew.rs",
            "is_lively = self.look(&mut seen);\n                if !is_lively &&",
            "let again = self.look(&mut seen);\n                if !again &&",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "1",
        what: "the first loan is taken for one that a handler keeps",
        edits: &[("crew.rs", "is_told: true }", "is_told: false }")],
        expected: Failure,
    },
    Mutant {
        rule: "1",
        what: "the same loan is handed on at every tick",
        edits: &[("crew.rs", "self.is_told = true;", "")],
        expected: Silence("orders for a loan that is over do nothing; it costs a thread for each"),
    },
    Mutant {
        rule: "1",
        what: "a loop whose driver runs is never handed on",
        edits: &[("crew.rs", "self.again < LOOKS_AT_A_RUNNER && ", "")],
        expected: Failure,
    },
    Mutant {
        rule: "2",
        what: "the watch takes the loop away from its lender, before anybody is there to drive it",
        edits: &[(
            "crew.rs",
            "let _ = self.hire(self.pool.take_over(index, loan));",
            "if let Some(home) = baton.take(loan) {\n\
             let loan = baton.lend(home);\n\
             let _ = self.hire(self.pool.take_over(index, loan));\n\
             }",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "2",
        what: "who finds the loan over does not take back that it counted its lender",
        edits: &[(
            "crew.rs",
            "None if counted => Ended::Handler,",
            "None if counted => Ended::Task,",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "3",
        what: "a loop has to wait for a driver while as many handlers run as may",
        edits: &[(
            "pool.rs",
            "if let Some(TakeOver { index, loan, counted }) = state.take_overs.pop_front() {",
            "if !self.is_full()\n\
             && let Some(TakeOver { index, loan, counted }) = state.take_overs.pop_front()\n\
             {",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "3",
        what: "a handler is counted after its loop is taken",
        edits: &[
            ("pool.rs", "self.handlers.fetch_add(usize::from(counted), Ordering::Relaxed);", ""),
            (
                "pool.rs",
                "    /// Waits for something to do",
                "    pub(crate) fn begin_handler(&self) {\n\
                 self.handlers.fetch_add(1, Ordering::Relaxed);\n\
                 }\n\
                 /// Waits for something to do",
            ),
            ("crew.rs", "None if counted => Ended::Handler,", ""),
            (
                "crew.rs",
                "self.trade.begin(index, &mut home, &desk, counted);",
                "self.trade.begin(index, &mut home, &desk, counted);\n\
                 if counted {\nself.pool.begin_handler();\n}",
            ),
        ],
        expected: Silence("who takes a loop drives it, and still counts before that"),
    },
    Mutant {
        rule: "3",
        what: "a loop is lent although as many handlers run as may",
        edits: &[(
            "crew.rs",
            "let has_no_room = self.pool.is_full() &&",
            "let has_no_room = false &&",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "3",
        what: "requests that wait are taken although as many handlers run as may",
        edits: &[("pool.rs", "if !self.is_full()\n                &&", "if true &&")],
        expected: Failure,
    },
    Mutant {
        rule: "3",
        what: "a lender that lost its loop does not count itself out",
        edits: &[(
            "crew.rs",
            "self.trade.post(visit);\n                    return Ended::Handler;",
            "self.trade.post(visit);\n                    return Ended::Task;",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "a thread is started only where none is free",
        edits: &[("pool.rs", "if self.runnable(state) <= state.free {", "if state.free > 0 {")],
        expected: Silence("the watch calls again at the next tick, and then none is free"),
    },
    Mutant {
        rule: "4",
        what: "the same, and the watch does not call again either",
        edits: &[
            ("pool.rs", "if self.runnable(state) <= state.free {", "if state.free > 0 {"),
            ("crew.rs", "self.pool.call_again(|| self.trade.is_busy())", "0"),
        ],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "who takes work does not wake the next one",
        edits: &[(
            "pool.rs",
            "        state.free -= 1;\n        self.release(state);",
            "        state.free -= 1;",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "new work wakes nobody",
        edits: &[(
            "pool.rs",
            "let hands = self.hands(&mut state);\n        self.release(state);",
            "let hands = self.hands(&mut state);",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "whoever has been woken once counts as on its way for ever",
        edits: &[CALLED_FOR_EVER],
        expected: Silence("the watch wakes whom it can at its second look"),
    },
    Mutant {
        rule: "4",
        what: "that too, and the watch does not call where nobody comes",
        edits: &[CALLED_FOR_EVER, NO_LATE_CALL],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "a thread is woken although one is on its way",
        edits: &[("pool.rs", "state.call == Call::Answered &&", "")],
        expected: Silence("it costs a switch of threads"),
    },
    Mutant {
        rule: "4",
        what: "who has come still counts as asleep",
        edits: &[("pool.rs", "            state.asleep -= 1;\n", "")],
        expected: Silence("the watch wakes whom it can at its second look"),
    },
    Mutant {
        rule: "4",
        what: "the watch does not call again for threads that could not be started",
        edits: &[("crew.rs", "self.pool.call_again(|| self.trade.is_busy())", "0")],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "a thread that could not be started stays counted",
        edits: &[("crew.rs", "self.pool.not_started();", "")],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "a thread that has done its task is not free",
        edits: &[("pool.rs", "        state.free += usize::from(ended != Ended::Nothing);\n", "")],
        expected: Failure,
    },
    Mutant {
        rule: "4",
        what: "a thread that is out of patience leaves without a last look",
        edits: &[LEAVES_UNSEEN],
        expected: Silence("the watch wakes another at its second look"),
    },
    Mutant {
        rule: "4",
        what: "it leaves like that, and the watch does not call where nobody comes",
        edits: &[LEAVES_UNSEEN, NO_LATE_CALL],
        expected: Failure,
    },
    Mutant {
        rule: "5",
        what: "a loop sleeps without looking into its mailbox",
        edits: &[(
            "mailbox.rs",
            "store(is_empty, Ordering::Relaxed);\n        is_empty",
            "store(true, Ordering::Relaxed);\n        true",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "5",
        what: "a loop looks, and says only later that it sleeps",
        edits: &[(
            "mailbox.rs",
            "        let state = lock(&self.state);\n        let is_empty = state.letters.is_empty();",
            "        let is_empty = lock(&self.state).letters.is_empty();",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "5",
        what: "mail wakes nobody",
        edits: &[("mailbox.rs", "            (self.wake)();", "")],
        expected: Failure,
    },
    Mutant {
        rule: "5",
        what: "mail wakes loops that do not sleep",
        edits: &[("mailbox.rs", "if must_wake {", "if true {")],
        expected: Silence("it costs a call of the system for each letter"),
    },
    Mutant {
        rule: "5",
        what: "mail is not noted for a loop that has looked",
        edits: &[("mailbox.rs", "self.must_wake.store(false, Ordering::Release);", "")],
        expected: Failure,
    },
    Mutant {
        rule: "5",
        what: "a closed mailbox takes letters",
        edits: &[("mailbox.rs", "if state.is_closed {", "if false {")],
        expected: Failure,
    },
    Mutant {
        rule: "5",
        what: "a mailbox is closed although there is a letter",
        edits: &[(
            "mailbox.rs",
            "        if state.letters.is_empty() {\n            state.is_closed = true;\n        }",
            "        state.is_closed = true;",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "6",
        what: "(in the toy) what happens to a connection that is away is forgotten",
        edits: &[(
            "toy.rs",
            "Seat::Away { is_readable } => *is_readable = true,",
            "Seat::Away { .. } => {}",
        )],
        expected: Silence("whoever was away is read once more"),
    },
    Mutant {
        rule: "6",
        what: "(in the toy) a connection that was mailed home is not read once more",
        edits: &[(
            "toy.rs",
            "                    visit.connection.is_readable = true;\n",
            "                    let _ = &mut visit;\n",
        )],
        expected: Silence("what happened while it was away is kept in its seat"),
    },
    Mutant {
        rule: "6",
        what: "(in the toy) both",
        edits: &[
            (
                "toy.rs",
                "Seat::Away { is_readable } => *is_readable = true,",
                "Seat::Away { .. } => {}",
            ),
            (
                "toy.rs",
                "                    visit.connection.is_readable = true;\n",
                "                    let _ = &mut visit;\n",
            ),
        ],
        expected: Failure,
    },
    Mutant {
        rule: "7",
        what: "a lender that lost its loop ends the connection by itself",
        edits: &[(
            "crew.rs",
            "self.trade.post(visit);\n                    return Ended::Handler;",
            "drop(visit);\n                    return Ended::Handler;",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "7",
        what: "a thread without a loop ends the connection by itself",
        edits: &[(
            "crew.rs",
            "self.trade.post(visit);\n                    Ended::Handler\n                }",
            "drop(visit);\n                    Ended::Handler\n                }",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "the watch does not look between saying that it sleeps and sleeping",
        edits: &[(
            "crew.rs",
            "                is_lively = self.look(&mut seen);\n                if",
            "                if",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "a loan does not wake the watch",
        edits: &[(
            "crew.rs",
            "            let loan = baton.lend(home);\n            self.watch.wake();\n",
            "            let loan = baton.lend(home);\n",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "the watch is woken before the loan, and not after it",
        edits: &[(
            "crew.rs",
            "            let loan = baton.lend(home);\n            self.watch.wake();\n",
            "            self.watch.wake();\n            let loan = baton.lend(home);\n",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "a request that waits does not wake the watch",
        edits: &[(
            "crew.rs",
            "        self.watch.wake();\n    }\n\n    /// Hands loops",
            "    }\n\n    /// Hands loops",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "the watch sleeps although requests wait",
        edits: &[("crew.rs", "is_lively || self.pool.waiting() > 0", "is_lively")],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "the watch sleeps although there were loans since it looked",
        edits: &[("baton.rs", "self.is_lent || self.loans != before.loans", "self.is_lent")],
        expected: Silence("it costs a call of the system for each loan"),
    },
    Mutant {
        rule: "8",
        what: "the watch does not sleep",
        edits: &[(
            "crew.rs",
            "                    park();\n",
            "                    is_lively = true;\n",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "the watch leaves when nothing is lent",
        edits: &[("crew.rs", "                    park();\n", "                    return;\n")],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "the watch does not ask, before it sleeps, whether a loop is left",
        edits: &[(
            "crew.rs",
            "if !is_lively && self.homes.load(Ordering::SeqCst) > 0 {",
            "if !is_lively {",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "8",
        what: "the last loop that ends does not wake the watch",
        edits: &[(
            "crew.rs",
            "            self.crew.watch.wake();\n        }\n    }\n}\n\n/// Dropped only",
            "        }\n    }\n}\n\n/// Dropped only",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "9",
        what: "the end waits for handlers that are kept",
        edits: &[(
            "pool.rs",
            "while state.threads > self.handlers.load(Ordering::Relaxed) {",
            "while state.threads > 0 {",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "9",
        what: "the end does not wait for threads without work",
        edits: &[(
            "pool.rs",
            "while state.threads > self.handlers.load(Ordering::Relaxed) {",
            "while false {",
        )],
        expected: Silence("they leave all the same, a little later"),
    },
    Mutant {
        rule: "9",
        what: "the end wakes nobody",
        edits: &[("pool.rs", "        self.work.notify_all();\n", "")],
        expected: Failure,
    },
    Mutant {
        rule: "9",
        what: "a thread stays after the end until it is out of patience",
        edits: &[("pool.rs", "if state.is_closed || has_waited {", "if has_waited {")],
        expected: Failure,
    },
    Mutant {
        rule: "9",
        what: "a thread leaves and tells nobody",
        edits: &[(
            "pool.rs",
            "who is free is a thread\");\n        self.left.notify_all();",
            "who is free is a thread\");",
        )],
        expected: Failure,
    },
    Mutant {
        rule: "9",
        what: "the end leaves loops in the queue",
        edits: &[("pool.rs", "        state.take_overs.clear();\n", "")],
        expected: Silence("the loans they name are over"),
    },
    Mutant {
        rule: "9",
        what: "what is given up at the end still waits in the statistics",
        edits: &[(
            "crew.rs",
            "        for visit in self.pool.close() {\n            self.trade.note_served();\n",
            "        for visit in self.pool.close() {\n",
        )],
        expected: Failure,
    },
];
