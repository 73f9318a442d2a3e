//! Each limit is told where people look for it: with its default in the documentation, and in the
//! README. What each of them does is in the file of its promise.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The public fields of a struct in `config.rs`, each with its doc comment.
fn fields(of: &str) -> Vec<(String, String)> {
    let config = read("server/src/config.rs");
    let (_, body) = config.split_once(&format!("pub struct {of} {{\n")).expect("it is there");
    let (body, _) = body.split_once("\n}\n").expect("it ends");
    let (mut fields, mut comment) = (Vec::new(), String::new());
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment += text;
        } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|l| l.split_once(':')) {
            fields.push((name.to_owned(), std::mem::take(&mut comment)));
        }
    }
    fields
}

#[test]
fn each_field_of_the_configuration_has_a_default_in_words_and_is_in_the_readme() {
    let readme = read("README.md");
    for (of, prefix) in [("Config", ""), ("FormLimits", "form_limits.")] {
        let fields = fields(of);
        assert!(fields.len() > 5, "{of}: {fields:?}");
        for (name, comment) in fields {
            let is_told = readme.contains(&format!("`{prefix}{name}"));
            assert!(is_told, "{of}::{name} is not in the README");
            let has_default = ["Default: ", "Default, ", "the default"];
            let has_default = has_default.iter().any(|words| comment.contains(words));
            assert!(has_default, "{of}::{name}: {comment}");
        }
    }
}
