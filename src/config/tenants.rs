//! Tenants: names, base paths, dialects.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Tenant, check,
    connectors::Checked,
    declared::Declared,
    key::Key,
    problem::{Code, Problems},
    raw,
    source::Source,
};
use crate::{
    dialect::Dialect,
    provider,
    scim::schema::{ResourceType, ResourceTypes, Uniqueness},
    store::{self, TenantName, UniqueId},
};

/// Reports everything wrong with tenants.
pub(super) fn check(tenants: &BTreeMap<String, raw::Tenant>, source: &Source, problems: &mut Problems<'_>) {
    if source.names_in("tenants").is_empty() {
        problems.report(
            Code::Missing,
            &Key::of(["tenants"]),
            "there is no tenant, so nothing to serve",
            "add a table [tenants.NAME]; NAME stands for one client",
        );
    }
    for (name, tenant) in tenants {
        let key = Key::of(["tenants", name]);
        check::name(&key, problems);
        base_path_shape(&tenant.base_path, &key.then("base-path"), problems);
        check::brake(&tenant.brake, &key.then("brake"), problems);
        if Dialect::named(&tenant.dialect).is_none() {
            let known = Dialect::all().iter().map(|dialect| dialect.name).collect::<Vec<_>>().join(", ");
            problems.report(
                Code::WrongValue,
                &key.then("dialect"),
                "no such dialect",
                format!("write one of: {known}"),
            );
        }
    }
    base_paths_apart(tenants, problems);
}

/// The tenants as each side needs them. `None` if one has a problem.
pub(super) fn build(
    tenants: BTreeMap<String, raw::Tenant>,
    mut declared: BTreeMap<String, Declared>,
    connectors: &[Checked],
) -> Option<Vec<Tenant>> {
    let build = |(name, tenant): (String, raw::Tenant)| build_one(&name, tenant, declared.remove(&name)?, connectors);
    tenants.into_iter().map(build).collect()
}

fn build_one(name: &str, tenant: raw::Tenant, declared: Declared, connectors: &[Checked]) -> Option<Tenant> {
    let name = TenantName(name.into());
    let dialect = Dialect::named(&tenant.dialect)?;
    let types = resource_types(&tenant, &declared.types, dialect);
    let connectors = connectors.iter().filter(|checked| checked.connector.tenant == name);
    Some(Tenant {
        store: store::Tenant {
            name: name.clone(),
            types: types.clone(),
            indexed_attributes: declared.indexed,
            unique_id: tenant.unique_id,
            group_names_unique: dialect.group_names_unique,
            on_rehire: tenant.on_rehire,
            may_update: tenant.provisioning.update,
            may_deactivate: tenant.provisioning.deactivate,
            passwords: tenant.provisioning.passwords,
            brake: tenant.brake,
            connectors: connectors.map(|checked| checked.store.clone()).collect(),
        },
        scim: Arc::new(provider::Tenant {
            name,
            base_path: tenant.base_path,
            dialect,
            unique_id: tenant.unique_id,
            switches: tenant.provisioning,
            types,
        }),
    })
}

/// The resource types of a tenant: with or without groups, and with what is unique in it, so that `/Schemas` says so.
fn resource_types(tenant: &raw::Tenant, declared: &ResourceTypes, dialect: &Dialect) -> ResourceTypes {
    let served = declared.iter().filter(|served| tenant.provisioning.groups || !served.kind.is_group());
    let with_uniqueness = served.map(|served| {
        let mut resource_type = ResourceType::clone(served);
        if resource_type.kind.is_group() && dialect.group_names_unique {
            make_unique(&mut resource_type, "displayName", None);
        }
        if resource_type.kind.as_str() == "User" && tenant.unique_id == UniqueId::EmailsValue {
            make_unique(&mut resource_type, "emails", Some("value"));
        }
        resource_type
    });
    ResourceTypes::new(with_uniqueness.collect())
}

fn make_unique(resource_type: &mut ResourceType, attribute: &str, sub_attribute: Option<&str>) {
    let schema = Arc::make_mut(&mut resource_type.schema);
    let mut attributes = schema.attributes.iter_mut();
    let Some(mut found) = attributes.find(|known| known.name == attribute) else { return };
    if let Some(name) = sub_attribute {
        let Some(sub) = found.sub_attributes.iter_mut().find(|known| known.name == name) else { return };
        found = sub;
    }
    found.uniqueness = Uniqueness::Server;
}

fn base_path_shape(path: &str, key: &Key, problems: &mut Problems<'_>) {
    let is_segment = |segment: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
        !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_plain)
    };
    if !path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_segment)) {
        problems.report(
            Code::WrongValue,
            key,
            "not a base path",
            "begin with / and do not end with one, as in \"/scim/v2\"; letters, digits and - _ ~ . between",
        );
    }
}

/// Reports base paths of which one is, or is in, another.
fn base_paths_apart(tenants: &BTreeMap<String, raw::Tenant>, problems: &mut Problems<'_>) {
    let covers = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    for (index, (name, tenant)) in tenants.iter().enumerate() {
        let path = tenant.base_path.as_str();
        let clash = tenants
            .iter()
            .take(index)
            .find(|(_, earlier)| covers(&earlier.base_path, path) || covers(path, &earlier.base_path));
        if let Some((earlier, _)) = clash {
            problems.report(
                Code::Conflict,
                &Key::of(["tenants", name, "base-path"]),
                format!("the same as that of tenant {earlier}, or one is below the other"),
                format!("give each tenant a path of its own, as in \"/{name}/scim/v2\""),
            );
        }
    }
}
