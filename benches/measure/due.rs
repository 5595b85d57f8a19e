//! (s) What is due over a hundred thousand automations: the product's own functions, built into this
//! program, over values in memory. Schedules of many kinds and zones, of which one in a hundred is
//! due. What reading them from files and the store costs is not in it.

use super::rig::{Rig, pairs};
use super::table::{Aim, Row, Unit};
use crate::domain::automation::CatchUp;
use crate::domain::automation::due::{self, Timed};
use crate::domain::schedule::{Schedule, cron, zone};
use anyhow::{Result, anyhow, ensure};
use std::hint::black_box;
use std::time::Instant;

const AUTOMATIONS: usize = 100_000;
const ROUNDS: usize = 15;
/// Milliseconds.
const MOST: f64 = 10.0;
/// 2026-03-02T00:00:00Z
const NOW: i64 = 1_772_409_600_000;
const HOUR: i64 = 3_600_000;

const SPECS: [&str; 5] = ["*/15 * * * *", "0 2 * * *", "30 9 * * 1-5", "0 0 1 * *", "7 * * * *"];
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"];

pub fn measure(rig: &mut Rig) -> Result<()> {
    let schedules = schedules()?;
    let all: Vec<(String, usize)> =
        (0..AUTOMATIONS).map(|n| (format!("automation-{n}"), n % schedules.len())).collect();
    let timed = |(name, which): &'_ (String, usize)| {
        let schedule = &schedules[*which];
        (name.clone(), schedule)
    };
    // One in a hundred missed the last hour; the others have decided all there is.
    let standing: Vec<(i64, i64)> = all
        .iter()
        .enumerate()
        .map(|(n, one)| {
            let (name, schedule) = timed(one);
            let cursor = if n % 100 == 0 { NOW - HOUR } else { NOW };
            let timed = Timed { name: &name, schedule, catch_up: CatchUp::Latest, jitter_ms: 0 };
            (cursor, if n % 100 == 0 { NOW } else { due::look_again(timed, cursor, NOW) })
        })
        .collect();
    let ours = || {
        let began = Instant::now();
        let mut fires = 0;
        for ((name, which), (cursor, look_at)) in all.iter().zip(&standing) {
            if due::to_look(*look_at, NOW) {
                let (schedule, catch_up) = (&schedules[*which], CatchUp::Latest);
                let timed = Timed { name, schedule, catch_up, jitter_ms: 0 };
                fires += black_box(due::due(timed, *cursor, NOW)).fires.len();
            }
        }
        let took = began.elapsed().as_secs_f64();
        ensure!(fires >= AUTOMATIONS / 250, "{fires} were due");
        Ok(took)
    };
    let floor = || {
        let began = Instant::now();
        black_box(standing.iter().filter(|(cursor, _)| *cursor < NOW).count());
        Ok(began.elapsed().as_secs_f64())
    };
    let pairs = pairs(ROUNDS, ours, floor)?;
    let figure = "(s) what is due over 100,000 automations";
    rig.rows.push(Row::of(figure, Unit::Ms, &pairs, "a comparison each", Aim::Below(MOST / 1e3)));
    Ok(())
}

fn schedules() -> Result<Vec<Schedule>> {
    let wrong = |text: String| anyhow!(text);
    let mut schedules = Vec::new();
    for spec in SPECS {
        for name in ZONES {
            let parsed = cron(spec).map_err(wrong)?;
            schedules.push(Schedule::new(parsed, spec, (name, zone(name).map_err(wrong)?)));
        }
    }
    Ok(schedules)
}
