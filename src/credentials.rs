//! Bearer keys: how they are made, recognised and revoked.
//!
//! A key reads `srk_<id>_<secret>`. Its id is public (it names the key in logs and listings), its secret is 256 random
//! bits. The store keeps the SHA-256 of the whole key, which needs no salt and no slow hash: there is nothing to guess.
//! Requests are checked against a view in memory, which is read anew after each change.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use aws_lc_rs::{digest, rand};
use scim_connector::Secret;
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::Metrics,
    store::{self, Credential, Store, TenantName},
    time::{Clock, Timestamp},
};

/// Marks a key as ours, for people and for scanners of leaked secrets.
const PREFIX: &str = "srk_";
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

/// How exactly the last use is kept, and how often it is written.
const USE_RESOLUTION: Duration = Duration::from_secs(60);

/// Compared with when the id names no key, so that an unknown id costs what a wrong secret does.
const NO_HASH: [u8; digest::SHA256_OUTPUT_LEN] = [0; digest::SHA256_OUTPUT_LEN];

/// All bearer keys of the relay.
pub struct Credentials {
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Arc<Metrics>,
    keys: ArcSwap<HashMap<Arc<str>, Arc<Key>>>,
}

/// A key that was recognised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authenticated {
    /// The tenant that it opens.
    pub tenant: TenantName,
    /// Its public id.
    pub actor: Arc<str>,
}

/// Why a key was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The tenant has a good key of that name.
    #[error("the tenant has a key named {0} already; revoke it first or choose another name")]
    NameTaken(String),
    /// The system gave no random bytes.
    #[error("the system has no randomness for a key")]
    Randomness,
}

/// A key as requests are checked against it. Revoked ones are left out.
struct Key {
    id: Arc<str>,
    tenant: TenantName,
    hash: [u8; digest::SHA256_OUTPUT_LEN],
    expires: Option<Timestamp>,
    /// The last use, in milliseconds; [`NEVER`] before the first.
    last_used: AtomicI64,
    /// What the store knows of the last use.
    stored_use: AtomicI64,
}

const NEVER: i64 = i64::MIN;

impl Credentials {
    /// Reads the keys of that store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(store: Arc<dyn Store>, clock: Clock, metrics: Arc<Metrics>) -> Result<Self, store::Error> {
        let credentials = Self { store, clock, metrics, keys: ArcSwap::default() };
        credentials.reload().await?;
        Ok(credentials)
    }

    /// Whose key this is, or `None` for whatever is not a good key: unknown, wrong, revoked, expired. Each of them takes
    /// the same time.
    pub fn authenticate(&self, presented: &[u8]) -> Option<Authenticated> {
        let hash = hash(presented);
        let keys = self.keys.load();
        let key = public_id(presented).and_then(|id| keys.get(id));
        let expected = key.map_or(&NO_HASH, |key| &key.hash);
        let is_right = bool::from(hash.ct_eq(expected));
        let now = self.clock.now();
        let key = key.filter(|key| is_right && !key.is_expired(now))?;
        key.note_use(now);
        Some(Authenticated { tenant: key.tenant.clone(), actor: key.id.clone() })
    }

    /// Makes a key for a tenant. Its text is returned here and never again.
    ///
    /// # Errors
    /// A good key of the tenant has the name; the store or the system's randomness failed. There is no new key.
    pub async fn create(
        &self,
        tenant: TenantName,
        name: String,
        expires: Option<Timestamp>,
    ) -> Result<(Secret, Credential), Error> {
        let now = self.clock.now();
        let is_good = |key: &Credential| key.revoked.is_none() && key.expires.is_none_or(|expires| expires > now);
        let known = self.store.credentials().await?;
        if known.iter().any(|key| key.tenant == tenant && key.name == name && is_good(key)) {
            return Err(Error::NameTaken(name));
        }
        let id = random_hex::<ID_BYTES>()?;
        let key = Secret::from(format!("{PREFIX}{id}_{}", random_hex::<SECRET_BYTES>()?));
        let credential = Credential {
            id: id.into(),
            tenant,
            name,
            hash: hash(key.expose()),
            created: now,
            expires,
            last_used: None,
            revoked: None,
        };
        self.store.add_credential(credential.clone()).await?;
        self.reload().await?;
        Ok((key, credential))
    }

    /// All keys, revoked and expired ones too, with uses up to now.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn list(&self) -> Result<Vec<Credential>, store::Error> {
        self.write_uses().await?;
        self.store.credentials().await
    }

    /// Ends the key of that tenant with that id or name, at once. `false` when there is none.
    ///
    /// # Errors
    /// The store failed. The key may or may not be revoked; repeat it.
    pub async fn revoke(&self, tenant: &TenantName, id_or_name: &str) -> Result<bool, store::Error> {
        let revoked = self.store.revoke_credential(tenant, id_or_name, self.clock.now()).await?;
        self.reload().await?;
        Ok(revoked)
    }

    /// Writes uses and shows expiries every minute until stopped, and once more then.
    pub async fn run(&self, stop: CancellationToken) {
        let mut stopped = false;
        while !stopped {
            self.show_expiries();
            let next = self.clock.now().after(USE_RESOLUTION);
            stopped = tokio::select! {
                () = stop.cancelled() => true,
                () = self.clock.sleep_until(next) => false,
            };
            if let Err(error) = self.write_uses().await {
                // The uses stay noted and are written with the next ones.
                tracing::warn!(%error, "the last uses of keys were not written");
            }
        }
    }

    /// Reads all keys from the store, keeping uses that it does not know yet.
    async fn reload(&self) -> Result<(), store::Error> {
        let stored = self.store.credentials().await?;
        self.keys.rcu(|before| {
            let good = stored.iter().filter(|credential| credential.revoked.is_none());
            good.map(|credential| (credential.id.clone(), Arc::new(Key::new(credential, before.get(&credential.id)))))
                .collect::<HashMap<_, _>>()
        });
        self.show_expiries();
        Ok(())
    }

    async fn write_uses(&self) -> Result<(), store::Error> {
        let keys = self.keys.load_full();
        let uses: Vec<(&Arc<Key>, i64)> = keys.values().filter_map(|key| Some((key, key.unwritten_use()?))).collect();
        if uses.is_empty() {
            return Ok(());
        }
        let rows = uses.iter().map(|(key, at)| (key.id.clone(), Timestamp(*at))).collect();
        self.store.credentials_used(rows).await?;
        for (key, at) in uses {
            key.stored_use.store(at, Ordering::Relaxed);
        }
        Ok(())
    }

    fn show_expiries(&self) {
        let now = self.clock.now();
        let keys = self.keys.load();
        self.metrics.key_expiries(keys.values().filter_map(|key| {
            // An expired key stays at 0 until it is revoked: someone should see it.
            let left = key.expires?.since(now);
            Some((&*key.tenant.0, &*key.id, left.as_secs_f64()))
        }));
    }
}

impl Key {
    fn new(credential: &Credential, before: Option<&Arc<Self>>) -> Self {
        let stored_use = credential.last_used.map_or(NEVER, |at| at.0);
        let noted_use = before.map_or(NEVER, |key| key.last_used.load(Ordering::Relaxed));
        Self {
            id: credential.id.clone(),
            tenant: credential.tenant.clone(),
            hash: credential.hash,
            expires: credential.expires,
            last_used: AtomicI64::new(stored_use.max(noted_use)),
            stored_use: AtomicI64::new(stored_use),
        }
    }

    fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Notes a use, at most once a minute: most requests only read, so that cores do not fight over the line.
    fn note_use(&self, now: Timestamp) {
        let last = self.last_used.load(Ordering::Relaxed);
        if last == NEVER || now.since(Timestamp(last)) >= USE_RESOLUTION {
            self.last_used.store(now.0, Ordering::Relaxed);
        }
    }

    fn unwritten_use(&self) -> Option<i64> {
        let used = self.last_used.load(Ordering::Relaxed);
        (used > self.stored_use.load(Ordering::Relaxed)).then_some(used)
    }
}

/// The id in a key's text, if it looks like a key at all.
fn public_id(presented: &[u8]) -> Option<&str> {
    let (id, _secret) = std::str::from_utf8(presented).ok()?.strip_prefix(PREFIX)?.split_once('_')?;
    Some(id)
}

fn hash(key: &[u8]) -> [u8; digest::SHA256_OUTPUT_LEN] {
    let mut hash = NO_HASH;
    hash.copy_from_slice(digest::digest(&digest::SHA256, key).as_ref());
    hash
}

fn random_hex<const BYTES: usize>() -> Result<String, Error> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::Randomness)?;
    Ok(bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect())
}
