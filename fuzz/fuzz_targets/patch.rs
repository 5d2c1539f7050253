//! A PATCH in any words is refused, or understood and applied without a panic; applied to what came of it once more, it
//! is applied or refused too.

#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use scim_relay::{
    dialect::{Dialect, Quirks},
    scim::{
        Error, Object,
        filter::Filter,
        json,
        patch::{self, Members, Patch},
        resource::{Member, Unknown},
        schema::ResourceTypes,
    },
};

static TYPES: LazyLock<ResourceTypes> = LazyLock::new(ResourceTypes::core);

#[derive(Default)]
struct MemberSet(BTreeMap<String, Option<String>>);

impl Members for MemberSet {
    fn add(&mut self, member: Member) -> Result<bool, Error> {
        Ok(self.0.insert(member.value, member.display).is_none())
    }

    fn remove(&mut self, value: &str) -> Result<bool, Error> {
        Ok(self.0.remove(value).is_some())
    }

    fn remove_matching(&mut self, filter: Option<&Filter>) -> Result<bool, Error> {
        if filter.is_none() {
            self.0.clear();
        }
        Ok(true)
    }

    fn replace(&mut self, members: Vec<Member>) -> Result<bool, Error> {
        self.0 = members.into_iter().map(|member| (member.value, member.display)).collect();
        Ok(true)
    }
}

fuzz_target!(|body: &[u8]| {
    let Ok(body) = json::parse(body) else { return };
    for dialect in Dialect::all() {
        for resource_type in TYPES.iter() {
            let Ok(body) = dialect.patch(resource_type, "id", body.clone(), &mut Quirks::default()) else { continue };
            let Ok(patch) = Patch::parse(resource_type, body, Unknown::Drop, &mut Vec::new()) else { continue };
            let mut attributes = Object::from_iter([
                ("userName".to_owned(), "ann".into()),
                ("displayName".to_owned(), "Ann".into()),
            ]);
            let mut members = MemberSet::default();
            for _ in 0..2 {
                if patch::apply(resource_type, &mut attributes, &mut members, &patch).is_err() {
                    break;
                }
            }
        }
    }
});
