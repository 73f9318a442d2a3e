//! Which bytes may stand where (RFC 9110 §5, RFC 3986 §3): one look-up for each, or many
//! at a time.

/// What a method and a field name are made of: a token (RFC 9110 §5.6.2).
pub(crate) fn is_tchar(byte: u8) -> bool {
    has(byte, TOKEN)
}

/// How many bytes at the front are [tchars](is_tchar).
pub(crate) fn token_len(bytes: &[u8]) -> usize {
    len_of(bytes, TOKEN)
}

/// How many bytes at the front are letters and hyphens, as all of nearly all field names are: eight
/// at a time.
#[inline(always)]
pub(crate) fn letters_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let others = other_than_letters(u64::from_le_bytes(*eight));
        if others != 0 {
            return bytes.len() - rest.len() + first_marked(others);
        }
        rest = behind;
    }
    bytes.len() - rest.len() + rest.iter().take_while(|byte| is_letter(**byte)).count()
}

/// Whether it is a letter or a hyphen.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'-'
}

/// Marks which of eight bytes are no letters and no hyphens, by their highest bit. Behind the first
/// of them that is not ASCII the marks may be wrong.
#[inline(always)]
fn other_than_letters(eight: u64) -> u64 {
    // Bit 5 makes letters lower-case; with bit 7, nothing is borrowed from the byte behind. What is
    // carried there comes from a byte that is not ASCII, and so marked.
    let raised = eight | each(0xa0);
    let is_from_a = raised.wrapping_sub(each(b'a'));
    let is_behind_z = (raised ^ HIGH).wrapping_add(each(0x7f - b'z'));
    let is_no_hyphen = (eight ^ each(b'-')).wrapping_add(each(0x7f));
    (((!is_from_a | is_behind_z) & is_no_hyphen) | eight) & HIGH
}

/// Which byte is the first whose highest bit is set, in a number that was read as little-endian.
#[inline(always)]
fn first_marked(bytes: u64) -> usize {
    bytes.trailing_zeros() as usize / 8
}

/// That byte, eight times.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each of eight bytes.
const HIGH: u64 = each(0x80);

/// How many bytes at the front may stand in a request target: visible ASCII without what a URI never
/// carries raw.
///
/// Stricter would refuse what browsers send: they leave `|`, `^`, `{`, `}`, `\` and the backtick
/// in a query as they are. A fragment never leaves the client (RFC 9110 §4.2.5).
pub(crate) fn target_len(bytes: &[u8]) -> usize {
    len_of(bytes, TARGET)
}

/// How many bytes at the front are of that class: four at a time, without a branch for each.
#[inline(always)]
fn len_of(bytes: &[u8], class: u8) -> usize {
    let mut rest = bytes;
    while let Some((four, behind)) = rest.split_first_chunk::<4>()
        && four.iter().fold(class, |all, byte| all & CLASSES[*byte as usize]) != 0
    {
        rest = behind;
    }
    let last = rest.iter().take_while(|byte| has(**byte, class)).count();
    bytes.len() - rest.len() + last
}

/// How many bytes at the front are visible ASCII or spaces, as nearly all text of heads is: sixteen
/// at a time, since values are long.
#[inline(always)]
pub(crate) fn plain_text_len(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((sixteen, behind)) = rest.split_first_chunk::<16>() {
        if !is_plain_text(sixteen) {
            return bytes.len() - rest.len() + plain_len(u128::from_le_bytes(*sixteen));
        }
        rest = behind;
    }
    bytes.len() - rest.len() + last_plain_len(bytes, rest)
}

/// The same for `rest`, fewer than sixteen at the end of `bytes`: looked at with what stands before
/// them, if there is so much. What is shifted in behind them are zeros, which are not plain.
#[inline(always)]
fn last_plain_len(bytes: &[u8], rest: &[u8]) -> usize {
    match bytes.last_chunk::<16>() {
        Some(last) if !rest.is_empty() => {
            let before = last.len() - rest.len();
            plain_len(u128::from_le_bytes(*last) >> (8 * before))
        }
        _ => rest.iter().take_while(|byte| is_plain(**byte)).count(),
    }
}

/// How many of sixteen bytes, from the lowest on, are visible ASCII or spaces.
#[inline(always)]
fn plain_len(sixteen: u128) -> usize {
    // The highest bit of a byte is set in the first if it is below a space, in the second if it is
    // DEL, and in one of them if it is not ASCII. What a byte borrows or carries is wrong only behind
    // the first that is not plain.
    let others = |eight: u64| (eight.wrapping_sub(each(0x20)) | eight.wrapping_add(each(1))) & HIGH;
    let (low, high) = (others(sixteen as u64), others((sixteen >> 64) as u64));
    if low != 0 { first_marked(low) } else { 8 + first_marked(high) }
}

/// How many bytes at the front are [text](is_text), and whether all of them are ASCII.
#[inline(never)]
pub(crate) fn text_len(bytes: &[u8]) -> (usize, bool) {
    let len = len_of(bytes, TEXT);
    (len, bytes[..len].is_ascii())
}

/// What a field value, a reason phrase or a chunk extension is made of (RFC 9110 §5.5): no control
/// character but the tab.
pub(crate) fn is_text(byte: u8) -> bool {
    has(byte, TEXT)
}

/// Whether all `bytes` are [text](is_text); many at a time, since every value sent is asked.
#[inline(always)]
pub(crate) fn is_all_text(bytes: &[u8]) -> bool {
    // The last piece overlaps the one before it, so that nothing is left over.
    let is_plain = if let Some(last) = bytes.last_chunk::<16>() {
        bytes.as_chunks::<16>().0.iter().all(is_plain_text) && is_plain_text(last)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        is_plain_text(first) && is_plain_text(last)
    } else {
        false
    };
    is_plain || is_all_other_text(bytes)
}

/// The same where some are not plain, or too few for one look.
#[inline(never)]
fn is_all_other_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_text(*byte))
}

/// Whether two pieces are the same: sixteen bytes at a time, and from so many on without a call.
#[inline(always)] // it is asked between any two requests that are pipelined
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (Some(last), Some(other_last)) = (one.last_chunk::<16>(), other.last_chunk::<16>()) else {
        return one == other;
    };
    // The last pair overlaps the one before it.
    let mut pairs = one.as_chunks::<16>().0.iter().zip(other.as_chunks::<16>().0);
    one.len() == other.len() && last == other_last && pairs.all(|(one, other)| one == other)
}

/// What means itself between quotes, to everybody: text but the quotation mark, the backslash
/// (RFC 9110 §5.6.4), and the percent sign, with which browsers write a quotation mark.
pub(crate) fn is_plain_quoted(byte: u8) -> bool {
    has(byte, PLAIN_QUOTED)
}

/// Whether all `bytes` are plain.
fn is_plain_text<const N: usize>(bytes: &[u8; N]) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_plain(*byte))
}

/// Whether it is visible ASCII or a space: what else is text is not worth a place in this sieve.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Whether all `bytes` are [tchars](is_tchar), and there is one.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    // Without a branch for each byte: names are short and nearly always right.
    !bytes.is_empty() && bytes.iter().fold(TOKEN, |all, byte| all & CLASSES[*byte as usize]) != 0
}

/// How many bytes at the front may stand in a host name (see [`is_host_byte`]).
#[inline] // every request has a host
pub(crate) fn host_len(bytes: &[u8]) -> usize {
    len_of(bytes, HOST)
}

/// What a host name is made of, short of percent-encoded bytes: unreserved characters and
/// sub-delimiters (RFC 3986 §3.2.2).
pub(crate) fn is_host_byte(byte: u8) -> bool {
    has(byte, HOST)
}

fn has(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

const TOKEN: u8 = 1;
const TARGET: u8 = 2;
const TEXT: u8 = 4;
const HOST: u8 = 8;
const PLAIN_QUOTED: u8 = 16;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let char = byte as u8;
        let alphanumeric = char.is_ascii_alphanumeric();
        if alphanumeric || one_of(char, b"!#$%&'*+-.^_`|~") {
            classes[byte] |= TOKEN;
        }
        if char.is_ascii_graphic() && !one_of(char, b"\"<>#") {
            classes[byte] |= TARGET;
        }
        if !char.is_ascii_control() || char == b'\t' {
            classes[byte] |= TEXT;
            if !one_of(char, b"\"\\%") {
                classes[byte] |= PLAIN_QUOTED;
            }
        }
        if alphanumeric || one_of(char, b"-._~!$&'()*+,;=") {
            classes[byte] |= HOST;
        }
        byte += 1;
    }
    classes
};

const fn one_of(byte: u8, of: &[u8]) -> bool {
    let mut at = 0;
    while at < of.len() {
        if of[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(is: fn(u8) -> bool) -> String {
        (0..=127u8).filter(|byte| is(*byte)).map(char::from).collect()
    }

    #[test]
    fn each_class_is_what_its_rfc_says() {
        let digits_and_letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
        let sorted = |extra: &str| {
            let mut chars: Vec<char> = (digits_and_letters.to_owned() + extra).chars().collect();
            chars.sort_unstable();
            chars.into_iter().collect::<String>()
        };
        assert_eq!(all(is_tchar), sorted("!#$%&'*+-.^`|~"));
        assert_eq!(all(|byte| target_len(&[byte]) == 1), sorted("!$%&'()*+,-./:;=?@[\\]^`{|}~"));
        assert_eq!(all(is_host_byte), sorted("-.~!$&'()*+,;="));
        assert!(
            (128..=255).all(|byte| is_text(byte) && !is_tchar(byte) && target_len(&[byte]) == 0)
        );
        for byte in 0..=255 {
            for at in 0..12 {
                let mut bytes = *b"harmless, ok";
                bytes[at] = byte;
                assert_eq!(is_all_text(&bytes), is_text(byte), "{byte} at {at}");
                assert_eq!(is_token(&bytes[at..=at]), is_tchar(byte), "{byte}");
            }
        }
        assert!(is_all_text("tab\tand caf\u{e9}, and \u{7ff}\u{80}\u{ff}".as_bytes()));
        let plain = (0..=255).filter(|byte| is_text(*byte) != is_plain_quoted(*byte));
        assert_eq!(plain.collect::<Vec<u8>>(), b"\"%\\");
        assert!(!is_token(b"") && is_token(b"X-Tag") && !is_token(b"X Tag"));
        let refused: Vec<u8> = (0..=255).filter(|byte| !is_text(*byte)).collect();
        assert_eq!(refused, (0..9).chain(10..32).chain([127]).collect::<Vec<u8>>());
    }

    #[test]
    fn a_value_of_any_length_is_text_if_each_of_its_bytes_is() {
        for len in 0..50 {
            for byte in 0..=255 {
                let all = vec![byte; len];
                assert_eq!(is_all_text(&all), len == 0 || is_text(byte), "{len} of {byte}");
                for at in 0..len {
                    let mut one = vec![b'x'; len];
                    one[at] = byte;
                    assert_eq!(is_all_text(&one), is_text(byte), "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn pieces_are_the_same_if_each_of_their_bytes_is() {
        for len in 0..70 {
            let one: Vec<u8> = (0..len).collect();
            assert!(is_same(&one, &one.clone()), "{len}");
            assert!(!is_same(&one, &[&one[..], b"x"].concat()), "{len} and one more");
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 1;
                assert!(!is_same(&one, &other) && !is_same(&other, &one), "{at} of {len}");
            }
        }
    }

    #[test]
    fn letters_of_names_are_known_eight_at_a_time() {
        for byte in 0..=255u8 {
            for at in 0..8 {
                for behind in [0, b'-', b'a', b'Z', 0x7f, 0x80, 0xff] {
                    let mut eight = [b'-'; 8];
                    eight[at..].fill(behind);
                    eight[at] = byte;
                    let letters = eight.iter().take_while(|byte| is_letter(**byte)).count();
                    let others = other_than_letters(u64::from_le_bytes(eight));
                    assert_eq!(first_marked(others), letters, "{eight:?}");
                }
            }
        }
    }

    #[test]
    fn plain_bytes_are_known_sixteen_at_a_time() {
        for byte in 0..=255u8 {
            for at in 0..16 {
                for (before, behind) in [(b' ', 0), (b'a', b'a'), (b'~', 0x7f), (b'~', 0xff)] {
                    let mut sixteen = [before; 16];
                    sixteen[at..].fill(behind);
                    sixteen[at] = byte;
                    let plain = sixteen.iter().take_while(|byte| is_plain(**byte)).count();
                    assert_eq!(plain_len(u128::from_le_bytes(sixteen)), plain, "{sixteen:?}");
                }
            }
        }
    }

    #[test]
    fn the_sieve_lets_visible_ascii_and_spaces_through() {
        for byte in 0..=255 {
            for at in 0..16 {
                let mut bytes = [b'x'; 16];
                bytes[at] = byte;
                let is_plain = matches!(byte, b' '..=b'~');
                assert_eq!(is_plain_text(&bytes), is_plain, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn lengths_end_at_the_first_byte_that_is_another() {
        let naive =
            |bytes: &[u8], is: fn(u8) -> bool| bytes.iter().take_while(|byte| is(**byte)).count();
        let is_target: fn(u8) -> bool = |byte| target_len(&[byte]) == 1;
        for len in [0, 1, 7, 8, 9, 15, 16, 17, 20, 31, 32, 33, 40] {
            for at in 0..=len {
                for byte in 0..=255u8 {
                    let mut bytes = vec![b'a'; len];
                    if let Some(other) = bytes.get_mut(at) {
                        *other = byte;
                    }
                    // What follows the first must not change where that is.
                    for next in [b'a', b'\t', 0x7f, 0xff, 0] {
                        if let Some(behind) = bytes.get_mut(at + 1) {
                            *behind = next;
                        }
                        assert_eq!(token_len(&bytes), naive(&bytes, is_tchar), "{bytes:?}");
                        assert_eq!(letters_len(&bytes), naive(&bytes, is_letter), "{bytes:?}");
                        assert_eq!(target_len(&bytes), naive(&bytes, is_target), "{bytes:?}");
                        assert_eq!(host_len(&bytes), naive(&bytes, is_host_byte), "{bytes:?}");
                        let text = naive(&bytes, is_text);
                        let is_ascii = bytes[..text].is_ascii();
                        assert_eq!(text_len(&bytes), (text, is_ascii), "{bytes:?}");
                        let plain = naive(&bytes, is_plain);
                        assert_eq!(plain_text_len(&bytes), plain, "{bytes:?}");
                    }
                }
            }
        }
    }
}
