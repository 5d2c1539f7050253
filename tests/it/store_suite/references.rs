//! Pending references and unknown shapes.

use scim_relay::store::{
    NotUnderstood, Operation, PendingReferences, ReferenceAttribute, TenantName, UNKNOWN_SHAPES_MAX,
};
use serde_json::{Value, json};

use crate::store_bench::{Bench, START, group, minutes, tenant, user};

fn managed(name: &str, manager: &str) -> Value {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    json!({ "userName": name, enterprise: { "manager": { "value": manager } } })
}

async fn pending(bench: &Bench, attribute: ReferenceAttribute) -> PendingReferences {
    let all = bench.store.pending_references().await.unwrap();
    all.into_iter().find(|entry| entry.tenant == bench.tenant && entry.attribute == attribute).unwrap()
}

pub(crate) async fn a_reference_resolves_when_what_it_names_arrives(bench: Bench) {
    let reserved = bench.store.reserve_ids(1).await.unwrap()[0];
    let next = reserved.to_string();
    let team = bench.create("Group", json!({ "displayName": "team" })).await;
    let holder = bench.create("User", user("holder")).await;
    bench.add_member(team, &next).await;
    bench.replace("User", holder, managed("holder", &next)).await.unwrap();
    for attribute in [ReferenceAttribute::Members, ReferenceAttribute::Manager] {
        assert_eq!(pending(&bench, attribute).await.count, 1);
    }
    let operation = Operation::CreateAs(reserved, bench.draft("User", user("arrived")));
    bench.store.commit(bench.write("User", operation, None)).await.unwrap();
    for attribute in [ReferenceAttribute::Members, ReferenceAttribute::Manager] {
        assert_eq!(pending(&bench, attribute).await.count, 0);
    }
    let members = bench.store.members(&bench.tenant, team, None, 10).await.unwrap();
    assert!(members[0].kind.is_some());
}

pub(crate) async fn references_that_name_nobody_are_counted_by_tenant(mut bench: Bench) {
    bench.store.configure(vec![tenant("acme", vec![]), tenant("umbrella", vec![])]).await.unwrap();
    let boss = bench.create("User", user("boss")).await;
    let ada = bench.create("User", managed("ada", &boss.to_string())).await;
    let team = bench.create("Group", group("team", &[boss])).await;
    for attribute in [ReferenceAttribute::Members, ReferenceAttribute::Manager] {
        let tenant = bench.tenant.clone();
        assert_eq!(pending(&bench, attribute).await, PendingReferences { tenant, attribute, count: 0, oldest: None });
    }
    bench.add_member(team, "b7").await;
    bench.clock.advance(minutes(1));
    bench.add_member(team, "c8").await;
    bench.delete("User", boss).await.unwrap();
    let members = pending(&bench, ReferenceAttribute::Members).await;
    assert_eq!((members.count, members.oldest), (2, Some(START)), "who was deleted left the group");
    let manager = pending(&bench, ReferenceAttribute::Manager).await;
    assert_eq!((manager.count, manager.oldest), (1, Some(START.after(minutes(1)))));
    bench.replace("User", ada, managed("ada", &ada.to_string())).await.unwrap();
    assert_eq!(pending(&bench, ReferenceAttribute::Manager).await.count, 0, "one's own manager is there");

    // Another tenant's resource is nobody here.
    bench.tenant = TenantName("umbrella".into());
    bench.create("Group", group("team", &[ada])).await;
    bench.create("User", managed("eve", &ada.to_string())).await;
    // A group is nobody's manager.
    let own = bench.create("Group", group("own", &[])).await;
    bench.create("User", managed("mallory", &own.to_string())).await;
    assert_eq!(pending(&bench, ReferenceAttribute::Members).await.count, 1);
    assert_eq!(pending(&bench, ReferenceAttribute::Manager).await.count, 2);
    bench.tenant = TenantName("acme".into());
    assert_eq!(pending(&bench, ReferenceAttribute::Members).await.count, 2);
    bench.delete("Group", team).await.unwrap();
    assert_eq!(
        pending(&bench, ReferenceAttribute::Members).await,
        PendingReferences {
            tenant: bench.tenant.clone(),
            attribute: ReferenceAttribute::Members,
            count: 0,
            oldest: None,
        }
    );
}

fn request(tenant: &str, path: &str, length: usize) -> NotUnderstood {
    NotUnderstood {
        tenant: TenantName(tenant.into()),
        operation: "patch".to_owned(),
        resource_type: "User".to_owned(),
        dialect: "auto".to_owned(),
        error: "invalidPath".to_owned(),
        detail: format!("at {length}"),
        shape: json!({ "path": path, "value": format!("string({length})") }),
        request_id: length.to_string(),
        credential: "k1".to_owned(),
    }
}

pub(crate) async fn unknown_shapes_fold_and_the_oldest_go(bench: Bench) {
    bench.store.keep_unknown(vec![request("acme", "tilte", 1), request("umbra", "tilte", 1)]).await.unwrap();
    bench.clock.advance(minutes(40));
    bench.store.keep_unknown(vec![request("acme", "tilte", 12)]).await.unwrap();
    let acme = TenantName("acme".into());
    let kept = bench.store.unknown_shapes(Some(&acme), 10).await.unwrap();
    let [shape] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((shape.count, shape.first, shape.last), (2, START, START.after(minutes(40))));
    assert_eq!(shape.latest, request("acme", "tilte", 12), "the latest is shown");
    assert_eq!(bench.store.unknown_shape(shape.id).await.unwrap().as_ref(), Some(shape));
    assert_eq!(bench.store.unknown_shapes(None, 10).await.unwrap().len(), 2);

    for number in 0..UNKNOWN_SHAPES_MAX {
        bench.clock.advance(minutes(1));
        bench.store.keep_unknown(vec![request("acme", &format!("path{number}"), 1)]).await.unwrap();
    }
    let kept = bench.store.unknown_shapes(Some(&acme), 1_000).await.unwrap();
    assert_eq!(kept.len(), UNKNOWN_SHAPES_MAX);
    assert_eq!(kept[0].latest.shape["path"], format!("path{}", UNKNOWN_SHAPES_MAX - 1), "the latest comes first");
    assert!(kept.iter().all(|shape| shape.latest.shape["path"] != "tilte"), "the oldest went");
    assert_eq!(bench.store.unknown_shapes(None, 1_000).await.unwrap().len(), UNKNOWN_SHAPES_MAX + 1, "not another's");
    assert_eq!(bench.store.unknown_shape(shape.id).await.unwrap(), None);
}
