//! What the two sides say to each other, which are always the same build of this program.
//!
//! Both streams are frames: a letter, four bytes of length, and so many bytes. Only an end that is said
//! is an end: a stream that merely stops was cut off, whatever the exit code of what carried it.

use super::super::{Area, Fact, Found, Status};
use crate::domain::preset::Image;
use crate::error::{Cannot as _, Failure, Kind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// What the far side says first, on a line of its own, and what the shell says in its place.
pub(super) const READY: &str = "loop-host ready";
pub(super) const MISSING: &str = "loop-host missing ";

/// The most of one frame, and the most of one message; a first turn holds skills' files.
const CHUNK: usize = 1 << 20;
const MESSAGE: usize = 64 << 20;
const HEAD: usize = 5;

/// What is wanted of the far side: the first message to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ask {
    /// The near store's id: sandboxes of other stores are not ours.
    pub store: String,
    /// What sandboxes are made with there; the best there is where nothing is said.
    pub engine: Option<String>,
    pub verb: Verb,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verb {
    Create(Box<Wanted>),
    Status {
        session: String,
    },
    /// `input` says whether its standard input follows.
    Exec {
        session: String,
        verb: Vec<String>,
        input: bool,
    },
    Download {
        session: String,
        what: Area,
    },
    Remove {
        session: String,
    },
    List,
    Facts,
}

/// A sandbox, without what is secret of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub session: String,
    pub image: Image,
    pub base_image: String,
    pub bare: bool,
    pub network: bool,
    pub cpus: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub pieces: Vec<Piece>,
}

/// A file that a sandbox is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub role: Role,
    /// SHA-256, in hexadecimal digits.
    pub digest: String,
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// A file of the folder with the harness's program.
    Program {
        name: String,
    },
    Snapshot,
    Repository,
    CaBundle,
    /// The folder of a Dockerfile, as an archive.
    Context,
}

/// What the far side answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Which pieces it lacks, by their places in the list.
    Lacks(Vec<usize>),
    Progress(String),
    /// The live journal follows, where there is one.
    Created {
        id: String,
        found: bool,
        live: bool,
        notes: Vec<String>,
    },
    Status(Status),
    /// The bytes that were asked for follow.
    Bytes,
    Removed,
    Found(Vec<Found>),
    Facts(Vec<Fact>),
    Failed(Told),
}

/// A failure as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    kind: String,
    sentence: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

/// Bounds of what is shown of another machine's failure.
const SENTENCES: usize = 8;
const LONGEST: usize = 600;

impl Told {
    pub fn of(failure: &Failure) -> Self {
        Self {
            kind: failure.kind.name().to_owned(),
            sentence: failure.sentence.clone(),
            causes: failure.causes.clone(),
            hints: failure.hints.clone(),
        }
    }

    pub fn failure(self, name: &str) -> Failure {
        let shown = |text: &String| {
            let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
            plain.take(LONGEST).collect::<String>()
        };
        let sentence = format!("on `{name}`: {}", shown(&self.sentence));
        let failure = Failure::new(kind_of(&self.kind), sentence);
        let failure = self.causes.iter().take(SENTENCES).map(shown).fold(failure, Failure::because);
        self.hints.iter().take(2).map(shown).fold(failure, Failure::hint)
    }
}

fn kind_of(name: &str) -> Kind {
    let known = [
        Kind::Worker,
        Kind::Usage,
        Kind::Config,
        Kind::Credential,
        Kind::Network,
        Kind::Limit,
        Kind::Bug,
        Kind::Interrupted,
    ];
    known.into_iter().find(|kind| kind.name() == name).unwrap_or(Kind::Sandbox)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    Message,
    Data,
    End,
}

impl Letter {
    fn byte(self) -> u8 {
        match self {
            Self::Message => b'm',
            Self::Data => b'd',
            Self::End => b'e',
        }
    }

    fn of(byte: u8) -> io::Result<Self> {
        [Self::Message, Self::Data, Self::End]
            .into_iter()
            .find(|letter| letter.byte() == byte)
            .ok_or_else(|| io::Error::other("it is not in the form that was agreed on"))
    }
}

fn head(letter: Letter, len: usize) -> [u8; HEAD] {
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    [letter.byte(), len[0], len[1], len[2], len[3]]
}

/// What a frame is and how long; `None` at the end of the stream, which is none that was said.
pub(super) fn read_head(stream: &mut impl Read) -> io::Result<Option<(Letter, usize)>> {
    let mut head = [0; HEAD];
    if stream.read(&mut head[..1])? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut head[1..])?;
    let letter = Letter::of(head[0])?;
    let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let most = if letter == Letter::Message { MESSAGE } else { CHUNK };
    if len > most {
        return Err(io::Error::other("a part of it is longer than any may be"));
    }
    Ok(Some((letter, len)))
}

/// A message, which must come next.
pub(super) fn read_message<T: DeserializeOwned>(stream: &mut impl Read) -> Result<T> {
    let doing = || "understand the other side".to_owned();
    let bytes = match read_head(stream).cannot(Kind::Network, doing)? {
        Some((Letter::Message, len)) => read_body(stream, len).cannot(Kind::Network, doing)?,
        Some(_) | None => {
            return Err(Failure::new(Kind::Network, "the other side stopped in the middle"));
        }
    };
    serde_json::from_slice(&bytes).cannot(Kind::Network, doing)
}

pub(super) fn read_body(stream: &mut impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(len as u64).read_to_end(&mut bytes)?;
    if bytes.len() < len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

pub(super) fn write_message(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    if body.len() > MESSAGE {
        return Err(io::Error::other("it is too long"));
    }
    let mut frame = head(Letter::Message, body.len()).to_vec();
    frame.extend_from_slice(&body);
    stream.write_all(&frame)?;
    stream.flush()
}

pub(super) fn write_end(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(&head(Letter::End, 0))?;
    stream.flush()
}

/// Passes a stream on as it comes, and says its end.
pub(super) fn pass_on(from: &mut dyn Read, to: &mut impl Write) -> io::Result<()> {
    let mut frame = vec![0; HEAD + (256 << 10)];
    loop {
        let read = match from.read(&mut frame[HEAD..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return write_end(to);
        }
        frame[..HEAD].copy_from_slice(&head(Letter::Data, read));
        to.write_all(&frame[..HEAD + read])?;
        to.flush()?;
    }
}

/// What is in the frames of a stream, up to the end that is said.
pub(super) struct Bytes<'a, R> {
    pub stream: &'a mut R,
    /// Of the frame that is being read.
    pub left: usize,
    pub over: bool,
}

impl<'a, R: Read> Bytes<'a, R> {
    pub fn new(stream: &'a mut R) -> Self {
        Self { stream, left: 0, over: false }
    }
}

impl<R: Read> Read for Bytes<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.over {
            match read_head(self.stream)? {
                Some((Letter::Data, len)) => self.left = len,
                Some((Letter::End, _)) => self.over = true,
                Some((Letter::Message, len)) => return Err(failed_in_between(self.stream, len)),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        if self.over {
            return Ok(0);
        }
        let part = self.left.min(into.len());
        let read = self.stream.read(&mut into[..part])?;
        if read == 0 && part > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read;
        Ok(read)
    }
}

/// In the middle of bytes only a failure may be said.
fn failed_in_between(stream: &mut impl Read, len: usize) -> io::Error {
    match read_body(stream, len).map(|body| serde_json::from_slice(&body)) {
        Ok(Ok(Answer::Failed(told))) => io::Error::other(told.failure("the other side")),
        Ok(_) => io::Error::other("it is not in the form that was agreed on"),
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Vec<u8> {
        let mut out = Vec::new();
        write_message(&mut out, &Answer::Bytes).unwrap();
        pass_on(&mut &vec![7_u8; 600_000][..], &mut out).unwrap();
        out
    }

    fn read(bytes: &[u8]) -> Result<usize, String> {
        let mut bytes = bytes;
        let answer: Answer = read_message(&mut bytes).map_err(|failed| failed.to_string())?;
        assert!(matches!(answer, Answer::Bytes));
        let mut got = Vec::new();
        Bytes::new(&mut bytes).read_to_end(&mut got).map_err(|error| error.to_string())?;
        assert!(got.iter().all(|byte| *byte == 7));
        Ok(got.len())
    }

    /// However it is cut, the end is never taken for one that was said.
    #[test]
    fn a_cut_is_no_end() {
        let whole = stream();
        assert_eq!(read(&whole), Ok(600_000));
        for at in (0..whole.len()).filter(|at| *at < 40 || at % 997 == 0 || at + 40 > whole.len()) {
            assert!(read(&whole[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused_and_takes_no_memory() {
        for odd in
            [&b"x\0\0\0\x01a"[..], b"m\xff\xff\xff\xff", b"d\x7f\xff\xff\xff", b"m\0\0\0\x02{]"]
        {
            assert!(read_message::<Answer>(&mut &*odd).is_err());
        }
        let mut data = &b"d\x00\x20\x00\x00"[..];
        assert!(Bytes::new(&mut data).read(&mut [0; 9]).is_err());
    }

    #[test]
    fn a_failure_keeps_its_kind_and_loses_what_is_harmful() {
        let failure =
            Failure::new(Kind::Limit, "too \x1b[31mmuch").because("x".repeat(5_000)).hint("less");
        let told = serde_json::to_string(&Told::of(&failure)).unwrap();
        let told: Told = serde_json::from_str(&told).unwrap();
        let got = told.failure("build1");
        assert_eq!((got.kind, &*got.sentence), (Kind::Limit, "on `build1`: too  [31mmuch"));
        assert_eq!((got.causes[0].len(), &*got.hints[0]), (LONGEST, "less"));
        assert_eq!(kind_of("of a later version"), Kind::Sandbox);
    }
}
