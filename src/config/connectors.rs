//! Connectors: names, kinds, settings, mappings.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest;
use scim_connector::{BuildContext, Kind, ResourceKind};
use serde_json::Value;

use super::{
    Connector, check,
    declared::Declared,
    files,
    key::Key,
    policies,
    problem::{Code, Problems},
    raw,
    read::{Flaw, take_out},
    source::Source,
};
use crate::{
    connectors::{self, KINDS},
    mapping::{self, Mapping},
    scim::schema::ResourceTypes,
    store::{self, ConnectorName, Policy, Scope, TenantName},
};

/// How many problems are looked for in the settings of one connector.
const SETTINGS_PROBLEMS_MAX: usize = 20;

/// A connector without problems, as each side needs it.
pub(super) struct Checked {
    pub(super) connector: Connector,
    pub(super) store: store::Connector,
}

/// Reports everything wrong with connectors, and gives those with nothing wrong.
pub(super) fn check(
    connectors: BTreeMap<String, raw::Connector>,
    tenants: &BTreeMap<String, raw::Tenant>,
    declared: &BTreeMap<String, Declared>,
    base_dir: &Path,
    source: &Source,
    problems: &mut Problems<'_>,
) -> Vec<Checked> {
    let core = ResourceTypes::core();
    files_apart(&connectors, base_dir, problems);
    connectors
        .into_iter()
        .filter_map(|(name, mut raw)| {
            let key = Key::of(["connectors", &name]);
            check::name(&key, problems);
            let tenant = tenant(&raw, &key, tenants, source, problems);
            let types =
                tenant.as_ref().and_then(|tenant| declared.get(tenant)).map_or(&core, |declared| &declared.types);
            let kinds = resource_kinds(&raw.resources, types, &key.then("resources"), problems);
            let mappings = mappings(&raw.mapping, types, &kinds, &key.then("mapping"), problems);
            let scope = scope(&raw.scope, types, &kinds, &key.then("scope"), problems);
            check::brake(&raw.brake, &key.then("brake"), problems);
            let kind = kind(&raw, &key, problems)?;
            let fingerprint = fingerprint(&raw);
            let stamp = stamp(&raw, tenant.as_ref().and_then(|tenant| tenants.get(tenant)), base_dir);
            let settings = Value::Object(std::mem::take(&mut raw.settings));
            build(kind, &name, &settings, base_dir, &key.then("settings"), problems);
            policies::check(kind, &raw, &settings, &key, problems);
            let context = BuildContext { name: name.clone(), base_dir: base_dir.to_owned() };
            // Settings that cannot be read have been reported.
            let system = (kind.system)(settings.clone(), &context)?;
            let name = ConnectorName(name.as_str().into());
            let policy = Arc::new(Policy { scope, on_deactivate: raw.on_deactivate, on_delete: raw.on_delete });
            Some(Checked {
                connector: Connector {
                    name: name.clone(),
                    tenant: TenantName(tenant?.into()),
                    policy: policy.clone(),
                    mappings,
                    kind,
                    stamp,
                    settings,
                    base_dir: base_dir.to_owned(),
                },
                store: store::Connector {
                    name,
                    kinds,
                    policy,
                    brake: raw.brake,
                    passwords: raw.passwords,
                    backfill: raw.backfill,
                    fingerprint,
                    // Another kind is another system, whatever it calls it.
                    system: format!("{} {system}", kind.name).into(),
                },
            })
        })
        .collect()
}

/// Stands for all that decides what the connector makes of a resource. A change of it owes everything again.
fn fingerprint(raw: &raw::Connector) -> Arc<str> {
    let decides = (&raw.kind, &raw.settings, &raw.mapping, &raw.scope, raw.on_deactivate, raw.on_delete);
    // What was read from TOML can be written as JSON.
    digest_of(&serde_json::to_string(&decides).unwrap_or_default())
}

fn digest_of(text: &str) -> Arc<str> {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Stands for all that the connector is built and told from: its own table, its tenant's, and the files that they name.
fn stamp(raw: &raw::Connector, tenant: Option<&raw::Tenant>, base_dir: &Path) -> Arc<str> {
    let tables = serde_json::json!({ "connector": raw, "tenant": tenant });
    digest_of(&format!("{tables} {}", files::stamp(&files::named(&tables, base_dir))))
}

/// The connector's tenant, if it exists and takes passwords where the connector wants them.
fn tenant(
    raw: &raw::Connector,
    key: &Key,
    tenants: &BTreeMap<String, raw::Tenant>,
    source: &Source,
    problems: &mut Problems<'_>,
) -> Option<String> {
    let known = source.names_in("tenants");
    let known_text = known.join(", ");
    let Some(name) = &raw.tenant else {
        problems.report(
            Code::Missing,
            &key.then("tenant"),
            "is not set",
            format!("name one of the tenants: {known_text}"),
        );
        return None;
    };
    // One that could not be read is known all the same.
    if !known.contains(&name.as_str()) {
        problems.report(
            Code::WrongValue,
            &key.then("tenant"),
            "no such tenant",
            format!("name one of the tenants: {known_text}; or add a table [tenants.NAME]"),
        );
        return None;
    }
    if raw.passwords && tenants.get(name).is_some_and(|tenant| !tenant.provisioning.passwords) {
        problems.report(
            Code::Conflict,
            &key.then("passwords"),
            format!("tenant {name} drops passwords, so the connector would get none"),
            format!("set tenants.{name}.provisioning.passwords = true, or false here"),
        );
    }
    Some(name.clone())
}

fn kind(raw: &raw::Connector, key: &Key, problems: &mut Problems<'_>) -> Option<&'static Kind> {
    let known = KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let key = key.then("kind");
    let Some(name) = &raw.kind else {
        problems.report(Code::Missing, &key, "is not set", format!("write one of: {known}"));
        return None;
    };
    let kind = connectors::kind(name);
    if kind.is_none() {
        problems.report(
            Code::WrongValue,
            &key,
            "no such kind, or this program was built without it",
            format!("write one of: {known}"),
        );
    }
    kind
}

fn resource_kinds(
    names: &[String],
    types: &ResourceTypes,
    key: &Key,
    problems: &mut Problems<'_>,
) -> Vec<ResourceKind> {
    let mut kinds = Vec::new();
    for name in names {
        let kind = ResourceKind::new(name);
        if types.get(&kind).is_none() {
            let known = types.iter().map(|known| known.kind.as_str()).collect::<Vec<_>>().join(", ");
            problems.report(
                Code::WrongValue,
                key,
                "names a resource type that does not exist",
                format!("known: {known}"),
            );
        } else if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if names.is_empty() {
        problems.report(Code::WrongValue, key, "empty, so the connector would get nothing", "name User, Group or both");
    }
    kinds
}

/// The filters that choose among the resources that the connector gets.
fn scope(
    raw: &BTreeMap<String, String>,
    types: &ResourceTypes,
    kinds: &[ResourceKind],
    key: &Key,
    problems: &mut Problems<'_>,
) -> Scope {
    let mut filters = BTreeMap::new();
    for (table, text) in raw {
        let key = key.then(table);
        let Some(resource_type) = types.iter().find(|known| known.kind.as_str().to_lowercase() == *table) else {
            let known = types.iter().map(|known| known.kind.as_str().to_lowercase()).collect::<Vec<_>>().join(", ");
            problems.report(Code::UnknownKey, &key, "no resource type has this name", format!("known: {known}"));
            continue;
        };
        if !kinds.contains(&resource_type.kind) {
            problems.report(
                Code::Conflict,
                &key,
                format!("the connector gets no {}, so there is nothing to choose from", resource_type.kind),
                format!("add \"{}\" to its resources, or take the filter out", resource_type.kind),
            );
        }
        let condition = mapping::condition(resource_type, text).and_then(|filter| match filter.mentions("id") {
            true => Err("id is no attribute that a scope can read".to_owned()),
            false => Ok(filter),
        });
        match condition {
            Ok(filter) => {
                filters.insert(resource_type.kind.clone(), (resource_type.clone(), filter));
            }
            Err(message) => problems.report(
                Code::WrongValue,
                &key,
                message,
                "give a SCIM filter over the resource's attributes, such as userType eq \"Employee\"",
            ),
        }
    }
    Scope::new(filters)
}

/// A mapping for each resource type that the connector gets.
fn mappings(
    raw: &BTreeMap<String, mapping::Settings>,
    types: &ResourceTypes,
    kinds: &[ResourceKind],
    key: &Key,
    problems: &mut Problems<'_>,
) -> BTreeMap<ResourceKind, Arc<Mapping>> {
    // Types whose names differ in case alone are refused, so a table is one type's.
    let tables: BTreeMap<String, _> = types.iter().map(|known| (known.kind.as_str().to_lowercase(), known)).collect();
    for name in raw.keys().filter(|name| !tables.contains_key(*name)) {
        let known = tables.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        problems.report(Code::UnknownKey, &key.then(name), "no resource type has this name", format!("known: {known}"));
    }
    let mut mappings = BTreeMap::new();
    for (table, resource_type) in tables {
        let kind = &resource_type.kind;
        let settings = raw.get(&table);
        let key = key.then(&table);
        let mapping = match settings {
            None => Some(Mapping::identity(resource_type)),
            Some(settings) => Mapping::new(resource_type, settings)
                .map_err(|found| {
                    for problem in found {
                        let key = attribute_key(&key, &problem.key, settings);
                        // A source without the key that was misspelt is incomplete; the misspelling is what to mend.
                        if !problems.is_reported_within(&key) {
                            problems.report(Code::WrongValue, &key, problem.message, problem.remedy);
                        }
                    }
                })
                .ok(),
        };
        if kinds.contains(kind) {
            mappings.extend(mapping.map(|mapping| (kind.clone(), Arc::new(mapping))));
        } else if settings.is_some() {
            problems.report(
                Code::Conflict,
                &key,
                format!("the connector gets no {kind}, so nothing is mapped"),
                format!("add \"{kind}\" to its resources, or take the table out"),
            );
        }
    }
    mappings
}

/// The key of a mapping's problem. An attribute's name may hold full stops itself.
fn attribute_key(table: &Key, key: &str, settings: &mapping::Settings) -> Key {
    let attribute =
        settings.keys().filter(|attribute| key.starts_with(attribute.as_str())).max_by_key(|name| name.len());
    match attribute.and_then(|attribute| Some((attribute, key.strip_prefix(attribute.as_str())?))) {
        Some((attribute, rest)) if rest.is_empty() || rest.starts_with('.') => table.then(attribute).then_dotted(rest),
        Some(_) | None => table.then_dotted(key),
    }
}

/// Builds the connector to see whether it can be, and reports every problem. Kinds read their settings as a whole and
/// stop at the first key that does not fit; so that key is taken out and the rest tried again.
fn build(kind: &Kind, name: &str, settings: &Value, base_dir: &Path, key: &Key, problems: &mut Problems<'_>) {
    let mut settings = settings.clone();
    for _ in 0..SETTINGS_PROBLEMS_MAX {
        let context = BuildContext { name: name.to_owned(), base_dir: base_dir.to_owned() };
        let Err(found) = (kind.build)(settings.clone(), context) else { return };
        let mut may_hide_more = false;
        for problem in &found {
            let inner = Key::root().then_dotted(&problem.key);
            let value = inner.names().iter().try_fold(&settings, |value, name| value.get(name));
            let (inner, flaw) = Flaw::of_settings(problem, &inner, value);
            problems.report(flaw.code, &key.join(&inner), flaw.message, flaw.remedy);
            may_hide_more |= found.len() == 1 && take_out(&mut settings, &inner);
        }
        if !may_hide_more {
            return;
        }
    }
}

/// Reports files that two connectors would both write.
fn files_apart(connectors: &BTreeMap<String, raw::Connector>, base_dir: &Path, problems: &mut Problems<'_>) {
    let mut owners: BTreeMap<PathBuf, &str> = BTreeMap::new();
    for (name, connector) in connectors {
        let Some(path) = connector.settings.get("path").and_then(Value::as_str) else { continue };
        if let Some(owner) = owners.insert(real_path(&base_dir.join(path)), name) {
            problems.report(
                Code::Conflict,
                &Key::of(["connectors", name, "settings", "path"]),
                format!("connector {owner} writes the same file"),
                "give each connector a file of its own",
            );
        }
    }
}

/// The path without links and dots, as far as it exists.
fn real_path(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    match existing {
        Some((ancestor, real)) => path.strip_prefix(ancestor).map_or_else(|_| path.to_owned(), |rest| real.join(rest)),
        None => path.to_owned(),
    }
}
