//! How a transcript reads for a person.
//!
//! Every line has the same gutter: when, since the session began, and a sign of what it is; so a
//! transcript can be read by running down one column. [`Detail::Brief`] shows what one wants to
//! follow: what was said in full, thinking and tool results by their first lines. [`Detail::Full`]
//! leaves nothing out. Streaming: the only state is what the gutter needs, so that a transcript of
//! any length may pass.

use crate::domain::measure::show_usd;
use crate::domain::transcript::{Event, EventKind, Usage};
use crate::output::human::tool;
use crate::output::style::{Role, Screen};
use crate::output::{sanitise, text};
use std::collections::VecDeque;
use std::io::{self, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    Brief,
    Full,
}

/// Columns of the gutter: time, sign, and the spaces around it.
const GUTTER: usize = 10;
/// Lines of a tool's result, and of thinking, in brief.
const RESULT_LINES: usize = 6;
const THINKING_LINES: usize = 2;
/// Calls without a result that are remembered by name.
const OPEN_CALLS: usize = 32;

/// Writes events, one after the other.
pub struct Transcript {
    screen: Screen,
    detail: Detail,
    /// When the first event was; offsets count from it.
    began: Option<i64>,
    /// What the last line was, and when.
    last: Option<(Sign, String)>,
    /// Calls that have no result yet: id and name.
    open: VecDeque<(String, String)>,
    /// The call that the last line told.
    just_called: Option<String>,
    /// In brief, usage is told when something ends, not at each step.
    usage: Option<(Event, String)>,
}

/// What a line is, and how that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Status,
    User,
    Assistant,
    Thinking,
    Call,
    Result,
    Failed,
    Unread,
}

impl Sign {
    fn show(self) -> &'static str {
        match self {
            Self::Status => "·",
            Self::User => ">",
            Self::Assistant => " ",
            Self::Thinking => "~",
            Self::Call => "$",
            Self::Result => "│",
            Self::Failed => "✗",
            Self::Unread => "?",
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Status | Self::Thinking | Self::Result | Self::Unread => Role::Aside,
            Self::User => Role::Strong,
            Self::Assistant => Role::Plain,
            Self::Call => Role::Name,
            Self::Failed => Role::Bad,
        }
    }
}

/// A block of lines in one role, cut to so many lines.
struct Block<'a> {
    sign: Sign,
    role: Role,
    text: &'a str,
    lines: usize,
    /// Whether long lines are wrapped; else they are cut.
    wrapped: bool,
}

impl Transcript {
    pub fn new(screen: Screen, detail: Detail) -> Self {
        Self {
            screen,
            detail,
            began: None,
            last: None,
            open: VecDeque::new(),
            just_called: None,
            usage: None,
        }
    }

    /// Counts offsets from here instead of from the first event that is shown.
    pub fn counts_from(&mut self, began: i64) {
        self.began = Some(began);
    }

    pub fn write(&mut self, out: &mut (impl Write + ?Sized), event: &Event) -> io::Result<()> {
        let at = text::offset(event.at - *self.began.get_or_insert(event.at));
        match (&event.kind, self.detail) {
            (EventKind::Assistant { text } | EventKind::Thinking { text }, _)
                if text.trim().is_empty() =>
            {
                return Ok(());
            }
            (EventKind::Usage { .. }, Detail::Brief) => {
                self.usage = Some((event.clone(), at));
                return Ok(());
            }
            (EventKind::Status { .. } | EventKind::User { .. }, _) => self.flush_usage(out)?,
            _ => {}
        }
        self.write_kind(out, &at, &event.kind)
    }

    /// What is still to be said when no event follows.
    pub fn finish(&mut self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        self.flush_usage(out)
    }

    fn flush_usage(&mut self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        match self.usage.take() {
            Some((event, at)) => self.write_kind(out, &at, &event.kind),
            None => Ok(()),
        }
    }

    fn write_kind(
        &mut self,
        out: &mut (impl Write + ?Sized),
        at: &str,
        kind: &EventKind,
    ) -> io::Result<()> {
        let brief = |lines| if self.detail == Detail::Brief { lines } else { usize::MAX };
        let told = |sign: Sign, text, lines| Block {
            sign,
            role: sign.role(),
            text,
            lines: brief(lines),
            wrapped: true,
        };
        match kind {
            EventKind::Status { text } => {
                self.block(out, at, &told(Sign::Status, text, usize::MAX))
            }
            EventKind::User { text } => self.block(out, at, &told(Sign::User, text, usize::MAX)),
            EventKind::Assistant { text } => {
                self.block(out, at, &told(Sign::Assistant, text, usize::MAX))
            }
            EventKind::Thinking { text } => {
                self.block(out, at, &told(Sign::Thinking, text, THINKING_LINES))
            }
            EventKind::Error { text } => self.block(out, at, &told(Sign::Failed, text, usize::MAX)),
            EventKind::Unread { line } => self.block(out, at, &told(Sign::Unread, line, 1)),
            EventKind::Usage { usage, cost_usd, model } => {
                let text = usage_line(usage, *cost_usd, model.as_deref());
                self.block(out, at, &told(Sign::Status, &text, 1))
            }
            EventKind::ToolCall { id, name, input, .. } => {
                self.call(out, at, name, input)?;
                self.just_called = Some(id.clone());
                self.open.push_back((id.clone(), name.clone()));
                if self.open.len() > OPEN_CALLS {
                    self.open.pop_front();
                }
                Ok(())
            }
            EventKind::ToolResult { id, output, is_error, exit_code } => self.result(
                out,
                at,
                &Answer { id, output, is_error: *is_error, exit_code: *exit_code },
            ),
        }
    }

    fn call(
        &mut self,
        out: &mut (impl Write + ?Sized),
        at: &str,
        name: &str,
        input: &serde_json::Value,
    ) -> io::Result<()> {
        let name = sanitise::line(name);
        self.gutter(out, at, Sign::Call)?;
        write!(out, "{}", self.screen.paint(Role::Name, &name))?;
        if self.detail == Detail::Full {
            return self.whole_call(out, &name, input);
        }
        let telling = tool::telling(input);
        let mut lines = telling.lines();
        let first = sanitise::line(lines.next().unwrap_or_default());
        let more = match lines.count() {
            0 => String::new(),
            more => format!("  {}", text::more_lines(more)),
        };
        let room = self.room().saturating_sub(text::width(&name) + 2 + text::width(&more));
        let first = text::cut(&first, room.max(8));
        let gap = if first.is_empty() { "" } else { "  " };
        write!(out, "{gap}{first}")?;
        if more.is_empty() {
            return writeln!(out);
        }
        writeln!(out, "{}", self.screen.paint(Role::Aside, more))
    }

    /// Every argument, the telling one first.
    fn whole_call(
        &self,
        out: &mut (impl Write + ?Sized),
        name: &str,
        input: &serde_json::Value,
    ) -> io::Result<()> {
        let (telling, others) = tool::whole(input);
        let one = self.clean(&telling, usize::MAX);
        if !telling.contains('\n') && text::width(name) + 2 + text::width(&one) <= self.room() {
            writeln!(out, "{}{one}", if one.is_empty() { "" } else { "  " })?;
        } else {
            writeln!(out)?;
            self.lines(out, &telling, 2)?;
        }
        for (name, value) in others {
            if value.contains('\n') || value.len() > self.room() {
                self.lines(out, &format!("{name}:"), 2)?;
                self.lines(out, &value, 4)?;
            } else {
                self.lines(out, &format!("{name}: {value}"), 2)?;
            }
        }
        Ok(())
    }

    fn result(
        &mut self,
        out: &mut (impl Write + ?Sized),
        at: &str,
        answer: &Answer<'_>,
    ) -> io::Result<()> {
        let place = self.open.iter().position(|(id, _)| id == answer.id);
        let name = place.and_then(|place| self.open.remove(place)).map(|(_, name)| name);
        let directly = self.just_called.as_deref() == Some(answer.id);
        let failed = answer.is_error || answer.exit_code.is_some_and(|code| code != 0);
        let code = answer.exit_code.filter(|code| *code != 0).map(|code| format!("exit {code}"));
        // Results of calls that ran side by side say whose they are.
        let whose = name.filter(|_| !directly);
        let whose = whose.map(|name| format!("{} answered", sanitise::line(&name)));
        let mut head: Vec<String> = whose.into_iter().chain(code).collect();
        let output = answer.output.trim_end();
        if output.is_empty() {
            head.push("no output".to_owned());
        }
        let sign = if failed { Sign::Failed } else { Sign::Result };
        let told = Block { sign, role: sign.role(), text: "", lines: 1, wrapped: false };
        if !head.is_empty() {
            self.block(out, at, &Block { text: &head.join(", "), ..told })?;
        }
        if output.is_empty() {
            return Ok(());
        }
        let brief = self.detail == Detail::Brief;
        let lines = if brief { RESULT_LINES } else { usize::MAX };
        let sign = if head.is_empty() { sign } else { Sign::Result };
        self.block(
            out,
            at,
            &Block { sign, role: Role::Aside, text: output, lines, wrapped: !brief },
        )
    }

    /// The gutter of a block's first line. The time is told when it changes.
    fn gutter(&mut self, out: &mut (impl Write + ?Sized), at: &str, sign: Sign) -> io::Result<()> {
        let (before, told) = match &self.last {
            Some((sign, told)) => (Some(*sign), told.as_str()),
            None => (None, ""),
        };
        let speech = |sign| matches!(sign, Sign::User | Sign::Assistant);
        // What is said stands apart from what is done.
        if before.is_some_and(|before| speech(before) || speech(sign)) {
            writeln!(out)?;
        }
        if told == at {
            write!(out, "{:7} ", "")?;
        } else {
            write!(out, "{} ", self.screen.paint(Role::Aside, format!("{at:>7}")))?;
        }
        match sign {
            Sign::Assistant => write!(out, "  ")?,
            sign => write!(out, "{} ", self.screen.paint(sign.role(), sign.show()))?,
        }
        self.last = Some((sign, at.to_owned()));
        self.just_called = None;
        Ok(())
    }

    fn block(
        &mut self,
        out: &mut (impl Write + ?Sized),
        at: &str,
        block: &Block<'_>,
    ) -> io::Result<()> {
        let &Block { sign, role, text, lines, wrapped } = block;
        self.gutter(out, at, sign)?;
        let (follow, room) = (self.follow(sign), self.room());
        let mut put = Put { screen: &self.screen, role, follow: &follow, written: 0 };
        let mut rest = Some(text.trim_matches('\n').trim_end());
        while let Some(text) = rest {
            if put.written >= lines {
                let more = text.bytes().filter(|byte| *byte == b'\n').count() + 1;
                return put.line(out, 0, &text::more_lines(more));
            }
            let (line, after) = match text.split_once('\n') {
                Some((line, after)) => (line, Some(after)),
                None => (text, None),
            };
            let clean = self.clean(line, lines);
            let clean = clean.trim_end();
            if !wrapped {
                put.line(out, 0, &text::cut(clean, room))?;
            } else if lines == usize::MAX && clean.len() <= room {
                put.line(out, 0, clean)?;
            } else {
                let mut pieces = text::wrap(clean, room).into_iter().peekable();
                while let Some((indent, piece)) = pieces.next() {
                    if put.written + 1 == lines && (after.is_some() || pieces.peek().is_some()) {
                        return put.line(
                            out,
                            indent,
                            &text::cut(&format!("{piece} …"), room - indent),
                        );
                    }
                    put.line(out, indent, piece)?;
                }
            }
            rest = after;
        }
        Ok(())
    }

    /// A line as it is shown. What will be cut anyway is not looked at.
    fn clean<'a>(&self, line: &'a str, lines: usize) -> std::borrow::Cow<'a, str> {
        let mut line = line.strip_suffix('\r').unwrap_or(line);
        if lines != usize::MAX {
            let mut most = line.len().min(self.screen.width * 4 * lines.min(RESULT_LINES));
            while !line.is_char_boundary(most) {
                most -= 1;
            }
            line = &line[..most];
        }
        match sanitise::text(line) {
            std::borrow::Cow::Borrowed(line) => text::untab(line),
            std::borrow::Cow::Owned(line) => text::untab(&line).into_owned().into(),
        }
    }

    /// Further arguments of a call, indented by so much.
    fn lines(&self, out: &mut (impl Write + ?Sized), text: &str, by: usize) -> io::Result<()> {
        for line in text.lines() {
            let clean = self.clean(line, usize::MAX);
            for (indent, piece) in text::wrap(&clean, self.room().saturating_sub(by)) {
                let piece = self.screen.paint(Role::Aside, piece);
                writeln!(out, "{:1$}{piece}", "", GUTTER + by + indent)?;
            }
        }
        Ok(())
    }

    /// The gutter of a block's further lines.
    fn follow(&self, sign: Sign) -> String {
        match sign {
            Sign::Result => format!("{:8}{} ", "", self.screen.paint(Role::Aside, "│")),
            _ => " ".repeat(GUTTER),
        }
    }

    fn room(&self) -> usize {
        self.screen.width.saturating_sub(GUTTER).max(16)
    }
}

/// Writes the lines of a block. There may be millions, so each is few writes.
struct Put<'a> {
    screen: &'a Screen,
    role: Role,
    follow: &'a str,
    written: usize,
}

impl Put<'_> {
    fn line(
        &mut self,
        out: &mut (impl Write + ?Sized),
        indent: usize,
        piece: &str,
    ) -> io::Result<()> {
        let follow = if self.written > 0 { self.follow } else { "" };
        self.written += 1;
        if piece.is_empty() {
            out.write_all(follow.trim_end().as_bytes())?;
            return out.write_all(b"\n");
        }
        out.write_all(follow.as_bytes())?;
        if indent > 0 {
            write!(out, "{:indent$}", "")?;
        }
        if self.role == Role::Plain || !self.screen.color {
            out.write_all(piece.as_bytes())?;
            return out.write_all(b"\n");
        }
        writeln!(out, "{}", self.screen.paint(self.role, piece))
    }
}

struct Answer<'a> {
    id: &'a str,
    output: &'a str,
    is_error: bool,
    exit_code: Option<i32>,
}

/// `3.1k tokens in, 1.8k out, 51.0k cached · $0.06`.
pub fn usage_line(usage: &Usage, cost_usd: Option<f64>, model: Option<&str>) -> String {
    let cached = usage.cache_read_tokens + usage.cache_write_tokens;
    let mut parts = vec![format!(
        "{} tokens in, {} out",
        text::large(usage.input_tokens),
        text::large(usage.output_tokens)
    )];
    if cached > 0 {
        parts[0].push_str(", ");
        parts[0].push_str(&text::large(cached));
        parts[0].push_str(" cached");
    }
    parts.extend(cost_usd.map(show_usd));
    parts.extend(model.map(|model| sanitise::line(model).into_owned()));
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::testing::{at_both_widths, colored, event, events, plain, snapshot};

    fn render(screen: &Screen, detail: Detail, events: &[Event]) -> String {
        let mut out = Vec::new();
        let mut transcript = Transcript::new(*screen, detail);
        for event in events {
            transcript.write(&mut out, event).unwrap();
        }
        transcript.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_session() {
        for (name, detail) in
            [("transcript-brief", Detail::Brief), ("transcript-full", Detail::Full)]
        {
            let mut events = events();
            if detail == Detail::Full {
                events.retain(|event| event.seq != 8);
            }
            at_both_widths(name, |screen, out| {
                out.extend(render(screen, detail, &events).bytes());
            });
        }
        snapshot("transcript-color", &render(&colored(80), Detail::Brief, &events()));
    }

    #[test]
    fn hostile_events_stay_in_their_lines() {
        let bad = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\u{202e}evil\u{9b}31m";
        let kinds = [
            EventKind::Status { text: bad.into() },
            EventKind::User { text: bad.into() },
            EventKind::Assistant { text: format!("{bad}\n\n\n{bad}") },
            EventKind::Thinking { text: bad.into() },
            EventKind::ToolCall {
                id: "1".into(),
                name: bad.into(),
                input: serde_json::json!({"command": bad, bad: bad}),
                parent: None,
            },
            EventKind::ToolResult {
                id: "1".into(),
                output: bad.into(),
                is_error: true,
                exit_code: Some(1),
            },
            EventKind::Usage {
                usage: Usage::default(),
                cost_usd: Some(0.1),
                model: Some(bad.into()),
            },
            EventKind::Error { text: bad.into() },
            EventKind::Unread { line: bad.into() },
        ];
        let events: Vec<Event> =
            kinds.into_iter().zip(1..).map(|(kind, seq)| event(seq, 0, kind)).collect();
        for detail in [Detail::Brief, Detail::Full] {
            let shown = render(&plain(80), detail, &events);
            assert!(shown.chars().all(|c| c == '\n' || sanitise::is_shown(c)), "{shown:?}");
        }
    }

    #[test]
    fn odd_ones() {
        let result = |output: &str| EventKind::ToolResult {
            id: "x".into(),
            output: output.into(),
            is_error: false,
            exit_code: None,
        };
        let events = [
            event(1, 0, result("")),
            event(2, 0, result("1\n2\n3\n4\n5\n6\n")),
            event(3, 0, result("1\n2\n3\n4\n5\n6\n7")),
            event(4, 0, result("\ta\tb\r\nc")),
            event(5, 0, EventKind::Assistant { text: String::new() }),
            event(6, 3_723_000, EventKind::Thinking { text: "short".into() }),
            event(7, 3_724_000, result(&"wide ".repeat(100))),
            event(8, 3_724_000, EventKind::Unread { line: "x".repeat(9_000) }),
        ];
        snapshot("transcript-odd", &render(&plain(80), Detail::Brief, &events));
    }
}
