# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_loop_global_optspecs
    string join \n json q/quiet v/verbose color= no-input trust h/help V/version
end

function __fish_loop_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_loop_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_loop_using_subcommand
    set -l cmd (__fish_loop_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c loop -n "__fish_loop_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_needs_command" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_needs_command" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_needs_command" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_needs_command" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_needs_command" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c loop -n "__fish_loop_needs_command" -s V -l version -d 'Print version'
complete -c loop -n "__fish_loop_needs_command" -f -a "session" -d 'Start workers, follow them, and read what they left'
complete -c loop -n "__fish_loop_needs_command" -f -a "preset" -d 'Saved set-ups of a worker'
complete -c loop -n "__fish_loop_needs_command" -f -a "skill" -d 'Integrations that a worker may use'
complete -c loop -n "__fish_loop_needs_command" -f -a "secret" -d 'Credentials: where they are kept, and what wants them'
complete -c loop -n "__fish_loop_needs_command" -f -a "sandbox" -d 'Where workers run, and what each place can do'
complete -c loop -n "__fish_loop_needs_command" -f -a "project" -d 'Sources of traces'
complete -c loop -n "__fish_loop_needs_command" -f -a "traces" -d 'Look at a project\'s traces'
complete -c loop -n "__fish_loop_needs_command" -f -a "signal" -d 'Recurring failures of a project: found, ranked, looked into, watched until they are gone'
complete -c loop -n "__fish_loop_needs_command" -f -a "automation" -d 'Sessions that start by themselves'
complete -c loop -n "__fish_loop_needs_command" -f -a "gc" -d 'Collect what ran on alone, remove what is over, report what is foreign'
complete -c loop -n "__fish_loop_needs_command" -f -a "init" -d 'Set up what a first session needs, and start it'
complete -c loop -n "__fish_loop_needs_command" -f -a "doctor" -d 'Check every requirement, and say what mends it'
complete -c loop -n "__fish_loop_needs_command" -f -a "allow" -d 'Allow what the nearest `.loop/` folder says'
complete -c loop -n "__fish_loop_needs_command" -f -a "schema" -d 'Print the JSON Schema of an output'
complete -c loop -n "__fish_loop_needs_command" -f -a "completions" -d 'Print a shell\'s completions'
complete -c loop -n "__fish_loop_needs_command" -f -a "supervise" -d 'Be the supervisor of a sandbox'
complete -c loop -n "__fish_loop_needs_command" -f -a "turn" -d 'Hand a turn to the supervisor; its specification is read from standard input'
complete -c loop -n "__fish_loop_needs_command" -f -a "interrupt" -d 'Ask the supervisor to end the running turn'
complete -c loop -n "__fish_loop_needs_command" -f -a "close" -d 'Tell the supervisor that nothing more comes'
complete -c loop -n "__fish_loop_needs_command" -f -a "journal" -d 'Print the journal'
complete -c loop -n "__fish_loop_needs_command" -f -a "place" -d 'Write files, as the user one is; they are read from standard input'
complete -c loop -n "__fish_loop_needs_command" -f -a "keep" -d 'Stay for as long as what a supervisor left may be wanted'
complete -c loop -n "__fish_loop_needs_command" -f -a "fill" -d 'Put files where they belong; an archive of them is read from standard input'
complete -c loop -n "__fish_loop_needs_command" -f -a "hands" -d 'Be the supervisor\'s hands in the worker\'s container'
complete -c loop -n "__fish_loop_needs_command" -f -a "enter" -d 'Have the hands run a command, with our environment and standard input'
complete -c loop -n "__fish_loop_needs_command" -f -a "probe" -d 'Tell whether an address can be connected to'
complete -c loop -n "__fish_loop_needs_command" -f -a "pack" -d 'Archive a folder'
complete -c loop -n "__fish_loop_needs_command" -f -a "checkout" -d 'Clone the repository into the working directory, as the user one is'
complete -c loop -n "__fish_loop_needs_command" -f -a "hand-over" -d 'Pack what was committed in the working directory into the folder of artifacts'
complete -c loop -n "__fish_loop_needs_command" -f -a "host" -d 'Do what another machine\'s `loop` asks on standard input'
complete -c loop -n "__fish_loop_needs_command" -f -a "triage" -d 'Group the failures of a snapshot'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "start" -d 'Start a worker in a sandbox of its own'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "list" -d 'List sessions, newest first'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "ls" -d 'List sessions, newest first'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "show" -d 'Show a session: turns, sandbox, usage and cost, artifacts'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "logs" -d 'Print the transcript'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "attach" -d 'Follow a session live and take follow-ups'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "send" -d 'Send a follow-up'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "interrupt" -d 'End the running turn and keep the session'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "stop" -d 'End a session: collect what it left and remove its sandbox'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "artifacts" -d 'List what a session left'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "evals" -d 'Look at the eval labels that a session left, and write them to where its spans came from'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "eval" -d 'Look at the eval labels that a session left, and write them to where its spans came from'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "diff" -d 'Show what the worker committed'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "apply" -d 'Take what the worker committed into a repository of yours, as a branch'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "publish" -d 'Push what the worker committed and open the pull request'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "export" -d 'Write a whole session to a file'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "rm" -d 'Remove sessions with all that is stored of them'
complete -c loop -n "__fish_loop_using_subcommand session; and not __fish_seen_subcommand_from start list ls show logs attach send interrupt stop artifacts evals eval diff apply publish export rm delete" -f -a "delete" -d 'Remove sessions with all that is stored of them'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l prompt-file -d 'Read the prompt from a file, or from standard input with `-`' -r -F
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l preset -d 'A saved set-up: `loop preset list`' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l project -d 'A project by name, or a file or folder of traces' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l harness -d 'The agent program: claude-code, codex, opencode, gemini, cursor, command or triage' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l model -d 'The harness\'s own name of a model' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l sandbox -d 'Where the worker runs: docker or local' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l image -d 'The sandbox\'s image, or `auto`' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l skill -d 'An integration the worker may use; may be given several times' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l repo -d 'The repository the worker works on' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l branch -d 'The branch to start from' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l env -d 'A plain variable of the worker\'s environment; may be given several times' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l timeout -d 'How long a turn may take' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l max-turns -d 'The harness\'s own limit of model turns, where it has one' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l budget -d 'The harness\'s own limit of cost, where it has one' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l name -d 'A name of your own for the session' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l label -d 'A label; may be given several times' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l keep -d 'When to keep the sandbox after the session: never, on-failure or always' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l detach -d 'Start it and leave; `loop session attach` comes back'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l dry-run -d 'Print the launch plan, secrets by name only, and start nothing'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l status -d 'Only those of a phase: provisioning, running, idle, succeeded, failed, cancelled or lost' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l preset -d 'Only those of a preset' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l project -d 'Only those of a project' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l since -d 'Only those started within this time' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l limit -d 'At most so many' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l status -d 'Only those of a phase: provisioning, running, idle, succeeded, failed, cancelled or lost' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l preset -d 'Only those of a preset' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l project -d 'Only those of a project' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l since -d 'Only those started within this time' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l limit -d 'At most so many' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l turn -d 'Only a turn' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l after -d 'Only what comes after an event' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l tail -d 'Only the last so many events' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -s f -l follow -d 'Go on until the session is over'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l raw -d 'The sandbox\'s journal as it was written, one JSON object a line'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from attach" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from attach" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from attach" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from attach" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from attach" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from attach" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from attach" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -l wait -d 'Follow the turn to its end'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -l queue -d 'Hand it over when the running turn is over'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from send" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from interrupt" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from interrupt" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from interrupt" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from interrupt" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from interrupt" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from interrupt" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from interrupt" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from stop" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from stop" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from stop" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from stop" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from stop" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from stop" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -l download -d 'Copy the files into a folder' -r -F
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -l open -d 'Open the investigation with the system\'s own program'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from artifacts" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -f -a "show" -d 'Show the eval labels that a session left, and the mistakes in them'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from evals" -f -a "push" -d 'Write eval labels to the project that the spans came from'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -f -a "show" -d 'Show the eval labels that a session left, and the mistakes in them'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from eval" -f -a "push" -d 'Write eval labels to the project that the spans came from'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -l stat -d 'Only which files, and how much of them'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -l branch -d 'What to call the branch' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -l repo -d 'The repository of the issue; else the session\'s own' -r
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -l reviewed -d 'You looked at the changes, and at what the checks found in them'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -l issue -d 'Open an issue with the investigation, and push nothing'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from publish" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -l format -d 'md, html, json or otlp' -r -f -a "md\t''
html\t''
json\t''
otlp\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -s o -l output -d 'Where to; else standard output' -r -F
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -l send -d 'Send its spans to the server of `[telemetry]`, also those that were sent before'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from rm" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from rm" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from rm" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from rm" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from delete" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from delete" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from delete" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand session; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -f -a "list" -d 'List presets, where each comes from, and what it hides'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -f -a "ls" -d 'List presets, where each comes from, and what it hides'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -f -a "show" -d 'Show a preset'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -f -a "new" -d 'Write a new preset to begin with'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -f -a "edit" -d 'Open a preset in your editor, then check it'
complete -c loop -n "__fish_loop_using_subcommand preset; and not __fish_seen_subcommand_from list ls show new edit validate" -f -a "validate" -d 'List every mistake of presets, each with its place'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from new" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from new" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from new" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from new" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from new" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from new" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from edit" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from edit" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from edit" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from edit" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from edit" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from edit" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from validate" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from validate" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from validate" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from validate" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from validate" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from validate" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand preset; and __fish_seen_subcommand_from validate" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -f -a "list" -d 'List skills, where each comes from, and what it hides'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -f -a "ls" -d 'List skills, where each comes from, and what it hides'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -f -a "show" -d 'Show a skill'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -f -a "check" -d 'Try a skill\'s secrets with one real call'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -f -a "install" -d 'Look at what a custom skill installs, and agree to it'
complete -c loop -n "__fish_loop_using_subcommand skill; and not __fish_seen_subcommand_from list ls show check install validate" -f -a "validate" -d 'List every mistake of skills, each with its place'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -l env -d 'A plain variable of the skill, instead of its own; may be given several times' -r
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -s y -l yes -d 'Agree without being asked'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from validate" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from validate" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from validate" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from validate" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from validate" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from validate" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand skill; and __fish_seen_subcommand_from validate" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -f -a "set" -d 'Store a secret; its value is typed, or read from standard input'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -f -a "list" -d 'List secrets by name: where each is, and what wants it'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -f -a "ls" -d 'List secrets by name: where each is, and what wants it'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -f -a "check" -d 'Look at every store, and for every secret that something wants'
complete -c loop -n "__fish_loop_using_subcommand secret; and not __fish_seen_subcommand_from set list ls check rm" -f -a "rm" -d 'Forget a secret'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -l skill -d 'The skill that it is for' -r
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -l store -d 'Where it is kept; else in the first store that can be used' -r -f -a "keyring\t''
file\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from check" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from check" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from check" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from check" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -l store -d 'Only there' -r -f -a "keyring\t''
file\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand secret; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -f -a "list" -d 'List where workers can run, what each place can do, and what is missing here'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -f -a "ls" -d 'List where workers can run, what each place can do, and what is missing here'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and not __fish_seen_subcommand_from list ls show" -f -a "show" -d 'Show what a provider needs, and what it can be told'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand sandbox; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -f -a "list" -d 'List projects and where each comes from'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -f -a "ls" -d 'List projects and where each comes from'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -f -a "show" -d 'Show a project'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -f -a "add" -d 'Name a source of traces'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -f -a "key" -d 'Make a key that only reads, and ends by itself'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -f -a "rm" -d 'Forget a project; its traces stay where they are'
complete -c loop -n "__fish_loop_using_subcommand project; and not __fish_seen_subcommand_from list ls show add key rm delete" -f -a "delete" -d 'Forget a project; its traces stay where they are'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -l check -d 'Look at its server too: is it there, and what may the key do'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -l monitors -d 'Ask its source what it watches of the project, and how that stands (`arize`)'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l source -d 'file, phoenix or arize' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l path -d 'A file or folder of traces, for `file`' -r -F
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l url -d 'The server, for `phoenix` and `arize`' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l project -d 'The source\'s own name of the project, where it differs' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l secret -d 'The name of the secret that is the server\'s key' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l space -d 'The space that holds it, by name or id, for `arize`' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l region -d 'Where the account is, for `arize`: `eu-west-1a` and its like' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l no-check -d 'Add it without a look at the server first'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -l valid -d 'How long it is good' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -l revoke -d 'End a key at once, by its id' -r
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from key" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -l traces -d 'Delete the traces that were imported into it too; files of your own are never deleted'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -l traces -d 'Delete the traces that were imported into it too; files of your own are never deleted'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand project; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "list" -d 'List traces, newest first'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "ls" -d 'List traces, newest first'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "show" -d 'Show a trace as a tree, or one span whole'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "search" -d 'Search the text of inputs, outputs, messages and errors'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "stats" -d 'Counts, error rates, latencies, tokens and cost'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "sql" -d 'Ask the snapshot in SQL, read-only'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "snapshot" -d 'Write a project\'s traces to a snapshot file'
complete -c loop -n "__fish_loop_using_subcommand traces; and not __fish_seen_subcommand_from list ls show search stats sql snapshot import" -f -a "import" -d 'Keep traces of files in a project of their own'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l project -d 'A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l kind -d 'Only traces with a span of this kind: LLM, TOOL, AGENT, RETRIEVER, CHAIN, ...' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l name -d 'Only traces with a span or tool of this name' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l min-latency -d 'Only traces that took at least this long' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l session -d 'Only traces of this session' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l user -d 'Only traces of this user' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l limit -d 'At most so many' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l errors -d 'Only traces with a span in error'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l full -d 'Long values whole'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l project -d 'A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l kind -d 'Only traces with a span of this kind: LLM, TOOL, AGENT, RETRIEVER, CHAIN, ...' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l name -d 'Only traces with a span or tool of this name' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l min-latency -d 'Only traces that took at least this long' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l session -d 'Only traces of this session' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l user -d 'Only traces of this user' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l limit -d 'At most so many' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l errors -d 'Only traces with a span in error'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l full -d 'Long values whole'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l span -d 'One span of it, with its messages, attributes and events; a unique prefix does' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l project -d 'A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l limit -d 'At most so many spans' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l full -d 'Long values whole'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l project -d 'A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l limit -d 'At most so many' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l full -d 'Long values whole'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from search" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l by -d 'name, kind, model, tool, session, user or error' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l metric -d 'Only these numbers, each with what it was counted from' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l every -d 'The numbers for each stretch of time too' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l project -d 'A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l limit -d 'At most so many groups' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l project -d 'A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l limit -d 'At most so many' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l full -d 'Long values whole'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from sql" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -l project -d 'A project by name, a file or folder of traces, or a snapshot; in a sandbox, its evidence' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -l since -d 'Only traces from then on: `24h`, `7d`, or a time' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -l until -d 'Only traces before then' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -s o -l output -d 'Where to' -r -F
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from snapshot" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -l project -d 'The project they go into' -r
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand traces; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "enable" -d 'Look at a project again and again: find what fails, rank it, look into it, watch its fix'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "disable" -d 'Stop looking at a project; its issues stay known'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "status" -d 'Show how Signal stands: when it runs, what it found, what it may spend'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "run" -d 'Look at a project now'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "issues" -d 'List issues, the worst first'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "issue" -d 'Show an issue, and say what is to become of it'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "attach-repo" -d 'Let workers see the code, and propose fixes there'
complete -c loop -n "__fish_loop_using_subcommand signal; and not __fish_seen_subcommand_from enable disable status run issues issue attach-repo detach-repo" -f -a "detach-repo" -d 'Look at traces alone again'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l every -d 'How often: `10m`, `1h`, `1d`; every ten minutes if nothing is said' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l cron -d 'When, as a cron expression' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l timezone -d 'The time zone of `--cron`' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l preset -d 'The set-up of workers that look into issues, or `none`' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l context -d 'What workers should know of the project' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l top -d 'Issues to look into in a run, at most' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l budget -d 'What that may cost in a day' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from disable" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from disable" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from disable" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from disable" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from disable" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from disable" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from status" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from status" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from status" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l top -d 'Issues to look into, at most' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l preset -d 'The set-up of workers that look into issues' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l sandbox -d 'Where they run' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l budget -d 'What that may cost in a day' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -l project -d 'Only those of a project' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -l status -d 'Only those that are open (all that is not over), over, all, or in one state: investigating, fix-proposed, merged, verified-gone, regressed, resolved, muted' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -l limit -d 'At most so many' -r
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issues" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -f -a "show" -d 'Show an issue: what fails, since when, what is known of it, what became of it'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -f -a "resolve" -d 'It is dealt with; it counts as regressed if it comes back'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -f -a "reopen" -d 'It is not dealt with after all'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -f -a "mute" -d 'Hear nothing of it; it goes on being counted'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -f -a "assign-pr" -d 'Name the pull request that is to fix it'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -f -a "investigate" -d 'Have a session look into it now'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from issue" -f -a "to-eval" -d 'Write a check of it: rows of a dataset, and an evaluator to begin with'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from attach-repo" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from attach-repo" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from attach-repo" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from attach-repo" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from attach-repo" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from attach-repo" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from attach-repo" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from detach-repo" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from detach-repo" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from detach-repo" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from detach-repo" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from detach-repo" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from detach-repo" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand signal; and __fish_seen_subcommand_from detach-repo" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "list" -d 'List automations, what sets each off, and when it is due next'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "ls" -d 'List automations, what sets each off, and when it is due next'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "show" -d 'Show an automation, and how it stands'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "new" -d 'Write a new automation to begin with'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "validate" -d 'List every mistake of automations, each with its place'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "enable" -d 'Let an automation run by itself again'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "disable" -d 'Keep an automation from running by itself'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "rm" -d 'Delete an automation and its history'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "delete" -d 'Delete an automation and its history'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "run" -d 'Run an automation now, under its own rules'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "history" -d 'Every fire, also the skipped and refused ones, with the reason'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "daemon" -d 'Run what is due, until told to stop'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "tick" -d 'Run what is due now, once'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "install" -d 'Write what lets something else run what is due'
complete -c loop -n "__fish_loop_using_subcommand automation; and not __fish_seen_subcommand_from list ls show new validate enable disable rm delete run history daemon tick install perform" -f -a "perform" -d 'Perform one fire'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from list" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from list" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from ls" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from ls" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from ls" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from ls" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from ls" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from ls" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from ls" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from show" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from show" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from new" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from new" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from new" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from new" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from new" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from new" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from validate" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from validate" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from validate" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from validate" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from validate" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from validate" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from validate" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from enable" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from enable" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from enable" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from enable" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from enable" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from enable" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from disable" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from disable" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from disable" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from disable" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from disable" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from disable" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from rm" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from rm" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from rm" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from rm" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from delete" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from delete" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from delete" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -l summary -d 'Add what came of it to a file, as Markdown' -r -F
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -l wait -d 'Stay until it is over'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -l limit -d 'At most so many, the newest first' -r
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -l every -d 'How often it looks' -r
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -l parallel -d 'At most so many fires are performed at once' -r
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -l listen -d 'Where it takes webhooks; without it 127.0.0.1:8787, where an automation waits for one' -r
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from daemon" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -l wait -d 'Stay until what runs is over'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from tick" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -s o -l output -d 'The folder to write it to; files that are there are not written over' -r -F
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -l image -d 'For kubernetes: the image that has `loop`' -r
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -l daemon -d 'For systemd: the daemon as a service, which webhooks need'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -l force -d 'Write over files that are there'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from perform" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from perform" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from perform" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from perform" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from perform" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from perform" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand automation; and __fish_seen_subcommand_from perform" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand gc" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand gc" -l dry-run -d 'Say what would be done, and do nothing'
complete -c loop -n "__fish_loop_using_subcommand gc" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand gc" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand gc" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand gc" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand gc" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand gc" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand init" -l harness -d 'The agent program; else one whose key is found' -r
complete -c loop -n "__fish_loop_using_subcommand init" -l project -d 'The project to look at first; else the usual one, or the demo' -r
complete -c loop -n "__fish_loop_using_subcommand init" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand init" -l no-session -d 'Set up, and start no session (implied by `--json`)'
complete -c loop -n "__fish_loop_using_subcommand init" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand init" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand init" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand init" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand init" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand init" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand doctor" -l kubernetes -d 'Print the manifest that grants what a Kubernetes cluster has to allow, and say what it does not'
complete -c loop -n "__fish_loop_using_subcommand doctor" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand doctor" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand doctor" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand doctor" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand doctor" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand allow" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand allow" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand allow" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand allow" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand allow" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand allow" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand allow" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand schema" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand schema" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand schema" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand schema" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand schema" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand schema" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand schema" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand completions" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand completions" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand completions" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand completions" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand completions" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand completions" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand supervise" -l run -r -F
complete -c loop -n "__fish_loop_using_subcommand supervise" -l boot -d 'What it is told where nothing comes on standard input; holds no secret' -r
complete -c loop -n "__fish_loop_using_subcommand supervise" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand supervise" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand supervise" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand supervise" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand supervise" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand supervise" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand supervise" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand turn" -l run -r -F
complete -c loop -n "__fish_loop_using_subcommand turn" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand turn" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand turn" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand turn" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand turn" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand turn" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand turn" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand interrupt" -l run -r -F
complete -c loop -n "__fish_loop_using_subcommand interrupt" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand interrupt" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand interrupt" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand interrupt" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand interrupt" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand interrupt" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand interrupt" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand close" -l run -r -F
complete -c loop -n "__fish_loop_using_subcommand close" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand close" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand close" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand close" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand close" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand close" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand close" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand journal" -l run -r -F
complete -c loop -n "__fish_loop_using_subcommand journal" -l after -r
complete -c loop -n "__fish_loop_using_subcommand journal" -l turn -r
complete -c loop -n "__fish_loop_using_subcommand journal" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand journal" -l follow
complete -c loop -n "__fish_loop_using_subcommand journal" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand journal" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand journal" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand journal" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand journal" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand journal" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand place" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand place" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand place" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand place" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand place" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand place" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand place" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand keep" -l run -r -F
complete -c loop -n "__fish_loop_using_subcommand keep" -l grace -r
complete -c loop -n "__fish_loop_using_subcommand keep" -l hands -r -F
complete -c loop -n "__fish_loop_using_subcommand keep" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand keep" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand keep" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand keep" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand keep" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand keep" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand keep" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand fill" -l root -d 'The folders that may be written to' -r -F
complete -c loop -n "__fish_loop_using_subcommand fill" -l done -d 'Made once all is there' -r -F
complete -c loop -n "__fish_loop_using_subcommand fill" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand fill" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand fill" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand fill" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand fill" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand fill" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand fill" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand hands" -l socket -r -F
complete -c loop -n "__fish_loop_using_subcommand hands" -l owner -d 'The user that is obeyed' -r
complete -c loop -n "__fish_loop_using_subcommand hands" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand hands" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand hands" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand hands" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand hands" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand hands" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand hands" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand enter" -l socket -r -F
complete -c loop -n "__fish_loop_using_subcommand enter" -l cwd -r
complete -c loop -n "__fish_loop_using_subcommand enter" -l used -d 'Where to write down what it uses' -r -F
complete -c loop -n "__fish_loop_using_subcommand enter" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand enter" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand enter" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand enter" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand enter" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand enter" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand enter" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand probe" -l of -d 'Two variables of the environment that name the host and the port' -r
complete -c loop -n "__fish_loop_using_subcommand probe" -l within -r
complete -c loop -n "__fish_loop_using_subcommand probe" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand probe" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand probe" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand probe" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand probe" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand probe" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand probe" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand pack" -l at-most -d 'Fail where there are more bytes than this' -r
complete -c loop -n "__fish_loop_using_subcommand pack" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand pack" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand pack" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand pack" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand pack" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand pack" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand pack" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand checkout" -l bundle -r -F
complete -c loop -n "__fish_loop_using_subcommand checkout" -l base -r
complete -c loop -n "__fish_loop_using_subcommand checkout" -l branch -r
complete -c loop -n "__fish_loop_using_subcommand checkout" -l origin -r
complete -c loop -n "__fish_loop_using_subcommand checkout" -l shallow -r
complete -c loop -n "__fish_loop_using_subcommand checkout" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand checkout" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand checkout" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand checkout" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand checkout" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand checkout" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand checkout" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand hand-over" -l base -r
complete -c loop -n "__fish_loop_using_subcommand hand-over" -l branch -r
complete -c loop -n "__fish_loop_using_subcommand hand-over" -l artifacts -r -F
complete -c loop -n "__fish_loop_using_subcommand hand-over" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand hand-over" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand hand-over" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand hand-over" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand hand-over" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand hand-over" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand hand-over" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand host" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand host" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand host" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand host" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand host" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand host" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand host" -s h -l help -d 'Print help'
complete -c loop -n "__fish_loop_using_subcommand triage" -l snapshot -r -F
complete -c loop -n "__fish_loop_using_subcommand triage" -l artifacts -r -F
complete -c loop -n "__fish_loop_using_subcommand triage" -l color -d 'When to use colour' -r -f -a "auto\t''
always\t''
never\t''"
complete -c loop -n "__fish_loop_using_subcommand triage" -l json -d 'Print JSON: one document, or one object a line where the command follows something'
complete -c loop -n "__fish_loop_using_subcommand triage" -s q -l quiet -d 'Say only what was asked for'
complete -c loop -n "__fish_loop_using_subcommand triage" -s v -l verbose -d 'Say more'
complete -c loop -n "__fish_loop_using_subcommand triage" -l no-input -d 'Never ask anything'
complete -c loop -n "__fish_loop_using_subcommand triage" -l trust -d 'Use what a `.loop/` folder says although it was not allowed'
complete -c loop -n "__fish_loop_using_subcommand triage" -s h -l help -d 'Print help'
