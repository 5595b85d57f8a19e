//! (b) From the command to the harness's first instruction, and to the end.
//!
//! The worker's first instruction prints the time; sandboxes share this machine's clock.

use super::rig::{Ran, Rig, bubblewrap, each, first_words, pairs};
use super::table::{Aim, Row, Unit, median};
use anyhow::{Context as _, Result};

const ROUNDS: usize = 15;
const DATE: [&str; 2] = ["date", "+%s.%N"];

pub fn measure(rig: &mut Rig) -> Result<()> {
    rig.need_docker()?;
    for (network, theirs) in [("none", "none"), ("default", "bridge")] {
        rig.preset("first", &DATE, &rig.docker_sandbox(network))?;
        let bare = ["docker", "run", "--rm", "--network", theirs, &rig.image, DATE[0], DATE[1]];
        let pairs = pairs(ROUNDS, || rig.session("first").and_then(ours), || floor(rig, &bare))?;
        let title = |what: &str| format!("(b) network {network}, {what}");
        add(rig, &title("to the first instruction"), &each(&pairs, |it| it.first), "docker run");
        let wall = each(&pairs, |it| it.wall);
        add_told(rig, &title("to the exit"), Unit::Ms, &wall, "docker run");
        let cpu = each(&pairs, |it| it.cpu);
        add_told(rig, &title("CPU of the command"), Unit::Ms, &cpu, "docker run");
        let peak = each(&pairs, |it| it.peak);
        add_told(rig, &title("memory of the command"), Unit::MiB, &peak, "docker run");
    }
    if bubblewrap() {
        rig.preset("first", &DATE, "provider = \"local\"\nnetwork = \"none\"")?;
        let bare = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", DATE[0], DATE[1]];
        let pairs = pairs(ROUNDS, || rig.session("first").and_then(ours), || floor(rig, &bare))?;
        let title = |what: &str| format!("(b) local, {what}");
        let first = each(&pairs, |it| it.first);
        add_told(rig, &title("to the first instruction"), Unit::Ms, &first, "bwrap");
        let wall = each(&pairs, |it| it.wall);
        add_told(rig, &title("to the exit"), Unit::Ms, &wall, "bwrap");
    }
    demo(rig)
}

/// The main job without an account: the bundled project, triaged.
fn demo(rig: &mut Rig) -> Result<()> {
    let providers = if bubblewrap() { vec!["docker", "local"] } else { vec!["docker"] };
    for provider in providers {
        let argv = ["session", "start", "--preset", "triage", "--project", "demo", "--sandbox"];
        let argv = [&argv[..], &[provider, "--json", "-q"]].concat();
        rig.ours(&argv)?;
        let runs: Vec<Ran> = (0..5).map(|_| rig.ours(&argv)).collect::<Result<_>>()?;
        let wall = median(runs.iter().map(|ran| ran.cost.wall));
        let title = format!("(b) the demo on {provider}, whole");
        rig.rows.push(Row::alone(&title, Unit::Ms, wall, Aim::Below(2.0)));
    }
    Ok(())
}

struct Start {
    first: f64,
    wall: f64,
    cpu: f64,
    peak: f64,
}

fn ours(ran: Ran) -> Result<Start> {
    let said = first_words(&ran.out)?;
    of(&ran, &said)
}

fn floor(rig: &Rig, argv: &[&str]) -> Result<Start> {
    let ran = rig.run(argv)?;
    of(&ran, &ran.out)
}

fn of(ran: &Ran, said: &str) -> Result<Start> {
    let at: f64 = said.trim().parse().with_context(|| format!("`{said}` is no time"))?;
    let cost = &ran.cost;
    Ok(Start { first: at - cost.started, wall: cost.wall, cpu: cost.cpu, peak: cost.peak })
}

fn add(rig: &mut Rig, title: &str, pairs: &[(f64, f64)], floor: &str) {
    rig.rows.push(Row::of(title, Unit::Ms, pairs, floor, Aim::Ratio(1.0)));
}

fn add_told(rig: &mut Rig, title: &str, unit: Unit, pairs: &[(f64, f64)], floor: &str) {
    rig.rows.push(Row::of(title, unit, pairs, floor, Aim::Told));
}
