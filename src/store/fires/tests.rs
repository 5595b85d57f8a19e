use super::*;

const NOW: i64 = 1_772_409_600_000;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn decide(store: &mut Store, at: i64) -> Vec<Fire> {
    store
        .decide(("a", "spec"), NOW, |standing| {
            standing.cursor = at;
            vec![NewFire::waiting(Cause::Cron, at.to_string(), at)]
        })
        .unwrap()
}

#[test]
fn a_key_is_answered_once() {
    let (dir, mut store) = store();
    let first = decide(&mut store, NOW);
    assert_eq!((first.len(), first[0].state), (1, State::Waiting));
    assert!(decide(&mut store, NOW).is_empty());
    let mut other = Store::open(dir.path()).unwrap();
    assert!(decide(&mut other, NOW).is_empty());
    assert_eq!(store.fire(&first[0].id).unwrap(), first[0]);
    assert_eq!(store.open_fires().unwrap(), first);
    let standing = &store.standings().unwrap()["a"];
    assert_eq!((standing.since, standing.cursor), (NOW, NOW));
}

#[test]
fn a_fire_goes_from_waiting_to_its_end() {
    let (_dir, mut store) = store();
    let [first, second] = [1, 2].map(|n| decide(&mut store, NOW + n).remove(0));
    let claim = store.claim(&first.id).unwrap().unwrap();
    assert!(store.claim(&first.id).unwrap().is_none(), "one at a time");
    let went = store.admit(&first.id, NOW, &[], |fire, around| {
        assert_eq!((fire, around.later, around.running.len()), (&first, true, 0));
        Admission::Go
    });
    assert_eq!(went.unwrap(), Admission::Go);
    assert!(store.admit(&first.id, NOW, &[], |_, _| Admission::Go).is_err(), "once only");
    let tell = [Target::Webhook];
    let refuse = |_: &Fire, around: &Around| {
        assert_eq!(
            (around.running.as_slice(), around.started.as_slice()),
            ([first.id.clone()].as_slice(), [NOW].as_slice())
        );
        Admission::Refuse("no".to_owned())
    };
    store.admit(&second.id, NOW, &tell, refuse).unwrap();
    let (outcome, tell) = (Some("succeeded"), [Target::Command]);
    let ended = Ended { state: State::Done, reason: None, outcome, now: NOW + 5, tell: &tell };
    store.end_fire(&first.id, &ended).unwrap();
    claim.over();
    let states: Vec<_> = store
        .fires(Some("a"), 9)
        .unwrap()
        .into_iter()
        .map(|fire| (fire.state, fire.outcome))
        .collect();
    assert_eq!(states, [(State::Refused, None), (State::Done, Some("succeeded".to_owned()))]);
    assert!(store.open_fires().unwrap().is_empty());
    assert_eq!(store.last_started().unwrap()["a"], NOW);
    let notices = store.notices(NOW).unwrap();
    assert_eq!(notices.len(), 2);
    assert!(store.take_notice(&notices[0], NOW + 1_000).unwrap());
    assert!(!store.take_notice(&notices[0], NOW + 1_000).unwrap(), "somebody has it");
    assert_eq!(store.notices(NOW).unwrap().len(), 1);
    assert_eq!(store.notices(NOW + 1_000).unwrap().len(), 2, "should they die");
    store.set_notice(&notices[0], "sent", 0, None).unwrap();
    assert_eq!(store.notices(NOW + 1_000).unwrap().len(), 1);
    assert_eq!(store.forget_fires(NOW + 6).unwrap(), 2);
    assert!(store.notices(i64::MAX).unwrap().is_empty());
}

/// How many fires the schedulers below have to get through; more where the environment says so.
fn fires_wanted() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own size")]
    let more = std::env::var("LOOP_TEST_FIRES").ok();
    more.and_then(|text| text.parse().ok()).unwrap_or(500)
}

fn done(store: &Store) -> u64 {
    let sql = "SELECT count(*) FROM fires WHERE state = 'done'";
    store.db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64
}

/// A scheduler of its own process, which is killed at any moment: it decides what is due by a clock
/// that is minutes off, and performs whatever is open, as the commands do. Its "session" is a row of
/// the table of sessions, and a line in a file for its beginning and its end.
#[test]
#[ignore = "a process of the test below"]
fn one_scheduler() {
    #[expect(clippy::disallowed_methods, reason = "where the test above tells it to work")]
    let var = |name: &str| std::env::var(name);
    let Ok(root) = var("LOOP_TEST_ROOT") else { return };
    let skew: i64 = var("LOOP_TEST_SKEW").unwrap().parse().unwrap();
    let wanted = fires_wanted() as i64;
    let mut store = Store::open(std::path::Path::new(&root)).unwrap();
    let log = std::path::Path::new(&root).join("log");
    let tell = |what: &str, id: &str| {
        use std::io::Write as _;
        let mut file = OpenOptions::new().append(true).create(true).open(&log).unwrap();
        file.write_all(format!("{what} {id} {}\n", std::process::id()).as_bytes()).unwrap();
    };
    loop {
        // As the commands do, it takes the lock only where something is due, and then looks again.
        let cursor = store.standings().unwrap().get("a").map_or(0, |standing| standing.cursor);
        let mut open = store.open_fires().unwrap();
        if cursor < wanted && open.len() < 40 {
            store
                .decide(("a", "spec"), NOW + skew, |standing| {
                    // A standing of its own begins at some time; the times of this test are numbers.
                    let seen = if standing.cursor >= NOW { 0 } else { standing.cursor };
                    // One whose clock is behind sees times again.
                    let (from, to) = ((seen - skew).max(0) + 1, (seen + 8).min(wanted));
                    standing.cursor = to;
                    (from..=to).map(|n| NewFire::waiting(Cause::Cron, n.to_string(), n)).collect()
                })
                .unwrap();
            open = store.open_fires().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
        if open.is_empty() && done(&store) as i64 == wanted {
            return;
        }
        // Each begins elsewhere, so that they do not all wait for the same claim.
        let middle = std::process::id() as usize % open.len().max(1);
        open.rotate_left(middle);
        for fire in open {
            let Some(claim) = store.claim(&fire.id).unwrap() else { continue };
            let fire = store.fire(&fire.id).unwrap();
            if fire.state == State::Waiting {
                store.admit(&fire.id, NOW + skew, &[], |_, _| Admission::Go).unwrap();
            } else if fire.state != State::Running {
                continue;
            }
            tell("begin", &fire.id);
            let sql = "SELECT count(*) FROM sessions WHERE id = ?1";
            let known: i64 = store.db.query_row(sql, [&fire.id], |row| row.get(0)).unwrap();
            if known == 0 {
                let sql = "INSERT INTO sessions (id, uuid, phase, plan, created_at)
                           VALUES (?1, 'u', 'idle', '{}', 0)";
                store.db.execute(sql, [&fire.id]).unwrap();
                tell("run", &fire.id);
            }
            tell("end", &fire.id);
            let (state, outcome) = (State::Done, Some("succeeded"));
            let ended = Ended { state, reason: None, outcome, now: NOW + skew, tell: &[] };
            store.end_fire(&fire.id, &ended).unwrap();
            claim.over();
        }
    }
}

/// Sixteen schedulers on one store, of which one is killed every few milliseconds: every fire is
/// decided once and run once, and nobody performs what somebody else who lives performs.
#[test]
fn sixteen_schedulers_and_random_kills_run_everything_once() {
    let (dir, store) = store();
    let mut seed = 0x5eed_u64;
    let mut below = |end: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % end
    };
    let spawn = |skew: u64| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "store::fires::tests::one_scheduler",
                "--ignored",
                "--test-threads=1",
            ])
            .env("LOOP_TEST_ROOT", dir.path())
            .env("LOOP_TEST_SKEW", skew.to_string())
            .env("LOOP_TEST_FIRES", fires_wanted().to_string())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..16).map(|_| spawn(below(6))).collect();
    let mut killed = std::collections::BTreeSet::new();
    let started = std::time::Instant::now();
    while done(&store) < fires_wanted() {
        assert!(
            started.elapsed().as_secs() < 120 + fires_wanted() / 5,
            "{} after {:?}",
            done(&store),
            started.elapsed()
        );
        std::thread::sleep(std::time::Duration::from_millis(100 + below(200)));
        let unlucky = below(16) as usize;
        if children[unlucky].try_wait().unwrap().is_none() {
            children[unlucky].kill().unwrap();
            killed.insert(children[unlucky].id());
        }
        children[unlucky].wait().unwrap();
        children[unlucky] = spawn(below(6));
    }
    for mut child in children {
        assert!(child.wait().unwrap().success() || killed.contains(&child.id()));
    }
    assert_eq!(store.fires(Some("a"), u64::MAX).unwrap().len() as u64, fires_wanted());
    let sql = "SELECT count(*) FROM sessions";
    let sessions: u64 = store.db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64;
    assert_eq!(sessions, fires_wanted());
    nobody_overlapped(&std::fs::read_to_string(dir.path().join("log")).unwrap(), &killed);
    assert!(!killed.is_empty());
}

fn nobody_overlapped(log: &str, killed: &std::collections::BTreeSet<u32>) {
    let (mut runs, mut last) = (BTreeMap::new(), BTreeMap::new());
    for line in log.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (what, id, pid) = (words[0], words[1], words[2].parse::<u32>().unwrap());
        *runs.entry(id).or_insert(0) += i32::from(what == "run");
        if let Some(before) = last.insert(id, pid) {
            assert!(before == pid || killed.contains(&before), "{id}: {before}, and then {pid}");
        }
    }
    // One who is killed between a row and its line has told nobody.
    assert!(runs.values().all(|count| *count <= 1));
}
