//! How a failure reads. The one printer; it knows no cases.
//!
//! For a person: the sentence, its place in the file with carets, what stood in the way, what to do.
//! For a script: one JSON object, which is the last line on stdout. Everything is sanitised, since
//! causes quote files, workers and other programs.

use super::json;
use super::sanitise;
use super::style::Level;
use super::style::{Role, Screen, Screens};
use super::text;
use super::wire::{Wire, Written};
use crate::error::{Failure, Place};
use std::collections::HashSet;
use std::io::{self, Write};

/// Hints beyond this many are noise.
const HINTS: usize = 2;

/// Tells a failure to whoever listens: a person on stderr and, with `--json`, a script on stdout.
pub fn tell(failure: &Failure, screens: &Screens, as_json: bool) -> Written {
    let (mut out, mut err) = (Wire::out(), Wire::err());
    err.send(|err| write(err, &screens.err, failure));
    if as_json {
        out.send(|out| json::write_line(out, &json::v1::Line::of_failure(failure)));
    }
    out.written().clone()
}

/// Writes a failure, and those of the same pass after it.
pub fn write(out: &mut dyn Write, screen: &Screen, failure: &Failure) -> io::Result<()> {
    let mut hinted = HashSet::new();
    write_one(out, screen, failure, &mut hinted)?;
    for also in &failure.also {
        writeln!(out)?;
        write_one(out, screen, also, &mut hinted)?;
    }
    Ok(())
}

/// Says a sentence to a person, on stderr, unless only the answer is wanted.
pub fn note(sentence: &str, screens: &Screens) {
    if screens.level != Level::Quiet {
        Wire::err().send(|err| writeln!(err, "{}", super::sanitise::text(sentence)));
    }
}

/// Shows a person, on stderr, what is drawn as an answer is.
pub fn show(screens: &Screens, draw: impl FnOnce(&mut dyn Write, &Screen) -> io::Result<()>) {
    Wire::err().send(|err| draw(err, &screens.err));
}

/// Warns a person, on stderr.
pub fn warn(sentence: &str, screens: &Screens) {
    if screens.level != Level::Quiet {
        Wire::err().send(|err| write_warning(err, &screens.err, sentence));
    }
}

/// Writes a warning in the manner of a failure.
pub fn write_warning(out: &mut dyn Write, screen: &Screen, sentence: &str) -> io::Result<()> {
    labelled(out, screen, Label(Role::Warn, "warning: "), sentence)
}

fn write_one<'a>(
    out: &mut dyn Write,
    screen: &Screen,
    failure: &'a Failure,
    hinted: &mut HashSet<&'a str>,
) -> io::Result<()> {
    labelled(out, screen, Label(Role::Bad, "error: "), &failure.sentence)?;
    if let Some(place) = &failure.place {
        excerpt(out, screen, place)?;
    }
    for cause in causes(failure) {
        labelled(out, screen, Label(Role::Aside, "  because: "), cause)?;
    }
    let hints = failure.hints.iter().take(HINTS).filter(|hint| hinted.insert(hint));
    for (index, hint) in hints.enumerate() {
        if index == 0 {
            writeln!(out)?;
        }
        labelled(out, screen, Label(Role::Name, "hint: "), hint)?;
    }
    Ok(())
}

/// The causes that say something new.
pub(super) fn causes(failure: &Failure) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    for cause in failure.causes.iter().map(|cause| cause.trim()) {
        let last = kept.last().copied().unwrap_or(&failure.sentence);
        if !cause.is_empty() && !last.contains(cause) && !kept.contains(&cause) {
            kept.push(cause);
        }
    }
    kept
}

struct Label(Role, &'static str);

/// A label and a sentence; further lines of the sentence stand under its first.
fn labelled(
    out: &mut dyn Write,
    screen: &Screen,
    Label(role, label): Label,
    sentence: &str,
) -> io::Result<()> {
    let sentence = sanitise::text(sentence.trim_end());
    write!(out, "{}", screen.paint(role, label))?;
    for (index, line) in sentence.lines().enumerate() {
        let indent = if index == 0 { 0 } else { label.len() };
        writeln!(out, "{:indent$}{line}", "")?;
    }
    if sentence.is_empty() { writeln!(out) } else { Ok(()) }
}

/// The line of the file, with carets under what is meant.
fn excerpt(out: &mut dyn Write, screen: &Screen, place: &Place) -> io::Result<()> {
    let aside = |text: String| screen.paint(Role::Aside, text);
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let file = sanitise::line(&place.file);
    writeln!(out, "{gutter}{} {file}:{number}:{}", aside("-->".into()), place.column)?;
    let room = screen.width.saturating_sub(gutter.len() + 3).max(20);
    let (line, before, carets) = window(place, room);
    writeln!(out, "{gutter} {}", aside("|".into()))?;
    writeln!(out, "{} {line}", aside(format!("{number} |")))?;
    let carets = screen.paint(Role::Bad, "^".repeat(carets));
    writeln!(out, "{gutter} {} {:before$}{carets}", aside("|".into()), "")
}

/// The part of the line that is shown, and where on it the carets begin and how many they are, all
/// in columns. A line that is too long is cut around the place.
fn window(place: &Place, room: usize) -> (String, usize, usize) {
    let shown = |from: usize, to: usize| -> String {
        let part: String = place.text.chars().skip(from).take(to.saturating_sub(from)).collect();
        sanitise::line(&part.replace('\t', "    ")).into_owned()
    };
    let start = place.column.saturating_sub(1);
    let end = start + place.width.max(1);
    let (mut before, marked, after) = (shown(0, start), shown(start, end), shown(end, usize::MAX));
    let whole = text::width(&before) + text::width(&marked) + text::width(&after);
    if whole > room {
        let keep = room / 3;
        while text::width(&before) > keep {
            before.remove(0);
        }
        if before.len() < shown(0, start).len() {
            before.insert(0, '…');
        }
    }
    let lead = text::width(&before);
    let carets = text::width(&marked).clamp(1, room.saturating_sub(lead).max(1));
    let line = text::cut(&format!("{before}{marked}{after}"), room).into_owned();
    (line, lead, carets)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{colored, plain, snapshot};
    use super::*;
    use crate::error::Kind;

    fn shown(screen: &Screen, failure: &Failure) -> String {
        let mut out = Vec::new();
        write(&mut out, screen, failure).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn as_in_the_house_style() {
        let docker = Failure::new(Kind::Sandbox, "cannot start the sandbox for session `7f3a`")
            .because("cannot reach Docker at `/var/run/docker.sock`")
            .because("permission denied (os error 13)")
            .hint("add yourself to the `docker` group, or set `sandbox.provider = \"local\"` in the preset");
        assert_eq!(
            shown(&plain(80), &docker),
            "error: cannot start the sandbox for session `7f3a`\n  \
               because: cannot reach Docker at `/var/run/docker.sock`\n  \
               because: permission denied (os error 13)\n\n\
             hint: add yourself to the `docker` group, or set `sandbox.provider = \"local\"` in the preset\n"
        );
        let source = "name = 1\nharness = \"claud\"\n";
        let from = source.find("\"claud\"").unwrap();
        let typo = Failure::new(Kind::Config, "no harness is called `claud`")
            .at(Place::of("presets/review.toml", source, from..from + 7))
            .hint(
                "did you mean `claude-code`? `loop preset validate` lists all mistakes of a file",
            );
        assert_eq!(
            shown(&plain(80), &typo),
            "error: no harness is called `claud`\n \
             --> presets/review.toml:2:11\n  \
               |\n\
             2 | harness = \"claud\"\n  \
               |           ^^^^^^^\n\n\
             hint: did you mean `claude-code`? `loop preset validate` lists all mistakes of a file\n"
        );
        snapshot("failure-color", &shown(&colored(80), &typo.because("x")));
    }

    fn place(text: &str, column: usize, width: usize) -> Place {
        Place { file: "a.toml".into(), line: 107, column, width, text: text.into() }
    }

    #[test]
    fn carets_stand_under_what_is_meant() {
        #[track_caller]
        fn check(text: &str, column: usize, width: usize, marked: &str) {
            let (line, lead, carets) = window(&place(text, column, width), 40);
            let mut columns = line.chars().flat_map(|c| {
                let wide = text::width(c.encode_utf8(&mut [0; 4]));
                std::iter::once(c).chain(std::iter::repeat_n('\0', wide.saturating_sub(1)))
            });
            let under: String =
                columns.by_ref().skip(lead).take(carets).filter(|c| *c != '\0').collect();
            assert_eq!(under, marked, "{line}");
            assert!(text::width(&line) <= 40, "{line}");
        }
        check("a = 1", 5, 1, "1");
        check("\ta = \"x\"", 6, 3, "\"x\"");
        check("名 = \"漢字\" # x", 5, 4, "\"漢字\"");
        check("\u{1b}[1m = \"x\"", 8, 3, "\"x\"");
        check("a = 1", 6, 1, "");
        let long = format!("{} bad {}", "x".repeat(90), "y".repeat(90));
        check(&long, 92, 3, "bad");
        check(&format!("k = {}", "z".repeat(200)), 5, 200, &format!("{}…", "z".repeat(35)));
    }

    #[test]
    fn nothing_twice_and_nothing_obeyed() {
        let failure = Failure::new(Kind::Config, "cannot read `\u{1b}[2Ja`")
            .because("line one\nline two \u{202e}")
            .because("line two \u{202e}")
            .because("new")
            .hint("a")
            .hint("b")
            .hint("c");
        let also = Failure::new(Kind::Config, "no key `x`").hint("a").hint("d");
        let mut failure = failure;
        failure.also.push(also);
        snapshot("failure-several", &shown(&plain(80), &failure));
    }
}
