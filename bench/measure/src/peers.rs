//! Who is measured: how each server is built and started, and what it cannot do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::profiles::Profile;
use crate::server::first_line;

pub struct Peer {
    pub name: &'static str,
    kind: Kind,
    /// Names of profiles begin with this, and why there is no figure.
    cannot: &'static [(&'static str, &'static str)],
}

enum Kind {
    /// A package of this workspace, and the dependency whose version is meant.
    Package(&'static str, &'static str),
    /// Ours, as `HttpServer`.
    OneThread,
    Go,
    Nginx,
    Python,
}

/// What others are held against.
pub const BASE: &str = "bare";

pub const OURS: &str = "basehttp";

const ONE_AT_A_TIME: &str = "calls one method at a time";
const NO_METHODS: &str = "has no methods that could sleep";
const COROUTINE: &str = "a coroutine must not block its thread, and has nowhere to go for it";

pub const ALL: &[Peer] = &[
    Peer {
        name: BASE,
        kind: Kind::Package("bare", "bare"),
        cannot: &[("sleep", NO_METHODS), ("mixed", NO_METHODS)],
    },
    Peer { name: OURS, kind: Kind::Package("hello", "basehttp"), cannot: &[] },
    Peer {
        name: "HttpServer",
        kind: Kind::OneThread,
        cannot: &[("sleep", ONE_AT_A_TIME), ("mixed", ONE_AT_A_TIME)],
    },
    Peer { name: "hyper", kind: Kind::Package("peer-hyper", "hyper"), cannot: &[] },
    Peer { name: "axum", kind: Kind::Package("peer-axum", "axum"), cannot: &[] },
    Peer { name: "actix-web", kind: Kind::Package("peer-actix-web", "actix-web"), cannot: &[] },
    Peer {
        name: "may_minihttp",
        kind: Kind::Package("peer-may_minihttp", "may_minihttp"),
        cannot: &[
            ("post-chunked", "reads no chunked bodies"),
            ("connect", "never closes a connection"),
            ("sleep", COROUTINE),
            ("mixed", COROUTINE),
        ],
    },
    Peer { name: "ntex", kind: Kind::Package("peer-ntex", "ntex"), cannot: &[] },
    Peer {
        name: "khttp",
        kind: Kind::Package("peer-khttp", "khttp"),
        cannot: &[("pipelined", "drops what follows the first request of a read")],
    },
    Peer { name: "tiny_http", kind: Kind::Package("peer-tiny_http", "tiny_http"), cannot: &[] },
    Peer { name: "rouille", kind: Kind::Package("peer-rouille", "rouille"), cannot: &[] },
    Peer { name: "Go net/http", kind: Kind::Go, cannot: &[] },
    Peer {
        name: "nginx",
        kind: Kind::Nginx,
        cannot: &[("sleep", NO_METHODS), ("mixed", NO_METHODS)],
    },
    Peer {
        name: "CPython",
        kind: Kind::Python,
        cannot: &[("post-chunked", "reads no chunked bodies")],
    },
];

pub fn peer(name: &str) -> Option<&'static Peer> {
    ALL.iter().find(|peer| peer.name == name)
}

impl Peer {
    /// Why it has no figure in `profile`, if there is a reason.
    pub fn cannot(&self, profile: &Profile) -> Option<&'static str> {
        let reasons = self.cannot.iter();
        reasons.copied().find(|(name, _)| profile.name.starts_with(name)).map(|(_, reason)| reason)
    }

    /// Builds what has to be built; an error is a reason to leave it out.
    pub fn build(&self) -> Result<(), String> {
        let mut command = match self.kind {
            Kind::OneThread => return peer(OURS).map_or(Ok(()), Peer::build),
            Kind::Package(package, _) => {
                let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
                cargo.args(["build", "--quiet", "--release", "--package", package]);
                cargo
            }
            Kind::Go => {
                let mut go = Command::new("go");
                go.args(["build", "-o"]).arg(program("peer-go")).arg("peers/go/main.go");
                go
            }
            Kind::Nginx => return nginx(0).map(drop),
            Kind::Python => return Ok(()),
        };
        let status = command.current_dir(workspace()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err("could not be built".into()),
            Err(_) => Err("is not installed".into()),
        }
    }

    /// How the server is called.
    pub fn command(&self, port: u16, threads: usize) -> Result<Command, String> {
        let mut command = match self.kind {
            Kind::Package(package, _) => Command::new(program(package)),
            Kind::OneThread => {
                let mut hello = Command::new(program("hello"));
                hello.arg(port.to_string()).arg("one");
                return Ok(hello);
            }
            Kind::Go => Command::new(program("peer-go")),
            Kind::Nginx => return nginx(port),
            Kind::Python => {
                let mut python = Command::new("python3");
                python.arg(workspace().join("peers/cpython/server.py"));
                python
            }
        };
        command.arg(port.to_string()).arg(threads.to_string());
        Ok(command)
    }

    /// Its version, if it can be found here at all.
    pub fn version(&self) -> Option<String> {
        match self.kind {
            Kind::Package(_, dependency) => {
                let lock = fs::read_to_string(workspace().join("Cargo.lock")).ok()?;
                let (_, rest) =
                    lock.split_once(&format!("name = \"{dependency}\"\nversion = \""))?;
                Some(rest.split('"').next()?.to_owned())
            }
            Kind::OneThread => peer(OURS)?.version(),
            Kind::Go => word(&first_line("go", &["version"])?, 2, "go"),
            Kind::Nginx => word(&first_line("nginx", &["-v"])?, 2, "nginx/"),
            Kind::Python => word(&first_line("python3", &["--version"])?, 1, ""),
        }
    }
}

/// A word of a line, without what stands before the number in it.
fn word(line: &str, index: usize, prefix: &str) -> Option<String> {
    Some(line.split(' ').nth(index)?.trim_start_matches(prefix).to_owned())
}

/// nginx with its configuration, and the file that it answers with.
fn nginx(port: u16) -> Result<Command, String> {
    let prepare = || {
        let directory = program("peer-nginx");
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("big"), vec![b'x'; 1 << 20])?;
        let template = fs::read_to_string(workspace().join("peers/nginx/nginx.conf"))?;
        let text = template
            .replace("PORT", &port.to_string())
            .replace("DIRECTORY", &directory.display().to_string());
        let file = directory.join("nginx.conf");
        fs::write(&file, text)?;
        Ok(file)
    };
    let file = prepare().map_err(|error: std::io::Error| error.to_string())?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file);
    Ok(command)
}

/// The file beside this program.
fn program(name: &str) -> PathBuf {
    env::current_exe().unwrap_or_default().with_file_name(name)
}

pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
