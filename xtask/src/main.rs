//! `cargo xtask`: what CI runs, in one word.
//!
//! Each step is an ordinary command and is printed as one, so that it can be run by hand.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "\
usage: cargo xtask TASK

check   what CI runs: tests, format, lints, documentation
bless   rewrites the .stderr files of ui-tests/fail, to be read in review like prose
size    crates, bytes and build time of the smallest example, beside their budget
model   the take-over protocol in thousands of orders; `model mutants`: with its rules taken away
fuzz    each target of fuzz/ for ten minutes; `fuzz TARGET SECONDS` for one of them
mutants every change of server/src/http that no test notices; `mutants FILE` for one file
soak    what slow, idle and unruly clients achieve, at full size; `soak slow` for one of four,
        idle, panics, slow and requests, `soak requests 1000000 7` for so many from that seed
bench   what a request costs this server and others, as Markdown; `bench --help` tells more";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["check"] => check(),
        ["bless"] => bless(),
        ["size"] => size(),
        ["model", ref arguments @ ..] => model(arguments),
        ["fuzz"] => TARGETS.iter().try_for_each(|target| fuzz(target, "600")),
        ["fuzz", target, seconds] => fuzz(target, seconds),
        ["mutants"] => mutants("server/src/http/**"),
        ["mutants", file] => mutants(file),
        ["soak", ref options @ ..] => soak(options),
        ["bench", ref options @ ..] => bench(options),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Everything that a commit must pass.
fn check() -> Result {
    let steps = [
        Step::cargo("test --workspace"),
        Step::cargo("test --manifest-path model/Cargo.toml"),
        Step::cargo("fmt --all --check"),
        Step::cargo("clippy --workspace --all-targets --all-features -- -D warnings"),
        Step::cargo("doc --workspace --no-deps --all-features").with("RUSTDOCFLAGS", "-D warnings"),
    ];
    let start = Instant::now();
    for step in &steps {
        step.run()?;
    }
    println!("\nall {} steps passed in {}", steps.len(), seconds(start.elapsed()));
    Ok(())
}

/// Takes what the compiler says today for what it should say.
fn bless() -> Result {
    Step::cargo("test --package basehttp-ui-tests").with("TRYBUILD", "overwrite").run()?;
    Ok(())
}

/// What the crate costs who uses it, as a Markdown table.
fn size() -> Result {
    let tree = Step::cargo(CRATES).read()?;
    let crates: BTreeSet<_> = tree.lines().map(name_and_version).collect();
    // What it takes to download is not what is measured.
    Step::cargo("fetch").run()?;
    let target = Scratch::new()?;
    let time = Step::cargo(BUILD).with("CARGO_TARGET_DIR", target.text()?).run()?;
    let program = format!("release/examples/{SMALLEST}{}", env::consts::EXE_SUFFIX);
    let bytes = fs::metadata(target.0.join(program))?.len();

    let kilobytes = bytes.div_ceil(1000);
    println!("\n| | now | budget |\n|---|---|---|");
    println!("| crates in the default tree, itself included | {} | {MAX_CRATES} |", crates.len());
    println!("| example `{SMALLEST}`, release, stripped | {kilobytes} KB | {MAX_KILOBYTES} KB |");
    println!("| clean release build of it | {} | {} |", seconds(time), seconds(MAX_TIME));
    Ok(())
}

/// Checks the protocol of loans: the program is in `model/`, which has a lock file of its own.
fn model(arguments: &[&str]) -> Result {
    Step::cargo("run --release --manifest-path model/Cargo.toml --").and(arguments).run()?;
    Ok(())
}

/// Feeds a target with bytes that nobody thought of, from its seeds and from what it found before.
///
/// What breaks it is kept in `fuzz/artifacts`; as a file in `fuzz/seeds` it becomes a test.
fn fuzz(target: &str, seconds: &str) -> Result {
    if Step::cargo("+nightly fuzz --version").read().is_err() {
        return Err("install what fuzzes: cargo install cargo-fuzz; rustup toolchain install \
                    nightly"
            .into());
    }
    fs::create_dir_all(root().join("fuzz/corpus").join(target))?;
    let arguments = format!(
        "+nightly fuzz run {target} fuzz/corpus/{target} fuzz/seeds/{target} -- \
         -max_total_time={seconds} -max_len=4096 -timeout=10 -rss_limit_mb=1024"
    );
    Step::cargo(arguments).run()?;
    Ok(())
}

/// Breaks the code in one place after the other, and lists the places that no test misses.
fn mutants(file: &str) -> Result {
    if Step::cargo("mutants --version").read().is_err() {
        return Err("install what mutates: cargo install cargo-mutants".into());
    }
    // The tests of these files, and those that know no file: they take a second.
    let arguments = format!(
        "mutants --package basehttp --file {file} --timeout 20 --minimum-test-timeout 10 -- --lib \
         -- http:: __properties"
    );
    Step::cargo(arguments).run()?;
    Ok(())
}

/// Has clients do for minutes what `tests/it/measured.rs` has them do for moments.
fn soak(options: &[&str]) -> Result {
    Step::cargo("build --release --package basehttp-tests --bins").run()?;
    let soak = "run --quiet --release --package basehttp-tests --bin soak --";
    Step::cargo(soak).and(options).run()?;
    Ok(())
}

/// Measures this server beside others: the program is in `bench/`, which has a lock file of its own.
fn bench(options: &[&str]) -> Result {
    let measure = "run --quiet --release --manifest-path bench/Cargo.toml --package measure --";
    Step::cargo(measure).and(options).run()?;
    Ok(())
}

/// `name version`, without the path or the mark that `cargo tree` puts behind them.
fn name_and_version(line: &str) -> Vec<&str> {
    line.split(' ').take(2).collect()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// The workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A call of Cargo in the workspace.
struct Step {
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
}

impl Step {
    /// `arguments` are separated by single spaces.
    fn cargo(arguments: impl AsRef<str>) -> Step {
        let arguments = arguments.as_ref().split(' ').map(str::to_owned).collect();
        Step { arguments, variables: Vec::new() }
    }

    /// Adds arguments.
    fn and(mut self, arguments: &[&str]) -> Step {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Adds an environment variable.
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Step {
        self.variables.push((name, value.into()));
        self
    }

    /// Runs it where everybody can see what it prints, and says how long it took.
    fn run(&self) -> Result<Duration> {
        println!("\n$ {}", self.line());
        let start = Instant::now();
        let status = self.command().status()?;
        let time = start.elapsed();
        if !status.success() {
            return Err(format!("failed after {}: {}", seconds(time), self.line()).into());
        }
        println!("# done in {}", seconds(time));
        Ok(time)
    }

    /// Runs it for what it prints.
    fn read(&self) -> Result<String> {
        println!("\n$ {}", self.line());
        let output = self.command().stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("failed: {}", self.line()).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self) -> Command {
        // The Cargo that runs this, whichever toolchain it is of; but only rustup's own command can
        // be told to take another one.
        let is_told = self.arguments.first().is_some_and(|first| first.starts_with('+'));
        let cargo = env::var_os("CARGO").filter(|_| !is_told).unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(&self.arguments).current_dir(root());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The step as somebody would type it.
    fn line(&self) -> String {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}='{value}' "));
        format!("{}cargo {}", variables.collect::<String>(), self.arguments.join(" "))
    }
}

/// A directory that goes away when this does.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch> {
        let path = env::temp_dir().join(format!("basehttp-size-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Scratch(path))
    }

    fn text(&self) -> Result<&str> {
        Ok(self.0.to_str().ok_or("the temporary directory has a name that is no text")?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left over, it only takes room.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is fuzzed; `fuzz/Cargo.toml` has the same names.
const TARGETS: [&str; 6] = ["head", "target", "chunked", "connection", "multipart", "urlencoded"];

/// The example with the least in it.
const SMALLEST: &str = "errors";

const BUILD: &str = "build --release --package basehttp-examples --example errors \
                     --config profile.release.strip=true";

/// What is built for a user of the crate, with its build scripts and macros.
const CRATES: &str = "tree --package basehttp --edges normal,build --prefix none";

const MAX_CRATES: usize = 24;
const MAX_KILOBYTES: u64 = 700;
const MAX_TIME: Duration = Duration::from_secs(20);
