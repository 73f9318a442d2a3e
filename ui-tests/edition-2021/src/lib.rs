//! Handlers in a crate of edition 2021: trybuild compiles every case with its own edition.

use std::io;

use basehttp::{http_handler, Exchange, HttpError, IntoResponse};

/// Says the same to everybody.
pub struct Hello<'n>(pub &'n str);

#[http_handler]
impl<'n> Hello<'n> {
    const SERVER_VERSION: &'static str = "Hello/2021";

    fn do_GET(&self, http: &mut Exchange<'_>) -> io::Result<()> {
        http.end_headers()
    }

    fn do_POST(&self) -> &'n str {
        self.0
    }

    fn do_PUT(&self, _http: &mut Exchange<'_>) -> impl IntoResponse + use<> {
        "put"
    }

    fn error_page(&self, _http: &Exchange<'_>, _error: &HttpError) -> &'static str {
        "oops"
    }
}

#[cfg(test)]
mod tests {
    use basehttp::RequestHandler;

    use super::*;

    #[test]
    fn handlers_work_in_edition_2021() {
        let verbs: Vec<_> = Hello("x").methods().iter().map(|it| it.name()).collect();
        assert_eq!(verbs, ["GET", "POST", "PUT"]);
    }
}
