//! What one writer knows of the resources that only it writes.
//!
//! An acknowledged write leaves one possible state; a write whose answer was lost leaves two, until a read says which
//! it is; a refused one changes nothing.

use std::collections::BTreeSet;

/// A user's written attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct User {
    /// `None` while the answer that gave it was lost.
    pub(crate) id: Option<String>,
    pub(crate) title: String,
    pub(crate) display_name: String,
    pub(crate) active: bool,
}

impl User {
    /// Equal, where an id that was never learnt equals any.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.title == other.title
            && self.display_name == other.display_name
            && self.active == other.active
            && (self.id.is_none() || other.id.is_none() || self.id == other.id)
    }
}

/// A group's written attributes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Group {
    pub(crate) display_name: String,
    pub(crate) members: BTreeSet<String>,
}

/// What may be there: one state when it is certain.
#[derive(Clone, Debug)]
pub(crate) struct Possible<T>(Vec<T>);

impl<T: Clone> Possible<T> {
    /// It is this.
    pub(crate) fn certain(state: T) -> Self {
        Self(vec![state])
    }

    /// The state, when there is only one.
    pub(crate) fn known(&self) -> Option<&T> {
        match self.0.as_slice() {
            [state] => Some(state),
            _ => None,
        }
    }

    /// The state before the write that is in doubt, if one is.
    pub(crate) fn first(&self) -> Option<&T> {
        self.0.first()
    }

    /// A write was acknowledged.
    pub(crate) fn acknowledge(&mut self, state: T) {
        self.0 = vec![state];
    }

    /// A write's answer was lost.
    pub(crate) fn doubt(&mut self, state: T) {
        self.0.push(state);
    }

    /// A read shows `state`: it must be possible, and stays.
    pub(crate) fn settle(&mut self, state: T, is: impl Fn(&T, &T) -> bool) -> Result<(), &[T]> {
        if self.0.iter().any(|possible| is(possible, &state)) {
            self.0 = vec![state];
            Ok(())
        } else {
            Err(&self.0)
        }
    }
}

/// One user name and what may stand behind it.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) user_name: String,
    pub(crate) user: Possible<Option<User>>,
    /// Whether the user is a member of the group that all writers share.
    pub(crate) shared_member: Possible<bool>,
}

/// All that one writer writes.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) writer: usize,
    pub(crate) slots: Vec<Slot>,
    /// The id of the group that only this writer changes.
    pub(crate) group_id: String,
    pub(crate) group: Possible<Group>,
    /// The id of the group in which every writer has its own users.
    pub(crate) shared_group_id: String,
    /// Ids whose deletion was acknowledged.
    pub(crate) graves: Vec<String>,
    /// Numbers every written value, so that no two states look alike.
    pub(crate) serial: u64,
    pub(crate) acknowledgements: u64,
}

impl Model {
    /// How many writes were acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledgements
    }

    /// A value that was never written before.
    pub(crate) fn fresh(&mut self, what: &str) -> String {
        self.serial += 1;
        format!("{what} {} of writer {}", self.serial, self.writer)
    }
}
