//! (c) Fifty sessions at once: all right, not much slower than fifty bare runs, small, and nothing
//! left.

use super::rig::{Rig, each, pairs};
use super::table::{Aim, Row, Unit, median};
use super::timed;
use super::watch::{self, Seen, Watch};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const MANY: usize = 50;

struct Batch {
    wall: f64,
    cpu: f64,
    /// How many were right.
    right: usize,
    seen: Seen,
}

pub fn measure(rig: &mut Rig) -> Result<()> {
    rig.need_docker()?;
    rig.preset("many", &["echo", "here"], &rig.docker_sandbox("none"))?;
    let program = rig.program.clone();
    let docker = which("docker")?;
    let start = ["session", "start", "--preset", "many", "--json", "-q"];
    let bare = ["run", "--rm", "--network", "none", &rig.image, "echo", "here"];
    let pairs = pairs(
        ROUNDS,
        || batch(rig, &program, &start, |out| finished(out) == Some("succeeded".to_owned())),
        || batch(rig, &docker, &bare, |out| out.trim() == "here"),
    )?;
    let left = rig.containers()?.len() + watch::left(&rig.program, rig.dir.path())?.len();
    let wall = each(&pairs, |batch| batch.wall);
    let cpu = each(&pairs, |batch| batch.cpu);
    let commands = each(&pairs, |batch| batch.seen.commands);
    let all = median(pairs.iter().map(|(ours, _)| ours.seen.all));
    let wrong = pairs.iter().map(|(ours, _)| MANY - ours.right).sum::<usize>();
    let title = |what: &str| format!("(c) 50 at once, {what}");
    let floor = "docker run";
    let rows = [
        Row::of(&title("wall"), Unit::Seconds, &wall, floor, Aim::Ratio(1.3)),
        Row::of(&title("CPU of the commands"), Unit::Seconds, &cpu, floor, Aim::Told),
        Row::of(&title("PSS of the commands"), Unit::MiB, &commands, floor, Aim::Below(60.0)),
        Row::alone(&title("PSS with supervisors"), Unit::MiB, all, Aim::Told),
        Row::alone(&title("not right, of 150"), Unit::Count, wrong as f64, Aim::Below(1.0)),
        Row::alone(&title("left behind"), Unit::Count, left as f64, Aim::Below(1.0)),
    ];
    rig.rows.extend(rows);
    Ok(())
}

fn batch(rig: &Rig, program: &Path, argv: &[&str], right: impl Fn(&str) -> bool) -> Result<Batch> {
    let outs: Vec<PathBuf> = (0..MANY).map(|at| rig.path(&format!("out-{at}"))).collect();
    let watch = Watch::start(program, Duration::from_millis(100))?;
    let (cpu, began) = (timed::children_cpu()?, Instant::now());
    let start = |out: &PathBuf| -> Result<Child> {
        let mut command = Command::new(program);
        rig.environment(&mut command);
        let errors = File::create(out.with_extension("err"))?;
        command.args(argv).stdin(Stdio::null()).stdout(File::create(out)?).stderr(errors);
        Ok(command.spawn()?)
    };
    let children: Vec<Child> = outs.iter().map(start).collect::<Result<_>>()?;
    let mut right_ones = 0;
    for (mut child, out) in children.into_iter().zip(&outs) {
        let status = child.wait()?;
        let said = std::fs::read_to_string(out)?;
        if status.success() && right(&said) {
            right_ones += 1;
        } else {
            let errors = std::fs::read_to_string(out.with_extension("err"))?;
            eprintln!("one of fifty: {status}: {errors}{said}");
        }
    }
    let wall = began.elapsed().as_secs_f64();
    let cpu = timed::children_cpu()? - cpu;
    let seen = watch.end();
    ensure!(right_ones > 0, "not one of {MANY} was right");
    Ok(Batch { wall, cpu, right: right_ones, seen })
}

/// What the last line says of how the session ended.
fn finished(out: &str) -> Option<String> {
    let last: Value = serde_json::from_str(out.lines().last()?).ok()?;
    Some(last["outcome"].as_str()?.to_owned())
}

fn which(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = found.find(|path| path.is_file());
    Ok(found.with_context(|| format!("no `{name}`"))?.canonicalize()?)
}
