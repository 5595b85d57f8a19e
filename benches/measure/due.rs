//! What is due over a hundred thousand automations.
//!
//! The functions of the product themselves, over values in memory: a fleet of schedules of many kinds
//! and zones, of which about one in a hundred is due. What reading them from files and the store costs
//! is not in it.

use crate::domain::automation::CatchUp;
use crate::domain::automation::due::{self, Timed};
use crate::domain::schedule::{Schedule, cron, zone};
use crate::rig::Rig;
use crate::table::Row;
use anyhow::{Result, ensure};
use std::hint::black_box;
use std::time::Instant;

const AUTOMATIONS: usize = 100_000;
/// The floor: each of them compared with the clock, and nothing else.
const MOST_MS: f64 = 10.0;
const ROUNDS: usize = 15;
/// 2026-03-02T00:00:00Z
const NOW: i64 = 1_772_409_600_000;
const MINUTE: i64 = 60_000;
