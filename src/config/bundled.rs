//! What comes with the program: the presets and skills of this repository, and the project `demo`.
//!
//! The list is kept by hand; a test holds it against the folders, and another reads every file.

use crate::domain::preset::{DEMO, Project};

/// Path within a layer, and text.
pub const FILES: [(&str, &str); 12] = [
    ("presets/cost.toml", include_str!("../../presets/cost.toml")),
    ("presets/dataset.toml", include_str!("../../presets/dataset.toml")),
    ("presets/fix.toml", include_str!("../../presets/fix.toml")),
    ("presets/health-check.toml", include_str!("../../presets/health-check.toml")),
    ("presets/investigate.toml", include_str!("../../presets/investigate.toml")),
    ("presets/regression.toml", include_str!("../../presets/regression.toml")),
    ("presets/signal.toml", include_str!("../../presets/signal.toml")),
    ("presets/triage.toml", include_str!("../../presets/triage.toml")),
    ("skills/arize.toml", include_str!("../../skills/arize.toml")),
    ("skills/datadog.toml", include_str!("../../skills/datadog.toml")),
    ("skills/dynatrace.toml", include_str!("../../skills/dynatrace.toml")),
    ("skills/github.toml", include_str!("../../skills/github.toml")),
];

/// The project that is always there.
pub fn demo() -> Project {
    Project { name: DEMO.to_owned(), source: DEMO.to_owned(), ..Project::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_folders() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut there: Vec<String> = Vec::new();
        for folder in ["presets", "skills"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                there.push(format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()));
            }
        }
        there.sort();
        assert_eq!(FILES.map(|(path, _)| path.to_owned()).to_vec(), there);
    }
}
