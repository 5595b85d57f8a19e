//! Commands in containers, over a WebSocket, and what containers have written.

use super::World;
use super::refusal::Refusal;
use super::store::Key;
use axum::body::{Body, Bytes};
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bollard::query_parameters::LogsOptions;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::oneshot;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";

/// A command that was asked for.
pub struct Exec {
    /// The engine's container.
    pub container: String,
    pub command: Vec<String>,
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
    pub tty: bool,
}

/// The engine's container of a pod's that runs.
pub fn running(world: &World, key: &Key, container: &str) -> Result<String, Refusal> {
    let pod = super::lock(&world.store).found(key)?;
    if pod["spec"]["nodeName"].is_null() {
        let told = format!("pod {} does not have a host assigned", key.name);
        return Err(Refusal::bad_request(&told));
    }
    if super::lock(&world.faults).node_lost {
        let address = pod["status"]["hostIP"].as_str().unwrap_or_default();
        let told = format!("error dialing backend: dial tcp {address}:10250: i/o timeout");
        return Err(Refusal::new(500, "", &told, Value::Null));
    }
    let names = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let name = match container {
        "" => names[0]["name"].as_str().unwrap_or_default(),
        name => name,
    };
    let list = ["containerStatuses", "initContainerStatuses"];
    let mut all =
        list.iter().flat_map(|list| pod["status"][*list].as_array().into_iter().flatten());
    let runs = all.any(|one| one["name"] == name && !one["state"]["running"].is_null());
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let id = world.made(uid).containers.get(name).cloned();
    if let Some(id) = id.filter(|_| runs) {
        return Ok(id);
    }
    if names.iter().any(|one| one["name"] == name) {
        // The kubelet's own words, which are no object.
        return Err(Refusal::plain(500, &format!("container not found (\"{name}\")")));
    }
    let told = format!("container {name} is not valid for pod {}", key.name);
    Err(Refusal::bad_request(&told))
}

/// Runs a command and speaks of it over the socket that the client asks for.
pub fn exec(world: Arc<World>, upgrade: WebSocketUpgrade, exec: Exec) -> Response {
    let only_v4 = super::lock(&world.faults).only_v4;
    let offered = if only_v4 { vec![V4] } else { vec![V5, V4] };
    let upgrade = upgrade.protocols(offered);
    if upgrade.selected_protocol().is_none() {
        return super::api::refuse(&Refusal::plain(403, ""));
    }
    let v5 = upgrade.selected_protocol().is_some_and(|protocol| protocol == V5);
    upgrade.write_buffer_size(0).on_upgrade(move |socket| async move {
        let (mut out, input) = socket.split();
        let status = run(&world, &exec, &mut out, (input, v5)).await;
        if let Some(status) = status.filter(|_| !world.withholds()) {
            let mut frame = vec![STATUS];
            frame.extend(status.to_string().into_bytes());
            let _ = out.send(Message::Binary(frame.into())).await;
        }
        let farewell = CloseFrame { code: 1000, reason: "".into() };
        let _ = out.send(Message::Close(Some(farewell))).await;
    })
}

impl World {
    /// Whether the next verdict of a command is one that does not arrive.
    fn withholds(&self) -> bool {
        let mut faults = super::lock(&self.faults);
        let withheld = faults.withheld > 0;
        faults.withheld = faults.withheld.saturating_sub(1);
        withheld
    }
}

type Out = SplitSink<WebSocket, Message>;
type In = futures_util::stream::SplitStream<WebSocket>;

/// What became of it, as the last channel tells it. Nothing when the client went away.
async fn run(world: &Arc<World>, exec: &Exec, out: &mut Out, from: (In, bool)) -> Option<Value> {
    // The first frame tells that it is there.
    let first = if exec.stdout { STDOUT } else { STDERR };
    out.send(Message::Binary(vec![first].into())).await.ok()?;
    let docker = &world.engine.docker;
    let config = ExecConfig {
        attach_stdin: Some(exec.stdin),
        attach_stdout: Some(exec.stdout),
        attach_stderr: Some(exec.stderr),
        tty: Some(exec.tty),
        cmd: Some(exec.command.clone()),
        ..ExecConfig::default()
    };
    let id = match docker.create_exec(&exec.container, config).await {
        Ok(made) => made.id,
        Err(error) => return Some(internal(&error)),
    };
    let options =
        StartExecOptions { tty: exec.tty, output_capacity: Some(64 * 1024), ..Default::default() };
    let (mut output, input) = match docker.start_exec(&id, Some(options)).await {
        Ok(StartExecResults::Attached { output, input }) => (output, input),
        Ok(StartExecResults::Detached) => return None,
        Err(error) => return Some(internal(&error)),
    };
    let (gone, mut left) = oneshot::channel();
    let feeding = tokio::spawn(feed(from, input, exec.stdin, gone));
    let ended = loop {
        let piece = tokio::select! {
            piece = output.next() => piece,
            _ = &mut left => break false,
        };
        let Some(Ok(piece)) = piece else { break true };
        let (channel, bytes) = match piece {
            LogOutput::StdErr { message } => (STDERR, message),
            other => (STDOUT, other.into_bytes()),
        };
        let mut frame = vec![channel];
        frame.extend_from_slice(&bytes);
        if out.send(Message::Binary(frame.into())).await.is_err() {
            break false;
        }
    };
    feeding.abort();
    if !ended {
        return None;
    }
    let code = docker.inspect_exec(&id).await.ok()?.exit_code.unwrap_or_default();
    Some(verdict(code, &exec.command))
}

/// Hands what comes from the client to the command.
async fn feed(
    (mut from, v5): (In, bool),
    input: std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>,
    wanted: bool,
    gone: oneshot::Sender<()>,
) {
    let mut input = wanted.then_some(input);
    while let Some(Ok(message)) = from.next().await {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Text(text) => Bytes::from(text.as_str().to_owned()),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => break,
        };
        match bytes.first() {
            Some(&STDIN) => {
                if let Some(input) = &mut input
                    && input.write_all(&bytes[1..]).await.is_ok()
                {
                    let _ = input.flush().await;
                }
            }
            Some(&CLOSE) if v5 && bytes.get(1) == Some(&STDIN) => {
                if let Some(mut input) = input.take() {
                    let _ = input.shutdown().await;
                }
            }
            Some(&RESIZE) | None => {}
            Some(_) => break,
        }
    }
    let _ = gone.send(());
}

fn internal(error: &bollard::errors::Error) -> Value {
    let why = match error {
        bollard::errors::Error::DockerResponseServerError { message, .. } => message.trim(),
        _ => "the engine does not answer",
    };
    Refusal::internal(&format!("error executing command in container: {why}")).status
}

fn verdict(code: i64, command: &[String]) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    let command = command.join(" ");
    let message = format!(
        "command terminated with non-zero exit code: error executing command [{command}], exit code {code}"
    );
    let causes = json!([{"reason": "ExitCode", "message": code.to_string()}]);
    json!({"metadata": {}, "status": "Failure", "message": message, "reason": "NonZeroExitCode",
        "details": {"causes": causes}})
}

/// What a container has written so far, or also what it will.
pub fn logs(world: &World, id: &str, query: &dyn Fn(&str) -> Option<String>) -> Response {
    let flag = |name: &str| query(name).is_some_and(|value| value == "true" || value == "1");
    let seconds: Option<i64> = query("sinceSeconds").and_then(|value| value.parse().ok());
    let since = query("sinceTime")
        .and_then(|value| value.parse::<jiff::Timestamp>().ok())
        .or(seconds.map(|ago| jiff::Timestamp::now() - jiff::SignedDuration::from_secs(ago)));
    let options = LogsOptions {
        follow: flag("follow"),
        stdout: true,
        stderr: true,
        timestamps: flag("timestamps"),
        since: since.map_or(0, |time| time.as_second() as i32),
        tail: query("tailLines").unwrap_or("all".to_owned()),
        ..LogsOptions::default()
    };
    let pieces = world.engine.docker.logs(id, Some(options));
    let pieces =
        pieces.map(|piece| piece.map(LogOutput::into_bytes).map_err(std::io::Error::other));
    let mut left: usize =
        query("limitBytes").and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
    let pieces = pieces.map(move |piece| {
        piece.map(|bytes: Bytes| {
            let bytes = bytes.slice(..bytes.len().min(left));
            left -= bytes.len();
            bytes
        })
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert("content-type", "text/plain".parse().expect("a header"));
    response
}
