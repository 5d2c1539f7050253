//! Where in a body something is, for error texts. A chain on the stack, so that nothing is written until it is shown.

use std::fmt;

/// A place in a resource: `emails[0].type`, `urn:…:User:manager.value`. Shows names and positions, never values.
#[derive(Clone, Copy)]
pub(in crate::scim) enum Place<'a> {
    /// The resource itself.
    Root,
    /// A schema extension, by its URN.
    Extension(&'a str),
    /// An attribute or sub-attribute of the place.
    Attribute(&'a Place<'a>, &'a str),
    /// An element of a multi-valued attribute, counted from 0.
    Element(&'a Place<'a>, usize),
}

/// The most characters of a name that a client made up.
const NAME_SHOWN_MAX: usize = 100;

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("resource"),
            Self::Extension(urn) => f.write_str(urn),
            Self::Attribute(parent, name) => {
                match parent {
                    Self::Root => {}
                    Self::Extension(_) => write!(f, "{parent}:")?,
                    Self::Attribute(..) | Self::Element(..) => write!(f, "{parent}.")?,
                }
                name.chars().take(NAME_SHOWN_MAX).try_for_each(|char| fmt::Write::write_char(f, char))
            }
            Self::Element(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
