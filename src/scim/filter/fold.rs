//! Case folding.

/// The form in which values that differ only in case compare equal: Unicode's full case folding, as the standard
/// library's mappings give it (`ß` is `ss`, `ς` is `σ`, `K` the Kelvin sign is `k`).
///
/// Composed and decomposed accents stay different, as do full-width letters: values are compared as the client wrote
/// them. Folding what is folded changes nothing, so that folded text may be stored and compared.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for char in text.chars() {
        if char == 'ı' {
            // Its upper case is `I`, but folding keeps the dotless letter apart from `i`: they are different names.
            folded.push(char);
        } else {
            // There and back again: upper case joins what has several lower cases, and the first step opens `ẞ` and `İ`.
            let upper = char.to_lowercase().flat_map(char::to_uppercase);
            folded.extend(upper.flat_map(char::to_lowercase));
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_differ_in_case_fold_to_the_same_text() {
        for (one, other) in [
            ("Jane.Doe", "jANE.dOE"),
            ("STRASSE", "straße"),
            ("STRAẞE", "strasse"),
            ("ΌΔΥΣΣΕΎΣ", "όδυσσεύς"),
            ("\u{212A}", "k"),
            ("ÅSA", "åsa"),
            ("ǅ", "ǆ"),
            ("ﬀ", "FF"),
        ] {
            assert_eq!(fold_case(one), fold_case(other), "{one} {other}");
        }
    }

    #[test]
    fn different_letters_stay_different() {
        for (one, other) in [("ılker", "ilker"), ("é", "e"), ("e\u{301}", "\u{e9}"), ("ａ", "a")] {
            assert_ne!(fold_case(one), fold_case(other), "{one} {other}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once_for_every_character() {
        for char in '\0'..=char::MAX {
            let once = fold_case(&char.to_string());
            assert_eq!(fold_case(&once), once, "{char:?}");
        }
    }

    #[test]
    fn every_character_folds_like_its_lower_and_upper_case() {
        for char in ('\0'..=char::MAX).filter(|char| *char != 'ı') {
            let folded = fold_case(&char.to_string());
            assert_eq!(fold_case(&char.to_lowercase().to_string()), folded, "{char:?}");
            assert_eq!(fold_case(&char.to_uppercase().to_string()), folded, "{char:?}");
        }
    }
}
