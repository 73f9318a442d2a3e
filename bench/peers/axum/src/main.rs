//! axum on one thread.
//!
//!     peer-axum PORT
//!
//! `THREADS` in its environment is how many threads it may have for what blocks, if not as many as by
//! default.

use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, SERVER};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

fn main() -> std::io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    if let Some(threads) = std::env::var("THREADS").ok().and_then(|text| text.parse().ok()) {
        runtime.max_blocking_threads(threads);
    }
    runtime.enable_all().build()?.block_on(serve())
}

async fn serve() -> std::io::Result<()> {
    let port = std::env::args().nth(1).expect("a port");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let app = Router::new()
        .route("/", get(async || text("Hello, world!")).post(async |body: Bytes| text(body)))
        .route("/big", get(async || text(&BIG[..])))
        .route("/sleep10", get(async || sleep(10).await))
        .route("/sleep100", get(async || sleep(100).await))
        .route("/upload", post(upload));
    axum::serve(listener.tap_io(|stream| stream.set_nodelay(true).expect("no delay")), app).await
}

fn text(body: impl IntoResponse) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8"), (SERVER, "axum")], body)
}

async fn upload(body: Body) -> impl IntoResponse {
    let mut count = 0;
    let mut pieces = body.into_data_stream();
    while let Some(Ok(piece)) = pieces.next().await {
        count += piece.len();
    }
    text(count.to_string())
}

async fn sleep(milliseconds: u64) -> impl IntoResponse {
    let slept = move || thread::sleep(Duration::from_millis(milliseconds));
    tokio::task::spawn_blocking(slept).await.expect("the sleep to end");
    text("Hello, world!")
}
