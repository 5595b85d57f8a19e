//! A session as a program follows it: JSON lines on stdout and nothing else there.

use super::json;
use super::json::v1::{Line, write_event};
use super::progress::Progress;
use super::style::{Level, Screens};
use super::view::{ArtifactView, SessionView};
use super::wire::{Wire, Written};
use super::{Reporter, Step, failure};
use crate::domain::transcript::Event;

/// See the module's documentation.
pub struct Json {
    screens: Screens,
    out: Wire,
    err: Wire,
    progress: Progress,
    session: String,
}

impl Json {
    pub fn new(screens: &Screens) -> Self {
        // A line that is redrawn and lines of JSON do not share a terminal, and a log has no use for
        // steps that a script did not ask for.
        let progress = match screens.level {
            Level::Verbose => Progress::new(screens),
            Level::Normal if screens.err.moves && !screens.out.tty => Progress::new(screens),
            Level::Normal | Level::Quiet => Progress::nothing(),
        };
        Self::over(screens, [Wire::out(), Wire::err()], progress)
    }

    fn over(screens: &Screens, [out, err]: [Wire; 2], progress: Progress) -> Self {
        Self { screens: *screens, out, err, progress, session: String::new() }
    }

    fn line(&mut self, line: &Line<'_>) {
        let Self { out, progress, .. } = self;
        progress.aside(|| out.send(|out| json::write_line(out, line)));
    }
}

impl Reporter for Json {
    fn started(&mut self, session: &SessionView) {
        self.session.clone_from(&session.id);
        self.line(&Line::started(session));
    }

    fn step(&mut self, step: Step<'_>) {
        self.progress.step(step);
    }

    fn event(&mut self, event: &Event) {
        let Self { out, progress, session, .. } = self;
        progress.aside(|| out.send(|out| write_event(out, session, event)));
    }

    fn artifact(&mut self, session: &str, artifact: &ArtifactView) {
        self.line(&Line::of_artifact(session, artifact));
    }

    fn warn(&mut self, text: &str) {
        if self.screens.level == Level::Quiet {
            return;
        }
        let Self { screens, err, progress, .. } = self;
        progress.aside(|| err.send(|err| failure::write_warning(err, &screens.err, text)));
    }

    fn finished(&mut self, session: &SessionView) {
        self.progress.done();
        self.line(&Line::finished(session));
    }

    fn written(&mut self) -> Written {
        self.out.written().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{artifacts, events, plain, session, snapshot};
    use super::*;

    #[test]
    fn the_lines_of_a_session() {
        let screens = Screens { out: plain(80), err: plain(80), level: Level::Normal };
        let ((out, lines), (err, warnings)) = (Wire::memory(), Wire::memory());
        let mut json = Json::over(&screens, [out, err], Progress::nothing());
        json.started(&session());
        json.step(Step::doing("starting the sandbox"));
        for event in events().iter().filter(|event| event.seq != 8) {
            json.event(event);
        }
        json.warn("the snapshot is 3 days old");
        json.artifact("7f3a", &artifacts()[0]);
        json.finished(&session());
        let lines = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        snapshot("json-lines", &lines);
        assert_eq!(*warnings.lock().unwrap(), b"warning: the snapshot is 3 days old\n");
    }
}
