//! `HTTP/1.1` and its relatives.

use std::fmt;

/// A version of HTTP, as request lines and status lines carry it (RFC 9110 §2.5).
///
/// Versions compare as numbers do: `Version::HTTP_10 < Version::HTTP_11`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8); // one digit in each half, so that they compare at once

impl Version {
    /// `HTTP/0.9`: a request without a version, answered by a body without a head. Only with
    /// [`Config::allow_http_09`](crate::Config::allow_http_09).
    pub const HTTP_09: Version = Version(0x09);
    /// `HTTP/1.0`.
    pub const HTTP_10: Version = Version(0x10);
    /// `HTTP/1.1`.
    pub const HTTP_11: Version = Version(0x11);

    /// The number before the dot.
    pub const fn major(self) -> u8 {
        self.0 >> 4
    }

    /// The number after the dot.
    pub const fn minor(self) -> u8 {
        self.0 & 15
    }

    /// Reads `HTTP/` DIGIT `.` DIGIT and nothing else (RFC 9112 §2.3); the name is case-sensitive.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Version> {
        match bytes {
            [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => {
                Some(Version((major - b'0') << 4 | (minor - b'0')))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP/{}.{}", self.major(), self.minor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_digit_a_dot_and_one_digit() {
        for (text, version) in [
            ("HTTP/1.1", Some(Version::HTTP_11)),
            ("HTTP/1.0", Some(Version::HTTP_10)),
            ("HTTP/1.7", Some(Version(0x17))),
            ("HTTP/2.0", Some(Version(0x20))),
            ("http/1.1", None),
            ("HTTP/1.10", None),
            ("HTTP/11", None),
            ("HTTP/1", None),
            ("HTTP/+1.1", None),
            ("HTTP/1.1 ", None),
            ("HTTPS/1.1", None),
            ("", None),
        ] {
            assert_eq!(Version::parse(text.as_bytes()), version, "{text:?}");
        }
    }

    #[test]
    fn versions_order_by_number() {
        let versions = [Version::HTTP_09, Version::HTTP_10, Version::HTTP_11];
        assert!(versions.is_sorted());
        let parts = versions.map(|version| (version.major(), version.minor()));
        assert_eq!(parts, [(0, 9), (1, 0), (1, 1)]);
        assert!(Version::HTTP_10 < Version::HTTP_11);
        assert_eq!(Version::HTTP_11.to_string(), "HTTP/1.1");
    }
}
