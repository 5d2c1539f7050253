//! The bearer key in a request's head (RFC 6750 §2.1).

use http::{HeaderMap, header};

/// The key that a request presents, or `None` where there is none, more than one, or something else.
///
/// Only the header counts, never a query parameter, a cookie or a proxy's header. Besides `Bearer KEY` a bare key is
/// taken, and a scheme that was pasted along with the key: clients put what an administrator typed behind the scheme of
/// their own (dialects OK-34, OK-35, EN-72).
pub(super) fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else {
        return None;
    };
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let key = match [words.next(), words.next(), words.next(), words.next()] {
        [Some(key), None, ..] => key,
        [Some(scheme), Some(key), None, _] if is_bearer(scheme) => key,
        [Some(scheme), Some(again), Some(key), None] if is_bearer(scheme) && is_bearer(again) => key,
        _ => return None,
    };
    (!is_bearer(key)).then_some(key)
}

fn is_bearer(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"Bearer")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn check(lines: &[&str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(line).unwrap());
        }
        assert_eq!(presented(&headers), expected.map(str::as_bytes), "{lines:?}");
    }

    #[test]
    fn one_key_in_one_header_counts() {
        check(&[], None);
        check(&["Bearer k"], Some("k"));
        check(&["bearer k"], Some("k"));
        check(&["BEARER  k "], Some("k"));
        check(&["Bearer k", "Bearer k"], None);
        check(&["Basic dTpw"], None);
        check(&["Bearer"], None);
        check(&[""], None);
        check(&["Bearer k l"], None);
    }

    #[test]
    fn ok_34_a_bare_key_counts() {
        check(&["k"], Some("k"));
        check(&["k l"], None);
    }

    #[test]
    fn ok_35_and_en_72_a_scheme_pasted_with_the_key_counts() {
        check(&["Bearer Bearer k"], Some("k"));
        check(&["Bearer bearer k"], Some("k"));
        check(&["Bearer Bearer"], None);
        check(&["Bearer Bearer Bearer k"], None);
    }
}
