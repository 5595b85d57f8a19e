//! One turn: files, setup commands, the harness, its limits, its end.

use super::hands::Used;
use super::job::{Ended, Job};
use super::ladder::{GRACES, Ladder};
use super::log::Journal;
use super::processes::{self, Target};
use super::record::{Record, shorten};
use super::spawn::Plan;
use super::tail::Into;
use super::{Redact, Redactor, memory, redacted};
use crate::domain::journal::{Exit, Limit, Sys};
use crate::domain::turn::{BootSpec, TurnSpec};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// How long what a harness left behind may take to end when told to.
const LEFT_BEHIND: Duration = Duration::from_millis(300);
/// How long it may take to die.
const DYING: Duration = Duration::from_secs(10);
/// How long the last step of ours may take.
const CONCLUDING: Duration = Duration::from_mins(2);
const SOON: Duration = Duration::from_millis(10);

enum Step {
    Prepare,
    Place,
    Setup(usize, String),
    Harness,
}

/// What happens to descendants once the last process of the turn is over.
#[derive(Clone, Copy)]
enum Sweep {
    Not,
    Told(Instant),
    Done,
}

pub struct Turn {
    boot: BootSpec,
    spec: TurnSpec,
    record: Record,
    hide: Box<dyn Redact>,
    steps: VecDeque<Step>,
    job: Option<(Step, Job)>,
    ladder: Option<Ladder>,
    sweep: Sweep,
    quiet: Quiet,
    started: Instant,
    oom_kills: u64,
    exit: Exit,
}

impl Turn {
    /// A turn that was claimed.
    pub fn new(boot: &BootSpec, spec: TurnSpec, record: Record, redactor: Redactor) -> Self {
        let now = Instant::now();
        let mut steps = VecDeque::new();
        if !spec.prepare.is_empty() {
            steps.push_back(Step::Prepare);
        }
        if !spec.files.is_empty() {
            steps.push_back(Step::Place);
        }
        steps.extend(spec.setup.iter().cloned().enumerate().map(|(at, s)| Step::Setup(at, s)));
        steps.push_back(Step::Harness);
        Self {
            boot: boot.clone(),
            hide: redactor(&spec.secrets),
            record,
            steps,
            job: None,
            ladder: None,
            sweep: Sweep::Not,
            quiet: Quiet::new(now, spec.limits.quiet_ms),
            started: now,
            oom_kills: memory::kills(),
            exit: Exit::default(),
            spec,
        }
    }

    /// What becomes readable when there is something to copy.
    pub fn fd(&self, now: Instant) -> Option<BorrowedFd<'_>> {
        self.job.as_ref()?.1.watch().fd(now)
    }

    /// A child has ended.
    pub fn ended(&mut self, pid: Pid, how: Ended) {
        if let Some((_, job)) = &mut self.job
            && job.pid == pid
        {
            job.ended = Some(how);
        }
    }

    /// The machine stood still for a while, and that counts towards no limit.
    pub fn stood_still(&mut self, long: Duration) {
        self.started += long;
        self.quiet.last += long;
    }

    /// The supervisor is to end, and the turn with it.
    pub fn terminate(&mut self, journal: &mut Journal, graces: [Duration; 2]) {
        self.exit.terminated |= !self.exit.interrupted;
        self.interrupt(journal, graces);
    }

    /// Somebody wants it to end.
    pub fn interrupt(&mut self, journal: &mut Journal, graces: [Duration; 2]) {
        let now = Instant::now();
        match &mut self.ladder {
            Some(ladder) => ladder.hurry(graces, now),
            None if matches!(self.sweep, Sweep::Not) => {
                self.exit.interrupted = true;
                journal.sys(self.spec.turn, &Sys::Interrupted);
                self.stop(graces, now);
            }
            None => {}
        }
    }

    fn stop(&mut self, graces: [Duration; 2], now: Instant) {
        self.steps.clear();
        let wrapped = self.boot.wrap_takes_signals();
        if let Some((_, job)) = &self.job {
            let target = Target { main: job.pid, wrapped };
            self.ladder = Some(Ladder::start(target, graces, now));
        }
    }

    /// Does what there is to do, and says when to come again; `None` when the turn is over.
    pub fn pump(&mut self, journal: &mut Journal, now: Instant) -> Option<Instant> {
        if self.job.is_none() {
            self.begin(journal, now);
        }
        let more = self.copy(journal, now);
        let runs = self.job.as_ref().is_some_and(|(_, job)| job.ended.is_none());
        if runs {
            self.judge(journal, now);
            return Some(if more { now } else { self.due(now) });
        }
        let last = self.steps.is_empty() || self.exit.spawn_error.is_some();
        if last && !self.swept(now) {
            let soon = more || matches!(self.sweep, Sweep::Done);
            return Some(if soon { now } else { now + SOON });
        }
        if more {
            return Some(now);
        }
        let turn = self.turn_of_job();
        if let Some((_, job)) = &mut self.job
            && journal.blocked().is_some()
            && !job.give_up(turn, journal)
        {
            return Some(now + Duration::from_secs(1));
        }
        self.end_step(journal, now);
        if self.steps.is_empty() && matches!(self.sweep, Sweep::Done) {
            self.finish(journal, now);
            return None;
        }
        Some(now)
    }

    /// Starts the next step.
    fn begin(&mut self, journal: &mut Journal, now: Instant) {
        let Some(step) = self.steps.pop_front() else { return };
        let plan = Plan { boot: &self.boot, spec: &self.spec, dir: &self.record.dir };
        let hide = |text: &String| redacted(&*self.hide, text);
        let started = match &step {
            Step::Prepare => {
                plan.prepare().map_err(|error| format!("cannot prepare the workspace: {error}"))
            }
            Step::Place => plan.place().map_err(|error| format!("cannot place files: {error}")),
            Step::Setup(at, command) => {
                journal.sys(0, &Sys::SetupStarted { command: hide(command) });
                let started = plan.setup(*at, command);
                started.map_err(|error| format!("cannot run setup command `{command}`: {error}"))
            }
            Step::Harness => {
                let argv = self.spec.argv.iter().map(hide).collect();
                journal.sys(self.spec.turn, &Sys::TurnStarted { argv });
                journal.flush();
                plan.harness().map_err(|error| {
                    let name = self.spec.argv.first().map_or("", String::as_str);
                    format!("cannot run `{name}` in `{}`: {error}", self.spec.cwd)
                })
            }
        };
        self.quiet.last = now;
        match started {
            Ok(started) => self.job = Some((step, Job::new(started, now))),
            Err(reason) => self.fail(&reason),
        }
    }

    fn fail(&mut self, reason: &str) {
        let mut reason = redacted(&*self.hide, reason);
        shorten(&mut reason);
        self.exit.spawn_error = Some(reason);
        self.steps.clear();
    }

    /// With what a step of ours said before it failed.
    fn fail_as_said(&mut self, doing: &str, file: &str) {
        let said = std::fs::read(self.record.dir.join(file)).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines = said.lines().map(|line| line.trim_start_matches("error: ").trim());
        let said = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        self.fail(&format!("cannot {doing}: {said}"));
    }

    fn turn_of_job(&self) -> u32 {
        match &self.job {
            Some((Step::Harness, _)) => self.spec.turn,
            _ => 0,
        }
    }

    fn copy(&mut self, journal: &mut Journal, now: Instant) -> bool {
        let turn = self.turn_of_job();
        let limit = self.spec.limits.output_bytes;
        let mut into = Into { journal, turn, hide: &*self.hide };
        match &mut self.job {
            // What it says is told as the reason for its failure.
            Some((Step::Prepare | Step::Place, _)) | None => false,
            Some((_, job)) => job.copy(&mut into, limit, now),
        }
    }

    /// Holds the running step to the limits.
    fn judge(&mut self, journal: &mut Journal, now: Instant) {
        let Some((_, job)) = &mut self.job else { return };
        if let Some(ladder) = &mut self.ladder {
            let target = Target { main: job.pid, wrapped: self.boot.wrap_takes_signals() };
            if !ladder.climb(target, now) {
                job.ended = Some(Ended::Signal(Signal::SIGKILL as i32));
            }
            return;
        }
        let limits = self.spec.limits;
        let written = job.written();
        let reached = if limits.output_bytes > 0 && written > limits.output_bytes {
            Limit::Output
        } else if limits.wall_ms > 0 && now >= self.started + millis(limits.wall_ms) {
            Limit::Time
        } else if self.quiet.is_over(written, now, self.boot.elsewhere.as_deref()) {
            Limit::Quiet
        } else {
            return;
        };
        self.exit.limit = Some(reached);
        journal.sys(self.spec.turn, &Sys::Limit(reached));
        self.stop(GRACES, now);
    }

    fn due(&self, now: Instant) -> Instant {
        let watch = self.job.as_ref().map(|(_, job)| job.watch().due(now));
        let wall = self.spec.limits.wall_ms;
        let ends = match &self.ladder {
            Some(ladder) => Some(ladder.due()),
            None => (wall > 0).then(|| self.started + millis(wall)),
        };
        [watch, ends, self.quiet.due()].into_iter().flatten().min().unwrap_or(now + SOON)
    }

    /// Ends what was left behind, and says whether nothing is left.
    fn swept(&mut self, now: Instant) -> bool {
        match self.sweep {
            Sweep::Done => return true,
            Sweep::Not if processes::living().is_empty() => self.sweep = Sweep::Done,
            Sweep::Not => {
                processes::ask_all(Signal::SIGTERM);
                self.sweep = Sweep::Told(now);
            }
            Sweep::Told(since) => {
                if processes::living().is_empty() || now >= since + DYING {
                    self.sweep = Sweep::Done;
                } else if now >= since + LEFT_BEHIND {
                    processes::kill_all();
                }
            }
        }
        // Once more round, so that what was written last is copied.
        false
    }

    /// The process of a step is over and its output copied.
    fn end_step(&mut self, journal: &mut Journal, now: Instant) {
        let turn = self.turn_of_job();
        let Some((step, mut job)) = self.job.take() else { return };
        let exit = job.exit(now);
        let forced = self.ladder.is_some();
        let failed = !exit.is_clean() && !forced;
        if !matches!(step, Step::Prepare | Step::Place) {
            job.finish(&mut Into { journal, turn, hide: &*self.hide });
        }
        match step {
            Step::Prepare if failed => self.fail_as_said("prepare the workspace", "prepare-err"),
            Step::Place if failed => self.fail_as_said("place files", "place-err"),
            Step::Prepare | Step::Place => {}
            Step::Setup(_, command) => {
                if failed {
                    self.fail(&format!("setup command `{command}` {}", how(&exit)));
                }
                let command = redacted(&*self.hide, &command);
                journal.sys(0, &Sys::SetupExited { command, exit });
            }
            Step::Harness => {
                let before = std::mem::take(&mut self.exit);
                self.exit = Exit {
                    limit: before.limit,
                    interrupted: before.interrupted,
                    terminated: before.terminated,
                    ..exit
                };
            }
        }
    }

    /// Records how it ended, first where it counts and then where it is read.
    fn finish(&mut self, journal: &mut Journal, now: Instant) {
        let elsewhere = Used::read(self.boot.elsewhere.as_deref()).oom_kills;
        self.exit.oom_kills = memory::kills().saturating_sub(self.oom_kills) + elsewhere;
        self.exit.duration_ms = now.duration_since(self.started).as_millis() as u64;
        self.conclude();
        self.tell_artifacts(journal);
        tell_end(journal, &self.record, &self.exit);
    }
}

impl Turn {
    /// Where it fails, there is just nothing of it among the artifacts.
    fn conclude(&self) {
        // What never began has nothing to conclude.
        if self.spec.conclude.is_empty() || self.exit.spawn_error.is_some() {
            return;
        }
        let plan = Plan { boot: &self.boot, spec: &self.spec, dir: &self.record.dir };
        let _ = plan.conclude(CONCLUDING);
        processes::kill_all();
    }

    /// Nothing of the worker's runs any more, so what it left stays as it is.
    fn tell_artifacts(&self, journal: &mut Journal) {
        let Some(folder) = &self.boot.artifacts else { return };
        let plan = Plan { boot: &self.boot, spec: &self.spec, dir: &self.record.dir };
        if let Some(archive) = plan.pack(folder).and_then(|packed| self.hide.archive(packed)) {
            let tar = STANDARD.encode(archive);
            journal.sys(self.spec.turn, &Sys::Artifacts { tar });
        }
    }
}

/// Writes the record of a turn's end, and the line that tells it.
pub fn tell_end(journal: &mut Journal, record: &Record, exit: &Exit) {
    journal.flush();
    if record.write(exit).is_err() {
        // Without a record there is still the line; the next supervisor makes the record up.
        journal.free_reserve();
    }
    journal.sys(record.turn, &Sys::TurnExited(exit.clone()));
    journal.flush();
    if journal.blocked().is_some() {
        journal.free_reserve();
    }
    journal.sync();
    journal.keep_reserve();
}

fn how(exit: &Exit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "did not end".to_owned(),
    }
}

fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Whether a turn still makes progress: it writes, or it uses the processor.
struct Quiet {
    limit: Duration,
    /// When it last did.
    last: Instant,
    written: u64,
    cpu: u64,
    probe: Instant,
}

impl Quiet {
    fn new(now: Instant, limit_ms: u64) -> Self {
        let quiet = Self { limit: millis(limit_ms), last: now, written: 0, cpu: 0, probe: now };
        // The first look at every process there is can wait; the start cannot.
        Self { probe: now + quiet.pause(), ..quiet }
    }

    fn pause(&self) -> Duration {
        (self.limit / 20).clamp(Duration::from_millis(50), Duration::from_secs(10))
    }

    fn due(&self) -> Option<Instant> {
        (!self.limit.is_zero()).then_some(self.probe)
    }

    fn is_over(&mut self, written: u64, now: Instant, elsewhere: Option<&str>) -> bool {
        if self.limit.is_zero() {
            return false;
        }
        if written != self.written {
            self.written = written;
            self.last = now;
        }
        if now >= self.probe {
            let here = processes::living().iter().map(|process| process.cpu).sum::<u64>();
            let cpu = here + Used::read(elsewhere).cpu;
            // A program that waits still uses a little; a fiftieth of a processor is work. A tick
            // is a hundredth of a second.
            let enough = (self.pause().as_millis() as u64 / 500).max(1);
            if cpu >= self.cpu + enough {
                self.last = now;
            }
            self.cpu = cpu;
            self.probe = now + self.pause();
        }
        now >= self.last + self.limit
    }
}
