//! Python's error page, escaped.

use std::borrow::Cow;
use std::fmt;

use crate::http_error::HttpError;

/// The body of an error answer: what the hook `error_page` returns.
///
/// ```
/// use basehttp::{ErrorPage, HttpError};
///
/// let page = ErrorPage::python(&HttpError::new(404));
/// assert!(page.body.contains("<p>Message: Not Found.</p>"));
///
/// let own = ErrorPage::new("application/json", r#"{"error":"not found"}"#);
/// assert_eq!(own.content_type, "application/json");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// The value of `Content-Type`.
    pub content_type: Cow<'static, str>,
    /// The text of the page.
    pub body: Cow<'static, str>,
}

impl ErrorPage {
    /// A page of any type.
    pub fn new(
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Cow<'static, str>>,
    ) -> ErrorPage {
        ErrorPage { content_type: content_type.into(), body: body.into() }
    }

    /// The page that Python's `send_error` makes, with `&`, `<` and `>` escaped.
    pub fn python(error: &HttpError) -> ErrorPage {
        let code = error.status();
        let message = Escaped(error.message_text());
        let explain = Escaped(error.explain_text());
        let body = format!(
            "<!DOCTYPE HTML>
<html lang=\"en\">
    <head>
        <meta charset=\"utf-8\">
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code {code}.</p>
        <p>Message: {message}.</p>
        <p>Error code explanation: {code} = {explain}.</p>
    </body>
</html>
"
        );
        ErrorPage::new(HTML, body)
    }
}

/// An HTML page.
impl From<String> for ErrorPage {
    fn from(body: String) -> ErrorPage {
        ErrorPage::new(HTML, body)
    }
}

/// An HTML page.
impl From<&'static str> for ErrorPage {
    fn from(body: &'static str) -> ErrorPage {
        ErrorPage::new(HTML, body)
    }
}

/// Text as it may stand in a page: with `&`, `<` and `>` escaped (Python: `html.escape(text,
/// quote=False)`).
///
/// A page of one's own has to do this with the texts of an error, which may be the client's.
///
/// ```
/// use basehttp::{ErrorPage, HttpError, escape_html};
///
/// fn page(error: &HttpError) -> ErrorPage {
///     format!("<h1>{}</h1>", escape_html(error.message_text())).into()
/// }
/// assert_eq!(page(&HttpError::new(404).message("<b>")).body, "<h1>&lt;b&gt;</h1>");
/// ```
pub fn escape_html(text: &str) -> impl fmt::Display {
    Escaped(text)
}

struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                _ => "&gt;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// Python's `error_content_type`.
pub(crate) const HTML: &str = "text/html;charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_pythons_says() {
        let body = ErrorPage::python(&HttpError::new(404)).body;
        for line in [
            "<p>Error code 404.</p>",
            "<p>Message: Not Found.</p>",
            "<p>Error code explanation: 404 = Nothing matches the given URI.</p>",
        ] {
            assert!(body.contains(line), "{body}");
        }
    }

    #[test]
    fn what_the_client_sent_is_escaped() {
        let error = HttpError::new(400).message("<script>&").explain("a > b");
        let body = ErrorPage::python(&error).body;
        assert!(body.contains("<p>Message: &lt;script&gt;&amp;.</p>"), "{body}");
        assert!(body.contains("400 = a &gt; b."), "{body}");
    }

    #[test]
    fn an_unknown_code_is_python_s_question_marks() {
        let body = ErrorPage::python(&HttpError::new(999)).body;
        assert!(body.contains("<p>Message: ???.</p>"), "{body}");
    }
}
