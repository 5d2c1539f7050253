//! The code of a file, line by line, without comments and without test modules.

use std::{iter::Peekable, str::Chars};

/// Lines of the text with comments cut and `#[cfg(test)]` items emptied; as many lines as the text has.
///
/// A reader by line and character, not a parser: enough for code that rustfmt has formatted.
pub(crate) fn production(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = without_comments(text).lines().map(str::to_owned).collect();
    let mut line = 0;
    while line < lines.len() {
        if lines[line].trim_start().starts_with("#[cfg(test)]")
            || lines[line].trim_start().starts_with("#[cfg(any(test")
        {
            let end = item_end(&lines, line);
            lines[line..=end].iter_mut().for_each(String::clear);
            line = end;
        }
        line += 1;
    }
    lines
}

/// The last line of the item that starts at or after `start`: where its braces balance, or its semicolon stands.
fn item_end(lines: &[String], start: usize) -> usize {
    let mut depth = 0_usize;
    for (number, line) in lines.iter().enumerate().skip(start) {
        let mut opened = false;
        for character in line.chars() {
            match character {
                '{' => {
                    depth += 1;
                    opened = true;
                }
                '}' => {
                    depth = depth.saturating_sub(1);
                    opened = true;
                }
                _ => {}
            }
        }
        if depth == 0 && (opened || line.trim_end().ends_with(';')) {
            return number;
        }
    }
    lines.len() - 1
}

/// Cuts `//` and `/* */` comments, and keeps texts in quotes.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match (character, rest.peek()) {
            ('/', Some('/')) => while rest.next_if(|&next| next != '\n').is_some() {},
            ('/', Some('*')) => {
                let mut before = ' ';
                for next in rest.by_ref() {
                    if next == '\n' {
                        code.push('\n');
                    }
                    if before == '*' && next == '/' {
                        break;
                    }
                    before = next;
                }
            }
            ('r', Some('"' | '#')) => raw(&mut rest, &mut code),
            ('"', _) => {
                code.push('"');
                let mut escaped = false;
                for next in rest.by_ref() {
                    code.push(next);
                    match next {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            // A quote as a character: '"' or '\"'.
            ('\'', Some('"' | '\\')) => {
                code.push('\'');
                let escaped = rest.next_if_eq(&'\\');
                code.extend(escaped);
                code.extend(rest.next());
            }
            _ => code.push(character),
        }
    }
    code
}

/// A raw text `r#"…"#`, or a raw identifier `r#type`, after its `r`.
fn raw(rest: &mut Peekable<Chars>, code: &mut String) {
    code.push('r');
    let mut end = "\"".to_owned();
    while let Some(hash) = rest.next_if_eq(&'#') {
        code.push(hash);
        end.push(hash);
    }
    if rest.peek() != Some(&'"') {
        return;
    }
    code.extend(rest.next());
    let start = code.len();
    for next in rest.by_ref() {
        code.push(next);
        if code[start..].ends_with(&end) {
            return;
        }
    }
}

#[test]
fn comments_and_test_modules_are_cut_and_lines_stay() {
    let raw = production("let a = r#\"{\"url\": \"https://x\"}\"#; // cut\nlet r#type = 1;");
    assert_eq!(raw[0].trim_end(), "let a = r#\"{\"url\": \"https://x\"}\"#;");
    assert_eq!(raw[1], "let r#type = 1;");

    let text = "let a = \"// no comment\"; // a comment\n/* two\nlines */ let b = '\"';\n#[cfg(test)]\n\
                mod tests {\n    fn f() {}\n}\nlet c = 1;\n";
    let code = production(text);
    assert_eq!(code[0].trim_end(), "let a = \"// no comment\";");
    assert_eq!(code[2].trim(), "let b = '\"';");
    assert_eq!(code[3..7].concat(), "");
    assert_eq!(code[7], "let c = 1;");
}
