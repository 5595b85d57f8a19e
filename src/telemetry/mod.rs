//! Our own runs as traces, in OpenInference's words.
//!
//! ```text
//! invoke_agent <preset>            AGENT   the session
//!   sandbox.provision              CHAIN
//!   turn <n>                       CHAIN
//!     chat <model>                 LLM     a model call
//!     usage <model>                LLM     what several calls cost, where only their sum is told
//!     execute_tool <name>          TOOL
//!     invoke_agent <type>          AGENT   the call of a subagent, with what it did below it
//!   sandbox.collect                CHAIN   after each turn
//!   sandbox.remove                 CHAIN
//! ```
//!
//! Spans are made of stored values by functions of values ([`Spans`]), one by one, so that a session
//! of any length takes the same memory. Their ids follow from the session's and from the place of
//! what they tell, and they always come in the same order, what is new last. So a session may be sent
//! in pieces, by several processes, and again: the same span has the same id.
//!
//! No time is that of the sending. A turn's, a sandbox step's and a tool call's are those of the
//! records and of the transcript. When a model call began no harness tells: it is taken to begin
//! where what it answers was known, and its `metadata` says `times: derived`.
//!
//! Deliberately absent: the environment, headers, files' contents other than what the transcript
//! shows of them, and OpenTelemetry's SDK, which reads the time by itself and knows no past.

mod attributes;
mod batch;
mod calls;
mod ids;
mod run;
mod send;
mod spans;
mod texts;
mod turn;

#[cfg(test)]
mod tests;

pub use batch::{About, Batches, Request, json_line, protobuf};
pub use run::{Run, Turn};
pub use send::{Destination, Sent, send};
pub use spans::{Making, Spans};
pub use texts::Texts;
