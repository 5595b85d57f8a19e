//! Finding one's place in a file of lines without reading all of it.

use crate::domain::journal::Line;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

const BLOCK: usize = 64 << 10;

/// Where the last newline before `end` stands.
pub fn newline_before(file: &File, end: u64) -> io::Result<Option<u64>> {
    let mut block = vec![0; BLOCK];
    let mut end = end;
    while end > 0 {
        let start = end.saturating_sub(BLOCK as u64);
        let block = &mut block[..(end - start) as usize];
        file.read_exact_at(block, start)?;
        if let Some(at) = block.iter().rposition(|b| *b == b'\n') {
            return Ok(Some(start + at as u64));
        }
        end = start;
    }
    Ok(None)
}

/// Where the first newline at or after `start` stands.
fn newline_after(file: &File, start: u64) -> io::Result<Option<u64>> {
    let mut block = vec![0; BLOCK];
    let mut start = start;
    loop {
        let n = file.read_at(&mut block, start)?;
        if n == 0 {
            return Ok(None);
        }
        if let Some(at) = block[..n].iter().position(|b| *b == b'\n') {
            return Ok(Some(start + at as u64));
        }
        start += n as u64;
    }
}

/// Where the line that ends with the newline at `newline` begins.
pub fn line_start(file: &File, newline: u64) -> io::Result<u64> {
    Ok(newline_before(file, newline)?.map_or(0, |at| at + 1))
}

/// The end of the last whole line.
pub fn whole(file: &File) -> io::Result<u64> {
    Ok(newline_before(file, file.metadata()?.len())?.map_or(0, |at| at + 1))
}

/// The number of the journal line that begins at `start`; 0 where there is none.
pub fn number_at(file: &File, start: u64) -> io::Result<u64> {
    let mut head = [0; 32];
    let n = file.read_at(&mut head, start)?;
    Ok(Line::number(&head[..n]).unwrap_or(0))
}

/// Where the first line with a number above `after` begins: a binary search by position.
pub fn start_after(file: &File, after: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, whole(file)?);
    if after == 0 {
        return Ok(0);
    }
    // Both ends are always beginnings of lines (or the end of the last one).
    while low < high {
        let middle = low + (high - low) / 2;
        let start = newline_before(file, middle)?.map_or(0, |at| at + 1).max(low);
        if number_at(file, start)? > after {
            high = start;
        } else {
            low = newline_after(file, middle)?.map_or(high, |at| at + 1);
        }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn every_number_is_found() {
        let mut file = tempfile::tempfile().unwrap();
        let mut starts = Vec::new();
        let mut at = 0;
        for n in 1..=300_u64 {
            let long = if n % 50 == 0 { 200_000 } else { n as usize % 7 };
            let line = format!("{{\"n\":{n},\"x\":\"{}\"}}\n", "x".repeat(long));
            starts.push(at);
            at += line.len() as u64;
            file.write_all(line.as_bytes()).unwrap();
        }
        file.write_all(b"{\"n\":301,\"torn").unwrap();
        assert_eq!(whole(&file).unwrap(), at);
        starts.push(at);
        for after in 0..=300 {
            assert_eq!(start_after(&file, after).unwrap(), starts[after as usize], "after {after}");
        }
        assert_eq!(start_after(&file, 999).unwrap(), at);
    }
}
