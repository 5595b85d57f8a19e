//! The environment: the only reader of variables, of the working directory and of the XDG folders.
//!
//! It is captured once, at the door, and handed on as a value, so nothing below it changes its mind
//! half way and every test can make its own. A variable that is set to nothing counts as not set,
//! as the XDG specification and most programs have it.

use crate::error::{Failure, Kind, Result};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The environment as it was when the program started.
#[derive(Clone, Default)]
pub struct Env {
    vars: BTreeMap<OsString, OsString>,
    cwd: PathBuf,
}

/// Shows names only: values may be credentials.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.vars.keys().collect();
        f.debug_struct("Env").field("cwd", &self.cwd).field("names", &names).finish()
    }
}

impl Env {
    /// Reads the environment of this process. A working directory that was deleted is `.`, so
    /// that only what needs it fails.
    pub fn capture() -> Self {
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Self { vars: std::env::vars_os().collect(), cwd }
    }

    /// An environment made of values.
    #[cfg(test)]
    pub fn of<K, V>(cwd: impl Into<PathBuf>, vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let vars = vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { vars, cwd: cwd.into() }
    }

    /// A variable's value. `None` where it is not set, set to nothing, or not UTF-8.
    pub fn var(&self, name: &str) -> Option<String> {
        self.os(name)?.to_str().map(str::to_owned)
    }

    /// A variable that is a path. A relative one counts from the working directory.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.os(name).map(|value| self.cwd.join(value))
    }

    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME")
    }

    /// `LOOP_CONFIG_DIR`, else `loop` in the XDG configuration folder.
    pub fn config_dir(&self) -> Result<PathBuf> {
        self.folder("LOOP_CONFIG_DIR", "XDG_CONFIG_HOME", ".config")
    }

    /// `LOOP_DATA_DIR`, else `loop` in the XDG data folder.
    pub fn data_dir(&self) -> Result<PathBuf> {
        self.folder("LOOP_DATA_DIR", "XDG_DATA_HOME", ".local/share")
    }

    /// Where things are kept that can be fetched again: `LOOP_CACHE_DIR`, else `loop` in the XDG
    /// cache folder.
    pub fn cache_dir(&self) -> Result<PathBuf> {
        self.folder("LOOP_CACHE_DIR", "XDG_CACHE_HOME", ".cache")
    }

    /// Whether a build service runs this. `CI=false` and `CI=0` say no.
    pub fn is_ci(&self) -> bool {
        self.var("CI").is_some_and(|value| value != "false" && value != "0")
    }

    pub fn term(&self) -> Option<String> {
        self.var("TERM")
    }

    pub fn docker_host(&self) -> Option<String> {
        self.var("DOCKER_HOST")
    }

    /// The folder of the docker CLI's own settings.
    pub fn docker_config(&self) -> Option<PathBuf> {
        self.path("DOCKER_CONFIG").or_else(|| Some(self.home()?.join(".docker")))
    }

    /// Where clusters are named: as the variable says, else in the home directory.
    pub fn kubeconfigs(&self) -> Vec<PathBuf> {
        let usual = || self.home().map(|home| home.join(".kube/config"));
        match self.var("KUBECONFIG") {
            Some(named) => std::env::split_paths(&named).collect(),
            None => usual().into_iter().collect(),
        }
    }

    pub fn ssl_cert_file(&self) -> Option<PathBuf> {
        self.path("SSL_CERT_FILE")
    }

    /// A path as a person writes it: `~` is the home folder, a relative one counts from `base`.
    pub fn expand(&self, base: &Path, text: &str) -> PathBuf {
        match (text.strip_prefix('~'), self.home()) {
            (Some(""), Some(home)) => home,
            (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
            _ => base.join(text),
        }
    }

    fn os(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    fn folder(&self, ours: &str, xdg: &str, in_home: &str) -> Result<PathBuf> {
        if let Some(path) = self.path(ours) {
            return Ok(path);
        }
        // The specification says that a relative path there is to be ignored.
        if let Some(path) = self.os(xdg).map(PathBuf::from).filter(|path| path.is_absolute()) {
            return Ok(path.join("loop"));
        }
        let home = self.home().ok_or_else(|| {
            Failure::new(Kind::Config, "neither `HOME` nor the folder to use is set")
                .hint(format!("set `{ours}`, for instance to `/var/lib/loop`"))
        })?;
        Ok(home.join(in_home).join("loop"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(vars: &[(&str, &str)], config: &str, data: &str) {
        let env = Env::of("/somewhere/here", vars.iter().copied());
        let show = |path: Result<PathBuf>| {
            path.map_or_else(|failure| failure.to_string(), |path| path.display().to_string())
        };
        assert_eq!(
            (show(env.config_dir()).as_str(), show(env.data_dir()).as_str()),
            (config, data)
        );
    }

    #[test]
    fn folders() {
        let none = "neither `HOME` nor the folder to use is set";
        check(&[("HOME", "/home/a")], "/home/a/.config/loop", "/home/a/.local/share/loop");
        check(
            &[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_HOME", "relative")],
            "/c/loop",
            "/home/a/.local/share/loop",
        );
        check(
            &[("LOOP_CONFIG_DIR", "conf"), ("LOOP_DATA_DIR", "/d")],
            "/somewhere/here/conf",
            "/d",
        );
        check(
            &[("LOOP_CONFIG_DIR", ""), ("HOME", "/h")],
            "/h/.config/loop",
            "/h/.local/share/loop",
        );
        check(&[], none, none);
    }

    #[test]
    fn paths_as_people_write_them() {
        let env = Env::of("/work", [("HOME", "/home/a")]);
        let base = Path::new("/base");
        for (text, path) in [
            ("~", "/home/a"),
            ("~/x", "/home/a/x"),
            ("x/y", "/base/x/y"),
            ("/x", "/x"),
            ("~b", "/base/~b"),
        ] {
            assert_eq!(env.expand(base, text), Path::new(path), "{text}");
        }
    }

    #[test]
    fn debugging_shows_no_value() {
        let env = Env::of("/work", [("ANTHROPIC_API_KEY", "marked-value")]);
        assert!(!format!("{env:?}").contains("marked-value"));
        assert!(Env::of("/", [("CI", "true")]).is_ci() && !Env::of("/", [("CI", "false")]).is_ci());
    }
}
