//! What `send_header` takes as a value.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::time::SystemTime;

use mime::Mime;

use crate::http::date::HttpDate;

/// A value of a header field: text, bytes, a number, a media type, a time, or `format_args!`.
///
/// ```
/// # use std::{io, time::SystemTime};
/// # fn example(http: &mut basehttp::Exchange<'_>) -> io::Result<()> {
/// http.send_response(200)
///     .send_header("Content-Type", "text/plain; charset=utf-8")
///     .send_header("Content-Length", 5)
///     .send_header("Last-Modified", SystemTime::now())
///     .send_header("ETag", format_args!("\"{:x}\"", 0xbeef))
///     .end_headers()
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a header value: write text, a number, a `SystemTime`, or \
               `format_args!(\"{{}}\", …)`",
    label = "is no header value"
)]
pub trait ToHeaderValue {
    /// Appends the value as it goes over the wire.
    ///
    /// `out` is empty, or holds what a value around this one has written. Nothing need be checked:
    /// `send_header` refuses control characters, whoever wrote them.
    fn write_to(&self, out: &mut Vec<u8>);

    /// The value, if it is there already as [`write_to`](Self::write_to) would append it; that need
    /// not be called then.
    ///
    /// `None` unless overridden, which is always right: it only spares a copy.
    fn as_written(&self) -> Option<&[u8]> {
        None
    }
}

impl<T: ToHeaderValue + ?Sized> ToHeaderValue for &T {
    fn write_to(&self, out: &mut Vec<u8>) {
        (**self).write_to(out);
    }

    fn as_written(&self) -> Option<&[u8]> {
        (**self).as_written()
    }
}

impl ToHeaderValue for str {
    fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }

    fn as_written(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }
}

impl ToHeaderValue for String {
    fn write_to(&self, out: &mut Vec<u8>) {
        self.as_str().write_to(out);
    }

    fn as_written(&self) -> Option<&[u8]> {
        self.as_str().as_written()
    }
}

impl ToHeaderValue for Cow<'_, str> {
    fn write_to(&self, out: &mut Vec<u8>) {
        self.as_ref().write_to(out);
    }

    fn as_written(&self) -> Option<&[u8]> {
        self.as_ref().as_written()
    }
}

/// Sent as they are, so that Latin-1 and other old encodings can be answered too.
impl ToHeaderValue for [u8] {
    fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn as_written(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl<const N: usize> ToHeaderValue for [u8; N] {
    fn write_to(&self, out: &mut Vec<u8>) {
        self.as_slice().write_to(out);
    }

    fn as_written(&self) -> Option<&[u8]> {
        self.as_slice().as_written()
    }
}

impl ToHeaderValue for Vec<u8> {
    fn write_to(&self, out: &mut Vec<u8>) {
        self.as_slice().write_to(out);
    }

    fn as_written(&self) -> Option<&[u8]> {
        self.as_slice().as_written()
    }
}

impl ToHeaderValue for Mime {
    fn write_to(&self, out: &mut Vec<u8>) {
        self.as_ref().write_to(out);
    }

    fn as_written(&self) -> Option<&[u8]> {
        self.as_ref().as_written()
    }
}

impl ToHeaderValue for HttpDate {
    fn write_to(&self, out: &mut Vec<u8>) {
        format_args!("{self}").write_to(out);
    }
}

impl ToHeaderValue for SystemTime {
    fn write_to(&self, out: &mut Vec<u8>) {
        HttpDate::from(*self).write_to(out);
    }
}

impl ToHeaderValue for fmt::Arguments<'_> {
    fn write_to(&self, out: &mut Vec<u8>) {
        // It fails only if a `Display` of the caller's does: a mistake over which this panics, as
        // `to_string` does.
        let _ = out.write_fmt(*self);
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl ToHeaderValue for $integer {
            fn write_to(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn values_are_written_as_the_wire_has_them() {
        let written = |value: &dyn ToHeaderValue| {
            let mut out = Vec::new();
            value.write_to(&mut out);
            String::from_utf8(out).unwrap()
        };
        let as_written = |value: &dyn ToHeaderValue| {
            value.as_written().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
        };
        let there: [&dyn ToHeaderValue; 8] = [
            &"text",
            &"text".to_owned(),
            &Cow::Borrowed("text"),
            &b"text",
            &b"text".as_slice(),
            &b"text".to_vec(),
            &&"text",
            &mime::TEXT_HTML,
        ];
        for value in there {
            assert_eq!(as_written(value), Some(written(value)));
        }
        for value in [&7 as &dyn ToHeaderValue, &SystemTime::UNIX_EPOCH, &format_args!("x")] {
            assert_eq!(as_written(value), None);
        }
        assert_eq!(written(&"text"), "text");
        assert_eq!(written(&-12), "-12");
        assert_eq!(written(&mime::TEXT_HTML_UTF_8), "text/html; charset=utf-8");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(written(&time), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(written(&format_args!("{}-{}", 1, 2)), "1-2");
        assert_eq!(written(b"bytes"), "bytes");
    }
}
