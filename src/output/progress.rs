//! What is being done, on one line at the bottom of the terminal.
//!
//! On a terminal a single line on stderr that is redrawn and in the end removed; whatever else is
//! written goes through [`Progress::aside`], so that no line is ever torn. Elsewhere each step is a
//! plain line, once. Under `--quiet` nothing.

use super::Step;
use super::sanitise;
use super::style::{Level, Role, Screen, Screens};
use super::text;
use super::wire::Wire;
use crate::domain::measure::show_size;
use crate::domain::words::Count;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write as _;
use std::time::Duration;

/// See the module's documentation.
pub struct Progress {
    shown: Shown,
}

enum Shown {
    Live(ProgressBar),
    /// The step that was told last.
    Plain(Wire, String),
    Not,
}

const TICK: Duration = Duration::from_millis(120);
/// How wide a bar of bytes is.
const BAR: usize = 20;

impl Progress {
    pub fn new(screens: &Screens) -> Self {
        let shown = match screens.level {
            Level::Quiet => Shown::Not,
            _ if screens.err.moves => Shown::Live(line(&screens.err)),
            _ => Shown::Plain(Wire::err(), String::new()),
        };
        Self { shown }
    }

    pub fn nothing() -> Self {
        Self { shown: Shown::Not }
    }

    #[cfg(test)]
    pub fn plain(wire: Wire) -> Self {
        Self { shown: Shown::Plain(wire, String::new()) }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.shown, Shown::Live(_))
    }

    /// Something new is being done, or got further.
    pub fn step(&mut self, step: Step<'_>) {
        match &mut self.shown {
            Shown::Live(bar) if step == Step::NOTHING => bar.finish_and_clear(),
            Shown::Live(_) => self.show(&told(step)),
            Shown::Plain(..) if step == Step::NOTHING => {}
            Shown::Plain(wire, last) if last != step.what => {
                step.what.clone_into(last);
                wire.send(|err| writeln!(err, "{}", sanitise::line(step.what)));
            }
            Shown::Plain(..) | Shown::Not => {}
        }
    }

    /// Replaces the line's text, which must be sanitised.
    pub fn show(&mut self, message: &str) {
        if let Shown::Live(bar) = &self.shown {
            if bar.is_finished() {
                bar.reset();
                bar.enable_steady_tick(TICK);
            }
            bar.set_message(message.to_owned());
        }
    }

    /// Runs something that writes to the terminal while the line is out of the way.
    pub fn aside<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.shown {
            Shown::Live(bar) => bar.suspend(write),
            Shown::Plain(..) | Shown::Not => write(),
        }
    }

    /// Removes the line for good.
    pub fn done(&mut self) {
        if let Shown::Live(bar) = &self.shown {
            bar.finish_and_clear();
        }
        self.shown = Shown::Not;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}

fn line(screen: &Screen) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let took = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let ms = i64::try_from(state.elapsed().as_millis()).unwrap_or(i64::MAX);
        // Nothing is left to do where the terminal cannot be written to.
        let _ = write!(out, "{:>7}", text::offset(ms));
    };
    let spinner = screen.paint(Role::Name, "{spinner}");
    let style = ProgressStyle::with_template(&format!("{{took}} {spinner} {{wide_msg}}"));
    if let Ok(style) = style {
        bar.set_style(style.with_key("took", took).tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// A step in one line: `fetching codex 0.9  [########------------] 45.1 MiB of 112.0 MiB`.
fn told(step: Step<'_>) -> String {
    let mut told = sanitise::line(step.what).into_owned();
    match step.bytes {
        None => {}
        Some((done, Some(of))) if of > 0 => {
            let full = usize::try_from(done.min(of) * BAR as u64 / of).unwrap_or(BAR);
            let (full, rest) = ("#".repeat(full), "-".repeat(BAR - full));
            let _ = write!(told, "  [{full}{rest}] {} of {}", show_size(done), show_size(of));
        }
        Some((done, _)) => {
            let _ = write!(told, "  {}", show_size(done));
        }
    }
    if let Some((count, noun)) = step.count.filter(|(count, _)| *count > 0) {
        let _ = write!(told, "  {}", Count::of(count, noun));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        #[track_caller]
        fn check(step: Step<'_>, expected: &str) {
            assert_eq!(told(step), expected);
        }
        check(Step::doing("starting\u{1b}"), "starting\\x1b");
        check(
            Step::bytes("fetching", 0, Some(4 << 20)),
            "fetching  [--------------------] 0 B of 4.0 MiB",
        );
        check(
            Step::bytes("fetching", 3 << 20, Some(4 << 20)),
            "fetching  [###############-----] 3.0 MiB of 4.0 MiB",
        );
        check(Step::bytes("fetching", 9, Some(4)), "fetching  [####################] 9 B of 4 B");
        check(Step::bytes("fetching", 1024, None), "fetching  1.0 KiB");
        check(Step::counted("reading", 0, "span"), "reading");
        check(Step::counted("reading", 1200, "span"), "reading  1200 spans");
    }

    #[test]
    fn without_a_terminal_each_step_is_told_once() {
        let (wire, told) = Wire::memory();
        let mut progress = Progress::plain(wire);
        for done in 0..3 {
            progress.step(Step::bytes("fetching", done, Some(2)));
        }
        progress.step(Step::doing("starting"));
        progress.done();
        assert_eq!(*told.lock().unwrap(), b"fetching\nstarting\n");
    }
}
