//! `docs/rfc.md` stays true: no requirement without a test, and no test or file that is not there.

use std::fs;
use std::path::{Path, PathBuf};

use basehttp::{Exchange, handler_fn};
use basehttp_tests::{Framing, serve};

/// A requirement: its section, the file that keeps it, and the tests that show it.
#[derive(Debug)]
struct Row {
    section: String,
    file: String,
    tests: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/rfc.md")).expect("docs/rfc.md is there");
    let lines = text.lines().filter(|line| line.starts_with("| "));
    let lines = lines.filter(|line| !line.starts_with("| section |"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [section, _, file, tests] = cells[..] else { panic!("four cells: {line}") };
            let quoted = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            Row { section: section.into(), file: file.trim_matches('`').into(), tests: quoted }
        })
        .collect()
}

/// Whether the text of a file has a test of that name.
fn has_test(text: &str, name: &str) -> bool {
    let signature = format!("fn {name}(");
    let mut above = "";
    text.lines().map(str::trim).any(|line| {
        let is_test = line.starts_with(&signature) && above == "#[test]";
        above = line;
        is_test
    })
}

#[test]
fn every_requirement_names_the_file_that_keeps_it_and_the_tests_that_show_it() {
    let rows = rows();
    assert!(rows.len() > 100, "only {} rows", rows.len());
    for row in &rows {
        assert!(row.section.starts_with(|c: char| c.is_ascii_digit()), "{row:?}");
        assert!(root().join("server/src").join(&row.file).is_file(), "{row:?}");
        assert!(!row.tests.is_empty(), "no test: {row:?}");
        for test in &row.tests {
            let (place, name) = test.split_once("::").unwrap_or_else(|| panic!("{test}: {row:?}"));
            let path = match place.ends_with(".rs") {
                true => root().join("server/src").join(place),
                false => root().join("tests/it").join(format!("{place}.rs")),
            };
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|error| panic!("{}: {error}: {row:?}", path.display()));
            assert!(has_test(&text, name), "there is no test {test}: {row:?}");
        }
    }
}

#[test]
fn a_test_is_found_by_its_name_and_nothing_else_is() {
    let text = "#[test]\nfn one() {}\n    #[test]\n    fn two() {\nfn helper() {}\n";
    for (name, is_there) in [("one", true), ("two", true), ("helper", false), ("tw", false)] {
        assert_eq!(has_test(text, name), is_there, "{name}");
    }
}

#[test]
fn te_asks_for_nothing_that_is_not_sent_anyway() {
    let server = serve(handler_fn(|http: &mut Exchange<'_>| {
        http.path.len().to_string() + http.headers.get("te").unwrap_or_default()
    }));
    for te in ["trailers", "gzip", "gzip;q=0.5, trailers", "", "chunked", "nonsense;;"] {
        let mut client = server.connect();
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: {te}\r\n\r\n");
        let reply = client.send(&request).send(&request).reply();
        assert_eq!((reply.status, reply.text()), (200, format!("1{te}").as_str()), "{te:?}");
        assert_eq!(reply.framing, Framing::Length(1 + te.len()), "{te:?}");
        assert_eq!(client.reply().status, 200, "{te:?}");
    }
}
