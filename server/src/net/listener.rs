//! Bind, and accept until nobody is left; what running out of descriptors does.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use super::poller::{Poller, Stream};

/// A socket that accepts connections.
pub(crate) struct Listener {
    inner: mio::net::TcpListener,
    address: SocketAddr,
}

/// What came of asking for a connection.
pub(crate) enum Accepted {
    Connection(Stream, SocketAddr),
    /// Nobody is waiting.
    Nobody,
    /// The system has no descriptor left, or another trouble: ask again later, not at once.
    Exhausted(io::Error),
}

impl Listener {
    /// Binds the first of the addresses that can be bound, IPv4 before IPv6.
    ///
    /// A name in `addresses` is resolved by the system, once; nothing else ever is.
    pub(crate) fn bind(
        addresses: impl ToSocketAddrs,
        backlog: u16,
        reuse_address: bool,
    ) -> io::Result<Listener> {
        let addresses = addresses.to_socket_addrs().map_err(|error| {
            let words = format!(
                "cannot listen: {error} (an address is \"localhost:8080\", or \"0.0.0.0:8080\" for \
                 all of this machine's)"
            );
            io::Error::new(error.kind(), words)
        })?;
        let mut addresses: Vec<SocketAddr> = addresses.collect();
        // `localhost` is both; Python's server, and most of its clients, mean 127.0.0.1.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let mut failure = None;
        for address in addresses {
            match Listener::bind_one(address, backlog, reuse_address) {
                Ok(listener) => return Ok(listener),
                Err(error) => {
                    let words = format!("cannot listen on {address}: {error}");
                    let error = io::Error::new(error.kind(), words);
                    // Another server is there: its other address would be no help to anybody.
                    if error.kind() == io::ErrorKind::AddrInUse {
                        return Err(error);
                    }
                    failure.get_or_insert(error);
                }
            }
        }
        let nothing =
            || io::Error::new(io::ErrorKind::InvalidInput, "there is no address to listen on");
        Err(failure.unwrap_or_else(nothing))
    }

    fn bind_one(address: SocketAddr, backlog: u16, reuse_address: bool) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // On Windows the option lets two servers share a port, which nobody wants.
        if reuse_address && cfg!(not(windows)) {
            socket.set_reuse_address(true)?;
        }
        if INHERITS_NODELAY {
            socket.set_tcp_nodelay(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(i32::from(backlog))?;
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from(socket);
        let address = listener.local_addr()?;
        Ok(Listener { inner: mio::net::TcpListener::from_std(listener), address })
    }

    /// The address it is bound to, port 0 resolved.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn register(&mut self, poller: &Poller) -> io::Result<()> {
        poller.add_listener(&mut self.inner)
    }

    /// Asks no more for clients; they may still come.
    #[cfg(all(unix, not(target_os = "linux")))]
    pub(crate) fn unregister(&mut self, poller: &Poller) {
        poller.remove_listener(&mut self.inner);
    }

    /// Its descriptor, for what mio does not do.
    #[cfg(target_os = "linux")]
    pub(crate) fn as_raw_fd(&self) -> std::os::fd::RawFd {
        std::os::fd::AsRawFd::as_raw_fd(&self.inner)
    }

    /// Stops listening; who waits in the kernel's queue is turned away.
    pub(crate) fn close(mut self, poller: &Poller) {
        poller.remove_listener(&mut self.inner);
    }

    /// The next connection.
    pub(crate) fn accept(&self) -> Accepted {
        loop {
            return match self.inner.accept() {
                Ok((stream, address)) => {
                    let stream = Stream::new(stream);
                    if !INHERITS_NODELAY {
                        // A client that has left already fails later, like any other.
                        let _ = stream.set_nodelay();
                    }
                    Accepted::Connection(stream, address)
                }
                Err(error) => match failed(error) {
                    Some(accepted) => accepted,
                    None => continue,
                },
            };
        }
    }
}

/// What it means that there is no connection; `None`: that the next one may be there.
fn failed(error: io::Error) -> Option<Accepted> {
    match error.kind() {
        io::ErrorKind::WouldBlock => Some(Accepted::Nobody),
        // The client changed its mind, or a signal came.
        io::ErrorKind::Interrupted
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset => None,
        _ => Some(Accepted::Exhausted(error)),
    }
}

/// Linux gives an accepted socket the listener's option: one system call less for each connection.
const INHERITS_NODELAY: bool = cfg!(any(target_os = "linux", target_os = "android"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_and_named() {
        let first = Listener::bind("127.0.0.1:0", 16, true).unwrap();
        assert_ne!(first.address().port(), 0);
        let error = Listener::bind(first.address(), 16, true).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&first.address().to_string()), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn running_out_of_something_is_waited_for_and_a_client_that_left_is_not() {
        const EINTR: i32 = 4;
        const EAGAIN: i32 = 11;
        const ECONNABORTED: i32 = 103;
        for error in [EINTR, ECONNABORTED] {
            assert!(failed(io::Error::from_raw_os_error(error)).is_none(), "{error}");
        }
        let nobody = failed(io::Error::from_raw_os_error(EAGAIN));
        assert!(matches!(nobody, Some(Accepted::Nobody)));
        // ENOMEM, ENFILE, EMFILE, EPROTO, ENOBUFS.
        for error in [12, 23, 24, 71, 105] {
            let exhausted = failed(io::Error::from_raw_os_error(error));
            assert!(matches!(exhausted, Some(Accepted::Exhausted(_))), "{error}");
        }
    }

    #[test]
    fn a_port_that_is_taken_on_one_address_is_not_bound_on_another() {
        let first = Listener::bind("127.0.0.1:0", 16, true).unwrap();
        let port = first.address().port();
        let both: [SocketAddr; 2] = [([0u16, 0, 0, 0, 0, 0, 0, 1], port).into(), first.address()];
        let error = Listener::bind(&both[..], 16, true).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn what_is_no_address_is_told_what_one_looks_like() {
        let error = Listener::bind("localhost", 16, true).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("\"localhost:8080\""), "{error}");
    }

    #[test]
    fn no_address_is_an_error() {
        let none: &[SocketAddr] = &[];
        assert!(Listener::bind(none, 16, true).is_err());
    }
}
