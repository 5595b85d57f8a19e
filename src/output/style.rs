//! Roles instead of colours, and what a screen can do.
//!
//! Code names what a piece of text is ([`Role`]); the screen decides whether that has a colour.
//! Every line must make sense without one. Decided once, from options, the environment's values and
//! the streams themselves; `--color always` beats `NO_COLOR`, which beats `auto`.

use std::fmt::{self, Display};
use std::io::IsTerminal as _;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Plain,
    /// Something the user named or could type.
    Name,
    /// Something that can be opened.
    Link,
    Good,
    Bad,
    Warn,
    /// Worth less than the text around it.
    Aside,
    /// Worth more than the text around it.
    Strong,
}

impl Role {
    fn sgr(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Name => "36",
            Self::Link => "4",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warn => "33",
            Self::Aside => "2",
            Self::Strong => "1",
        }
    }
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// How much is said on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    Quiet,
    #[default]
    Normal,
    Verbose,
}

/// What the user and the environment ask for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub color: Color,
    pub level: Level,
    /// `NO_COLOR`.
    pub no_color: Option<&'a str>,
    /// `TERM`.
    pub term: Option<&'a str>,
    /// `COLUMNS`.
    pub columns: Option<&'a str>,
}

/// What one stream can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    pub tty: bool,
    pub color: bool,
    /// Whether links are hidden behind text, as OSC 8 does it.
    pub links: bool,
    /// Whether the cursor can be moved: a status line needs it.
    pub moves: bool,
    pub width: usize,
}

/// Both streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screens {
    pub out: Screen,
    pub err: Screen,
    pub level: Level,
}

/// Where there is no terminal, nothing is wrapped or left out: whoever reads has no edge.
const EDGELESS: usize = 1000;
/// Below this nothing is laid out any narrower.
const NARROWEST: usize = 30;

impl Screens {
    /// Looks at both streams.
    pub fn detect(wanted: &Wanted) -> Self {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        let columns = |size: Option<(terminal_size::Width, terminal_size::Height)>| {
            size.map(|(width, _)| usize::from(width.0))
        };
        let out = columns(terminal_size::terminal_size_of(&stdout));
        let err = columns(terminal_size::terminal_size_of(&stderr));
        Self {
            out: Screen::decide(wanted, stdout.is_terminal(), out),
            err: Screen::decide(wanted, stderr.is_terminal(), err),
            level: wanted.level,
        }
    }
}

impl Screen {
    /// Without colour, links or a cursor.
    pub fn plain(width: usize) -> Self {
        Self { tty: false, color: false, links: false, moves: false, width }
    }

    fn decide(wanted: &Wanted, tty: bool, measured: Option<usize>) -> Self {
        let dumb = wanted.term == Some("dumb");
        let color = match wanted.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => tty && !dumb && wanted.no_color.is_none_or(str::is_empty),
        };
        let told = wanted.columns.and_then(|columns| columns.trim().parse().ok());
        let width = match (tty, measured.filter(|width| *width > 0)) {
            (true, Some(width)) => width,
            (true, None) => told.unwrap_or(80),
            (false, _) => told.unwrap_or(EDGELESS),
        };
        Self {
            tty,
            color,
            links: tty && color && !dumb && wanted.term != Some("linux"),
            moves: tty && !dumb,
            width: width.clamp(NARROWEST, EDGELESS),
        }
    }

    /// `text` in its role. It must be ours or sanitised already.
    pub fn paint<T: Display>(&self, role: Role, text: T) -> Painted<T> {
        Painted { sgr: if self.color { role.sgr() } else { "" }, text }
    }

    /// A file of this machine as something a terminal can open.
    pub fn file(&self, path: &str) -> String {
        let url = file_url(path);
        if self.links { self.hidden_link(&url, &super::sanitise::line(path)) } else { url }
    }

    /// An address as something a terminal can open.
    pub fn url(&self, url: &str) -> String {
        let url = encode(url, b"%/:?#[]@!$&'()*+,;=");
        if self.links { self.hidden_link(&url, &url) } else { url }
    }

    fn hidden_link(&self, url: &str, text: &str) -> String {
        let text = self.paint(Role::Link, text);
        format!("\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\")
    }
}

/// `file:///home/me/a%20b.md`.
pub fn file_url(path: &str) -> String {
    format!("file://{}", encode(path, b"/:@!$&'()*+,;="))
}

/// Percent-encodes whatever is not unreserved (RFC 3986, 2.3) or kept: nothing that could end a
/// terminal's link sequence is left.
fn encode(text: &str, kept: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Text in a role.
#[derive(Debug, Clone, Copy)]
pub struct Painted<T> {
    sgr: &'static str,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sgr.is_empty() {
            return self.text.fmt(f);
        }
        write!(f, "\x1b[{}m", self.sgr)?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_about_colour() {
        #[track_caller]
        fn check(color: Color, env: [Option<&str>; 2], tty: bool, expected: (bool, bool)) {
            let [no_color, term] = env;
            let wanted = Wanted { color, no_color, term, ..Wanted::default() };
            let screen = Screen::decide(&wanted, tty, Some(100));
            assert_eq!((screen.color, screen.links), expected);
        }
        let xterm = Some("xterm-256color");
        check(Color::Auto, [None, xterm], true, (true, true));
        check(Color::Auto, [None, xterm], false, (false, false));
        check(Color::Auto, [Some("1"), xterm], true, (false, false));
        check(Color::Auto, [Some(""), xterm], true, (true, true));
        check(Color::Auto, [None, Some("dumb")], true, (false, false));
        check(Color::Always, [Some("1"), xterm], false, (true, false));
        check(Color::Always, [None, Some("linux")], true, (true, false));
        check(Color::Never, [None, xterm], true, (false, false));
    }

    #[test]
    fn widths() {
        #[track_caller]
        fn check(columns: Option<&str>, tty: bool, measured: Option<usize>, expected: usize) {
            let wanted = Wanted { columns, ..Wanted::default() };
            assert_eq!(Screen::decide(&wanted, tty, measured).width, expected);
        }
        check(Some("90"), true, Some(140), 140);
        check(Some("90"), true, Some(0), 90);
        check(None, true, None, 80);
        check(None, false, None, EDGELESS);
        check(Some("90"), false, None, 90);
        check(Some("-1"), false, None, EDGELESS);
        check(None, true, Some(3), NARROWEST);
    }

    #[test]
    fn links_hold_nothing_that_ends_them() {
        let screen = Screen { tty: true, color: true, links: true, moves: true, width: 80 };
        assert_eq!(
            screen.file("/a b/\u{1b}\\ü.md"),
            "\x1b]8;;file:///a%20b/%1B%5C%C3%BC.md\x1b\\\x1b[4m/a b/\\x1b\\ü.md\x1b[0m\x1b]8;;\x1b\\"
        );
        assert_eq!(Screen::plain(80).file("/a b/c.md"), "file:///a%20b/c.md");
        assert_eq!(
            Screen::plain(80).url("https://e.com/a?b=1#c\u{1b}"),
            "https://e.com/a?b=1#c%1B"
        );
    }
}
