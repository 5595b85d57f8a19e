//! How many processes of the sandbox the kernel killed for memory. Nothing else tells: an engine
//! sees only what becomes of process 1.

use std::path::{Path, PathBuf};

/// The counter of the control group that we are in, of either version; 0 where there is none.
pub fn kills() -> u64 {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let files = counters(&groups, Path::new("/sys/fs/cgroup"));
    files.iter().find_map(|file| read(&std::fs::read_to_string(file).ok()?)).unwrap_or(0)
}

/// Where the counter may be. A container sees its own group as the root, under a longer name.
fn counters(groups: &str, root: &Path) -> Vec<PathBuf> {
    let group = |wanted: &str| {
        let found = groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let controllers = parts.next()?;
            let path = parts.next()?;
            controllers.split(',').any(|name| name == wanted).then_some(path)
        });
        found.unwrap_or("/").trim_start_matches('/').to_owned()
    };
    let (v1, v2) = (root.join("memory"), root.join("unified"));
    vec![
        v1.join(group("memory")).join("memory.oom_control"),
        v1.join("memory.oom_control"),
        root.join(group("")).join("memory.events"),
        root.join("memory.events"),
        v2.join(group("")).join("memory.events"),
    ]
}

fn read(counters: &str) -> Option<u64> {
    counters.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        assert_eq!(read("low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(read("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), Some(1));
        assert_eq!(read("oom_kill_disable 0\n"), None);
        let files = counters("4:memory:/docker/ab\n0::/x\n", Path::new("/c"));
        assert_eq!(files[0], Path::new("/c/memory/docker/ab/memory.oom_control"));
        assert_eq!(files[2], Path::new("/c/x/memory.events"));
    }
}
