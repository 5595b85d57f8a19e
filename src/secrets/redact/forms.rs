//! The forms in which a value turns up by accident.
//!
//! Those that [`super::plain`] takes back need not be listed for that search: there are as many ways to
//! escape a value as there are subsets of its characters. Listed is what changes the bytes themselves,
//! and, for the search in the text as it is, what programs usually write.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::fmt::Write as _;

/// Every form of a value, as bytes.
pub fn of(value: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![value.as_bytes().to_vec()];
    forms.extend(json(value));
    forms.extend(percent(value));
    forms.extend(base64(value.as_bytes()));
    forms.extend(hex(value.as_bytes()));
    forms.extend(utf16(value));
    forms
}

/// As JSON writes it at one to three depths.
fn json(value: &str) -> Vec<Vec<u8>> {
    let mut nested = value.to_owned();
    let mut forms = Vec::new();
    for _ in 0..3 {
        let quoted = serde_json::to_string(&nested).unwrap_or_default();
        nested = quoted[1..quoted.len() - 1].to_owned();
        forms.push(nested.clone().into_bytes());
    }
    forms
}

/// In addresses and forms: what is left as it is differs from program to program.
fn percent(value: &str) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for left in ["-._~", "-._~!*'()", "-._~/", "-._*"] {
        for upper in [true, false] {
            let mut form = String::new();
            for byte in value.bytes() {
                // Writing to a string cannot fail.
                let _ = match byte {
                    b' ' if left == "-._*" => form.write_char('+'),
                    byte if byte.is_ascii_alphanumeric() || left.as_bytes().contains(&byte) => {
                        form.write_char(char::from(byte))
                    }
                    byte if upper => write!(form, "%{byte:02X}"),
                    byte => write!(form, "%{byte:02x}"),
                };
            }
            forms.push(form.into_bytes());
        }
    }
    forms
}

/// In both alphabets and at each of the three alignments, less the edge characters that the value's
/// neighbours decide.
fn base64(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for lead in 0..3_usize {
        let mut padded = vec![0; lead];
        padded.extend_from_slice(value);
        // A character holds 6 bits: the first whole one of the value starts after the lead's, and
        // the last one may hold bits of what follows.
        let first = (lead * 8).div_ceil(6);
        let whole = padded.len() * 8 / 6;
        for engine in [STANDARD, URL_SAFE] {
            forms.push(engine.encode(&padded).as_bytes()[first..whole].to_vec());
        }
    }
    forms
}

fn hex(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for between in ["", ":", " "] {
        let lower: Vec<String> = value.iter().map(|byte| format!("{byte:02x}")).collect();
        let lower = lower.join(between);
        forms.push(lower.to_uppercase().into_bytes());
        forms.push(lower.into_bytes());
    }
    forms
}

fn utf16(value: &str) -> [Vec<u8>; 2] {
    let units = || value.encode_utf16();
    [units().flat_map(u16::to_le_bytes).collect(), units().flat_map(u16::to_be_bytes).collect()]
}
