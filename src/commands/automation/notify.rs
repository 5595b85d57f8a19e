//! Telling people how a run came out: a webhook, or a command of their own.
//!
//! What is to be told is recorded with the end of the fire, and tried until it arrives or was tried
//! too often, by whoever looks next. So it is told at least once; the fire's id says when it is told
//! twice. An address is a secret, and is in no message.

use super::plan::CHAIN;
use super::summary;
use crate::commands::app::App;
use crate::commands::clock;
use crate::domain::automation::fire::Fire;
use crate::domain::automation::{Automation, Format, Notify};
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::http::{Client, Method, Request};
use crate::output::failure;
use crate::output::json::v1;
use crate::output::view::SessionView;
use crate::secrets::signature;
use crate::store::{Notice, Store, Target};
use serde::Serialize;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// After so many tries it is given up.
const MOST_TRIES: u32 = 12;

/// How long one try may take, and somebody else keeps off.
const WITHIN: Duration = Duration::from_secs(20);
const LEASE_MS: i64 = 60_000;

/// The pause after the first try; it doubles, up to the longest.
const PAUSE_MS: i64 = 10_000;
const LONGEST_MS: i64 = 3_600_000;

/// All that is known of a run.
#[derive(Serialize)]
struct Told<'a> {
    v: u8,
    /// The same wherever it is told again.
    id: &'a str,
    summary: String,
    fire: v1::Fire<'a>,
    session: Option<v1::Session<'a>>,
}

/// Tells what is to be told by now. What does not arrive is told to the person at the terminal, and
/// tried again later.
pub fn deliver(app: &App, store: &mut Store) -> Result<()> {
    let now = clock::now();
    for notice in store.notices(now)? {
        if !store.take_notice(&notice, now.saturating_add(LEASE_MS))? {
            continue;
        }
        let result = one(app, store, &notice);
        let now = clock::now();
        let tries = notice.tries + 1;
        match result {
            Ok(()) => store.set_notice(&notice, "sent", now, None)?,
            Err(failed) => {
                let (state, due_at) = match tries {
                    MOST_TRIES.. => ("given up", now),
                    _ => ("open", now.saturating_add(pause(tries))),
                };
                let told = failed.to_string();
                store.set_notice(&notice, state, due_at, Some(&told))?;
                failure::warn(
                    &format!("fire `{}` could not be told: {told}", notice.fire),
                    &app.screens,
                );
            }
        }
    }
    Ok(())
}

fn pause(tries: u32) -> i64 {
    PAUSE_MS.saturating_mul(1 << (tries - 1).min(12)).min(LONGEST_MS)
}

fn one(app: &App, store: &Store, notice: &Notice) -> Result<()> {
    let fire = store.fire(&notice.fire)?;
    let (automation, _) = app.layers()?.automation(&fire.automation)?;
    let Some(notify) = &automation.notify else { return Ok(()) };
    let session = summary::session(store, &fire)?;
    match notice.target {
        Target::Webhook => webhook(app, notify, &fire, session.as_ref()),
        Target::Command => {
            command(&automation, notify, &body(Format::Json, &fire, session.as_ref())?)
        }
    }
}

fn body(format: Format, fire: &Fire, session: Option<&SessionView>) -> Result<Vec<u8>> {
    let doing = || "write what is to be told".to_owned();
    match format {
        Format::Slack => {
            let text = serde_json::json!({ "text": summary::chat(fire, session) });
            serde_json::to_vec(&text).cannot(Kind::Bug, doing)
        }
        Format::Json => {
            let told = Told {
                v: 1,
                id: &fire.id,
                summary: summary::markdown(fire, session),
                fire: v1::Fire::of(fire),
                session: session.map(v1::Session::of),
            };
            serde_json::to_vec(&told).cannot(Kind::Bug, doing)
        }
    }
}

fn webhook(app: &App, notify: &Notify, fire: &Fire, session: Option<&SessionView>) -> Result<()> {
    let Some(name) = &notify.webhook else { return Ok(()) };
    let address = app.stores()?.find(name)?.secret;
    let url = address.expose();
    if !is_address(url) {
        return Err(Failure::new(Kind::Config, format!("the secret `{name}` is no address"))
            .hint("it begins with `https://`, or with `http://` on this machine"));
    }
    let body = body(notify.format, fire, session)?;
    let mut request = Request::new(Method::POST, url)
        .within(WITHIN)
        .header("webhook-id", &fire.id)
        .header("loop-chain", chain(fire));
    if let Some(sign) = &notify.sign {
        let secret = app.stores()?.find(sign)?.secret;
        let at = clock::now().div_euclid(1_000);
        request = request
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature::sign(&secret, (&fire.id, at), &body));
    }
    let ca_bundle = app.env.ssl_cert_file().filter(|path| path.is_file());
    let client = Client::new(ca_bundle.as_deref())?;
    let nobody =
        |_| Failure::new(Kind::Network, format!("nobody answers at the address in `{name}`"));
    let answer = client.send(&request.body("application/json", body)).map_err(nobody)?;
    // One that has it already says so.
    if answer.is_success() || answer.status == 409 {
        return Ok(());
    }
    Err(Failure::new(Kind::Network, format!("the address in `{name}` answered {}", answer.status)))
}

/// The automations that led to what is told, and its own.
fn chain(fire: &Fire) -> String {
    let names = fire.chain.iter().chain([&fire.automation]);
    names.map(String::as_str).collect::<Vec<_>>().join(",")
}

/// What is told may be confidential, so it goes in the clear only within this machine.
fn is_address(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Runs a program of the user's and hands it what is told on its standard input.
fn command(automation: &Automation, notify: &Notify, body: &[u8]) -> Result<()> {
    let Some((program, arguments)) = notify.command.split_first() else { return Ok(()) };
    let doing = || format!("run `{program}`");
    let mut child = Command::new(program)
        .args(arguments)
        .env("LOOP_AUTOMATION", &automation.name)
        .env(CHAIN, &automation.name)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .cannot(Kind::Config, doing)?;
    if let Some(mut stdin) = child.stdin.take() {
        let body = body.to_vec();
        // One that does not read must not hold us up; what it misses is its own affair.
        std::thread::spawn(move || drop(stdin.write_all(&body)));
    }
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().cannot(Kind::Config, doing)? {
            if status.success() {
                return Ok(());
            }
            return Err(Failure::new(Kind::Config, format!("`{program}` failed: {status}")));
        }
        if started.elapsed() > WITHIN {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::new(Kind::Config, format!("`{program}` took too long")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in [
            "https://hooks.slack.com/x",
            "http://127.0.0.1:9/x",
            "http://localhost/",
            "http://[::1]:8080/x",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "http://hooks.slack.com/x",
            "http://127.0.0.1.evil.com/",
            "ftp://x",
            "",
            "file:///etc/passwd",
            "http://localhost@evil.com/",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        let all: Vec<i64> = (1..MOST_TRIES).map(pause).collect();
        assert!(all.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((all[0], *all.last().unwrap()), (PAUSE_MS, LONGEST_MS));
    }
}
