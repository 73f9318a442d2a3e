//! "Did you mean …?": which names lie one slip of the fingers apart.

/// The verbs people mean: the IANA registry of HTTP methods, and those that UPnP and caches use.
///
/// Only suggestions come from here; any other verb is as good. `PRI` and `*` are registered so
/// that nobody uses them, and are left out.
#[rustfmt::skip]
pub(crate) const VERBS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "QUERY",
    "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK",
    "MERGE", "MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE",
    "ORDERPATCH", "PROPFIND", "PROPPATCH", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT",
    "UNLINK", "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL",
    "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE",
];

/// The verbs of RFC 9110 §9.3, and PATCH.
pub(crate) const COMMON_VERBS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// The first of `names` that `written` was probably meant to be, but is not.
pub(crate) fn near_miss<'n>(
    written: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    names.into_iter().find(|name| is_near_miss(written.as_bytes(), name.as_bytes()))
}

/// Whether one slip turns `meant` into `written`.
///
/// A wrong first letter is no slip: it makes another word (`HEAD` and `READ`, `POST` and `HOST`).
/// Neither is a wrong letter in a word of three (`GET` and `GOT`).
fn is_near_miss(written: &[u8], meant: &[u8]) -> bool {
    let start = written.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let (written, rest) = (&written[start..], &meant[start..]);
    match (written, rest) {
        ([], []) => false,
        ([a, b, left @ ..], [c, d, right @ ..]) if (a, b) == (d, c) && left == right => true,
        ([_, left @ ..], [_, right @ ..]) if left == right => start > 0 && meant.len() >= 4,
        _ => without_first(written) == Some(rest) || without_first(rest) == Some(written),
    }
}

fn without_first(letters: &[u8]) -> Option<&[u8]> {
    letters.split_first().map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_a_near_miss() {
        for (written, meant) in [
            ("GTE", "GET"),
            ("GETT", "GET"),
            ("GE", "GET"),
            ("OST", "POST"),
            ("PSOT", "POST"),
            ("PAST", "POST"),
            ("OPTION", "OPTIONS"),
            ("PROFIND", "PROPFIND"),
            ("M_SEARCH", "M-SEARCH"),
        ] {
            assert_eq!(near_miss(written, VERBS.iter().copied()), Some(meant), "{written}");
        }
    }

    #[test]
    fn another_word_is_not() {
        for written in
            ["", "SET", "GOT", "FOO", "SPAM", "READ", "HOST", "MATCH", "LIST", "PING", "BREW"]
        {
            assert_eq!(near_miss(written, VERBS.iter().copied()), None, "{written}");
        }
    }

    #[test]
    fn no_verb_is_a_near_miss_of_itself() {
        for verb in VERBS {
            assert!(!is_near_miss(verb.as_bytes(), verb.as_bytes()), "{verb}");
        }
    }
}
