//! hyper 1 by itself: one thread, a task for each connection.
//!
//!     peer-hyper PORT

use std::convert::Infallible;
use std::thread;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, SERVER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).expect("a port");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // Without `pipeline_flush` each of sixteen answers would be a write of its own.
        let connection = http1::Builder::new()
            .pipeline_flush(true)
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(connection);
    }
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match (request.method(), request.uri().path()) {
        (&Method::GET, "/big") => Bytes::from_static(&BIG),
        (&Method::GET, "/sleep10") => sleep(10).await,
        (&Method::GET, "/sleep100") => sleep(100).await,
        (&Method::POST, "/upload") => {
            let mut count = 0;
            while let Some(Ok(frame)) = request.body_mut().frame().await {
                count += frame.data_ref().map_or(0, Bytes::len);
            }
            Bytes::from(count.to_string())
        }
        (&Method::POST, _) => match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        },
        _ => Bytes::from_static(b"Hello, world!"),
    };
    let mut response = Response::new(Full::new(body));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    fields.insert(SERVER, HeaderValue::from_static("hyper"));
    Ok(response)
}

async fn sleep(milliseconds: u64) -> Bytes {
    let slept = move || thread::sleep(Duration::from_millis(milliseconds));
    tokio::task::spawn_blocking(slept).await.expect("the sleep to end");
    Bytes::from_static(b"Hello, world!")
}
