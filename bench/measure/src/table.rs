//! Figures as Markdown, and Markdown into the document.

use std::fmt::Write;

use crate::figures::Figures;
use crate::peers::{self, OURS};
use crate::profiles::{Column, Profile};

/// What a profile has shown: figures by peer, and why others have none.
pub struct Shown<'p> {
    pub profile: &'p Profile,
    pub rows: Vec<Row>,
    pub left_out: Vec<(&'static str, String)>,
}

pub struct Row {
    pub name: &'static str,
    pub figures: Figures,
    /// Processor time as a multiple of the base's, if that was measured too.
    pub ratio: Option<f64>,
}

impl Shown<'_> {
    /// The peers, the cheapest first.
    pub fn table(&self) -> String {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by(|one, other| one.figures.cpu.total_cmp(&other.figures.cpu));
        let has_base = rows.iter().any(|row| row.ratio.is_some());
        let mut text = String::from("| server | CPU µs/request |");
        if has_base {
            text += " to bare |";
        }
        for column in self.profile.columns {
            text += &format!(" {} |", title(*column));
        }
        text += "\n|---|--:|";
        text += &"--:|".repeat(self.profile.columns.len() + usize::from(has_base));
        for Row { name, figures, ratio } in rows {
            text += &format!("\n| {} | {} |", bold(name), number(figures.cpu));
            if let Some(ratio) = ratio {
                text += &format!(" {ratio:.2} |");
            }
            for column in self.profile.columns {
                text += &format!(" {} |", number(figure(*column, figures, self.profile)));
            }
        }
        text.push('\n');
        if !self.left_out.is_empty() {
            let reasons = self.left_out.iter().map(|(name, reason)| format!("{name} ({reason})"));
            let _ = write!(text, "\nNot here: {}.\n", reasons.collect::<Vec<_>>().join(", "));
        }
        text
    }
}

/// All profiles at a glance: what a request costs the processor.
pub fn glance(all: &[Shown]) -> String {
    let shown: Vec<&str> = all.iter().flat_map(|shown| &shown.rows).map(|row| row.name).collect();
    let names = peers::ALL.iter().map(|peer| peer.name).filter(|name| shown.contains(name));
    let names: Vec<&str> = names.collect();
    let titles: String = names.iter().map(|name| format!(" {} |", bold(name))).collect();
    let mut text = format!("| CPU µs/request |{titles}\n|---|{}", "--:|".repeat(names.len()));
    for shown in all {
        text += &format!("\n| `{}` |", shown.profile.name);
        for name in &names {
            let row = shown.rows.iter().find(|row| row.name == *name);
            let cell = row.map_or("".into(), |row| number(row.figures.cpu));
            text += &format!(" {cell} |");
        }
    }
    text.push('\n');
    text
}

/// Puts `new` between the marks of `name`; none if the document has no such place.
pub fn renewed(document: &str, name: &str, new: &str) -> Option<String> {
    let (before, rest) = document.split_once(&format!("<!-- measured: {name} -->\n"))?;
    let (_, after) = rest.split_once("<!-- end -->")?;
    Some(format!("{before}<!-- measured: {name} -->\n\n{new}\n<!-- end -->{after}"))
}

fn bold(name: &str) -> String {
    if name == OURS { format!("**{name}**") } else { name.to_owned() }
}

fn title(column: Column) -> &'static str {
    match column {
        Column::RequestsPerSecond => "requests/s",
        Column::MebibytesPerSecond => "MiB/s",
        Column::P99 => "p99, ms",
        Column::QuietP99 => "p99 without sleepers, ms",
        Column::Memory => "RSS, MiB",
        Column::Threads => "threads",
    }
}

fn figure(column: Column, figures: &Figures, profile: &Profile) -> f64 {
    match column {
        Column::RequestsPerSecond => figures.requests_per_second,
        Column::MebibytesPerSecond => figures.requests_per_second * profile.mebibytes(),
        Column::P99 => figures.p99,
        Column::QuietP99 => figures.quiet_p99,
        Column::Memory => figures.memory,
        Column::Threads => figures.threads,
    }
}

/// Three digits that count, and a comma for each thousand.
fn number(value: f64) -> String {
    match value {
        0.0..10.0 if value.fract() != 0.0 => format!("{value:.2}"),
        10.0..100.0 if value.fract() != 0.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (index, digit) in digits.char_indices() {
                if index > 0 && (digits.len() - index) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let numbers = [0.544, 7.0, 17.26, 163.4, 163_489.0, 1_234_567.0].map(number);
        assert_eq!(numbers, ["0.54", "7", "17.3", "163", "163,489", "1,234,567"]);
    }

    #[test]
    fn only_what_is_marked_is_renewed() {
        let document = "a\n<!-- measured: get -->\nold\n<!-- end -->\nb\n";
        let expected = "a\n<!-- measured: get -->\n\nnew\n<!-- end -->\nb\n";
        assert_eq!(renewed(document, "get", "new").as_deref(), Some(expected));
        assert_eq!(renewed(document, "post", "new"), None);
    }
}
