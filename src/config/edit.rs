//! Writing to the user's own files, which are hand-written and stay so.
//!
//! A file is changed under a lock of its folder, written beside itself under a temporary name,
//! synced and renamed: a crash leaves the old or the new one, and comments stay where they are.

use super::env::Env;
use super::{Known, settings, value};
use crate::domain::preset::Project;
use crate::domain::words::did_you_mean;
use crate::error::{Cannot, Failure, Kind, Result};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item, Table};

/// Fails as [`add_project`] would, and writes nothing.
pub fn could_add_project(env: &Env, known: &Known, project: &Project) -> Result<()> {
    value::name(&project.name).map_err(value::usage)?;
    let path = env.config_dir()?.join("config.toml");
    edited(&path, known, |document, before| insert(document, before, project)).map(drop)
}

/// Adds a project to the user's `config.toml`, and says which file that is.
pub fn add_project(env: &Env, known: &Known, project: &Project) -> Result<PathBuf> {
    value::name(&project.name).map_err(value::usage)?;
    change(env, known, |document, before| insert(document, before, project))
}

fn insert(document: &mut DocumentMut, before: &Projects, project: &Project) -> Result<()> {
    let name = &project.name;
    if before.contains_key(name) {
        return Err(Failure::new(Kind::Usage, format!("there is a project `{name}` already"))
            .hint(format!("take another name, or run `loop project rm {name}` first")));
    }
    // Comments at the end of the file stay above what is put at the end.
    let comments = document.trailing().as_str().unwrap_or_default().to_owned();
    let is_first = document.is_empty() && comments.is_empty();
    let projects = document.entry("projects").or_insert_with(|| {
        let mut table = Table::new();
        // Only `[projects.NAME]` is written, not an empty `[projects]` above it.
        table.set_implicit(true);
        Item::Table(table)
    });
    let fields = [
        ("source", Some(&project.source)),
        ("path", project.path.as_ref()),
        ("url", project.url.as_ref()),
        ("project", project.project.as_ref()),
        ("secret", project.secret.as_ref()),
        ("space", project.space.as_ref()),
        ("region", project.region.as_ref()),
    ];
    let fields = fields.into_iter().filter_map(|(key, value)| Some((key, value?)));
    // Where somebody wrote `projects = { … }`, the new one is written in the same way.
    if let Some(inline) = projects.as_inline_table_mut() {
        let table = fields.map(|(key, value)| (key, value.as_str())).collect();
        inline.insert(name, toml_edit::Value::InlineTable(table));
    } else if let Some(table) = projects.as_table_mut() {
        let mut new: Table = fields.map(|(key, value)| (key, toml_edit::value(value))).collect();
        new.set_position(Some(isize::MAX));
        new.decor_mut().set_prefix(format!("{comments}{}", if is_first { "" } else { "\n" }));
        table.insert(name, Item::Table(new));
        document.set_trailing("");
    }
    Ok(())
}

/// Removes a project from the user's `config.toml`, and says which file that is.
pub fn remove_project(env: &Env, known: &Known, name: &str) -> Result<PathBuf> {
    change(env, known, |document, before| {
        if !before.contains_key(name) {
            let failure =
                Failure::new(Kind::Usage, format!("no project of your own is called `{name}`"));
            return Err(match did_you_mean(name, before.keys().map(String::as_str)) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`loop project list` shows them, and the file of each"),
            });
        }
        if let Some(projects) = document.get_mut("projects").and_then(Item::as_table_like_mut) {
            projects.remove(name);
        }
        Ok(())
    })
}

/// Sets keys of a table of the user's `config.toml`, and says which file that is.
pub fn set(env: &Env, known: &Known, table: &str, pairs: &[(&str, &str)]) -> Result<PathBuf> {
    change(env, known, |document, _| {
        let table = document.entry(table).or_insert_with(|| Item::Table(Table::new()));
        for (key, text) in pairs {
            table[*key] = toml_edit::value(*text);
        }
        Ok(())
    })
}

/// Writes a new preset's file, and says where it is.
pub fn create_preset(env: &Env, name: &str, text: &str) -> Result<PathBuf> {
    create(env, ("presets", "preset"), name, text)
}

/// Writes the file a new automation starts from, and says where it is.
pub fn create_automation(env: &Env, name: &str) -> Result<PathBuf> {
    create(env, ("automations", "automation"), name, &super::template::template_automation(name))
}

/// Writes whether an automation is enabled into its file.
pub fn set_enabled(path: &Path, enabled: bool) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    locked(folder, || {
        let doing = || format!("read `{}`", path.display());
        let text = fs::read_to_string(path).cannot(Kind::Config, doing)?;
        let mut document: DocumentMut = text.parse().cannot(Kind::Config, doing)?;
        match document.get_mut("enabled").and_then(Item::as_value_mut) {
            Some(value) => {
                let decor = value.decor().clone();
                *value = enabled.into();
                *value.decor_mut() = decor;
            }
            // Before the first table, where it belongs to the automation.
            None => {
                document.insert("enabled", toml_edit::value(enabled));
            }
        }
        write_atomically(path, &document.to_string())
    })
}

fn create(env: &Env, (folder, noun): (&str, &str), name: &str, text: &str) -> Result<PathBuf> {
    value::name(name).map_err(value::usage)?;
    let folder = env.config_dir()?.join(folder);
    let path = folder.join(format!("{name}.toml"));
    let doing = || format!("write `{}`", path.display());
    fs::create_dir_all(&folder).cannot(Kind::Config, doing)?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let sentence =
                format!("there is a file for this {noun} at `{}` already", path.display());
            return Err(Failure::new(Kind::Usage, sentence)
                .hint(format!("edit it, or take another name: `loop {noun} show {name}`")));
        }
        file => file.cannot(Kind::Config, doing)?,
    };
    file.write_all(text.as_bytes()).cannot(Kind::Config, doing)?;
    Ok(path)
}

type Projects = std::collections::BTreeMap<String, Project>;

/// Changes `config.toml`. `edit` is shown the projects as they are before.
fn change(
    env: &Env,
    known: &Known,
    edit: impl FnOnce(&mut DocumentMut, &Projects) -> Result<()>,
) -> Result<PathBuf> {
    let folder = env.config_dir()?;
    let path = folder.join("config.toml");
    locked(&folder, || write_atomically(&path, &edited(&path, known, edit)?))?;
    Ok(path)
}

/// What a file says after a change.
fn edited(
    path: &Path,
    known: &Known,
    edit: impl FnOnce(&mut DocumentMut, &Projects) -> Result<()>,
) -> Result<String> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.cannot(Kind::Config, || format!("read `{}`", path.display()))?,
    };
    let name = path.to_string_lossy();
    // A file with mistakes is not touched: they are told, and mended by whoever made them.
    let before = settings::read(&name, &text, known)?;
    let mut document: DocumentMut =
        text.parse().cannot(Kind::Config, || format!("read `{name}`"))?;
    edit(&mut document, &before.projects)?;
    let text = document.to_string();
    // What comes out must be readable again; else the flags were wrong, and say so themselves.
    settings::read(&name, &text, known).map_err(|mut failure| {
        failure.kind = Kind::Usage;
        failure
    })?;
    Ok(text)
}

/// Does something while nobody else who asks the same does, in any process.
pub fn locked<T>(folder: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let doing = || format!("use the folder `{}`", folder.display());
    fs::create_dir_all(folder).cannot(Kind::Config, doing)?;
    // The lock is the folder's own, so that no lock file is left in it; it ends with the handle.
    let handle = File::open(folder).cannot(Kind::Config, doing)?;
    handle.lock().cannot(Kind::Config, || format!("lock the folder `{}`", folder.display()))?;
    work()
}

/// Replaces a file, or leaves it as it was.
pub fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let doing = || format!("write `{}`", path.display());
    // A file that is linked into place from a folder of dotfiles stays a link.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder).cannot(Kind::Config, doing)?;
    new.write_all(text.as_bytes()).cannot(Kind::Config, doing)?;
    if let Ok(old) = fs::metadata(&target) {
        new.as_file().set_permissions(old.permissions()).cannot(Kind::Config, doing)?;
    }
    new.as_file().sync_all().cannot(Kind::Config, doing)?;
    new.persist(&target).cannot(Kind::Config, doing)?;
    File::open(folder).and_then(|folder| folder.sync_all()).cannot(Kind::Config, doing)
}

#[cfg(test)]
mod tests {
    use super::super::corpus::{KNOWN, draw};
    use super::super::template;
    use super::*;

    fn project(name: &str) -> Project {
        let (source, path) = ("file".to_owned(), Some("/srv/traces.jsonl".to_owned()));
        Project { name: name.to_owned(), source, path, ..Project::default() }
    }

    /// `config.toml` before, what is done, and after; or the failure's sentence.
    fn check(before: &str, work: impl Fn(&Env) -> Result<PathBuf>, wanted: Result<&str, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::of("/", [("LOOP_CONFIG_DIR", folder.path())]);
        let path = folder.path().join("config.toml");
        if !before.is_empty() {
            fs::write(&path, before).unwrap();
        }
        let result = work(&env).map(|path| fs::read_to_string(path).unwrap());
        match (&result, wanted) {
            (Ok(text), Ok(wanted)) => assert_eq!(text, wanted),
            (Err(failure), Err(wanted)) => {
                assert_eq!(failure.sentence, wanted);
                assert_eq!(fs::read_to_string(&path).unwrap_or_default(), before, "untouched");
            }
            (Err(failure), Ok(_)) => panic!("{}", draw(failure)),
            (Ok(text), Err(_)) => panic!("{text}"),
        }
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert!(left <= 1, "no temporary file is left behind");
    }

    const ADDED: &str = "[projects.shop]\nsource = \"file\"\npath = \"/srv/traces.jsonl\"\n";

    #[test]
    fn adding() {
        let add = |env: &Env| add_project(env, &KNOWN, &project("shop"));
        check("", add, Ok(ADDED));
        let before =
            "# mine\n[defaults] # usual\npreset = 'fix'\n\n[projects.a]\nsource = \"demo\" # b\n";
        check(before, add, Ok(&format!("{before}\n{ADDED}")));
        check(
            "projects = { a = { source = \"demo\" } }\n",
            add,
            Ok(
                "projects = { a = { source = \"demo\" } , shop = { source = \"file\", path = \"/srv/traces.jsonl\" } }\n",
            ),
        );
        check(
            "[projects.shop]\nsource = \"demo\"\n",
            add,
            Err("there is a project `shop` already"),
        );
        check("[defalts]\n", add, Err("unknown key `defalts`"));
        check("", |env| add_project(env, &KNOWN, &project("a b")), Err("`a b` is no name"));
        let url = Some("nowhere".to_owned());
        let wrong = Project { url, path: None, source: "phoenix".to_owned(), ..project("p") };
        check("", |env| add_project(env, &KNOWN, &wrong), Err("`nowhere` is no address"));
    }

    #[test]
    fn removing() {
        let before = format!(
            "# kept\n[defaults]\nproject = \"shop\" # kept\n\n{ADDED}[projects.b]\nsource = \"demo\"\n"
        );
        check(
            &before,
            |env| remove_project(env, &KNOWN, "shop"),
            Ok("# kept\n[defaults]\nproject = \"shop\" # kept\n[projects.b]\nsource = \"demo\"\n"),
        );
        check(
            &before,
            |env| remove_project(env, &KNOWN, "shp"),
            Err("no project of your own is called `shp`"),
        );
        check(
            "",
            |env| remove_project(env, &KNOWN, "demo"),
            Err("no project of your own is called `demo`"),
        );
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::of("/", [("LOOP_CONFIG_DIR", folder.path())]);
        std::thread::scope(|scope| {
            for i in 0..8 {
                let env = &env;
                scope.spawn(move || add_project(env, &KNOWN, &project(&format!("p{i}"))).unwrap());
            }
        });
        let text = fs::read_to_string(folder.path().join("config.toml")).unwrap();
        assert_eq!(settings::read("config.toml", &text, &KNOWN).unwrap().projects.len(), 8);
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_file_stays_a_link_and_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("dotfiles.toml");
        fs::write(&real, "# dotfiles\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, folder.path().join("config.toml")).unwrap();
        let env = Env::of("/", [("LOOP_CONFIG_DIR", folder.path())]);
        let path = add_project(&env, &KNOWN, &project("shop")).unwrap();
        assert!(fs::symlink_metadata(path).unwrap().is_symlink());
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::read_to_string(real).unwrap().starts_with("# dotfiles\n"));
    }

    #[test]
    fn a_new_preset_is_not_written_over_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::of("/", [("LOOP_CONFIG_DIR", folder.path())]);
        let path = create_preset(&env, "mine", &template::template_preset("mine")).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("# presets/mine.toml\n"));
        assert_eq!(
            create_preset(&env, "mine", &template::template_preset("mine")).unwrap_err().kind,
            Kind::Usage
        );
        assert_eq!(create_preset(&env, "../x", "").unwrap_err().sentence, "`../x` is no name");
    }
}
