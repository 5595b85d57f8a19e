//! The connection cut: for a while, in silence, and at many bytes of a whole session.

use super::far::{Far, Proxy, told};
use crate::need;
use crate::support::{Done, Home, need};
use serde_json::Value;
use std::time::Duration;

/// A worker that says so many lines, in that many seconds or so.
fn counting(lines: u32, seconds: u32) -> String {
    let pause = f64::from(seconds) / f64::from(lines / 100);
    format!(
        "i=0; while [ $i -lt {lines} ]; do i=$((i + 1)); echo line $i; \
         [ $((i % 100)) = 0 ] && sleep {pause}; done; echo $i > /artifacts/count.txt"
    )
}

fn start(preset: &str) -> [&str; 6] {
    ["session", "start", "--preset", preset, "--json", "count"]
}

/// How it goes undisturbed.
fn reference(script: &str) -> Vec<Value> {
    let home = Home::new();
    home.script("counts", "local", script, "");
    told(&home.ask(&start("counts")).ok().session(&home))
}

#[track_caller]
fn is_whole(lines: &[Value], expected: &[Value]) {
    let ours = told(lines);
    let first = ours.iter().zip(expected).find(|(ours, theirs)| ours != theirs);
    assert!(first.is_none(), "another event: {first:?}");
    assert_eq!(ours.len(), expected.len());
}

/// A network that is away for a while: whoever follows goes on by itself, and nothing is lost.
fn outage(engine: &str, break_it: impl Fn(&Proxy), away: Duration) {
    let far = need!(Far::start());
    need!(need::bubblewrap());
    if engine == "docker" {
        need!(need::image());
    }
    let script = counting(2000, 4);
    let expected = reference(&script);
    let (home, proxy) = (Home::new(), Proxy::to(far.port));
    home.script("counts", "ssh", &script, &far.options_by(&proxy, engine));
    let started = home.run(&start("counts")).limit(away + Duration::from_mins(3)).start();
    started.wait_for("line 400\"");
    let follow = home.run(&["session", "logs", "last", "-f", "--json"]).start();
    break_it(&proxy);
    std::thread::sleep(away);
    proxy.mend();
    is_whole(&started.done().ok().session(&home), &expected);
    follow.done().ok();
    is_whole(&home.events("last"), &expected);
    far.nothing_left(&home);
}

/// A minute takes a minute: `LOOP_TEST_OUTAGE_SECONDS`.
fn away() -> Duration {
    let set = std::env::var("LOOP_TEST_OUTAGE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(set.unwrap_or(6))
}

#[test]
fn a_connection_that_is_refused_for_a_while() {
    outage("local", Proxy::cut, away());
}

#[test]
fn a_connection_that_is_refused_for_a_while_with_containers() {
    outage("docker", Proxy::cut, away());
}

/// As with a firewall that drops, or a cable pulled: nothing says that it is over.
#[test]
fn a_connection_that_is_silent_for_a_while() {
    outage("local", Proxy::swallow, away());
}

/// Somebody ends the processes of the connection, on either side.
#[test]
fn killed_connections_are_made_again() {
    let far = need!(Far::start());
    need!(need::bubblewrap());
    let script = counting(2000, 4);
    let expected = reference(&script);
    let home = Home::new();
    home.script("counts", "ssh", &script, &far.options("local"));
    let started = home.run(&start("counts")).start();
    started.wait_for("line 400\"");
    far.disconnect(&home);
    started.wait_for("line 1000\"");
    for line in crate::acts::processes("/loop host") {
        if line.contains(&far.cache().display().to_string()) {
            super::far::kill(&line);
        }
    }
    is_whole(&started.done().ok().session(&home), &expected);
    far.nothing_left(&home);
}

/// Cut when so many bytes have come back, whatever they are: the handshake, the greeting, what the far
/// side lacks, the journal, the artifacts, the removal. It is never a success that is none, and the next
/// command makes it whole.
fn cut_at(far: &Far, engine: &str, expected: &[Value], script: &str, at: i64) -> bool {
    let (home, proxy) = (Home::new(), Proxy::to(far.port));
    home.script("counts", "ssh", script, &far.options_by(&proxy, engine));
    proxy.cut_after(at);
    let running = home.run(&start("counts")).start();
    let since = std::time::Instant::now();
    while !proxy.is_cut() && !running.so_far().contains("session_finished") {
        assert!(since.elapsed() < Duration::from_mins(1), "stuck at {at}");
        std::thread::sleep(Duration::from_millis(2));
    }
    let was_cut = proxy.is_cut();
    proxy.mend();
    let done = running.done();
    let story = format!("cut at {at}: {:?}\n{}", done.code, done.stderr);
    match done.code {
        Some(0) => is_whole(&done.session(&home), expected),
        // It never came to anything, and says so.
        Some(6) => assert!(!texts_end(&done), "{story}"),
        code => panic!("{code:?}: {story}"),
    }
    let swept = home.ask(&["gc", "--json"]).ok();
    // Shown where something is left.
    eprintln!("{story}\ngc: {}{}", swept.stdout, swept.stderr);
    if done.code == Some(0) {
        is_whole(&home.events("last"), expected);
        let count = home.data().join("sessions");
        let count = crate::acts::files(&count, &|path| path.ends_with("count.txt"));
        assert_eq!(count.len(), 1, "the artifact is there: {story}");
    }
    far.nothing_left(&home);
    was_cut
}

fn texts_end(done: &Done) -> bool {
    done.lines().last().is_some_and(|last| last["outcome"] == "succeeded")
}

/// About how many bytes a whole session brings back.
fn whole(far: &Far, engine: &str, script: &str) -> i64 {
    let (home, proxy) = (Home::new(), Proxy::to(far.port));
    home.script("counts", "ssh", script, &far.options_by(&proxy, engine));
    home.ask(&start("counts")).ok();
    far.nothing_left(&home);
    proxy.passed() as i64
}

/// `LOOP_TEST_CUTS` cuts, spread over a whole session.
fn cut_everywhere(engine: &str, usual: i64) {
    let far = need!(Far::start());
    let script = "echo began; i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo line $i; done; \
                  echo $i > /artifacts/count.txt";
    let expected = reference(script);
    // The first one also puts the program there, of which much more comes back.
    whole(&far, engine, script);
    let whole = whole(&far, engine, script);
    let set = std::env::var("LOOP_TEST_CUTS").ok().and_then(|text| text.parse().ok());
    let cuts: i64 = set.unwrap_or(usual);
    let mut were = 0;
    for n in 0..cuts {
        // No two runs have the same bytes where they are encrypted, so any offset serves.
        let at = n * whole / cuts + (n * 7919) % (whole / cuts).max(1);
        were += i64::from(cut_at(&far, engine, &expected, script, at));
    }
    assert!(were * 10 >= cuts * 8, "{were} of {cuts} were cut");
}

#[test]
fn a_session_is_cut_anywhere() {
    need!(need::bubblewrap());
    cut_everywhere("local", 24);
}

#[test]
fn a_session_with_containers_is_cut_anywhere() {
    need!(need::bubblewrap());
    need!(need::image());
    cut_everywhere("docker", 12);
}

/// Too much to come with the journal: it is asked for again, and while it cannot be had the sandbox that
/// holds it stays.
#[test]
fn artifacts_on_their_way_are_cut() {
    const SIZE: u64 = 3_000_000;
    let far = need!(Far::start());
    need!(need::bubblewrap());
    let script = format!("echo said; head -c {SIZE} /dev/urandom > /artifacts/large.bin");
    for comes_back in [true, false] {
        let (home, proxy) = (Home::new(), Proxy::to(far.port));
        home.script("makes", "ssh", &script, &far.options_by(&proxy, "local"));
        proxy.cut_after(SIZE as i64 / 2);
        let running = home.run(&start("makes")).start();
        let since = std::time::Instant::now();
        while !proxy.is_cut() {
            assert!(since.elapsed() < Duration::from_mins(1), "it is not cut");
            std::thread::sleep(Duration::from_millis(2));
        }
        if comes_back {
            proxy.mend();
            running.done().ok();
        } else {
            let done = running.done().exits(6);
            assert!(done.stderr.contains("loop session attach"), "{}", done.stderr);
            proxy.mend();
            home.ask(&["session", "attach", "last"]).ok();
        }
        let found = crate::acts::files(&home.data(), &|path| path.ends_with("large.bin"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].metadata().unwrap().len(), SIZE);
        far.nothing_left(&home);
    }
}

/// The end of a session is cut, and the command that ends it with it: whoever looks next goes on.
#[test]
fn an_end_that_is_cut_is_gone_on_with() {
    let far = need!(Far::start());
    need!(need::bubblewrap());
    let (home, proxy) = (Home::new(), Proxy::to(far.port));
    home.script("says", "ssh", "echo said", &far.options_by(&proxy, "local"));
    home.ask(&["session", "start", "--preset", "says", "--detach", "say"]).ok();
    let since = std::time::Instant::now();
    while home.ask(&["session", "list", "--json"]).ok().stdout.contains("\"running\"") {
        assert!(since.elapsed() < Duration::from_mins(1), "its turn does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
    proxy.cut();
    let done = home.ask(&["session", "stop", "last"]).exits(6);
    assert!(done.stderr.contains("loop gc"), "{}", done.stderr);
    proxy.mend();
    assert!(!far.sessions().is_empty(), "the sandbox waits for the next turn");
    home.ask(&["gc"]).ok();
    far.nothing_left(&home);
}

/// Cut while the program is put there: what is there is never half of it.
#[test]
fn the_program_on_its_way_is_cut() {
    let cache = tempfile::tempdir().unwrap();
    let far = need!(Far::start_with(&[], Some(cache.path())));
    need!(need::bubblewrap());
    let (home, proxy) = (Home::new(), Proxy::to(far.port));
    home.script("says", "ssh", "echo said", &far.options_by(&proxy, "local"));
    for _ in 0..3 {
        let running = home.run(&start("says")).start();
        let bin = cache.path().join("loop/bin");
        let arrives = || {
            !crate::acts::files(&bin, &|path| path.to_string_lossy().contains("/new.")).is_empty()
        };
        let since = std::time::Instant::now();
        while !arrives() && since.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        proxy.cut();
        let done = running.done().exits(6);
        assert!(done.stderr.contains("cannot put this program on `far`"), "{}", done.stderr);
        while arrives() {
            assert!(since.elapsed() < Duration::from_secs(40), "a part of it stays");
            std::thread::sleep(Duration::from_millis(5));
        }
        let whole = crate::acts::files(&bin, &|path| path.ends_with("loop"));
        assert_eq!(whole, Vec::<std::path::PathBuf>::new());
        proxy.mend();
    }
    home.ask(&start("says")).ok();
    home.ask(&["gc"]).ok();
    far.nothing_left(&home);
}
