//! A harness in a sandbox.

use super::{After, Ending, Live, Task, Worker};
use crate::domain::turn::Conversation;
use crate::error::{Cannot as _, Failure, Kind, Result};
use crate::harness::{Harness, Reader};
use crate::output::Step;
use crate::sandbox::{Area, Created, Provider, Status};
use std::io::Read as _;
use std::rc::Rc;
use std::time::Duration;

/// How long a turn that is handed over waits for the end of the one before to be told.
const HAND_TRIES: u32 = 100;
const HAND_PAUSE: Duration = Duration::from_millis(100);

/// More of an answer is not read.
const ANSWER: u64 = 64 << 10;

pub struct Sandboxed {
    pub provider: Rc<dyn Provider>,
    pub harness: &'static dyn Harness,
}

impl Sandboxed {
    /// Says something to the supervisor and reads its answer: the state it came to.
    fn tell(&self, session: &str, verb: &str, stdin: &[u8]) -> Result<String> {
        let doing = || "talk to the supervisor in the sandbox".to_owned();
        let mut answer = String::new();
        self.provider
            .exec(session, &[verb.to_owned()], stdin)?
            .take(ANSWER)
            .read_to_string(&mut answer)
            .cannot(Kind::Sandbox, doing)?;
        let answer: serde_json::Value =
            serde_json::from_str(answer.trim()).cannot(Kind::Sandbox, doing)?;
        if answer["ok"] == true {
            return Ok(answer["state"].as_str().unwrap_or_default().to_owned());
        }
        let reason = answer["error"].as_str().unwrap_or("no answer");
        Err(Failure::new(Kind::Sandbox, format!("cannot {}", doing())).because(reason))
    }
}

impl Worker for Sandboxed {
    fn reader(&self, before: Option<&Conversation>) -> Box<dyn Reader> {
        self.harness.reader(before)
    }

    fn launch(&self, task: &mut Task) -> Result<Created> {
        let prepared = self.prepare(task)?;
        task.reporter.step(Step::doing("starting the sandbox"));
        let reporter = &mut *task.reporter;
        let made = self.provider.create(&prepared.spec(), &mut |what| {
            reporter.step(Step::doing(what));
        });
        made.map_err(|failure| {
            let id = &task.session.id;
            failure.while_doing(format!("cannot start the sandbox for session `{id}`"))
        })
    }

    /// The supervisor's claim makes this safe to repeat.
    fn hand(&self, task: &Task) -> Result<()> {
        let spec = self.turn_spec(task)?;
        let bytes = serde_json::to_vec(&spec).cannot(Kind::Bug, || "write the turn".to_owned())?;
        let id = &task.session.id;
        for _ in 0..HAND_TRIES {
            match self.tell(id, "turn", &bytes)?.as_str() {
                "started" | "already" => return Ok(()),
                // The end of the turn before is just being told.
                "busy" => std::thread::sleep(HAND_PAUSE),
                _ => break,
            }
        }
        Err(Failure::new(Kind::Sandbox, "the supervisor takes no further turn")
            .hint(format!("end the session: `loop session stop {id}`")))
    }

    fn journal(&self, session: &str, After { n, turn, follow }: After) -> Result<Live> {
        let mut verb = vec!["journal".to_owned(), "--after".to_owned(), n.to_string()];
        if follow {
            verb.extend(["--follow".to_owned(), "--turn".to_owned(), turn.to_string()]);
        }
        self.provider.exec(session, &verb, b"")
    }

    fn status(&self, session: &str) -> Result<Status> {
        self.provider.status(session)
    }

    fn download(&self, session: &str, what: Area) -> Result<Live> {
        self.provider.download(session, what)
    }

    fn end(&self, session: &str, what: Ending) -> Result<()> {
        match what {
            Ending::Turn => self.tell(session, "interrupt", b"").map(drop),
            Ending::Worker => self.tell(session, "close", b"").map(drop),
            Ending::Everything => self.provider.remove(session),
        }
    }
}
