//! Keys that only read one space, and end by themselves: for workers and jobs that need one at all.

use super::super::lease::Lease;
use super::api::Api;
use super::find::Found;
use super::read::time;
use crate::error::{Failure, Kind, Result};
use crate::http::encoded;
use serde::Deserialize;
use serde_json::{Value, json};

/// Makes a key of the project's space that is good until then, in Unix milliseconds.
pub(super) fn make(api: &Api, found: &Found, until: i64) -> Result<Lease> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
        key: Option<String>,
        expires_at: Option<String>,
    }
    let doing = "make a key at Arize AX";
    let answer =
        api.post_once("/v2/api-keys", &request(found, &organization(api, found)?, until))?;
    if answer.status == 403 {
        let failure = api.refused(doing, &answer);
        return Err(failure.because("keys are made with the right SERVICE_KEY_CREATE in the space"));
    }
    let made: Made = api.read(doing, &answer)?;
    let no_key = || {
        Failure::new(Kind::Network, format!("cannot {doing}"))
            .because("Arize AX made one, and did not say it")
    };
    // Without an end it would be no lease, whatever was asked for.
    let Some(until) = made.expires_at else {
        revoke(api, &made.id)?;
        return Err(Failure::new(Kind::Network, format!("cannot {doing}"))
            .because("it would have no end there, and was revoked again"));
    };
    Ok(Lease { id: made.id, key: made.key.ok_or_else(no_key)?, until })
}

/// Ends a key at once. It may be repeated.
pub(super) fn revoke(api: &Api, id: &str) -> Result<()> {
    let answer = api.put(&format!("/v2/api-keys/{}/revoke", encoded(id)))?;
    if answer.is_success() { Ok(()) } else { Err(api.refused("revoke the key", &answer)) }
}

fn organization(api: &Api, found: &Found) -> Result<String> {
    #[derive(Deserialize)]
    struct Space {
        organization_id: Option<String>,
    }
    let path = format!("/v2/spaces/{}", encoded(&found.space_id));
    let space: Space = api.get("look up the project's space", &path)?;
    space.organization_id.ok_or_else(|| {
        Failure::new(Kind::Network, "cannot make a key at Arize AX")
            .because("this server does not say which organization a space belongs to")
            .hint("make one in the vendor's own settings")
    })
}

fn request(found: &Found, organization: &str, until: i64) -> Value {
    let reads = json!({"type": "PREDEFINED", "name": "READ_ONLY"});
    json!({
        "key_type": "SERVICE",
        "name": format!("loop {}", found.name).chars().take(256).collect::<String>(),
        "description": "reads one space, for a while",
        "expires_at": time(until.saturating_mul(1_000)),
        "account_role": {"type": "PREDEFINED", "name": "MEMBER"},
        "organizations": [{
            "org_id": organization,
            "role": reads,
            "spaces": [{"space_id": found.space_id, "role": reads}],
        }],
    })
}
