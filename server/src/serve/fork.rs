//! Processes: begin one, end one, learn how it ended, and queue up with the others for clients.
//!
//! The only file that may say `unsafe`. The standard library starts programs, and has no word for a
//! process that goes on with this one; nobody else here calls the system about processes.

// A fork, and the calls that belong to it, exist only as functions of C.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::net::listener::Listener;
use crate::net::poller::Poller;

/// Which of the two processes this is.
pub(crate) enum Forked {
    /// The one that called [`fork`].
    Parent(Process),
    /// Its copy.
    Child,
}

/// A child that has not been waited for.
pub(crate) struct Process {
    pid: libc::pid_t,
}

/// Goes on as two processes.
///
/// # Errors
/// `Unsupported` in a process with several threads: only the one that calls would go on in the
/// copy, and whatever the others hold at that moment (a lock, half a change) would stay so for ever.
/// Linux tells how many there are; elsewhere the caller has to know. And those of the system.
pub(crate) fn fork() -> io::Result<Forked> {
    if let Some(count @ 2..) = threads() {
        let words = format!(
            "cannot fork a process that has {count} threads: start threads in the handler, where \
             each worker process has its own, or serve with another kind of server"
        );
        return Err(io::Error::new(io::ErrorKind::Unsupported, words));
    }
    // SAFETY: the process has one thread, which has just been checked where the system tells, and
    // is asked for by the documentation of `ForkingHttpServer` elsewhere. So the child is a whole
    // copy, in which nobody is missing who holds a lock, and may do all that its parent may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(Process { pid })),
    }
}

/// How many threads this process has, where the system tells.
fn threads() -> Option<usize> {
    std::fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

/// Ends this process at once: nothing is dropped, and what its parent has arranged for its own end
/// is not done.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: it takes a number, and does not return.
    unsafe { libc::_exit(code) }
}

impl Process {
    pub(crate) fn id(&self) -> i32 {
        self.pid
    }

    /// Ends it, if it has not ended yet.
    pub(crate) fn kill(&self) {
        // SAFETY: two numbers. The process is this one's child and was not waited for, so no other
        // can have its number.
        let _ = unsafe { libc::kill(self.pid, libc::SIGKILL) };
    }

    /// Waits until it has ended, and says how.
    ///
    /// # Errors
    /// Where the program ignores SIGCHLD, the system does not tell.
    pub(crate) fn wait(self) -> io::Result<ExitStatus> {
        let mut status = 0;
        loop {
            // SAFETY: `status` is a place for one number, and outlives the call.
            match unsafe { libc::waitpid(self.pid, &mut status, 0) } {
                -1 => match io::Error::last_os_error() {
                    error if error.kind() == io::ErrorKind::Interrupted => {}
                    error => return Err(error),
                },
                _ => return Ok(ExitStatus::from_raw(status)),
            }
        }
    }
}

/// Puts this process at the end of the queue of those who wait for clients of a listener.
///
/// The first of the queue that has nothing else to do is told of the next client, alone. Who is
/// there already counts as the next. (Where the system has no such queue, all are told, and the
/// first to ask gets the client.)
#[cfg(target_os = "linux")]
pub(crate) fn queue_up(poller: &Poller, listener: &mut Listener) -> io::Result<()> {
    leave_queue(poller, listener)?;
    // Not every system that calls itself Linux knows it.
    watch(poller, listener, libc::EPOLLEXCLUSIVE).or_else(|_| watch(poller, listener, 0))
}

#[cfg(target_os = "linux")]
fn watch(poller: &Poller, listener: &Listener, how: libc::c_int) -> io::Result<()> {
    let (epoll, token) = poller.as_raw_fd();
    let events = (libc::EPOLLIN | libc::EPOLLET | how) as u32;
    let mut event = libc::epoll_event { events, u64: token };
    let (add, fd) = (libc::EPOLL_CTL_ADD, listener.as_raw_fd());
    // SAFETY: two open descriptors, and an event that outlives the call and is not kept.
    match unsafe { libc::epoll_ctl(epoll, add, fd, &mut event) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Is told of no more clients.
#[cfg(target_os = "linux")]
pub(crate) fn leave_queue(poller: &Poller, listener: &mut Listener) -> io::Result<()> {
    let ((epoll, _), delete) = (poller.as_raw_fd(), libc::EPOLL_CTL_DEL);
    // SAFETY: two open descriptors; there is no event to point to.
    let left =
        unsafe { libc::epoll_ctl(epoll, delete, listener.as_raw_fd(), std::ptr::null_mut()) };
    match left {
        -1 => match io::Error::last_os_error() {
            // It has left already.
            error if error.kind() == io::ErrorKind::NotFound => Ok(()),
            error => Err(error),
        },
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn queue_up(poller: &Poller, listener: &mut Listener) -> io::Result<()> {
    listener.unregister(poller);
    listener.register(poller)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn leave_queue(poller: &Poller, listener: &mut Listener) -> io::Result<()> {
    listener.unregister(poller);
    Ok(())
}
