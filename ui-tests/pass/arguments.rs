//! Arguments made of the request: beside the exchange and without it, borrowed and owned.
use std::io::{self, Write};

use basehttp::{
    Exchange, FieldStorage, Form, FromRequest, FromRequestWith, Headers, HttpError, IntoResponse,
    PeerAddress, Query, QueryString, RequestHandler, Result, Version, http_handler,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Login {
    name: String,
}

struct User<'h>(&'h str);

/// Borrows from the request and needs the handler.
impl<'a, T> FromRequestWith<'a, Hello<T>> for User<'a> {
    fn from_request_with(http: &mut Exchange<'a>, _: &Hello<T>) -> Result<Self> {
        Ok(User(http.path))
    }
}

struct Tag(String);

impl FromRequest<'_> for Tag {
    fn from_request(http: &mut Exchange<'_>) -> Result<Self> {
        Ok(Tag(http.path.to_owned()))
    }
}

struct Hello<T>(T);

#[http_handler]
impl<T: Send> Hello<T> {
    fn do_GET(&self, headers: Headers<'_>, user: User<'_>) -> String {
        format!("{} {}", headers.len(), user.0)
    }

    fn do_HEAD<'a>(&self, _query: QueryString<'a>, http: &mut Exchange<'a>, user: User<'a>) -> &'a str {
        http.close_connection = true;
        user.0
    }

    fn do_POST(&self, http: &mut Exchange, Form(login): Form<Login>) -> io::Result<()> {
        http.send_response(200).end_headers()?;
        write!(http.wfile, "hello {}", login.name)
    }

    fn do_PUT(&self, mut form: FieldStorage, _: Option<Query<Login>>) -> impl IntoResponse {
        form["file"].file.len().to_string()
    }

    fn do_PATCH(&self, form: Result<FieldStorage, HttpError>, Tag(tag): Tag) -> Result<String> {
        Ok(format!("{tag} {}", form?.len()))
    }

    fn do_DELETE(
        &self,
        _: Version,
        _: PeerAddress,
        _http: &mut Exchange<'_>,
        _: Option<Tag>,
    ) -> impl IntoResponse + use<T> {
        "deleted"
    }
}

fn main() {
    assert_eq!(Hello(1).methods().len(), 6);
}
