//! `FromRequest`: what a method may take besides the exchange.
//!
//! Arguments are made before the method is called, in their order; one that cannot be made is the
//! answer, and the method is not called. The exchange, if the method takes it, is lent afterwards.

use crate::exchange::Exchange;
use crate::form::field_storage::FieldStorage;
#[cfg(feature = "serde")]
use crate::form::typed::{Form, FromFields, Query};
use crate::http::headers::Headers;
use crate::http::target::QueryString;
use crate::http::version::Version;
use crate::http_error::{HttpError, Result};
use crate::peer::PeerAddress;

/// A value that a `do_` method may take as an argument, made of the request.
///
/// | argument | what it is |
/// |---|---|
/// | `http: &mut Exchange` | the request and its answer; no `FromRequest`, and lent last |
/// | [`FieldStorage`] | the form: query or body |
/// | `Form<T>`, `Query<T>` | the form, or the query, as a struct (feature `serde`) |
/// | [`Headers`], [`QueryString`], [`PeerAddress`], [`Version`] | parts of the request |
/// | `Option<T>` | `None` where the request has no such thing; what is there and wrong is refused |
/// | `Result<T, HttpError>` | the refusal, for a method that has its own answer to it |
///
/// Arguments may borrow from the request: they live as long as it does. Implement it for your own
/// types; one that needs to know the handler, such as a user that a session names, implements
/// [`FromRequestWith`] instead.
///
/// ```
/// use basehttp::{Exchange, FromRequest, HttpError, Result, http_handler};
///
/// struct Token<'a>(&'a str);
///
/// impl<'a> FromRequest<'a> for Token<'a> {
///     fn from_request(http: &mut Exchange<'a>) -> Result<Self> {
///         let field = http.headers.get("authorization").unwrap_or_default();
///         match field.strip_prefix("Bearer ") {
///             Some(token) => Ok(Token(token)),
///             None => Err(HttpError::new(401).explain("a bearer token is needed")),
///         }
///     }
/// }
///
/// struct Api;
///
/// #[http_handler]
/// impl Api {
///     fn do_GET(&self, token: Token) -> String {
///         format!("your token has {} letters", token.0.len())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a `do_` method: take the form as `FieldStorage`, \
               `Form<…>` or `Query<…>`, or implement `FromRequest` for a type of your own",
    label = "cannot be made of a request"
)]
pub trait FromRequest<'a>: Sized {
    /// Makes the value.
    ///
    /// # Errors
    /// What is wrong with the request, with the status it is answered with.
    fn from_request(http: &mut Exchange<'a>) -> Result<Self>;

    /// Makes the value if the request has what it is made of: for an argument `Option<Self>`.
    ///
    /// # Errors
    /// As [`from_request`](Self::from_request). Absent is no error, and wrong is one.
    fn from_request_if_present(http: &mut Exchange<'a>) -> Result<Option<Self>> {
        Self::from_request(http).map(Some)
    }
}

/// A value that a `do_` method of the handler `H` may take as an argument.
///
/// Every [`FromRequest`] is one, whatever the handler. Implement this trait for what needs the
/// handler's own state. `Option<T>` and `Result<T, HttpError>` are arguments where `T` is a
/// `FromRequest`, and not for these: a method that can do without such a value calls
/// `T::from_request_with(http, self)` itself, or has another type for it.
///
/// ```
/// use std::collections::HashMap;
/// use basehttp::{Exchange, FromRequestWith, OrStatus, Result, http_handler};
///
/// struct Shop {
///     sessions: HashMap<String, String>,
/// }
///
/// struct User(String);
///
/// impl<'a> FromRequestWith<'a, Shop> for User {
///     fn from_request_with(http: &mut Exchange<'a>, shop: &Shop) -> Result<Self> {
///         let session = http.headers.get("x-session").or_status(401)?;
///         Ok(User(shop.sessions.get(session).or_status(403)?.clone()))
///     }
/// }
///
/// #[http_handler]
/// impl Shop {
///     fn do_GET(&self, user: User) -> String {
///         format!("welcome back, {}", user.0)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a `do_` method: take the form as `FieldStorage`, \
               `Form<…>` or `Query<…>`, or implement `FromRequest` for a type of your own",
    label = "cannot be made of a request"
)]
pub trait FromRequestWith<'a, H: ?Sized>: Sized {
    /// Makes the value.
    ///
    /// # Errors
    /// What is wrong with the request, with the status it is answered with.
    fn from_request_with(http: &mut Exchange<'a>, handler: &H) -> Result<Self>;
}

impl<'a, H: ?Sized, T: FromRequest<'a>> FromRequestWith<'a, H> for T {
    fn from_request_with(http: &mut Exchange<'a>, _: &H) -> Result<Self> {
        T::from_request(http)
    }
}

/// `None` where the request has no such thing.
impl<'a, T: FromRequest<'a>> FromRequest<'a> for Option<T> {
    fn from_request(http: &mut Exchange<'a>) -> Result<Self> {
        T::from_request_if_present(http)
    }
}

/// The refusal as a value: the method is called in any case.
impl<'a, T: FromRequest<'a>> FromRequest<'a> for Result<T, HttpError> {
    fn from_request(http: &mut Exchange<'a>) -> Result<Self> {
        Ok(T::from_request(http))
    }
}

impl<'a> FromRequest<'a> for Headers<'a> {
    fn from_request(http: &mut Exchange<'a>) -> Result<Self> {
        Ok(http.headers)
    }
}

impl<'a> FromRequest<'a> for QueryString<'a> {
    fn from_request(http: &mut Exchange<'a>) -> Result<Self> {
        Ok(http.query())
    }

    fn from_request_if_present(http: &mut Exchange<'a>) -> Result<Option<Self>> {
        Ok(Some(http.query()).filter(|query| !query.is_empty()))
    }
}

impl FromRequest<'_> for PeerAddress {
    fn from_request(http: &mut Exchange<'_>) -> Result<Self> {
        Ok(http.client_address.clone())
    }
}

impl FromRequest<'_> for Version {
    fn from_request(http: &mut Exchange<'_>) -> Result<Self> {
        Ok(http.request_version)
    }
}

/// As [`Exchange::form`]; absent where there is neither a query nor a body that says what it is.
impl FromRequest<'_> for FieldStorage {
    fn from_request(http: &mut Exchange<'_>) -> Result<Self> {
        http.form()
    }

    fn from_request_if_present(http: &mut Exchange<'_>) -> Result<Option<Self>> {
        let is_present = match http.is_form_in_query() {
            true => !http.query().is_empty(),
            false => http.headers.contains("content-type"),
        };
        is_present.then(|| http.form()).transpose()
    }
}

/// As [`FieldStorage`]; 422 where the fields do not fit the struct.
#[cfg(feature = "serde")]
impl<T: FromFields> FromRequest<'_> for Form<T> {
    fn from_request(http: &mut Exchange<'_>) -> Result<Self> {
        Form::of(&FieldStorage::from_request(http)?)
    }

    fn from_request_if_present(http: &mut Exchange<'_>) -> Result<Option<Self>> {
        let form = FieldStorage::from_request_if_present(http)?;
        form.map(|form| Form::of(&form)).transpose()
    }
}

/// The query as a struct, whatever the method; 400 where it does not fit.
#[cfg(feature = "serde")]
impl<T: FromFields> FromRequest<'_> for Query<T> {
    fn from_request(http: &mut Exchange<'_>) -> Result<Self> {
        Query::of(&http.query_fields()?)
    }

    fn from_request_if_present(http: &mut Exchange<'_>) -> Result<Option<Self>> {
        if http.query().is_empty() {
            return Ok(None);
        }
        Self::from_request(http).map(Some)
    }
}
