//! A status is a number, not text.

use std::io;

use basehttp::{Exchange, http_handler};

struct Hello;

#[http_handler]
impl Hello {
    fn do_GET(&self, http: &mut Exchange) -> io::Result<()> {
        http.send_response("200").end_headers()
    }
}

fn main() {}
