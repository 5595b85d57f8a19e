//! (a) What commands cost that do little: a script or an agent may call them once a second.

use super::rig::{Rig, each, pairs, text};
use super::store;
use super::table::{Aim, Row, Unit};
use anyhow::{Result, ensure};

const ROUNDS: usize = 41;
const SESSIONS: u32 = 10_000;
const CPU: f64 = 0.005;
const PEAK: f64 = 12.0;

pub fn measure(rig: &mut Rig) -> Result<()> {
    let nothing = nothing(rig)?;
    let floor = || rig.run(&[&nothing]);
    let version = pairs(ROUNDS, || rig.ours(&["--version"]), floor)?;
    let session = rig.finished_session()?;
    store::multiply(&rig.data(), &session, SESSIONS)?;
    let all = rig.ours(&["session", "list", "--limit", "100000", "--json"])?;
    ensure!(all.bytes > u64::from(SESSIONS) * 100, "the store does not hold {SESSIONS} sessions");
    let list = pairs(ROUNDS, || rig.ours(&["session", "list"]), floor)?;
    let json = pairs(ROUNDS, || rig.ours(&["session", "list", "--json"]), floor)?;
    let docker = rig.need_docker().and_then(|()| {
        pairs(ROUNDS, || rig.ours(&["session", "list"]), || rig.run(&["docker", "ps"]))
    });
    for (name, pairs, floor) in [
        ("--version", Ok(version), "static C"),
        ("session list, 10,000", Ok(list), "static C"),
        ("session list --json, 10,000", Ok(json), "static C"),
        ("session list, 10,000", docker, "docker ps"),
    ] {
        let Ok(pairs) = pairs else { continue };
        let title = |what: &str| format!("(a) `{name}`, {what}");
        let cpu = each(&pairs, |ran| ran.cost.cpu);
        let peak = each(&pairs, |ran| ran.cost.peak);
        rig.rows.push(Row::of(&title("CPU"), Unit::Ms, &cpu, floor, Aim::Below(CPU)));
        rig.rows.push(Row::of(&title("memory"), Unit::MiB, &peak, floor, Aim::Below(PEAK)));
    }
    Ok(())
}

/// The smallest program there is: what starting any process costs.
fn nothing(rig: &Rig) -> Result<String> {
    let (source, program) = (rig.path("nothing.c"), rig.path("nothing"));
    std::fs::write(&source, "int main(void) { return 0; }\n")?;
    rig.run(&["cc", "-O2", "-static", "-o", text(&program), text(&source)])?;
    Ok(text(&program).to_owned())
}
