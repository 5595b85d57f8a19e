//! Streams of events: only what happens while they are open, and nothing again.

use super::store::{Recorded, Session};
use super::{State, lock};
use axum::body::{Body, Bytes};
use axum::http::Response;
use futures_util::StreamExt as _;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How often a stream says that it is there.
const PING: Duration = Duration::from_millis(300);

pub(crate) fn frame(event: &Value) -> Vec<u8> {
    let kind = event["type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {event}\n\n").into_bytes()
}

/// Tells all open streams of a session.
pub(crate) fn tell(session: &mut Session, bytes: &[u8]) {
    session.streams.retain(|stream| stream.send(bytes.to_vec()).is_ok());
}

/// Opens one.
pub(crate) fn open(state: &Arc<State>, id: &str) -> Option<Response<Body>> {
    let mut store = lock(&state.store);
    let cut = store.cuts.pop_front();
    let session = store.session_mut(id)?;
    if let Some(recorded) = &mut session.recorded {
        let bytes = recorded_bytes(&session.events, recorded);
        return Some(response(Body::from(bytes)));
    }
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    session.streams.push(sender);
    let stream = futures_util::stream::unfold((receiver, cut), |(mut receiver, cut)| async move {
        if cut == Some(0) {
            return None;
        }
        let mut bytes = match tokio::time::timeout(PING, receiver.recv()).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return None,
            Err(_) => b"event: ping\ndata: {\"type\": \"ping\"}\n\n".to_vec(),
        };
        let cut = cut.map(|left| {
            bytes.truncate(left);
            left - bytes.len()
        });
        Some((Bytes::from(bytes), (receiver, cut)))
    });
    // Whoever opens one is answered before there is anything to tell.
    let opened = futures_util::stream::iter([Bytes::from_static(b": open\n\n")]);
    Some(response(Body::from_stream(opened.chain(stream).map(Ok::<_, std::io::Error>))))
}

/// The first stream tells all but the first event, up to a byte; the later ones nothing.
fn recorded_bytes(events: &[Value], recorded: &mut Recorded) -> Vec<u8> {
    recorded.streamed += 1;
    if recorded.streamed > 1 {
        return Vec::new();
    }
    let mut bytes: Vec<u8> = events[1..].iter().flat_map(frame).collect();
    bytes.truncate(recorded.cut);
    bytes
}

fn response(body: Body) -> Response<Body> {
    Response::builder()
        .status(200)
        .header("content-type", "text/event-stream")
        .body(body)
        .expect("a response")
}
