//! `loop traces stats`

use super::{Which, print, view};
use crate::commands::app::{App, Done};
use crate::config::value::usage;
use crate::domain::measure;
use crate::error::{Failure, Kind, Result};
use crate::output::human::traces as human;
use crate::traces::metric::{self, Bucket, Measured, Metric};
use crate::traces::query::{self, By, Evidence, StatsAsk, render};
use serde::Serialize;
use std::time::Duration;

/// Counts, error rates, latencies, tokens and cost
///
/// Metrics: error_rate (of root spans), any_error_rate, p50_latency, p95_latency, p99_latency (of root
/// spans), tokens, prompt_tokens, completion_tokens, cost, traces, spans, annotation:NAME (mean
/// score), annotation:NAME=LABEL (share), tool_failure_rate:TOOL.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop traces stats --project demo
  loop traces stats --project demo --by tool
  loop traces stats --project demo --by model --json
  loop traces stats --project demo --metric error_rate,p95_latency,cost --every 6h")]
pub struct Stats {
    /// name, kind, model, tool, session, user or error
    #[arg(long, value_name = "WHAT", conflicts_with = "metric")]
    by: Option<String>,
    /// Only these numbers, each with what it was counted from
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    metric: Vec<String>,
    /// The numbers for each stretch of time too
    #[arg(long, value_name = "DURATION", value_parser = measure::duration, requires = "metric")]
    every: Option<Duration>,
    #[command(flatten)]
    which: Which,
    /// At most so many groups
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// What `--metric` answers.
#[derive(Serialize)]
struct Readings {
    version: u32,
    evidence: Evidence,
    metrics: Vec<Measured>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_ms: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<Bucket>,
}

impl Stats {
    pub fn run(self, app: &App) -> Done {
        let by = self.by.as_deref().map(By::named).transpose()?;
        let metrics = self.metrics()?;
        let asked = self.which.open(app)?;
        if !metrics.is_empty() {
            return self.measure(app, &asked, &metrics);
        }
        let (prices, typing) = (asked.prices(app)?, self.which.typing());
        let ask = StatsAsk { by, window: asked.window, limit: self.limit };
        let stats = query::stats(&asked.snapshot, &ask, &prices)?;
        print(
            app,
            &stats,
            || render::stats(&stats, typing.typed()),
            |out, screen| human::write_numbers(out, screen, &view::stats(&stats, typing.typed())),
        )
    }

    fn metrics(&self) -> Result<Vec<Metric>> {
        self.metric.iter().map(|text| Metric::parse(text).map_err(usage)).collect()
    }

    fn measure(&self, app: &App, asked: &super::Asked, metrics: &[Metric]) -> Done {
        let (snapshot, window, prices) = (&asked.snapshot, asked.window, asked.prices(app)?);
        let every_ms = self.every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX));
        if every_ms == Some(0) {
            return Err(Failure::new(Kind::Usage, "`--every` is longer than nothing"));
        }
        let measured = metrics.iter().map(|one| metric::measure(snapshot, one, window, &prices));
        let measured = measured.collect::<Result<Vec<_>>>()?;
        let buckets = match every_ms {
            Some(every_ms) => metric::buckets(snapshot, metrics, window, every_ms, &prices)?,
            None => Vec::new(),
        };
        let evidence = query::evidence(snapshot)?;
        let readings = Readings { version: 1, evidence, metrics: measured, every_ms, buckets };
        let typing = self.which.typing();
        let Readings { evidence, metrics, buckets, .. } = &readings;
        let head = render::evidence(evidence);
        let trends = || view::trends(metrics, buckets);
        let lines: Vec<String> = head.lines().map(str::to_owned).collect();
        let next = typing.typed().command("list --errors");
        print(
            app,
            &readings,
            || head.clone() + &render::metrics(metrics, buckets, typing.typed()),
            |out, screen| human::write_trends(out, screen, &lines, &trends(), &next),
        )
    }
}
