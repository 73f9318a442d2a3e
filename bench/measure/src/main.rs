//! Loads each server in turn and prints, as Markdown, what a request costs it.
//!
//! A server gets one core and the generator another. Servers take turns, of a tenth of a second
//! where their requests are quick, so that what slows the machine for a while slows them all. The
//! figure to compare is the processor time per request, from `/proc`: it does not depend on how
//! quick the generator is. Call it as `cargo xtask bench`.

mod answers;
mod figures;
mod load;
mod peers;
mod profiles;
mod server;
mod table;

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};

use figures::{measure, medians, ratio};
use peers::Peer;
use profiles::Profile;
use server::first_line;
use table::{Row, Shown};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "\
usage: cargo xtask bench [PROFILE…] [--peers NAME,NAME…] [--rounds 3] [--seconds 1] [--write]

--write renews the tables of these profiles in docs/performance.md";

struct Options {
    profiles: Vec<Profile>,
    peers: Vec<&'static Peer>,
    rounds: usize,
    time: Duration,
    write: bool,
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options> {
    let mut names: Vec<String> = Vec::new();
    let mut options = Options {
        profiles: profiles::all(),
        peers: peers::ALL.iter().collect(),
        rounds: 3,
        time: Duration::from_secs(1),
        write: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--peers" => options.peers = value()?.split(',').map(peer).collect::<Result<_>>()?,
            "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
            "--seconds" => options.time = Duration::try_from_secs_f64(value()?.parse()?)?,
            "--write" => options.write = true,
            name if !name.starts_with('-') => names.push(argument),
            _ => {
                let peers = names_of(peers::ALL.iter().map(|peer| peer.name));
                let profiles = names_of(options.profiles.iter().map(|profile| profile.name));
                return Err(format!("{USAGE}\n\nprofiles: {profiles}\npeers: {peers}").into());
            }
        }
    }
    for name in &names {
        if !options.profiles.iter().any(|profile| profile.name == name) {
            let known = names_of(options.profiles.iter().map(|profile| profile.name));
            return Err(format!("no profile {name:?}; there are: {known}").into());
        }
    }
    if !names.is_empty() {
        options.profiles.retain(|profile| names.iter().any(|name| profile.name == name));
    }
    Ok(options)
}

fn peer(name: &str) -> Result<&'static Peer> {
    peers::peer(name).ok_or_else(|| {
        let known = names_of(peers::ALL.iter().map(|peer| peer.name));
        format!("no peer {name:?}; there are: {known}").into()
    })
}

fn names_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn run(options: &Options) -> Result {
    if std::thread::available_parallelism()?.get() < 2 {
        return Err("this needs two cores: one for the server and one for the generator".into());
    }
    // Four thousand connections are as many descriptors, for both sides.
    let mut descriptors = getrlimit(Resource::Nofile);
    descriptors.current = descriptors.maximum;
    setrlimit(Resource::Nofile, descriptors)?;

    let began = Instant::now();
    let busy = fs::read_to_string("/proc/loadavg")?;
    let mut peers = Vec::new();
    for peer in &options.peers {
        eprintln!("building {}", peer.name);
        match peer.version().ok_or("is not installed".into()).and_then(|_| peer.build()) {
            Ok(()) => peers.push(*peer),
            Err(reason) => eprintln!("{} {reason}: it is left out", peer.name),
        }
    }
    let mut all = Vec::new();
    for profile in &options.profiles {
        let shown = show(profile, &peers, options);
        println!("## `{}`: {}\n\n{}", profile.name, profile.title, shown.table());
        if options.write {
            renew(profile.name, &shown.table())?;
        }
        all.push(shown);
    }
    let machine = machine(&peers, options, busy.split(' ').next().unwrap_or("?"))?;
    println!("## At a glance\n\n{}\n{machine}", table::glance(&all));
    if options.write && all.len() == profiles::all().len() {
        renew("glance", &table::glance(&all))?;
        renew("machine", &machine)?;
    } else if options.write {
        eprintln!("only a run of all profiles renews the overview and the machine");
    }
    eprintln!("done in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Measures all peers under one load.
fn show<'p>(profile: &'p Profile, peers: &[&Peer], options: &Options) -> Shown<'p> {
    let mut left_out = Vec::new();
    let mut runs: Vec<(&Peer, Vec<_>)> = Vec::new();
    for peer in peers {
        match peer.cannot(profile) {
            Some(reason) => left_out.push((peer.name, reason.to_owned())),
            None => runs.push((peer, Vec::new())),
        }
    }
    for round in 1..=options.rounds {
        let peers: Vec<&Peer> = runs.iter().map(|(peer, _)| *peer).collect();
        let measured = measure(&peers, profile, options.time);
        for ((peer, mut figures), measured) in std::mem::take(&mut runs).into_iter().zip(measured) {
            eprint!("{} {round}/{} {}: ", profile.name, options.rounds, peer.name);
            match measured {
                Ok(more) => {
                    eprintln!("{:.2} µs/request", more.cpu);
                    figures.push(more);
                    runs.push((peer, figures));
                }
                Err(reason) => {
                    eprintln!("{reason}");
                    left_out.push((peer.name, reason));
                }
            }
        }
    }
    let base = runs.iter().find(|(peer, _)| peer.name == peers::BASE).map(|(_, runs)| runs);
    let rows = runs.iter().map(|(peer, runs)| Row {
        name: peer.name,
        figures: medians(runs),
        ratio: base.map(|base| ratio(runs, base)),
    });
    Shown { profile, rows: rows.collect(), left_out }
}

/// What the figures were taken on, and with.
fn machine(peers: &[&Peer], options: &Options, busy: &str) -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name\t: "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let versions: Vec<_> = peers
        .iter()
        .filter(|peer| ![peers::BASE, "HttpServer"].contains(&peer.name))
        .filter_map(|peer| Some(format!("{} {}", peer.name, peer.version()?)))
        .collect();
    Ok(format!(
        "{}, {} cores, Linux {}, {}; the median of {} rounds of {} s each; \
         {busy} programs ran on average in the minute before; {}.\n",
        model.unwrap_or("an unknown processor"),
        cpu.matches("processor\t").count(),
        kernel.trim(),
        first_line("rustc", &["--version"]).unwrap_or("an unknown compiler".into()),
        options.rounds,
        options.time.as_secs_f64(),
        versions.join(", "),
    ))
}

/// Renews one table of the document.
fn renew(name: &str, text: &str) -> Result {
    let path = peers::workspace().join("../docs/performance.md");
    let document = fs::read_to_string(&path)?;
    let document = table::renewed(&document, name, text)
        .ok_or_else(|| format!("docs/performance.md has no place for {name}"))?;
    Ok(fs::write(&path, document)?)
}
