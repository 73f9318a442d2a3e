//! actix-web with one worker.
//!
//!     peer-actix-web PORT

use std::io;
use std::thread;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::http::header::{ContentType, SERVER};
use actix_web::web::{self, Bytes, Payload};
use actix_web::{App, HttpResponse, HttpServer};
use futures_util::StreamExt;

static BIG: [u8; 1 << 20] = [b'x'; 1 << 20];

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).expect("a port");
    let server = HttpServer::new(|| {
        App::new()
            .route("/", web::get().to(async || text("Hello, world!")))
            .route("/", web::post().to(async |body: Bytes| text(body)))
            .route("/big", web::get().to(async || text(Bytes::from_static(&BIG))))
            .route("/sleep10", web::get().to(async || sleep(10).await))
            .route("/sleep100", web::get().to(async || sleep(100).await))
            .route("/upload", web::post().to(upload))
    });
    let server = server.workers(1).bind(format!("127.0.0.1:{port}"))?;
    actix_web::rt::System::new().block_on(server.run())
}

fn text(body: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .insert_header((SERVER, "actix-web"))
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
    let slept = move || thread::sleep(Duration::from_millis(milliseconds));
    web::block(slept).await.expect("the sleep to end");
    text("Hello, world!")
}
