//! Answers a form, with uploads or without, with what was in it.
//!
//! ```text
//! cargo run --example post
//! curl http://localhost:8080/ -F name=dhellmann -F foo=bar -F datafile=@Cargo.toml
//! curl http://localhost:8080/ -d 'name=dhellmann&foo=bar'
//! ```
//!
//! In Python, as long as it had `cgi`:
//!
//! ```python
//! class PostHandler(BaseHTTPRequestHandler):
//!     def do_POST(self):
//!         form = cgi.FieldStorage(
//!             fp=self.rfile,
//!             headers=self.headers,
//!             environ={'REQUEST_METHOD': 'POST', 'CONTENT_TYPE': self.headers['Content-Type']})
//!         self.send_response(200)
//!         self.send_header('Content-Type', 'text/plain; charset=utf-8')
//!         self.end_headers()
//!         out = io.TextIOWrapper(self.wfile, encoding='utf-8', write_through=True)
//!         out.write(f'Client: {self.client_address}\n')
//!         out.write(f'User-agent: {self.headers["user-agent"]}\n')
//!         out.write(f'Path: {self.path}\n')
//!         out.write('Form data:\n')
//!         for field in form.keys():
//!             field_item = form[field]
//!             if field_item.filename:
//!                 file_len = len(field_item.file.read())
//!                 out.write(f'\tUploaded {field} ({file_len} bytes)\n')
//!             else:
//!                 out.write(f'\t{field}={form[field].value}\n')
//! ```

use std::io::{self, Write};

use basehttp::{Exchange, FieldStorage, HttpServer, http_handler};

struct PostHandler;

#[http_handler]
impl PostHandler {
    fn do_POST(&self, http: &mut Exchange, form: FieldStorage) -> io::Result<()> {
        http.send_response(200)
            .send_header("Content-Type", "text/plain; charset=utf-8")
            .end_headers()?;

        let agent = http.headers.get("User-Agent").unwrap_or("unknown");
        writeln!(http.wfile, "Client: {}", http.client_address)?;
        writeln!(http.wfile, "User-agent: {agent}")?;
        writeln!(http.wfile, "Path: {}", http.path)?;
        writeln!(http.wfile, "Form data:")?;
        for field in &form {
            if field.filename.is_some() {
                // An upload may be longer than the memory: it can be read, here it is only measured.
                let bytes = field.file.len();
                writeln!(http.wfile, "\tUploaded {} ({bytes} bytes)", field.name)?;
            } else {
                writeln!(http.wfile, "\t{}={}", field.name, field.value())?;
            }
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    basehttp::log_to_stderr();
    let port = std::env::args().nth(1).unwrap_or("8080".into());
    let server = HttpServer::bind(format!("localhost:{port}"), PostHandler)?;
    println!("Starting server at http://{}, use <Ctrl-C> to stop", server.server_address());
    server.serve_until_signal()
}
