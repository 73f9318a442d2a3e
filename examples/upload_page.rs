//! A page that uploads pictures, with a progress bar, and shows them small.
//!
//! ```text
//! cargo run --example upload_page
//! ```
//!
//! and open <http://localhost:8080/> in a browser. The pictures are read part by part as they come,
//! and kept in memory, the newest twelve of them; another program would write each to its place with
//! `part.copy_to(&mut file)`, of any size.
//!
//! It leaves out what a site for strangers needs: who may upload, and a check of what pictures are.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use basehttp::{
    Config, Exchange, HttpError, HttpServer, Multipart, OrStatus, Response, Result, escape_html,
    http_handler,
};

struct UploadPage {
    /// The newest last; the first has been shown as this number.
    pictures: Mutex<(usize, VecDeque<Picture>)>,
}

#[derive(Clone)]
struct Picture {
    name: String,
    media_type: &'static str,
    bytes: Vec<u8>,
}

#[http_handler]
impl UploadPage {
    fn do_GET(&self, http: &mut Exchange) -> Result<Response> {
        match http.path.strip_prefix("/pictures/") {
            Some(number) => self.picture(number.parse().or_status(404)?).or_status(404),
            None if http.path == "/" => Ok(Response::new(200)
                .header("Content-Type", "text/html; charset=utf-8")
                .body(PAGE.replace("<!-- pictures -->", &self.figures()))),
            None => Err(HttpError::new(404)),
        }
    }

    fn do_POST(&self, http: &mut Exchange) -> Result<Response> {
        let mut count = 0;
        let mut parts = Multipart::new(&mut http.rfile, http.headers)?;
        while let Some(mut part) = parts.next_part()? {
            // Where nothing was chosen, there is no file name.
            if part.name != "picture" || part.filename.is_none() {
                continue;
            }
            // Only pictures that no browser runs scripts in, whatever the client calls them.
            let media_type = *PICTURES.iter().find(|known| part.content_type() == **known).ok_or(
                HttpError::new(415).explain("only GIF, JPEG, PNG and WebP are shown here"),
            )?;
            let (name, mut bytes) = (part.safe_filename(), Vec::new());
            part.copy_to(&mut bytes)?;
            self.keep(Picture { name, media_type, bytes });
            count += 1;
        }
        http.log_message(format_args!("{count} pictures"));
        // So that a reload does not send them again.
        Ok(Response::new(303).header("Location", "/"))
    }
}

impl UploadPage {
    fn keep(&self, picture: Picture) {
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, newest) = &mut *pictures;
        newest.push_back(picture);
        if newest.len() > MOST {
            newest.pop_front();
            *first += 1;
        }
    }

    fn picture(&self, number: usize) -> Option<Response> {
        let pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let picture = pictures.1.get(number.checked_sub(pictures.0)?)?;
        let response = Response::new(200)
            .header("Content-Type", picture.media_type)
            // What the client said of it is not to be thought over.
            .header("X-Content-Type-Options", "nosniff")
            .body(picture.bytes.clone());
        Some(response)
    }

    /// The thumbnails: the pictures themselves, which the browser makes small.
    fn figures(&self) -> String {
        let pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, newest) = &*pictures;
        let figures = newest.iter().enumerate().rev().map(|(at, picture)| {
            let (number, name) = (first + at, escape_html(&picture.name));
            let bytes = picture.bytes.len();
            format!(
                "<figure><a href=\"/pictures/{number}\"><img src=\"/pictures/{number}\" \
                 alt=\"{name}\"></a><figcaption>{name}, {bytes} bytes</figcaption></figure>\n"
            )
        });
        figures.collect()
    }
}

/// What is shown, by its media type.
const PICTURES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];

/// Pictures that are kept.
const MOST: usize = 12;

/// The form works without scripts, too; the script adds the progress bar.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Pictures</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem }
progress:not([hidden]) { display: block; width: 100%; margin: 1rem 0 }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top }
img { height: 8rem; max-width: 12rem; object-fit: cover; border-radius: .5rem }
figcaption { font-size: .8rem; color: #555 }
</style>
</head>
<body>
<h1>Pictures</h1>
<form method="post" enctype="multipart/form-data">
<input type="file" name="picture" accept="image/*" multiple required>
<button>Upload</button>
<progress max="100" value="0" hidden></progress>
<output></output>
</form>
<!-- pictures -->
<script>
const form = document.querySelector('form');
form.addEventListener('submit', event => {
  event.preventDefault();
  const bar = form.querySelector('progress'), words = form.querySelector('output');
  const request = new XMLHttpRequest();
  bar.hidden = false;
  request.upload.onprogress = event => {
    if (event.lengthComputable) bar.value = 100 * event.loaded / event.total;
  };
  request.onload = () => {
    if (request.status < 400) location.reload();
    else words.textContent = `The server says ${request.status} ${request.statusText}.`;
  };
  request.onerror = () => { words.textContent = 'The upload broke off.'; };
  request.open('POST', '/');
  request.send(new FormData(form));
});
</script>
</body>
</html>
"#;

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let pictures = UploadPage { pictures: Mutex::default() };
    let config = Config { max_body_bytes: 20 * 1024 * 1024, ..Config::default() };
    let server = HttpServer::bind_with(format!("localhost:{port}"), pictures, config)?;
    println!("Starting server at http://{}, use <Ctrl-C> to stop", server.server_address());
    server.serve_until_signal()
}
