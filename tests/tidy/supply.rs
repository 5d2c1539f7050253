//! Which dependencies there are and under which licences, by `deny.toml`, and that they come from crates.io. What
//! cargo-deny says of bans, licences and sources, without cargo-deny; advisories need its database.

use std::{collections::BTreeSet, env, path::Path, process::Command};

use figment::{
    Figment,
    providers::{Format, Toml},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    name: String,
}

/// A package in the build, as a line of `cargo tree` names it.
#[derive(Clone)]
struct Package {
    name: String,
    /// SPDX; empty where the package says nothing.
    license: String,
    /// Where it comes from, unless that is crates.io; a folder for our own.
    place: String,
}

#[test]
fn dependencies_are_allowed_by_deny_toml() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let deny: Deny = Figment::from(Toml::file_exact(root.join("deny.toml"))).extract().unwrap();
    // `cargo metadata` would also name optional dependencies that no feature turns on.
    let output = Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
        .args(["tree", "--locked", "--workspace", "--all-features", "--target=all", "--edges=all"])
        .args(["--prefix=none", "--format={p}\t{l}"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let packages: Vec<Package> = String::from_utf8(output.stdout).unwrap().lines().filter_map(package).collect();
    assert!(packages.len() > 50, "proves nothing: only {} packages", packages.len());
    let problems: BTreeSet<String> = packages.iter().filter_map(|package| problem(&deny, package)).collect();
    assert!(problems.is_empty(), "{}", problems.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Reads `name v1.2.3 (place)<tab>licence`.
fn package(line: &str) -> Option<Package> {
    let (package, license) = line.split_once('\t')?;
    let (name, rest) = package.split_once(' ')?;
    let place =
        rest.replace("(proc-macro)", "").split_once('(').map_or_else(String::new, |(_, place)| place.to_owned());
    let license = license.trim_end_matches("(*)").trim().to_owned();
    Some(Package { name: name.to_owned(), license, place: place.trim_end().trim_end_matches(')').to_owned() })
}

fn problem(deny: &Deny, package: &Package) -> Option<String> {
    let name = &package.name;
    if deny.bans.deny.iter().any(|ban| ban.name == *name) {
        return Some(format!("{name} is banned"));
    }
    if !package.place.is_empty() && !Path::new(&package.place).is_absolute() {
        return Some(format!("{name} comes from {}", package.place));
    }
    let license = &package.license;
    (!is_allowed(license, &deny.licenses.allow)).then(|| format!("{name} has the licence \"{license}\""))
}

/// Whether an SPDX expression can be satisfied by these licences: one alternative of which every part is allowed.
/// Alternatives in parentheses stand beside other parts, never deeper.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    // The old spelling of OR.
    let expression = expression.replace('/', " OR ");
    if let Some((group, rest)) = expression.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        let rest = rest.trim_start();
        return match (rest.strip_prefix("AND"), rest.strip_prefix("OR")) {
            (Some(rest), _) => is_allowed(group, allowed) && is_allowed(rest.trim_start(), allowed),
            (_, Some(rest)) => is_allowed(group, allowed) || is_allowed(rest.trim_start(), allowed),
            _ => is_allowed(group, allowed),
        };
    }
    if let Some((before, group)) = expression.split_once(" AND (") {
        return is_allowed(before, allowed) && is_allowed(&format!("({group}"), allowed);
    }
    expression
        .split(" OR ")
        .any(|alternative| alternative.split(" AND ").all(|part| allowed.iter().any(|allowed| allowed == part.trim())))
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned);
    let table = [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only AND MIT", false),
        ("(MIT OR GPL-2.0-only) AND Unicode-3.0", true),
        ("(ISC OR GPL-2.0-only) AND Unicode-3.0", false),
        ("MIT AND (ISC OR Apache-2.0)", true),
        ("", false),
    ];
    for (expression, expected) in table {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn a_banned_name_a_foreign_source_and_a_strange_licence_are_found() {
    let deny = Deny {
        licenses: Licenses { allow: vec!["MIT".to_owned()] },
        bans: Bans { deny: vec![Ban { name: "openssl".to_owned() }] },
    };
    let table = [
        ("serde v1.0.0\tMIT", None),
        ("serde_derive v1.0.0 (proc-macro)\tMIT (*)", None),
        ("scim-relay v0.1.0 (/src/scim-relay)\tMIT", None),
        ("openssl v0.10.0\tMIT", Some("banned")),
        ("serde v1.0.0 (https://git.example.org/serde#1234)\tMIT", Some("comes from https://git.example.org")),
        ("serde v1.0.0 (registry `other`)\tMIT", Some("comes from registry `other`")),
        ("serde v1.0.0\tGPL-3.0-only", Some("licence \"GPL-3.0-only\"")),
        ("serde v1.0.0\t", Some("licence \"\"")),
    ];
    for (line, expected) in table {
        let found = problem(&deny, &package(line).unwrap());
        match expected {
            None => assert_eq!(found, None, "{line}"),
            Some(part) => assert!(found.as_ref().is_some_and(|found| found.contains(part)), "{line}: {found:?}"),
        }
    }
}
