//! ntex on tokio, with one worker.
//!
//!     peer-ntex PORT

use std::io;
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use ntex::http::body::Body;
use ntex::http::header::{CONTENT_TYPE, SERVER};
use ntex::util::Bytes;
use ntex::web::{self, App, HttpResponse, HttpServer, types::Payload};

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

#[ntex::main]
async fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).expect("a port");
    let server = HttpServer::new(async || {
        App::new()
            .route("/", web::get().to(async || text("Hello, world!")))
            .route("/", web::post().to(async |body: Bytes| text(body)))
            .route("/big", web::get().to(async || text(Bytes::from_static(&BIG))))
            .route("/sleep10", web::get().to(async || sleep(10).await))
            .route("/sleep100", web::get().to(async || sleep(100).await))
            .route("/upload", web::post().to(upload))
    });
    server.workers(1).bind(format!("127.0.0.1:{port}"))?.run().await
}

fn text(body: impl Into<Body>) -> HttpResponse {
    HttpResponse::Ok()
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .header(SERVER, "ntex")
        .body(body)
}

async fn upload(mut body: Payload) -> HttpResponse {
    let mut count = 0;
    while let Some(Ok(piece)) = body.next().await {
        count += piece.len();
    }
    text(count.to_string())
}

async fn sleep(milliseconds: u64) -> HttpResponse {
    let slept = move || {
        thread::sleep(Duration::from_millis(milliseconds));
        Ok::<_, io::Error>(())
    };
    web::block(slept).await.expect("the sleep to end");
    text("Hello, world!")
}
