//! The request target: the path below the base path, and decoded query parameters.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::scim;

/// A client's feature flags that its administrators append to the base URI (dialects EN-45): for PATCH as the RFC has it,
/// and for PATCH as it was before. The client then appends its endpoints to that, so the path goes on inside the query:
/// `/scim/v2?aadOptscim062020/Users?filter=…`.
const FLAGS: [&str; 2] = ["aadOptscim062020", "AzureAdScimPatch2017"];

/// A request target, still percent-encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target<'a> {
    /// The path as far as it precedes the query.
    pub path: &'a str,
    /// What follows a flag inside the query, with its slash; else empty.
    pub path_in_query: &'a str,
    /// The query.
    pub query: &'a str,
    /// Whether the flag was there.
    pub is_flagged: bool,
}

impl<'a> Target<'a> {
    /// Splits a target.
    pub(super) fn new(path: &'a str, query: Option<&'a str>) -> Self {
        let query = query.unwrap_or("");
        let plain = Self { path, path_in_query: "", query, is_flagged: false };
        let Some(rest) = strip_flag(query) else {
            return plain;
        };
        // An administrator may have typed `=true` behind it, and a client may append its query by a second `?`.
        let value_end = if rest.starts_with('=') { rest.find(['/', '?', '&']).unwrap_or(rest.len()) } else { 0 };
        let Some((_, rest)) = rest.split_at_checked(value_end) else { return plain };
        if !rest.starts_with(['/', '?']) {
            return plain;
        }
        let (path_in_query, query) = rest.split_once(['?', '&']).unwrap_or((rest, ""));
        Self { path, path_in_query, query, is_flagged: true }
    }
}

/// The decoded parameters of a query, in order, and whether the flag was among them.
///
/// # Errors
/// 400 for text that is not UTF-8.
pub(super) fn parameters(query: &str) -> Result<(Vec<(String, String)>, bool), scim::Error> {
    let mut is_flagged = false;
    let mut parameters = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        if strip_flag(parameter).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')) {
            is_flagged = true;
            continue;
        }
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        parameters.push((decode(name)?, decode(value)?));
    }
    Ok((parameters, is_flagged))
}

/// A decoded path segment, in which `+` is itself.
///
/// # Errors
/// 400 for text that is not UTF-8.
pub(super) fn segment(encoded: &str) -> Result<Cow<'_, str>, scim::Error> {
    percent_decode(encoded.as_bytes()).decode_utf8().map_err(|_| scim::Error::bad_request("the path is not UTF-8"))
}

/// `+` stands for a space, as in forms (dialects EN-42); a literal one arrives as `%2B`.
fn decode(encoded: &str) -> Result<String, scim::Error> {
    let spaced = if encoded.contains('+') { Cow::Owned(encoded.replace('+', " ")) } else { Cow::Borrowed(encoded) };
    match percent_decode(spaced.as_bytes()).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(scim::Error::bad_request("the query is not UTF-8")),
    }
}

fn strip_flag(text: &str) -> Option<&str> {
    FLAGS.iter().find_map(|flag| {
        let (head, rest) = text.split_at_checked(flag.len())?;
        head.eq_ignore_ascii_case(flag).then_some(rest)
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn check(query: &str, expected: &[(&str, &str)]) {
        let (parameters, _) = parameters(query).unwrap();
        let found: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn parameters_are_decoded() {
        check("", &[]);
        check("&&", &[]);
        check("filter=userName%20eq%20%22a%22", &[("filter", "userName eq \"a\"")]);
        check("a=1&b&c=&a=2", &[("a", "1"), ("b", ""), ("c", ""), ("a", "2")]);
        check("filter=a=b", &[("filter", "a=b")]);
        check("filter=%C3%A9%2", &[("filter", "é%2")]);
    }

    #[test]
    fn en_42_a_plus_is_a_space_and_an_encoded_one_a_plus() {
        check("filter=userName+eq+%22a%2Bb%40c.d%22", &[("filter", "userName eq \"a+b@c.d\"")]);
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        for query in ["a=%FF", "%C3=a", "a=%ED%A0%80"] {
            assert_eq!(parameters(query).unwrap_err().http_status(), 400, "{query}");
        }
        assert_eq!(segment("%FF").unwrap_err().http_status(), 400);
    }

    #[test]
    fn en_45_the_flag_is_understood_as_a_parameter() {
        for query in ["aadOptscim062020", "AADOptSCIM062020", "aadOptscim062020=", "a=1&aadOptscim062020&b=2"] {
            let (parameters, is_flagged) = parameters(query).unwrap();
            assert!(is_flagged, "{query}");
            assert!(parameters.iter().all(|(name, _)| name.len() == 1), "{query}");
        }
        assert!(!parameters("aadOptscim0620200").unwrap().1);
    }

    #[test]
    fn en_45_the_path_goes_on_behind_the_flag() {
        for (query, path_in_query, rest) in [
            ("aadOptscim062020/Users", "/Users", ""),
            ("aadOptscim062020/Users?filter=a", "/Users", "filter=a"),
            ("aadOptscim062020/Users/7&a=1", "/Users/7", "a=1"),
            ("aadOptscim062020=true/Users?filter=a", "/Users", "filter=a"),
            ("aadOptscim062020?filter=a", "", "filter=a"),
            ("aadOptscim062020=true?filter=a/b", "", "filter=a/b"),
        ] {
            let target = Target::new("/scim/v2", Some(query));
            let expected = Target { path: "/scim/v2", path_in_query, query: rest, is_flagged: true };
            assert_eq!(target, expected, "{query}");
        }
        assert_eq!(Target::new("/p", Some("aadOptscim062020")).path_in_query, "");
        assert_eq!(Target::new("/p", None).query, "");
    }
}
