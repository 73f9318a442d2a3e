//! The map of ARCHITECTURE.md stays true: every file imports only from files below it.
//!
//! The floors are the groups of `mod` lines in `lib.rs` and in each `mod.rs`, from the top. Files
//! of one group may use each other as long as no circle comes of it. Tests at the bottom of a file
//! may reach as they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A crate: its files by module path (`http::head`), and its floors.
struct Map {
    /// What each file says, without comments and tests.
    files: BTreeMap<String, String>,
    /// The number of the floor that each module stands on within its parent, from the top.
    floors: BTreeMap<String, usize>,
}

fn source(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(of).join("src")
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.replace("\r\n", "\n")
}

impl Map {
    fn of(package: &str) -> Map {
        let mut map = Map { files: BTreeMap::new(), floors: BTreeMap::new() };
        map.add(&source(package), "lib.rs", "");
        map
    }

    /// Adds the modules that `index` names, a `lib.rs` or a `mod.rs`.
    fn add(&mut self, dir: &Path, index: &str, parent: &str) {
        let text = read(&dir.join(index));
        let (mut floor, mut is_test) = (0, false);
        for line in text.lines() {
            if line.is_empty() {
                floor += 1;
            }
            if line == "#[cfg(test)]" {
                is_test = true;
            }
            let Some(name) = line.strip_suffix(';').and_then(|line| line.split_once("mod ")) else {
                continue;
            };
            if !["", "pub ", "pub(crate) "].contains(&name.0) || std::mem::take(&mut is_test) {
                continue;
            }
            let module = format!("{parent}{}", name.1);
            let inner = dir.join(name.1);
            if inner.join("mod.rs").exists() {
                self.add(&inner, "mod.rs", &format!("{module}::"));
            } else {
                let code = code(&read(&dir.join(format!("{}.rs", name.1))));
                self.files.insert(module.clone(), code);
            }
            self.floors.insert(module, floor);
        }
    }

    /// The files that a file imports from.
    fn imports(&self, file: &str) -> BTreeSet<String> {
        let parent = file.rsplit_once("::").map_or("", |split| split.0);
        let code = &self.files[file];
        let mut found = BTreeSet::new();
        for (root, base) in [("crate::", ""), ("super::", parent)] {
            for (at, _) in code.match_indices(root) {
                let base: Vec<&str> = base.split("::").filter(|part| !part.is_empty()).collect();
                let mut paths = Vec::new();
                tree(&code[at + root.len()..], base, &mut paths);
                found.extend(paths.iter().filter_map(|path| self.file_of(path)));
            }
        }
        found.remove(file);
        found
    }

    /// The file that holds what a path names, if it names anything of a module.
    fn file_of(&self, path: &[&str]) -> Option<String> {
        let prefixes = (1..=path.len()).rev().map(|len| path[..len].join("::"));
        prefixes.into_iter().find(|prefix| self.files.contains_key(prefix))
    }

    /// Whether `file` stands at least as high as `imported`, where their ways part.
    fn points_down(&self, file: &str, imported: &str) -> bool {
        let (mut own, mut other) = (String::new(), String::new());
        for (a, b) in file.split("::").zip(imported.split("::")) {
            own.push_str(a);
            other.push_str(b);
            if own != other {
                return self.floors[&own] <= self.floors[&other];
            }
            own.push_str("::");
            other.push_str("::");
        }
        true
    }

    /// A way from a file back to itself.
    fn circle(&self) -> Option<Vec<String>> {
        fn walk(map: &Map, way: &mut Vec<String>, sound: &mut BTreeSet<String>) -> bool {
            let file = way.last().cloned().unwrap_or_default();
            for next in map.imports(&file) {
                let is_circle = way.contains(&next);
                way.push(next.clone());
                if is_circle || (!sound.contains(&next) && walk(map, way, sound)) {
                    return true;
                }
                way.pop();
            }
            sound.insert(file);
            false
        }
        let mut sound = BTreeSet::new();
        self.files.keys().find_map(|file| {
            let mut way = vec![file.clone()];
            walk(self, &mut way, &mut sound).then_some(way)
        })
    }
}

/// What a file says to the compiler: no comments, and no tests.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = text.lines().map(|line| match line.find("//") {
        // Not the slashes of a URL.
        Some(at) if at == 0 || line[..at].ends_with(' ') => &line[..at],
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Expands `a::{b, c::d}`, and returns what follows it.
fn tree<'t>(text: &'t str, base: Vec<&'t str>, into: &mut Vec<Vec<&'t str>>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = tree(rest, base.clone(), into).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                more => return more.unwrap_or(rest).trim_start().trim_start_matches('}'),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut path = base;
    path.push(&text[..end]);
    match text[end..].strip_prefix("::") {
        Some(rest) => tree(rest, path, into),
        None => {
            into.push(path);
            &text[end..]
        }
    }
}

#[test]
fn every_import_points_down() {
    let server = Map::of("server");
    assert!(server.files.len() > 25, "only {:?}", server.files.keys());
    for file in server.files.keys() {
        for imported in server.imports(file) {
            assert!(
                server.points_down(file, &imported),
                "{file} imports from {imported}, above it"
            );
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for package in ["server", "macros"] {
        assert_eq!(Map::of(package).circle(), None, "{package}");
    }
}

#[test]
fn http_and_net_have_not_heard_of_each_other_nor_of_what_is_above() {
    let server = Map::of("server");
    for file in server.files.keys() {
        for floor in ["http", "net"] {
            if file.starts_with(&format!("{floor}::")) {
                // A word to the compiler is of no floor.
                let imports = server.imports(file).into_iter().filter(|file| file != "rarely");
                for imported in imports {
                    assert!(imported.starts_with(&format!("{floor}::")), "{file}: {imported}");
                }
            }
        }
    }
}

#[test]
fn http_knows_no_socket_no_thread_and_no_clock() {
    let server = Map::of("server");
    for (file, code) in server.files.iter().filter(|(file, _)| file.starts_with("http::")) {
        for word in
            ["TcpStream", "socket2", "mio::", "Instant::now", "SystemTime::now", "std::thread"]
        {
            assert!(!code.contains(word), "{file} names {word}");
        }
    }
}

#[test]
fn only_two_files_know_mio() {
    let server = Map::of("server");
    let knowing = server.files.iter().filter(|(_, code)| code.contains("mio::"));
    let knowing: Vec<&str> = knowing.map(|(file, _)| file.as_str()).collect();
    assert_eq!(knowing, ["net::listener", "net::poller"]);
}

#[test]
fn only_one_file_says_unsafe() {
    for (package, allowed) in [("server", &["serve::fork"][..]), ("macros", &[])] {
        let map = Map::of(package);
        let saying = map.files.iter().filter(|(_, code)| code.contains("unsafe "));
        let saying: Vec<&str> = saying.map(|(file, _)| file.as_str()).collect();
        assert_eq!(saying, allowed, "{package}");
        // Each time with its reason.
        for file in &saying {
            let text = read(&source(package).join(file.replace("::", "/")).with_extension("rs"));
            assert_eq!(text.matches("// SAFETY: ").count(), text.matches("unsafe {").count());
        }
    }
}

#[test]
fn every_source_file_is_on_the_map() {
    fn count(dir: &Path) -> usize {
        let entries = fs::read_dir(dir).expect("the sources are here");
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths
            .map(|path| match path.is_dir() {
                true => count(&path),
                false => usize::from(path.extension().is_some_and(|extension| extension == "rs")),
            })
            .sum()
    }
    let server = Map::of("server");
    // Without `lib.rs`, the `mod.rs` of five folders, and files that are tests as a whole.
    let indexes = 1 + ["answer", "form", "http", "net", "serve"].len();
    let tests = read(&source("server").join("lib.rs")).matches("#[cfg(test)]\nmod ").count();
    assert_eq!(server.files.len() + indexes + tests, count(&source("server")));
}

#[test]
fn imports_are_found_however_they_are_written() {
    let mut paths = Vec::new();
    let rest = tree("a::{b, c::{d, self}, e as f}; more", Vec::new(), &mut paths);
    let paths: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths[..3], ["a::b", "a::c::d", "a::c::self"]);
    assert!(paths[3] == "a::e" && rest.contains("more"), "{paths:?} {rest:?}");
}
