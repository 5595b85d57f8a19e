//! `loop completions`

use super::app::{App, Done};
use clap_complete::Shell;

/// Print a shell's completions
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  loop completions bash > ~/.local/share/bash-completion/completions/loop
  loop completions zsh > \"${fpath[1]}/_loop\"
  loop completions fish > ~/.config/fish/completions/loop.fish")]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(self, app: &App, mut command: clap::Command) -> Done {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "loop", &mut script);
        app.answer(&script)
    }
}
