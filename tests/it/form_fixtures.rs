//! What real clients send is read as they meant it; `tests/fixtures/forms/README.md` names them.

use std::fs;
use std::io::Read;
use std::path::Path;

use basehttp::{FieldStorage, FormOptions};

const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\x00\xff--x\r\n";

fn fixture(name: &str) -> FieldStorage {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/forms");
    let bytes = fs::read(folder.join(name)).expect("the fixture is there");
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("it has a first line");
    let content_type = str::from_utf8(&bytes[..end]).expect("a content type is text");
    FieldStorage::read(&bytes[end + 1..], content_type, &FormOptions::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn uploads_of_real_clients_are_read_as_they_were_meant() {
    // What stands between two lines, and what an empty file input is called, is the client's way.
    for (name, lines, empty) in [
        ("chromium.form", "\r\n", None),
        ("curl.form", "\n", Some("empty.txt")),
        ("requests.form", "\r\n", Some("empty.txt")),
        ("node.form", "\r\n", Some("empty.txt")),
        ("go.form", "\r\n", Some("empty.txt")),
    ] {
        let mut form = fixture(name);
        assert_eq!((form.len(), form.iter().count()), (6, 7), "{name}: {form:?}");
        assert_eq!(form.getvalue("text"), Some("caf\u{e9}"), "{name}");
        assert_eq!(form["two"].value(), format!("line 1{lines}line 2"), "{name}");
        assert_eq!(form.getfirst("quote\"d"), Some("x"), "{name}");
        assert_eq!(form.getlist("same"), ["1", "2"], "{name}");
        assert_eq!((form["none"].value(), form["none"].filename.as_deref()), ("", empty), "{name}");
        let picture = &mut form["file"];
        assert_eq!(picture.filename.as_deref(), Some("a \"b\" \u{e9}.png"), "{name}");
        assert_eq!(picture.safe_filename(), "a _b_ \u{e9}.png", "{name}");
        // Go does not guess.
        let kind = if name == "go.form" { "application/octet-stream" } else { "image/png" };
        assert_eq!(picture.content_type().as_ref(), kind, "{name}");
        let mut bytes = Vec::new();
        picture.file.read_to_end(&mut bytes).expect("it is in memory");
        assert_eq!(bytes, PICTURE, "{name}");
    }
}

#[test]
fn urlencoded_forms_of_real_clients_are_read_as_they_were_meant() {
    for name in ["chromium-urlencoded.form", "curl-urlencoded.form"] {
        let form = fixture(name);
        let fields: Vec<_> = form.iter().map(|field| (&*field.name, field.value())).collect();
        let expected = [("text", "caf\u{e9} & more"), ("empty", ""), ("same", "1"), ("same", "2")];
        assert_eq!(fields, expected, "{name}");
    }
}
