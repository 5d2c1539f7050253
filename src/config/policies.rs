//! Policies that a connector's downstream system cannot follow.

use scim_connector::Kind;
use serde_json::Value;

use super::{
    key::Key,
    problem::{Code, Problems},
    raw,
};
use crate::store::OnRemoval;

/// Reports `move` where the downstream system has no place for those who have left.
pub(super) fn check(kind: &Kind, raw: &raw::Connector, settings: &Value, key: &Key, problems: &mut Problems<'_>) {
    // Settings that cannot be read have been reported.
    if (kind.moves)(settings.clone()) != Some(false) {
        return;
    }
    for (policy, name) in [(raw.on_deactivate, "on-deactivate"), (raw.on_delete, "on-delete")] {
        if policy == OnRemoval::Move {
            problems.report(
                Code::Conflict,
                &key.then(name),
                format!("kind {} has no place to move an entry to", kind.name),
                "write \"disable\", \"delete\" or \"ignore\"",
            );
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::source::{Environment, Source};

    fn found(moves: Option<bool>) -> Vec<String> {
        let kind = Kind {
            name: "ledger",
            build: |_, _| Err(Vec::new()),
            system: |_, _| None,
            moves: match moves {
                None => |_| None,
                Some(true) => |_| Some(true),
                Some(false) => |_| Some(false),
            },
            schema: || schemars::schema_for!(()),
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        std::fs::write(&file, "").unwrap();
        let source = Source::open(&file, &Environment::default()).unwrap();
        let mut problems = Problems::new(&source);
        let raw =
            raw::Connector { on_deactivate: OnRemoval::Move, on_delete: OnRemoval::Move, ..raw::Connector::default() };
        check(&kind, &raw, &Value::Null, &Key::of(["connectors", "a"]), &mut problems);
        problems.into_vec().iter().map(|problem| format!("{} {}", problem.code.as_str(), problem.key)).collect()
    }

    #[test]
    fn moving_where_there_is_no_place_to_move_to_is_a_conflict() {
        assert_eq!(found(Some(false)), ["SR-C05 connectors.a.on-deactivate", "SR-C05 connectors.a.on-delete"]);
        assert!(found(Some(true)).is_empty());
        assert!(found(None).is_empty(), "settings that cannot be read are a problem of their own");
    }
}
