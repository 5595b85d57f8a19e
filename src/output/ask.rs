//! Asking somebody at a terminal, and leaving when they say so.

use super::failure::note;
use super::sanitise::line;
use super::style::{Role, Screens};
use crate::error::{Cannot as _, Kind, Result};
use nix::sys::signal::{SigSet, Signal};
use std::io::{BufRead as _, Write as _};

/// Asks for a follow-up. An empty line or the end of input is none.
pub fn follow_up(screens: &Screens) -> Result<Option<String>> {
    let doing = || "ask for a follow-up".to_owned();
    let mut err = std::io::stderr().lock();
    let prompt = screens.err.paint(Role::Strong, "follow-up");
    let aside = screens.err.paint(Role::Aside, "(an empty line leaves)");
    write!(err, "\n{prompt} {aside} > ").and_then(|()| err.flush()).cannot(Kind::Usage, doing)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).cannot(Kind::Usage, doing)?;
    let line = line.trim();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

/// Asks for a line of text. An empty one or the end of input is none.
pub fn text(question: &str, screens: &Screens) -> Result<Option<String>> {
    let doing = || "ask a question".to_owned();
    let mut err = std::io::stderr().lock();
    let question = screens.err.paint(Role::Strong, line(question));
    write!(err, "{question} > ").and_then(|()| err.flush()).cannot(Kind::Usage, doing)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).cannot(Kind::Usage, doing)?;
    let answer = answer.trim();
    Ok((!answer.is_empty()).then(|| answer.to_owned()))
}

/// Asks for one of several; its number.
pub fn choose(question: &str, all: &[String], first: usize) -> Result<usize> {
    let all: Vec<_> = all.iter().map(|one| line(one)).collect();
    let select = dialoguer::Select::new().with_prompt(line(question)).items(&all).default(first);
    select.interact().cannot(Kind::Usage, || "ask a question".to_owned())
}

/// Asks whether to go on. Whatever does not say yes is no.
pub fn confirm(question: &str, screens: &Screens) -> Result<bool> {
    let doing = || "ask whether to go on".to_owned();
    let mut err = std::io::stderr().lock();
    let question = screens.err.paint(Role::Strong, super::sanitise::line(question));
    let aside = screens.err.paint(Role::Aside, "(y, or nothing for no)");
    write!(err, "{question} {aside} > ").and_then(|()| err.flush()).cannot(Kind::Usage, doing)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).cannot(Kind::Usage, doing)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a value that is not shown while it is typed.
pub fn hidden(what: &str, screens: &Screens) -> Result<String> {
    password(what, screens, None)
}

/// Asks for the passphrase of the file of secrets, twice where it is a new one.
pub fn passphrase(new: bool, screens: &Screens) -> Result<String> {
    if !new {
        return password("passphrase of the file of secrets", screens, None);
    }
    let what = "a passphrase for the new file of secrets";
    password(what, screens, Some(("the same again", "they differ; once more")))
}

fn password(what: &str, screens: &Screens, again: Option<(&str, &str)>) -> Result<String> {
    let prompt = screens.err.paint(Role::Strong, line(what)).to_string();
    let mut asked = dialoguer::Password::new().with_prompt(prompt);
    if let Some((again, differ)) = again {
        asked = asked.with_confirmation(again, differ);
    }
    asked.interact().cannot(Kind::Usage, || format!("ask for {what}"))
}

/// From now on Ctrl-C, a closed terminal and a polite kill detach: the process ends, the worker goes
/// on, and the message says how to come back. That is safe at any moment, since whatever was read is
/// stored already. It must be called before there is any other thread: one that does not know of it
/// would take the signal and end everything without a word.
pub fn detach_on_signals(session: &str, screens: &Screens) -> Result<()> {
    let how = format!("detached; the worker goes on: `loop session attach {session}`");
    leave_on_signals(how, screens)
}

/// A signal ends this process at once, with these words.
pub fn leave_on_signals(words: String, screens: &Screens) -> Result<()> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        signals.add(signal);
    }
    // Threads made from here on inherit this, so that only the one below is told.
    signals.thread_block().cannot(Kind::Bug, || "listen for signals".to_owned())?;
    let screens = *screens;
    std::thread::spawn(move || {
        if let Ok(signal) = signals.wait() {
            if signal != Signal::SIGHUP {
                note(&format!("\n{words}"), &screens);
            }
            leave();
        }
    });
    Ok(())
}

#[expect(clippy::exit, reason = "whoever interrupts wants the prompt back now, wherever we are")]
fn leave() {
    std::process::exit(i32::from(Kind::Interrupted.exit_code()));
}
