//! The servers that are compared. Each prints its port, and answers with parts and bytes.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpListener;

use actix_web::{App, HttpServer as ActixServer, web};
use basehttp::{
    Config, Exchange, FieldStorage, FormLimits, HttpServer, Result, ThreadingHttpServer,
    http_handler,
};
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

pub(crate) const NAMES: [&str; 8] = [
    "read",
    "basehttp",
    "multer",
    "actix-multipart",
    "go",
    "python-cgi",
    "python-multipart",
    "basehttp-form",
];

pub(crate) fn serve(peer: &str) -> io::Result<()> {
    match peer {
        "read" => read(),
        "basehttp" => basehttp(Streaming),
        "basehttp-form" => basehttp(Form),
        "basehttp-threads" => basehttp_threads(),
        "multer" => multer(),
        "actix-multipart" => actix(),
        _ => Err(io::Error::other(format!("no peer is called {peer}"))),
    }
}

fn announce(port: u16) {
    println!("{port}");
}

fn answer(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len())
}

/// The `Content-Length` and the boundary of a head, for peers that are no servers by themselves.
fn facts(head: &str) -> (u64, String) {
    let field =
        |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("").trim();
    let length = field("Content-Length:").parse().unwrap_or(0);
    let boundary = field("Content-Type:").rsplit("boundary=").next().unwrap_or("");
    (length, boundary.to_owned())
}

/// Takes the bytes, 64 KiB at a time, and does not look at them.
fn read() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    announce(listener.local_addr()?.port());
    let mut piece = vec![0; 64 * 1024];
    for stream in listener.incoming() {
        let mut stream = io::BufReader::new(stream?);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.read_line(&mut head)?;
        }
        let (length, _) = facts(&head);
        let mut left = length - stream.buffer().len() as u64;
        let mut stream = stream.into_inner();
        while left > 0 {
            let most = piece.len().min(left as usize);
            left -= stream.read(&mut piece[..most])? as u64;
        }
        stream.write_all(answer(&format!("0 {length}")).as_bytes())?;
    }
    Ok(())
}

fn config() -> Config {
    let form_limits = FormLimits { max_fields: usize::MAX, ..FormLimits::default() };
    Config { max_body_bytes: u64::MAX, form_limits, ..Config::default() }
}

fn basehttp(handler: impl basehttp::RequestHandler) -> io::Result<()> {
    let server = HttpServer::bind_with("127.0.0.1:0", handler, config())?;
    announce(server.server_port());
    server.serve_forever()
}

fn basehttp_threads() -> io::Result<()> {
    let server = ThreadingHttpServer::bind_with("127.0.0.1:0", Form, config())?;
    announce(server.server_port());
    server.serve_forever()
}

struct Streaming;

#[http_handler]
impl Streaming {
    fn do_POST(&self, http: &mut Exchange) -> Result<String> {
        let (mut count, mut bytes) = (0, 0);
        let mut parts = http.multipart()?;
        while let Some(mut part) = parts.next_part()? {
            count += 1;
            while let len @ 1.. = part.fill_buf()?.len() {
                part.consume(len);
                bytes += len;
            }
        }
        Ok(format!("{count} {bytes}"))
    }
}

/// With everything kept, in memory or in the temporary file.
struct Form;

#[http_handler]
impl Form {
    fn do_POST(&self, form: FieldStorage) -> String {
        let bytes: u64 = form.iter().map(|field| field.file.len()).sum();
        format!("{} {bytes}", form.iter().count())
    }
}

fn multer() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        announce(listener.local_addr()?.port());
        loop {
            let mut stream = tokio::io::BufReader::new(listener.accept().await?.0);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                stream.read_line(&mut head).await?;
            }
            let (length, boundary) = facts(&head);
            let (mut count, mut bytes) = (0, 0);
            {
                let body = (&mut stream).take(length);
                let body = tokio_util::io::ReaderStream::with_capacity(body, 64 * 1024);
                let mut multipart = multer::Multipart::new(body, boundary);
                while let Some(mut field) =
                    multipart.next_field().await.map_err(io::Error::other)?
                {
                    count += 1;
                    while let Some(chunk) = field.chunk().await.map_err(io::Error::other)? {
                        bytes += chunk.len();
                    }
                }
            }
            let text = answer(&format!("{count} {bytes}"));
            stream.get_mut().write_all(text.as_bytes()).await?;
            stream.get_mut().shutdown().await?;
        }
    })
}

async fn actix_form(mut form: actix_multipart::Multipart) -> actix_web::Result<String> {
    let (mut count, mut bytes) = (0, 0);
    while let Some(field) = form.next().await {
        let mut field = field?;
        count += 1;
        while let Some(chunk) = field.next().await {
            bytes += chunk?.len();
        }
    }
    Ok(format!("{count} {bytes}"))
}

fn actix() -> io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let app = || App::new().route("/", web::post().to(actix_form));
        let server = ActixServer::new(app).workers(1).bind("127.0.0.1:0")?;
        announce(server.addrs()[0].port());
        server.run().await
    })
}
