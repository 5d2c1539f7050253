//! Configurations, good and bad.

#![expect(clippy::unwrap_used, reason = "tests")]

mod declared;
mod reference;

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;
use crate::dialect::Dialect;

/// A folder with a configuration in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.file(), text).unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("relay.toml")
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        load(&self.file(), &environment(variables))
    }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
    Folder::with(text).load(variables)
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

const GOOD: &str = r#"
[tenants.acme]
[connectors.people]
kind = "json-file"
tenant = "acme"
settings.path = "people.json"
"#;

#[test]
fn the_smallest_configuration_loads_with_defaults() {
    let folder = Folder::with(GOOD);
    let config = folder.load(&[]).unwrap();
    assert_eq!(config.data_dir, folder.0.path().join("data"));
    let [tenant] = config.tenants.as_slice() else { panic!("one tenant") };
    assert_eq!(tenant.scim.base_path, "/scim/v2");
    assert_eq!(tenant.scim.dialect.name, "auto");
    assert_eq!(tenant.store.connectors.len(), 1);
    let [connector] = config.connectors.as_slice() else { panic!("one connector") };
    assert_eq!(connector.mappings.len(), 2);
    assert_eq!(connector.policy.on_delete, store::OnRemoval::Disable);
    assert!(connector.build().is_ok());
}

#[test]
fn an_unknown_dialect_is_answered_with_those_that_there_are() {
    let with =
        |name: &str| load_text(&GOOD.replace("[tenants.acme]", &format!("[tenants.acme]\ndialect = '{name}'")), &[]);
    let problems = with("klingon").map(|_| ()).unwrap_err();
    for dialect in Dialect::all() {
        assert!(problems[0].remedy.contains(dialect.name), "{}", problems[0].remedy);
        assert_eq!(with(dialect.name).unwrap().tenants[0].scim.dialect.name, dialect.name);
    }
}

#[test]
fn groups_that_are_off_are_no_resource_type() {
    let config = load_text(&format!("{GOOD}\n[tenants.acme.provisioning]\ngroups = false"), &[]).unwrap();
    let kinds: Vec<_> = config.tenants[0].scim.types.iter().map(|known| known.kind.to_string()).collect();
    assert_eq!(kinds, ["User"]);
}

/// What it is about, the file, and the problems expected.
type Case<'a> = (&'a str, &'a str, &'a [(Code, &'a str)]);

#[test]
fn every_problem_is_found_at_once() {
    use Code::{Conflict, Missing, Reference, UnknownKey, Unreadable, Unsafe, WrongValue};
    let cases: &[Case<'_>] = &[
        ("nothing at all", "", &[(Missing, "tenants")]),
        ("no TOML", "[tenants", &[(Unreadable, "")]),
        (
            "misspelt keys and wrong types, everywhere",
            r#"
            datadir = "x"
            [log]
            level = 3
            format = "xml"
            colour = true
            [admin]
            listen = "here"
            [delivery]
            attempts-max = -1
            [tenants.acme]
            basepath = "/scim"
            unique-id = "mail"
            [tenants.acme.provisioning]
            create = "no"
            delete = true
            [connectors.people]
            kind = "json-file"
            tenant = "acme"
            backfill = 1
            on-delete = "purge"
            settings.path = "people.json"
            "#,
            &[
                (WrongValue, "admin.listen"),
                (WrongValue, "connectors.people.backfill"),
                (WrongValue, "connectors.people.on-delete"),
                (UnknownKey, "datadir"),
                (WrongValue, "delivery.attempts-max"),
                (UnknownKey, "log.colour"),
                (WrongValue, "log.format"),
                (WrongValue, "log.level"),
                (UnknownKey, "tenants.acme.basepath"),
                (WrongValue, "tenants.acme.provisioning.create"),
                (UnknownKey, "tenants.acme.provisioning.delete"),
                (WrongValue, "tenants.acme.unique-id"),
            ],
        ),
        (
            "sections that are no tables",
            "log = 3\ntenants = 4\nconnectors = []",
            &[(WrongValue, "connectors"), (WrongValue, "log"), (WrongValue, "tenants")],
        ),
        (
            "a delivery that never ends",
            "[tenants.acme]\n[delivery]\nattempts-max = 0\ndelay-ms-min = 5000\ndelay-seconds-max = 1",
            &[(WrongValue, "delivery.attempts-max"), (Conflict, "delivery.delay-ms-min")],
        ),
        (
            "names, paths and dialects of tenants",
            r#"
            [tenants.Acme]
            base-path = "/a"
            [tenants.b]
            base-path = "b/"
            [tenants.c]
            base-path = "/c/../d"
            [tenants.e]
            base-path = "/e"
            dialect = "klingon"
            [tenants.f]
            base-path = "/e/f"
            [tenants.g]
            base-path = "/e/f"
            [tenants.h]
            base-path = "/ef"
            "#,
            &[
                (WrongValue, "tenants.Acme"),
                (WrongValue, "tenants.b.base-path"),
                (WrongValue, "tenants.c.base-path"),
                (WrongValue, "tenants.e.dialect"),
                (Conflict, "tenants.f.base-path"),
                (Conflict, "tenants.g.base-path"),
            ],
        ),
        (
            "connectors of nothing",
            r#"
            [tenants.acme]
            [connectors.a]
            [connectors.b]
            kind = "abacus"
            tenant = "nobody"
            resources = []
            [connectors.c_d]
            kind = "json-file"
            tenant = "acme"
            resources = ["User", "Device"]
            passwords = true
            [connectors.e]
            kind = "json-file"
            tenant = "acme"
            settings.path = "e.json"
            settings.colour = "blue"
            settings.linger-ms = "soon"
            [connectors.f]
            kind = "json-file"
            tenant = "acme"
            settings.path = "./e.json"
            "#,
            &[
                (Missing, "connectors.a.kind"),
                (Missing, "connectors.a.tenant"),
                (WrongValue, "connectors.b.kind"),
                (WrongValue, "connectors.b.resources"),
                (WrongValue, "connectors.b.tenant"),
                (WrongValue, "connectors.c_d"),
                (UnknownKey, "connectors.e.settings.colour"),
                (WrongValue, "connectors.e.settings.linger-ms"),
                (Conflict, "connectors.f.settings.path"),
            ],
        ),
        (
            "a connector without the settings it needs",
            "[tenants.acme]\n[connectors.a]\nkind = 'json-file'\ntenant = 'acme'",
            &[(Missing, "connectors.a.settings.path")],
        ),
        (
            "a connector of a tenant that could not be read is not blamed for it",
            "tenants.acme = 3\n[connectors.a]\nkind = 'json-file'\ntenant = 'acme'\nsettings.path = 'a.json'",
            &[(WrongValue, "tenants.acme")],
        ),
        (
            "a mapping of what the connector does not get",
            "[tenants.acme]\n[connectors.a]\nkind = 'json-file'\ntenant = 'acme'\nresources = ['User']\n\
             settings.path = 'a.json'\n[connectors.a.mapping.group]",
            &[(Conflict, "connectors.a.mapping.group")],
        ),
        (
            "mappings that cannot be",
            r#"
            [tenants.acme]
            [connectors.a]
            kind = "json-file"
            tenant = "acme"
            settings.path = "a.json"
            [connectors.a.mapping.user]
            mail = "emails[type eq"
            login = { pth = "userName" }
            "full.name" = "nickNames"
            [connectors.a.mapping.device]
            "#,
            &[
                (UnknownKey, "connectors.a.mapping.device"),
                (WrongValue, "connectors.a.mapping.user.\"full.name\""),
                (UnknownKey, "connectors.a.mapping.user.login.pth"),
                (WrongValue, "connectors.a.mapping.user.mail"),
            ],
        ),
        (
            "plain HTTP for all the world",
            "[tenants.acme]\n[server]\nlisten = ['0.0.0.0:8080']",
            &[(WrongValue, "server.listen")],
        ),
        (
            "certificates that are not there",
            "[tenants.acme]\n[server]\nlisten = ['0.0.0.0:8080']\ntls.certificate-file = 'a.pem'\ntls.key-file = 'relay.toml'",
            &[(Reference, "server.tls.certificate-file"), (Reference, "server.tls.key-file")],
        ),
        (
            "passwords without a secret to seal them",
            "[tenants.acme.provisioning]\npasswords = true",
            &[(Missing, "tenants.acme.provisioning.passwords")],
        ),
        (
            "two secrets",
            "secret-key-file = 'a'\nsecret-key-env = 'B'\n[tenants.acme.provisioning]\npasswords = true",
            &[(Conflict, "secret-key-env")],
        ),
        ("a secret that is not there", "secret-key-file = 'a'\n[tenants.acme]", &[(Reference, "secret-key-file")]),
        ("a secret that is too short", "secret-key-env = 'SHORT'\n[tenants.acme]", &[(Unsafe, "secret-key-env")]),
        ("a secret in the file", "secret-key = 'hunter2hunter2'\n[tenants.acme]", &[(Unsafe, "secret-key")]),
        ("a data folder that is a file", "data-dir = 'relay.toml'\n[tenants.acme]", &[(Reference, "data-dir")]),
        ("a data folder below a file", "data-dir = 'relay.toml/data'\n[tenants.acme]", &[(Reference, "data-dir")]),
        ("a level that is none", "log.level = 'info,a=loud'\n[tenants.acme]", &[(WrongValue, "log.level")]),
    ];
    for (name, text, expected) in cases {
        let problems = load_text(text, &[("SHORT", "short")]).map(|_| ()).unwrap_err();
        let found: Vec<_> = problems.iter().map(|problem| (problem.code, problem.key.as_str())).collect();
        assert_eq!(found, *expected, "{name}: {problems:#?}");
        for problem in &problems {
            assert!(!problem.message.is_empty() && !problem.remedy.is_empty(), "{name}: {problem:?}");
        }
    }
}

#[test]
fn a_certificate_goes_with_its_key() {
    let folder = Folder::with(
        "[tenants.acme]\n[server]\nlisten = ['0.0.0.0:8443']\ntls.certificate-file = 'a.pem'\ntls.key-file = 'a.key'",
    );
    let make = || rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (pair, other) = (make(), make());
    fs::write(folder.0.path().join("a.pem"), pair.cert.pem()).unwrap();
    fs::write(folder.0.path().join("a.key"), pair.signing_key.serialize_pem()).unwrap();
    let tls = folder.load(&[]).unwrap().server.tls.unwrap();
    assert_eq!(tls.key_file, folder.0.path().join("a.key"));

    fs::write(folder.0.path().join("a.key"), other.signing_key.serialize_pem()).unwrap();
    let problems = folder.load(&[]).map(|_| ()).unwrap_err();
    let found: Vec<_> = problems.iter().map(|problem| (problem.code, problem.key.as_str())).collect();
    assert_eq!(found, [(Code::Conflict, "server.tls")]);
}

#[test]
fn a_file_that_is_not_there_is_a_problem() {
    let problems = load(Path::new("/nowhere/relay.toml"), &Environment::default()).map(|_| ()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].code, problems[0].source.as_str()), (Code::Unreadable, "/nowhere/relay.toml"));
}

#[test]
fn problems_never_show_the_value() {
    let cases = [
        "secret-key = 'S3CRET'",
        "secret-key-env = 'S3CRET'",
        "secret-key-file = 'S3CRET'",
        "secret-key-file = ['S3CRET']",
        "data-dir = 7\nlog.level = 'S3CRET!='",
        "log.format = 'S3CRET'",
        "admin.listen = 'S3CRET'",
        "delivery.attempts-max = 'S3CRET'",
        "delivery.attempts-max = 'S3CRET, expected S3CRET'",
        "tenants.acme.unique-id = 'S3CRET'",
        "tenants.acme.token = 'S3CRET'",
        "tenants.acme.dialect = 'S3CRET'",
        "tenants.acme.base-path = 'S3CRET'",
        "connectors.a.kind = 'S3CRET'\nconnectors.a.tenant = 'S3CRET'",
        "connectors.a.resources = ['S3CRET']",
        "connectors.a = { kind = 'json-file', tenant = 'acme', settings = { mode = 'S3CRET' } }",
        "connectors.a = { kind = 'json-file', tenant = 'acme', settings = { path = 'a', permissions = 'S3CRET' } }",
        "connectors.a = { kind = 'json-file', tenant = 'acme', settings = { path = 'a', password = 'S3CRET' } }",
        "secret-key = S3CRET",
        "secret-key = 'S3CRET",
    ];
    for case in cases {
        let problems = load_text(case, &[]).map(|_| ()).unwrap_err();
        let shown = problems.iter().map(ToString::to_string).collect::<String>();
        assert!(!shown.contains("S3CRET"), "{case}: {shown}");
        assert!(!format!("{problems:?}").contains("S3CRET"), "{case}");
    }
    let problems = load_text(GOOD, &[("SCIM_RELAY__SECRET_KEY", "S3CRET")]).map(|_| ()).unwrap_err();
    assert_eq!(problems[0].source, "$SCIM_RELAY__SECRET_KEY");
    assert!(!problems[0].to_string().contains("S3CRET"));
}

#[test]
fn variables_override_the_file_and_take_the_type_that_is_wanted() {
    let variables = [
        ("SCIM_RELAY__DELIVERY__ATTEMPTS_MAX", "7"),
        ("SCIM_RELAY__DATA_DIR", "0123"),
        ("SCIM_RELAY__TENANTS__ACME__PROVISIONING__IMPORT", "false"),
        ("SCIM_RELAY__CONNECTORS__PEOPLE__RESOURCES", "[\"User\"]"),
        ("SCIM_RELAY__ADMIN__LISTEN", "127.0.0.1:9999"),
        ("OTHER__DELIVERY__ATTEMPTS_MAX", "8"),
    ];
    let folder = Folder::with(GOOD);
    let config = folder.load(&variables).unwrap();
    assert_eq!(config.delivery.attempts_max, 7);
    assert_eq!(config.data_dir, folder.0.path().join("0123"));
    assert!(!config.tenants[0].scim.switches.import);
    assert_eq!(config.tenants[0].store.connectors[0].kinds, [ResourceKind::new("User")]);
    assert_eq!(config.admin.listen.port(), 9999);
}

#[test]
fn a_problem_names_the_variable_that_made_it() {
    let variables = [("SCIM_RELAY__DELIVERY__ATTEMPTS_MAX", "many"), ("SCIM_RELAY__LOG__COLOUR", "true")];
    let folder = Folder::with(GOOD);
    let problems = folder.load(&variables).map(|_| ()).unwrap_err();
    let sources: Vec<_> = problems.iter().map(|problem| (problem.key.as_str(), problem.source.as_str())).collect();
    assert_eq!(
        sources,
        [("delivery.attempts-max", "$SCIM_RELAY__DELIVERY__ATTEMPTS_MAX"), ("log.colour", "$SCIM_RELAY__LOG__COLOUR")]
    );
}

#[test]
fn a_secret_is_taken_as_it_is_but_for_one_newline() {
    let key = "0123456789012345678901234567890123";
    let folder = Folder::with("secret-key-file = 'key'\n[tenants.acme.provisioning]\npasswords = true");
    for (written, read) in [
        (key.to_owned(), key.to_owned()),
        (format!("{key}\n"), key.to_owned()),
        (format!(" {key}\n\n"), format!(" {key}\n")),
    ] {
        fs::write(folder.0.path().join("key"), written).unwrap();
        assert_eq!(folder.load(&[]).unwrap().secret_key.unwrap().expose(), read.as_bytes());
    }
    let config = load_text("secret-key-env = 'KEY'\n[tenants.acme]", &[("KEY", key)]).unwrap();
    assert!(!format!("{config:?}").contains(key));
    assert_eq!(config.secret_key.unwrap().expose(), key.as_bytes());
}

#[test]
fn every_code_is_explained() {
    let page = fs::read_to_string(repository("docs/errors/configuration.md")).unwrap();
    for code in [
        Code::Unreadable,
        Code::UnknownKey,
        Code::WrongValue,
        Code::Missing,
        Code::Conflict,
        Code::Reference,
        Code::Unsafe,
    ] {
        assert!(page.contains(&format!("\n## {}", code.as_str())), "{code:?}");
        assert_eq!(serde_json::json!(code), code.as_str());
    }
}
