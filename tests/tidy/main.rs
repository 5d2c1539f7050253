//! Facts about the repository that no compiler checks: which row of the architecture imports which, where async code,
//! clocks, status codes and names of identity providers may stand, how long files are and what they are called.
//!
//! Rules read a file's code without comments and without its `#[cfg(test)]` modules, so prose is free to name anything.
#![expect(
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise; it cuts lines where it found ASCII"
)]

mod catalogue;
mod code;
mod crash_points;
mod layers;
mod rules;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rules::{FILES, LINES, Problem};

/// A file of the repository.
pub(crate) struct File {
    /// Its path from the root.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files(root);
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the sources are read");
    let problems: Vec<String> = files.iter().flat_map(check).map(|problem| problem.to_string()).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_row_of_a_catalogue_has_a_test() {
    let files = files(Path::new(env!("CARGO_MANIFEST_DIR")));
    let missing = catalogue::missing(&files);
    assert!(missing.is_empty(), "{} rows without a test:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn every_marked_point_is_crashed_at() {
    let files = files(Path::new(env!("CARGO_MANIFEST_DIR")));
    let unmatched = crash_points::unmatched(&files);
    assert!(unmatched.is_empty(), "marked in the code or listed in tests/crash, not both: {unmatched:?}");
}

/// Every rule on one file.
fn check(file: &File) -> Vec<Problem> {
    let mut problems: Vec<Problem> = FILES.iter().filter_map(|rule| rule(file)).collect();
    if file.path.ends_with(".rs") && !is_test(&file.path) {
        let code = code::production(&file.text);
        problems.extend(layers::check(&file.path, &code));
        problems.extend(catalogue::check(&file.path, &code));
        for (line, text) in code.iter().enumerate() {
            problems.extend(
                LINES.iter().filter(|rule| (rule.applies)(&file.path) && (rule.breaks)(text)).map(|rule| Problem {
                    path: file.path.clone(),
                    line: line + 1,
                    message: rule.message.to_owned(),
                }),
            );
        }
    }
    problems
}

/// Whether the whole file is a test module of a crate: what it checks may be anything.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || (path.contains("src/") && path.contains("/tests/"))
}

/// The text files that belong to the repository: tracked, or new and not ignored.
fn files(root: &Path) -> Vec<File> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let paths: Vec<PathBuf> = match output {
        Some(output) => String::from_utf8(output.stdout).unwrap().split_terminator('\0').map(PathBuf::from).collect(),
        // A source archive has no git: then all that is there belongs to it.
        None => walk(root),
    };
    paths
        .into_iter()
        .filter_map(|path| {
            let text = fs::read_to_string(root.join(&path)).ok()?;
            Some(File { path: path.to_str().unwrap().to_owned(), text })
        })
        .collect()
}

fn walk(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if !matches!(path.to_str(), Some("target" | ".git" | "fuzz/target")) {
                    folders.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Each rule on a snippet that breaks it, and on one that does not.
#[test]
fn each_rule_finds_what_breaks_it() {
    let table = [
        ("src/scim/patch.rs", "use crate::store::Store;", Some("row 1")),
        ("src/store.rs", "use crate::{\n    scim::{self, Query},\n    provider::Tenant,\n};", Some("row 3")),
        ("src/store.rs", "use crate::{scim::{self, Query}, time::Timestamp};", None),
        ("src/provider.rs", "use crate::dispatch::Dispatcher;", Some("row 4")),
        ("src/operator.rs", "use crate::credentials::Keys;", None),
        ("src/provider/read.rs", "use crate::provider::Caller;", None),
        ("src/http/route.rs", "fn f() { crate::app::run(); }", Some("row 5")),
        ("src/novelty.rs", "fn f() {}", Some("no row")),
        ("connectors/json-file/src/lib.rs", "use scim_relay::store::Store;", Some("the relay")),
        ("connectors/json-file/src/lib.rs", "use scim_connector_ldap::Settings;", Some("another connector")),
        ("src/scim/filter.rs", "pub async fn parse() {}", Some("pure")),
        ("src/mapping.rs", "let text = std::fs::read_to_string(path);", Some("pure")),
        ("src/dialect/entra.rs", "// async would be wrong here", None),
        ("src/provider.rs", "return StatusCode::CONFLICT;", Some("status codes")),
        ("src/store/write.rs", "let status = 409;", Some("status codes")),
        ("src/http/answer.rs", "StatusCode::CREATED", None),
        ("src/store.rs", "if tenant.dialect == \"entra\" {}", Some("identity provider")),
        ("src/store.rs", "// Entra sends \"Add\".", None),
        ("src/dialect/entra.rs", "name: \"entra\",", None),
        ("src/store.rs", "let now = SystemTime::now();", Some("clock")),
        ("src/http.rs", "let at = jiff::Timestamp::now();", Some("clock")),
        ("src/http.rs", "let at = tokio::time::Instant::now();", None),
        ("src/store/tests.rs", "let now = SystemTime::now();", None),
        ("src/cli/arguments.rs", "const EXAMPLE: &str = \"keys create --name okta\";", None),
        ("src/time.rs", "jiff::Timestamp::now()", None),
        ("src/dialect/tolerant.rs", "quirks.met(\"OK-47\");", None),
        ("src/dialect/tolerant.rs", "quirks.met(\"OK-48\");", Some("catalogue")),
        ("src/dialect/tolerant.rs", "(\"roles\", \"display\", \"EN-3\")", Some("catalogue")),
        ("src/http/router.rs", "metrics.understood(tenant, &[\"OT-00\"], 0);", Some("catalogue")),
        ("src/provider.rs", "#[cfg(test)]\nmod tests {\n    fn f() { SystemTime::now(); }\n}", None),
        ("src/provider.rs", "#![allow(dead_code)]", Some("expect")),
        ("src/scim/mod.rs", "", Some("mod.rs")),
        ("src/store/utils.rs", "", Some("subject")),
        ("connectors/core/src/helpers/text.rs", "", Some("subject")),
        ("docs/dialects/okta.md", "see /work\u{2f}shared for more", Some("this machine")),
    ];
    for (path, text, expected) in table {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        let found: Vec<String> = check(&file).iter().map(ToString::to_string).collect();
        match expected {
            None => assert!(found.is_empty(), "{path}: {text}: {found:?}"),
            Some(part) => assert!(found.iter().any(|found| found.contains(part)), "{path}: {text}: {found:?}"),
        }
    }
}

#[test]
fn a_file_of_more_than_500_lines_is_found() {
    let file = |lines| File { path: "src/store.rs".to_owned(), text: "fn f() {}\n".repeat(lines) };
    assert!(check(&file(500)).is_empty());
    assert_eq!(check(&file(501)).len(), 1);
}
