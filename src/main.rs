use std::process::ExitCode;

fn main() -> ExitCode {
    loop_cli::main()
}
