//! Ctrl-C and SIGTERM, as a shutdown.

use std::io;

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
