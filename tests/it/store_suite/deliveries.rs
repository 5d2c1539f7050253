//! What is owed of a resource, in which order, and what becomes of it.

use scim_connector::ResourceId;
use scim_relay::store::{ConnectorName, Outcome, OwedState, QueueClass, QueueSelection};
use serde_json::json;

use crate::store_bench::{Bench, START, asked, group, lost, minutes, retry_at, shown, user};

pub(crate) async fn g05_changes_of_one_resource_fold(bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    bench.replace("User", id, user("eve")).await.unwrap();
    let due = bench.due("ldap").await;
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].version, due[0].confirmed_version, due[0].attempts), (2, 0, 0));
    assert_eq!(shown(&due[0])["userName"], "eve");
    assert_eq!(bench.due_beside("ldap", &[due[0].resource]).await.len(), 0);

    bench.replace("User", id, user("zoe")).await.unwrap();
    bench.apply("ldap", &due[0]).await;
    let newer = bench.due("ldap").await;
    assert_eq!((newer[0].id, newer[0].version, newer[0].confirmed_version), (due[0].id, 3, 2));
    assert!(newer[0].remote.is_some());
    bench.apply("ldap", &newer[0]).await;
    assert_eq!(bench.queued().await, 0);
}

pub(crate) async fn g05_a_swap_of_names_is_delivered_in_order(bench: Bench) {
    let (a, b) = (bench.create("User", user("x")).await, bench.create("User", user("y")).await);
    bench.drain("ldap").await;
    bench.replace("User", a, user("t")).await.unwrap();
    bench.replace("User", b, user("x")).await.unwrap();
    bench.replace("User", a, user("y")).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let due = bench.due("ldap").await;
        assert!(due.len() <= 1, "each waits for the one before");
        let Some(delivery) = due.first() else { break };
        seen.push((delivery.resource, shown(delivery)["userName"].clone()));
        bench.apply("ldap", delivery).await;
    }
    assert_eq!(seen, [(a, json!("t")), (b, json!("x")), (a, json!("y"))]);
}

pub(crate) async fn a_freed_name_is_taken_after_it_is_free(bench: Bench) {
    let old = bench.create("User", user("ada")).await;
    bench.drain("ldap").await;
    bench.delete("User", old).await.unwrap();
    let new = bench.create("User", user("ada")).await;
    let due = bench.due("ldap").await;
    assert_eq!(due.iter().map(|delivery| delivery.resource).collect::<Vec<_>>(), [old]);
    assert_eq!(due[0].state, OwedState::Deleted);
    let entries = bench.store.queue(&QueueSelection::default(), START, 10).await.unwrap();
    assert_eq!(entries[1].waits_for, Some(due[0].id));
    bench.settle("ldap", &due[0], Outcome::Dead { message: "protected".to_owned() }).await;
    assert_eq!(bench.due("ldap").await[0].resource, new, "a dead letter blocks nobody");
}

pub(crate) async fn removals_go_first(bench: Bench) {
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(bench.create("User", user(name)).await);
    }
    bench.drain("ldap").await;
    bench.replace("User", ids[0], json!({ "userName": "a", "active": true, "title": "x" })).await.unwrap();
    bench.replace("User", ids[1], json!({ "userName": "b", "active": false })).await.unwrap();
    bench.delete("User", ids[2]).await.unwrap();
    let order: Vec<ResourceId> = bench.due("ldap").await.iter().map(|delivery| delivery.resource).collect();
    assert_eq!(order, [ids[1], ids[2], ids[0]]);
}

pub(crate) async fn members_wait_until_they_are_confirmed(bench: Bench) {
    let (ada, bob) = (bench.create("User", user("ada")).await, bench.create("User", user("bob")).await);
    let team = bench.create("Group", group("team", &[ada, bob])).await;
    bench.add_member(team, "nobody").await;
    let due = bench.due("ldap").await;
    let of = |id: ResourceId| due.iter().find(|delivery| delivery.resource == id).unwrap();
    let OwedState::Present { members: Some(delta), .. } = &of(team).state else { panic!("{due:?}") };
    assert_eq!((delta.add.len(), delta.waiting.len()), (0, 3));

    // One is confirmed between the reading and the settling of the group, the other after it.
    bench.apply("ldap", of(ada)).await;
    bench.apply("ldap", of(team)).await;
    let due = bench.due_beside("ldap", &[of(bob).resource]).await;
    let OwedState::Present { members: Some(delta), .. } = &due[0].state else { panic!("{due:?}") };
    assert_eq!(delta.add[0].resource.id, ada);
    assert!(delta.add[0].remote.is_some());
    bench.drain("ldap").await;
    let status = bench.store.connectors().await.unwrap();
    assert_eq!((status[0].pending, status[0].confirmed, status[0].waiting_members), (0, 3, 1));
}

pub(crate) async fn g06_a_dead_letter_is_revived_by_a_newer_change(bench: Bench) {
    let id = bench.create("User", user("ada")).await;
    let due = bench.due("ldap").await;
    bench.settle("ldap", &due[0], Outcome::Dead { message: "constraint".to_owned() }).await;
    assert_eq!(bench.due("ldap").await.len(), 0);
    let dead = QueueSelection { class: Some(QueueClass::Dead), ..QueueSelection::default() };
    let entries = bench.store.queue(&dead, START, 10).await.unwrap();
    assert_eq!((entries[0].error.as_deref(), entries[0].attempts), (Some("constraint"), 1));
    bench.replace("User", id, user("eve")).await.unwrap();
    let due = bench.due("ldap").await;
    assert_eq!((due.len(), due[0].attempts, shown(&due[0])["userName"].as_str()), (1, 0, Some("eve")));
    bench.apply("ldap", &due[0]).await;
    assert_eq!(bench.queued().await, 0);
}

pub(crate) async fn a_retry_waits_for_its_time_or_an_operator(bench: Bench) {
    let ldap = ConnectorName("ldap".into());
    bench.create("User", user("ada")).await;
    let due = bench.due("ldap").await;
    let later = START.after(minutes(5));
    bench.settle("ldap", &due[0], retry_at(later)).await;
    assert_eq!(bench.due("ldap").await.len(), 0);
    assert_eq!(bench.store.next_delivery_at(&ldap, START).await.unwrap(), Some(later));
    bench.clock.advance(minutes(5));
    let due = bench.due("ldap").await;
    assert_eq!(due[0].attempts, 1);
    bench.settle("ldap", &due[0], retry_at(later.after(minutes(5)))).await;
    assert_eq!(bench.store.queue_retry(&QueueSelection::default(), later).await.unwrap(), 1);
    assert_eq!(bench.due("ldap").await.len(), 1);
    let other = QueueSelection { connector: Some(ConnectorName("x".into())), ..QueueSelection::default() };
    assert_eq!(bench.store.queue_discard(&other, later).await.unwrap(), 0);
    assert_eq!(bench.store.queue_discard(&QueueSelection::default(), later).await.unwrap(), 1);
    assert_eq!(bench.due("ldap").await.len(), 0);
}

pub(crate) async fn g06_a_member_lost_while_its_group_is_under_way_is_added_again(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    bench.drain("ldap").await;
    let active = |active: bool| json!({ "userName": "ada", "active": active });
    for comes_back_at_once in [false, true] {
        bench.add_member(team, &format!("somebody-{comes_back_at_once}")).await;
        let under_way = bench.due("ldap").await;
        assert_eq!(under_way.len(), 1);
        let beside = [under_way[0].resource];
        bench.replace("User", ada, active(false)).await.unwrap();
        bench.settle("ldap", &bench.due_beside("ldap", &beside).await[0], lost()).await;
        if comes_back_at_once {
            bench.replace("User", ada, active(true)).await.unwrap();
            bench.apply("ldap", &bench.due_beside("ldap", &beside).await[0]).await;
        }
        bench.apply("ldap", &under_way[0]).await;
        if !comes_back_at_once {
            assert_eq!(bench.due("ldap").await.len(), 0);
            bench.replace("User", ada, active(true)).await.unwrap();
            bench.apply("ldap", &bench.due("ldap").await[0]).await;
        }
        assert_eq!(asked(&bench.due("ldap").await, team), (vec![ada], vec![]));
        bench.drain("ldap").await;
    }
    assert_eq!(bench.queued().await, 0);
}

pub(crate) async fn g20_what_took_effect_after_a_discard_is_recorded(bench: Bench) {
    let confirmed = || async { bench.store.connectors().await.unwrap()[0].confirmed };
    let ada = bench.create("User", user("ada")).await;
    let under_way = bench.due("ldap").await;
    bench.store.queue_discard(&QueueSelection::default(), START).await.unwrap();
    bench.apply("ldap", &under_way[0]).await;
    assert_eq!(confirmed().await, 1);
    bench.apply("ldap", &under_way[0]).await;
    bench.delete("User", ada).await.unwrap();
    assert!(bench.due("ldap").await[0].remote.is_some());
    bench.drain("ldap").await;
    assert_eq!(confirmed().await, 0);
}

pub(crate) async fn what_may_have_taken_effect_is_removed_after_a_discard(bench: Bench) {
    for is_known_before_the_deletion in [true, false] {
        let ada = bench.create("User", user("ada")).await;
        let under_way = bench.due("ldap").await;
        if is_known_before_the_deletion {
            bench.settle("ldap", &under_way[0], retry_at(START)).await;
        }
        bench.store.queue_discard(&QueueSelection::default(), START).await.unwrap();
        bench.delete("User", ada).await.unwrap();
        if !is_known_before_the_deletion {
            bench.apply("ldap", &under_way[0]).await;
        }
        let due = bench.due("ldap").await;
        assert_eq!((due.len(), &due[0].state), (1, &OwedState::Deleted));
        assert_eq!(due[0].remote.is_some(), !is_known_before_the_deletion);
        bench.drain("ldap").await;
        assert_eq!(bench.store.connectors().await.unwrap()[0].confirmed, 0);
    }
}

pub(crate) async fn g05_a_member_is_deleted_after_its_group_let_go_of_it(bench: Bench) {
    let ada = bench.create("User", user("ada")).await;
    let team = bench.create("Group", group("team", &[ada])).await;
    bench.drain("ldap").await;
    bench.replace("User", ada, json!({ "userName": "ada", "active": true, "title": "x" })).await.unwrap();
    bench.delete("User", ada).await.unwrap();
    let mut order = Vec::new();
    loop {
        let due = bench.due("ldap").await;
        let Some(delivery) = due.first() else { break };
        order.push((delivery.resource, delivery.state == OwedState::Deleted));
        bench.apply("ldap", delivery).await;
    }
    assert_eq!(order, [(ada, false), (team, false), (ada, true)]);
}

pub(crate) async fn a_retry_of_an_old_version_does_not_delay_a_newer(bench: Bench) {
    let later = START.after(minutes(5));
    for (class, counted, goes_at_once) in [
        ("transient", true, true),
        ("waiting", false, true),
        ("transient", false, false),
        ("throttled", false, false),
        ("misconfigured", false, false),
    ] {
        let name = format!("{class}-{counted}");
        let id = bench.create("User", user(&name)).await;
        let due = bench.due("ldap").await;
        bench.replace("User", id, json!({ "userName": name, "active": true, "title": "x" })).await.unwrap();
        let outcome = Outcome::RetryAt { at: later, counted, class, message: "no".to_owned() };
        bench.settle("ldap", &due[0], outcome).await;
        assert_eq!(bench.due("ldap").await.len(), usize::from(goes_at_once), "{class} {counted}");
        bench.store.queue_retry(&QueueSelection::default(), START).await.unwrap();
        bench.drain("ldap").await;
    }
}

pub(crate) async fn deliveries_under_way_do_not_count_towards_the_limit(bench: Bench) {
    for number in 0..6 {
        bench.create("User", user(&format!("user-{number}"))).await;
    }
    let names: Vec<ResourceId> = bench.due("ldap").await.iter().map(|delivery| delivery.resource).collect();
    let ldap = ConnectorName("ldap".into());
    let due = bench.store.deliveries(&ldap, START, 2, &names[..3]).await.unwrap();
    assert_eq!(due.iter().map(|delivery| delivery.resource).collect::<Vec<_>>(), names[3..5]);
}
