//! Running a command in a container, over a WebSocket.
//!
//! Its frames begin with a channel: 0 what the command reads, 1 and 2 what it writes, 3 how it
//! ended. Only that last one says that it ended: a connection that closes without it was lost, and
//! is an error to whoever reads, never an end. What a command reads is counted, since the older of
//! the two protocols knows no end of it: `head` in the container takes as many bytes as are meant.
//!
//! This is not the client library's own loop, in which a reader of a lost connection waits for ever.

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, Stream, StreamExt as _};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Client;
use kube::api::AttachParams;
use kube::core::Request;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::{Error as Broken, Message};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// How much goes into one frame.
const PIECE: usize = 256 << 10;
/// A silent connection is asked whether it is still there. One that has answered before, and does not
/// any more, is lost.
const PING: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(65);
/// How long one frame may take to be taken.
const SENDING: Duration = Duration::from_mins(1);
/// How much of what a command complains of is kept.
const COMPLAINT: usize = 4 << 10;

/// A container of a pod.
#[derive(Debug, Clone)]
pub(super) struct Target<'a> {
    pub namespace: &'a str,
    pub pod: &'a str,
    pub container: &'a str,
}

/// Words that run a command with exactly so many bytes to read, once a file was made.
pub(super) fn counted(argv: &[String], bytes: u64, file: &str) -> Vec<String> {
    let take = ": >\"$2\" && n=$1 && shift 2 && head -c \"$n\" | \"$@\"";
    let words = ["/bin/sh", "-c", take, "sh", &bytes.to_string(), file].map(str::to_owned);
    words.into_iter().chain(argv.iter().cloned()).collect()
}

/// Starts a command. What it reads is sent with [`Exec::send`].
pub(super) async fn start(
    client: &Client,
    target: Target<'_>,
    argv: &[String],
    reads: bool,
) -> Result<Connection, kube::Error> {
    let about = AttachParams::default().container(target.container).stdin(reads);
    let pods = format!("/api/v1/namespaces/{}/pods", target.namespace);
    let request = Request::new(pods).exec(target.pod, argv, &about);
    let request = request.map_err(kube::Error::BuildRequest)?;
    let (to, from) = client.connect(request).await?.into_stream().split();
    Ok(Connection { to, from: Incoming::new(from) })
}

type Socket = tokio_tungstenite::WebSocketStream<hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>>;

/// A command that runs.
pub(super) struct Connection {
    to: SplitSink<Socket, Message>,
    from: Incoming<SplitStream<Socket>>,
}

impl Connection {
    /// Sends all that the command reads, and comes to what it wrote once it has ended.
    pub(super) async fn converse(self, input: &mut (dyn Read + Send)) -> io::Result<Vec<u8>> {
        let Self { mut to, mut from } = self;
        let sending = send(&mut to, input);
        let hearing = from.all();
        futures_util::pin_mut!(sending, hearing);
        match futures_util::future::select(sending, hearing).await {
            // What it did not want to read is told by how it ended.
            futures_util::future::Either::Right((heard, _)) => heard,
            futures_util::future::Either::Left((sent, hearing)) => match sent {
                Ok(()) => hearing.await,
                Err(broken) => hearing.await.and(Err(broken)),
            },
        }
    }

    /// As a reader of what it writes.
    pub(super) fn reader(self, runtime: Arc<Runtime>) -> Output {
        Output { runtime, to: self.to, from: self.from }
    }
}

async fn send(
    to: &mut SplitSink<Socket, Message>,
    input: &mut (dyn Read + Send),
) -> io::Result<()> {
    loop {
        let mut frame = BytesMut::zeroed(PIECE + 1);
        frame[0] = STDIN;
        let n = match input.read(&mut frame[1..]) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        frame.truncate(n + 1);
        let sent = to.send(Message::Binary(frame.freeze()));
        let sent = tokio::time::timeout(SENDING, sent).await;
        sent.map_err(|_| lost("it takes nothing any more"))?.map_err(|error| lost(&error))?;
    }
}

/// What comes from a command, in order.
struct Incoming<S> {
    frames: S,
    /// What it wrote and nobody has read yet.
    out: Bytes,
    complaint: Vec<u8>,
    ended: Option<Ended>,
    answers_pings: bool,
    heard: Instant,
}

enum Ended {
    Well,
    Badly(String),
}

impl<S: Stream<Item = Result<Message, Broken>> + Unpin> Incoming<S> {
    fn new(frames: S) -> Self {
        Self {
            frames,
            out: Bytes::new(),
            complaint: Vec::new(),
            ended: None,
            answers_pings: false,
            heard: Instant::now(),
        }
    }

    /// Takes in one frame.
    async fn next(&mut self) -> io::Result<()> {
        let frame = match self.frames.next().await {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Err(lost(&error)),
            None => return Err(lost("it was closed before the command's end was told")),
        };
        self.heard = Instant::now();
        match frame {
            Message::Binary(bytes) => self.binary(bytes),
            Message::Pong(_) => self.answers_pings = true,
            _ => {}
        }
        Ok(())
    }

    fn binary(&mut self, mut bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        match bytes.split_to(1)[0] {
            STDOUT => self.out = bytes,
            STDERR => {
                let room = COMPLAINT.saturating_sub(self.complaint.len());
                self.complaint.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            STATUS if !bytes.is_empty() => {
                self.ended = Some(ended(&bytes, &String::from_utf8_lossy(&self.complaint)));
            }
            _ => {}
        }
    }

    /// Everything it writes, at most a mebibyte; an error where it ended badly.
    async fn all(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            if all.len() < 1 << 20 {
                all.put_slice(&self.out);
            }
            self.out.clear();
            match &self.ended {
                Some(Ended::Well) => return Ok(all),
                Some(Ended::Badly(why)) => return Err(io::Error::other(why.clone())),
                None => self.next().await?,
            }
        }
    }
}

/// How a command ended, as the cluster tells it.
fn ended(status: &[u8], complaint: &str) -> Ended {
    let Ok(status) = serde_json::from_slice::<Status>(status) else {
        return Ended::Badly("the cluster told its end in words that are unknown here".to_owned());
    };
    if status.status.as_deref() == Some("Success") {
        return Ended::Well;
    }
    let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
    let code = causes.into_iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    let code = code.and_then(|cause| cause.message);
    let complaint = complaint.trim().trim_start_matches("error: ");
    let message = status.message.unwrap_or_default();
    Ended::Badly(match code {
        Some(code) if complaint.is_empty() => format!("it failed with exit code {code}"),
        Some(code) => format!("it failed with exit code {code}: {complaint}"),
        None => message,
    })
}

fn lost(why: &(impl std::fmt::Display + ?Sized)) -> io::Error {
    io::Error::new(
        io::ErrorKind::ConnectionReset,
        format!("the connection to the container was lost: {why}"),
    )
}

/// What a command writes, on the client's own runtime.
pub(super) struct Output {
    runtime: Arc<Runtime>,
    to: SplitSink<Socket, Message>,
    from: Incoming<SplitStream<Socket>>,
}

impl Read for Output {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Self { runtime, to, from } = self;
        loop {
            if !from.out.is_empty() {
                let part = from.out.len().min(into.len());
                into[..part].copy_from_slice(&from.out.split_to(part));
                return Ok(part);
            }
            match &from.ended {
                Some(Ended::Well) => return Ok(0),
                Some(Ended::Badly(why)) => return Err(io::Error::other(why.clone())),
                None => runtime.block_on(wait(to, from))?,
            }
        }
    }
}

/// Waits for the next frame, and sees that the connection is still there.
async fn wait(
    to: &mut SplitSink<Socket, Message>,
    from: &mut Incoming<SplitStream<Socket>>,
) -> io::Result<()> {
    loop {
        // Taking a frame is one step, so that giving up the wait loses none.
        if let Ok(heard) = tokio::time::timeout(PING, from.next()).await {
            return heard;
        }
        if from.answers_pings && from.heard.elapsed() > SILENCE {
            return Err(lost("nothing was heard of it for a minute"));
        }
        let ping = to.send(Message::Ping(Bytes::new()));
        let sent = tokio::time::timeout(SENDING, ping).await;
        sent.map_err(|_| lost("it takes nothing any more"))?.map_err(|error| lost(&error))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn hear(frames: &[&[u8]]) -> io::Result<String> {
        let frames: Vec<_> =
            frames.iter().map(|frame| Ok(Message::Binary(Bytes::copy_from_slice(frame)))).collect();
        let mut incoming = Incoming::new(futures_util::stream::iter(frames));
        block(incoming.all()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn an_end_is_only_what_is_told_as_one() {
        let success: &[u8] = b"\x03{\"metadata\":{},\"status\":\"Success\"}";
        assert_eq!(hear(&[b"\x01a", b"\x01", b"\x02x", b"\x01b", success]).unwrap(), "ab");
        let lost = hear(&[b"\x01a", b"\x01b"]).unwrap_err();
        assert_eq!(lost.kind(), io::ErrorKind::ConnectionReset);
        assert!(hear(&[b"\x03", b"\x03nonsense"]).is_err());
    }

    #[test]
    fn the_exit_code_is_in_the_causes() {
        let failure = r#"{"status":"Failure","message":"command terminated with non-zero exit code",
            "reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
        let frame = [b"\x03", failure.as_bytes()].concat();
        let told = hear(&[b"\x02error: no such file\n", &frame]).unwrap_err().to_string();
        assert_eq!(told, "it failed with exit code 3: no such file");
        let told = hear(&[&frame]).unwrap_err().to_string();
        assert_eq!(told, "it failed with exit code 3");
        let unable = br#"{"status":"Failure","message":"container not found (\"worker\")"}"#;
        let told = hear(&[&[b"\x03", &unable[..]].concat()]).unwrap_err().to_string();
        assert_eq!(told, "container not found (\"worker\")");
    }

    #[test]
    fn what_is_read_is_counted() {
        let argv = ["loop".to_owned(), "turn".to_owned()];
        let words = counted(&argv, 7, "/go");
        assert_eq!(words[..2], ["/bin/sh", "-c"]);
        assert_eq!(words[4..], ["7", "/go", "loop", "turn"]);
    }
}
