//! Automations of all layers.

use super::{AUTOMATIONS, Layers, Level, Listed, Origin, read_text, stem};
use crate::config::automation;
use crate::domain::automation::Automation;
use crate::domain::preset::{Preset, Project};
use crate::error::Result;
use std::path::Path;

impl Layers {
    pub fn automations(&self) -> Vec<Listed<Automation>> {
        let around = self.around_automations();
        self.list(AUTOMATIONS, |name, origin, text| {
            self.read_automation(name, origin, text, &around)
        })
    }

    pub fn automation(&self, name: &str) -> Result<(Automation, Origin)> {
        let around = self.around_automations();
        self.find(AUTOMATIONS, "automation", name, |origin, text| {
            self.read_automation(name, origin, text, &around)
        })
    }

    /// Fails where a text would be no automation of the user's.
    pub fn check_automation(&self, name: &str, file: &str, text: &str) -> Result<()> {
        automation::read(name, file, text, &self.around_automations()).map(drop)
    }

    /// Reads an automation's file wherever it is.
    pub fn automation_file(&self, path: &Path) -> Result<Automation> {
        let text = read_text(path)?;
        let origin = Origin { level: Level::User, file: self.show(path) };
        self.read_automation(&stem(path), &origin, &text, &self.around_automations())
    }

    fn around_automations(&self) -> automation::Around {
        let provider = |listed: Listed<Preset>| {
            let provider = listed.value.ok().map(|preset| preset.sandbox.provider);
            (listed.name, provider.filter(|provider| !provider.is_empty()))
        };
        // A `config.toml` with mistakes tells them where it is used.
        let projects = self.projects().unwrap_or_default().into_iter();
        let source = |listed: Listed<Project>| {
            (listed.name, listed.value.map(|project| project.source).unwrap_or_default())
        };
        automation::Around {
            known: self.context.known,
            presets: self.presets().into_iter().map(provider).collect(),
            projects: projects.map(source).collect(),
        }
    }

    fn read_automation(
        &self,
        name: &str,
        origin: &Origin,
        text: &str,
        around: &automation::Around,
    ) -> Result<Automation> {
        let mut read = automation::read(name, &origin.file, text, around)?;
        let file = self.env.cwd().join(&origin.file);
        let base = file.parent().unwrap_or(Path::new("."));
        if let Some(path) = &mut read.project
            && !around.projects.contains_key(path)
        {
            *path = self.absolute(base, path);
        }
        let command = read.notify.as_mut().and_then(|notify| notify.command.first_mut());
        if let Some(program) = command.filter(|program| program.contains('/')) {
            *program = self.absolute(base, program);
        }
        Ok(read)
    }
}
