//! Each hook of a handler counts: written by hand, through a pointer, or by a reserved name.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use basehttp::{
    Defaults, ErrorPage, Exchange, Handled, HttpError, HttpServer, MethodInfo, PeerAddress,
    RequestHandler, Result, Status, Version, handler_fn, http_handler,
};
use basehttp_tests::{Client, DEADLINE, get, serve};

/// Overrides everything, and reports what it was asked.
struct Everything(Sender<String>);

impl RequestHandler for Everything {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        match http.path {
            "/error" => Err(HttpError::new(404).message("No such thing")),
            "/log" => {
                http.log_message(format_args!("from the method"));
                http.log_error(format_args!("also from it"));
                Ok(http.send_response(204).end_headers()?)
            }
            _ => Ok(http.send_response(200).end_headers()?),
        }
    }
    fn methods(&self) -> &'static [MethodInfo] {
        const { &[MethodInfo::new("GET"), MethodInfo::new("M-SEARCH")] }
    }
    fn server_version(&self) -> &str {
        "Every/1"
    }
    fn sys_version(&self) -> &str {
        "thing/2"
    }
    fn protocol_version(&self) -> Version {
        Version::HTTP_10
    }
    fn error_content_type(&self) -> &str {
        "text/x-own"
    }
    fn error_page(&self, http: &Exchange<'_>, error: &HttpError) -> ErrorPage {
        let body = format!("{} {} {}", http.path, error.status(), error.message_text());
        ErrorPage::new(self.error_content_type().to_owned(), body)
    }
    fn handle_expect_100(&self, _: &mut Exchange<'_>) -> Result<()> {
        Err(HttpError::new(417))
    }
    fn log_request(&self, http: &Exchange<'_>, status: Status, size: u64) {
        let _ = self.0.send(format!("request {} {status} {size}", http.path));
    }
    fn log_error(&self, _: &Exchange<'_>, message: fmt::Arguments<'_>) {
        let _ = self.0.send(format!("error {message}"));
    }
    fn log_message(&self, _: &Exchange<'_>, message: fmt::Arguments<'_>) {
        let _ = self.0.send(format!("message {message}"));
    }
    fn verify_request(&self, peer: &PeerAddress) -> bool {
        let _ = self.0.send(format!("verify {}", peer.ip().is_some_and(|ip| ip.is_loopback())));
        true
    }
}

/// Insists that `handler` is [`Everything`], and nothing less.
fn assert_everything(client: impl Fn() -> Client, said: &Receiver<String>, what: &str) {
    let next = || said.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{what}: silence"));
    let reply = client().send(get("/fine")).reply();
    assert_eq!(reply.header("Server"), Some("Every/1 thing/2"), "{what}");
    assert_eq!(reply.version, "HTTP/1.0", "{what}");
    assert_eq!([next(), next()], ["verify true", "request /fine 200 0"], "{what}");

    let reply = client().send(get("/error")).reply();
    assert_eq!(reply.brief(), (404, "/error 404 No such thing"), "{what}");
    assert_eq!(reply.header("Content-Type"), Some("text/x-own"), "{what}");
    let lines = [next(), next(), next()];
    assert_eq!(lines[1..], ["error code 404, message No such thing", "request /error 404 24"]);

    client().send(get("/log")).reply();
    let lines = [next(), next(), next(), next()];
    let expected = ["message from the method", "error also from it", "request /log 204 0"];
    assert_eq!(lines[1..], expected, "{what}");

    let mut refused = client();
    refused.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(refused.reply().brief(), (417, "/ 417 Expectation Failed"), "{what}");
    let lines = [next(), next(), next()];
    assert_eq!(lines[2], "request / 417 24", "{what}");
}

#[test]
fn each_hook_counts_through_any_pointer() {
    type Wrap = fn(Everything) -> Box<dyn RequestHandler + Send + Sync>;
    for (what, wrap) in [
        ("itself", (|handler| Box::new(handler)) as Wrap),
        ("a reference", |handler| Box::new(&*Box::leak(Box::new(handler)))),
        ("a box", |handler| Box::new(Box::new(handler))),
        ("a trait object", |handler| {
            Box::new(Box::new(handler) as Box<dyn RequestHandler + Send + Sync>)
        }),
        ("an arc", |handler| Box::new(Arc::new(handler))),
    ] {
        let (said, says) = mpsc::channel();
        // `&Everything` and `Arc<Everything>` are `Send` only because a `Sender` is `Sync`.
        let server = serve(wrap(Everything(said)));
        assert_everything(|| server.connect(), &says, what);
    }
}

#[test]
fn a_handler_may_be_an_rc_and_may_borrow() {
    let (said, _says) = mpsc::channel();
    let own = Everything(said);
    let counted = Rc::new(&own);
    let server = HttpServer::bind("127.0.0.1:0", Rc::clone(&counted)).expect("binds");
    assert_eq!(counted.methods(), own.methods());
    server.shutdown_handle().shutdown();
    server.serve_forever().expect("ends at once");
}

/// Overrides by the reserved names of the attribute.
struct Reserved(Sender<String>);

#[http_handler]
impl Reserved {
    const SERVER_VERSION: &str = "Every/1";
    const SYS_VERSION: &str = "thing/2";
    const PROTOCOL_VERSION: Version = Version::HTTP_10;
    const ERROR_CONTENT_TYPE: &str = "text/x-own";

    fn do_GET(&self, http: &mut Exchange) -> Handled {
        Everything(self.0.clone()).dispatch(http)
    }

    fn do_PUT(&self) -> &'static str {
        "put"
    }

    fn error_page(&self, http: &Exchange<'_>, error: &HttpError) -> ErrorPage {
        Everything(self.0.clone()).error_page(http, error)
    }

    fn handle_expect_100(&self, _: &mut Exchange<'_>) -> Result<()> {
        Err(HttpError::new(417))
    }

    fn log_request(&self, http: &Exchange<'_>, status: Status, size: u64) {
        Everything(self.0.clone()).log_request(http, status, size);
    }

    fn log_error(&self, http: &Exchange<'_>, m: fmt::Arguments<'_>) {
        Everything(self.0.clone()).log_error(http, m);
    }

    fn log_message(&self, http: &Exchange<'_>, m: fmt::Arguments<'_>) {
        Everything(self.0.clone()).log_message(http, m);
    }

    fn verify_request(&self, peer: &PeerAddress) -> bool {
        Everything(self.0.clone()).verify_request(peer)
    }
}

#[test]
fn each_reserved_name_of_a_block_is_an_override() {
    let (said, says) = mpsc::channel();
    let server = serve(Reserved(said));
    assert_everything(|| server.connect(), &says, "a block");
}

/// Says who it is in words of its own.
struct Named;

#[http_handler]
impl Named {
    const SERVER_VERSION: &str = "Unheard/1";

    fn version_string(&self) -> &'static str {
        "Named\r\n/2"
    }

    fn do_GET(&self, http: &mut Exchange) -> String {
        http.version_string().to_owned()
    }
}

#[test]
fn version_string_is_the_server_field_but_for_what_cannot_stand_there() {
    for server in [serve(Named), serve(Box::new(Named) as Box<dyn RequestHandler + Send + Sync>)] {
        let reply = server.connect().send(get("/")).reply();
        assert_eq!((reply.header("Server"), reply.text()), (Some("Named/2"), "Named/2"));
    }
}

/// A block may give its own page type, and add to the defaults.
struct Modest(Sender<String>);

#[http_handler]
impl Modest {
    const ERROR_CONTENT_TYPE: &str = "text/x-own";

    fn do_GET(&self, http: &mut Exchange) -> std::io::Result<()> {
        http.send_error(404)
    }

    fn log_request(&self, http: &Exchange<'_>, status: Status, size: u64) {
        let _ = self.0.send(format!("before {status} {size}"));
        Defaults.log_request(http, status, size);
    }
}

#[test]
fn the_default_page_has_the_type_that_the_block_gives() {
    let (said, says) = mpsc::channel();
    let server = serve(Modest(said));
    let reply = server.connect().send(get("/")).reply();
    assert_eq!(reply.header("Content-Type"), Some("text/x-own"));
    assert!(reply.text().contains("<p>Error code 404.</p>"), "{}", reply.text());
    let size = reply.body.len();
    assert_eq!(says.recv_timeout(DEADLINE), Ok(format!("before 404 {size}")));
}

/// A wrapper with a hook of its own.
struct Outer<H>(H);

impl<H: RequestHandler> RequestHandler for Outer<H> {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        http.send_header("X-Outer", 1);
        self.0.dispatch(http)
    }
    fn server_version(&self) -> &str {
        "Outer/1"
    }
}

#[test]
fn the_hooks_of_the_outermost_handler_count() {
    let (said, says) = mpsc::channel();
    let server = serve(Outer(Everything(said)));
    let reply = server.connect().send(get("/error")).reply();
    assert_eq!((reply.status, reply.header("X-Outer")), (404, Some("1")));
    assert_eq!((reply.version.as_str(), reply.header("Server")), ("HTTP/1.1", Some("Outer/1")));
    assert!(reply.text().contains("<p>Message: No such thing.</p>"), "{}", reply.text());
    drop(server);
    assert_eq!(says.try_iter().count(), 0, "the inner hooks are silent");
}

struct Locked;

impl RequestHandler for Locked {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        Defaults.dispatch(http)
    }
    fn verify_request(&self, _: &PeerAddress) -> bool {
        false
    }
}

#[test]
fn a_client_that_is_not_let_in_hears_no_word() {
    let server = serve(Locked);
    let mut client = server.connect();
    let _ = client.try_send(get("/"));
    client.expect_gone();
}

#[test]
fn a_closure_has_the_defaults() {
    let handler = handler_fn(|_: &mut Exchange<'_>| "hello");
    assert_eq!(handler.methods(), []);
    assert_eq!((handler.sys_version(), handler.protocol_version()), ("", Version::HTTP_11));
    assert_eq!(handler.error_content_type(), "text/html;charset=utf-8");
    assert_eq!(serve(Defaults).connect().send(get("/")).reply().status, 501);
}

struct Broken;

impl RequestHandler for Broken {
    fn dispatch(&self, http: &mut Exchange<'_>) -> Handled {
        match http.path {
            "/alive" => Ok(http.send_response(200).end_headers()?),
            _ => Err(HttpError::new(404)),
        }
    }
    fn server_version(&self) -> &str {
        "Evil\r\nX-Injected: 1"
    }
    fn error_page(&self, http: &Exchange<'_>, _: &HttpError) -> ErrorPage {
        match http.path {
            "/panic" => panic!("in a hook"),
            _ => ErrorPage::new("text/html\r\nX-Injected: 1", "page"),
        }
    }
    fn log_request(&self, http: &Exchange<'_>, _: Status, _: u64) {
        assert!(http.path != "/log", "in a hook");
    }
}

#[test]
fn a_hook_that_fails_costs_one_connection_and_injects_nothing() {
    let server = serve(Broken);
    let reply = server.connect().send(get("/type")).reply();
    assert_eq!((reply.status, reply.text(), reply.header("X-Injected")), (404, "page", None));
    for path in ["/panic", "/log"] {
        let mut client = server.connect();
        client.send(get(path)).send(get("/alive"));
        if let Some(reply) = client.next_reply("GET").unwrap_or(None) {
            assert_ne!(reply.status, 200, "{path}: {reply:?}");
        }
        client.expect_gone();
        server.assert_alive(path);
    }
}
