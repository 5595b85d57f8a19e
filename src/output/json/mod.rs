//! JSON for scripts.
//!
//! One document for a command that answers once ([`write_document`]), one object a line for a
//! command that follows ([`write_line`]). Values are never altered, but whatever a terminal might
//! obey or hide is written as `\u` escapes, so that JSON on a screen is as harmless as text.

pub mod v1;

use super::sanitise;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};

/// One object and a newline.
pub fn write_line<T: Serialize>(out: &mut (impl Write + ?Sized), value: &T) -> io::Result<()> {
    write_part(out, value)?;
    out.write_all(b"\n")
}

/// A line that is JSON already, written by another program.
pub fn write_foreign(out: &mut (impl Write + ?Sized), line: &[u8]) -> io::Result<()> {
    harmless(out, String::from_utf8_lossy(line).trim_end())?;
    out.write_all(b"\n")
}

/// A value in the middle of a line.
fn write_part<T: Serialize>(out: &mut (impl Write + ?Sized), value: &T) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(&mut *out, Lines))?)
}

/// A document that people may read too.
pub fn write_document<T: Serialize>(out: &mut (impl Write + ?Sized), value: &T) -> io::Result<()> {
    let formatter = Document(PrettyFormatter::new());
    value.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// Everything in one line.
struct Lines;

impl Formatter for Lines {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        harmless(out, fragment)
    }
}

/// Indented.
struct Document(PrettyFormatter<'static>);

impl Formatter for Document {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        harmless(out, fragment)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// A piece of a string that needs no escape by JSON's own rules, or of JSON: outside its strings
/// everything is shown.
fn harmless<W: ?Sized + Write>(out: &mut W, fragment: &str) -> io::Result<()> {
    if fragment.is_ascii() && !fragment.as_bytes().contains(&0x7f) {
        return CompactFormatter.write_string_fragment(out, fragment);
    }
    let mut from = 0;
    for (at, c) in fragment.char_indices() {
        if sanitise::is_shown(c) {
            continue;
        }
        out.write_all(&fragment.as_bytes()[from..at])?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        from = at + c.len_utf8();
    }
    out.write_all(&fragment.as_bytes()[from..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn values_survive_and_are_harmless(value in any::<String>()) {
            for document in [false, true] {
                let mut out = Vec::new();
                if document { write_document(&mut out, &[&value]) } else { write_line(&mut out, &[&value]) }.unwrap();
                let written = String::from_utf8(out).unwrap();
                prop_assert_eq!(serde_json::from_str::<[String; 1]>(&written).unwrap()[0].clone(), value.clone());
                let harmless = written.chars().all(|c| c == '\n' || sanitise::is_shown(c));
                prop_assert!(harmless, "{:?}", written);
            }
        }
    }
}
