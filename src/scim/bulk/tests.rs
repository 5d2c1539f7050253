use proptest::prelude::*;
use serde_json::json;

use super::*;

fn request(operations: Value) -> Value {
    json!({ "schemas": [BULK_REQUEST_URN], "Operations": operations })
}

fn parse(body: Value) -> Result<Request, Error> {
    Request::parse(body, 3)
}

fn post(bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
}

#[test]
fn a_request_is_read_in_any_case_of_its_names() {
    let request = parse(json!({
        "SCHEMAS": [BULK_REQUEST_URN], "failonerrors": 2,
        "operations": [
            { "Method": "post", "PATH": "/Users", "bulkid": "a", "Data": {} },
            { "method": "DELETE", "path": "/Users/1", "version": "W/\"1\"", "data": null },
        ],
    }))
    .unwrap();
    assert_eq!(request.fail_on_errors.map(NonZeroUsize::get), Some(2));
    let [first, second] = &request.operations[..] else { panic!("{request:?}") };
    assert_eq!((first.method, &*first.path, first.bulk_id.as_deref()), (Method::Post, "/Users", Some("a")));
    assert_eq!(
        (second.method, second.version.as_deref(), &second.data),
        (Method::Delete, Some("W/\"1\""), &json!(null))
    );
}

#[test]
fn the_operations_of_a_patch_may_stand_alone_as_in_the_rfc() {
    let operations = json!([{ "op": "remove", "path": "nickName" }]);
    let body = request(json!([{ "method": "PATCH", "path": "/Users/1", "data": operations }]));
    let data = &parse(body).unwrap().operations[0].data;
    assert_eq!(*data, json!({ "schemas": [PATCH_URN], "Operations": operations }));
}

#[test]
fn what_is_no_bulk_request_is_refused_as_a_whole() {
    let with_errors = |number: Value| {
        let mut body = request(json!([post("a", json!({}))]));
        body["failOnErrors"] = number;
        body
    };
    let empty = json!({});
    for (body, refused, reason) in [
        (json!([]), ScimType::InvalidSyntax, "an object"),
        (json!({ "Operations": [post("a", empty.clone())] }), ScimType::InvalidSyntax, "schemas"),
        (json!({ "schemas": ["urn:x"], "Operations": [post("a", empty.clone())] }), ScimType::InvalidSyntax, "schemas"),
        (json!({ "schemas": [BULK_REQUEST_URN] }), ScimType::InvalidSyntax, "Operations"),
        (request(json!({})), ScimType::InvalidSyntax, "Operations"),
        (request(json!([])), ScimType::InvalidSyntax, "at least one"),
        (request(json!([post("a", empty.clone()), 7])), ScimType::InvalidSyntax, "Operations[1]: expected an object"),
        (request(json!([post("", empty.clone())])), ScimType::InvalidSyntax, "Operations[0]: bulkId"),
        (request(json!([post("a", json!(null))])), ScimType::InvalidSyntax, "Operations[0]: data"),
        (request(json!([{ "method": "POST", "path": "/Users", "data": {} }])), ScimType::InvalidSyntax, "bulkId"),
        (request(json!([{ "method": "PUT", "path": "/Users/1" }])), ScimType::InvalidSyntax, "data"),
        (request(json!([{ "method": "GET", "path": "/Users/1" }])), ScimType::InvalidSyntax, "method"),
        (request(json!([{ "method": "DELETE" }])), ScimType::InvalidSyntax, "path"),
        (request(json!([{ "method": "DELETE", "path": 1 }])), ScimType::InvalidSyntax, "path"),
        (request(json!([{ "method": "DELETE", "METHOD": "PUT", "path": "" }])), ScimType::InvalidSyntax, "twice"),
        (request(json!([post("a", empty.clone()), post("a", empty)])), ScimType::InvalidValue, "Operations[1]: bulkId"),
        (with_errors(json!(0)), ScimType::InvalidValue, "failOnErrors"),
        (with_errors(json!(-1)), ScimType::InvalidValue, "failOnErrors"),
        (with_errors(json!("1")), ScimType::InvalidValue, "failOnErrors"),
    ] {
        let error = parse(body.clone()).expect_err(&body.to_string());
        assert_eq!(error.scim_type(), Some(refused), "{body}");
        assert!(error.detail().contains(reason), "{body}: {}", error.detail());
    }
    let four: Vec<Value> = ["a", "b", "c", "d"].map(|bulk_id| post(bulk_id, json!({}))).into();
    let error = parse(request(four.into())).unwrap_err();
    assert_eq!(error.http_status(), 413);
    assert!(error.detail().contains("more than 3 (bulk-operations-max)"), "{}", error.detail());
}

/// Which bulkIds a path and data refer to, and what they become.
fn check(path: &str, data: &Value, references: &[&str], path_after: &str, data_after: &Value) {
    let mut operation =
        Operation { method: Method::Put, path: path.to_owned(), bulk_id: None, version: None, data: data.clone() };
    assert_eq!(operation.references(), references, "{path} {data}");
    operation.resolve(&|bulk_id| Ok(format!("<{bulk_id}>"))).unwrap();
    assert_eq!((&*operation.path, &operation.data), (path_after, data_after));
}

#[test]
fn references_are_found_wherever_an_id_may_stand() {
    check(
        "/Users/bulkId:q",
        &json!({ "manager": { "value": "bulkId:m", "$ref": "../Users/bulkid:m" } }),
        &["q", "m", "m"],
        "/Users/<q>",
        &json!({ "manager": { "value": "<m>", "$ref": "../Users/<m>" } }),
    );
    check(
        "/Groups/1",
        &json!({ "Operations": [
            { "op": "remove", "path": "members[value eq \"bulkId:a\" or value eq \"bulkId:b\"]" },
            { "op": "add", "path": "members", "value": [{ "value": "bulkId:with/slash" }, { "value": "kept" }] },
        ] }),
        &["a", "b", "with/slash"],
        "/Groups/1",
        &json!({ "Operations": [
            { "op": "remove", "path": "members[value eq \"<a>\" or value eq \"<b>\"]" },
            { "op": "add", "path": "members", "value": [{ "value": "<with/slash>" }, { "value": "kept" }] },
        ] }),
    );
    let plain = json!({ "displayName": "about bulkId:x /bulkId:y", "n": 1, "bulkId:key": null });
    check("/Users/1", &plain, &[], "/Users/1", &plain);
}

/// Operations with the bulkIds `0`, `1`, …: whether each is a POST, and what it refers to.
fn operations(needs: &[(bool, Vec<usize>)]) -> Vec<Operation> {
    let operation = |(index, (is_post, needs)): (usize, &(bool, Vec<usize>))| Operation {
        method: if *is_post { Method::Post } else { Method::Patch },
        path: "/Groups".to_owned(),
        bulk_id: Some(index.to_string()),
        version: None,
        data: needs.iter().map(|need| json!({ "value": format!("bulkId:{need}") })).collect(),
    };
    needs.iter().enumerate().map(operation).collect()
}

#[test]
fn the_clients_order_stands_save_that_a_post_comes_before_what_refers_to_it() {
    use Step::{Circle, One};
    for (needs, steps) in [
        (vec![vec![], vec![], vec![]], vec![One(0), One(1), One(2)]),
        (vec![vec![2], vec![], vec![]], vec![One(2), One(0), One(1)]),
        (vec![vec![1], vec![2], vec![]], vec![One(2), One(1), One(0)]),
        (vec![vec![], vec![0, 9]], vec![One(0), One(1)]),
        (vec![vec![1], vec![0]], vec![Circle(vec![0, 1])]),
        (vec![vec![0], vec![]], vec![Circle(vec![0]), One(1)]),
        (vec![vec![1], vec![2], vec![0, 1]], vec![Circle(vec![0, 1, 2])]),
        (vec![vec![1], vec![2, 3], vec![1], vec![]], vec![One(3), Circle(vec![1, 2]), One(0)]),
    ] {
        let posts: Vec<_> = needs.iter().map(|needs| (true, needs.clone())).collect();
        assert_eq!(Plan::of(&operations(&posts)).steps, steps, "{needs:?}");
    }
}

#[test]
fn a_long_chain_is_no_deep_recursion() {
    let count = 100_000;
    let chain: Vec<_> = (0..count).map(|index| (true, vec![index + 1])).collect();
    assert!(Plan::of(&operations(&chain)).steps.into_iter().eq((0..count).rev().map(Step::One)));
    let circle: Vec<_> = (0..count).map(|index| (true, vec![(index + 1) % count])).collect();
    assert_eq!(Plan::of(&operations(&circle)).steps, [Step::Circle((0..count).collect())]);
}

proptest! {
    #[test]
    fn every_operation_has_one_place_after_the_posts_that_it_refers_to_or_in_a_circle_with_them(
        needs in proptest::collection::vec((any::<bool>(), proptest::collection::vec(0_usize..12, 0..4)), 1..12)
    ) {
        let plan = Plan::of(&operations(&needs));
        let mut steps = vec![None; needs.len()];
        for (number, step) in plan.steps.iter().enumerate() {
            let together = match step {
                Step::One(index) => std::slice::from_ref(index),
                Step::Circle(together) => together,
            };
            prop_assert!(matches!(step, Step::Circle(_)) || !plan.needs[together[0]].contains(&together[0]));
            for &index in together {
                prop_assert_eq!(steps[index].replace(number), None, "done twice");
                prop_assert!(together.iter().all(|&other| reaches(&plan.needs, index, other)), "no circle");
            }
        }
        for (index, (_, referred)) in needs.iter().enumerate() {
            let posts: Vec<usize> = referred.iter().copied().filter(|&n| n < needs.len() && needs[n].0).collect();
            prop_assert_eq!(&plan.needs[index], &posts);
            prop_assert!(steps[index].is_some(), "left out");
            prop_assert!(posts.into_iter().all(|post| steps[post] <= steps[index]));
        }
    }
}

/// Whether what an operation refers to, directly or not, is or refers to another.
fn reaches(needs: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; needs.len()];
    let mut waiting = vec![from];
    while let Some(next) = waiting.pop() {
        if next == to {
            return true;
        }
        if !std::mem::replace(&mut seen[next], true) {
            waiting.extend(&needs[next]);
        }
    }
    false
}
