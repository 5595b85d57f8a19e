//! Repositories in, branches and pull requests out.
//!
//! Everything that comes out of a sandbox is hostile, and everything that a server says is. So this
//! machine's git ([`git`]) runs only in bare folders of this program's own; a worker gets a bundle of
//! one branch ([`mirror`]) and makes an ordinary clone of it inside ([`sandboxed`]); its commits come
//! back as a bundle too, are checked, and are written anew by us ([`incoming`]). Nothing is pushed
//! before that. The branch is pushed by this machine, so the credential need not enter the sandbox,
//! and a branch that somebody moved is never overwritten ([`push`]). A pull request is looked for
//! before it is opened and after, so a lost answer never makes a second one ([`github`]).
//!
//! Skills that are installed from a repository or a folder come in as text ([`pack`]), known by their
//! content.
//!
//! An investigation may also become an issue, in the same way and as surely once ([`issues`]).

mod body;
mod flags;
mod git;
mod github;
mod here;
mod incoming;
mod issues;
mod mirror;
mod pack;
mod push;
mod remote;
mod rewrite;
pub mod sandboxed;
#[cfg(test)]
mod tests;

pub use body::{Investigation, Text, compose, mark};
pub use git::Git;
pub use github::{Forge, PullRequest, State, Wanted as WantedPullRequest, links};
pub use here::{Applied, Apply, Diff, apply, diff};
pub use incoming::{Incoming, SECRETS, Taken};
pub use issues::{Issue, Wanted as WantedIssue};
pub use mirror::{Base, Mirrors, Wanted};
pub use pack::{From as PackFrom, Pack};
pub use push::{Push, Pushed, push};
pub use remote::{GitHub, Remote};
pub use rewrite::Identity;
