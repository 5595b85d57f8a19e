//! A long text on a terminal: through the user's pager, as git does it.

use super::style::Screen;
use super::wire;
use crate::error::{Cannot as _, Kind, Result};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Shows a text that is harmless already. `pager` is a shell command; `cat` or nothing is none.
pub fn show(text: &str, screen: &Screen, pager: Option<&str>) -> Result<()> {
    let pager = pager.unwrap_or("less").trim();
    // What fits stays on the screen.
    if !screen.tty || matches!(pager, "" | "cat") || text.lines().count() < 30 {
        return wire::answer(|out| out.write_all(text.as_bytes()));
    }
    let mut command = Command::new("/bin/sh");
    // Colours as they are, at once back where it all fits, and nothing cleared at the end.
    command.args(["-c", pager]).env("LESS", "FRX").stdin(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        return wire::answer(|out| out.write_all(text.as_bytes()));
    };
    if let Some(mut pipe) = child.stdin.take() {
        // Somebody who has seen enough closes it.
        let _ = pipe.write_all(text.as_bytes());
    }
    let ended = child.wait().cannot(Kind::Usage, || format!("show it with `{pager}`"))?;
    if ended.code() == Some(127) {
        return wire::answer(|out| out.write_all(text.as_bytes()));
    }
    Ok(())
}
