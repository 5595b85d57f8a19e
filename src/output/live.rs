//! A session as a person follows it.
//!
//! The transcript streams by; at the bottom of a terminal one line says what goes on right now and
//! is gone when the session is. Artifacts are the answer and go to stdout, everything else to
//! stderr, unless the transcript itself was asked for ([`Asked::Transcript`]). Under `--quiet` only
//! links are told.

use super::human::transcript::{Detail, Transcript};
use super::human::{artifacts, sessions, tool};
use super::progress::Progress;
use super::style::{Level, Screens};
use super::view::{ArtifactView, SessionView};
use super::wire::{Wire, Written};
use super::{Reporter, Step, failure, sanitise, text};
use crate::domain::measure::show_usd;
use crate::domain::transcript::{Event, EventKind, Usage};
use crate::domain::words::Count;

/// What the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The artifacts; the transcript is shown beside it.
    Artifacts,
    /// The transcript.
    Transcript,
}

/// See the module's documentation.
pub struct Human {
    screens: Screens,
    asked: Asked,
    transcript: Transcript,
    out: Wire,
    err: Wire,
    progress: Progress,
    tally: Tally,
    /// Whether an artifact was told.
    answered: bool,
}

/// What the line at the bottom counts.
#[derive(Default)]
struct Tally {
    turn: u32,
    calls: u64,
    /// Tokens and money of earlier turns, and of this one so far.
    before: (u64, f64),
    turns_own: (u64, f64),
    doing: String,
}

impl Human {
    pub fn new(screens: &Screens, asked: Asked, detail: Detail) -> Self {
        Self::over(screens, asked, detail, [Wire::out(), Wire::err()], Progress::new(screens))
    }

    fn over(
        screens: &Screens,
        asked: Asked,
        detail: Detail,
        [out, err]: [Wire; 2],
        progress: Progress,
    ) -> Self {
        let screen = match asked {
            Asked::Artifacts => screens.err,
            Asked::Transcript => screens.out,
        };
        let transcript = Transcript::new(screen, detail);
        let (screens, tally) = (*screens, Tally::default());
        Self { screens, asked, transcript, out, err, progress, tally, answered: false }
    }

    fn is_quiet(&self) -> bool {
        self.screens.level == Level::Quiet
    }
}

impl Reporter for Human {
    fn started(&mut self, session: &SessionView) {
        self.transcript.counts_from(session.created_at);
        if self.is_quiet() || self.asked == Asked::Transcript {
            return;
        }
        let Self { screens, err, progress, .. } = self;
        progress.aside(|| err.send(|err| sessions::write_title(err, &screens.err, session)));
    }

    fn step(&mut self, step: Step<'_>) {
        if self.screens.level == Level::Verbose && self.progress.is_live() && step.bytes.is_none() {
            let Self { err, progress, .. } = self;
            progress.aside(|| err.send(|err| writeln!(err, "{}", sanitise::line(step.what))));
        }
        self.progress.step(step);
    }

    fn event(&mut self, event: &Event) {
        let Self { asked, transcript, out, err, progress, tally, screens, .. } = self;
        let wire = match asked {
            Asked::Transcript => out,
            Asked::Artifacts if screens.level == Level::Quiet => return,
            Asked::Artifacts => err,
        };
        progress.aside(|| wire.send(|out| transcript.write(out, event)));
        tally.count(event);
        progress.show(&tally.told());
    }

    fn artifact(&mut self, _: &str, artifact: &ArtifactView) {
        let quiet = self.is_quiet();
        let Self { screens, out, err, progress, answered, .. } = self;
        let screen = &screens.out;
        // Apart from the transcript, and from the one before; yet the answer begins with its text.
        let first = !std::mem::replace(answered, true);
        progress.aside(|| {
            if !quiet {
                let gap = if first { &mut *err } else { &mut *out };
                gap.send(|gap| writeln!(gap));
            }
            let write = if quiet { artifacts::write_links } else { artifacts::write_one };
            out.send(|out| write(out, screen, artifact));
        });
    }

    fn warn(&mut self, text: &str) {
        if self.is_quiet() {
            return;
        }
        let Self { screens, err, progress, .. } = self;
        progress.aside(|| err.send(|err| failure::write_warning(err, &screens.err, text)));
    }

    fn finished(&mut self, session: &SessionView) {
        self.progress.done();
        if self.is_quiet() && self.asked == Asked::Artifacts {
            return;
        }
        let Self { asked, transcript, out, err, screens, .. } = self;
        let wire = if *asked == Asked::Transcript { out } else { &mut *err };
        wire.send(|out| transcript.finish(out));
        if screens.level != Level::Quiet {
            err.send(|err| {
                writeln!(err)?;
                sessions::write_summary(err, &screens.err, session)
            });
        }
    }

    fn written(&mut self) -> Written {
        self.out.written().clone()
    }
}

impl Tally {
    fn count(&mut self, event: &Event) {
        if event.turn != self.turn {
            self.before.0 += self.turns_own.0;
            self.before.1 += self.turns_own.1;
            self.turns_own = (0, 0.0);
            self.turn = event.turn;
        }
        match &event.kind {
            EventKind::ToolCall { name, input, .. } => {
                self.calls += 1;
                let telling = tool::telling(input);
                let telling = telling.lines().next().unwrap_or_default();
                self.doing = sanitise::line(&format!("{name}  {telling}")).into_owned();
            }
            EventKind::Usage { usage, cost_usd, .. } => self.spend(usage, *cost_usd),
            EventKind::Thinking { .. } => self.says("thinking"),
            EventKind::Assistant { .. } | EventKind::ToolResult { .. } => self.says(""),
            EventKind::Status { text } | EventKind::Error { text } => {
                self.doing = sanitise::line(text).into_owned();
            }
            EventKind::User { .. } | EventKind::Unread { .. } => {}
        }
    }

    fn says(&mut self, doing: &str) {
        doing.clone_into(&mut self.doing);
    }

    /// Some harnesses tell sums and some tell steps; the largest is never too much.
    fn spend(&mut self, usage: &Usage, cost_usd: Option<f64>) {
        let (tokens, cost) = &mut self.turns_own;
        *tokens = (*tokens).max(usage.total());
        *cost = cost.max(cost_usd.unwrap_or(0.0));
    }

    /// `turn 1 · 3 tool calls · 54.1k tokens · $0.06 · Bash  traces list`.
    fn told(&self) -> String {
        let mut parts = Vec::new();
        if self.turn > 0 {
            parts.push(format!("turn {}", self.turn));
        }
        if self.calls > 0 {
            parts.push(Count::of(self.calls, "tool call").to_string());
        }
        let tokens = self.before.0 + self.turns_own.0;
        if tokens > 0 {
            parts.push(format!("{} tokens", text::large(tokens)));
        }
        let cost = self.before.1 + self.turns_own.1;
        if cost > 0.0 {
            parts.push(show_usd(cost));
        }
        if !self.doing.is_empty() {
            parts.push(self.doing.clone());
        }
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{artifacts, events, plain, session, snapshot};
    use super::*;

    fn told(level: Level, asked: Asked) -> [String; 2] {
        let screens = Screens { out: plain(80), err: plain(80), level };
        let ((out, out_bytes), (err, err_bytes)) = (Wire::memory(), Wire::memory());
        let (steps, step_bytes) = Wire::memory();
        let progress =
            if level == Level::Quiet { Progress::nothing() } else { Progress::plain(steps) };
        let mut human = Human::over(&screens, asked, Detail::Brief, [out, err], progress);
        human.started(&session());
        human.step(Step::doing("starting the sandbox"));
        for event in events() {
            human.event(&event);
        }
        human.warn("the snapshot is 3 days old");
        for artifact in artifacts() {
            human.artifact("7f3a", &artifact);
        }
        human.finished(&session());
        assert!(matches!(human.written(), Written::All));
        let text = |bytes: &std::sync::Mutex<Vec<u8>>| {
            String::from_utf8(bytes.lock().unwrap().clone()).unwrap()
        };
        [text(&out_bytes), format!("{}{}", text(&step_bytes), text(&err_bytes))]
    }

    #[test]
    fn stdout_is_the_answer() {
        let [out, err] = told(Level::Normal, Asked::Artifacts);
        snapshot("live-out", &out);
        snapshot("live-err", &err);
        let [out, err] = told(Level::Quiet, Asked::Artifacts);
        snapshot("live-quiet", &out);
        assert_eq!(err, "");
        let [out, _] = told(Level::Quiet, Asked::Transcript);
        assert!(
            out.contains("lookup_order"),
            "a transcript that was asked for is told all the same"
        );
    }

    #[test]
    fn a_reader_that_left_is_noted() {
        let screens = Screens { out: plain(80), err: plain(80), level: Level::Normal };
        let wires = [Wire::gone(), Wire::memory().0];
        let mut human =
            Human::over(&screens, Asked::Transcript, Detail::Brief, wires, Progress::nothing());
        human.event(&events()[0]);
        assert!(matches!(human.written(), Written::ReaderGone));
    }

    #[test]
    fn the_line_counts() {
        let mut tally = Tally::default();
        assert_eq!(tally.told(), "");
        for event in &events()[..4] {
            tally.count(event);
        }
        assert_eq!(tally.told(), "turn 1 · 1 tool call · Bash  traces stats --by tool");
        for event in &events()[4..] {
            tally.count(event);
        }
        assert_eq!(tally.told(), "turn 1 · 4 tool calls · 55.9k tokens · $0.06 · turn 1 succeeded");
        let mut second = events()[11].clone();
        second.turn = 2;
        tally.count(&second);
        assert_eq!(
            tally.told(),
            "turn 2 · 4 tool calls · 111.9k tokens · $0.10 · turn 1 succeeded"
        );
    }
}
