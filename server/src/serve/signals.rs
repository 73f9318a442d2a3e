//! Ctrl-C and SIGTERM, as a shutdown.

use std::io;
#[cfg(unix)]
use std::os::unix::net::UnixStream;

#[cfg(unix)]
use crate::net::poller::Pipe;
use crate::serve::shutdown::ShutdownHandle;

/// Signals are watched until this is dropped.
pub(crate) struct Watch {
    #[cfg(unix)]
    handle: signal_hook::iterator::Handle,
}

/// While it is up, a signal does what it does to any process: it ends it.
#[cfg(unix)]
fn ends_process() -> io::Result<&'static std::sync::Arc<std::sync::atomic::AtomicBool>> {
    use std::sync::{Arc, OnceLock};

    use signal_hook::consts::TERM_SIGNALS;
    use signal_hook::flag;

    // One for the process: what has been registered for a signal stays.
    static FLAG: OnceLock<Arc<std::sync::atomic::AtomicBool>> = OnceLock::new();
    if let Some(flag) = FLAG.get() {
        return Ok(flag);
    }
    let raised = Arc::default();
    for signal in TERM_SIGNALS {
        // In this order: the first signal finds the flag down, and raises it for the second.
        flag::register_conditional_default(*signal, Arc::clone(&raised))?;
        flag::register(*signal, Arc::clone(&raised))?;
    }
    Ok(FLAG.get_or_init(|| raised))
}

/// Calls `stop.shutdown()` at the first signal; lets the second one end the process.
#[cfg(unix)]
pub(crate) fn watch(stop: ShutdownHandle) -> io::Result<Watch> {
    use std::sync::atomic::Ordering;
    use std::thread;

    use signal_hook::consts::TERM_SIGNALS;
    use signal_hook::iterator::Signals;

    ends_process()?.store(false, Ordering::SeqCst);
    let mut signals = Signals::new(TERM_SIGNALS)?;
    let handle = signals.handle();
    thread::Builder::new().name("basehttp-signals".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            stop.shutdown();
        }
    })?;
    Ok(Watch { handle })
}

#[cfg(not(unix))]
pub(crate) fn watch(_: ShutdownHandle) -> io::Result<Watch> {
    Ok(Watch {})
}

#[cfg(unix)]
impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(flag) = ends_process() {
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
        }
        self.handle.close();
    }
}

/// Signals are told to a pipe until this is dropped.
#[cfg(unix)]
pub(crate) struct PipeWatch {
    ids: Vec<signal_hook::SigId>,
}

/// Makes the pipe readable at the first signal, without a thread; lets the second one end the
/// process.
#[cfg(unix)]
pub(crate) fn watch_by_pipe() -> io::Result<(Pipe, PipeWatch)> {
    let (told, teller) = UnixStream::pair()?;
    ends_process()?.store(false, std::sync::atomic::Ordering::SeqCst);
    let mut watch = PipeWatch { ids: Vec::new() };
    watch.tell(&teller)?;
    Ok((Pipe::new(told)?, watch))
}

#[cfg(unix)]
impl PipeWatch {
    fn tell(&mut self, teller: &UnixStream) -> io::Result<()> {
        for signal in signal_hook::consts::TERM_SIGNALS {
            self.ids.push(signal_hook::low_level::pipe::register(*signal, teller.try_clone()?)?);
        }
        Ok(())
    }

    /// Has the signals of this process told to `line` instead, for good.
    pub(crate) fn go_to(mut self, line: &UnixStream) -> io::Result<()> {
        self.forget();
        let told = self.tell(line);
        // The first signal is still only told.
        std::mem::forget(self);
        told
    }

    fn forget(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}

#[cfg(unix)]
impl Drop for PipeWatch {
    fn drop(&mut self) {
        if let Ok(flag) = ends_process() {
            flag.store(true, std::sync::atomic::Ordering::SeqCst);
        }
        self.forget();
    }
}
