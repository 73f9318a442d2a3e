//! What a worker process tells its parent, in bytes.
//!
//! The parent tells nothing: it closes its side of the line when the worker is to stop, and the
//! system does so when the parent has died.

use crate::serve::shutdown::ShutdownReport;

/// A message from a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A handler wants the whole server stopped.
    StopServer,
    /// A signal has come that asks this worker to end.
    StopWorker,
    /// It has served to the end, and this is what its stop came to.
    Served(ShutdownReport),
}

impl Message {
    pub(crate) fn encode(self) -> Vec<u8> {
        match self {
            Message::StopServer => vec![STOP_SERVER],
            Message::StopWorker => vec![STOP_WORKER],
            Message::Served(ShutdownReport { answered, closed_idle, cut }) => {
                let numbers = [answered, closed_idle, cut].map(u64::to_be_bytes);
                [&[SERVED], numbers.as_flattened()].concat()
            }
        }
    }

    /// Takes the next message off the front of what was heard, once it is whole.
    pub(crate) fn next(heard: &mut Vec<u8>) -> Option<Message> {
        let (message, len) = match heard[..] {
            [STOP_SERVER, ..] => (Message::StopServer, 1),
            [SERVED, ref rest @ ..] => {
                let (numbers, _) = rest.as_chunks::<8>();
                let &[answered, closed_idle, cut, ..] = numbers else { return None };
                let [answered, closed_idle, cut] =
                    [answered, closed_idle, cut].map(u64::from_be_bytes);
                (Message::Served(ShutdownReport { answered, closed_idle, cut }), 25)
            }
            [STOP_WORKER, ..] => (Message::StopWorker, 1),
            // A worker says nothing else; should it, then nothing that it says is understood.
            _ => return None,
        };
        heard.drain(..len);
        Some(message)
    }
}

const STOP_SERVER: u8 = b'S';
const SERVED: u8 = b'R';

/// What `signal-hook` writes.
const STOP_WORKER: u8 = b'X';

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers `bytes` at once, byte by byte and cut at each place, and insists that the same
    /// messages come out.
    fn messages(bytes: &[u8]) -> Vec<Message> {
        fn deliver<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> Vec<Message> {
            let (mut heard, mut messages) = (Vec::new(), Vec::new());
            for piece in pieces {
                heard.extend_from_slice(piece);
                messages.extend(std::iter::from_fn(|| Message::next(&mut heard)));
            }
            messages
        }
        let expected = deliver([bytes]);
        assert_eq!(deliver(bytes.chunks(1)), expected, "byte by byte");
        for cut in 1..bytes.len() {
            assert_eq!(deliver([&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
        }
        expected
    }

    #[test]
    fn what_is_told_is_heard() {
        let report = ShutdownReport { answered: 1, closed_idle: u64::MAX, cut: 256 };
        let told = [Message::StopServer, Message::Served(report), Message::StopWorker];
        assert_eq!(messages(&told.map(Message::encode).concat()), told);
    }

    #[test]
    fn half_a_report_and_a_stranger_s_words_are_none() {
        let report = Message::Served(ShutdownReport::default()).encode();
        assert_eq!(messages(&report[..24]), []);
        assert_eq!(messages(b"?S"), []);
    }
}
