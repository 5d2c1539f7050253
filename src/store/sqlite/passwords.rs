//! Passwords on their way to connectors: sealed with AES-256-GCM, one a resource and connector, the newest wins.
//!
//! The only value in the store that is not state. Erased when applied, refused or a day old.

use std::{fmt, time::Duration};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Salt},
    rand,
};
use rusqlite::{Connection, params};
use scim_connector::{ResourceId, Secret};
use zeroize::Zeroize as _;

use super::{catalog::ConnectorEntry, statement::Statements as _};
use crate::{store::Error, time::Timestamp};

/// How long a password waits for its delivery.
pub(super) const AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Seals and opens passwords.
pub(super) struct Sealer(LessSafeKey);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    /// Derives the key.
    pub(super) fn new(secret: &Secret) -> Result<Self, Error> {
        let pseudo_random = Salt::new(HKDF_SHA256, b"scim-relay passwords").extract(secret.expose());
        pseudo_random
            .expand(&[b"AES-256-GCM"], &AES_256_GCM)
            .map(|key| Self(LessSafeKey::new(UnboundKey::from(key))))
            .map_err(|source| failed("deriving the key for passwords", source))
    }

    fn seal(&self, connector: &str, resource: ResourceId, password: &Secret) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|source| failed("drawing a nonce", source))?;
        let mut text = password.expose().to_vec();
        let sealed = self.0.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            associated(connector, resource),
            &mut text,
        );
        if let Err(source) = sealed {
            text.zeroize();
            return Err(failed("sealing a password", source));
        }
        Ok([&nonce[..], &text].concat())
    }

    /// `None` where the key is another than the one it was sealed with.
    fn open(&self, connector: &str, resource: ResourceId, sealed: &[u8]) -> Option<Secret> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, associated(connector, resource), &mut text);
        let secret = opened.ok().map(|plain| Secret::new(plain.to_vec()));
        text.zeroize();
        secret
    }
}

/// Keeps a password for a connector in place of an older one.
pub(super) fn keep(
    sql: &Connection,
    sealer: &Sealer,
    connector: &ConnectorEntry,
    (no, id): (i64, ResourceId),
    version: i64,
    at: Timestamp,
    password: &Secret,
) -> Result<(), Error> {
    let sealed = sealer.seal(&connector.config.name.0, id, password)?;
    sql.run(
        "INSERT OR REPLACE INTO passwords (connector, resource, version, at, sealed) VALUES (?, ?, ?, ?, ?)",
        params![connector.no, no, version, at.0, sealed],
    )?;
    Ok(())
}

/// The password for a delivery, unless it is too old.
pub(super) fn read(
    sql: &Connection,
    sealer: &Sealer,
    connector: &ConnectorEntry,
    (no, id): (i64, ResourceId),
    now: Timestamp,
) -> Result<Option<Secret>, Error> {
    let kept = sql.first(
        "SELECT at, sealed FROM passwords WHERE connector = ? AND resource = ?",
        [connector.no, no],
        |row| Ok((Timestamp(row.get(0)?), row.get::<_, Vec<u8>>(1)?)),
    )?;
    Ok(kept
        .filter(|(at, _)| now.since(*at) < AGE_MAX)
        .and_then(|(_, sealed)| sealer.open(&connector.config.name.0, id, &sealed)))
}

/// Erases the password of a delivery that came to its end, unless a newer one was kept meanwhile.
pub(super) fn erase(sql: &Connection, connector: i64, resource: i64, version: i64) -> Result<(), Error> {
    sql.run(
        "DELETE FROM passwords WHERE connector = ? AND resource = ? AND version <= ?",
        [connector, resource, version],
    )?;
    Ok(())
}

/// Erases those that are too old.
pub(super) fn expire(sql: &Connection, now: Timestamp) -> Result<(), Error> {
    let age_max = i64::try_from(AGE_MAX.as_millis()).unwrap_or(i64::MAX);
    sql.run("DELETE FROM passwords WHERE at <= ?", [now.0.saturating_sub(age_max)])?;
    Ok(())
}

/// A sealed password opens only for the connector and the resource that it was sealed for.
fn associated(connector: &str, resource: ResourceId) -> Aad<Vec<u8>> {
    Aad::from([resource.as_bytes(), connector.as_bytes()].concat())
}

fn failed(step: &'static str, source: Unspecified) -> Error {
    Error::Io { step, source: Box::new(source) }
}
