//! Where presets, skills, projects and settings are found.
//!
//! There are three layers: the nearest `.loop/` above the working directory, the user's
//! configuration folder, and what is bundled. A name means what the nearest layer says it means. A
//! `.loop/` folder that is not allowed still hides what is farther away, and using a name of it
//! fails: quietly falling back to another preset of the same name would be worse than stopping.

use super::allow::{self, Entry, Folder, Standing};
use super::bundled;
use super::env::Env;
use super::settings::{self, Settings};
use super::{Context, Known, options, preset, prices, skill, value};
use crate::domain::options::Options;
use crate::domain::preset::{FILE, Image, Preset, Project, Skill};
use crate::domain::price::Prices;
use crate::domain::words::did_you_mean;
use crate::error::{Cannot, Failure, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

mod automations;

const PRESETS: &str = "presets";
const SKILLS: &str = "skills";
const AUTOMATIONS: &str = "automations";
const SETTINGS: &str = "config.toml";
const PRICES: &str = "prices.toml";

/// All layers, as they were when they were opened.
#[derive(Debug)]
pub struct Layers {
    env: Env,
    /// Nearest first.
    stack: Vec<Layer>,
    context: Context,
}

/// Where something comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub level: Level,
    /// As people would name it: relative to the working directory where it is below it.
    pub file: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Repository,
    User,
    Bundled,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::User => "user",
            Self::Bundled => "bundled",
        }
    }
}

/// One line of a list.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    pub name: String,
    pub origin: Origin,
    /// Others of the same name, farther away.
    pub hides: Vec<Origin>,
    /// What it means, or every mistake of its file.
    pub value: Result<T>,
}

#[derive(Debug)]
struct Layer {
    level: Level,
    root: PathBuf,
    files: BTreeMap<String, Result<String>>,
    standing: Standing,
}

impl Layers {
    /// Opens all layers. `trust` allows the `.loop/` folder for this once.
    pub fn open(env: &Env, known: Known, trust: bool) -> Result<Self> {
        let config = env.config_dir()?;
        let mut layers = Vec::new();
        if let Some(root) = allow::nearest(env) {
            // Whoever names it as the configuration folder has said that it is theirs.
            if config.canonicalize().ok().as_ref() != Some(&root) {
                layers.push(Layer::repository(env, &root, trust)?);
            }
        }
        layers.push(Layer::user(&config));
        layers.push(Layer::bundled());
        let context = Context { known, skills: BTreeMap::new() };
        let mut layers = Self { env: env.clone(), stack: layers, context };
        layers.context.skills = layers
            .skills()
            .into_iter()
            .map(|listed| (listed.name, listed.value.ok().map(|skill| skill.kind)))
            .collect();
        Ok(layers)
    }

    pub fn known(&self) -> &Known {
        &self.context.known
    }

    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The `.loop/` folder that is there and not allowed.
    pub fn not_allowed(&self) -> Option<&Path> {
        self.stack.iter().find(|layer| !layer.is_usable()).map(|layer| layer.root.as_path())
    }

    pub fn presets(&self) -> Vec<Listed<Preset>> {
        self.list(PRESETS, |name, origin, text| self.read_preset(name, origin, text))
    }

    pub fn preset(&self, name: &str) -> Result<(Preset, Origin)> {
        self.find(PRESETS, "preset", name, |origin, text| self.read_preset(name, origin, text))
    }

    pub fn skills(&self) -> Vec<Listed<Skill>> {
        self.list(SKILLS, |name, origin, text| skill::read(name, &origin.file, text))
    }

    pub fn skill(&self, name: &str) -> Result<(Skill, Origin)> {
        self.find(SKILLS, "skill", name, |origin, text| skill::read(name, &origin.file, text))
    }

    /// Reads a preset's file wherever it is, for `loop preset validate FILE`.
    pub fn preset_file(&self, path: &Path) -> Result<Preset> {
        let text = read_text(path)?;
        let origin = Origin { level: Level::User, file: self.show(path) };
        self.read_preset(&stem(path), &origin, &text)
    }

    /// Reads a skill's file wherever it is.
    pub fn skill_file(&self, path: &Path) -> Result<Skill> {
        skill::read(&stem(path), &self.show(path), &read_text(path)?)
    }

    /// Every project that has a name. Fails where a `config.toml` has mistakes.
    pub fn projects(&self) -> Result<Vec<Listed<Project>>> {
        let mut all: BTreeMap<String, Listed<Project>> = BTreeMap::new();
        for layer in &self.stack {
            let origin = self.origin(layer, SETTINGS);
            for (name, project) in self.projects_of(layer)? {
                let value = layer.usable(&origin).map(|()| project);
                if let Some(nearer) = all.get_mut(&name) {
                    nearer.hides.push(origin.clone());
                    continue;
                }
                let (hides, origin) = (Vec::new(), origin.clone());
                all.insert(name.clone(), Listed { name, origin, hides, value });
            }
        }
        Ok(all.into_values().collect())
    }

    /// A project by name, or by the path of a file or folder of traces.
    pub fn project(&self, name: &str) -> Result<(Project, Origin)> {
        let listed = self.projects()?;
        if let Some(found) = listed.iter().find(|listed| listed.name == name) {
            return found.value.clone().map(|project| (project, found.origin.clone()));
        }
        let path = self.env.expand(self.env.cwd(), name);
        if path.exists() {
            let origin = Origin { level: Level::User, file: self.show(&path) };
            let path = Some(path.to_string_lossy().into_owned());
            let source = FILE.to_owned();
            return Ok((
                Project { name: traces_name(name), source, path, ..Project::default() },
                origin,
            ));
        }
        if name.contains('/') {
            let sentence = format!("there is no file or folder `{name}`");
            return Err(Failure::new(Kind::Usage, sentence)
                .hint("`--project` takes a project's name, or a path of traces"));
        }
        let names: Vec<_> = listed.iter().map(|listed| listed.name.as_str()).collect();
        Err(unknown("project", name, &names))
    }

    /// The settings of all layers as one, the nearest first. Projects are asked for by name.
    pub fn settings(&self) -> Result<Settings> {
        let mut merged = Settings::default();
        for layer in &self.stack {
            let Some(Ok(text)) = layer.files.get(SETTINGS) else {
                layer.files.get(SETTINGS).cloned().transpose()?;
                continue;
            };
            let origin = self.origin(layer, SETTINGS);
            let mut settings = settings::read(&origin.file, text, &self.context.known);
            if let Ok(settings) = &mut settings {
                self.expand(&mut settings.sandboxes, &layer.root);
            }
            if !layer.is_usable() {
                // Projects of it are refused by name; anything else would act on every command.
                if settings.as_ref().map_or(true, Settings::steers) {
                    layer.usable(&origin)?;
                }
                continue;
            }
            merged = merged.over(settings?);
        }
        Ok(merged)
    }

    /// What model calls cost, the nearest layer first.
    pub fn prices(&self) -> Result<Prices> {
        let mut merged = Prices::default();
        for layer in self.stack.iter().filter(|layer| layer.files.contains_key(PRICES)) {
            let origin = self.origin(layer, PRICES);
            merged = merged.over(prices::read(&origin.file, layer.text(PRICES, &origin)?)?);
        }
        Ok(merged.over(prices::bundled()?))
    }

    fn projects_of(&self, layer: &Layer) -> Result<BTreeMap<String, Project>> {
        if layer.level == Level::Bundled {
            let demo = bundled::demo();
            return Ok([(demo.name.clone(), demo)].into());
        }
        let Some(text) = layer.files.get(SETTINGS).cloned().transpose()? else {
            return Ok(BTreeMap::new());
        };
        let origin = self.origin(layer, SETTINGS);
        let settings = match settings::read(&origin.file, &text, &self.context.known) {
            Err(_) if !layer.is_usable() => return Ok(BTreeMap::new()),
            settings => settings?,
        };
        let base = layer.root.clone();
        let absolute = |mut project: Project| {
            project.path = project.path.map(|path| self.absolute(&base, &path));
            project
        };
        Ok(settings.projects.into_iter().map(|(name, project)| (name, absolute(project))).collect())
    }

    fn read_preset(&self, name: &str, origin: &Origin, text: &str) -> Result<Preset> {
        let mut preset = preset::read(name, &origin.file, text, &self.context)?;
        // A path in a file counts from the folder the file is in.
        let file = self.env.cwd().join(&origin.file);
        let base = file.parent().unwrap_or(Path::new("."));
        if let Image::Dockerfile(path) = &mut preset.sandbox.image {
            *path = self.absolute(base, path);
        }
        if let Some(path) = &mut preset.sandbox.ca_bundle {
            *path = self.absolute(base, path);
        }
        self.expand(&mut preset.sandbox.options, base);
        if let Some(repo) = preset.repo.as_mut().filter(|repo| value::repo_is_path(repo)) {
            *repo = self.absolute(base, repo);
        }
        Ok(preset)
    }

    /// A path among a provider's options counts from the folder of the file it stands in.
    fn expand(&self, all: &mut BTreeMap<String, Options>, base: &Path) {
        options::expand(all, &self.context.known, |path| self.absolute(base, path));
    }

    fn list<T>(
        &self,
        folder: &str,
        read: impl Fn(&str, &Origin, &str) -> Result<T>,
    ) -> Vec<Listed<T>> {
        let mut lines = Vec::new();
        for name in self.names(folder) {
            let path = format!("{folder}/{name}.toml");
            let mut layers = self.stack.iter().filter(|layer| layer.files.contains_key(&path));
            let Some(nearest) = layers.next() else { continue };
            let hides = layers.map(|layer| self.origin(layer, &path)).collect();
            let origin = self.origin(nearest, &path);
            let value = nearest.text(&path, &origin).and_then(|text| read(&name, &origin, text));
            lines.push(Listed { name, origin, hides, value });
        }
        lines
    }

    fn find<T>(
        &self,
        folder: &str,
        noun: &str,
        name: &str,
        read: impl Fn(&Origin, &str) -> Result<T>,
    ) -> Result<(T, Origin)> {
        let path = format!("{folder}/{name}.toml");
        let Some(layer) = self.stack.iter().find(|layer| layer.files.contains_key(&path)) else {
            let names = self.names(folder);
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            return Err(unknown(noun, name, &names));
        };
        let origin = self.origin(layer, &path);
        let value = layer.text(&path, &origin).and_then(|text| read(&origin, text))?;
        Ok((value, origin))
    }

    /// Every name that a folder of any layer has.
    fn names(&self, folder: &str) -> BTreeSet<String> {
        let paths = self.stack.iter().flat_map(|layer| layer.files.keys());
        paths
            .filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".toml"))
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect()
    }

    fn origin(&self, layer: &Layer, path: &str) -> Origin {
        let file = match layer.level {
            Level::Bundled => format!("bundled:{path}"),
            Level::Repository | Level::User => self.show(&layer.root.join(path)),
        };
        Origin { level: layer.level, file }
    }

    fn show(&self, path: &Path) -> String {
        path.strip_prefix(self.env.cwd()).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn absolute(&self, base: &Path, path: &str) -> String {
        let base = self.env.cwd().join(base);
        self.env.expand(&base, path).to_string_lossy().into_owned()
    }
}

impl Layer {
    fn repository(env: &Env, root: &Path, trust: bool) -> Result<Self> {
        let folder = Folder::read(root)?;
        let standing = if trust { Standing::Allowed } else { allow::standing(env, &folder)? };
        let text = |name: &str, entry: Entry| match entry {
            Entry::File(bytes) => utf8(&root.join(name), bytes),
            Entry::Link(_) | Entry::Other => {
                let path = root.join(name);
                Err(Failure::new(Kind::Config, format!("`{}` is no plain file", path.display()))
                    .hint("put the file itself there; links of a repository are not followed"))
            }
        };
        let files = folder
            .entries
            .into_iter()
            .filter(|(name, _)| is_ours(name))
            .map(|(name, entry)| (name.clone(), text(&name, entry)))
            .collect();
        Ok(Self { level: Level::Repository, root: root.to_owned(), files, standing })
    }

    /// A folder that is not there holds nothing; a file that cannot be read is a mistake of its own.
    fn user(root: &Path) -> Self {
        let mut files = BTreeMap::new();
        for folder in [PRESETS, SKILLS, AUTOMATIONS] {
            for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
                let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
                if is_ours(&name) {
                    files.insert(name, read_text(&entry.path()));
                }
            }
        }
        for name in [SETTINGS, PRICES] {
            let path = root.join(name);
            if path.exists() {
                files.insert(name.to_owned(), read_text(&path));
            }
        }
        Self { level: Level::User, root: root.to_owned(), files, standing: Standing::Allowed }
    }

    fn bundled() -> Self {
        let files =
            bundled::FILES.map(|(path, text)| (path.to_owned(), Ok(text.to_owned()))).into();
        Self { level: Level::Bundled, root: PathBuf::new(), files, standing: Standing::Allowed }
    }

    fn is_usable(&self) -> bool {
        self.standing == Standing::Allowed
    }

    fn usable(&self, origin: &Origin) -> Result<()> {
        let why = match self.standing {
            Standing::Allowed => return Ok(()),
            Standing::Never => "its folder came with the repository, and you have not allowed it",
            Standing::Changed => {
                "its folder came with the repository, and changed since you allowed it"
            }
        };
        Err(Failure::new(Kind::Config, format!("`{}` is not used", origin.file))
            .because(why)
            .hint(format!("read what is in `{}`, then run `loop allow`", self.root.display()))
            .hint("`--trust` allows it for one command"))
    }

    fn text(&self, path: &str, origin: &Origin) -> Result<&str> {
        self.usable(origin)?;
        match self.files.get(path) {
            Some(text) => text.as_deref().map_err(Failure::clone),
            None => Err(Failure::new(Kind::Bug, format!("`{path}` was there a moment ago"))),
        }
    }
}

/// Whether a path of a layer is one that is read.
fn is_ours(path: &str) -> bool {
    let toml = |rest: &str| {
        let stem = rest.strip_suffix(".toml").unwrap_or_default();
        !stem.is_empty() && !stem.starts_with('.') && !stem.contains('/')
    };
    [SETTINGS, PRICES].contains(&path)
        || [PRESETS, SKILLS, AUTOMATIONS].iter().any(|folder| {
            path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).is_some_and(toml)
        })
}

fn unknown(noun: &str, name: &str, names: &[&str]) -> Failure {
    let failure = Failure::new(Kind::Usage, format!("no {noun} is called `{name}`"));
    let failure = match did_you_mean(name, names.iter().copied()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    };
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    failure.hint(format!("`loop {noun} list` shows them all: {}", names.join(", ")))
}

/// Reads a plain file. A pipe there would wait for ever, and a device has no end.
fn read_text(path: &Path) -> Result<String> {
    let doing = || format!("read `{}`", path.display());
    let is_file = fs::metadata(path).cannot(Kind::Config, doing)?.is_file();
    if !is_file {
        return Err(Failure::new(Kind::Config, format!("`{}` is no plain file", path.display())));
    }
    utf8(path, fs::read(path).cannot(Kind::Config, doing)?)
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(Kind::Config, format!("`{}` is not UTF-8 text", path.display()))
            .because(format!("byte {at} begins no character"))
            .hint("save it as UTF-8")
    })
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What traces given by path are called: their file's name without its endings.
fn traces_name(path: &str) -> String {
    let path = path.trim_end_matches('/');
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.trim_start_matches('.').split('.').next().unwrap_or_default();
    if stem.is_empty() { "traces".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::corpus::{KNOWN, draw};
    use super::*;

    /// A machine with a home, a repository, and a working directory two folders into it.
    struct Machine {
        root: tempfile::TempDir,
        env: Env,
    }

    impl Machine {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let cwd = root.path().join("repo/src/deep");
            fs::create_dir_all(&cwd).unwrap();
            let vars = [("HOME", root.path().join("home"))];
            Self { env: Env::of(cwd, vars), root }
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn open(&self) -> Layers {
            Layers::open(&self.env, KNOWN, false).unwrap()
        }

        /// A message without the folder's random name.
        fn say(&self, failure: &Failure) -> String {
            draw(failure).replace(&self.root.path().display().to_string(), "")
        }
    }

    const USER: &str = "home/.config/loop";
    const MINE: &str = "harness = \"codex\"\nprompt = \"mine\"\n";

    #[test]
    fn the_nearest_layer_wins_and_says_what_it_hides() {
        let machine = Machine::new();
        machine.write(&format!("{USER}/presets/triage.toml"), MINE);
        machine.write("repo/.loop/presets/triage.toml", "harness = \"command\"\ncommand = [\"x\"]");
        machine.write("repo/.loop/presets/ours.toml", "harness = \"triage\"");
        allow::allow(&machine.env).unwrap();
        let layers = machine.open();
        let (preset, origin) = layers.preset("triage").unwrap();
        assert_eq!((preset.harness.as_str(), origin.level), ("command", Level::Repository));
        let listed = layers.presets();
        let triage = listed.iter().find(|listed| listed.name == "triage").unwrap();
        let hidden: Vec<_> = triage.hides.iter().map(|origin| origin.level).collect();
        assert_eq!(hidden, [Level::User, Level::Bundled]);
        assert_eq!(triage.hides[1].file, "bundled:presets/triage.toml");
        assert_eq!(listed.len(), 9, "eight bundled ones and `ours`");
    }

    #[test]
    fn a_repository_is_hostile_until_it_is_allowed() {
        let machine = Machine::new();
        machine.write("repo/.loop/presets/triage.toml", "harness = \"triage\"");
        let refused = machine.open().preset("triage").unwrap_err();
        assert_eq!(refused.kind, Kind::Config);
        insta::assert_snapshot!(machine.say(&refused), @r"
        error: `/repo/.loop/presets/triage.toml` is not used
          because: its folder came with the repository, and you have not allowed it
        hint: read what is in `/repo/.loop`, then run `loop allow`
        hint: `--trust` allows it for one command
        ");
        assert!(machine.open().not_allowed().is_some());
        assert!(machine.open().preset("fix").is_ok(), "what it does not hide can be used");
        assert!(Layers::open(&machine.env, KNOWN, true).unwrap().preset("triage").is_ok());

        let done = allow::allow(&machine.env).unwrap();
        assert_eq!((done.files.len(), done.already), (1, false));
        assert!(allow::allow(&machine.env).unwrap().already);
        assert!(machine.open().preset("triage").is_ok());

        // Any file of the folder counts, not only those that are read as settings.
        machine.write("repo/.loop/Dockerfile", "FROM scratch");
        let changed = machine.open().preset("triage").unwrap_err();
        assert!(changed.to_string().ends_with("changed since you allowed it"), "{changed}");
        fs::remove_file(machine.root.path().join("repo/.loop/Dockerfile")).unwrap();
        assert!(machine.open().preset("triage").is_ok(), "the same content is allowed again");
    }

    #[test]
    fn settings_of_a_repository_do_nothing_before() {
        let machine = Machine::new();
        machine.write(
            &format!("{USER}/config.toml"),
            "[defaults]\npreset = \"fix\"\nharness = \"codex\"",
        );
        machine.write("repo/.loop/config.toml", "[projects.shop]\nsource = \"file\"\npath = \"t\"");
        assert_eq!(machine.open().settings().unwrap().defaults.preset.unwrap(), "fix");
        assert!(machine.open().project("shop").is_err());
        assert!(machine.open().project("demo").is_ok());
        machine.write("repo/.loop/config.toml", "[defaults]\npreset = \"theirs\"");
        assert!(machine.open().settings().unwrap_err().hints[0].contains("loop allow"));
        machine.write("repo/.loop/config.toml", "broken");
        assert!(machine.open().settings().unwrap_err().hints[0].contains("loop allow"));
        machine.write("repo/.loop/config.toml", "[defaults]\npreset = \"theirs\"");
        allow::allow(&machine.env).unwrap();
        let defaults = machine.open().settings().unwrap().defaults;
        assert_eq!(
            (defaults.preset.unwrap(), defaults.harness.unwrap()),
            ("theirs".into(), "codex".into())
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_of_a_repository_are_not_followed() {
        let machine = Machine::new();
        machine.write("elsewhere.toml", "harness = \"triage\"");
        machine.write("repo/.loop/x", "");
        let presets = machine.root.path().join("repo/.loop/presets");
        fs::create_dir(&presets).unwrap();
        let target = machine.root.path().join("elsewhere.toml");
        std::os::unix::fs::symlink(target, presets.join("linked.toml")).unwrap();
        allow::allow(&machine.env).unwrap();
        let failure = machine.open().preset("linked").unwrap_err();
        assert!(failure.sentence.ends_with("linked.toml` is no plain file"), "{failure}");
    }

    #[test]
    fn paths_in_a_file_count_from_its_folder() {
        let machine = Machine::new();
        machine.write(
            "repo/.loop/presets/x.toml",
            "harness = \"codex\"\nrepo = \"../..\"\n\
             [sandbox]\nimage = { dockerfile = \"Dockerfile\" }\nca_bundle = \"~/ca.pem\"",
        );
        machine.write(
            "repo/.loop/config.toml",
            "[projects.t]\nsource = \"file\"\npath = \"../traces\"",
        );
        let layers = Layers::open(&machine.env, KNOWN, true).unwrap();
        let (preset, _) = layers.preset("x").unwrap();
        let below = |path: &str| {
            let root = machine.root.path().canonicalize().unwrap();
            root.join(path).to_string_lossy().into_owned()
        };
        assert_eq!(preset.sandbox.image, Image::Dockerfile(below("repo/.loop/presets/Dockerfile")));
        assert!(preset.sandbox.ca_bundle.unwrap().ends_with("/home/ca.pem"));
        assert_eq!(preset.repo.unwrap(), below("repo/.loop/presets/../.."));
        assert_eq!(layers.project("t").unwrap().0.path.unwrap(), below("repo/.loop/../traces"));
    }

    #[test]
    fn projects_by_path_and_names_that_are_not_there() {
        let machine = Machine::new();
        machine.write("repo/src/deep/shop.jsonl.gz", "");
        let layers = machine.open();
        let (project, _) = layers.project("shop.jsonl.gz").unwrap();
        assert_eq!((project.name.as_str(), project.source.as_str()), ("shop", FILE));
        assert!(Path::new(&project.path.unwrap()).is_absolute());
        for (failure, wanted) in [
            (layers.project("nowhere/x").unwrap_err(), "there is no file or folder `nowhere/x`"),
            (layers.project("dmeo").unwrap_err(), "no project is called `dmeo`"),
            (layers.preset("../triage").unwrap_err(), "no preset is called `../triage`"),
            (layers.skill("gihtub").unwrap_err(), "no skill is called `gihtub`"),
        ] {
            assert_eq!((failure.sentence.as_str(), failure.kind), (wanted, Kind::Usage));
        }
        insta::assert_snapshot!(machine.say(&layers.preset("triag").unwrap_err()), @r"
        error: no preset is called `triag`
        hint: did you mean `triage`?
        hint: `loop preset list` shows them all: `cost`, `dataset`, `fix`, `health-check`, `investigate`, `regression`, `signal`, `triage`
        ");
    }

    #[test]
    fn one_broken_file_does_not_hide_the_others() {
        let machine = Machine::new();
        machine.write(&format!("{USER}/presets/broken.toml"), "harness = 1\nx = 2");
        fs::write(machine.root.path().join(USER).join("presets/latin.toml"), b"# \xfc").unwrap();
        fs::create_dir(machine.root.path().join(USER).join("presets/folder.toml")).unwrap();
        let listed = machine.open().presets();
        let broken: Vec<_> = listed
            .iter()
            .filter_map(|listed| Some((listed.name.as_str(), listed.value.as_ref().err()?)))
            .map(|(name, failure)| (name, 1 + failure.also.len()))
            .collect();
        assert_eq!(broken, [("broken", 2), ("folder", 1), ("latin", 1)]);
    }
}
