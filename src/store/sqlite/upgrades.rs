//! Files that each earlier version of the schema could have left, opened by this program with deliveries waiting.

use std::sync::Arc;

use rusqlite::{Connection, params};
use scim_connector::{Effect, RemoteState, ResourceId, ResourceKind};
use serde_json::json;

use super::{
    Options, SqliteStore,
    audit::{Chain, Entry},
    schema::{self, MIGRATIONS, Purpose},
};
use crate::{
    metrics::Metrics,
    scim::{
        resource::{self, Unknown},
        schema::ResourceTypes,
    },
    store::{
        Brake, Connector, ConnectorName, DeliveryId, LeaverSelection, OnRehire, Operation, Outcome, OwedState,
        Settlement, Store as _, Tenant, TenantName, UniqueId, Write,
    },
    time::{Clock, Timestamp},
};

const ADA: ResourceId = ResourceId::from_bytes([1; 16]);
const GONE: ResourceId = ResourceId::from_bytes([2; 16]);
const TEAM: ResourceId = ResourceId::from_bytes([3; 16]);
const USERS: i64 = 1 << 40;
const GROUPS: i64 = 2 << 40;

/// A tenant with a user that changed since it was confirmed, one that was deleted, and a group with that user and a
/// reference to nobody; `MEMBER` is the first one's id.
const ROWS: &str = r#"
    INSERT INTO tenants (no, name) VALUES (1, 'acme');
    INSERT INTO partitions (no, tenant, kind) VALUES (1, 1, 'User'), (2, 1, 'Group');
    INSERT INTO connectors (no, name, tenant, state, partitions) VALUES (1, 'ldap', 1, '{"state":"active"}', '[1,2]');
    INSERT INTO counters (name, reserved) VALUES (0, 1025), (1, 1025), (2, 1025);
    INSERT INTO resources (no, id, version, created, modified, body, members) VALUES
        ((1 << 40) + 1, x'01010101010101010101010101010101', 3, 1, 3, '{"userName":"Ada","active":true}', 0),
        ((2 << 40) + 1, x'03030303030303030303030303030303', 2, 2, 2, '{"displayName":"team"}', 2);
    INSERT INTO rank_blocks (block, count) VALUES ((1 << 40) >> 9, 1), ((2 << 40) >> 9, 1);
    INSERT INTO indexed_values (partition, attribute, value, resource) VALUES
        (1, 1, 'ada', (1 << 40) + 1), (2, 4, 'team', (2 << 40) + 1);
    INSERT INTO memberships (in_group, member, version, present) VALUES
        ((2 << 40) + 1, 'MEMBER', 1, 1), ((2 << 40) + 1, 'nobody', 2, 1);
    INSERT INTO ledger (connector, resource, version, remote) VALUES
        (1, (1 << 40) + 1, 2, '{"dn":"uid=ada"}'), (1, (1 << 40) + 2, 1, '{"dn":"uid=gone"}');
    INSERT INTO deliveries (seq, connector, resource, id, version, removal, lane, queued, keys, request_id) VALUES
        (5, 1, (1 << 40) + 1, x'01010101010101010101010101010101', 3, 0, 0, 10, x'', 'r'),
        (6, 1, (2 << 40) + 1, x'03030303030303030303030303030303', 2, 0, 0, 11, x'', 'r'),
        (7, 1, (1 << 40) + 2, x'02020202020202020202020202020202', 2, 1, 0, 12, x'', 'r');
    INSERT INTO credentials (id, tenant, name, hash, created) VALUES ('key', 'acme', 'client', zeroblob(32), 1);
"#;

/// What a version keeps besides, from the one that began to.
const SINCE: &[(usize, &str)] = &[
    (4, "UPDATE memberships SET pending = 2 WHERE member = 'nobody'"),
    (
        6,
        "INSERT INTO leavers (id, connector, resource, since, version)
         VALUES (x'02020202020202020202020202020202', 1, (1 << 40) + 2, 12, 2)",
    ),
    (9, "INSERT INTO active_resources (partition, count) VALUES (1, 1), (2, 1)"),
];

/// The version from which the end of the audit chain is kept.
const ENDS_SINCE: usize = 7;

fn write_as(version: usize, sql: &Connection) {
    schema::migrate_to(sql, version).unwrap();
    sql.execute_batch(&ROWS.replace("MEMBER", &ADA.to_string())).unwrap();
    for (since, statement) in SINCE {
        if *since <= version {
            sql.execute_batch(statement).unwrap();
        }
    }
    let mut chain = Chain::START;
    for (kind, resource) in [("User", ADA), ("Group", TEAM)] {
        let entry = Entry::Write {
            at: Timestamp(1),
            tenant: "acme",
            actor: "key",
            request_id: "r",
            action: "create",
            kind,
            resource,
            version: 1,
        };
        chain.append(sql, &entry).unwrap();
    }
    if ENDS_SINCE <= version {
        chain.keep(sql).unwrap();
    }
    let found: i64 = sql.query_row("PRAGMA user_version", params![], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(found), Ok(version));
}

fn tenant() -> Tenant {
    let connector = Connector {
        name: ConnectorName("ldap".into()),
        kinds: vec![ResourceKind::new("User"), ResourceKind::new("Group")],
        policy: Arc::default(),
        passwords: false,
        backfill: true,
        brake: Brake::default(),
        fingerprint: Arc::default(),
        system: Arc::default(),
    };
    Tenant {
        name: TenantName("acme".into()),
        types: ResourceTypes::core(),
        indexed_attributes: vec![],
        unique_id: UniqueId::UserName,
        group_names_unique: true,
        on_rehire: OnRehire::Conflict,
        may_update: true,
        may_deactivate: true,
        passwords: false,
        brake: Brake::default(),
        connectors: vec![connector],
    }
}

#[tokio::test]
async fn g01_g05_g19_what_each_version_left_is_kept_and_delivered_in_order() {
    for version in 1..=MIGRATIONS.len() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("relay.db");
        super::private_file(&file).unwrap();
        write_as(version, &schema::open(&file, Purpose::Write).unwrap());
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();

        let clock = Clock::manual(Timestamp(1_800_000_000_000));
        let metrics = Arc::new(Metrics::new().unwrap());
        let store = SqliteStore::open(Options::new(directory.path().to_owned(), clock, metrics)).unwrap();
        store.configure(vec![tenant()]).await.unwrap();
        assert_eq!(store.check().await.unwrap(), [], "version {version}");
        let (acme, ldap) = (TenantName("acme".into()), ConnectorName("ldap".into()));
        let (users, groups) = (ResourceKind::new("User"), ResourceKind::new("Group"));

        let ada = store.get(&acme, &users, ADA).await.unwrap().unwrap();
        assert_eq!((ada.version, &*ada.attributes), (3, r#"{"userName":"Ada","active":true}"#));
        let team = store.get(&acme, &groups, TEAM).await.unwrap().unwrap();
        assert_eq!((team.version, team.members), (2, 2));
        assert_eq!(store.credentials().await.unwrap().len(), 1);
        let leavers = store.leavers(&LeaverSelection::default(), 10).await.unwrap();
        assert_eq!(leavers.iter().map(|leaver| leaver.resource).collect::<Vec<_>>(), [GONE], "version {version}");

        // What is confirmed is newer than what was, and each thing once.
        let mut confirmed = Vec::new();
        loop {
            let due = store.deliveries(&ldap, Timestamp(i64::MAX), 10, &[]).await.unwrap();
            if due.is_empty() {
                break;
            }
            for delivery in due {
                assert!(delivery.confirmed_version < delivery.version);
                confirmed.push((delivery.id, delivery.resource, delivery.version));
                let (remote, waiting) = match &delivery.state {
                    OwedState::Present { members, .. } => {
                        let waiting = members.as_ref().map(|delta| delta.waiting.clone()).unwrap_or_default();
                        let kept = delivery.remote.clone().unwrap_or(RemoteState(json!({})));
                        (Some(kept), waiting)
                    }
                    OwedState::Deleted => (None, Vec::new()),
                };
                let outcome = Outcome::Applied { effect: Effect::Updated, live: remote.is_some(), remote, waiting };
                let DeliveryId(id) = delivery.id;
                let settlement = Settlement {
                    id: DeliveryId(id),
                    resource: delivery.resource,
                    version: delivery.version,
                    fingerprint: delivery.fingerprint,
                    outcome,
                };
                store.settle(&ldap, vec![settlement]).await.unwrap();
            }
        }
        let expected = [(7, GONE, 2), (5, ADA, 3), (6, TEAM, 2)];
        assert_eq!(confirmed, expected.map(|(id, resource, version)| (DeliveryId(id), resource, version)));

        let types = ResourceTypes::core();
        let user = types.get(&users).unwrap().clone();
        let draft = resource::parse(&user, json!({ "userName": "zoe" }), Unknown::Refuse, &mut Vec::new()).unwrap();
        let write = Write {
            tenant: acme,
            resource_type: user,
            operation: Operation::Create(draft),
            if_match: None,
            actor: "key".into(),
            request_id: "r".into(),
        };
        let zoe = store.commit(write).await.unwrap();
        assert!(TEAM < zoe.stored().id, "ids go on rising");
        assert_eq!(store.check().await.unwrap(), [], "version {version}");
        assert_eq!(store.verify_audit().await.unwrap().entries, 6, "version {version}");
        let raw = Connection::open(&file).unwrap();
        let newest: i64 =
            raw.query_row("SELECT max(no) FROM resources WHERE no < ?", [GROUPS], |row| row.get(0)).unwrap();
        assert!(newest > USERS + 1_024, "numbers are not given out twice");
    }
}
