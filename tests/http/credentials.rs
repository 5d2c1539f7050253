//! Bearer keys.

use std::{sync::Arc, time::Duration};

use scim_relay::{
    credentials::{Authenticated, Credentials, Error},
    metrics::Metrics,
    store::TenantName,
    time::{Clock, Timestamp},
};
use tokio_util::sync::CancellationToken;

use crate::fake_store::FakeStore;

struct World {
    store: Arc<FakeStore>,
    clock: Clock,
    metrics: Arc<Metrics>,
    credentials: Arc<Credentials>,
}

impl World {
    async fn new() -> Self {
        let store = Arc::new(FakeStore::default());
        let clock = Clock::manual(Timestamp(1_000_000));
        let metrics = Arc::new(Metrics::new().unwrap());
        let credentials = Credentials::load(store.clone(), clock.clone(), metrics.clone()).await.unwrap();
        Self { store, clock, metrics, credentials: Arc::new(credentials) }
    }

    async fn key(&self, tenant: &str, expires: Option<Timestamp>) -> (Vec<u8>, Arc<str>) {
        // Good keys of a tenant have names of their own.
        let name = format!("key {}", self.store.credentials.lock().unwrap().len());
        let (key, credential) = self.credentials.create(TenantName(tenant.into()), name, expires).await.unwrap();
        (key.expose().to_vec(), credential.id)
    }
}

#[tokio::test]
async fn a_key_opens_its_tenant() {
    let world = World::new().await;
    for tenant in ["acme", "umbra"] {
        let (key, id) = world.key(tenant, None).await;
        let expected = Authenticated { tenant: TenantName(tenant.into()), actor: id };
        assert_eq!(world.credentials.authenticate(&key), Some(expected));
    }
}

#[tokio::test]
async fn a_key_reads_srk_id_secret_and_only_its_hash_is_stored() {
    let world = World::new().await;
    let (key, id) = world.key("acme", None).await;
    let text = String::from_utf8(key).unwrap();
    let secret = text.strip_prefix(&format!("srk_{id}_")).unwrap();
    assert!(secret.len() * 4 >= 256 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", secret.len());
    assert!(!format!("{:?}", world.store.credentials.lock().unwrap()).contains(secret));
}

#[tokio::test]
async fn nothing_but_the_whole_key_counts() {
    let world = World::new().await;
    let (key, id) = world.key("acme", None).await;
    let (other, _) = world.key("umbra", None).await;
    let secret_of = |key: &[u8]| String::from_utf8(key.to_vec()).unwrap().rsplit('_').next().unwrap().to_owned();
    let wrong = [
        Vec::new(),
        b"srk_".to_vec(),
        b"srk__".to_vec(),
        id.as_bytes().to_vec(),
        key[..key.len() - 1].to_vec(),
        [&key[..], b"0"].concat(),
        [b" ", &key[..]].concat(),
        key.to_ascii_uppercase(),
        format!("srk_{id}_{}", secret_of(&other)).into_bytes(),
        format!("srk_0000000000000000_{}", secret_of(&key)).into_bytes(),
        vec![0xff; 100],
        vec![b'x'; 100_000],
    ];
    for presented in wrong {
        assert_eq!(world.credentials.authenticate(&presented), None, "{}", String::from_utf8_lossy(&presented));
    }
}

#[tokio::test]
async fn a_key_ends_when_it_expires_and_when_it_is_revoked() {
    let world = World::new().await;
    let (key, _) = world.key("acme", Some(Timestamp(1_060_000))).await;
    let (other, id) = world.key("acme", None).await;
    world.clock.advance(Duration::from_millis(59_999));
    assert!(world.credentials.authenticate(&key).is_some());
    world.clock.advance(Duration::from_millis(1));
    assert!(world.credentials.authenticate(&key).is_none());

    assert!(!world.credentials.revoke(&TenantName("umbra".into()), &id).await.unwrap());
    assert!(world.credentials.authenticate(&other).is_some());
    assert!(world.credentials.revoke(&TenantName("acme".into()), &id).await.unwrap());
    assert!(world.credentials.authenticate(&other).is_none());
}

#[tokio::test]
async fn the_last_use_is_listed_to_the_minute_and_survives_changes() {
    let world = World::new().await;
    let (key, id) = world.key("acme", None).await;
    let last_used = async || {
        let listed = world.credentials.list().await.unwrap();
        listed.into_iter().find(|credential| credential.id == id).unwrap().last_used
    };
    assert_eq!(last_used().await, None);
    world.credentials.authenticate(&key);
    world.key("umbra", None).await;
    assert_eq!(last_used().await, Some(Timestamp(1_000_000)));
    world.clock.advance(Duration::from_secs(59));
    world.credentials.authenticate(&key);
    assert_eq!(last_used().await, Some(Timestamp(1_000_000)));
    world.clock.advance(Duration::from_secs(1));
    world.credentials.authenticate(&key);
    assert_eq!(last_used().await, Some(Timestamp(1_060_000)));
}

#[tokio::test]
async fn uses_are_written_when_the_relay_stops() {
    let world = World::new().await;
    let (key, _) = world.key("acme", None).await;
    world.credentials.authenticate(&key);
    let stop = CancellationToken::new();
    stop.cancel();
    world.credentials.run(stop).await;
    assert_eq!(world.store.credentials.lock().unwrap()[0].last_used, Some(Timestamp(1_000_000)));
}

#[tokio::test]
async fn the_metric_shows_how_long_a_key_is_good() {
    let world = World::new().await;
    let (_, id) = world.key("acme", Some(Timestamp(1_090_000))).await;
    world.key("acme", None).await;
    let text = String::from_utf8(world.metrics.text()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("scim_relay_key_expiry_seconds{")).collect();
    assert_eq!(lines, [format!("scim_relay_key_expiry_seconds{{key=\"{id}\",tenant=\"acme\"}} 90")]);
}

#[tokio::test]
async fn two_good_keys_of_a_tenant_have_two_names() {
    let world = World::new().await;
    let acme = TenantName("acme".into());
    let create = |tenant: &TenantName| world.credentials.create(tenant.clone(), "okta".into(), None);
    let (_, credential) = create(&acme).await.unwrap();
    assert!(matches!(create(&acme).await, Err(Error::NameTaken(name)) if name == "okta"));
    create(&TenantName("umbra".into())).await.unwrap();
    assert!(world.credentials.revoke(&acme, &credential.id).await.unwrap());
    create(&acme).await.unwrap();
}
