//! The catalogue of client habits and the list of the RFC's often broken requirements: every row has a test that is named
//! by it, and code notes no habit that is not in the catalogue.

use crate::{File, rules::Problem};

/// Rows of one kind, numbered from 1: `OK-07` has a test `ok_07_…`.
struct Catalogue {
    /// How a test's name begins; in capitals, how a row's id does.
    prefix: &'static str,
    rows: usize,
    /// Where the tests are: this file, and the folder of its name.
    tests: &'static str,
}

const CATALOGUES: [Catalogue; 4] = [
    Catalogue { prefix: "ok", rows: 47, tests: "tests/it/quirks" },
    Catalogue { prefix: "en", rows: 72, tests: "tests/it/quirks" },
    Catalogue { prefix: "ot", rows: 26, tests: "tests/it/quirks" },
    Catalogue { prefix: "e3", rows: 76, tests: "tests/it/rfc" },
];

/// The beginnings of names that no test has.
pub(crate) fn missing(files: &[File]) -> Vec<String> {
    let mut missing = Vec::new();
    for catalogue in &CATALOGUES {
        let is_there =
            |path: &str| path.strip_prefix(catalogue.tests).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
        let names: Vec<&str> =
            files.iter().filter(|file| is_there(&file.path)).flat_map(|file| tests(&file.text)).collect();
        missing.extend(
            (1..=catalogue.rows)
                .map(|row| format!("{}_{row:02}_", catalogue.prefix))
                .filter(|start| !names.iter().any(|name| name.starts_with(start))),
        );
    }
    missing
}

/// The names of test functions: those with an attribute that ends in `test`, alone or with arguments, before them.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    text.lines().filter_map(move |line| {
        let line = line.trim_start();
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            return None;
        }
        let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split('(').next()?;
        std::mem::take(&mut is_test).then_some(name)
    })
}

/// Ids in the code that have no row.
pub(crate) fn check(path: &str, code: &[String]) -> Vec<Problem> {
    if !path.starts_with("src/") {
        return Vec::new();
    }
    let mut problems = Vec::new();
    for (line, text) in code.iter().enumerate() {
        for id in text.split('"').skip(1).step_by(2).filter(|id| is_like_an_id(id) && !is_id(id)) {
            let message = format!("{id} is not in the catalogue of client habits");
            problems.push(Problem { path: path.to_owned(), line: line + 1, message });
        }
    }
    problems
}

/// Whether a text begins as an id does, and goes on with a number.
fn is_like_an_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(kind, number)| {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number && CATALOGUES.iter().any(|catalogue| kind.eq_ignore_ascii_case(catalogue.prefix))
    })
}

fn is_id(text: &str) -> bool {
    CATALOGUES.iter().any(|catalogue| {
        (1..=catalogue.rows).any(|row| text == format!("{}-{row:02}", catalogue.prefix.to_uppercase()))
    })
}

#[test]
fn tests_are_known_by_their_attribute() {
    let text = "#[test]\nfn ok_01_a() {}\nfn ok_02_no_test() {}\n    #[tokio::test(start_paused = true)]\n    async fn \
                ok_03_c() {}\n#[derive(Debug)]\nstruct S;\nasync fn ok_04_no_test() {}\n";
    assert_eq!(tests(text).collect::<Vec<_>>(), ["ok_01_a", "ok_03_c"]);
    let file = |path: &str| File { path: path.to_owned(), text: text.to_owned() };
    assert_eq!(missing(&[file("tests/it/quirks/okta/users.rs")]).len(), 47 + 72 + 26 + 76 - 2);
    assert_eq!(missing(&[file("tests/it/scim.rs")]).len(), 47 + 72 + 26 + 76);
}
