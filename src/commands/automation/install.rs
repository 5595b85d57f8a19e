//! `loop automation install`
//!
//! Each is a text for somebody to review; the texts are beside this file, and what is filled in is
//! quoted as its format wants it.

use crate::commands::app::{App, Done};
use crate::config::template::fill;
use crate::domain::automation::{Automation, Trigger};
use crate::domain::words::or;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::output::{failure, json};
use crate::sandbox::CLUSTER;
use std::path::{Path, PathBuf};

/// Write what lets something else run what is due
///
/// Prints it, or writes it with `-o`. systemd: a user timer that ticks every minute, or with
/// `--daemon` a service. cron: a line for `crontab -e`. github-actions and kubernetes: a scheduled
/// run of one automation.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop automation install systemd -o ~/.config/systemd/user
  loop automation install systemd --daemon
  loop automation install cron
  loop automation install github-actions nightly -o .github/workflows
  loop automation install kubernetes nightly --image registry.example.com/loop:0.1.0")]
pub struct Install {
    /// systemd, cron, github-actions or kubernetes
    #[arg(value_name = "WHAT")]
    what: What,
    /// The automation, for github-actions and kubernetes
    name: Option<String>,
    /// The folder to write it to; files that are there are not written over
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// For systemd: the daemon as a service, which webhooks need
    #[arg(long)]
    daemon: bool,
    /// For kubernetes: the image that has `loop`
    #[arg(long, value_name = "IMAGE", default_value = "loop:latest")]
    image: String,
    /// Write over files that are there
    #[arg(long, requires = "output")]
    force: bool,
}

/// What looks, or runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Systemd,
    Cron,
    GithubActions,
    Kubernetes,
}

/// A file's name and what is in it.
type Written = (String, String);

impl Install {
    pub fn run(self, app: &App) -> Done {
        let files = self.files(app)?;
        let Some(folder) = &self.output else {
            let one: Vec<String> = match files.as_slice() {
                [(_, text)] => vec![text.clone()],
                several => several.iter().map(|(name, text)| format!("# {name}\n{text}")).collect(),
            };
            failure::note(self.next(), &app.screens);
            return app.show(
                |out| json::write_document(out, &files),
                |out| out.write_all(one.join("\n").as_bytes()),
            );
        };
        let mut paths = Vec::new();
        for (name, text) in &files {
            paths.push(write(folder, name, text, self.force)?.display().to_string());
        }
        failure::note(self.next(), &app.screens);
        app.show(
            |out| json::write_document(out, &paths),
            |out| paths.iter().try_for_each(|path| writeln!(out, "{path}")),
        )
    }

    /// What is left to do.
    fn next(&self) -> &'static str {
        match (self.what, self.daemon) {
            (What::Systemd, false) => {
                "then: `systemctl --user daemon-reload && systemctl --user enable --now \
                 loop-automation.timer && loginctl enable-linger`"
            }
            (What::Systemd, true) => {
                "then: `systemctl --user daemon-reload && systemctl --user enable --now \
                 loop-automation.service && loginctl enable-linger`"
            }
            (What::Cron, _) => "add the line with `crontab -e`",
            (What::Kubernetes, _) => "look at it, then: `kubectl apply -f …`",
            (What::GithubActions, _) => {
                "look at it, add the secrets it names, and commit it with `.loop/`"
            }
        }
    }

    fn files(&self, app: &App) -> Result<Vec<Written>> {
        let program = std::env::current_exe()
            .cannot(Kind::Bug, || "find this program's own file".to_owned())?;
        let program = program.display().to_string();
        match self.what {
            What::Systemd => self.systemd(app, &program),
            What::Cron => Ok(vec![("loop.crontab".to_owned(), cron(app, &program)?)]),
            What::GithubActions => self.github(app),
            What::Kubernetes => self.kubernetes(app),
        }
    }

    fn systemd(&self, app: &App, program: &str) -> Result<Vec<Written>> {
        let program = systemd_quoted(program);
        let folders: Vec<String> = folders(app)
            .into_iter()
            .map(|(name, value)| {
                format!("Environment={}\n", systemd_quoted(&format!("{name}={value}")))
            })
            .collect();
        let folders = folders.concat();
        let filled = |text: &str| filled(text, &[("program", &program), ("folders", &folders)]);
        let name = |end: &str| format!("loop-automation.{end}");
        if self.daemon {
            return Ok(vec![(name("service"), filled(include_str!("install/daemon.service"))?)]);
        }
        Ok(vec![
            (name("service"), filled(include_str!("install/tick.service"))?),
            (name("timer"), filled(include_str!("install/tick.timer"))?),
        ])
    }

    fn github(&self, app: &App) -> Result<Vec<Written>> {
        let (automation, cron) = self.scheduled(app)?;
        let zone = match &automation.trigger {
            Trigger::Cron(schedule) if schedule.zone != "UTC" => format!(
                "\n    # Written for {}; this service counts in UTC, without summer time.",
                schedule.zone
            ),
            _ => String::new(),
        };
        let secrets: Vec<String> = crate::commands::secret::wanted_by(app, &automation)?
            .iter()
            .map(|name| format!("\n          {name}: ${{{{ secrets.{name} }}}}"))
            .collect();
        let env = match secrets.as_slice() {
            [] => String::new(),
            some => format!("\n        env:{}", some.concat()),
        };
        let parts =
            [("name", automation.name.as_str()), ("cron", &cron), ("zone", &zone), ("env", &env)];
        let text = filled(include_str!("install/github.yml"), &parts)?;
        Ok(vec![(format!("loop-{}.yml", automation.name), text)])
    }

    fn kubernetes(&self, app: &App) -> Result<Vec<Written>> {
        let (automation, cron) = self.scheduled(app)?;
        let zone = match &automation.trigger {
            Trigger::Cron(schedule) => schedule.zone.clone(),
            _ => "UTC".to_owned(),
        };
        let (preset, _) = app.layers()?.preset(&automation.preset)?;
        if preset.sandbox.provider != CLUSTER.name {
            let told = format!(
                "the preset `{}` does not run its workers in the cluster: set `provider = \"{}\"` \
                 below `[sandbox]`, and an `image`",
                automation.preset, CLUSTER.name
            );
            failure::warn(&told, &app.screens);
        }
        if self.image.contains(['"', '\n', '\\', ' ']) {
            return Err(Failure::new(Kind::Usage, format!("`{}` is no image", self.image)));
        }
        let label = label(&automation.name);
        let parts = [
            ("name", automation.name.as_str()),
            ("label", &label),
            ("cron", &cron),
            ("zone", &zone),
            ("image", &self.image),
        ];
        let text = filled(include_str!("install/kubernetes.yaml"), &parts)?;
        Ok(vec![(format!("loop-{label}.yaml"), text)])
    }

    /// The automation that is to run, and when.
    fn scheduled(&self, app: &App) -> Result<(Automation, String)> {
        let layers = app.layers()?;
        let Some(name) = &self.name else {
            let all = layers.automations();
            let names: Vec<&str> = all.iter().map(|listed| listed.name.as_str()).collect();
            let failure =
                Failure::new(Kind::Usage, "it runs one automation, and none is named".to_owned());
            return Err(match names.as_slice() {
                [] => failure.hint("begin one: `loop automation new`"),
                names => failure.hint(format!("name one of {}", or(names))),
            });
        };
        let (automation, _) = layers.automation(name)?;
        match &automation.trigger {
            Trigger::Cron(schedule) => {
                let cron = schedule.text.clone();
                Ok((automation, cron))
            }
            _ => Err(Failure::new(Kind::Usage, format!("`{name}` does not run by the clock"))
                .because("a job of this kind starts at fixed times")
                .hint("use `loop automation install systemd` or `cron`, which look every minute")),
        }
    }
}

fn cron(app: &App, program: &str) -> Result<String> {
    let folders: Vec<String> = folders(app)
        .into_iter()
        .map(|(name, value)| format!("{name}={} ", shell_quoted(&value)))
        .collect();
    // In a crontab a percent sign ends the command.
    let command = format!("{}{}", folders.concat(), shell_quoted(program)).replace('%', "\\%");
    filled(include_str!("install/crontab"), &[("command", &command)])
}

/// The folders of this program where the environment names them: a service has another environment.
fn folders(app: &App) -> Vec<(&'static str, String)> {
    let names = ["LOOP_CONFIG_DIR", "LOOP_DATA_DIR"];
    let absolute = |text: &str| app.env.expand(app.env.cwd(), text).display().to_string();
    names.into_iter().filter_map(|name| Some((name, absolute(&app.env.var(name)?)))).collect()
}

fn filled(text: &str, parts: &[(&str, &str)]) -> Result<String> {
    let value = |name: &str| {
        parts.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    // What is GitHub's own has a dollar sign, and is left.
    fill(text, |name| value(name).or_else(|| Some(format!("{{{{ {name} }}}}"))))
        .map_err(|name| Failure::new(Kind::Bug, format!("nothing is filled in for `{name}`")))
}

/// In double quotes, for a unit file: `%` starts a specifier and `$` a variable there.
fn systemd_quoted(text: &str) -> String {
    let escaped =
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A name as Kubernetes takes it.
fn label(name: &str) -> String {
    let lower = name.to_ascii_lowercase().replace(['_', '.'], "-");
    lower.trim_matches('-').chars().take(40).collect()
}

fn write(folder: &Path, name: &str, text: &str, force: bool) -> Result<PathBuf> {
    let path = folder.join(name);
    let doing = || format!("write `{}`", path.display());
    std::fs::create_dir_all(folder).cannot(Kind::Config, doing)?;
    if path.exists() && !force {
        return Err(Failure::new(
            Kind::Usage,
            format!("there is a file `{}` already", path.display()),
        )
        .hint("write over it with `--force`"));
    }
    std::fs::write(&path, text).cannot(Kind::Config, doing)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        assert_eq!(systemd_quoted("/a b/100%/$x"), "\"/a b/100%%/$$x\"");
        assert_eq!(shell_quoted("/usr/bin/loop"), "/usr/bin/loop");
        assert_eq!(shell_quoted("/a b/it's"), "'/a b/it'\\''s'");
        assert_eq!(label("My_Nightly.1"), "my-nightly-1");
        assert_eq!(filled("{{a}} ${{ secrets.X }}", &[("a", "1")]).unwrap(), "1 ${{ secrets.X }}");
    }
}
