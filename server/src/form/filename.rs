//! A name for the server's own disk, made of the one that a client has sent.

/// The last part of `sent` as a file name that is safe to create: without a path, without control
/// characters and those that some system forbids, never hidden, never a device, never empty, at most
/// 255 bytes.
pub(crate) fn safe_filename(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = last.chars().filter(|char| !is_invisible(*char));
    let allowed = visible.map(|char| if FORBIDDEN.contains(&char) { '_' } else { char });
    let mut name: String = allowed.collect();
    // Windows drops dots and blanks at the end; at the front a dot hides a file.
    name = name.trim_matches(|char: char| char == '.' || char.is_whitespace()).to_owned();
    shorten(&mut name);
    if name.is_empty() {
        return "upload".to_owned();
    }
    if is_device(&name) {
        name.insert(0, '_');
    }
    name
}

/// Control characters, and those that turn the direction of what follows: `exe.gpj` must not look
/// like `jpg.exe`.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What file systems take, and room for the underscore in front of a device.
fn shorten(name: &mut String) {
    const MOST: usize = 254;
    if name.len() <= MOST {
        return;
    }
    let extension = match name.rfind('.') {
        Some(dot) if name.len() - dot <= 16 => name.split_off(dot),
        _ => String::new(),
    };
    let mut end = (MOST - extension.len()).min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.push_str(&extension);
}

/// Whether Windows opens a device under this name, whatever its extension.
fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().find_map(|device| stem.strip_prefix(device));
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered.is_some_and(|number| {
            let mut chars = number.chars();
            matches!(chars.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'))
                && chars.next().is_none()
        })
}

/// What Windows forbids in a name; slashes are gone already.
const FORBIDDEN: [char; 7] = ['<', '>', ':', '"', '|', '?', '*'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_safe() {
        for (sent, safe) in [
            ("cat.jpg", "cat.jpg"),
            ("a picture of caf\u{e9} \u{1f600}.png", "a picture of caf\u{e9} \u{1f600}.png"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("C:\\dir\\file.txt", "file.txt"),
            ("C:file.txt", "C_file.txt"),
            ("file.txt:stream", "file.txt_stream"),
            ("/etc/", "upload"),
            ("", "upload"),
            (".", "upload"),
            ("..", "upload"),
            ("...", "upload"),
            (" . ", "upload"),
            (".htaccess", "htaccess"),
            ("name. . ", "name"),
            ("a\0b\r\nc\u{7f}\u{85}d", "abcd"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("what?<*>|\"", "what______"),
            ("con", "_con"),
            ("Con.txt", "_Con.txt"),
            ("con .txt", "_con .txt"),
            ("NUL.tar.gz", "_NUL.tar.gz"),
            ("com1", "_com1"),
            ("LPT\u{b9}.txt", "_LPT\u{b9}.txt"),
            ("com10", "com10"),
            ("console.txt", "console.txt"),
        ] {
            assert_eq!(safe_filename(sent), safe, "{sent:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let long = format!("{}.jpeg", "\u{20ac}".repeat(200));
        let safe = safe_filename(&long);
        assert!(safe.len() <= 255 && safe.ends_with("\u{20ac}.jpeg"), "{safe}");
        assert!(safe_filename(&"x".repeat(1000)).len() <= 255);
        assert!(safe_filename(&format!("a.{}", "x".repeat(1000))).len() <= 255);
    }

    #[test]
    fn no_name_is_unsafe() {
        // Every pair of characters that mean something somewhere, around an ordinary name.
        let odd = "./\\:*?\"<>|\0\r\n\t \u{7f}\u{85}\u{202e}%$~a\u{e9}";
        for first in odd.chars() {
            for second in odd.chars() {
                for sent in [
                    format!("{first}{second}"),
                    format!("{first}nul{second}"),
                    format!("com1{first}{second}txt"),
                    format!("{first}..{second}.."),
                ] {
                    let safe = safe_filename(&sent);
                    assert!(
                        !safe.is_empty() && !safe.starts_with('.') && !is_device(&safe),
                        "{sent:?}"
                    );
                    assert!(
                        !safe.contains(['/', '\\', '\0', '\n', '\r', ':']),
                        "{sent:?}: {safe:?}"
                    );
                    assert_eq!(safe_filename(&safe), safe, "{sent:?}: twice");
                }
            }
        }
    }
}
