//! The requests that `python_parity.rs` sends to both servers, and what explains each difference.

/// In what two conversations differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum In {
    /// How many answers came: whether the connection stayed open, and what was taken for a request.
    Answers,
    Status,
    Reason,
    Fields,
    Body,
}

use In::{Answers, Body, Fields, Reason, Status};

/// The rows of `docs/python.md` under "on the wire", and what each of them may explain.
///
/// Where one refuses and the other does not, all that follows is different too.
pub(crate) const EXPLAINED: &[(&str, &[In])] = &[
    ("error-page", &[Body, Fields]),
    ("allow-sent", &[Fields]),
    ("refusal-reason", &[Reason]),
    ("unknown-reason", &[Reason]),
    ("close-announced", &[Fields]),
    ("keep-alive-announced", &[Fields]),
    ("status-line-always", &[Answers]),
    ("http-0.9", &[Answers]),
    ("continue-when-needed", EVERYTHING),
    ("unread-body", EVERYTHING),
    ("length-with-204", &[Fields]),
    ("value-trimmed", &[Body, Fields]),
    ("header-utf-8", &[Body, Fields]),
    ("folded-value", EVERYTHING),
    ("bare-lf", EVERYTHING),
    ("line-blanks", EVERYTHING),
    ("empty-line-first", EVERYTHING),
    ("field-colon", EVERYTHING),
    ("field-name", EVERYTHING),
    ("control-characters", EVERYTHING),
    ("host-required", EVERYTHING),
    ("host-valid", EVERYTHING),
    ("target-form", EVERYTHING),
    ("method-token", EVERYTHING),
    ("version-form", EVERYTHING),
    ("target-limit", EVERYTHING),
    ("length-number", EVERYTHING),
    ("length-repeated", EVERYTHING),
    ("two-framings", EVERYTHING),
    ("chunked-decoded", EVERYTHING),
    ("transfer-codings", EVERYTHING),
    ("connection-list", EVERYTHING),
    ("expectation-unknown", EVERYTHING),
];

const EVERYTHING: &[In] = &[Answers, Status, Reason, Fields, Body];

/// Requests, and the rows that explain why their answers differ.
pub(crate) const REQUESTS: &[(&str, &[&str])] = &[
    // The same.
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET /a%20b?c=d&e=%zz HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one:  2\r\n\r\n", &[]),
    ("GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET / HTTP/1.1\r\nHost: a:80\r\nEmpty:\r\n\r\n", &[]),
    ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("HEAD /status/200 HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("HEAD /error/304 HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", &[]),
    ("GET / HTTP/1.9\r\nHost: a\r\n\r\n", &[]),
    ("GET /status/201 HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET /status/299 HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET /status/299/Fine HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET /close HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET /error/204 HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("GET /error/304 HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", &[]),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhello", &[]),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", &[]),
    ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    ("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", &[]),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", &[]),
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", &[]),
    // The words of errors.
    ("GET /error/404 HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page"]),
    ("GET /error/404/Gone HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page"]),
    ("GET /error/400/<b>&'/why<b> HTTP/1.1\r\nHost: a\r\n\r\n", &["target-form"]),
    ("GET /error/500/a&'/why& HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page"]),
    ("GET /error/999 HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page", "unknown-reason"]),
    ("SPAM / HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page", "allow-sent"]),
    ("get / HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page", "allow-sent"]),
    ("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page"]),
    ("GET / a HTTP/1.1\r\nHost: a\r\n\r\n", &["error-page", "refusal-reason"]),
    ("GET /status/204 HTTP/1.1\r\nHost: a\r\n\r\n", &["length-with-204"]),
    // How a connection goes on.
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &["close-announced"]),
    ("GET / HTTP/1.0\r\n\r\n", &["close-announced"]),
    ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &["keep-alive-announced"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, TE\r\n\r\n", &["connection-list"]),
    // Versions.
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", &["status-line-always"]),
    ("GET / HTTP/x.y\r\nHost: a\r\n\r\n", &["status-line-always"]),
    ("GET / FTP/1.1\r\nHost: a\r\n\r\n", &["status-line-always"]),
    ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", &["version-form"]),
    ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", &["http-0.9"]),
    ("GET /\r\n", &["http-0.9"]),
    ("POST /\r\n\r\n", &["status-line-always"]),
    // Lines.
    ("GET / HTTP/1.1\nHost: a\n\n", &["bare-lf"]),
    ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", &["bare-lf"]),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", &["line-blanks"]),
    ("GET  /   HTTP/1.1\r\nHost: a\r\n\r\n", &["line-blanks"]),
    ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", &["line-blanks"]),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", &["line-blanks"]),
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &["empty-line-first"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n", &["folded-value"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: b \r\n\r\n", &["value-trimmed"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", &["field-name"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n", &["field-name"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", &["field-colon"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x1bb\r\n\r\n", &["control-characters"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", &["control-characters"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: caf\u{e9}\r\n\r\n", &["header-utf-8"]),
    // Hosts, methods and targets.
    ("GET / HTTP/1.1\r\n\r\n", &["host-required"]),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", &["host-required"]),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", &["host-valid"]),
    ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", &["host-valid"]),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", &["target-form"]),
    ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", &["target-form"]),
    ("GET /caf\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", &["target-form"]),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", &["method-token"]),
    ("AN-UNUSUALLY-LONG-METHOD-OF-34-CHARS / HTTP/1.1\r\nHost: a\r\n\r\n", &["method-token"]),
    // Bodies.
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\nhello", &["length-number"]),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nhello", &["length-number"]),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", &["length-number"]),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0_5\r\n\r\nhello", &["length-number"]),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        &["length-repeated"],
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        &["length-repeated"],
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
         0\r\n\r\n",
        &["two-framings"],
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        &["chunked-decoded"],
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", &["transfer-codings"]),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &["transfer-codings"]),
    (
        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\n\
         GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n",
        &["unread-body"],
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        &["continue-when-needed"],
    ),
    (
        "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        &["close-announced"],
    ),
    ("GET / HTTP/1.1\r\nHost: a\r\nExpect: a-pony\r\n\r\n", &["expectation-unknown"]),
];
