//! Watches: what happens to objects, as it happens.

use super::World;
use super::store::{About, typed};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

/// How long one goes on where nobody says anything.
const USUAL: Duration = Duration::from_mins(5);

struct Watch {
    world: Arc<World>,
    about: About,
    version: u64,
    changes: Receiver<u64>,
    end: Instant,
    waiting: VecDeque<Value>,
    over: bool,
}

pub fn answer(
    world: &Arc<World>,
    about: About,
    query: &dyn Fn(&str) -> Option<String>,
) -> Response {
    let changes = world.changed.subscribe();
    let store = super::lock(&world.store);
    let asked = query("resourceVersion").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let mut waiting = VecDeque::new();
    let initial = query("sendInitialEvents").is_some_and(|value| value == "true");
    if asked == 0 || initial {
        for (_, object) in store.list(about.kind.plural, about.namespace.as_deref()) {
            if about.selector.matches(&object) {
                waiting.push_back(json!({"type": "ADDED", "object": typed(about.kind, object)}));
            }
        }
    }
    if initial {
        let meta = json!({"resourceVersion": store.version.to_string(),
            "annotations": {"k8s.io/initial-events-end": "true"}});
        let mark = json!({"kind": about.kind.kind, "apiVersion": about.kind.api_version(),
            "metadata": meta});
        waiting.push_back(json!({"type": "BOOKMARK", "object": mark}));
    }
    let version = if asked == 0 || initial { store.version } else { asked };
    let seconds = query("timeoutSeconds").and_then(|text| text.parse().ok());
    let end = Instant::now() + seconds.map_or(USUAL, Duration::from_secs);
    drop(store);
    let world = Arc::clone(world);
    let watch = Watch { world, about, version, changes, end, waiting, over: false };
    let lines = futures_util::stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from(format!("{event}\n"))), watch))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let kind = "application/json".parse().expect("a header");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl Watch {
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            self.changes.borrow_and_update();
            {
                let store = super::lock(&self.world.store);
                match store.since(self.version, &self.about) {
                    Ok(events) => self.waiting.extend(events),
                    Err(refusal) => {
                        self.over = true;
                        self.waiting.push_back(json!({"type": "ERROR", "object": refusal.status}));
                    }
                }
                self.version = store.version;
            }
            if self.waiting.is_empty() {
                tokio::select! {
                    changed = self.changes.changed() => changed.ok()?,
                    () = tokio::time::sleep_until(self.end) => return None,
                }
            }
        }
    }
}
