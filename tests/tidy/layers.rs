//! The rows of the architecture: a module imports only modules of lower rows, and itself.

use crate::rules::Problem;

/// Each module of `src/` and its row, as ARCHITECTURE.md draws them.
const ROWS: &[(&str, u8)] = &[
    ("time", 0),
    ("metrics", 0),
    ("client", 1),
    ("scim", 1),
    ("dialect", 2),
    ("mapping", 2),
    ("store", 3),
    ("provider", 4),
    ("dispatch", 4),
    ("credentials", 4),
    ("operator", 4),
    ("retention", 4),
    ("http", 5),
    ("admin", 5),
    ("connectors", 6),
    ("config", 6),
    ("reload", 7),
    ("app", 7),
    ("demo", 8),
    ("verify", 8),
    ("cli", 8),
    ("main", 8),
];

/// Imports within a row, each with its reason.
const WITHIN_A_ROW: &[(&str, &str, &str)] = &[
    ("operator", "credentials", "an operator's commands make and revoke keys"),
    ("config", "connectors", "configuration is checked against the kinds compiled in"),
    ("dispatch", "operator", "pausing and resuming a connector is what an operator asks of its dispatcher"),
    ("app", "reload", "a relay that runs can be given another configuration"),
    ("cli", "demo", "the demonstration is a command"),
    ("cli", "verify", "checking an endpoint is a command"),
    ("main", "cli", "the binary does what the command line asks"),
];

/// Where the file imports what its row may not.
pub(crate) fn check(path: &str, code: &[String]) -> Vec<Problem> {
    if let Some(connector) = path.strip_prefix("connectors/").and_then(|rest| rest.split('/').next()) {
        return connector_problems(path, connector, code);
    }
    let Some(module) = module(path) else { return Vec::new() };
    let Some(row) = row(module) else {
        let message = format!("module {module} has no row in tests/tidy/layers.rs and ARCHITECTURE.md");
        return vec![Problem { path: path.to_owned(), line: 1, message }];
    };
    imports(code)
        .into_iter()
        .filter(|(_, imported)| !may_import(module, row, imported))
        .map(|(line, imported)| Problem {
            path: path.to_owned(),
            line,
            message: match self::row(&imported) {
                Some(other) => format!("{module} (row {row}) imports {imported} (row {other}); only lower rows may be"),
                None => format!("{module} (row {row}) imports {imported}, which has no row"),
            },
        })
        .collect()
}

fn may_import(module: &str, row: u8, imported: &str) -> bool {
    module == imported
        || self::row(imported).is_some_and(|other| other < row)
        || WITHIN_A_ROW.iter().any(|(from, to, _)| *from == module && *to == imported)
}

/// The module of `src/` that a file belongs to; the crate's root belongs to none.
fn module(path: &str) -> Option<&str> {
    let inner = path.strip_prefix("src/")?;
    let module = inner.split('/').next()?.trim_end_matches(".rs");
    (module != "lib").then_some(module)
}

fn row(module: &str) -> Option<u8> {
    ROWS.iter().find(|(name, _)| *name == module).map(|(_, row)| *row)
}

/// The modules named after `crate::` or `scim_relay::`, each with its line (from 1). Reads nested braces.
fn imports(code: &[String]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in code.iter().enumerate() {
        for prefix in ["crate::", "scim_relay::"] {
            for (start, _) in line.match_indices(prefix) {
                let preceded =
                    line[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == '$');
                if !preceded {
                    heads(code, number, start + prefix.len(), &mut found);
                }
            }
        }
    }
    found
}

/// The first names of a path, or of a list of paths in braces, that starts at that place.
fn heads(code: &[String], number: usize, column: usize, found: &mut Vec<(usize, String)>) {
    if !code[number][column..].starts_with('{') {
        let name = identifier(&code[number][column..]);
        if name.starts_with(|first: char| first.is_lowercase()) {
            found.push((number + 1, name.to_owned()));
        }
        return;
    }
    let mut depth = 0_usize;
    let mut expects_name = false;
    for (line_number, line) in code.iter().enumerate().skip(number) {
        let from = if line_number == number { column } else { 0 };
        for (offset, character) in line[from..].char_indices() {
            match character {
                '{' => {
                    depth += 1;
                    expects_name = depth == 1;
                }
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                ',' => expects_name = depth == 1,
                _ if expects_name && (character.is_alphabetic() || character == '_') => {
                    expects_name = false;
                    let name = identifier(&line[from + offset..]);
                    if name.starts_with(|first: char| first.is_lowercase()) && name != "self" {
                        found.push((line_number + 1, name.to_owned()));
                    }
                }
                _ => {}
            }
        }
    }
}

fn identifier(text: &str) -> &str {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    &text[..end]
}

/// A connector knows the contract alone: not the relay, and no other connector.
fn connector_problems(path: &str, connector: &str, code: &[String]) -> Vec<Problem> {
    let own = format!("scim_connector_{}", connector.replace('-', "_"));
    let problem =
        |line: usize, message: &str| Problem { path: path.to_owned(), line: line + 1, message: message.to_owned() };
    code.iter()
        .enumerate()
        .filter_map(|(line, text)| {
            if text.contains("scim_relay") {
                return Some(problem(line, "a connector imports the relay"));
            }
            let other = text.match_indices("scim_connector_").any(|(start, _)| identifier(&text[start..]) != own);
            other.then(|| problem(line, "a connector imports another connector"))
        })
        .collect()
}
