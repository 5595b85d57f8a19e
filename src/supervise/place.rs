//! Writing a turn's files, as the worker: the hidden command `place`.

use crate::domain::turn::FileSpec;
use crate::error::{Cannot as _, Kind, Result};
use std::fs::OpenOptions;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Reads a list of [`FileSpec`] and writes each. An existing file is replaced whole, whatever it is:
/// nothing that the worker left there is followed or waited for.
pub fn place(input: &mut dyn Read) -> Result<()> {
    let reader = io::BufReader::new(input);
    let files: Vec<FileSpec> = serde_json::from_reader(reader)
        .cannot(Kind::Sandbox, || "read the list of files".to_owned())?;
    for file in &files {
        let path = Path::new(&file.path);
        write(path, &file.content, if file.executable { 0o700 } else { 0o600 })
            .cannot(Kind::Sandbox, || format!("write `{}` in the sandbox", file.path))?;
    }
    Ok(())
}

fn write(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("it is no path of a file"));
    };
    std::fs::create_dir_all(parent)?;
    let staged = parent.join(format!(".{}.staged", name.to_string_lossy()));
    match std::fs::remove_file(&staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&staged)?;
    file.write_all(content.as_bytes())?;
    std::fs::rename(&staged, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/settings.json");
        let victim = dir.path().join("victim");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&victim, "whole").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let list = serde_json::json!([{ "path": path, "content": "x" }]).to_string();
        place(&mut list.as_bytes()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "whole");
        let relative = serde_json::json!([{ "path": "/", "content": "x" }]).to_string();
        assert!(place(&mut relative.as_bytes()).is_err());
    }
}
