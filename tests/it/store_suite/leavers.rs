//! The leaver clock: from the client's disable or delete to the word of each connector.

use std::{collections::BTreeMap, sync::Arc};

use scim_connector::{ResourceId, ResourceKind};
use scim_relay::{
    scim::filter::Filter,
    store::{
        Connector, ConnectorName, LeaverSelection, OnRemoval, Outcome, OwedState, Policy, QueueSelection, RemovalState,
        Scope,
    },
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::store_bench::{Bench, applied, connector, group, lost, minutes, retry_at, shown, tenant, user};

fn disabled(name: &str) -> Value {
    json!({ "userName": name, "active": false })
}

/// Who may still have access at a connector: since when, and how far the removal is.
async fn leavers(bench: &Bench, name: &str) -> Vec<(ResourceId, Timestamp, RemovalState)> {
    let selection = LeaverSelection { connector: Some(ConnectorName(name.into())), ..LeaverSelection::default() };
    let leavers = bench.store.leavers(&selection, 100).await.unwrap();
    let status = bench.store.connectors().await.unwrap();
    let status = status.into_iter().find(|status| &*status.name.0 == name).unwrap();
    assert_eq!(status.leavers, leavers.len() as u64);
    assert_eq!(status.oldest_leaver, leavers.first().map(|leaver| leaver.since), "the longest first");
    leavers.into_iter().map(|leaver| (leaver.resource, leaver.since, leaver.removal)).collect()
}

pub(crate) async fn the_leaver_clock_runs_until_the_connector_confirms(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    assert_eq!(leavers(&bench, "ldap").await, []);

    bench.clock.advance(minutes(1));
    let since = bench.clock.now();
    bench.replace("User", ada, disabled("ada")).await.unwrap();
    assert_eq!(leavers(&bench, "ldap").await, [(ada, since, RemovalState::Pending)]);
    let queue = bench.store.queue(&QueueSelection::default(), since, 10).await.unwrap();
    assert_eq!(queue[0].leaver_since, Some(since));

    bench.clock.advance(minutes(1));
    bench.settle("ldap", &bench.due("ldap").await[0], retry_at(bench.clock.now().after(minutes(1)))).await;
    assert_eq!(leavers(&bench, "ldap").await, [(ada, since, RemovalState::Retrying)]);
    bench.clock.advance(minutes(1));
    bench.settle("ldap", &bench.due("ldap").await[0], Outcome::Dead { message: "protected".to_owned() }).await;
    assert_eq!(leavers(&bench, "ldap").await, [(ada, since, RemovalState::Dead)]);
    let discarded = bench.store.queue_discard(&QueueSelection::default(), bench.clock.now()).await.unwrap();
    assert_eq!(discarded, 1);
    assert_eq!(leavers(&bench, "ldap").await, [(ada, since, RemovalState::Discarded)], "nobody took the access away");

    // The next change owes the state anew. Neither it nor the deletion that waits behind it sets the clock back.
    bench.replace("User", ada, json!({ "userName": "ada", "active": false, "title": "x" })).await.unwrap();
    let due = bench.due("ldap").await;
    bench.delete("User", ada).await.unwrap();
    assert_eq!(leavers(&bench, "ldap").await, [(ada, since, RemovalState::Pending)]);
    bench.apply("ldap", &due[0]).await;
    assert_eq!(leavers(&bench, "ldap").await, [], "disabled is out of use, the deletion changes no access");
    assert_eq!(bench.drain("ldap").await, 1);
}

pub(crate) async fn who_comes_back_is_no_leaver(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    bench.replace("User", ada, disabled("ada")).await.unwrap();
    let first = bench.due("ldap").await;
    bench.clock.advance(minutes(1));
    bench.replace("User", ada, user("ada")).await.unwrap();
    assert_eq!(leavers(&bench, "ldap").await, []);

    // Leaving again is another leaving: what the connector confirms of the first is not its end.
    bench.clock.advance(minutes(1));
    let again = bench.clock.now();
    bench.replace("User", ada, disabled("ada")).await.unwrap();
    bench.apply("ldap", &first[0]).await;
    assert_eq!(leavers(&bench, "ldap").await, [(ada, again, RemovalState::Pending)]);
    bench.drain("ldap").await;
    assert_eq!(leavers(&bench, "ldap").await, []);
}

pub(crate) async fn g05_a_user_created_and_disabled_in_an_outage_ends_disabled(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    bench.settle("ldap", &bench.due("ldap").await[0], retry_at(bench.clock.now().after(minutes(60)))).await;
    bench.clock.advance(minutes(5));
    let since = bench.clock.now();
    bench.replace("User", ada, disabled("ada")).await.unwrap();
    assert_eq!(bench.queued().await, 1, "the disable folds into the pending create");
    assert_eq!(leavers(&bench, "ldap").await, [(ada, since, RemovalState::Retrying)], "the create may have arrived");
    let due = bench.due("ldap").await;
    assert_eq!(shown(&due[0])["active"], false, "and it does not wait as long as the create would have");
    bench.apply("ldap", &due[0]).await;
    assert_eq!(leavers(&bench, "ldap").await, []);

    let bob = bench.create("User", user("bob")).await;
    bench.delete("User", bob).await.unwrap();
    assert_eq!(bench.queued().await, 1);
    let due = bench.due("ldap").await;
    assert_eq!((due[0].resource, &due[0].state), (bob, &OwedState::Deleted));
    assert_eq!(leavers(&bench, "ldap").await.len(), 1);
    bench.apply("ldap", &due[0]).await;
    assert_eq!(leavers(&bench, "ldap").await, []);
}

pub(crate) async fn an_earlier_state_that_is_in_use_does_not_stop_the_leaver_clock(bench: Bench) {
    let [ada, bob] = [bench.create("User", user("x")).await, bench.create("User", user("y")).await];
    bench.drain("ldap").await;
    // A name that another takes between freezes the first change: it goes by itself, in use.
    bench.replace("User", ada, user("t")).await.unwrap();
    bench.replace("User", bob, user("x")).await.unwrap();
    bench.replace("User", ada, disabled("y")).await.unwrap();
    assert_eq!(leavers(&bench, "ldap").await.len(), 1);
    let due = bench.due("ldap").await;
    assert_eq!((due[0].resource, shown(&due[0])["active"].clone()), (ada, json!(true)));
    bench.apply("ldap", &due[0]).await;
    assert_eq!(leavers(&bench, "ldap").await.len(), 1);
    bench.drain("ldap").await;
    assert_eq!(leavers(&bench, "ldap").await, []);
}

pub(crate) async fn the_leaver_clock_runs_only_where_access_is_to_be_taken(bench: Bench) {
    let policy = |scope, on_deactivate, on_delete| Arc::new(Policy { scope, on_deactivate, on_delete });
    let staff = |bench: &Bench| {
        let of_users = bench.resource_type("User");
        let filter = Filter::parse("userType eq \"staff\"", &of_users.urns()).unwrap();
        Scope::new(BTreeMap::from([(ResourceKind::new("User"), (of_users, filter))]))
    };
    let with = |name: &str, policy| Connector { policy, ..connector(name) };
    bench
        .configure(tenant(
            "acme",
            vec![
                with("all", policy(Scope::default(), OnRemoval::Disable, OnRemoval::Delete)),
                with("late", policy(Scope::default(), OnRemoval::Ignore, OnRemoval::Delete)),
                with("never", policy(Scope::default(), OnRemoval::Ignore, OnRemoval::Ignore)),
                with("staff", policy(staff(&bench), OnRemoval::Disable, OnRemoval::Disable)),
            ],
        ))
        .await;
    // What the dispatcher makes of a policy that leaves the entry as it is.
    let leave = |delivery: &scim_relay::store::Delivery| match applied(delivery) {
        Outcome::Applied { effect, remote, waiting, .. } => {
            Outcome::Applied { live: remote.is_some(), effect, remote, waiting }
        }
        other => other,
    };
    let of_staff = |active| json!({ "userName": "ada", "userType": "staff", "active": active });
    let ada = bench.create("User", of_staff(true)).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    let everywhere = async || {
        let mut held = Vec::new();
        for name in ["all", "late", "never", "staff"] {
            held.push(leavers(&bench, name).await.len());
        }
        held
    };
    let drain = async || {
        for name in ["all", "late", "never", "staff"] {
            loop {
                let due = bench.due(name).await;
                if due.is_empty() {
                    break;
                }
                for delivery in &due {
                    let is_left = matches!((name, &delivery.state), ("late", OwedState::Present { .. }) | ("never", _));
                    let is_outside = name == "staff" && shown(delivery)["userType"] != "staff";
                    let outcome = match (is_left, is_outside) {
                        (true, _) => leave(delivery),
                        (false, true) => lost(),
                        (false, false) => applied(delivery),
                    };
                    bench.settle(name, delivery, outcome).await;
                }
            }
        }
    };
    drain().await;
    bench.replace("User", ada, of_staff(false)).await.unwrap();
    assert_eq!(everywhere().await, [1, 0, 0, 1]);
    drain().await;
    assert_eq!(everywhere().await, [0, 0, 0, 0]);

    // Out of use already, but where the deactivation was ignored and the deletion is not.
    bench.delete("User", ada).await.unwrap();
    assert_eq!(everywhere().await, [0, 1, 0, 0]);
    drain().await;
    assert_eq!(everywhere().await, [0, 0, 0, 0]);

    // Leaving a connector's scope is no leaving of the client's, and a group is no person.
    let bob = bench.create("User", json!({ "userName": "bob", "userType": "staff" })).await;
    drain().await;
    bench.replace("User", bob, json!({ "userName": "bob", "userType": "alumna" })).await.unwrap();
    bench.delete("Group", team).await.unwrap();
    assert_eq!(everywhere().await, [0, 0, 0, 0]);
    drain().await;
    // Outside of its scope, switched off there: nothing is left to take.
    bench.replace("User", bob, json!({ "userName": "bob", "active": false })).await.unwrap();
    assert_eq!(everywhere().await, [1, 0, 0, 0]);
    drain().await;
    let eve = bench.create("User", disabled("eve")).await;
    bench.delete("User", eve).await.unwrap();
    assert_eq!(everywhere().await, [0, 0, 0, 0], "who was never active leaves nothing");
}

pub(crate) async fn leavers_at_a_removed_connector_stay_until_a_person_closes_them(bench: Bench) {
    bench.configure(tenant("acme", vec![connector("ldap"), connector("sql")])).await;
    let ada = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    bench.drain("sql").await;
    bench.replace("User", ada, disabled("ada")).await.unwrap();
    bench.configure(tenant("acme", vec![connector("ldap")])).await;
    bench.drain("ldap").await;
    assert_eq!(leavers(&bench, "ldap").await, []);
    assert_eq!(leavers(&bench, "sql").await.len(), 1);

    let at = |name: &str, resource| LeaverSelection {
        connector: Some(ConnectorName(name.into())),
        resource: Some(resource),
        ..LeaverSelection::default()
    };
    assert_eq!(bench.store.close_leavers(&at("ldap", ada)).await.unwrap(), 0);
    assert_eq!(bench.store.close_leavers(&at("sql", ada)).await.unwrap(), 1);
    assert_eq!(leavers(&bench, "sql").await, []);
}
