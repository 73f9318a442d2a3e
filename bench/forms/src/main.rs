//! Uploads of two kinds, read by this crate and by others, in turns.
//!
//! ```console
//! cd bench/forms
//! cargo run --release -- rounds 5
//! ```
//!
//! Each peer is a server in a process of its own, on one core; the client is on another. A peer reads
//! the parts as a stream, throws the data away, and answers with how many parts and bytes there were.
//! `read` is the floor: it takes the same bytes from the socket and does not look at them.
//! Go and Python take part where they are installed, `python-multipart` where it can be imported.

mod load;
mod peers;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use load::{Load, Server};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", peer] => peers::serve(peer),
        ["rounds", count] => rounds(count.parse().unwrap_or(5), &[]),
        ["rounds", count, ref only @ ..] => rounds(count.parse().unwrap_or(5), only),
        ["many", count, ref only @ ..] => {
            measure(&[Load::many_parts(64 << 20, 1024)], count.parse().unwrap_or(5), only)
        }
        ["memory"] => memory(),
        ["half-sent", count] => half_sent(count.parse().unwrap_or(10_000)),
        _ => {
            eprintln!("usage: rounds COUNT [PEER…] | many COUNT [PEER…] | memory | half-sent COUNT");
            Ok(())
        }
    }
}

/// Every peer gets every load once a round, so that a noisy minute is everybody's.
fn rounds(count: usize, only: &[&str]) -> io::Result<()> {
    measure(&[Load::one_part(1 << 30), Load::many_parts(64 << 20, 1024)], count, only)
}

fn measure(loads: &[Load], count: usize, only: &[&str]) -> io::Result<()> {
    let names = peers::NAMES.iter().filter(|name| only.is_empty() || only.contains(name));
    let mut servers = Vec::new();
    for name in names {
        match Server::start(name) {
            Ok(server) => servers.push(server),
            Err(error) => eprintln!("{name} does not take part: {error}"),
        }
    }
    for load in loads {
        let mut times: BTreeMap<&str, Vec<(Duration, Duration)>> = BTreeMap::new();
        let mut failed: BTreeSet<&str> = BTreeSet::new();
        for round in 0..count {
            for server in &servers {
                // The slowest would take the whole time for itself.
                let is_slow =
                    |times: &Vec<(Duration, _)>| times.iter().all(|(wall, _)| wall.as_secs() >= 8);
                if failed.contains(server.name)
                    || (round >= 1 && times.get(server.name).is_some_and(is_slow))
                {
                    continue;
                }
                let (wall, cpu) = match server.upload(load) {
                    Ok(took) => took,
                    Err(error) => {
                        eprintln!("{} cannot do {}: {error}", server.name, load.name);
                        failed.insert(server.name);
                        continue;
                    }
                };
                eprintln!("{round} {:16} {} {wall:?}, CPU {cpu:?}", server.name, load.name);
                times.entry(server.name).or_default().push((wall, cpu));
            }
        }
        let median = |name: &str| {
            let times = times.get(name)?;
            let mut walls: Vec<Duration> = times.iter().map(|(wall, _)| *wall).collect();
            let mut cpus: Vec<Duration> = times.iter().map(|(_, cpu)| *cpu).collect();
            walls.sort();
            cpus.sort();
            Some((walls[walls.len() / 2], cpus[cpus.len() / 2], walls.len()))
        };
        println!("\n{}\n", load.name);
        println!(
            "| peer | median | MiB/s | CPU | CPU, times `read` | CPU, times `basehttp` | rounds |"
        );
        println!("|---|---|---|---|---|---|---|");
        let of = |name| median(name).map_or(f64::NAN, |(_, cpu, _)| cpu.as_secs_f64());
        for server in &servers {
            let Some((wall, cpu, rounds)) = median(server.name) else { continue };
            let seconds = wall.as_secs_f64();
            println!(
                "| {} | {seconds:.3} s | {:.0} | {:.3} s | {:.2} | {:.2} | {rounds} |",
                server.name,
                load.bytes as f64 / 1048576.0 / seconds,
                cpu.as_secs_f64(),
                cpu.as_secs_f64() / of("read"),
                cpu.as_secs_f64() / of("basehttp"),
            );
        }
    }
    Ok(())
}

/// How much more memory a server has at its peak than idle, for 1 GiB through `http.form()`.
fn memory() -> io::Result<()> {
    let server = Server::start("basehttp-form")?;
    // What any first request costs is not the upload's.
    server.upload(&Load::many_parts(1 << 10, 1024))?;
    let before = server.peak_kib()?;
    let (wall, cpu) = server.upload(&Load::one_part(1 << 30))?;
    let after = server.peak_kib()?;
    println!(
        "idle {before} KiB, peak {after} KiB, {} KiB more; {wall:?}, CPU {cpu:?}",
        after - before
    );
    Ok(())
}

/// Many clients send half a form and then nothing.
fn half_sent(count: usize) -> io::Result<()> {
    let server = Server::start("basehttp-threads")?;
    let idle = (server.threads()?, server.peak_kib()?);
    let (answers, took) = server.send_halves(count, || {
        let now = (server.threads().unwrap_or(0), server.peak_kib().unwrap_or(0));
        println!(
            "idle: {} threads, {} KiB; with {count} half-sent forms: {} threads, {} KiB",
            idle.0, idle.1, now.0, now.1
        );
    })?;
    println!("answers: {answers:?}, the last after {took:?}");
    Ok(())
}
