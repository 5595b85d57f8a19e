//! Signed requests, in the form of the Standard Webhooks specification
//! (<https://www.standardwebhooks.com>): HMAC-SHA256 over `id.timestamp.body`, the body as its raw
//! bytes. The id and the time are signed too, so neither a replay nor an old request can be made to
//! look new.

use super::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// How far a request's time may be from ours, in seconds.
pub const TOLERANCE: i64 = 300;

/// The longest id that is taken.
const MAX_ID: usize = 128;

/// How many signatures of one request are looked at.
const MAX_SIGNATURES: usize = 8;

/// What a request says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub id: &'a str,
    /// Unix seconds.
    pub timestamp: &'a str,
    /// One or more, with a blank between them: `v1,BASE64`.
    pub signature: &'a str,
    pub body: &'a [u8],
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// A header is missing or cannot be read.
    Unreadable,
    /// It is too old, or its clock is wrong.
    Stale,
    /// Somebody else made it, or changed it.
    Forged,
}

/// Whether a request was made by somebody who has the secret, within the last minutes. `now` is Unix
/// seconds.
pub fn verify(secret: &Secret, signed: &Signed, now: i64) -> Result<(), Refused> {
    let is_id = !signed.id.is_empty()
        && signed.id.len() <= MAX_ID
        && signed.id.bytes().all(|byte| byte.is_ascii_graphic());
    let digits = signed.timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let at: i64 = signed.timestamp.parse().map_err(|_| Refused::Unreadable)?;
    if !is_id || !digits || secret.expose().is_empty() {
        return Err(Refused::Unreadable);
    }
    let signatures = signed.signature.split_ascii_whitespace().take(MAX_SIGNATURES);
    let matches = |signature: &str| {
        let bytes = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        // Compared in a time that does not depend on where they differ.
        bytes.is_some_and(|bytes| mac(secret, signed).verify_slice(&bytes).is_ok())
    };
    if !signatures.into_iter().any(matches) {
        return Err(Refused::Forged);
    }
    // Only of one that is genuine it is told that it is old.
    if now.saturating_sub(at).abs() > TOLERANCE { Err(Refused::Stale) } else { Ok(()) }
}

/// The signature of a request that we make ourselves.
pub fn sign(secret: &Secret, (id, timestamp): (&str, i64), body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let signed = Signed { id, timestamp: &timestamp, signature: "", body };
    format!("v1,{}", STANDARD.encode(mac(secret, &signed).finalize().into_bytes()))
}

fn mac(secret: &Secret, signed: &Signed) -> Hmac<Sha256> {
    let text = secret.expose();
    let decoded = text.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    let key = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
    let mut mac = match Hmac::<Sha256>::new_from_slice(&key) {
        Ok(mac) => mac,
        // Keys of any length are taken.
        Err(_) => Hmac::<Sha256>::new(&hmac::digest::Key::<Hmac<Sha256>>::default()),
    };
    for part in [signed.id.as_bytes(), b".", signed.timestamp.as_bytes(), b".", signed.body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_772_409_600;

    fn secret() -> Secret {
        Secret::new("a secret of a test", "x").unwrap()
    }

    fn check(id: &str, at: &str, body: &[u8], signature: &str, wanted: Result<(), Refused>) {
        let signed = Signed { id, timestamp: at, signature, body };
        assert_eq!(verify(&secret(), &signed, NOW), wanted, "{id} {at} {signature}");
    }

    #[test]
    fn only_what_was_signed_is_taken() {
        let at = NOW.to_string();
        let good = sign(&secret(), ("m1", NOW), b"body");
        check("m1", &at, b"body", &good, Ok(()));
        check("m1", &at, b"body", &format!("v1,AAAA v2,x {good}"), Ok(()));
        for (id, at, body) in [
            ("m2", at.as_str(), b"body".as_slice()),
            ("m1", at.as_str(), b"bod"),
            ("m1", at.as_str(), b"body "),
            ("m1", at.as_str(), b""),
        ] {
            check(id, at, body, &good, Err(Refused::Forged));
        }
        let later = (NOW + 1).to_string();
        check("m1", &later, b"body", &good, Err(Refused::Forged));
        for cut in 0..good.len() {
            let wanted = Err(Refused::Forged);
            check("m1", &at, b"body", &good[..cut], wanted);
        }
        check("", &at, b"body", &good, Err(Refused::Unreadable));
        check("m1", "soon", b"body", &good, Err(Refused::Unreadable));
        check("m1", &format!("+{at}"), b"body", &good, Err(Refused::Unreadable));
        check(&"m".repeat(129), &at, b"body", &good, Err(Refused::Unreadable));
    }

    #[test]
    fn an_old_one_is_not_taken() {
        for (at, wanted) in [
            (NOW - TOLERANCE, Ok(())),
            (NOW - TOLERANCE - 1, Err(Refused::Stale)),
            (NOW + TOLERANCE + 1, Err(Refused::Stale)),
            (0, Err(Refused::Stale)),
        ] {
            let signature = sign(&secret(), ("m1", at), b"");
            check("m1", &at.to_string(), b"", &signature, wanted);
        }
    }

    /// The example of the specification's own libraries.
    #[test]
    fn it_is_what_the_specification_says() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "x").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let id = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        assert_eq!(sign(&secret, id, body), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
