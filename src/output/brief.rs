//! Tells what is being done, and no transcript: for commands that drive sessions on the way to
//! something else.

use super::progress::Progress;
use super::style::Screens;
use super::view::{ArtifactView, SessionView};
use super::{Reporter, Step, Written, failure};
use crate::domain::transcript::Event;

pub struct Brief {
    screens: Screens,
    progress: Progress,
}

impl Brief {
    pub fn new(screens: &Screens) -> Self {
        Self { screens: *screens, progress: Progress::new(screens) }
    }
}

impl Reporter for Brief {
    fn started(&mut self, _: &SessionView) {}

    fn step(&mut self, step: Step<'_>) {
        self.progress.step(step);
    }

    fn event(&mut self, _: &Event) {}

    fn artifact(&mut self, _: &str, _: &ArtifactView) {}

    fn warn(&mut self, text: &str) {
        self.progress.aside(|| failure::warn(text, &self.screens));
    }

    fn finished(&mut self, _: &SessionView) {
        self.progress.step(Step::NOTHING);
    }

    fn written(&mut self) -> Written {
        Written::All
    }
}
