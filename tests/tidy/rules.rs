//! The rules on file names, whole files and single lines of code.

use std::fmt;

use crate::File;

/// Where a rule is broken.
pub(crate) struct Problem {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A rule on one line of production code.
pub(crate) struct LineRule {
    /// Whether it holds for the file of that path.
    pub(crate) applies: fn(&str) -> bool,
    /// Whether the line breaks it.
    pub(crate) breaks: fn(&str) -> bool,
    pub(crate) message: &'static str,
}

/// Rules on a file as a whole.
pub(crate) const FILES: &[fn(&File) -> Option<Problem>] = &[too_long, badly_named, names_the_workplace];

/// Rules on single lines.
pub(crate) const LINES: &[LineRule] = &[
    LineRule {
        applies: |path| in_module(path, &["scim", "dialect", "mapping"]),
        breaks: |line| {
            contains_word(line, "async")
                || contains_word(line, "await")
                || any(line, &["tokio::", "std::fs", "std::net", "std::process", "std::io", "std::env", "std::thread"])
        },
        message: "scim, dialect and mapping are pure: nothing in them is async or does I/O",
    },
    LineRule {
        applies: |path| {
            path.starts_with("src/")
                && !in_module(path, &["http", "admin", "metrics", "verify"])
                && path != "src/scim/error.rs"
        },
        breaks: |line| contains_word(line, "StatusCode") || status_literal(line),
        message: "only scim::error and http know status codes, and verify, which looks at those of others",
    },
    LineRule {
        applies: |path| path.starts_with("src/") && !in_module(path, &["dialect", "cli", "demo", "verify"]),
        breaks: |line| {
            let line = line.to_ascii_lowercase();
            ["okta", "entra", "onelogin", "jumpcloud", "sailpoint", "authentik", "azure"]
                .iter()
                .any(|name| contains_word(&line, name))
        },
        message: "only dialect names an identity provider, and what the command line shows a person",
    },
    LineRule {
        applies: |path| path.starts_with("src/") && path != "src/time.rs",
        breaks: |line| any(line, &["SystemTime::now", "Timestamp::now", "Zoned::now", "thread::sleep"]),
        message: "only time reads the clock; deadlines are tokio's, which tests can move",
    },
    LineRule {
        applies: |path| path.starts_with("src/") || path.starts_with("connectors/"),
        breaks: |line| line.contains("[allow("),
        message: "an exception to a lint is #[expect(lint, reason = \"…\")]",
    },
    LineRule {
        applies: |path| path.starts_with("src/") || path.starts_with("connectors/"),
        breaks: |line| any(line, &["unbounded_channel", "mpsc::channel()"]),
        message: "every queue has a bound",
    },
];

/// Files that may be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

const LINES_MAX: usize = 500;

fn too_long(file: &File) -> Option<Problem> {
    let lines = file.text.lines().count();
    let excused = LONG_FILES.iter().any(|(path, _)| *path == file.path);
    (file.path.ends_with(".rs") && lines > LINES_MAX && !excused).then(|| Problem {
        path: file.path.clone(),
        line: lines,
        message: format!("{lines} lines; past {LINES_MAX} a file is two files"),
    })
}

fn badly_named(file: &File) -> Option<Problem> {
    if !file.path.ends_with(".rs") {
        return None;
    }
    let problem = |message: String| Some(Problem { path: file.path.clone(), line: 1, message });
    for part in file.path.trim_end_matches(".rs").split('/') {
        match part {
            "mod" => return problem("foo.rs and foo/, not mod.rs".to_owned()),
            "utils" | "util" | "common" | "helpers" | "helper" | "types" | "misc" => {
                return problem(format!("{part} names no subject"));
            }
            _ => {}
        }
    }
    None
}

/// The repository speaks of the product alone.
fn names_the_workplace(file: &File) -> Option<Problem> {
    // Put together here, so that this file does not break its own rule.
    let workplace = [["/work", "/"].concat(), ["/home", "/"].concat(), ["Co-Authored", "-By"].concat()];
    file.text.lines().enumerate().find(|(_, line)| workplace.iter().any(|name| line.contains(name))).map(|(line, _)| {
        Problem {
            path: file.path.clone(),
            line: line + 1,
            message: "names this machine or a tool of the workplace".to_owned(),
        }
    })
}

/// Whether the path is `src/MODULE.rs` or below `src/MODULE/`.
fn in_module(path: &str, modules: &[&str]) -> bool {
    path.strip_prefix("src/").is_some_and(|inner| {
        let module = inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs");
        modules.contains(&module)
    })
}

fn any(line: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| line.contains(part))
}

fn contains_word(line: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word)
        .any(|(start, _)| !line[..start].ends_with(is_part) && !line[start + word.len()..].starts_with(is_part))
}

/// A number that is an HTTP status, where a status is spoken of.
fn status_literal(line: &str) -> bool {
    let speaks = line.to_ascii_lowercase().contains("status");
    speaks
        && [
            "200", "201", "204", "304", "400", "401", "403", "404", "405", "409", "412", "413", "415", "429", "500",
            "501", "503",
        ]
        .iter()
        .any(|status| contains_word(line, status))
}
