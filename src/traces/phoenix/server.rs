//! Asks a Phoenix server something, and says clearly what is wrong when it does not answer as it should.

use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};
use crate::http::{Answer, Client, Method, Request, shown};
use crate::secrets::Secret;
use crate::traces::Reach;
use serde::de::DeserializeOwned;

/// Where Phoenix listens unless it is told otherwise.
const USUAL: &str = "http://localhost:6006";

pub(super) struct Server<'a> {
    project: &'a Project,
    /// Without a slash at its end.
    url: String,
    key: Option<Secret>,
    client: Client,
}

impl<'a> Server<'a> {
    pub fn new(project: &'a Project, reach: Reach<'a>) -> Result<Self> {
        let url = project.url.as_deref().unwrap_or(USUAL);
        let url = url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/').to_owned();
        let key = project.secret.as_deref().map(reach.secret).transpose()?;
        Ok(Self { project, url, key, client: Client::new(reach.ca_bundle)? })
    }

    pub fn project(&self) -> &'a Project {
        self.project
    }

    /// The answer where it is one to go on with: a success, or a 404 or 422, which mean something else
    /// with each question.
    pub fn ask(&self, path: &str) -> Result<Answer> {
        let answer = self.send(Request::get(format!("{}{path}", self.url)))?;
        match answer.status {
            200..300 | 404 | 422 if !is_page(&answer) => Ok(answer),
            _ => Err(self.refused(&answer)),
        }
    }

    /// The answer to something that is written, whatever its status. It may be written again.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> Result<Answer> {
        let request = Request::new(Method::POST, format!("{}{path}", self.url));
        self.send(request.json(body).repeatable())
    }

    fn send(&self, mut request: Request) -> Result<Answer> {
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {}", key.expose()));
        }
        self.client.send(&request).map_err(|failed| self.out_of_reach(failed))
    }

    /// The answer's JSON, where anything but a success is a failure.
    pub fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.ask(path)?;
        if !answer.is_success() {
            return Err(self.refused(&answer));
        }
        self.read(&answer)
    }

    pub fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        answer.json().map_err(|failed| {
            let mut odd = self.not_phoenix(answer);
            odd.causes.extend(failed.causes.into_iter().take(1));
            odd
        })
    }

    fn out_of_reach(&self, mut failed: Failure) -> Failure {
        if failed.kind != Kind::Network {
            return failed;
        }
        failed.sentence = format!("cannot reach Phoenix at `{}`", self.shown());
        // What the client was at says nothing to somebody who did not write it.
        let inner = ["error sending request", "client error"];
        failed.causes.retain(|cause| !inner.iter().any(|start| cause.starts_with(start)));
        if failed.causes.iter().any(|cause| cause.contains("redirect")) {
            return failed.hint(
                "the address must be Phoenix's own, not that of a page to sign in before it",
            );
        }
        failed
            .hint("does it run there? The address is the project's `url`")
            .hint("`phoenix serve` starts one on this machine")
    }

    /// What an answer that is no success means.
    pub fn refused(&self, answer: &Answer) -> Failure {
        let at = self.shown();
        let said = answer.said();
        match answer.status {
            _ if is_page(answer) => self.not_phoenix(answer),
            401 => self.unknown_key(&said),
            403 => Failure::new(Kind::Credential, format!("Phoenix at `{at}` refuses this key"))
                .because(said)
                .hint(
                    "a key that may read is needed: that of a user with the role Viewer is enough",
                ),
            404 => self.not_phoenix(answer),
            422 => {
                let version = answer.header(VERSION).unwrap_or("of an unknown version");
                Failure::new(
                    Kind::Network,
                    format!("Phoenix {version} at `{at}` does not understand the question"),
                )
                .because(said)
                .hint("update Phoenix, or this program, so that they are of an age")
            }
            300..=399 => Failure::new(Kind::Network, format!("`{at}` sends its callers elsewhere"))
                .because(format!("it answers with a redirection ({})", answer.status))
                .hint("the address must be Phoenix's own, not that of a page to sign in before it"),
            status => Failure::new(
                Kind::Network,
                format!("Phoenix at `{at}` cannot answer (status {status})"),
            )
            .because(said)
            .hint("try again in a while; the server's own log says more"),
        }
    }

    fn unknown_key(&self, said: &str) -> Failure {
        let at = self.shown();
        let fail = |sentence: String| Failure::new(Kind::Credential, sentence).because(said);
        match self.project.secret.as_deref() {
            None => fail(format!("Phoenix at `{at}` asks for a key"))
                .hint("make one in Phoenix, under Settings, API Keys: `export PHOENIX_API_KEY=…`")
                .hint("and name it in the project: `secret = \"PHOENIX_API_KEY\"`"),
            Some(secret) if said.to_ascii_lowercase().contains("expired") => {
                fail(format!("the key in `{secret}` has expired, says Phoenix at `{at}`"))
                    .hint(format!("make a new one under Settings, API Keys: `export {secret}=…`"))
            }
            Some(secret) => fail(format!("Phoenix at `{at}` does not know the key in `{secret}`"))
                .hint(format!(
                    "it expired or was deleted there, or is another server's: `export {secret}=…` sets the right one"
                )),
        }
    }

    /// Something answers, and it is not Phoenix's API.
    fn not_phoenix(&self, answer: &Answer) -> Failure {
        let at = self.shown();
        let sentence = format!("what answers at `{at}` is not Phoenix's API");
        let failed = Failure::new(Kind::Network, sentence);
        if answer.header(VERSION).is_some() && is_page(answer) {
            let origin = origin(&self.url);
            return failed
                .because("it is Phoenix, but under another path")
                .hint(format!("try `{origin}` as the project's `url`"));
        }
        failed
            .because(format!("it answers with status {} and `{}`", answer.status, kind(answer)))
            .hint(format!("check the project's `url`; Phoenix's usual one is `{USUAL}`"))
    }

    pub fn shown(&self) -> String {
        shown(&self.url)
    }
}

/// The header in which each answer of Phoenix says its version.
pub(super) const VERSION: &str = "x-phoenix-server-version";

fn kind(answer: &Answer) -> &str {
    answer.header("content-type").unwrap_or("no type")
}

fn is_page(answer: &Answer) -> bool {
    kind(answer).starts_with("text/html")
}

fn origin(url: &str) -> String {
    let after = url.find("://").map_or(0, |at| at + 3);
    let end = url[after..].find('/').map_or(url.len(), |at| after + at);
    url[..end].to_owned()
}
