//! What the compiler says about right and wrong uses of `#[http_handler]`.
//!
//! `fail/` holds one mistake per file, with all that rustc prints about it in the `.stderr` file
//! beside it. Those are read like prose, and change only through `cargo xtask bless`, which runs
//! this test with `TRYBUILD=overwrite`. `pass/` holds what must compile, and run.

use std::env;
use std::io::Write;
use std::process::Command;

/// The compiler whose words the `.stderr` files hold: each version puts things its own way.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    let compiler = compiler();
    if compiler.starts_with(COMPILER) {
        cases.compile_fail("fail/*.rs");
    } else {
        // Not `eprintln!`, which nobody sees unless the test fails.
        let skipped =
            format!("\nSKIPPED fail/*.rs: they hold the words of {COMPILER}x, not of {compiler}\n");
        std::io::stderr().write_all(skipped.as_bytes()).expect("stderr is open");
    }
}

/// What the compiler calls itself, as in `rustc 1.95.0 (59807616e 2026-04-14)`.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc runs");
    String::from_utf8(output.stdout).expect("a version is text")
}
