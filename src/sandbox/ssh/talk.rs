//! A conversation with the far side, from the near one.

use super::super::openssh::Link;
use super::wire::{self, Answer, Ask, Bytes, MISSING, READY};
use crate::error::{Cannot as _, Failure, Kind, Result};
use std::io::{self, BufRead as _, Read};

/// How much the other machine's shell may say before our program does, in bytes.
const JUNK: u64 = 64 << 10;

pub(super) struct Talk {
    link: Link,
    /// Whether the connection is gone, as opposed to something that the far side said.
    pub lost: bool,
}

/// Who answered.
pub(super) enum Greeted {
    Ready(Talk),
    /// Our program is not there; what the machine is: its system, and its processor.
    Missing {
        system: String,
        machine: String,
    },
}

impl Talk {
    /// Says what is wanted, and hears who is there. Nothing secret is sent before.
    pub fn begin(mut link: Link, ask: &Ask) -> Result<Greeted> {
        // Where nobody reads it, what ended the connection says why.
        let _ = wire::write_message(&mut link.stdin(), ask);
        let mut left = JUNK;
        let mut first = None;
        loop {
            let mut said = Vec::new();
            let name = link.name().to_owned();
            let read = link.stdout().take(left).read_until(b'\n', &mut said);
            let read = read.cannot(Kind::Network, || format!("read from `{name}`"))?;
            left = left.saturating_sub(read as u64);
            let text = String::from_utf8_lossy(&said).trim_end().to_owned();
            if text.ends_with(READY) {
                return Ok(Greeted::Ready(Self { link, lost: false }));
            }
            if let Some(at) = text.find(MISSING) {
                let mut words = text[at + MISSING.len()..].split_whitespace().map(str::to_owned);
                let mut next = || words.next().unwrap_or_default();
                return Ok(Greeted::Missing { system: next(), machine: next() });
            }
            if left == 0 {
                return Err(too_much_said(&name, &first.unwrap_or(text)));
            }
            if read == 0 {
                return Err(link.lost(false));
            }
            first.get_or_insert(text);
        }
    }

    /// What it answers; its failures are ours.
    pub fn answer(&mut self) -> Result<Answer> {
        match wire::read_message(self.link.stdout()) {
            Ok(Answer::Failed(told)) => Err(told.failure(self.link.name())),
            Ok(answer) => Ok(answer),
            Err(failed) => {
                self.lost = true;
                Err(self.link.lost(true).because(failed))
            }
        }
    }

    pub fn say(&mut self, message: &impl serde::Serialize) -> Result<()> {
        let sent = wire::write_message(&mut self.link.stdin(), message);
        self.sent(sent)
    }

    pub fn send(&mut self, bytes: &mut dyn Read) -> Result<()> {
        let sent = wire::pass_on(bytes, &mut self.link.stdin());
        self.sent(sent)
    }

    /// Where it does not listen any more it may have said why; else how the connection ended is why.
    fn sent(&mut self, sent: io::Result<()>) -> Result<()> {
        let Err(error) = sent else { return Ok(()) };
        let name = self.link.name().to_owned();
        match self.answer() {
            Err(failed) => Err(failed),
            Ok(_) => Err(error).cannot(Kind::Network, || format!("write to `{name}`")),
        }
    }

    pub fn confused(&self) -> Failure {
        Failure::new(
            Kind::Bug,
            format!("`{}` answered something else than was asked", self.link.name()),
        )
    }

    /// The bytes that follow.
    pub fn into_bytes(self) -> Stream {
        Stream { talk: self, left: 0, over: false }
    }
}

fn too_much_said(name: &str, first: &str) -> Failure {
    let first: String = first.chars().filter(|c| !c.is_control()).take(100).collect();
    Failure::new(Kind::Sandbox, format!("`{name}` says too much before our program starts"))
        .because(format!("it begins with: {first}"))
        .hint("let the shell's startup files print nothing where nobody logs in by hand")
}

/// Bytes from the far side. A connection that ends before they do is an error, never an end.
pub(super) struct Stream {
    talk: Talk,
    left: usize,
    over: bool,
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut bytes = Bytes { stream: self.talk.link.stdout(), left: self.left, over: self.over };
        let read = bytes.read(into);
        (self.left, self.over) = (bytes.left, bytes.over);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::other(self.talk.link.lost(true)),
            _ => error,
        })
    }
}
