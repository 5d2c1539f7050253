//! What the command line understands, and what it shows.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{path::PathBuf, time::Duration};

use clap::{CommandFactory, Parser, error::ErrorKind};
use serde_json::json;

use super::{arguments::*, show, *};
use crate::{
    store::{ConnectorName, DeliveryId, LeaverSelection, QueueClass, QueueSelection, StagedSelection, TenantName},
    time::Timestamp,
};

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("scim-relay").chain(line.split_whitespace()))
}

fn command(line: &str) -> Command {
    match parse(line).unwrap().action {
        Action::Keys(keys) => keys.command(),
        Action::Reload(_) => Command::Reload,
        Action::Status(_) => Command::Status,
        Action::Connector(connector) => connector.command(),
        Action::Queue(queue) => queue.command(),
        Action::Leavers(leavers) => leavers.command(),
        Action::Brake(brake) => brake.command(),
        Action::Unknown(unknown) => unknown.command(),
        Action::Backup(backup) => backup.command(),
        Action::Store(_) => Command::StoreCheck,
        Action::Audit(_) => Command::AuditVerify,
        action @ (Action::Restore(_)
        | Action::Serve(_)
        | Action::Check(_)
        | Action::Verify(_)
        | Action::Demo { .. }) => {
            panic!("{action:?}")
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_teaches_by_example_and_documents_exit_codes() {
    let help = Cli::command().render_long_help().to_string();
    for expected in ["Examples:", "Exit codes:", "scim-relay demo", "keys create --tenant"] {
        assert!(help.contains(expected), "{help}");
    }
}

/// Every example in the help is a line that is understood.
#[test]
fn examples_in_the_help_are_understood() {
    let mut command = Cli::command();
    let mut texts = vec![command.render_long_help().to_string()];
    texts.extend(command.get_subcommands_mut().map(|command| command.render_long_help().to_string()));
    let examples = texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("    scim-relay "));
    let mut count = 0;
    for example in examples {
        let line = example.split(" > ").next().unwrap();
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn lines_become_commands() {
    let connector = || ConnectorName("ldap".into());
    let cases = [
        (
            "keys create --tenant acme --name okta --expires 30",
            Command::KeysCreate { tenant: TenantName("acme".into()), name: "okta".into(), expires_days: Some(30) },
        ),
        ("keys list", Command::KeysList { tenant: None }),
        ("keys revoke --tenant acme k1", Command::KeysRevoke { tenant: TenantName("acme".into()), key: "k1".into() }),
        ("status", Command::Status),
        ("connector pause ldap", Command::ConnectorPause { connector: connector() }),
        ("connector resume ldap", Command::ConnectorResume { connector: connector() }),
        ("connector reset ldap", Command::ConnectorReset { connector: connector() }),
        ("connector discard ldap", Command::ConnectorDiscard { connector: connector() }),
        ("reload", Command::Reload),
        ("connector check ldap", Command::ConnectorCheck { connector: connector() }),
        (
            "leavers list --tenant acme --connector ldap --limit 5",
            Command::LeaversList {
                selection: LeaverSelection {
                    tenant: Some(TenantName("acme".into())),
                    connector: Some(ConnectorName("ldap".into())),
                    resource: None,
                },
                limit: 5,
            },
        ),
        (
            "leavers close --connector ldap 01978c3e-5a00-7000-8000-000000000001",
            Command::LeaversClose {
                connector: ConnectorName("ldap".into()),
                resource: "01978c3e-5a00-7000-8000-000000000001".parse().unwrap(),
            },
        ),
        ("brake show --connector ldap", {
            let selection = StagedSelection { connector: Some(connector()), ..StagedSelection::default() };
            Command::BrakeShow { selection, limit: 100 }
        }),
        ("brake release --all", Command::BrakeRelease { selection: StagedSelection::default() }),
        ("brake discard --tenant acme 01978c3e-5a00-7000-8000-000000000001", {
            let resource = "01978c3e-5a00-7000-8000-000000000001".parse().ok();
            let tenant = Some(TenantName("acme".into()));
            Command::BrakeDiscard { selection: StagedSelection { tenant, connector: None, resource } }
        }),
        ("unknown list --tenant acme", Command::UnknownList { tenant: Some(TenantName("acme".into())), limit: 100 }),
        ("unknown show 7", Command::UnknownShow { id: 7 }),
        ("queue show 7", Command::QueueShow { id: DeliveryId(7) }),
        ("queue list", Command::QueueList { selection: QueueSelection::default(), limit: 100 }),
        ("queue retry --all", Command::QueueRetry { selection: QueueSelection::default() }),
        (
            "queue discard --connector ldap --class dead --older-than 2h",
            Command::QueueDiscard {
                selection: QueueSelection {
                    connector: Some(connector()),
                    id: None,
                    class: Some(QueueClass::Dead),
                    older_than: Some(Duration::from_secs(7_200)),
                },
            },
        ),
    ];
    for (line, expected) in cases {
        let command = command(line);
        assert_eq!(command, expected, "{line}");
        // As over the control socket.
        let text = serde_json::to_string(&command).unwrap();
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), expected, "{text}");
    }
}

#[test]
fn verify_takes_its_credential_from_a_file_or_a_variable_alone() {
    let parsed = |options: &str| parse(&format!("verify --as okta {options} https://scim.example/v2"));
    for options in ["", "--token-file f", "--token-env T", "--user u --password-file f", "--groups=false"] {
        assert!(parsed(options).is_ok(), "{options}");
    }
    for (options, kind) in [
        ("--token t", ErrorKind::UnknownArgument),
        ("--user u", ErrorKind::MissingRequiredArgument),
        ("--token-file f --token-env T", ErrorKind::ArgumentConflict),
        ("--token-env T --user u --password-file f", ErrorKind::ArgumentConflict),
        ("--timeout-seconds 0", ErrorKind::ValueValidation),
    ] {
        assert_eq!(parsed(options).unwrap_err().kind(), kind, "{options}");
    }
    assert_eq!(parse("verify --as okta user:secret@a").unwrap_err().kind(), ErrorKind::ValueValidation);
    assert_eq!(parse("verify --as other https://a.example").unwrap_err().kind(), ErrorKind::InvalidValue);
}

#[test]
fn nothing_is_discarded_by_a_line_that_names_nothing() {
    assert_eq!(parse("queue discard").unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    assert_eq!(parse("brake discard").unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    assert_eq!(parse("brake release --all --tenant a").unwrap_err().kind(), ErrorKind::ArgumentConflict);
    assert_eq!(parse("queue retry").unwrap_err().kind(), ErrorKind::MissingRequiredArgument);
    assert_eq!(parse("queue discard --all --class dead").unwrap_err().kind(), ErrorKind::ArgumentConflict);
    assert_eq!(parse("keys create --tenant acme --name a --expires 0").unwrap_err().kind(), ErrorKind::ValueValidation);
}

#[test]
fn times_are_a_number_and_a_unit() {
    let cases = [
        ("90s", Some(90)),
        ("30m", Some(1_800)),
        ("2h", Some(7_200)),
        ("7d", Some(604_800)),
        ("0s", Some(0)),
        ("", None),
        ("7", None),
        ("d", None),
        ("-1d", None),
        ("1.5h", None),
        ("7 d", None),
        ("99999999999999999999d", None),
        ("9999999999999999999d", None),
        ("7ä", None),
    ];
    for (text, seconds) in cases {
        assert_eq!(duration(text).ok(), seconds.map(Duration::from_secs), "{text:?}");
    }
}

#[test]
fn tables_line_up_and_carry_no_control_characters() {
    let entry = |id, error: Option<&str>| crate::store::QueueEntry {
        id: DeliveryId(id),
        connector: ConnectorName("ldap".into()),
        resource: "0197".into(),
        kind: "User".into(),
        version: 3,
        removal: false,
        class: QueueClass::Dead,
        attempts: 1,
        queued: Timestamp(0),
        not_before: None,
        waits_for: None,
        leaver_since: (id == 7).then_some(Timestamp(60_000)),
        error_class: None,
        error: error.map(ToOwned::to_owned),
        request_id: "r".into(),
    };
    let text = show::deliveries(&[entry(7, Some("no \u{1b}[31msuch object")), entry(1_234_567, None)]);
    assert_eq!(
        text,
        "ID       CONNECTOR  RESOURCE   OWED       CLASS  ATTEMPTS  QUEUED             LEFT               REASON\n\
         7        ldap       User 0197  version 3  dead   1         1970-01-01T00:00Z  1970-01-01T00:01Z  no  [31msuch object\n\
         1234567  ldap       User 0197  version 3  dead   1         1970-01-01T00:00Z  -\n"
    );
}

#[test]
fn leavers_and_failing_connectors_are_tables() {
    let leaver = |removal: &str, delivery: Option<u64>, error: Option<&str>| {
        serde_json::from_value(json!({
            "since": 60_000, "tenant": "acme", "connector": "ldap", "resource": "01978c3e-5a00-7000-8000-000000000001",
            "removal": removal, "delivery": delivery, "waits_for": null, "error": error,
        }))
        .unwrap()
    };
    assert_eq!(
        show::leavers(&[leaver("dead", Some(7), Some("protected")), leaver("discarded", None, None)]),
        "LEFT               TENANT  USER                                  CONNECTOR  REMOVAL    DELIVERY  REASON\n\
         1970-01-01T00:01Z  acme    01978c3e-5a00-7000-8000-000000000001  ldap       dead       7         protected\n\
         1970-01-01T00:01Z  acme    01978c3e-5a00-7000-8000-000000000001  ldap       discarded  -\n"
    );
    let report = |configured: bool, failing_until: Option<u64>| {
        serde_json::from_value(json!({
            "name": "ldap", "tenant": "acme", "configured": configured, "state": "active", "pending": 3, "dead": 0, "staged": 4,
            "staged_members": 1, "oldest": null, "confirmed": 9,
            "waiting_members": 0, "leavers": 2, "oldest_leaver": 0, "backfilling": false, "failing_until": failing_until,
        }))
        .unwrap()
    };
    assert_eq!(
        show::connectors(&[report(true, Some(65_000)), report(true, None), report(false, None)]),
        "CONNECTOR  TENANT  PENDING  DEAD  WITHHELD  CONFIRMED  WAITING MEMBERS  LEAVERS  OLDEST  STATE\n\
         ldap       acme    3        0     5         9          0                2        -       failing, next try 00:01:05Z\n\
         ldap       acme    3        0     5         9          0                2        -       active\n\
         ldap       acme    3        0     5         9          0                2        -       removed\n"
    );
}

#[test]
fn what_a_brake_withholds_is_two_tables() {
    let removal = |removal: &str, member: Option<&str>| {
        json!({
            "since": 60_000, "tenant": "acme", "connector": "ldap", "resource": "01978c3e-5a00-7000-8000-000000000001",
            "kind": "User", "removal": removal, "member": member, "brake": "tenant",
        })
    };
    let counts = |name: &str, staged: u64| json!({ "connector": name, "tenant": "acme", "staged": staged, "staged_members": staged });
    let mut answer = json!({
        "connectors": [counts("ldap", 1), counts("sql", 0)],
        "removals": [removal("out-of-scope", None), removal("member", Some("b7"))],
        "more": true,
    });
    assert_eq!(
        brake::shown(&mut answer),
        "CONNECTOR  TENANT  WITHHELD  WITHHELD MEMBERS\n\
         ldap       acme    1         1\n\n\
         SINCE              CONNECTOR  RESOURCE                                   REMOVAL       BRAKE OF  MEMBER\n\
         1970-01-01T00:01Z  ldap       User 01978c3e-5a00-7000-8000-000000000001  out-of-scope  tenant\n\
         1970-01-01T00:01Z  ldap       User 01978c3e-5a00-7000-8000-000000000001  member        tenant    b7\n\
         … and more; see --limit\n"
    );
}

#[test]
fn unknown_shapes_and_pending_references_are_tables() {
    let shape = json!({
        "id": 3, "count": 12, "first": 0, "last": 2_400_000, "tenant": "acme", "operation": "patch", "resource_type": "User",
        "dialect": "auto", "error": "invalidPath", "detail": "operations[0]: path tilte", "shape": {}, "request_id": "r",
        "credential": "k1",
    });
    assert_eq!(
        show::unknown_shapes(&[serde_json::from_value(shape).unwrap()]),
        "ID  TENANT  OPERATION   COUNT  FIRST              LAST               REASON\n\
         3   acme    patch User  12     1970-01-01T00:00Z  1970-01-01T00:40Z  invalidPath: operations[0]: path tilte\n"
    );
    let references = |count, oldest| {
        let references = json!([{ "tenant": "acme", "attribute": "manager", "count": count, "oldest": oldest }]);
        show::pending_references(&serde_json::from_value::<Vec<_>>(references).unwrap())
    };
    assert_eq!(references(0, None), "", "nothing where all is well");
    assert_eq!(
        references(7, Some(0)),
        "\nTENANT  PENDING REFERENCES  COUNT  OLDEST\nacme    manager             7      1970-01-01T00:00Z\n"
    );
}

#[test]
fn a_key_that_was_revoked_says_so() {
    let credential = json!({
        "id": "k1", "tenant": "acme", "name": "okta", "created": 0, "expires": null, "last_used": null, "revoked": 60_000
    });
    let text = show::keys(&[serde_json::from_value(credential).unwrap()]);
    assert!(text.ends_with("acme    k1  okta   1970-01-01T00:00Z  never      revoked 1970-01-01T00:01Z\n"), "{text}");
}

#[test]
fn a_bad_configuration_ends_with_its_own_exit_code() {
    let arguments = CheckArguments { config: ConfigArgument { config: PathBuf::from("/nowhere.toml") }, json: false };
    assert_eq!(check(&arguments), Exit::Configuration);
    assert_eq!(load(&arguments.config.config).map(|_| ()).unwrap_err(), Exit::Configuration);
}

/// A configuration with a data folder of its own.
fn config(folder: &Path) -> Config {
    let file = folder.join("relay.toml");
    let text = "[tenants.acme]\n[connectors.people]\nkind = 'json-file'\ntenant = 'acme'\nsettings.path = 'a.json'";
    std::fs::write(&file, text).unwrap();
    config::load(&file, &Environment::default()).unwrap()
}

#[tokio::test]
async fn without_a_relay_commands_work_on_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let created = execute::execute(&config, &command("keys create --tenant acme --name okta")).await.unwrap();
    assert!(created["key"].as_str().unwrap().len() > 40);
    let listed = execute::execute(&config, &command("keys list")).await.unwrap();
    assert_eq!(listed["keys"][0]["name"], "okta");
    let status = execute::execute(&config, &command("status")).await.unwrap();
    assert_eq!(status["running"], false);
    let unknown = execute::execute(&config, &command("unknown list")).await.unwrap();
    assert_eq!(unknown, json!({ "shapes": [] }));
    let shown = execute::execute(&config, &command("brake show --tenant acme")).await.unwrap();
    assert_eq!(shown["connectors"][0]["staged"], 0);
    assert_eq!(shown["removals"], json!([]));
    let released = execute::execute(&config, &command("brake release --connector people")).await.unwrap();
    assert_eq!(released, json!({ "released": 0 }));

    let failure = execute::execute(&config, &command("keys create --tenant acne --name okta")).await.unwrap_err();
    assert!(matches!(&failure, Failure::Refused(words) if words.contains("acme")), "{failure:?}");
    let failure = execute::execute(&config, &command("connector check people")).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
}

#[tokio::test]
async fn a_store_that_another_process_has_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    execute::execute(&config, &command("status")).await.unwrap();
    let lock = std::fs::File::open(config.data_dir.join("lock")).unwrap();
    lock.lock().unwrap();
    let failure = execute::execute(&config, &command("status")).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
}

#[tokio::test]
async fn a_running_relay_is_asked_over_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    std::fs::create_dir_all(&config.data_dir).unwrap();
    let answers: crate::admin::Execute = std::sync::Arc::new(|asked| {
        Box::pin(async move {
            match serde_json::from_value(asked).map_err(|error| error.to_string())? {
                Command::Status => Ok(json!({ "running": true })),
                other => Err(format!("not today: {other:?}")),
            }
        })
    });
    let stop = tokio_util::sync::CancellationToken::new();
    let control = crate::admin::Control::bind(&config.data_dir, answers).unwrap();
    let asking = async {
        assert_eq!(execute::execute(&config, &Command::Status).await.unwrap(), json!({ "running": true }));
        let failure = execute::execute(&config, &command("queue retry --all")).await.unwrap_err();
        assert!(matches!(&failure, Failure::Refused(words) if words.starts_with("not today")), "{failure:?}");
        stop.cancel();
    };
    tokio::join!(control.run(stop.clone()), asking);
}
