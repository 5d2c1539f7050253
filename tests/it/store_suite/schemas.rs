//! Schemas and indexes from configuration, and what becomes of stored resources when they change.

use scim_connector::ResourceKind;
use scim_relay::{
    scim::{path::AttributePath, schema::ResourceTypes},
    store::{Error, Tenant, UniqueId},
};
use serde_json::{Value, json};

use crate::store_bench::{Bench, connector, shown, status, tenant, user};

const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const BADGE: &str = "urn:example:2.0:Badge";

/// Users with an extension of these attributes.
fn types(attributes: Value) -> ResourceTypes {
    let files = [
        ("schema".to_owned(), json!({ "schemas": [SCHEMA_URN], "id": BADGE, "attributes": attributes })),
        (
            "type".to_owned(),
            json!({
                "schemas": [TYPE_URN],
                "name": "User",
                "endpoint": "/Users",
                "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
                "schemaExtensions": [{ "schema": BADGE }],
            }),
        ),
    ];
    ResourceTypes::core().declare(&files).unwrap()
}

/// A tenant with these types, and attributes to index.
pub(crate) fn declaring(types: ResourceTypes, indexed: &[&str]) -> Tenant {
    let urns = [BADGE, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    let indexed_attributes = indexed.iter().map(|path| AttributePath::parse(path, &urns).unwrap()).collect();
    Tenant { types, indexed_attributes, ..tenant("acme", vec![connector("ldap")]) }
}

/// The bench, its store configured with the types.
async fn with(mut bench: Bench, types: ResourceTypes) -> Bench {
    bench.types = types.clone();
    bench.configure(declaring(types, &[])).await;
    bench
}

fn badge(name: &str, badge: Value) -> Value {
    json!({ "userName": name, BADGE: badge })
}

/// Why the store does not take a configuration.
async fn refusal(bench: &Bench, tenant: Tenant) -> String {
    match bench.store.configure(vec![tenant]).await {
        Err(Error::Unusable { reason }) => reason,
        outcome => panic!("taken: {outcome:?}"),
    }
}

pub(crate) async fn a_unique_identifier_must_be_unique_when_it_becomes_one(bench: Bench) {
    let twin = |name: &str| json!({ "userName": name, "externalId": "7" });
    bench.create("User", twin("ann")).await;
    let bob = bench.create("User", twin("bob")).await;
    let by_external_id = || Tenant { unique_id: UniqueId::ExternalId, ..declaring(ResourceTypes::core(), &[]) };
    let reason = refusal(&bench, by_external_id()).await;
    assert!(reason.contains("externalId: it is to be unique"), "{reason}");
    bench.delete("User", bob).await.unwrap();
    bench.configure(by_external_id()).await;
}

pub(crate) async fn an_index_is_built_over_what_is_stored_and_dropped(bench: Bench) {
    const NUMBER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
    let numbered = |name: &str, number: &str| {
        json!({
            "userName": name,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "employeeNumber": number },
        })
    };
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(bench.create("User", numbered(&format!("user-{number}"), &format!("N{}", number % 10))).await);
    }
    for indexed in [&[NUMBER][..], &[], &[NUMBER]] {
        bench.configure(declaring(ResourceTypes::core(), indexed)).await;
        let filter = format!("{NUMBER} eq \"n3\"");
        assert_eq!(bench.found("User", &filter).await, [ids[3], ids[13], ids[23]], "{indexed:?}");
        let page = bench.find("User", Some(&filter), None, (2, 1)).await;
        assert_eq!((page.total, page.resources[0].id), (Some(3), ids[13]));
        assert_eq!(bench.found("User", &format!("{filter} and userName sw \"user-2\"")).await, [ids[23]]);
        // A change made in between is in the next index.
        bench.replace("User", ids[4], numbered("user-4", "n3")).await.unwrap();
        assert_eq!(bench.found("User", &filter).await.len(), 4);
        bench.replace("User", ids[4], numbered("user-4", "n4")).await.unwrap();
        assert_eq!(bench.found("User", &filter).await.len(), 3);
    }
    bench.delete("User", ids[3]).await.unwrap();
    assert_eq!(bench.found("User", &format!("{NUMBER} eq \"N3\"")).await, [ids[13], ids[23]]);
}

pub(crate) async fn declared_attributes_are_unique_by_their_case(bench: Bench) {
    let types = types(json!([
        { "name": "code", "uniqueness": "server" },
        { "name": "token", "uniqueness": "global", "caseExact": true, "multiValued": true },
        { "name": "number", "type": "integer", "uniqueness": "server" },
    ]));
    let bench = with(bench, types).await;
    let ada = bench.create("User", badge("ada", json!({ "code": "A", "token": ["t"], "number": 7 }))).await;
    for (name, taken) in
        [("b", json!({ "code": "a" })), ("c", json!({ "token": ["u", "t"] })), ("d", json!({ "number": 7 }))]
    {
        assert_eq!(status(bench.try_create("User", badge(name, taken)).await), 409, "{name}");
    }
    let eve = bench.create("User", badge("eve", json!({ "code": "B", "token": ["T"], "number": 8 }))).await;
    let patched = bench.patch("User", eve, json!([{ "op": "replace", "path": format!("{BADGE}:code"), "value": "a" }]));
    assert_eq!(status(patched.await), 409);
    assert_eq!(bench.found("User", &format!("{BADGE}:number eq 7")).await, [ada]);
    assert_eq!(bench.found("User", &format!("{BADGE}:token eq \"T\"")).await, [eve]);
    bench.delete("User", ada).await.unwrap();
    bench.replace("User", eve, badge("eve", json!({ "code": "a" }))).await.unwrap();
}

pub(crate) async fn a_swap_of_declared_unique_values_is_delivered_in_order(bench: Bench) {
    let bench = with(bench, types(json!([{ "name": "code", "uniqueness": "server" }]))).await;
    let code = |name: &str, code: &str| badge(name, json!({ "code": code }));
    let (a, b) = (bench.create("User", code("a", "x")).await, bench.create("User", code("b", "y")).await);
    bench.drain("ldap").await;
    for (id, body) in [(a, code("a", "t")), (b, code("b", "x")), (a, code("a", "y"))] {
        bench.replace("User", id, body).await.unwrap();
    }
    let mut seen = Vec::new();
    while let [delivery] = bench.due("ldap").await.as_slice() {
        seen.push((delivery.resource, shown(delivery)[BADGE]["code"].clone()));
        bench.apply("ldap", delivery).await;
    }
    assert_eq!(seen, [(a, json!("t")), (b, json!("x")), (a, json!("y"))]);
}

pub(crate) async fn schemas_that_stored_resources_break_are_refused(bench: Bench) {
    let before = json!([{ "name": "code" }, { "name": "level", "type": "integer" }]);
    let bench = with(bench, types(before.clone())).await;
    let first = bench.create("User", badge("ada", json!({ "code": "A", "level": 1 }))).await;
    bench.create("User", badge("eve", json!({ "code": "B" }))).await;
    bench.create("User", user("bob")).await;
    for (after, path, count) in [
        (json!([{ "name": "level", "type": "integer" }]), "Badge:code", 2),
        (json!([{ "name": "code" }, { "name": "level" }]), "Badge:level", 1),
        (json!([{ "name": "code", "multiValued": true }, { "name": "level", "type": "integer" }]), "Badge:code", 2),
        (json!([{ "name": "code" }, { "name": "level", "type": "integer", "required": true }]), "Badge:level", 1),
    ] {
        let reason = refusal(&bench, declaring(types(after), &[])).await;
        assert!(reason.contains(&format!("{path}: {count} of the stored")), "{reason}");
        assert!(reason.contains("tenant acme"), "{reason}");
        if count == 2 {
            assert!(reason.contains(&first.to_string()), "{reason}");
        }
    }
    let reason = refusal(&bench, tenant("acme", vec![connector("ldap")])).await;
    assert!(reason.contains("urn:example:2.0:Badge: 2 of the stored"), "{reason}");
    // What was refused changed nothing, and what asks nothing of the stored passes.
    bench.create("User", badge("kim", json!({ "code": "C", "level": 2 }))).await;
    let compatible = json!([
        { "name": "code", "description": "on the badge", "returned": "request" },
        { "name": "level", "type": "integer", "mutability": "immutable" },
        { "name": "new" },
    ]);
    bench.configure(declaring(types(compatible), &[])).await;
}

pub(crate) async fn values_that_are_shared_cannot_become_unique(bench: Bench) {
    let bench = with(bench, types(json!([{ "name": "code", "uniqueness": "server", "caseExact": true }]))).await;
    let first = bench.create("User", badge("ada", json!({ "code": "a" }))).await;
    let second = bench.create("User", badge("eve", json!({ "code": "A" }))).await;
    let folded = || declaring(types(json!([{ "name": "code", "uniqueness": "server" }])), &[]);
    let reason = refusal(&bench, folded()).await;
    assert!(reason.contains("Badge:code") && reason.contains(&first.to_string()), "{reason}");
    assert_eq!(status(bench.try_create("User", badge("bob", json!({ "code": "A" }))).await), 409);
    bench.replace("User", second, badge("eve", json!({ "code": "b" }))).await.unwrap();
    bench.configure(folded()).await;
    assert_eq!(status(bench.try_create("User", badge("bob", json!({ "code": "B" }))).await), 409);
}

pub(crate) async fn a_declared_type_goes_only_without_resources(bench: Bench) {
    let files = [
        (
            "schema".to_owned(),
            json!({ "schemas": [SCHEMA_URN], "id": "urn:example:Thing", "attributes": [{ "name": "userName" }] }),
        ),
        (
            "type".to_owned(),
            json!({ "schemas": [TYPE_URN], "name": "Thing", "endpoint": "/Things", "schema": "urn:example:Thing" }),
        ),
    ];
    let bench = with(bench, ResourceTypes::core().declare(&files).unwrap()).await;
    // An attribute of another type is unique only if its own schema says so.
    let one = bench.create("Thing", json!({ "userName": "x" })).await;
    let other = bench.create("Thing", json!({ "userName": "x" })).await;
    assert_eq!(bench.found("Thing", "userName eq \"X\"").await, [one, other]);
    let reason = refusal(&bench, tenant("acme", vec![connector("ldap")])).await;
    assert!(
        reason.contains("Thing") && reason.contains("2 of it are stored") && reason.contains(&one.to_string()),
        "{reason}"
    );
    bench.delete("Thing", one).await.unwrap();
    bench.delete("Thing", other).await.unwrap();
    bench.configure(tenant("acme", vec![connector("ldap")])).await;
    let gone = bench.store.get(&bench.tenant, &ResourceKind::new("Thing"), one).await.unwrap();
    assert!(gone.is_none());
}
