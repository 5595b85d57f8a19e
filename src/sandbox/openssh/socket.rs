//! Where the socket of a shared connection is: a folder of the user's alone, and a short name.

use super::Destination;
use crate::domain::digest;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The longest path of a socket, less what `ssh` adds while it makes one.
const LONGEST: usize = 107 - 18;

/// `None` where there is no safe place: then every command connects by itself.
pub(super) fn place(
    runtime: Option<&Path>,
    to: &Destination,
    config: Option<&Path>,
) -> Option<PathBuf> {
    let config = config.map(|path| path.as_os_str().as_bytes()).unwrap_or_default();
    let name = digest::short(&[to.argument().as_bytes(), config]);
    let user = nix::unistd::geteuid();
    let usual = Path::new("/tmp").join(format!("loop-{user}"));
    let folders = runtime.map(|runtime| runtime.join("loop")).into_iter().chain([usual]);
    folders
        .map(|folder| (folder.join(format!("ssh-{name}")), folder))
        .filter(|(socket, _)| socket.as_os_str().len() <= LONGEST)
        .find(|(_, folder)| is_ours_alone(folder))
        .map(|(socket, _)| socket)
}

/// Makes the folder where it is missing. Somebody else's, or one that others may enter, is not used:
/// whoever owns the socket is who we talk to.
fn is_ours_alone(folder: &Path) -> bool {
    let _ = std::fs::DirBuilder::new().mode(0o700).create(folder);
    std::fs::symlink_metadata(folder).is_ok_and(|about| {
        about.is_dir()
            && about.uid() == nix::unistd::geteuid().as_raw()
            && about.mode().trailing_zeros() >= 6
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_that_others_may_enter_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let to = Destination::parse("build1").unwrap();
        let found = place(Some(dir.path()), &to, None).unwrap();
        assert_eq!(found.parent(), Some(&*dir.path().join("loop")));
        assert_ne!(place(Some(dir.path()), &to, Some(Path::new("/c"))).unwrap(), found);
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(dir.path().join("loop"), open).unwrap();
        assert_ne!(
            place(Some(dir.path()), &to, None).map(|path| path.parent().unwrap().to_owned()),
            found.parent().map(Path::to_owned)
        );
        let long = dir.path().join("x".repeat(90));
        std::fs::create_dir(&long).unwrap();
        assert!(place(Some(&long), &to, None).is_none_or(|path| !path.starts_with(&long)));
    }
}
