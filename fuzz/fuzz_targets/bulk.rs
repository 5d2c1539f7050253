//! A bulk request is refused, or has an order in which every operation is done once, after what it refers to or
//! together with it; with its references resolved it refers to nothing more.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_relay::scim::{
    bulk::{Plan, Request, Step},
    json,
};

fuzz_target!(|body: &[u8]| {
    let Ok(body) = json::parse(body) else { return };
    let Ok(request) = Request::parse(body, 1_000) else { return };
    let plan = Plan::of(&request.operations);
    let mut is_done = vec![false; request.operations.len()];
    for step in plan.steps {
        let together = match step {
            Step::One(index) => vec![index],
            Step::Circle(together) => together,
        };
        for &index in &together {
            assert!(!std::mem::replace(&mut is_done[index], true), "operation {index} comes twice");
        }
        for index in together {
            assert!(plan.needs[index].iter().all(|&need| is_done[need]), "operation {index} comes too early");
        }
    }
    assert!(is_done.into_iter().all(|is_done| is_done), "an operation is left out");
    for mut operation in request.operations {
        operation.resolve(&|_| Ok("id".to_owned())).expect("every reference has an id");
        assert!(operation.references().is_empty());
    }
});
