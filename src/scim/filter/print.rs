//! Filters as canonical text: lower-case operators, one blank between words, parentheses only where precedence needs
//! them, strings in quotes. Parsing it gives the same filter.

use std::fmt;

use super::{Filter, Operator};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(conditions) => {
                for (index, condition) in conditions.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" and ")?;
                    }
                    if matches!(condition, Self::Or(_)) {
                        write!(f, "({condition})")?;
                    } else {
                        condition.fmt(f)?;
                    }
                }
                Ok(())
            }
            Self::Or(alternatives) => {
                for (index, alternative) in alternatives.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" or ")?;
                    }
                    alternative.fmt(f)?;
                }
                Ok(())
            }
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Compare { path, operator: Operator::Pr, .. } => write!(f, "{path} pr"),
            Self::Compare { path, operator, value } => write!(f, "{path} {} {value}", operator.as_str()),
            Self::ValuePath { path, filter } => write!(f, "{path}[{filter}]"),
            Self::Constant(value) => value.fmt(f),
        }
    }
}
