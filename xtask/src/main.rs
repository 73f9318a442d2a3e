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
size    crates, bytes and build time of the smallest example, beside their budget";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["check"] => check(),
        ["bless"] => bless(),
        ["size"] => size(),
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

/// `name version`, without the path or the mark that `cargo tree` puts behind them.
fn name_and_version(line: &str) -> Vec<&str> {
    line.split(' ').take(2).collect()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// A call of Cargo in the workspace.
struct Step {
    arguments: &'static str,
    variables: Vec<(&'static str, String)>,
}

impl Step {
    /// `arguments` are separated by single spaces.
    fn cargo(arguments: &'static str) -> Step {
        Step { arguments, variables: Vec::new() }
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
        // The Cargo that runs this, whichever toolchain it is of.
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        command.args(self.arguments.split(' ')).current_dir(root);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The step as somebody would type it.
    fn line(&self) -> String {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}='{value}' "));
        format!("{}cargo {}", variables.collect::<String>(), self.arguments)
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

/// The example with the least in it.
const SMALLEST: &str = "errors";

const BUILD: &str = "build --release --package basehttp-examples --example errors \
                     --config profile.release.strip=true";

/// What is built for a user of the crate, with its build scripts and macros.
const CRATES: &str = "tree --package basehttp --edges normal,build --prefix none";

const MAX_CRATES: usize = 24;
const MAX_KILOBYTES: u64 = 700;
const MAX_TIME: Duration = Duration::from_secs(20);
