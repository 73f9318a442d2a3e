//! Every limit and every deadline, with its unit, its default and its reason.
//!
//! All of them are on from the first run: a server that is safe only after somebody has read the
//! manual is not safe.

use std::time::Duration;

/// The limits, deadlines and socket options of a server.
///
/// ```no_run
/// use std::time::Duration;
/// use basehttp::{Config, HttpServer, handler_fn};
///
/// # fn main() -> std::io::Result<()> {
/// let config = Config {
///     max_body_bytes: 512 * 1024,
///     idle_timeout: Duration::from_secs(5),
///     ..Config::default()
/// };
/// let server = HttpServer::bind_with("localhost:8080", handler_fn(|_http| "hello"), config)?;
/// server.serve_forever()
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Bytes of a request head: request line, fields and the blank line.
    ///
    /// More is answered with 431. Default: 64 KiB, as Python for each line of it.
    pub max_head_bytes: usize,

    /// Bytes of a request target, the part Python calls `path`.
    ///
    /// More is answered with 414. Default: 16 KiB, as Node's whole head; RFC 9112 §3 asks for at
    /// least 8,000.
    pub max_target_bytes: usize,

    /// Header fields of one request.
    ///
    /// More is answered with 431. Default: 100, as Python.
    pub max_header_fields: usize,

    /// Bytes of a request body, after the chunked coding is taken off.
    ///
    /// More is answered with 413 when the handler first reads; a method may raise it for its own
    /// requests with [`RequestReader::set_max_bytes`](crate::RequestReader::set_max_bytes).
    /// Default: 64 MiB, more than most of what people upload and less than any server's memory.
    /// Nothing is ever allocated because a client announced it.
    pub max_body_bytes: u64,

    /// What the parts of a form may come to: their number, their heads, their memory.
    ///
    /// How long a form may be as a whole is `max_body_bytes`, as of every body. Default: that of
    /// [`FormLimits`].
    pub form_limits: FormLimits,

    /// From the first byte of a head to its end; not renewed by further bytes.
    ///
    /// Later is answered with 408. Default: 10 s; a head is a packet or two, and a lost one is sent
    /// again within a few seconds.
    pub head_timeout: Duration,

    /// How long a connection may stay open without a request under way.
    ///
    /// Then it is closed without a word, as RFC 9112 §9.5 foresees. Default: 75 s, longer than the
    /// 60 s of common load balancers, which otherwise write into a connection just closed.
    pub idle_timeout: Duration,

    /// How long a body may take, in addition to what `min_body_rate` allows for the bytes that
    /// came; and how long a method waits for the next of them.
    ///
    /// Later is answered with 408. Default: 30 s, in which a link that was lost comes back.
    pub body_timeout: Duration,

    /// Bytes a second that a long body must reach on average once `body_timeout` is used up.
    ///
    /// Default: 240, as IIS's and Kestrel's. 0 would let a body take for ever, so 1 is the least.
    pub min_body_rate: u32,

    /// How long a client may take no byte of an answer that waits for it; and how long it may be
    /// waited for in all, in addition to what `min_write_rate` allows for the bytes that it took.
    ///
    /// Then the connection is cut. Default: 30 s, as for bodies.
    pub write_timeout: Duration,

    /// Bytes a second that a client must take on average while an answer waits for it, once
    /// `write_timeout` is used up. Time in which nothing waits for the client does not count.
    ///
    /// Default: 240, as IIS's and Kestrel's. 0 would let an answer take for ever, so 1 is the least.
    pub min_write_rate: u32,

    /// How long a connection that is being closed waits for the client to read the answer and to
    /// close its side.
    ///
    /// Without it, bytes that the client still sends would destroy an answer it has not read yet
    /// (RFC 9112 §9.6). Default: 2 s, as Apache.
    pub linger_timeout: Duration,

    /// How long a shutdown waits for answers that are under way before it cuts them.
    ///
    /// Default: 10 s, as long as `docker stop` waits.
    pub drain_timeout: Duration,

    /// Connections open at once; further clients wait in the kernel's queue.
    ///
    /// Never more than the limit of open files (`RLIMIT_NOFILE`) allows, less some for everything
    /// else; the default, `None`, is that.
    pub max_connections: Option<usize>,

    /// Event loops of a [`ThreadingHttpServer`](crate::ThreadingHttpServer), each with a thread that
    /// drives it.
    ///
    /// Default, `None`: one for each core that this process may use. 0 is taken as 1.
    pub event_loops: Option<usize>,

    /// Handlers of a [`ThreadingHttpServer`](crate::ThreadingHttpServer) that may run for long at
    /// the same time, each in a thread of its own; and one more for each further event loop.
    ///
    /// Further requests wait in the order they came. Default: 512; a thread costs some 20 KiB of
    /// memory while its handler does little. 0 is taken as 1.
    pub max_handler_threads: usize,

    /// How long a request may wait for such a thread.
    ///
    /// Later is answered with 503 and `Retry-After`. Default: 10 s, about as long as people wait.
    pub handler_queue_timeout: Duration,

    /// Requests on one connection before it is closed; `None` is unlimited, the default.
    pub max_requests_per_connection: Option<u64>,

    /// Worker processes of a [`ForkingHttpServer`](crate::ForkingHttpServer) (Python:
    /// `max_children`); the other servers do not look at it.
    ///
    /// Default: `None`, as many as there are processors. At least one.
    pub workers: Option<usize>,

    /// Requests that a worker process of a [`ForkingHttpServer`](crate::ForkingHttpServer) answers
    /// before it ends and a new one takes its place; the other servers do not look at it.
    ///
    /// Its connections end with their last answers, which say `Connection: close`, and it never has
    /// more of them open than it has requests left, so nobody is turned away. `Some(1)` is Python's
    /// process for each request: then a silent client keeps a worker until `idle_timeout`, and
    /// [`workers`](Self::workers) should be more than the default; Python's is 40. Default: `None`,
    /// unlimited.
    pub max_requests_per_child: Option<u64>,

    /// Connections that the kernel keeps waiting to be accepted (Python: `request_queue_size`).
    ///
    /// Default: 4096; the kernel may use less. Python's 5 drops clients on the first burst.
    pub request_queue_size: u16,

    /// Whether an address may be bound again at once after a server there has ended (Python:
    /// `allow_reuse_address`). A port where a server listens stays taken either way.
    ///
    /// Default: true.
    pub allow_reuse_address: bool,

    /// How long [`handle_request`](crate::HttpServer::handle_request) waits for a request (Python:
    /// `timeout`). `None`, the default, waits for ever, and zero takes only what is there already;
    /// `serve_forever` does not look at it.
    pub timeout: Option<Duration>,

    /// Whether the lines of a head may end in LF alone (RFC 9112 §2.2), as Python accepts.
    ///
    /// For old scripts, and for those who type requests by hand. A proxy in front that reads line
    /// ends differently can be tricked with it. Lines of the chunked coding end in CR LF whatever
    /// this says. Default: false, 400.
    pub allow_bare_lf: bool,

    /// Whether the words of a request line may have several spaces and tabs between them, before
    /// and behind (RFC 9112 §3), as Python accepts.
    ///
    /// Blanks before the colon of a field are refused whatever this says (RFC 9112 §5.1).
    /// Default: false, 400.
    pub allow_blanks: bool,

    /// Whether any number of empty lines may stand in front of a request, as in old clients that
    /// send one behind a body (RFC 9112 §2.2). One is always forgiven.
    ///
    /// They count for `max_head_bytes` and `head_timeout`. Default: false, 400.
    pub allow_empty_lines: bool,

    /// Whether the value of a field may go on in a line that begins with a blank (RFC 9112 §5.2), as
    /// Python accepts. The handler sees one line, with a space where the break was.
    ///
    /// Default: false, 400.
    pub allow_folded_fields: bool,

    /// Whether `GET /path` without a version is a request of HTTP/0.9, as in Python: it has no
    /// fields, its answer is a body without a head, and the connection ends.
    ///
    /// Anybody who can make a client send a line can then have it answered. Default: false, 400.
    pub allow_http_09: bool,

    /// Whether HTTP/1.1 may come without `Host`, as in Python.
    ///
    /// Two of them, and one that is no host, are refused whatever this says. Default: false, 400, as
    /// RFC 9112 §3.2 demands.
    pub allow_missing_host: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_head_bytes: 64 * 1024,
            max_target_bytes: 16 * 1024,
            max_header_fields: 100,
            max_body_bytes: 64 * 1024 * 1024,
            form_limits: FormLimits::default(),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            min_body_rate: 240,
            write_timeout: Duration::from_secs(30),
            min_write_rate: 240,
            linger_timeout: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(10),
            max_connections: None,
            event_loops: None,
            max_handler_threads: 512,
            handler_queue_timeout: Duration::from_secs(10),
            max_requests_per_connection: None,
            workers: None,
            max_requests_per_child: None,
            request_queue_size: 4096,
            allow_reuse_address: true,
            timeout: None,
            allow_bare_lf: false,
            allow_blanks: false,
            allow_empty_lines: false,
            allow_folded_fields: false,
            allow_http_09: false,
            allow_missing_host: false,
        }
    }
}

/// What the parts of a form may come to, in [`Config::form_limits`] and for one form in
/// [`FormOptions`](crate::FormOptions).
///
/// A refusal names the limit. Nothing is ever allocated because a client announced it.
///
/// ```
/// use basehttp::{Config, FormLimits};
///
/// let few = FormLimits { max_fields: 20, ..FormLimits::default() };
/// let config = Config { form_limits: few, max_body_bytes: 1 << 20, ..Config::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormLimits {
    /// Fields of one form: parts of a multipart body, pairs of a query or of an urlencoded body.
    ///
    /// More is answered with 413. Default: 1,000, as Go and Django.
    pub max_fields: usize,

    /// Bytes of the head of one part, its blank line included; and of what stands in front of the
    /// first boundary.
    ///
    /// More is answered with 431. Default: 8 KiB; a browser sends some 200 bytes.
    pub max_part_head_bytes: usize,

    /// Header fields of one part.
    ///
    /// More is answered with 431. Default: 32; RFC 7578 knows two or three.
    pub max_part_header_fields: usize,

    /// Bytes of the name of a field, decoded.
    ///
    /// More is answered with 431. Default: 1 KiB; names are words.
    pub max_field_name_bytes: usize,

    /// Bytes of one field that are kept in memory; what is longer goes to the temporary file of
    /// its form.
    ///
    /// Nothing is refused beyond it. Default: 64 KiB, as much of a body as is collected before its
    /// method is called.
    pub max_field_memory_bytes: usize,

    /// Bytes of memory for one form: the values that are kept there, and the heads and names of all
    /// fields.
    ///
    /// Beyond it values go to the temporary file, however short they are. What cannot go there is
    /// answered with 413: heads and names, and an urlencoded body. Default: 1 MiB, so that
    /// a thousand forms at a time fit into a server's memory.
    pub max_form_memory_bytes: usize,
}

impl Default for FormLimits {
    fn default() -> FormLimits {
        FormLimits {
            max_fields: 1_000,
            max_part_head_bytes: 8 * 1024,
            max_part_header_fields: 32,
            max_field_name_bytes: 1024,
            max_field_memory_bytes: 64 * 1024,
            max_form_memory_bytes: 1024 * 1024,
        }
    }
}

impl Config {
    /// How long a body may take of which so many bytes have come: `body_timeout`, and what
    /// `min_body_rate` allows for them.
    pub(crate) fn body_patience(&self, received: u64) -> Duration {
        patience(self.body_timeout, received, self.min_body_rate)
    }

    /// How long an answer may be waited for of which so many bytes have been taken meanwhile.
    pub(crate) fn write_patience(&self, taken: u64) -> Duration {
        patience(self.write_timeout, taken, self.min_write_rate)
    }
}

/// How long so many bytes may take: `timeout`, and what they have earned beyond it.
fn patience(timeout: Duration, bytes: u64, min_rate: u32) -> Duration {
    let earned = Duration::from_secs(bytes / u64::from(min_rate.max(1)));
    timeout.min(LONGEST).saturating_add(earned)
}

/// How many connections may be open at once, so that the limit of open files is not reached by them.
pub(crate) fn max_connections(config: &Config, loops: usize) -> usize {
    // A loop has three; the others are for standard streams, logs, and what handlers open.
    let others = OTHER_FILES + 3 * loops;
    let files = max_files().and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    let affordable = files.saturating_sub(others);
    config.max_connections.unwrap_or(usize::MAX).min(affordable).max(1)
}

/// How many files this process may have open; `None` where there is no such limit.
fn max_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

/// Open files that connections leave to everything else.
const OTHER_FILES: usize = 16;

/// Longer than any wait; a deadline that far off is none.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else_and_one_is_always_let_in() {
        let limited = |max_connections| Config { max_connections, ..Config::default() };
        assert_eq!(max_connections(&limited(Some(3)), 1), 3);
        assert_eq!(max_connections(&limited(Some(0)), 1), 1);
        let most = max_connections(&limited(None), 1);
        assert_eq!(max_connections(&limited(Some(usize::MAX)), 1), most);
        assert!(max_files().is_none_or(|files| (most as u64) < files), "{most}");
    }
}
