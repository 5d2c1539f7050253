//! When two texts are the same name: width mapping, normalization and case folding.

use std::iter;

use unicode_normalization::UnicodeNormalization as _;

/// The form in which names that people take for the same compare equal, by the rules of PRECIS' `UsernameCaseMapped`
/// (RFC 8265 §3.3, which RFC 7644 §5 asks for): full- and half-width letters as the ordinary ones, Unicode's full case
/// folding as the standard library's mappings give it (`ß` is `ss`, `ς` is `σ`, `K` the Kelvin sign is `k`), composed
/// and decomposed accents alike.
///
/// Everything that compares without case compares so, in filters, in sorting and where a value is unique: who finds
/// nothing under a name may create it. What is stored and shown stays as the client wrote it. Folding what is folded
/// changes nothing, so that folded text may be stored and compared; a change of this rule needs a migration of the
/// store.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Decomposed first: an accent must not hide the letter that is folded, nor the order of accents decide.
    text.chars().map(ordinary_width).nfd().flat_map(fold_char).nfc().collect()
}

fn fold_char(char: char) -> impl Iterator<Item = char> {
    // Its upper case is `I`, but folding keeps the dotless letter apart from `i`: they are different names.
    let dotless = (char == 'ı').then_some(char);
    // There and back again: upper case joins what has several lower cases, and the first step opens `ẞ` and `İ`.
    let folded = iter::once(char)
        .filter(|char| *char != 'ı')
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase);
    dotless.into_iter().chain(folded)
}

/// The ordinary letter that a full- or half-width form stands for (RFC 8264 §5.2.1): the decompositions that Unicode
/// tags `<wide>` and `<narrow>`, one step deep.
fn ordinary_width(char: char) -> char {
    let shifted = |first: u32, ordinary: u32| char::from_u32(u32::from(char) - first + ordinary).unwrap_or(char);
    match u32::from(char) {
        0x3000 => ' ',
        0xff01..=0xff5e => shifted(0xff01, 0x21),
        0xff5f..=0xff60 => shifted(0xff5f, 0x2985),
        // Katakana and their punctuation have no ordinary order to shift by; none of them decomposes further.
        0xff61..=0xff9f => iter::once(char).nfkc().next().unwrap_or(char),
        0xffa0 => '\u{3164}',
        0xffa1..=0xffbe => shifted(0xffa1, 0x3131),
        0xffc2..=0xffc7 => shifted(0xffc2, 0x314f),
        0xffca..=0xffcf => shifted(0xffca, 0x3155),
        0xffd2..=0xffd7 => shifted(0xffd2, 0x315b),
        0xffda..=0xffdc => shifted(0xffda, 0x3161),
        0xffe0 => '¢',
        0xffe1 => '£',
        0xffe2 => '¬',
        0xffe3 => '¯',
        0xffe4 => '¦',
        0xffe5 => '¥',
        0xffe6 => '₩',
        0xffe8 => '│',
        0xffe9..=0xffec => shifted(0xffe9, 0x2190),
        0xffed => '■',
        0xffee => '○',
        _ => char,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            ("Ａｎｎ＠ａｃｍｅ．ｅｘａｍｐｌｅ", "ann@acme.example"),
            ("ｶﾞｷﾞ", "ガギ"),
            ("e\u{301}", "\u{c9}"),
            ("a\u{323}\u{307}", "A\u{307}\u{323}"),
        ] {
            assert_eq!(fold_case(one), fold_case(other), "{one} {other}");
        }
    }

    #[test]
    fn different_letters_stay_different() {
        for (one, other) in [("ılker", "ilker"), ("é", "e"), ("ﬁ", "f"), ("²", "2"), ("①", "1")] {
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

    #[test]
    fn widths_are_mapped_as_unicode_says() {
        use unicode_normalization::char::decompose_compatible;
        let decomposed = |char| {
            let mut all = String::new();
            decompose_compatible(char, |part| all.push(part));
            all
        };
        for char in "\u{3000}".chars().chain('\u{ff00}'..='\u{ffef}') {
            let ordinary = ordinary_width(char);
            assert_eq!(decomposed(ordinary), decomposed(char), "{char:?}");
            assert_eq!(ordinary == char, decomposed(char) == char.to_string(), "{char:?}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,12}", marks in "[a-zA-Zß-ÿıİｱ-ﾟﾞﾟ\u{300}-\u{345}]{0,12}") {
            for text in [text, marks] {
                let once = fold_case(&text);
                prop_assert_eq!(fold_case(&once), once);
            }
        }
    }
}
