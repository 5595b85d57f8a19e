//! Who answers there.

use super::far::Far;
use crate::need;
use crate::support::{Done, Home, need};

fn triage(home: &Home) -> Done {
    home.ask(&["session", "start", "--preset", "triage", "--project", "demo", "--sandbox", "ssh"])
}

/// A machine with another key than before is not talked to, however lax the user's configuration is.
#[test]
fn a_changed_host_key_is_a_hard_stop() {
    let far = need!(Far::start());
    need!(need::bubblewrap());
    let home = Home::new();
    home.write("config/config.toml", &far.options("local"));
    triage(&home).ok();
    home.script("waits", "ssh", "echo up; sleep 60", &far.options("local"));
    let id = home.detach(&["--preset", "waits", "x"]);
    far.disconnect(&home);
    far.change_key();
    for checking in ["yes", "ask", "accept-new", "no"] {
        let config = std::fs::read_to_string(far.path().join("config")).unwrap();
        let lax = config.lines().map(|line| match line.contains("StrictHostKeyChecking") {
            true => format!("    StrictHostKeyChecking {checking}\n"),
            false => format!("{line}\n"),
        });
        std::fs::write(far.path().join("config"), lax.collect::<String>()).unwrap();
        let done = triage(&home).exits(4);
        for text in ["the host key of `far` has changed", "known_hosts:1", "ssh-keygen -R"] {
            assert!(done.stderr.contains(text), "{checking}: {}", done.stderr);
        }
        assert!(!done.stderr.contains("@@"), "{}", done.stderr);
    }
    // Whoever follows a session is told at once, and not after having tried for a minute.
    let done = home.ask(&["session", "attach", &id]).exits(4);
    assert!(done.stderr.contains("has changed"), "{}", done.stderr);
    assert!(done.took < std::time::Duration::from_secs(20), "{:?}", done.took);
    assert_eq!(far.sessions().len(), 1, "nothing was begun");
    let known = std::fs::read_to_string(far.path().join("host.pub")).unwrap();
    std::fs::write(far.path().join("known_hosts"), format!("[127.0.0.1]:{} {known}", far.port))
        .unwrap();
    home.ask(&["session", "stop", &id]).ok();
    home.ask(&["gc"]).ok();
    far.nothing_left(&home);
}

#[test]
fn an_unknown_host_key_is_refused_or_accepted_as_the_user_has_it() {
    let far = need!(Far::start());
    need!(need::bubblewrap());
    let home = Home::new();
    home.write("config/config.toml", &far.options("local"));
    let known = far.path().join("known_hosts");
    std::fs::write(&known, "").unwrap();
    let done = triage(&home).exits(4);
    assert!(done.stderr.contains("the host key of `far` is not known here"), "{}", done.stderr);
    assert!(done.stderr.contains("`ssh far`"), "{}", done.stderr);
    let config = std::fs::read_to_string(far.path().join("config")).unwrap();
    let accept = config.replace("StrictHostKeyChecking yes", "StrictHostKeyChecking accept-new");
    std::fs::write(far.path().join("config"), accept).unwrap();
    triage(&home).ok();
    assert!(std::fs::read_to_string(&known).unwrap().contains("ssh-ed25519"));
    far.nothing_left(&home);
}

#[test]
fn a_refused_log_in_is_told_with_what_to_do() {
    let far = need!(Far::start());
    let home = Home::new();
    home.write("config/config.toml", &far.options("local"));
    std::fs::write(far.path().join("authorized"), "").unwrap();
    let done = triage(&home).exits(4);
    assert!(done.stderr.contains("`far` refuses the log-in"), "{}", done.stderr);
    assert!(done.stderr.contains("ssh -o BatchMode=yes far true"), "{}", done.stderr);
}

#[test]
fn a_machine_that_is_not_there_is_told_at_once() {
    let far = need!(Far::start());
    let home = Home::new();
    home.write("config/config.toml", &far.options("local"));
    std::process::Command::new("sh")
        .args(["-c", &format!("kill $(cat {}/pid)", far.path().display())])
        .status()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let done = triage(&home).exits(6);
    assert!(done.stderr.contains("cannot reach `far`"), "{}", done.stderr);
    assert!(done.stderr.contains("Connection refused"), "{}", done.stderr);
}
