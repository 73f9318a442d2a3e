//! Who is at the other end, and what handlers know of their server.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::http::version::Version;
use crate::stats::Stats;

/// The address of a client (Python: `client_address`).
///
/// Prints as `127.0.0.1:50312`. It is the other end of the connection: behind a proxy, the proxy.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddress {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// A Unix socket; its clients have no address.
    Unix,
}

impl PeerAddress {
    /// The IP address, where there is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            PeerAddress::Ip(address) => Some(address.ip()),
            PeerAddress::Unix => None,
        }
    }

    /// The port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            PeerAddress::Ip(address) => Some(address.port()),
            PeerAddress::Unix => None,
        }
    }

    /// The address without the port, for people to read (Python: `address_string`).
    pub(crate) fn host(&self) -> impl fmt::Display + use<> {
        Host(self.ip())
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> PeerAddress {
        PeerAddress::Ip(address)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddress::Ip(address) => address.fmt(f),
            PeerAddress::Unix => f.write_str("unix"),
        }
    }
}

struct Host(Option<IpAddr>);

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(ip) => ip.to_canonical().fmt(f),
            None => f.write_str("unix"),
        }
    }
}

/// What a handler may know of its server (Python: `self.server`).
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// The address it is bound to, as text. No name is ever looked up.
    pub server_name: String,
    /// The port it is bound to; the real one where 0 was asked for.
    pub server_port: u16,
    pub(crate) server_address: SocketAddr,
    /// What the `Server` field says.
    pub(crate) version_string: String,
    pub(crate) protocol_version: Version,
    pub(crate) stats: Stats,
    is_stopping: Arc<AtomicBool>,
}

impl ServerInfo {
    /// `version_string` as the handler has it.
    pub(crate) fn new(
        server_address: SocketAddr,
        version_string: &str,
        protocol_version: Version,
    ) -> ServerInfo {
        // What could not stand in a header field must not get there.
        let version_string =
            version_string.trim().chars().filter(|char| !char.is_control()).collect();
        ServerInfo {
            server_name: server_address.ip().to_string(),
            server_port: server_address.port(),
            server_address,
            version_string,
            protocol_version,
            stats: Stats::default(),
            is_stopping: Arc::default(),
        }
    }

    /// What the server has counted so far.
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    /// Whether the server has been told to stop: a handler that works for long may want to end.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Address and port it is bound to.
    pub fn server_address(&self) -> SocketAddr {
        self.server_address
    }

    /// The address it is bound to, as text.
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// The port it is bound to.
    pub fn server_port(&self) -> u16 {
        self.server_port
    }
}
