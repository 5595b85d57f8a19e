//! Ids that follow from what a span tells, so that telling it again makes no second span.

use sha2::{Digest as _, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(pub [u8; 8]);

/// The ids of one session's spans.
#[derive(Debug, Clone)]
pub struct Ids {
    session: String,
}

/// What a span tells.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    Session,
    Provision,
    Remove,
    Turn(u32),
    Collect(u32),
    /// A model call, by the event of the transcript with which it begins.
    Call(u64),
    /// A tool call, by its event.
    Tool(u64),
    /// The event that told a sum.
    Usage(u64),
    /// What a turn spent beyond what its events told.
    Rest(u32),
}

impl Ids {
    /// `session` is the session's UUID, which no other session has.
    pub fn new(session: &str) -> Self {
        Self { session: session.to_owned() }
    }

    pub fn trace(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&self.hash("trace")[..16]);
        id
    }

    pub fn span(&self, place: Place) -> SpanId {
        let mut id = [0; 8];
        id.copy_from_slice(&self.hash(&place.name())[..8]);
        SpanId(id)
    }

    fn hash(&self, what: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.session.len() as u64).to_le_bytes());
        hash.update(self.session.as_bytes());
        hash.update(what.as_bytes());
        hash.finalize().into()
    }
}

impl Place {
    /// Never to be changed: who has a span already must know it again.
    fn name(self) -> String {
        match self {
            Self::Session => "session".to_owned(),
            Self::Provision => "provision".to_owned(),
            Self::Remove => "remove".to_owned(),
            Self::Turn(turn) => format!("turn {turn}"),
            Self::Collect(turn) => format!("collect {turn}"),
            Self::Call(seq) => format!("call {seq}"),
            Self::Tool(seq) => format!("tool {seq}"),
            Self::Usage(seq) => format!("usage {seq}"),
            Self::Rest(turn) => format!("rest {turn}"),
        }
    }
}
