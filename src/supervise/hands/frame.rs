//! What goes over the socket: a kind, a length, and so many bytes.

use super::Used;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// The longest frame that is taken: an environment is in one.
const LONGEST: usize = 8 << 20;
/// How much of a stream goes into one.
pub(super) const PIECE: usize = 256 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// From the supervisor: the command.
    Command(Command),
    /// A piece of its standard input.
    Input(Vec<u8>),
    /// That was all of it; begin.
    Begin,
    Signal(i32),
    /// The hands are to end.
    Dismiss,
    /// From the hands: what the command wrote.
    Out(Vec<u8>),
    Err(Vec<u8>),
    Used(Used),
    /// It has ended, and nothing of it runs any more.
    Ended(End),
    /// It never began.
    Refused(String),
}

/// The environment holds credentials, so this is never shown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Command {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: String,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("argv", &self.argv).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub oom_kills: u64,
}

impl Frame {
    /// The next one; `None` where the other side is done.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; 5];
        if from.read(&mut head[..1])? == 0 {
            return Ok(None);
        }
        from.read_exact(&mut head[1..])?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > LONGEST {
            return Err(invalid("it is too long"));
        }
        let mut bytes = Vec::new();
        if from.take(length as u64).read_to_end(&mut bytes)? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(match head[0] {
            0 => Self::Command(serde_json::from_slice(&bytes)?),
            1 => Self::Input(bytes),
            2 => Self::Begin,
            3 => Self::Signal(serde_json::from_slice(&bytes)?),
            4 => Self::Dismiss,
            16 => Self::Out(bytes),
            17 => Self::Err(bytes),
            18 => Self::Used(serde_json::from_slice(&bytes)?),
            19 => Self::Ended(serde_json::from_slice(&bytes)?),
            20 => Self::Refused(String::from_utf8_lossy(&bytes).into_owned()),
            _ => return Err(invalid("it is of no known kind")),
        }))
    }

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Command(command) => raw(to, 0, &serde_json::to_vec(command)?),
            Self::Input(bytes) => raw(to, 1, bytes),
            Self::Begin => raw(to, 2, b""),
            Self::Signal(signal) => raw(to, 3, &serde_json::to_vec(signal)?),
            Self::Dismiss => raw(to, 4, b""),
            Self::Out(bytes) => raw(to, 16, bytes),
            Self::Err(bytes) => raw(to, 17, bytes),
            Self::Used(used) => raw(to, 18, &serde_json::to_vec(used)?),
            Self::Ended(end) => raw(to, 19, &serde_json::to_vec(end)?),
            Self::Refused(reason) => raw(to, 20, reason.as_bytes()),
        }
    }
}

fn raw(to: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    if bytes.len() > LONGEST {
        return Err(invalid("it is too long"));
    }
    let mut frame = Vec::with_capacity(bytes.len() + 5);
    frame.push(kind);
    frame.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    frame.extend_from_slice(bytes);
    to.write_all(&frame)
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a frame cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let command = Command {
            argv: vec!["a".to_owned(), String::new()],
            env: vec![("KEY".to_owned(), "hidden".to_owned())],
            cwd: "/".to_owned(),
        };
        assert!(!format!("{command:?}").contains("hidden"));
        let frames = [
            Frame::Command(command),
            Frame::Input(vec![0; 70_000]),
            Frame::Begin,
            Frame::Signal(2),
            Frame::Dismiss,
            Frame::Out(b"\xff\n".to_vec()),
            Frame::Err(Vec::new()),
            Frame::Used(Used { cpu: 7, oom_kills: 1 }),
            Frame::Ended(End { signal: Some(9), ..End::default() }),
            Frame::Refused("no".to_owned()),
        ];
        let mut wire = Vec::new();
        for frame in &frames {
            frame.write(&mut wire).unwrap();
        }
        let mut from = &wire[..];
        for frame in frames {
            assert_eq!(Frame::read(&mut from).unwrap(), Some(frame));
        }
        assert_eq!(Frame::read(&mut from).unwrap(), None);
    }

    #[test]
    fn nonsense_is_an_error_wherever_it_is_cut() {
        for bytes in [&b"\x10\xff\xff\xff\xff"[..], b"\x63\0\0\0\0", b"\x13\0\0\0\x01x"] {
            assert!(Frame::read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
        let mut wire = Vec::new();
        Frame::Out(b"text".to_vec()).write(&mut wire).unwrap();
        for cut in 1..wire.len() {
            assert!(Frame::read(&mut &wire[..cut]).is_err(), "cut at {cut}");
        }
    }
}
