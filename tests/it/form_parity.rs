//! The same forms to Python's `cgi.FieldStorage` and to ours: every difference is one that
//! `docs/python.md` names, and every one that it names there is still there.
//!
//! Where there is no Python with `cgi` (3.13 has removed it), this says so.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use basehttp::{FieldStorage, FormOptions, TextErrors};
use basehttp_tests::shown;

/// A form to be read by both.
struct Case {
    content_type: String,
    body: Vec<u8>,
    /// The row of the document that explains a difference; none for what anybody sends.
    oddity: Option<&'static str>,
}

/// What came of it.
#[derive(Debug, PartialEq)]
struct Outcome {
    ended: String,
    fields: Vec<Seen>,
}

/// Name, file name and value of a field; Python may have none of each.
type Seen = [Option<Vec<u8>>; 3];

/// Numbers that are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % limit as u64) as usize
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[self.below(from.len())]
    }

    fn text(&mut self, pieces: &[&str], most: usize) -> String {
        (0..self.below(most)).map(|_| self.pick(pieces)).collect()
    }
}

const NAMES: [&str; 9] =
    ["a", "name", "a b", "caf\u{e9}", "\u{65e5}\u{672c}", "x[y]", "a;b=c", "q\\\"q", "%41&+"];
const FILES: [&str; 6] =
    ["a.txt", "a b.PNG", "C:\\dir\\x.gif", "caf\u{e9} \u{1f600}.jpg", "../up", "q\\\"q;.bin"];
const TYPES: [&str; 4] =
    ["text/plain", "application/octet-stream", "image/png", "Text/HTML; x=\"y;z\""];
const DATA: [&str; 13] = [
    "\r\n",
    "\n",
    "\r",
    "--",
    "x",
    "\r\n--edge-",
    "\r\n--edgy\r\n",
    " ",
    "\t",
    "\u{e9}",
    "\0",
    "--\r\n",
    "long line ",
];
const PAIRS: [&str; 16] = [
    "&", "=", "+", "%41", "%zz", "%", "%4", "%C3%A9", "%FF", "a", "b", ";", "\u{e9}", "&&", "%26",
    "%00",
];

/// The value of a field: short, or about as long as Python's limits are.
fn value(random: &mut Random) -> String {
    match random.below(12) {
        0 => "x".repeat(990 + random.below(20)),
        1 => format!("{}\r\n{}", "x".repeat(65_530 + random.below(10)), random.text(&DATA, 10)),
        2 => format!("{}\r\n", "x\r\n".repeat(random.below(600))),
        _ => random.text(&DATA, 12),
    }
}

fn urlencoded(random: &mut Random) -> Case {
    let content_type = random.pick(&[
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
    ]);
    let body = random.text(&PAIRS, 24).into();
    Case { content_type: content_type.into(), body, oddity: None }
}

fn multipart(random: &mut Random, oddity: Option<&'static str>) -> Case {
    let quote = if random.below(3) == 0 { "\"" } else { "" };
    let boundary = match oddity {
        Some("form-boundary") => "x".repeat(71 + random.below(100)),
        _ => "edge".to_owned(),
    };
    let content_type = format!("multipart/form-data; boundary={quote}{boundary}{quote}");
    let count = 1 + random.below(4);
    let odd_part = random.below(count);
    let mut body = Vec::new();
    if random.below(10) == 0 {
        body.extend_from_slice(b"a preamble\r\n");
    }
    for at in 0..count {
        let oddity = oddity.filter(|_| at == odd_part);
        let (head, data) = part(random, oddity);
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(&[&head, &b"\r\n"[..], &data, b"\r\n"].concat());
    }
    match oddity {
        // At least the last line of the last part stays, and what is left of the boundary is none.
        Some("form-cut-short") => body.truncate(body.len() - 2 * random.below(2)),
        _ => body.extend_from_slice(format!("--{boundary}--").as_bytes()),
    }
    body.extend_from_slice(
        match oddity {
            Some("form-cut-short") => "",
            _ => random.pick(&["\r\n", "", "\r\nan epilogue\r\n"]),
        }
        .as_bytes(),
    );
    Case { content_type, body, oddity }
}

/// The head of a part, without its empty line, and the data.
fn part(random: &mut Random, oddity: Option<&'static str>) -> (Vec<u8>, Vec<u8>) {
    let name = random.pick(&NAMES);
    let mut head = format!("Content-Disposition: form-data; name=\"{name}\"");
    let mut data = value(random).into_bytes();
    let is_file = random.below(3) == 0 && !matches!(oddity, Some("form-charset" | "form-nested"));
    if is_file && oddity != Some("form-no-file") {
        head += &format!("; filename=\"{}\"", random.pick(&FILES));
    }
    let mut fields = String::new();
    if is_file || random.below(5) == 0 {
        fields += &format!("Content-Type: {}\r\n", random.pick(&TYPES));
    }
    if random.below(5) == 0 {
        fields += &format!("Content-Length: {}\r\n", random.pick(&["0", "7", "-1", "many"]));
    }
    let plain = "Content-Disposition: form-data; name=\"a\"";
    match oddity {
        None | Some("form-cut-short" | "form-boundary") => {}
        Some("form-line-ends") => {
            return (format!("{head}\r\n{fields}").replace("\r\n", "\n").into(), data);
        }
        Some("form-disposition") => {
            head = random
                .pick(&[
                    "X-Nothing: here",
                    "Content-Disposition: form-data",
                    "Content-Disposition: attachment; name=\"a\"",
                ])
                .into();
        }
        Some("form-extended-parameters") => head += "; filename*=UTF-8''x.txt",
        Some("form-repeated-parameters") => head += "; name=\"again\"",
        Some("form-repeated-fields") => head += &format!("\r\n{plain}"),
        Some("form-nested") => {
            fields = "Content-Type: multipart/mixed; boundary=inner\r\n".into();
            data =
                b"--inner\r\nContent-Disposition: file; filename=\"x\"\r\n\r\n1\r\n--inner--\r\n"
                    .into();
        }
        Some("form-multipart-file") => {
            head = format!("{plain}; filename=\"page.mht\"");
            fields = "Content-Type: multipart/related; boundary=inner\r\n".into();
            data = b"--inner\r\nContent-Type: text/html\r\n\r\n1\r\n--inner--\r\n".into();
        }
        Some("form-quotes") => head = "Content-Disposition: form-data; name=\"%22a%22\"".into(),
        Some("form-folded") => head = "Content-Disposition: form-data;\r\n name=\"a\"".into(),
        Some("form-charset") => {
            fields = "Content-Type: text/plain; charset=iso-8859-1\r\n".into();
            data = b"caf\xe9".into();
        }
        Some("form-no-file") => {
            head = format!("{plain}; filename=\"\"");
            data.clear();
        }
        Some("form-transfer-encoding") => {
            fields += random.pick(&[
                "Content-Transfer-Encoding: base64\r\n",
                "Content-Transfer-Encoding: quoted-printable\r\n",
            ]);
        }
        Some("form-bare-values") => {
            head = format!(
                "Content-Disposition: form-data; {}",
                random.pick(&["name = \"a\"", "name=a b", "name=\"a\" b", "name=caf\u{e9}"])
            );
        }
        Some("form-control-characters") => fields += "X: a\0b\r\n",
        Some("form-colon") => fields += "no colon here\r\n",
        Some(other) => panic!("nobody makes {other}"),
    }
    (format!("{head}\r\n{fields}").into(), data)
}

/// The rows of the document, and how many forms show each.
const ODDITIES: [&str; 17] = [
    "form-bare-values",
    "form-boundary",
    "form-charset",
    "form-colon",
    "form-control-characters",
    "form-cut-short",
    "form-disposition",
    "form-extended-parameters",
    "form-folded",
    "form-line-ends",
    "form-multipart-file",
    "form-nested",
    "form-no-file",
    "form-quotes",
    "form-repeated-fields",
    "form-repeated-parameters",
    "form-transfer-encoding",
];

fn corpus() -> Vec<Case> {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut cases: Vec<Case> = (0..800).map(|_| urlencoded(&mut random)).collect();
    cases.extend((0..1000).map(|_| multipart(&mut random, None)));
    for oddity in ODDITIES {
        cases.extend((0..30).map(|_| multipart(&mut random, Some(oddity))));
    }
    cases
}

/// What this crate makes of it, by Python's rules where there is a switch.
fn ours(case: &Case) -> Outcome {
    let options = FormOptions {
        keep_blank_values: false,
        errors: TextErrors::Replace,
        ..FormOptions::default()
    };
    let form = match FieldStorage::read(&*case.body, &case.content_type, &options) {
        Ok(form) => form,
        Err(_) => return Outcome { ended: "refused".into(), fields: Vec::new() },
    };
    let fields = form.into_iter().map(|mut field| {
        let mut value = Vec::new();
        std::io::Read::read_to_end(&mut field.file, &mut value).expect("it can be read");
        if field.filename.is_none() {
            value = field.value().into();
        }
        [Some(field.name.into()), field.filename.map(Vec::from), Some(value)]
    });
    Outcome { ended: "whole".into(), fields: fields.collect() }
}

/// What Python makes of each; `None` where there is none with `cgi`.
fn theirs(cases: &[Case]) -> Option<Vec<Outcome>> {
    let names = ["python3", "python3.12", "python3.11", "python3.10", "python3.9"];
    let has_cgi = |name: &&str| {
        let import = Command::new(name).args(["-W", "ignore", "-c", "import cgi"]).output();
        import.is_ok_and(|output| output.status.success())
    };
    let python = names.into_iter().find(has_cgi)?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/form_parity.py");
    let mut child = Command::new(python)
        .args(["-W", "ignore"])
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines = cases
        .iter()
        .map(|case| format!("x{} x{}\n", hex(case.content_type.as_bytes()), hex(&case.body)));
    let input: String = lines.collect();
    let mut stdin = child.stdin.take().expect("it is a pipe");
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("Python ends");
    writer.join().expect("nobody panics").expect("Python reads all");
    let text = String::from_utf8(output.stdout).expect("it prints digits");
    Some(text.lines().map(outcome).collect())
}

fn outcome(line: &str) -> Outcome {
    let mut words = line.split(' ');
    let ended = words.next().unwrap_or_default().to_owned();
    let mut word = || {
        let digits = words.next()?;
        let bytes = digits.strip_prefix('x').map(|digits| {
            let pairs = digits.as_bytes().chunks(2);
            let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap_or(""), 16);
            pairs.map(|pair| byte(pair).expect("two digits")).collect()
        });
        Some(bytes)
    };
    let mut fields = Vec::new();
    while let (Some(name), Some(filename), Some(value)) = (word(), word(), word()) {
        fields.push([name, filename, value]);
    }
    Outcome { ended, fields }
}

#[test]
fn every_difference_to_cgi_is_one_that_the_contract_names() {
    let cases = corpus();
    assert!(cases.len() >= 2_000);
    let Some(theirs) = theirs(&cases) else {
        eprintln!("SKIPPED: there is no Python that still has cgi");
        return;
    };
    assert_eq!(theirs.len(), cases.len(), "an answer for each form");
    let (mut wrong, mut shows) = (Vec::new(), BTreeSet::new());
    for (case, theirs) in cases.iter().zip(&theirs) {
        let ours = ours(case);
        match case.oddity {
            _ if ours == *theirs => {}
            Some(oddity) => {
                shows.insert(oddity);
            }
            None => wrong.push(format!(
                "{} {}\n  ours:   {ours:?}\n  theirs: {theirs:?}",
                case.content_type,
                shown(&case.body)
            )),
        }
    }
    let first: String = wrong
        .iter()
        .take(5)
        .flat_map(|text| [text, "\n"])
        .map(|text| &text[..text.len().min(3000)])
        .collect();
    assert!(wrong.is_empty(), "{} of {} forms:\n{first}", wrong.len(), cases.len());
    assert_eq!(shows, BTreeSet::from(ODDITIES), "what the forms show, and what they were made for");
}

#[test]
fn the_contract_names_the_same_differences() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/python.md");
    let text = std::fs::read_to_string(path).expect("docs/python.md is there");
    let section =
        text.split("\n## ").find(|section| section.starts_with("Forms: read differently"));
    let rows = section
        .expect("it has the section")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |").map(|(id, _)| id));
    assert_eq!(rows.collect::<BTreeSet<_>>(), BTreeSet::from(ODDITIES));
}
