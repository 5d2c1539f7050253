//! The grammar of filters and paths: one recursive-descent parser, because a path may hold a filter and a filter is
//! made of paths.
//!
//! ```text
//! any      = all *( "or" all )
//! all      = term *( "and" term )
//! term     = [ "not" ] "(" any ")" / path "pr" / path operator operand / name "[" any "]" [ "." name operator … ]
//! path     = [ urn ":" ] name [ "." name ]
//! operand  = JSON string / number / "true" / "false" / "null" / bare text
//! ```
//!
//! It only ever recurses through [`Parser::nested`], which counts the depth first: a stack overflow would end the whole
//! process, and no half-built tree is ever deeper than the limit.

use serde_json::{Number, Value};

use super::{DEPTH_MAX, Filter, LENGTH_MAX, Operator, TERMS_MAX};
use crate::scim::path::AttributePath;

/// Where a text stopped making sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::scim) struct Failure {
    /// In bytes from the start.
    at: usize,
    /// What was expected there, or which limit was met.
    reason: &'static str,
}

impl Failure {
    /// The text for the client. Never quotes the client's text: operands are personal data.
    pub(in crate::scim) fn detail(self, subject: &str) -> String {
        format!("{subject}, at byte {}: {}", self.at, self.reason)
    }
}

type Parsed<T> = Result<T, Failure>;

/// A text being parsed.
pub(in crate::scim) struct Parser<'a> {
    rest: &'a str,
    length: usize,
    depth: usize,
    terms: usize,
    urns: &'a [&'a str],
}

impl<'a> Parser<'a> {
    /// A parser of a text within the limit of length.
    pub(in crate::scim) fn new(text: &'a str, urns: &'a [&'a str]) -> Parsed<Self> {
        if text.len() > LENGTH_MAX {
            return Err(Failure { at: LENGTH_MAX, reason: "longer than 8192 bytes" });
        }
        Ok(Self { rest: text, length: text.len(), depth: 0, terms: 0, urns })
    }

    /// The whole text as a filter.
    pub(in crate::scim) fn filter(mut self) -> Parsed<Filter> {
        let filter = self.any(Place::Resource)?;
        self.end("expected `and`, `or` or the end")?;
        Ok(filter)
    }

    /// The whole text as a path.
    pub(in crate::scim) fn path(mut self) -> Parsed<AttributePath> {
        self.skip_blanks();
        let mut path = self.attribute()?;
        if self.rest.starts_with('[') && path.sub_attribute.is_none() && !path.attribute.is_empty() {
            path.filter = Some(Box::new(self.bracket()?));
            path.sub_attribute = self.sub_attribute()?;
        }
        self.end("expected `[`, `.` and a sub-attribute, or the end")?;
        Ok(path)
    }

    fn any(&mut self, place: Place) -> Parsed<Filter> {
        let mut alternatives = vec![self.all(place)?];
        while self.keyword("or") {
            alternatives.push(self.all(place)?);
        }
        Ok(Filter::any(alternatives))
    }

    fn all(&mut self, place: Place) -> Parsed<Filter> {
        let mut conditions = vec![self.term(place)?];
        while self.keyword("and") {
            conditions.push(self.term(place)?);
        }
        Ok(Filter::all(conditions))
    }

    fn term(&mut self, place: Place) -> Parsed<Filter> {
        if self.not() {
            return Ok(Filter::Not(Box::new(self.nested(')', place)?)));
        }
        self.skip_blanks();
        if self.rest.starts_with('(') {
            return self.nested(')', place);
        }

        self.count()?;
        match place {
            Place::Element => {
                let attribute = self.name("expected a sub-attribute")?.to_owned();
                self.comparison(AttributePath { urn: None, attribute, filter: None, sub_attribute: None })
            }
            Place::Resource => {
                let path = self.attribute()?;
                if self.rest.starts_with('[') && path.sub_attribute.is_none() && !path.attribute.is_empty() {
                    self.value_path(path)
                } else {
                    self.comparison(path)
                }
            }
        }
    }

    fn count(&mut self) -> Parsed<()> {
        self.terms += 1;
        if self.terms > TERMS_MAX { self.fail("more than 200 comparisons") } else { Ok(()) }
    }

    /// `attribute[…]`, and what clients write beyond the RFC's grammar (dialects EN-38):
    /// `emails[type eq "work"].value eq "x"` is `emails[type eq "work" and value eq "x"]`.
    fn value_path(&mut self, path: AttributePath) -> Parsed<Filter> {
        let filter = self.bracket()?;
        let Some(attribute) = self.sub_attribute()? else {
            return Ok(Filter::ValuePath { path, filter: Box::new(filter) });
        };
        if matches!(filter, Filter::Or(_)) && self.depth + 1 >= DEPTH_MAX {
            // Printed, the alternatives stand in parentheses within the brackets.
            return self.fail(TOO_DEEP);
        }
        // Printed, it is a comparison within the brackets, and counted there.
        self.count()?;
        let of_element = AttributePath { urn: None, attribute, filter: None, sub_attribute: None };
        let filter = Filter::all(vec![filter, self.comparison(of_element)?]);
        Ok(Filter::ValuePath { path, filter: Box::new(filter) })
    }

    fn comparison(&mut self, path: AttributePath) -> Parsed<Filter> {
        let operator = self.operator()?;
        let value = if operator == Operator::Pr { Value::Null } else { self.operand()? };
        Ok(Filter::Compare { path, operator, value })
    }

    fn bracket(&mut self) -> Parsed<Filter> {
        self.nested(']', Place::Element)
    }

    /// What is between the opening bracket, which comes next, and the closing one.
    fn nested(&mut self, close: char, place: Place) -> Parsed<Filter> {
        if self.depth == DEPTH_MAX {
            return self.fail(TOO_DEEP);
        }
        self.rest = self.rest.split_at(1).1;
        self.depth += 1;
        let filter = self.any(place)?;
        self.depth -= 1;
        self.skip_blanks();
        match self.rest.strip_prefix(close) {
            Some(rest) => self.rest = rest,
            None if close == ')' => return self.fail("expected `and`, `or` or `)`"),
            None => return self.fail("expected `and`, `or` or `]`"),
        }
        Ok(filter)
    }

    /// `[urn:]attribute[.sub]`, or a URN alone.
    fn attribute(&mut self) -> Parsed<AttributePath> {
        let (text, rest) =
            split_while(self.rest, |char| !is_blank(char) && !matches!(char, '[' | ']' | '(' | ')' | '"'));
        let (urn, tail) = split_urn(text, self.urns);
        if let (Some(urn), None) = (urn, tail) {
            self.rest = rest;
            return Ok(AttributePath {
                urn: Some(urn.to_owned()),
                attribute: String::new(),
                filter: None,
                sub_attribute: None,
            });
        }
        // The tail is the end of what was looked at, so that failures in it have their place.
        let skipped = text.len() - tail.map_or(0, str::len);
        self.rest = self.rest.split_at(skipped).1;
        let attribute = self.name("expected an attribute")?.to_owned();
        let sub_attribute = self.sub_attribute()?;
        Ok(AttributePath { urn: urn.map(str::to_owned), attribute, filter: None, sub_attribute })
    }

    fn sub_attribute(&mut self) -> Parsed<Option<String>> {
        let Some(rest) = self.rest.strip_prefix('.') else { return Ok(None) };
        self.rest = rest;
        Ok(Some(self.name("expected a sub-attribute")?.to_owned()))
    }

    /// An attribute's name (RFC 7643 §2.1), `$ref` included, which its ABNF forgot (erratum 8924).
    fn name(&mut self, expected: &'static str) -> Parsed<&'a str> {
        if !self.rest.starts_with(|char: char| char.is_ascii_alphabetic() || matches!(char, '$' | '_')) {
            return self.fail(expected);
        }
        let (name, rest) =
            split_while(self.rest, |char| char.is_ascii_alphanumeric() || matches!(char, '$' | '_' | '-'));
        self.rest = rest;
        Ok(name)
    }

    fn operator(&mut self) -> Parsed<Operator> {
        self.skip_blanks();
        let (word, rest) = split_while(self.rest, |char| char.is_ascii_alphanumeric());
        match Operator::named(word) {
            Some(operator) => {
                self.rest = rest;
                Ok(operator)
            }
            None => self.fail("expected one of the operators eq, ne, co, sw, ew, gt, lt, ge, le, pr"),
        }
    }

    fn operand(&mut self) -> Parsed<Value> {
        self.skip_blanks();
        if self.rest.starts_with('"') {
            return self.string().map(Value::String);
        }
        // `(` and `[` are no part of a bare operand, so that one whose quotes were forgotten is not cut in two.
        let (word, rest) =
            split_while(self.rest, |char| !is_blank(char) && !matches!(char, ')' | ']' | '(' | '[' | '"'));
        if word.is_empty() || rest.starts_with(['(', '[', '"']) {
            return self.fail("expected a quoted string, a number, true, false or null");
        }
        self.rest = rest;
        Ok(bare_operand(word))
    }

    /// A JSON string, with all of JSON's escapes.
    fn string(&mut self) -> Parsed<String> {
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let Some(end) = end else { return self.fail("expected a closing quote to this string") };
        let (literal, rest) = self.rest.split_at(end + 2);
        match serde_json::from_str(literal) {
            Ok(text) => {
                self.rest = rest;
                Ok(text)
            }
            Err(_) => self.fail("expected a JSON string: a backslash starts an escape such as \\\\ or \\u00e9"),
        }
    }

    /// Takes `and` or `or`, which ends at a blank or a parenthesis.
    fn keyword(&mut self, keyword: &str) -> bool {
        self.skip_blanks();
        let (word, rest) = split_while(self.rest, |char| !is_blank(char) && char != '(');
        let found = word.eq_ignore_ascii_case(keyword);
        if found {
            self.rest = rest;
        }
        found
    }

    /// Takes `not` when a parenthesis follows, with or without a blank (erratum 7319); else it is an attribute's name.
    fn not(&mut self) -> bool {
        let before = self.rest;
        let found = self.keyword("not") && {
            self.skip_blanks();
            self.rest.starts_with('(')
        };
        if !found {
            self.rest = before;
        }
        found
    }

    fn end(&mut self, expected: &'static str) -> Parsed<()> {
        self.skip_blanks();
        if self.rest.is_empty() { Ok(()) } else { self.fail(expected) }
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    fn fail<T>(&self, reason: &'static str) -> Parsed<T> {
        Err(Failure { at: self.length - self.rest.len(), reason })
    }
}

const TOO_DEEP: &str = "nested deeper than 32 levels";

/// Whose attributes a term names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Those of the resource.
    Resource,
    /// Those of one element of a multi-valued attribute: sub-attributes, and no further brackets.
    Element,
}

const fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

fn split_while(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|char| !is_part(char)).unwrap_or(text.len()))
}

/// Splits `urn:attribute.sub` into URN and the rest; no rest for a URN alone.
///
/// A URN has dots of its own (`…:2.0:User`), so a known one is taken as a whole, and is followed by `:` or, as some
/// clients write, `.`. An unknown one, which starts with `urn:`, ends at the last `:`.
fn split_urn<'a>(text: &'a str, urns: &[&str]) -> (Option<&'a str>, Option<&'a str>) {
    if !text.contains(':') {
        return (None, Some(text));
    }
    let known = urns.iter().filter_map(|urn| {
        let (start, rest) = text.split_at_checked(urn.len())?;
        if !start.eq_ignore_ascii_case(urn) {
            return None;
        }
        let tail = if rest.is_empty() { None } else { Some(rest.strip_prefix([':', '.'])?) };
        // With another colon it is a longer URN that starts like a known one.
        (!tail.is_some_and(|tail| tail.contains(':'))).then_some((start, tail))
    });
    match known.max_by_key(|(urn, _)| urn.len()) {
        Some((urn, tail)) => (Some(urn), tail),
        None => match text.rsplit_once(':') {
            Some((urn, tail)) if is_urn(urn) => (Some(urn), Some(tail)),
            _ => (None, Some(text)),
        },
    }
}

fn is_urn(text: &str) -> bool {
    text.split_at_checked(4).is_some_and(|(scheme, rest)| scheme.eq_ignore_ascii_case("urn:") && !rest.is_empty())
}

/// An operand without quotes: JSON's literals without case (`True`), numbers, and else text.
///
/// A number stays text where JSON would not give back what was written (`007`, `1.50`, an id of thirty digits): numeric
/// attributes read numbers from text as well.
fn bare_operand(word: &str) -> Value {
    if word.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if word.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if word.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    match serde_json::from_str::<Number>(word) {
        Ok(number) if number.to_string() == word => Value::Number(number),
        _ => Value::String(word.to_owned()),
    }
}

#[cfg(test)]
mod tests;
