//! Server-sent events, as the standard has them: pure, fed in pieces of any size.
//!
//! Lines end in CR, LF or both; comments and unknown fields say nothing; several `data` lines are one
//! text with line ends in between; an event without data is none. One that is larger than [`MOST`]
//! is dropped and told as [`Frame::TooLong`]: whoever reads finds it in the history instead.

/// The largest event that is taken, in bytes.
pub(super) const MOST: usize = 32 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Event {
        /// Empty where the server names none.
        name: String,
        data: String,
    },
    TooLong,
}

#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    /// Whether the last byte was a CR: an LF right after it ends no second line.
    after_cr: bool,
    /// Whether anything was read, since a byte order mark may only come first.
    begun: bool,
    name: String,
    data: Option<String>,
    too_long: bool,
}

impl Parser {
    /// Takes in bytes and gives the events that they end.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => self.line_ends(&mut frames),
                _ if self.too_long => self.line = vec![b'x'],
                _ => {
                    self.line.push(*byte);
                    self.too_long = self.held() > MOST;
                }
            }
        }
        frames
    }

    fn held(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, String::len)
    }

    fn line_ends(&mut self, frames: &mut Vec<Frame>) {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.begun, true) && line.starts_with("\u{feff}".as_bytes()) {
            line.drain(..3);
        }
        if line.is_empty() {
            frames.extend(self.event_ends());
        } else if !self.too_long {
            self.field(&String::from_utf8_lossy(&line));
        }
    }

    fn event_ends(&mut self) -> Option<Frame> {
        let (name, data) = (std::mem::take(&mut self.name), self.data.take());
        if std::mem::take(&mut self.too_long) {
            return Some(Frame::TooLong);
        }
        data.map(|data| Frame::Event { name, data })
    }

    fn field(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(name: &str, data: &str) -> Frame {
        Frame::Event { name: name.to_owned(), data: data.to_owned() }
    }

    const RECORDED: &str = "\u{feff}: hello\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n\
        event: agent.message\r\nid: 7\r\ndata: {\"text\":\r\ndata:  \"ü\"}\r\n\r\n\
        data\rdata: x\r\rretry: 10\n\nevent: lonely\n\nevent:error\ndata:{}\n\n";

    fn expected() -> Vec<Frame> {
        vec![
            event("ping", "{\"type\":\"ping\"}"),
            event("agent.message", "{\"text\":\n \"ü\"}"),
            event("", "\nx"),
            event("error", "{}"),
        ]
    }

    #[test]
    fn a_recorded_stream_cut_at_every_byte() {
        let bytes = RECORDED.as_bytes();
        assert_eq!(Parser::default().feed(bytes), expected());
        for cut in 0..=bytes.len() {
            let mut parser = Parser::default();
            let mut frames = parser.feed(&bytes[..cut]);
            frames.extend(parser.feed(&bytes[cut..]));
            assert_eq!(frames, expected(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_ended_is_no_event() {
        let mut parser = Parser::default();
        assert!(parser.feed(b"event: x\ndata: {}\n").is_empty());
        assert_eq!(parser.feed(b"\n"), [event("x", "{}")]);
    }

    #[test]
    fn what_is_too_long_is_dropped_and_the_next_is_read() {
        let mut parser = Parser::default();
        parser.feed(b"data: ");
        for _ in 0..MOST >> 20 {
            parser.feed(&vec![b'a'; 1 << 20]);
        }
        assert!(parser.feed(b"a").is_empty());
        assert!(parser.held() <= 8, "nothing of it is kept");
        assert_eq!(parser.feed(b"b\n\ndata: y\n\n"), [Frame::TooLong, event("", "y")]);
    }

    proptest! {
        #[test]
        fn anything_may_come_in_any_pieces(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(1_usize..20, 1..20),
        ) {
            let whole = Parser::default().feed(&bytes);
            let (mut parser, mut pieces, mut rest) = (Parser::default(), Vec::new(), &bytes[..]);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (now, then) = rest.split_at((*cut).min(rest.len()));
                pieces.extend(parser.feed(now));
                rest = then;
            }
            prop_assert_eq!(pieces, whole);
        }
    }
}
