//! `scim-relay verify`: it finds nothing to complain of in the relay, and in a wrong server exactly what is wrong.

mod faults;
mod proxy;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use scim_relay::{
    client::{self, Client, Credential},
    verify::{self, As, Report, Verdict},
};
use tokio_util::sync::CancellationToken;

use self::{faults::Fault, proxy::Proxy};
use crate::relay::Relay;

fn client(base: &str, key: &str) -> Client {
    let credential = Credential::Bearer(key.to_owned().into());
    Client::new(base.parse().unwrap(), credential, client::trust(None).unwrap(), Duration::from_secs(30))
}

async fn report(base: &str, key: &str, who: As) -> Report {
    verify::run(client(base, key), who, true, CancellationToken::new()).await.unwrap()
}

/// The ids of the checks that ended so.
fn ids(report: &Report, verdict: Verdict) -> Vec<&'static str> {
    report.outcomes.iter().filter(|outcome| outcome.verdict == verdict).map(|outcome| outcome.id).collect()
}

async fn total(relay: &Relay, endpoint: &str) -> u64 {
    crate::bodies::total(&relay.get(endpoint).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_is_content_with_the_relay_and_leaves_nothing_behind() {
    let mut played = BTreeSet::new();
    for (who, dialects) in [
        (As::Okta, ["auto", "okta"].as_slice()),
        (As::OktaAiw, &["auto", "okta"]),
        (As::Entra, &["auto", "entra"]),
        (As::EntraFlagged, &["entra"]),
        (As::Rfc, &["rfc"]),
    ] {
        for dialect in dialects {
            let relay = Relay::start(&format!("dialect = \"{dialect}\"")).await;
            let report = report(&relay.base, &relay.key, who).await;
            assert!(report.is_good(), "{who:?} in {dialect}:\n{report}");
            assert_eq!(ids(&report, Verdict::Warn), [""; 0], "{who:?} in {dialect}:\n{report}");
            assert_eq!(report.left_behind, [""; 0]);
            assert!(report.count(Verdict::Pass) > 25, "{report}");
            assert_eq!((total(&relay, "/Users").await, total(&relay, "/Groups").await), (0, 0));
            played.extend(report.outcomes.iter().map(|outcome| outcome.id));
        }
    }
    // A check that nothing makes fail checks nothing.
    let met = faults::all().into_iter().flat_map(|fault| fault.fails.iter().copied());
    let excused = faults::UNMET.iter().map(|(id, _)| *id);
    let known: BTreeSet<_> = met.chain(excused).collect();
    assert_eq!(played.difference(&known).collect::<Vec<_>>(), [&""; 0], "checks that no fault makes fail");
    assert_eq!(known.difference(&played).collect::<Vec<_>>(), [&""; 0], "checks that are not played");
}

/// One behaviour of the relay made wrong, and the checks that find it. All are played, so that a check that complains
/// of everything is found too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_found_by_the_checks_that_are_about_it_and_no_others() {
    let mut wrong = Vec::new();
    for faults in faults::all().chunks(6) {
        let runs = faults.iter().map(|fault| tokio::spawn(play(fault)));
        for (fault, run) in faults.iter().zip(runs.collect::<Vec<_>>()) {
            let report = run.await.unwrap();
            let failed = ids(&report, Verdict::Fail);
            if failed != fault.fails {
                wrong.push(format!("{} ({:?}): {failed:?}, not {:?}", fault.name, fault.who, fault.fails));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

async fn play(fault: &'static Fault) -> Report {
    let relay = Arc::new(Relay::start(&format!("dialect = \"{}\"", fault.dialect)).await);
    let proxy = Proxy::start(&relay.base, fault).await;
    report(&proxy.base, &relay.key, fault.who).await
}

#[tokio::test]
async fn what_was_made_is_removed_after_a_stop_too() {
    let relay = Relay::start("").await;
    let stop = CancellationToken::new();
    let run = verify::run(client(&relay.base, &relay.key), As::Entra, true, stop.clone());
    tokio::pin!(run);
    let report = loop {
        tokio::select! {
            report = &mut run => break report.unwrap(),
            () = crate::harness::eventually(|| async { total(&relay, "/Users").await > 5 }), if !stop.is_cancelled() => {
                stop.cancel();
            }
        }
    };
    assert!(report.interrupted && !report.is_good(), "{report}");
    assert_eq!(report.left_behind, [""; 0]);
    assert_eq!((total(&relay, "/Users").await, total(&relay, "/Groups").await), (0, 0));
}

#[tokio::test]
async fn nothing_but_its_own_is_touched() {
    let relay = Relay::start("").await;
    let ann = crate::bodies::created(&relay, "/Users", &crate::bodies::ann()).await;
    crate::bodies::created(&relay, "/Users", &crate::bodies::user("bob@acme.example")).await;
    let group = crate::bodies::group("Engineering", &[crate::bodies::id(&ann)]);
    let group = crate::bodies::created(&relay, "/Groups", &group).await;
    let report = report(&relay.base, &relay.key, As::Entra).await;
    assert!(report.is_good(), "{report}");
    for (endpoint, before) in [("Users", ann), ("Groups", group)] {
        let after = relay.get(&format!("/{endpoint}/{}", crate::bodies::id(&before))).await;
        assert_eq!(after.body["meta"], before["meta"]);
    }
}

#[tokio::test]
async fn without_groups_no_group_is_made_and_their_checks_are_skipped() {
    let relay = Relay::start("").await;
    let report =
        verify::run(client(&relay.base, &relay.key), As::Entra, false, CancellationToken::new()).await.unwrap();
    assert!(report.is_good(), "{report}");
    let touched = report.outcomes.iter().flat_map(|outcome| &outcome.exchanges);
    assert!(touched.clone().count() > 50);
    assert!(touched.clone().all(|exchange| !exchange.path.starts_with("/Groups")));
    assert!(ids(&report, Verdict::Skipped).contains(&"group-create"));
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_asked_gives_no_report() {
    let relay = Relay::start("").await;
    let error = verify::run(client(&relay.base, "wrong"), As::Rfc, true, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, verify::Error::Credential { status: 401, .. }), "{error}");
    let nobody = "http://127.0.0.1:1/scim/v2";
    let error = verify::run(client(nobody, "key"), As::Rfc, true, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, verify::Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_report_says_what_came_what_is_right_and_what_the_client_does() {
    let fault = faults::all().into_iter().find(|fault| fault.name == "no match is 404").unwrap();
    let report = play(fault).await;
    let text = report.to_string();
    for expected in [
        "FAIL  match-none",
        "-> ".trim_end(),
        "status 404, not 200",
        "quarantine",
        "https://learn.microsoft.com/",
        " failed, ",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let json = report.json();
    let check = json["checks"].as_array().unwrap().iter().find(|check| check["id"] == "match-none").unwrap();
    assert_eq!(check["verdict"], "fail");
    assert_eq!(json["failed"], report.count(Verdict::Fail));
    assert!(check["exchanges"][0]["method"].is_string() && check["source"].is_string() && check["client"].is_string());
}
