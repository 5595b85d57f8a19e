//! The tests' model server by itself, for demos and benches.
//!
//! `model-server SCRIPT.json [PORT]` prints its address on a line and serves until it is ended.
//! The script is a list of steps for the lane `default`, or an object of lanes. Steps are chosen
//! by a request's history, so that any number of sessions can share a lane. Every request is a
//! line of JSON on standard error.

// Tests use more of it.
#![expect(dead_code, clippy::print_stdout, clippy::print_stderr, reason = "a program for tests")]

#[path = "../model_server/mod.rs"]
mod model_server;

use model_server::script::Step;
use model_server::{ModelServer, Order};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: model-server SCRIPT.json [PORT]")?;
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let text = std::fs::read_to_string(&path)?;
    let lanes: BTreeMap<String, Vec<Step>> = if text.trim_start().starts_with('[') {
        BTreeMap::from([("default".to_owned(), serde_json::from_str(&text)?)])
    } else {
        serde_json::from_str(&text)?
    };
    let server = ModelServer::start(port)?;
    let lanes: Vec<_> = lanes
        .into_iter()
        .map(|(name, steps)| server.lane_in(&name, steps, Order::History))
        .collect();
    println!("http://127.0.0.1:{}", server.port());
    let mut told = 0;
    loop {
        let seen = server.seen();
        for request in &seen[told..] {
            let line = serde_json::json!({"lane": request.lane, "method": request.method,
                "path": request.path, "answer": format!("{:?}", request.answer),
                "headers": request.headers, "body": request.body});
            eprintln!("{line}");
        }
        told = seen.len();
        std::thread::sleep(Duration::from_millis(50));
        if lanes.is_empty() {
            return Err("the script names no lane".into());
        }
    }
}
