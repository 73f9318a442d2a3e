//! Ctrl-C and SIGTERM, as a shutdown.

use std::io;

use crate::serve::shutdown::ShutdownHandle;

/// Signals are watched until this is dropped.
pub(crate) struct Watch {
    #[cfg(unix)]
    handle: signal_hook::iterator::Handle,
}

/// Calls `stop.shutdown()` at the first signal; lets the second one end the process.
#[cfg(unix)]
pub(crate) fn watch(stop: ShutdownHandle) -> io::Result<Watch> {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::TERM_SIGNALS;
    use signal_hook::flag;
    use signal_hook::iterator::Signals;

    let is_stopping = Arc::new(AtomicBool::new(false));
    for signal in TERM_SIGNALS {
        // In this order: the first signal finds the flag down, and raises it.
        flag::register_conditional_default(*signal, Arc::clone(&is_stopping))?;
        flag::register(*signal, Arc::clone(&is_stopping))?;
    }
    let mut signals = Signals::new(TERM_SIGNALS)?;
    let handle = signals.handle();
    std::thread::Builder::new().name("basehttp-signals".to_owned()).spawn(move || {
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
        self.handle.close();
    }
}
