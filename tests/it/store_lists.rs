//! Lists against a plain look at every resource: whatever index, cursor or order leads to a page, it shows what
//! matches, each resource once.

use std::{collections::BTreeSet, sync::Arc};

use proptest::{collection::vec, prelude::*, sample::select};
use scim_connector::ResourceId;
use scim_relay::{
    scim::{
        Object, ScimType,
        cursor::Position,
        filter::Filter,
        query::{Query, Start},
    },
    store::{
        Stored, WriteError,
        sqlite::{Options, SqliteStore},
    },
    time::Clock,
};
use serde_json::{Value, json};

use crate::{
    sqlite_store::open,
    store_bench::{Bench, START, group, minutes, user},
};

/// Few short texts, so that some meet, and meet in another case.
const TEXTS: [&str; 8] = ["a", "A", "b", "ab", "Ab", "ß", "SS", ""];

/// What else an element must be.
const FURTHER: [&str; 6] = [
    "",
    r#" and type eq "work""#,
    r#" and type eq "User""#,
    r#" and display eq "A""#,
    r#" or type eq "Group""#,
    " and primary eq true",
];

/// A resource of the list: a user, or a group with members by index among all earlier resources.
#[derive(Clone, Debug)]
enum Made {
    User(Value),
    Group { display: &'static str, members: Vec<usize> },
}

fn text() -> impl Strategy<Value = &'static str> {
    select(&TEXTS[..7])
}

fn some_text() -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::of(text())
}

fn made() -> impl Strategy<Value = Made> {
    let kinds = || proptest::option::of(select(vec!["work", "WORK", "home"]));
    let emails = vec((text(), kinds(), any::<bool>()), 0..3);
    let user = (some_text(), some_text(), some_text(), emails, proptest::option::of(any::<bool>()), some_text());
    prop_oneof![
        3 => user.prop_map(|(external_id, display, title, emails, active, department)| {
            let mut primary = true;
            let emails: Vec<Value> = emails.into_iter().map(|(value, kind, is_primary)| {
                json!({ "value": value, "type": kind, "primary": is_primary && std::mem::take(&mut primary) })
            }).collect();
            Made::User(json!({
                "externalId": external_id, "displayName": display, "title": title, "active": active,
                "emails": emails, "name": { "familyName": title },
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": department },
            }))
        }),
        1 => (text(), vec(0..12_usize, 0..4)).prop_map(|(display, members)| Made::Group { display, members }),
    ]
}

/// A filter's text, in which `{n}` stands for the id of a resource.
fn filter() -> impl Strategy<Value = String> {
    let operator = select(vec!["eq", "Eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let attribute = select(vec![
        "userName",
        "USERNAME",
        "externalId",
        "displayName",
        "title",
        "name.familyName",
        "emails",
        "emails.value",
        "emails.type",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "id",
        "meta.resourceType",
    ]);
    let value = prop_oneof![
        4 => select(&TEXTS[..]).prop_map(str::to_owned),
        1 => Just("User".to_owned()),
        2 => (0..12_usize).prop_map(|which| format!("{{{which}}}")),
    ];
    let equality = select(vec!["eq", "ne"]);
    let reference = select(vec!["members", "members.value", "groups", "groups.value", "id", "groups.display"]);
    let within = select(vec!["emails", "members", "groups"]);
    let atom = prop_oneof![
        6 => (attribute.clone(), operator.clone(), value.clone())
            .prop_map(|(attribute, operator, value)| format!("{attribute} {operator} \"{value}\"")),
        3 => (reference, equality.clone(), value.clone())
            .prop_map(|(attribute, operator, value)| format!("{attribute} {operator} \"{value}\"")),
        1 => (attribute.clone(), equality).prop_map(|(attribute, operator)| format!("{attribute} {operator} null")),
        2 => prop_oneof![attribute, within.clone()].prop_map(|attribute| format!("{attribute} pr")),
        1 => any::<bool>().prop_map(|active| format!("active eq {active}")),
        1 => (0..12_u64).prop_map(|after| format!("meta.created gt \"{}\"", START.after(minutes(after)).rfc3339())),
        5 => (within, select(vec!["eq", "eq", "eq", "ne", "co"]), value, select(&FURTHER[..])).prop_map(
            |(attribute, operator, value, further)| format!("{attribute}[value {operator} \"{value}\"{further}]")
        ),
    ];
    atom.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) and ({other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) or ({other})")),
            inner.prop_map(|one| format!("not ({one})")),
        ]
    })
}

/// A store with these resources, in this order.
async fn filled(bench: &Bench, resources: Vec<Made>) -> Vec<(&'static str, ResourceId)> {
    let mut ids: Vec<(&str, ResourceId)> = Vec::new();
    for (number, resource) in resources.into_iter().enumerate() {
        bench.clock.advance(minutes(1));
        ids.push(match resource {
            Made::User(mut body) => {
                body["userName"] = format!("{}{number}", TEXTS[number % 8]).into();
                ("User", bench.create("User", body).await)
            }
            Made::Group { display, members } => {
                // Beside those that are there, one that nobody has heard of.
                let mut values: BTreeSet<String> =
                    members.iter().filter_map(|member| ids.get(*member)).map(|(_, id)| id.to_string()).collect();
                values.insert("b".to_owned());
                let members: Vec<Value> =
                    values.iter().map(|value| json!({ "value": value, "display": display })).collect();
                let body = json!({ "displayName": format!("{display}{number}"), "members": members });
                ("Group", bench.create("Group", body).await)
            }
        });
    }
    // Types come one after the other, each in order of age.
    ids.sort_by_key(|(kind, _)| *kind == "Group");
    ids
}

/// A resource as filters see it, put together from what other questions to the store answer.
async fn evaluated(bench: &Bench, kind: &str, stored: &Stored) -> Object {
    let mut object: Object = serde_json::from_str(&stored.attributes).unwrap();
    object.insert("id".to_owned(), stored.id.to_string().into());
    let (created, modified) = (stored.created.rfc3339(), stored.modified.rfc3339());
    let meta = json!({ "resourceType": kind, "created": created, "lastModified": modified });
    object.insert("meta".to_owned(), meta);
    if kind == "Group" {
        let members = bench.store.members(&bench.tenant, stored.id, None, 100).await.unwrap();
        let value = |membership: &scim_relay::store::Membership| {
            let mut value = json!({ "value": membership.member.value, "display": membership.member.display });
            if let Some(kind) = &membership.kind {
                value["type"] = kind.as_str().into();
            }
            value
        };
        object.insert("members".to_owned(), members.iter().map(value).collect());
    } else {
        let groups = bench.store.groups_of(&bench.tenant, &[stored.id]).await.unwrap();
        let value = |group: &scim_relay::store::GroupOf| json!({ "value": group.id.to_string(), "display": group.display, "type": "direct" });
        object.insert("groups".to_owned(), groups[0].iter().map(value).collect());
    }
    object
}

fn ids(resources: &[Stored]) -> Vec<ResourceId> {
    resources.iter().map(|stored| stored.id).collect()
}

/// All pages of a query one after the other, by cursor, through the text of a cursor each time.
async fn by_cursor(bench: &Bench, mut query: Query) -> Vec<ResourceId> {
    let mut found = Vec::new();
    query.start = Start::After(None);
    loop {
        let page = bench.page(&query).await;
        assert!(page.resources.len() <= query.count);
        found.extend(ids(&page.resources));
        let Some(next) = page.next else { return found };
        assert_eq!(page.resources.len(), query.count, "only the last page is short");
        let cursor = next.write("acme", &query);
        query.start = Start::After(Some(Position::read(&cursor, "acme", &query).unwrap()));
    }
}

/// All pages of a query one after the other, by index.
async fn by_index(bench: &Bench, mut query: Query, total: usize) -> Vec<ResourceId> {
    let mut found = Vec::new();
    loop {
        query.start = Start::Index(found.len() + 1);
        let page = bench.page(&query).await;
        assert_eq!((page.total, page.next), (Some(total), None));
        if page.resources.is_empty() {
            return found;
        }
        found.extend(ids(&page.resources));
    }
}

async fn fresh() -> (Bench, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let store = open(directory.path(), clock.clone()).unwrap();
    (Bench::new(store, clock).await, directory)
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_finds_what_a_plain_look_at_every_resource_finds(
        resources in vec(made(), 1..12),
        filters in vec((filter(), select(vec![&["User"][..], &["Group"], &["User", "Group"]])), 40),
        sorts in vec(select(vec!["userName", "-displayName", "externalId", "-emails", "meta.created", "active"]), 40),
        count in 1..5_usize,
    ) {
        run(async {
            let (bench, _directory) = fresh().await;
            let all = filled(&bench, resources).await;
            let mut seen = Vec::new();
            for (kind, id) in &all {
                let stored = bench.get(kind, *id).await.unwrap();
                seen.push((*kind, *id, evaluated(&bench, kind, &stored).await));
            }
            for ((mut text, kinds), by) in filters.into_iter().zip(sorts) {
                for (which, (_, id)) in all.iter().enumerate() {
                    text = text.replace(&format!("{{{which}}}"), &id.to_string());
                }
                let parameters = vec![
                    ("filter".to_owned(), text.clone()),
                    ("count".to_owned(), count.to_string()),
                ];
                let asked: Vec<_> =
                    kinds.iter().map(|kind| (bench.resource_type(kind), parameters.clone())).collect();
                let Ok(mut query) = Query::parse("acme", &asked) else {
                    // An order of complex attributes, say. Whether a query is refused is not the store's to decide.
                    continue;
                };
                let mut expected: Vec<_> = seen.iter().filter(|(kind, _, object)| {
                    let resource_type = bench.resource_type(kind);
                    let filter = Filter::parse(&text, &resource_type.urns()).unwrap();
                    kinds.contains(kind) && filter.matches(&resource_type, object)
                }).collect();
                let wanted: Vec<_> = expected.iter().map(|(_, id, _)| *id).collect();
                assert_eq!(by_index(&bench, query.clone(), wanted.len()).await, wanted, "{kinds:?} {text}");
                assert_eq!(by_cursor(&bench, query.clone()).await, wanted, "{kinds:?} {text}");

                query.sort = bench.query(&[], None, Some(by), Start::Index(1), 1).sort;
                let sort = query.sort.clone().unwrap();
                expected.sort_by(|(left, _, one), (right, _, other)| {
                    let key = |kind, object| sort.key(&bench.resource_type(kind), object);
                    let order = key(left, one).partial_cmp(&key(right, other)).unwrap();
                    if sort.descending { order.reverse() } else { order }
                });
                let wanted: Vec<_> = expected.iter().map(|(_, id, _)| *id).collect();
                assert_eq!(by_index(&bench, query.clone(), wanted.len()).await, wanted, "{kinds:?} {text} by {by}");
                assert_eq!(by_cursor(&bench, query).await, wanted, "{kinds:?} {text} by {by}");
            }
        });
    }

    #[test]
    fn what_is_there_throughout_is_on_one_page_by_cursor(
        steps in vec((0..3_usize, 0..64_usize), 1..30),
        sort in select(vec![None, Some("userName"), Some("-userName"), Some("title")]),
        filter in select(vec![None, Some("active eq true")]),
        count in 1..6_usize,
    ) {
        run(async {
            let (bench, _directory) = fresh().await;
            let mut there = Vec::new();
            for number in 0..16 {
                there.push(bench.create("User", user(&format!("{}", (number * 7) % 16))).await);
            }
            let mut throughout: BTreeSet<ResourceId> = there.iter().copied().collect();
            let mut query = bench.query(&["User"], filter, sort, Start::After(None), count);
            let (mut found, mut steps, mut number) = (Vec::new(), steps.into_iter(), 0);
            loop {
                let page = bench.page(&query).await;
                found.extend(ids(&page.resources));
                let Some(next) = page.next else { break };
                query.start = Start::After(Some(next));
                for (step, which) in steps.by_ref().take(3) {
                    number += 1;
                    if step == 0 && !there.is_empty() {
                        let gone = there.swap_remove(which % there.len());
                        throughout.remove(&gone);
                        bench.delete("User", gone).await.unwrap();
                    } else {
                        there.push(bench.create("User", user(&format!("{which}-{number}"))).await);
                    }
                }
            }
            let once: BTreeSet<ResourceId> = found.iter().copied().collect();
            assert_eq!(once.len(), found.len(), "nothing is repeated");
            assert!(once.is_superset(&throughout), "nothing is skipped");
        });
    }
}

#[tokio::test]
async fn e3_20_a_page_far_down_a_sorted_list_is_too_many_and_a_cursor_gets_there() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::manual(START);
    let metrics = Arc::new(scim_relay::metrics::Metrics::new().unwrap());
    let options = Options { sorted_max: 6, ..Options::new(directory.path().to_owned(), clock.clone(), metrics) };
    let bench = Bench::new(SqliteStore::open(options).unwrap(), clock).await;
    let mut all = Vec::new();
    for number in 0..20 {
        all.push(bench.create("User", user(&format!("user-{number:02}"))).await);
    }
    all.reverse();
    let sorted = |start, count| bench.query(&["User"], None, Some("-userName"), start, count);
    assert_eq!(ids(&bench.page(&sorted(Start::Index(4), 3)).await.resources), all[3..6]);
    let too_far = sorted(Start::Index(5), 3);
    let Err(WriteError::Refused(error)) = bench.store.find(&bench.tenant, &too_far).await else { panic!("refused") };
    assert_eq!(error.scim_type(), Some(ScimType::TooMany));
    assert_eq!(by_cursor(&bench, sorted(Start::Index(1), 5)).await, all);
    let few = bench.query(&["User"], Some("userName sw \"user-0\""), Some("userName"), Start::Index(9), 9);
    assert!(bench.store.find(&bench.tenant, &few).await.is_err(), "ten match, and six are kept");
}

#[tokio::test]
async fn a_page_by_cursor_has_the_total_where_it_is_cheap() {
    let (bench, _directory) = fresh().await;
    for number in 0..5 {
        bench.create("User", json!({ "userName": format!("u{number}"), "externalId": "x", "title": "t" })).await;
    }
    bench.create("Group", group("team", &[])).await;
    for (filter, sort, count, total) in [
        (None, None, 2, Some(5)),
        (Some("externalId eq \"x\""), None, 2, Some(5)),
        (Some("title eq \"t\""), None, 2, None),
        (Some("title eq \"t\""), Some("userName"), 2, Some(5)),
        (Some("title eq \"t\""), None, 0, Some(5)),
        (Some("title eq \"t\""), Some("userName"), 0, Some(5)),
    ] {
        let page = bench.page(&bench.query(&["User"], filter, sort, Start::After(None), count)).await;
        assert_eq!((page.total, page.resources.len()), (total, count), "{filter:?} {sort:?} {count}");
        assert_eq!(page.next.is_some(), count > 0, "asked for nothing there is no next page");
    }
    let both = bench.page(&bench.query(&["User", "Group"], None, None, Start::After(None), 6)).await;
    assert_eq!((both.total, both.resources.len(), both.next), (Some(6), 6, None), "a full page may be the last one");
}
