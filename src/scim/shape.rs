//! The shape of a request without what it says of a person: for an operator who wants to know what a client meant by a
//! request that was not understood.
//!
//! Names stay: attributes of the schema, operators, canonical values, and what else stands where a name belongs and
//! looks like one. Of values only the type is left, and of text its length.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    filter::Operator,
    schema::{Attribute, ResourceType, common_attributes},
};

/// The longest name that is shown unless the schema knows it, in characters.
pub const NAME_SHOWN_MAX: usize = 64;
/// No shape is longer, as JSON text in bytes.
pub const SHAPE_BYTES_MAX: usize = 4_096;

/// What may be spent on names and types; the rest is for what closes objects that were cut.
const SPENT_MAX: usize = 3_072;
/// The longest path or filter that is shown, in bytes, give or take its last word.
const EXPRESSION_BYTES_MAX: usize = 256;
/// Elements of an array that are looked at, and how many of different shape are shown.
const ELEMENTS_SEEN_MAX: usize = 100;
const ELEMENTS_SHOWN_MAX: usize = 5;
const KEYS_SHOWN_MAX: usize = 60;
/// Stands for what was cut.
const CUT: &str = "…";

/// Which message a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// A resource: the body of a POST or PUT.
    Resource,
    /// A PatchOp (RFC 7644 §3.5.2).
    Patch,
    /// A SearchRequest (RFC 7644 §3.4.3), or the parameters of a GET.
    Search,
}

/// The shape of a body.
pub fn of_body(resource_type: &ResourceType, message: Message, body: &Value) -> Value {
    let context = match message {
        Message::Resource => Context::Resource,
        Message::Patch => Context::Patch,
        Message::Search => Context::Search,
    };
    Masker::new(resource_type).value(body, Said::Data, context)
}

/// The shape of decoded query parameters.
pub fn of_query(resource_type: &ResourceType, parameters: &[(String, String)]) -> Value {
    let parameters = parameters.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect();
    of_body(resource_type, Message::Search, &Value::Object(parameters))
}

/// A shape's text without the lengths in it: what shapes share that say the same of different people.
pub fn without_lengths(shape: &str) -> String {
    let mut parts = shape.split('(');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('(');
        let rest = part.trim_start_matches(|char: char| char.is_ascii_digit());
        text.push_str(if rest.starts_with(')') { rest } else { part });
    }
    text
}

/// What an object's keys mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Resource,
    Patch,
    Operation,
    Search,
}

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Data,
    Name,
    /// A path, a filter, or a list of paths.
    Expression,
}

impl Context {
    /// What the value of a key is, and what the keys of objects in it mean.
    fn of(self, key: &str) -> (Said, Self) {
        match (self, key.to_ascii_lowercase().as_str()) {
            (_, "schemas") | (Self::Operation, "op") | (Self::Search, "sortorder") => (Said::Name, Self::Resource),
            (Self::Patch, "operations") => (Said::Data, Self::Operation),
            (Self::Operation, "path") | (Self::Search, "filter" | "sortby" | "attributes" | "excludedattributes") => {
                (Said::Expression, Self::Resource)
            }
            _ => (Said::Data, Self::Resource),
        }
    }
}

/// Masks within a budget, so that a shape costs no more than its bound whatever was sent.
struct Masker<'a> {
    /// Names of the schema in lower case.
    names: HashSet<String>,
    /// Canonical values of the schema.
    canonical: HashSet<&'a str>,
    left: usize,
}

impl<'a> Masker<'a> {
    fn new(resource_type: &'a ResourceType) -> Self {
        let mut masker = Self { names: HashSet::new(), canonical: HashSet::new(), left: SPENT_MAX };
        masker.learn(common_attributes());
        for schema in std::iter::once(&resource_type.schema).chain(resource_type.extensions.iter().map(|(of, _)| of)) {
            masker.names.insert(schema.id.to_ascii_lowercase());
            masker.learn(&schema.attributes);
        }
        masker
    }

    fn learn(&mut self, attributes: &'a [Attribute]) {
        for attribute in attributes.iter().flat_map(|whole| std::iter::once(whole).chain(&whole.sub_attributes)) {
            self.names.insert(attribute.name.to_ascii_lowercase());
            self.canonical.extend(attribute.canonical_values.iter().map(String::as_str));
        }
    }

    /// The depth of the recursion is bounded by the parser of bodies.
    fn value(&mut self, value: &Value, said: Said, context: Context) -> Value {
        if self.left == 0 {
            return CUT.into();
        }
        let text = match value {
            Value::Null | Value::Bool(_) => {
                self.spend(6);
                return value.clone();
            }
            Value::Array(elements) => return self.array(elements, said, context),
            Value::Object(object) => return self.object(object, context),
            Value::Number(_) => "number".to_owned(),
            Value::String(text) => match said {
                Said::Data => masked("string", text),
                Said::Name => self.name(text),
                Said::Expression => self.expression(text),
            },
        };
        // A quote in an expression takes a backslash.
        self.spend(text.len() + text.matches('"').count() + 3);
        text.into()
    }

    fn object(&mut self, object: &Map<String, Value>, context: Context) -> Value {
        let mut shape = Map::new();
        self.spend(2);
        for (index, (key, value)) in object.iter().enumerate() {
            if self.left == 0 || index == KEYS_SHOWN_MAX {
                shape.insert(CUT.to_owned(), CUT.into());
                break;
            }
            // A key may be a path, `emails[type eq "work"].value`.
            let shown = if key.contains(['[', ' ']) { self.expression(key) } else { self.name(key) };
            self.spend(shown.len() + shown.matches('"').count() + 4);
            let (said, inner) = context.of(key);
            let value = self.value(value, said, inner);
            shape.insert(shown, value);
        }
        Value::Object(shape)
    }

    /// Elements of the same shape are shown once.
    fn array(&mut self, elements: &[Value], said: Said, context: Context) -> Value {
        let mut shapes = Vec::new();
        let mut seen = HashSet::new();
        self.spend(2);
        for element in elements.iter().take(ELEMENTS_SEEN_MAX) {
            let before = self.left;
            let shape = self.value(element, said, context);
            if !seen.insert(without_lengths(&shape.to_string())) {
                self.left = before;
            } else if shapes.len() < ELEMENTS_SHOWN_MAX && before > 0 {
                shapes.push(shape);
            }
        }
        if shapes.len() < elements.len() {
            let count = format!("elements({})", elements.len());
            self.spend(count.len() + 3);
            shapes.push(count.into());
        }
        Value::Array(shapes)
    }

    fn name(&self, text: &str) -> String {
        if self.is_known(text) || looks_like_name(text) { text.to_owned() } else { masked("name", text) }
    }

    fn is_known(&self, word: &str) -> bool {
        self.names.contains(&word.to_ascii_lowercase())
    }

    /// A path or filter with its operands masked. Read word by word and not by the parser: what is kept was refused, and
    /// often for its syntax.
    fn expression(&self, text: &str) -> String {
        let mut shown = String::new();
        let mut rest = text;
        let mut next = Next::Name;
        // Where quotes were left out, an operand may go on for some words: from then on nothing is taken for a name but
        // what the schema knows, or what an operator follows.
        let mut is_lost = false;
        while let Some(first) = rest.chars().next() {
            if shown.len() > EXPRESSION_BYTES_MAX {
                shown.push_str(CUT);
                break;
            }
            let length = match first {
                '"' => quoted_length(rest),
                '(' | ')' | '[' | ']' | ',' => 1,
                _ if first.is_whitespace() => rest.len() - rest.trim_start().len(),
                _ => rest.find(|char: char| char.is_whitespace() || "\"()[],".contains(char)).unwrap_or(rest.len()),
            };
            let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            rest = after;
            match first {
                '"' => {
                    let inner = token.trim_matches('"');
                    let inner = if self.canonical.contains(inner) { inner } else { &masked("string", inner) };
                    shown.push_str(&format!("\"{inner}\""));
                    next = Next::Other;
                }
                '(' | '[' | ',' => {
                    shown.push(first);
                    next = Next::Name;
                }
                ')' => {
                    shown.push(first);
                    next = Next::Other;
                }
                ']' => {
                    shown.push(first);
                    // Directly behind it a sub-attribute may stand.
                    next = if rest.starts_with('.') { Next::Name } else { Next::Other };
                }
                _ if first.is_whitespace() => shown.push(' '),
                _ => {
                    let is_doubtful = is_lost && next == Next::Name && !starts_with_operator(rest);
                    let place = if is_doubtful { Next::Other } else { next };
                    next = self.word(token, place, &mut shown);
                    is_lost |= place == Next::Operand || (place == Next::Other && next == Next::Other);
                }
            }
        }
        shown
    }

    /// Shows a word of an expression; what may follow.
    fn word(&self, word: &str, place: Next, shown: &mut String) -> Next {
        let is = |keyword: &&str| word.eq_ignore_ascii_case(keyword);
        if place == Next::Operand {
            let is_literal = ["true", "false", "null"].iter().any(is);
            if is_literal || self.canonical.contains(word) {
                shown.push_str(word);
            } else if word.parse::<f64>().is_ok() {
                shown.push_str("number");
            } else {
                shown.push_str(&masked("string", word));
            }
            return Next::Other;
        }
        if ["and", "or", "not"].iter().any(is) {
            shown.push_str(word);
            return Next::Name;
        }
        if let Some(operator) = Operator::named(word).filter(|_| place == Next::Other) {
            shown.push_str(word);
            return if operator == Operator::Pr { Next::Other } else { Next::Operand };
        }
        let (dot, name) = match word.strip_prefix('.') {
            Some(name) => (".", name),
            None => ("", word),
        };
        shown.push_str(dot);
        if place == Next::Name || self.is_known(name) {
            shown.push_str(&self.name(name));
        } else {
            shown.push_str(&masked("word", name));
        }
        Next::Other
    }

    fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }
}

/// What a word of an expression may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Name,
    Operand,
    /// An operator, or nothing that the grammar has.
    Other,
}

fn starts_with_operator(text: &str) -> bool {
    text.split_whitespace().next().and_then(Operator::named).is_some()
}

/// `string(12)`: what a text is, and how long.
fn masked(what: &str, text: &str) -> String {
    format!("{what}({})", text.chars().count())
}

fn looks_like_name(text: &str) -> bool {
    text.len() <= NAME_SHOWN_MAX
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || "$_".contains(first))
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "_-.:$/".contains(char))
}

/// The length of the JSON string that a text starts with, its quotes included; all of the text where it does not end.
fn quoted_length(text: &str) -> usize {
    let mut is_escaped = true;
    for (index, char) in text.char_indices() {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
