//! The credential in a request's head: a bearer key (RFC 6750 §2.1), or one as the password of Basic (RFC 7617).

use std::{borrow::Cow, sync::Arc};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, header};

/// What a request presents.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Presented<'a> {
    /// The key.
    pub key: Cow<'a, [u8]>,
    /// The user name before it, of Basic alone.
    pub subject: Option<Arc<str>>,
}

/// The credential that a request presents, or `None` where there is none, more than one, or something else.
///
/// Only the header counts, never a query parameter, a cookie or a proxy's header. Besides `Bearer KEY` a bare key is
/// taken, and a scheme that was pasted along with the key: clients put what an administrator typed behind the scheme of
/// their own (dialects OK-34, OK-35, EN-72).
pub(super) fn presented(headers: &HeaderMap) -> Option<Presented<'_>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else {
        return None;
    };
    let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let key = match [words.next(), words.next(), words.next(), words.next()] {
        [Some(key), None, ..] => key,
        [Some(scheme), Some(credentials), None, _] if scheme.eq_ignore_ascii_case(b"Basic") => {
            return basic(credentials);
        }
        [Some(scheme), Some(key), None, _] if is_bearer(scheme) => key,
        [Some(scheme), Some(again), Some(key), None] if is_bearer(scheme) && is_bearer(again) => key,
        _ => return None,
    };
    (!is_bearer(key)).then_some(Presented { key: key.into(), subject: None })
}

/// Reads `userName:KEY` in base64. A user name may have colons, though RFC 7617 has them in passwords: no key has any.
/// One that is empty or no UTF-8 names no subject.
fn basic(credentials: &[u8]) -> Option<Presented<'static>> {
    const LIBERAL: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LIBERAL);
    let mut decoded = BASE64.decode(credentials).ok()?;
    let colon = decoded.iter().rposition(|byte| *byte == b':')?;
    let key = decoded.split_off(colon + 1);
    decoded.truncate(colon);
    let subject = String::from_utf8(decoded).ok().filter(|subject| !subject.is_empty());
    Some(Presented { key: key.into(), subject: subject.map(Arc::from) })
}

fn is_bearer(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"Bearer")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    use http::HeaderValue;

    use super::*;

    fn check(lines: &[&str], expected: Option<&str>) {
        check_with_subject(lines, expected.map(|key| (key, None)));
    }

    fn check_with_subject(lines: &[&str], expected: Option<(&str, Option<&str>)>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(line).unwrap());
        }
        let presented = presented(&headers);
        let found = presented.as_ref().map(|found| (&*found.key, found.subject.as_deref()));
        assert_eq!(found, expected.map(|(key, subject)| (key.as_bytes(), subject)), "{lines:?}");
    }

    #[test]
    fn one_key_in_one_header_counts() {
        check(&[], None);
        check(&["Bearer k"], Some("k"));
        check(&["bearer k"], Some("k"));
        check(&["BEARER  k "], Some("k"));
        check(&["Bearer k", "Bearer k"], None);
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

    #[test]
    fn basic_has_the_key_as_password_and_its_subject_as_user_name() {
        for (sent, expected) in [
            ("u:k", Some(("k", Some("u")))),
            ("ann@acme.example:k", Some(("k", Some("ann@acme.example")))),
            ("Jürgen:k", Some(("k", Some("Jürgen")))),
            ("a:b:k", Some(("k", Some("a:b")))),
            (":k", Some(("k", None))),
            ("u:", Some(("", Some("u")))),
            ("k", None),
        ] {
            check_with_subject(&[&format!("Basic {}", STANDARD.encode(sent))], expected);
            check_with_subject(&[&format!("basic  {}", STANDARD.encode(sent))], expected);
            check_with_subject(&[&format!("Basic {}", STANDARD_NO_PAD.encode(sent))], expected);
        }
        check_with_subject(&[&format!("Basic {}", STANDARD.encode(b"\xff:k"))], Some(("k", None)));
        check(&["Basic dTpr!"], None);
        check(&["Basic dTpr dTpr"], None);
        check(&["Basic dTpr", "Basic dTpr"], None);
    }
}
