//! The command line: a page each.
//!
//! A page is its arguments and one function: arguments, one call, one rendering. What the pages
//! share is in [`app`]. Only this module reads the clock ([`clock`]).

mod allow;
mod app;
mod automation;
mod clock;
mod completions;
mod doctor;
mod gc;
mod hidden;
mod hosted;
mod init;
mod preset;
mod project;
mod providers;
mod sandbox;
mod schema;
mod secret;
mod session;
mod signal;
mod skill;
mod traces;

use app::App;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

/// The agent improvement loop: from traces to investigations, issues and fixes.
///
/// A worker (a coding agent) reads a project's traces in a sandbox of its own and leaves artifacts
/// for people to review. It never touches production.
#[derive(Parser)]
#[command(name = "loop", version, about, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  loop session start --preset triage --project demo       no account, no key
  loop session start --preset investigate --project ./traces.jsonl \"why do refunds fail?\"
  loop session attach last
  loop doctor")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Print JSON: one document, or one object a line where the command follows something
    #[arg(long, global = true)]
    pub json: bool,
    /// Say only what was asked for
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_parser = ["auto", "always", "never"])]
    pub color: Option<String>,
    /// Never ask anything
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Use what a `.loop/` folder says although it was not allowed
    #[arg(long, global = true)]
    pub trust: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Start workers, follow them, and read what they left
    #[command(subcommand, alias = "sessions")]
    Session(session::Command),
    /// Saved set-ups of a worker
    #[command(subcommand, alias = "presets")]
    Preset(preset::Command),
    /// Integrations that a worker may use
    #[command(subcommand, alias = "skills")]
    Skill(skill::Command),
    /// Credentials: where they are kept, and what wants them
    #[command(subcommand, alias = "secrets")]
    Secret(secret::Command),
    /// Where workers run, and what each place can do
    #[command(subcommand, alias = "sandboxes")]
    Sandbox(sandbox::Command),
    /// Sources of traces
    #[command(subcommand, alias = "projects")]
    Project(project::Command),
    /// Look at a project's traces
    #[command(subcommand, alias = "trace")]
    Traces(traces::Command),
    /// Recurring failures of a project: found, ranked, looked into, watched until they are gone
    #[command(subcommand)]
    Signal(signal::Command),
    /// Sessions that start by themselves
    #[command(subcommand, alias = "automations")]
    Automation(automation::Command),
    /// Collect what ran on alone, remove what is over, report what is foreign
    Gc(gc::Gc),
    /// Set up what a first session needs, and start it
    Init(init::Init),
    /// Check every requirement, and say what mends it
    Doctor(doctor::Doctor),
    /// Allow what the nearest `.loop/` folder says
    Allow(allow::Allow),
    /// Print the JSON Schema of an output
    Schema(schema::Schema),
    /// Print a shell's completions
    Completions(completions::Completions),
    #[command(flatten)]
    Hidden(hidden::Command),
}

/// The whole program.
pub fn main() -> ExitCode {
    let mut arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    // In a sandbox the same file is also called `traces`.
    let called = arguments.first().map(std::path::PathBuf::from);
    if called.is_some_and(|path| path.file_name().is_some_and(|name| name == "traces")) {
        arguments.splice(..1, ["loop".into(), "traces".into()]);
    }
    let command = Cli::command();
    let cli = match command.try_get_matches_from(arguments).and_then(|m| Cli::from_arg_matches(&m))
    {
        Ok(cli) => cli,
        Err(error) => return app::usage(&error),
    };
    app::run(cli.global, |app| dispatch(cli.command, app))
}

fn dispatch(command: Command, app: &App) -> app::Done {
    match command {
        Command::Session(command) => session::run(command, app),
        Command::Preset(command) => preset::run(command, app),
        Command::Skill(command) => skill::run(command, app),
        Command::Secret(command) => secret::run(command, app),
        Command::Sandbox(command) => sandbox::run(command, app),
        Command::Project(command) => project::run(command, app),
        Command::Traces(command) => traces::run(command, app),
        Command::Signal(command) => signal::run(command, app),
        Command::Automation(command) => automation::run(command, app),
        Command::Gc(page) => page.run(app),
        Command::Init(page) => page.run(app),
        Command::Doctor(page) => page.run(app),
        Command::Allow(page) => page.run(app),
        Command::Schema(page) => page.run(app),
        Command::Completions(page) => page.run(app, Cli::command()),
        Command::Hidden(command) => hidden::run(command, app),
    }
}
