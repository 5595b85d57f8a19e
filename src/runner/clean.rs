//! What a turn left, without what is secret in it, before anybody sees it.
//!
//! What the journal told was cleaned in the sandbox already; what was fetched is cleaned here, with the
//! secrets as they can be had now. A secret that cannot is told: its value would not be found.

use super::{Outside, Runner};
use crate::domain::plan::LaunchPlan;
use crate::error::{Cannot as _, Kind, Result};
use crate::harness;
use crate::secrets::{Kept, Redactor, withheld};
use std::io::Read as _;
use std::path::Path;

/// A larger file is only searched, in stretches; with a secret in it, it is withheld.
const WHOLE: u64 = 64 << 20;
const STRETCH: usize = 8 << 20;

impl Runner<'_> {
    /// Cleans the files of a folder of ours.
    pub(super) fn clean(&mut self, folder: &Path, cleaned_before: bool) -> Result<()> {
        let (values, unknown) = values(&self.session.plan, self.outside);
        for name in unknown.iter().filter(|_| !cleaned_before) {
            let told = format!("the artifacts were not searched for the value of `{name}`");
            self.reporter.warn(&format!("{told}, which cannot be had now"));
        }
        let redactor = Redactor::new(&values);
        let mut changed = Vec::new();
        files(&redactor, folder, &mut changed)
            .cannot(Kind::Config, || format!("clean the artifacts in `{}`", folder.display()))?;
        for told in changed {
            self.reporter.warn(&told);
        }
        Ok(())
    }
}

/// Every value that must not get out with what a worker made, and the names of those that cannot be
/// had now.
pub(super) fn values(plan: &LaunchPlan, outside: &Outside) -> (Vec<String>, Vec<String>) {
    let of_skills = plan.skills.iter().flat_map(|skill| skill.secrets.keys().cloned());
    let named = plan.provider.as_ref().and_then(|provider| provider.secret.clone());
    let usual = || Some(harness::by_name(&plan.harness)?.key()?.secret.to_owned());
    let (mut values, mut unknown) = (Vec::new(), Vec::new());
    for name in of_skills.chain(named.or_else(usual)) {
        match (outside.secret)(&name) {
            Ok(secret) => values.push(secret.expose().to_owned()),
            Err(_) => unknown.push(name),
        }
    }
    (values, unknown)
}

fn files(redactor: &Redactor, folder: &Path, changed: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let mut path = entry.path();
        let name = entry.file_name();
        let harmless = redactor.name(Path::new(&name)).into_owned();
        if harmless != *name {
            let renamed = folder.join(harmless);
            std::fs::rename(&path, &renamed)?;
            changed.push("an artifact was renamed: a secret stood in its name".to_owned());
            path = renamed;
        }
        if entry.file_type()?.is_dir() {
            files(redactor, &path, changed)?;
        } else if entry.file_type()?.is_file() {
            file(redactor, &path, changed)?;
        }
    }
    Ok(())
}

fn file(redactor: &Redactor, path: &Path, changed: &mut Vec<String>) -> std::io::Result<()> {
    let kept = match path.metadata()?.len() {
        length if length > WHOLE => search(redactor, path)?,
        _ => redactor.file(&std::fs::read(path)?),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match kept {
        Kept::AsItIs => {}
        Kept::Cleaned(cleaned) => {
            std::fs::write(path, cleaned)?;
            changed.push(format!("a secret was taken out of the artifact `{name}`"));
        }
        Kept::Withheld(note) => {
            std::fs::remove_file(path)?;
            std::fs::write(withheld(path), note)?;
            changed.push(format!("the artifact `{name}` was withheld: it held a secret"));
        }
    }
    Ok(())
}

/// Searches a file in stretches that overlap.
fn search(redactor: &Redactor, path: &Path) -> std::io::Result<Kept> {
    let mut file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    while (&mut file).take(STRETCH as u64).read_to_end(&mut bytes)? > 0 {
        if redactor.holds(&bytes) {
            return Ok(Kept::Withheld(crate::secrets::NOTE));
        }
        bytes.drain(..bytes.len().saturating_sub(redactor.reach()));
    }
    Ok(Kept::AsItIs)
}
