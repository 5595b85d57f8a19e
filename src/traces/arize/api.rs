//! The calls: where they go, what they carry, and how a list is read page by page.

use super::super::Reach;
use super::{SECRET, problem};
use crate::domain::preset::Project;
use crate::error::{Failure, Kind, Result};
use crate::http::{Answer, Client, Method, Request, encoded};
use crate::secrets::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Write as _;

/// The vendor's own, where neither a region nor an address is named.
const HOST: &str = "https://api.arize.com";

/// The most that lists other than spans give at once.
const PAGE: &str = "100";

/// More pages of such a list are not read: whoever has so many names one.
const MOST_PAGES: usize = 100;

pub(super) struct Api {
    client: Client,
    base: String,
    key: Secret,
    /// Which secret the key is.
    secret: String,
}

/// What stands below every list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Pagination {
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(default)]
    next_cursor: Option<String>,
}

impl Pagination {
    /// The next page's cursor. `None` at the end.
    pub fn next(self) -> Option<String> {
        self.next_cursor.filter(|cursor| !cursor.is_empty() && self.has_more != Some(false))
    }
}

impl Api {
    pub fn new(project: &Project, reach: Reach) -> Result<Self> {
        let secret = project.secret.clone().unwrap_or_else(|| SECRET.to_owned());
        Ok(Self {
            key: (reach.secret)(&secret)?,
            client: Client::new(reach.ca_bundle)?,
            base: base(project),
            secret,
        })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn get<T: DeserializeOwned>(&self, doing: &str, path: &str) -> Result<T> {
        let answer = self.ask(&Request::get(self.url(path)))?;
        self.read(doing, &answer)
    }

    /// Something that is asked with a body and changes nothing, or nothing more the second time.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.ask(&Request::new(Method::POST, self.url(path)).json(body).repeatable())
    }

    /// Something that must not happen twice.
    pub fn post_once(&self, path: &str, body: &Value) -> Result<Answer> {
        self.ask(&Request::new(Method::POST, self.url(path)).json(body))
    }

    pub fn put(&self, path: &str) -> Result<Answer> {
        self.ask(&Request::new(Method::PUT, self.url(path)).repeatable())
    }

    /// A whole list, which the answer has under a name.
    pub fn list<T: DeserializeOwned>(
        &self,
        (doing, name): (&str, &str),
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>> {
        let mut path = format!("{path}?limit={PAGE}");
        for (key, value) in query {
            let _ = write!(path, "&{key}={}", encoded(value));
        }
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let asked = cursor.as_ref().map(|cursor| format!("{path}&cursor={}", encoded(cursor)));
            let mut page: serde_json::Map<String, Value> =
                self.get(doing, asked.as_deref().unwrap_or(&path))?;
            let items = page.remove(name).filter(|items| !items.is_null());
            let items: Option<Vec<T>> =
                items.map(serde_json::from_value).transpose().map_err(|_| odd(doing))?;
            all.extend(items.unwrap_or_default());
            let pagination = page.remove("pagination").map(serde_json::from_value);
            let pagination: Pagination =
                pagination.transpose().map_err(|_| odd(doing))?.unwrap_or_default();
            let next = pagination.next();
            if next.is_none() {
                return Ok(all);
            }
            if next == cursor {
                break;
            }
            cursor = next;
        }
        Err(Failure::new(Kind::Network, format!("cannot {doing}"))
            .because(format!("the list does not end: there were {} already", all.len())))
    }

    /// What an answer holds, or the failure that it tells of.
    pub fn read<T: DeserializeOwned>(&self, doing: &str, answer: &Answer) -> Result<T> {
        if !answer.is_success() {
            return Err(self.refused(doing, answer));
        }
        answer.json().map_err(|failure| {
            let base = &self.base;
            failure
                .while_doing(format!("cannot {doing}"))
                .hint(format!("check that `{base}` is the address of Arize AX's REST API"))
        })
    }

    pub fn refused(&self, doing: &str, answer: &Answer) -> Failure {
        problem::failure(answer, doing, &self.secret)
    }

    fn ask(&self, request: &Request) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.key.expose());
        self.client.send(&request.clone().header("authorization", bearer))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

/// An answer of another form than it should have.
fn odd(doing: &str) -> Failure {
    Failure::new(Kind::Network, format!("cannot {doing}"))
        .because("Arize AX answered in a form that is not known here")
}

fn base(project: &Project) -> String {
    let named = project.url.as_deref().map(|url| {
        let url = url.trim_end_matches('/');
        url.strip_suffix("/v2").unwrap_or(url).to_owned()
    });
    let region = project.region.as_ref().map(|region| format!("https://api.{region}.arize.com"));
    named.or(region).unwrap_or_else(|| HOST.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_calls_go() {
        #[track_caller]
        fn check(url: Option<&str>, region: Option<&str>, expected: &str) {
            let [url, region] = [url, region].map(|text| text.map(str::to_owned));
            assert_eq!(base(&Project { url, region, ..Project::default() }), expected);
        }
        check(None, None, "https://api.arize.com");
        check(None, Some("eu-west-1a"), "https://api.eu-west-1a.arize.com");
        check(Some("https://api.acme.example/"), Some("x"), "https://api.acme.example");
        check(Some("http://127.0.0.1:9/ax/v2/"), None, "http://127.0.0.1:9/ax");
    }

    #[test]
    fn the_last_page_has_no_next() {
        #[track_caller]
        fn check(json: &str, expected: Option<&str>) {
            let pagination: Pagination = serde_json::from_str(json).unwrap();
            assert_eq!(pagination.next().as_deref(), expected, "{json}");
        }
        check(r#"{"has_more":true,"next_cursor":"c"}"#, Some("c"));
        check(r#"{"next_cursor":"c"}"#, Some("c"));
        check(r#"{"has_more":false,"next_cursor":"c"}"#, None);
        check(r#"{"has_more":true}"#, None);
        check(r#"{"has_more":null,"next_cursor":""}"#, None);
    }
}
