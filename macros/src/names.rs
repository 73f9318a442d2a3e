//! What the name of a method or constant means to the handler.
//!
//! Every rule about the spelling of `do_VERB` lives here.

use crate::reserved::{self, ReservedConstant, ReservedFunction};
use crate::suggest::{COMMON_VERBS, VERBS, near_miss};

/// What a name in the block stands for.
#[derive(Debug, PartialEq)]
pub(crate) enum Meaning<R: 'static> {
    /// A method that answers this verb.
    Verb(String),
    /// An override of a default.
    Reserved(&'static R),
    /// Almost one of the above, and what to write.
    Mistake(String),
    /// The user's own business.
    Ordinary,
}

/// What a function called `name` is for.
pub(crate) fn of_function(name: &str) -> Meaning<ReservedFunction> {
    if let Some(rest) = name.strip_prefix("do_") {
        return after_do(rest);
    }
    if let Some(function) = reserved::function(name) {
        return Meaning::Reserved(function);
    }
    if let Some(constant) = misplaced_constant(name) {
        return Meaning::Mistake(format!("this is a constant here: write `{}`", constant.usage()));
    }
    suggest(name, reserved::FUNCTIONS.iter().map(|function| function.name))
}

/// What a constant called `name` is for.
pub(crate) fn of_constant(name: &str) -> Meaning<ReservedConstant> {
    match reserved::constant(name) {
        Some(constant) => Meaning::Reserved(constant),
        None => suggest(name, reserved::CONSTANTS.iter().map(|constant| constant.name)),
    }
}

/// Whether RFC 9110 §9.1 lets a request begin with `verb`, and our 32 bytes suffice for it.
pub(crate) fn is_verb(verb: &str) -> bool {
    (1..=MAX_VERB_BYTES).contains(&verb.len())
        && verb.bytes().all(|byte| byte.is_ascii_alphanumeric() || PUNCTUATION.contains(&byte))
}

/// What is wrong with a verb that [`is_verb`] refuses.
pub(crate) const NOT_A_VERB: &str =
    "a verb is 1 to 32 letters, digits or characters of !#$%&'*+-.^_`|~";

/// The longest verb a request may have.
const MAX_VERB_BYTES: usize = 32;

/// What RFC 9110 §5.6.2 allows in a token besides letters and digits.
const PUNCTUATION: &[u8] = b"!#$%&'*+-.^_`|~";

/// What `do_` and `rest` mean together.
fn after_do(rest: &str) -> Meaning<ReservedFunction> {
    if !is_upper_case(rest) {
        return mixed_case(rest);
    }
    if !is_verb(rest) {
        return Meaning::Mistake(NOT_A_VERB.to_owned());
    }
    if VERBS.contains(&rest) {
        return Meaning::Verb(rest.to_owned());
    }
    match near_miss(rest, VERBS.iter().copied()) {
        Some(verb) => Meaning::Mistake(format!(
            "did you mean {}? (write `#[method(\"{rest}\")]` if you mean `{rest}`)",
            spelling(verb)
        )),
        None => Meaning::Verb(rest.to_owned()),
    }
}

/// What `rest`, which has small letters, means after `do_`.
fn mixed_case(rest: &str) -> Meaning<ReservedFunction> {
    // All in small letters, only the common verbs are a slip: `do_copy` may well be a helper.
    let is_snake_case = !rest.bytes().any(|byte| byte.is_ascii_uppercase());
    let candidates = if is_snake_case { COMMON_VERBS } else { VERBS };
    if let Some(verb) = candidates.iter().find(|verb| verb.eq_ignore_ascii_case(rest)) {
        return Meaning::Mistake(format!(
            "verbs are case sensitive: did you mean `do_{verb}`? (write `#[method(\"{rest}\")]` \
             if you mean `{rest}`, or put a helper into another `impl` block)"
        ));
    }
    match VERBS.iter().find(|verb| rest.starts_with(**verb)) {
        Some(verb) => Meaning::Mistake(format!(
            "the verb in a name has no small letters: write `do_{verb}` to answer every {verb}, \
             `#[method(\"{rest}\")]` if you mean `{rest}`, or put a helper into another `impl` \
             block"
        )),
        None => Meaning::Ordinary,
    }
}

/// How a method for `verb` has to be written: a hyphen does not fit into a name.
fn spelling(verb: &str) -> String {
    if verb.contains('-') { format!("`#[method(\"{verb}\")]`") } else { format!("`do_{verb}`") }
}

/// Whether a verb may be written like this in the name of a method.
fn is_upper_case(rest: &str) -> bool {
    rest.bytes().any(|byte| byte.is_ascii_uppercase())
        && rest.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

/// The constant that somebody wrote as a function, by either of its names.
fn misplaced_constant(name: &str) -> Option<&'static ReservedConstant> {
    reserved::CONSTANTS.iter().find(|constant| constant.name == name || constant.getter == name)
}

/// Refuses a name that is nearly, or but for its case, one of `names`.
fn suggest<R>(name: &str, names: impl Iterator<Item = &'static str> + Clone) -> Meaning<R> {
    let same_letters = names.clone().find(|reserved| reserved.eq_ignore_ascii_case(name));
    match same_letters.or_else(|| near_miss(name, names)) {
        Some(reserved) => Meaning::Mistake(format!(
            "did you mean `{reserved}`? (a name of your own that is so close to it belongs in \
             another `impl` block)"
        )),
        None => Meaning::Ordinary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a function: its verb, what the message suggests, or nothing.
    fn reading(name: &str) -> String {
        match of_function(name) {
            Meaning::Verb(verb) => format!("verb {verb}"),
            Meaning::Reserved(function) => format!("reserved {}", function.name),
            Meaning::Mistake(message) => message,
            Meaning::Ordinary => "ordinary".to_owned(),
        }
    }

    #[test]
    fn names_are_read() {
        for (name, expected) in [
            ("do_GET", "verb GET"),
            ("do_PROPFIND", "verb PROPFIND"),
            ("do_SPAM", "verb SPAM"),
            ("do_SET", "verb SET"),
            ("do_SPAM_2", "verb SPAM_2"),
            ("log_message", "reserved log_message"),
            ("do_", "ordinary"),
            ("do_1", "ordinary"),
            ("do_work", "ordinary"),
            ("do_get_user", "ordinary"),
            ("do_backup", "ordinary"),
            ("do_copy", "ordinary"),
            ("do_ÄÖÜ", "ordinary"),
            ("log_message_later", "ordinary"),
            ("get", "ordinary"),
            ("DO_GET", "ordinary"),
        ] {
            assert_eq!(reading(name), expected, "{name}");
        }
    }

    #[test]
    fn mistakes_name_what_to_write() {
        for (name, expected) in [
            ("do_get", "`do_GET`? (write `#[method(\"get\")]`"),
            ("do_Post", "`do_POST`?"),
            ("do_GTE", "`do_GET`? (write `#[method(\"GTE\")]` if you mean `GTE`)"),
            ("do_M_SEARCH", "`#[method(\"M-SEARCH\")]`?"),
            ("do_GET_user", "write `do_GET` to answer every GET, `#[method(\"GET_user\")]`"),
            ("do_ABCDEFGHIJKLMNOPQRSTUVWXYZ_ABCDEF", "1 to 32"),
            ("log_mesage", "`log_message`?"),
            ("Log_Message", "`log_message`?"),
            ("server_version", "write `const SERVER_VERSION: &str`"),
            ("PROTOCOL_VERSION", "write `const PROTOCOL_VERSION: Version`"),
        ] {
            let message = reading(name);
            assert!(message.contains(expected), "{name}: {message}");
        }
    }

    #[test]
    fn constants_are_read() {
        for (name, expected) in
            [("SERVER_VERSION", "Reserved"), ("SERVER_VERION", "Mistake"), ("VERSION", "Ordinary")]
        {
            let meaning = format!("{:?}", of_constant(name));
            assert!(meaning.starts_with(expected), "{name}: {meaning}");
        }
    }

    #[test]
    fn verbs_are_tokens() {
        for verb in ["GET", "m-search", "!#$%&'*+-.^_`|~09", &"V".repeat(32)] {
            assert!(is_verb(verb), "{verb}");
        }
        for verb in ["", "TWO WORDS", "GET/", "GÉT", "A\n", "(", &"V".repeat(33)] {
            assert!(!is_verb(verb), "{verb:?}");
        }
    }
}
