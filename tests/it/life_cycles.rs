//! The life cycles that identity providers play, over HTTP, in their own dialect and in the one that guesses; and what a
//! JSON file holds of it afterwards.

use scim_relay::demo::exchange::{Answer, Exchange, Player};
use serde_json::Value;

use crate::relay::Relay;

/// A user's name, and whether the user is active.
type Person = (&'static str, bool);

/// Dialect, exchanges, and who is left in the end, in how many groups.
const LIVES: [(&str, &str, &[Person], usize); 9] = [
    (
        "okta",
        include_str!("../dialects/okta/aiw-put.json"),
        &[("jane.doe@acme.example", true), ("raj@acme.example", true)],
        0,
    ),
    (
        "okta",
        include_str!("../dialects/okta/oin-patch.json"),
        &[("jane.doe@acme.example", true), ("raj@acme.example", true)],
        0,
    ),
    ("entra", include_str!("../dialects/entra/default.json"), &[("ann.boss@acme.example", true)], 0),
    ("entra", include_str!("../dialects/entra/flagged.json"), &[("ann.boss@acme.example", true)], 0),
    ("onelogin", include_str!("../dialects/onelogin/life.json"), &[("jane.doe@acme.example", false)], 0),
    (
        "jumpcloud",
        include_str!("../dialects/jumpcloud/life.json"),
        &[("jane.doe@acme.example", false), ("raj@acme.example", true)],
        1,
    ),
    ("ping", include_str!("../dialects/ping/life.json"), &[("jane.doe@acme.example", false)], 0),
    ("sailpoint", include_str!("../dialects/sailpoint/life.json"), &[("jane.doe@acme.example", false)], 0),
    ("authentik", include_str!("../dialects/authentik/life.json"), &[("jane", true)], 0),
];

#[tokio::test]
async fn every_life_cycle_is_served_and_reaches_the_file() {
    for (own, exchanges, left, groups) in LIVES {
        for dialect in [own, "auto"] {
            let mut relay = Relay::start(&format!("dialect = \"{dialect}\"")).await;
            let mut player = Player::default();
            for exchange in serde_json::from_str::<Vec<Exchange>>(exchanges).unwrap() {
                let request = player.request(&exchange);
                let headers: Vec<(&str, &str)> =
                    request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let response = relay.send(&request.method, &request.path, &headers, request.body.as_ref()).await;
                let answer = Answer { status: response.status, body: response.body };
                let outcome = player.check(&exchange, &answer);
                assert_eq!(outcome, Ok(()), "{own} in {dialect}: {}", exchange.name);
            }
            let file = relay.delivered().await;
            let mut found: Vec<(&str, bool)> = file["users"].as_array().unwrap().iter().map(summary).collect();
            found.sort_unstable();
            assert_eq!(found, left, "{own} in {dialect}");
            assert_eq!(file["groups"].as_array().map(Vec::len), Some(groups), "{own} in {dialect}");
        }
    }
}

fn summary(user: &Value) -> (&str, bool) {
    (user["userName"].as_str().unwrap(), user["active"].as_bool().unwrap())
}
