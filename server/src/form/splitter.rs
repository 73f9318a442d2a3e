//! Where the parts of a multipart body begin and end (RFC 2046 §5.1.1).
//!
//! A window moves over the body. Data is lent from it as slices, so that it is copied once, by the
//! kernel; a boundary is searched for with vector instructions, never byte by byte. This file knows
//! delimiters and where heads end, and does not look into them.
//!
//! ```text
//!              boundary            an empty line           other bytes
//!   Preamble ────────────▶ Head ───────────────────▶ Blank ─────────────▶ Data
//!      │                    ▲        boundary          │                   │
//!      │                    └──────────────────────────┴───────────────────┤
//!      └──────────────────── last boundary ─────────────────▶ End ◀────────┘
//! ```

use std::io::{self, ErrorKind, Read};

use memchr::memmem::Finder;

use super::error::BadForm;
use crate::http_error::{HttpError, Result};

/// Splits a body into heads and data.
pub(crate) struct Splitter {
    window: Vec<u8>,
    start: usize,
    end: usize,
    /// The body has been read to its end.
    is_drained: bool,
    /// CR LF, two hyphens and the boundary.
    delimiter: Vec<u8>,
    /// The front of the delimiter, short enough for the quickest search.
    front: Finder<'static>,
    head_end: Finder<'static>,
    max_head_bytes: usize,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// In front of the first boundary; so many bytes were there.
    Preamble { passed: usize, known: Known },
    /// At the line end behind a boundary, which a head follows.
    Head,
    /// At the line end of the empty line behind a head. It is not data; but where a part has no
    /// data at all, not even an empty one, it is the beginning of the next delimiter.
    Blank,
    /// In the data of a part.
    Data(Known),
    /// Behind the last boundary. What may stand there means nothing, and is not read.
    End,
    /// Broken, for good.
    Failed(BadForm),
}

/// What is known of the window's front.
#[derive(Clone, Copy, Default)]
struct Known {
    /// So many bytes are data.
    data: usize,
    /// What stands behind them.
    then: Then,
}

/// What stands at a place that may be a delimiter's.
#[derive(Clone, Copy, Default)]
enum Then {
    /// A delimiter of so many bytes, and another part.
    Part(usize),
    /// The last delimiter.
    Last,
    /// What only looks like one: its line goes on.
    Data,
    /// The next bytes decide.
    #[default]
    Unknown,
}

impl Splitter {
    /// A splitter with a window of that many bytes at first; it grows only for a head that needs
    /// more.
    pub(crate) fn new(boundary: &str, window_bytes: usize, max_head_bytes: usize) -> Splitter {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // The first boundary needs no line end in front of it: it is taken to have one.
        let mut window = vec![0; window_bytes.max(delimiter.len() * 2)];
        window[..2].copy_from_slice(b"\r\n");
        Splitter {
            window,
            start: 0,
            end: 2,
            is_drained: false,
            front: Finder::new(&delimiter[..delimiter.len().min(QUICKLY_FOUND)]).into_owned(),
            delimiter,
            head_end: Finder::new(b"\r\n\r\n"),
            max_head_bytes,
            state: State::Preamble { passed: 0, known: Known::default() },
        }
    }

    /// Goes on to the next part, as far as its head; `None` behind the last one.
    ///
    /// What is at hand there may be less than the head, or more; not more than a head may have.
    pub(crate) fn reach_head(&mut self, source: &mut dyn Read) -> Result<Option<&[u8]>> {
        loop {
            match self.state {
                State::Head => break,
                State::End => return Ok(None),
                _ => {
                    let data = self.find_data(source)?;
                    self.consume(data);
                }
            }
        }
        // The line end of the boundary's own line does not count.
        let at_hand = self.bytes().get(2..).unwrap_or_default();
        Ok(Some(&at_hand[..at_hand.len().min(self.max_head_bytes)]))
    }

    /// The head that was reached: lines, each with its line end, and without the empty one.
    pub(crate) fn whole_head(&mut self, source: &mut dyn Read) -> Result<&[u8]> {
        let mut searched = 0;
        let len = loop {
            let bytes = self.bytes();
            if let Some(at) = self.head_end.find(&bytes[searched..]) {
                break searched + at + 4;
            }
            // The last three bytes may be the beginning of the end.
            searched = bytes.len().saturating_sub(3).max(searched);
            if bytes.len() >= self.max_head_bytes.saturating_add(2) {
                return Err(self.refuse(BadForm::PartHeadTooLarge));
            }
            if !self.fill(source)? {
                return Err(self.refuse(BadForm::CutShort));
            }
        };
        if len - 2 > self.max_head_bytes {
            return Err(self.refuse(BadForm::PartHeadTooLarge));
        }
        Ok(&self.bytes()[2..len - 2])
    }

    /// Goes on behind the lines of the head, which have so many bytes.
    pub(crate) fn pass_head(&mut self, len: usize) {
        self.start += 2 + len;
        self.state = State::Blank;
    }

    /// Breaks it, for good.
    pub(crate) fn refuse(&mut self, bad: BadForm) -> HttpError {
        self.state = State::Failed(bad);
        bad.into()
    }

    /// The data at hand, at least one byte; none at the end of the part.
    pub(crate) fn data(&mut self, source: &mut dyn Read) -> Result<&[u8]> {
        let data = self.find_data(source)?;
        Ok(&self.window[self.start..self.start + data])
    }

    /// Drops the first `count` bytes of the data.
    pub(crate) fn consume(&mut self, count: usize) {
        let (State::Preamble { known, .. } | State::Data(known)) = &mut self.state else {
            return;
        };
        let count = count.min(known.data);
        known.data -= count;
        self.start += count;
    }

    fn bytes(&self) -> &[u8] {
        &self.window[self.start..self.end]
    }

    /// How many bytes at the front of the window are data; 0 where there is no more of it.
    fn find_data(&mut self, source: &mut dyn Read) -> Result<usize> {
        loop {
            let is_known = match self.state {
                State::Preamble { known, .. } | State::Data(known) => match known {
                    Known { data: 1.., .. } => return Ok(known.data),
                    Known { then: Then::Part(delimiter), .. } => {
                        self.start += delimiter;
                        self.state = State::Head;
                        return Ok(0);
                    }
                    Known { then: Then::Last, .. } => {
                        self.state = State::End;
                        return Ok(0);
                    }
                    _ => self.search(),
                },
                State::Blank => self.pass_blank(),
                State::Head | State::End => return Ok(0),
                State::Failed(bad) => return Err(bad.into()),
            };
            if !is_known && !self.fill(source)? && self.bytes().is_empty() {
                return Err(self.refuse(BadForm::CutShort));
            }
        }
    }

    /// Searches the window for a delimiter; false if nothing can be said without more bytes.
    fn search(&mut self) -> bool {
        let bytes = &self.window[self.start..self.end];
        let mut searched = 0;
        while let Some(found) = self.front.find(&bytes[searched..]) {
            let data = searched + found;
            match self.look_at(data) {
                // It is lent with the data around it: alone, it would have its readers write a few
                // bytes at a time for as long as a client likes.
                Then::Data => searched = data + self.front.needle().len(),
                Then::Unknown if data == 0 => return false,
                then => {
                    self.know(Known { data, then });
                    return true;
                }
            }
        }
        // The end of the window may be the beginning of a delimiter, which has one CR.
        let tail = bytes.len().saturating_sub(self.front.needle().len() - 1).max(searched);
        let begun = memchr::memchr_iter(b'\r', &bytes[tail..])
            .map(|at| tail + at)
            .find(|at| matches!(self.look_at(*at), Then::Unknown));
        let data = begun.unwrap_or(bytes.len());
        self.know(Known { data, then: Then::Unknown });
        data > 0
    }

    /// Looks at the empty line behind a head; false if nothing can be said without more bytes.
    fn pass_blank(&mut self) -> bool {
        let then = match self.bytes() {
            // Nearly every part has data, and nearly none of it begins so.
            [_, _, other, ..] if *other != b'-' => Then::Data,
            _ => self.look_at(0),
        };
        match then {
            Then::Unknown => return false,
            Then::Data => {
                self.start += 2;
                self.state = State::Data(Known::default());
            }
            then => self.state = State::Data(Known { data: 0, then }),
        }
        true
    }

    /// Remembers what was found out about the window's front.
    fn know(&mut self, known: Known) {
        self.state = match self.state {
            State::Preamble { passed, .. } => match passed + known.data {
                passed if passed > self.max_head_bytes => State::Failed(BadForm::Preamble),
                passed => State::Preamble { passed, known },
            },
            _ => State::Data(known),
        };
    }

    /// What stands at that place of the window.
    fn look_at(&self, place: usize) -> Then {
        let found = &self.bytes()[place..];
        let Some(behind) = found.strip_prefix(&*self.delimiter) else {
            let is_cut = self.delimiter.starts_with(found) && !self.is_drained;
            return if is_cut { Then::Unknown } else { Then::Data };
        };
        let (is_last, rest) = match behind.strip_prefix(b"--") {
            Some(rest) => (true, rest),
            None if matches!(behind, [] | [b'-']) && !self.is_drained => return Then::Unknown,
            None => (false, behind),
        };
        // RFC 2046 §5.1.1: blanks may follow; nobody sends many.
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match &rest[padding..] {
            _ if padding > MAX_PADDING => Then::Data,
            [b'\r', b'\n', ..] if is_last => Then::Last,
            [b'\r', b'\n', ..] => Then::Part(self.delimiter.len() + padding),
            [] if is_last && self.is_drained => Then::Last,
            [] | [b'\r'] if !self.is_drained => Then::Unknown,
            _ => Then::Data,
        }
    }

    /// Reads on, behind what is in the window; false at the end of the body.
    fn fill(&mut self, source: &mut dyn Read) -> io::Result<bool> {
        if self.is_drained {
            return Ok(false);
        }
        self.make_room();
        let received = loop {
            match source.read(&mut self.window[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                received => break received?,
            }
        };
        self.end = (self.end + received).min(self.window.len());
        self.is_drained = received == 0;
        Ok(!self.is_drained)
    }

    /// Moves what is left to the front where that is little beside what a read may bring, so that
    /// each read is worth its call.
    fn make_room(&mut self) {
        let left = self.end - self.start;
        let is_full = self.window.len() - self.end < self.window.len() / 2;
        if self.start > 0 && (left <= EASILY_MOVED || is_full) {
            self.window.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, left);
        }
        if self.end == self.window.len() {
            // A head that is longer than the window: so much of it has come already.
            self.window.resize(self.window.len() * 2, 0);
        }
    }
}

/// Whether this may be a boundary: 1 to 70 of these, and no space at the end (RFC 2046 §5.1.1).
pub(crate) fn is_boundary(text: &str) -> bool {
    let is_bchar = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=70).contains(&text.len()) && text.bytes().all(is_bchar) && !text.ends_with(' ')
}

/// Bytes that are moved in less time than a call of the kernel takes.
const EASILY_MOVED: usize = 4096;

/// So many bytes `memchr` searches for in its quickest way.
const QUICKLY_FOUND: usize = 32;

/// Blanks behind a boundary; more of them are no padding.
const MAX_PADDING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out pieces as they were cut.
    struct Pieces<'b>(Vec<&'b [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.first_mut() else { return Ok(0) };
            let count = piece.read(into)?;
            if piece.is_empty() {
                self.0.remove(0);
            }
            Ok(count)
        }
    }

    /// Each part's head and data, in whatever state the end was.
    #[derive(Debug, PartialEq)]
    struct Split {
        parts: Vec<(String, String)>,
        end: std::result::Result<(), BadForm>,
    }

    /// Longer than what is searched for, and as some browsers' boundaries.
    const LONG: &str = "----------------------------------------B";

    fn next_head(splitter: &mut Splitter, source: &mut dyn Read) -> Result<Option<String>> {
        let Some(at_hand) = splitter.reach_head(source)?.map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        assert!(at_hand.len() <= splitter.max_head_bytes);
        let lines = splitter.whole_head(source)?.to_vec();
        let both = at_hand.len().min(lines.len());
        assert_eq!(at_hand[..both], lines[..both], "what is at hand is the head's");
        splitter.pass_head(lines.len());
        Ok(Some(String::from_utf8(lines).unwrap()))
    }

    fn deliver<'b>(
        boundary: &str,
        pieces: impl IntoIterator<Item = &'b [u8]>,
        window: usize,
    ) -> Split {
        let mut source = Pieces(pieces.into_iter().collect());
        let mut splitter = Splitter::new(boundary, window, 64);
        let mut parts: Vec<(String, String)> = Vec::new();
        let mut step = || -> Result<bool> {
            let Some(head) = next_head(&mut splitter, &mut source)? else { return Ok(false) };
            parts.push((head, String::new()));
            let data = &mut parts.last_mut().unwrap().1;
            loop {
                let count = match splitter.data(&mut source)? {
                    [] => return Ok(true),
                    // Not all that is lent has to be taken.
                    bytes => {
                        let count = bytes.len().div_ceil(2);
                        data.push_str(str::from_utf8(&bytes[..count]).unwrap());
                        count
                    }
                };
                splitter.consume(count);
            }
        };
        let end = loop {
            match step() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(*error.cause().unwrap().downcast_ref().unwrap()),
            }
        };
        assert_eq!(step().map_err(|_| ()), end.map(|()| false).map_err(|_| ()), "again");
        Split { parts, end }
    }

    /// Delivers `body` in every way a network may (at once, byte by byte, cut at each place), into
    /// windows small and large, and insists that the same parts come out; and once more with a long
    /// boundary.
    fn split(body: &str) -> Split {
        let found = split_at("B", body);
        let mut expected = Split { parts: found.parts.clone(), end: found.end };
        for (_, data) in &mut expected.parts {
            *data = data.replace('B', LONG);
        }
        assert_eq!(split_at(LONG, &body.replace('B', LONG)), expected, "with a long boundary");
        found
    }

    fn split_at(boundary: &str, body: &str) -> Split {
        let body = body.as_bytes();
        let expected = deliver(boundary, [body], 1 << 16);
        for window in [1, 16, 37, 1 << 16] {
            let by_byte = deliver(boundary, body.chunks(1), window);
            assert_eq!(by_byte, expected, "byte by byte, {window}");
            for cut in 1..body.len() {
                let pieces = [&body[..cut], &body[cut..]];
                let cut_there = deliver(boundary, pieces, window);
                assert_eq!(cut_there, expected, "cut at {cut}, {window}");
            }
        }
        expected
    }

    #[test]
    fn what_only_looks_like_a_boundary_is_lent_with_the_data_around_it() {
        let data = "\r\n--Bx".repeat(1000);
        let body = format!("--B\r\n\r\n{data}\r\n--B--");
        let mut source = Pieces(vec![body.as_bytes()]);
        let mut splitter = Splitter::new("B", body.len() + 2, 64);
        assert_eq!(next_head(&mut splitter, &mut source).unwrap().as_deref(), Some(""));
        assert_eq!(splitter.data(&mut source).unwrap(), data.as_bytes());
        splitter.consume(data.len());
        assert!(splitter.data(&mut source).unwrap().is_empty());
    }

    #[test]
    fn parts_are_found_wherever_the_body_is_cut() {
        for (body, parts) in [
            ("--B--", &[][..]),
            ("--B--\r\n", &[]),
            ("--B--  \r\nepilogue\r\n--B\r\n\r\n", &[]),
            ("--B\r\nh: 1\r\n\r\none\r\n--B--", &[("h: 1\r\n", "one")]),
            ("\r\n--B\r\nh: 1\r\n\r\none\r\n--B--", &[("h: 1\r\n", "one")]),
            ("preamble\n--B\n\r\n--B \t\r\nh: 1\r\n\r\none\r\n--B--", &[("h: 1\r\n", "one")]),
            ("--B\r\n\r\none\r\n--B\r\n\r\n\r\n\r\n--B--", &[("", "one"), ("", "\r\n")]),
            ("--B\r\nh: 1\r\n\r\n\r\n--B\r\n\r\n\r\n--B--", &[("h: 1\r\n", ""), ("", "")]),
            // Without data, the empty line's end is the delimiter's beginning.
            ("--B\r\nh: 1\r\n\r\n--B\r\n\r\n--B--", &[("h: 1\r\n", ""), ("", "")]),
        ] {
            let parts = parts.iter().map(|(head, data)| ((*head).into(), (*data).into())).collect();
            assert_eq!(split(body), Split { parts, end: Ok(()) }, "{body:?}");
        }
    }

    #[test]
    fn what_only_looks_like_a_boundary_is_data() {
        for data in [
            "--B",
            "x--B\r\n",
            "\n--B\r\n",
            "\r--B--",
            "\r\n--",
            "\r\n-B\r\n",
            "\r\n--b\r\n",
            "\r\n--Bx\r\n",
            "\r\n--B-\r\n",
            "\r\n--B--x\r\n",
            "\r\n--B\n",
            "\r\n--B\r",
            "\r\n--B \rx",
            "\r\n--B--\n",
            "\r\r\n--\r\n--Bx",
            "\r\n--B--B--B--B",
            "--Bx\r\n",
            &format!("\r\n--B{}\r\n", " ".repeat(65)),
        ] {
            // Not at the data's own front, where the empty line would make a boundary of it.
            let front = if data.starts_with("--B") && data.len() < 4 { "." } else { "" };
            let body = format!("--B\r\nh: 1\r\n\r\n{front}{data}\r\n--B--\r\n");
            let parts = vec![("h: 1\r\n".into(), format!("{front}{data}"))];
            assert_eq!(split(&body), Split { parts, end: Ok(()) }, "{data:?}");
        }
    }

    #[test]
    fn what_came_before_a_missing_boundary_is_kept() {
        for (body, parts) in [
            ("", &[][..]),
            ("no boundary at all", &[]),
            ("--B", &[]),
            ("--B\r\n", &[]),
            ("--B\r\nh: 1\r\n", &[]),
            ("--B\r\nh: 1\r\n\r\n", &[("h: 1\r\n", "")]),
            ("--B\r\nh: 1\r\n\r\none", &[("h: 1\r\n", "one")]),
            ("--B\r\nh: 1\r\n\r\none\r\n--B", &[("h: 1\r\n", "one\r\n--B")]),
            ("--B\r\nh: 1\r\n\r\none\r\n--B-", &[("h: 1\r\n", "one\r\n--B-")]),
            ("--B\r\n\r\none\r\n--B\r\n", &[("", "one")]),
        ] {
            let parts = parts.iter().map(|(head, data)| ((*head).into(), (*data).into())).collect();
            assert_eq!(split(body), Split { parts, end: Err(BadForm::CutShort) }, "{body:?}");
        }
    }

    #[test]
    fn heads_and_preambles_have_a_limit() {
        let refused = |bad| Split { parts: Vec::new(), end: Err(bad) };
        for (more, is_allowed) in [(0, true), (1, false)] {
            // 64 bytes, the empty line included.
            let head = format!("h: {}\r\n", "x".repeat(57 + more));
            let found = split(&format!("--B\r\n{head}\r\none\r\n--B--"));
            match is_allowed {
                true => assert_eq!(found.parts, [(head, "one".into())]),
                false => assert_eq!(found, refused(BadForm::PartHeadTooLarge)),
            }
            let preamble = "x".repeat(62 + more);
            let found = split(&format!("{preamble}\r\n--B--"));
            match is_allowed {
                true => assert_eq!(found, Split { parts: Vec::new(), end: Ok(()) }),
                false => assert_eq!(found, refused(BadForm::Preamble)),
            }
        }
        assert_eq!(split(&"--B\r\n".repeat(20)), refused(BadForm::PartHeadTooLarge));
    }

    #[test]
    fn the_window_does_not_grow_with_the_data() {
        let body = format!("--B\r\n\r\n{}\r\n--B--", "\r\n--".repeat(100_000));
        let mut source = body.as_bytes();
        let mut splitter = Splitter::new("B", 4096, 64);
        assert_eq!(next_head(&mut splitter, &mut source).unwrap().as_deref(), Some(""));
        let mut data = 0;
        while let count @ 1.. = splitter.data(&mut source).unwrap().len() {
            splitter.consume(count);
            data += count;
        }
        assert_eq!((data, splitter.window.len()), (400_000, 4096));
    }

    #[test]
    fn boundaries_are_of_a_few_kinds_of_characters() {
        for (text, is) in [
            ("----WebKitFormBoundaryABC", true),
            ("'()+_,-./:=? x", true),
            ("x", true),
            ("", false),
            ("x ", false),
            ("x\"", false),
            ("x;y", false),
            ("caf\u{e9}", false),
        ] {
            assert_eq!(is_boundary(text), is, "{text}");
        }
        assert!(is_boundary(&"x".repeat(70)) && !is_boundary(&"x".repeat(71)));
    }
}
