//! What types cannot say about the settings that are not a tenant's or a connector's.

use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use super::{
    Config, connectors, declared,
    key::Key,
    problem::{Code, Problems},
    raw::Raw,
    secrets,
    source::{Environment, Source},
    tenants,
};
use crate::store::Brake;

/// Characters of a connector's or a tenant's name.
const NAME_CHARACTERS_MAX: usize = 63;

/// Checks everything. `None` only with a problem reported.
pub(super) fn config(
    raw: Raw,
    path: &Path,
    environment: &Environment,
    source: &Source,
    problems: &mut Problems<'_>,
) -> Option<Config> {
    let base_dir = base_dir(path);
    let data_dir = base_dir.join(&raw.data_dir);
    data_dir_usable(&data_dir, problems);
    level(&raw.log.level, problems);
    let server = super::server::check(raw.server, &base_dir, problems);
    delivery(&raw.delivery, problems);
    let secret_key = secrets::secret_key(
        raw.secret_key_file.as_deref(),
        raw.secret_key_env.as_deref(),
        &base_dir,
        environment,
        problems,
    );
    tenants::check(&raw.tenants, source, problems);
    secrets::key_for_passwords(&raw.tenants, secret_key.is_some(), problems);
    let declared = declared::check(&raw.tenants, &base_dir, problems);
    let connectors = connectors::check(raw.connectors, &raw.tenants, &declared, &base_dir, source, problems);
    let tenants = tenants::build(raw.tenants, declared, &connectors)?;
    let connectors = connectors.into_iter().map(|checked| checked.connector).collect();
    Some(Config {
        file: path.to_owned(),
        stamp: String::new(),
        environment: environment.clone(),
        watch: raw.watch,
        data_dir,
        secret_key,
        log: raw.log,
        server,
        admin: raw.admin,
        delivery: raw.delivery,
        retention: raw.retention,
        tenants,
        connectors,
    })
}

/// The folder of the configuration file, where relative paths start.
pub(super) fn base_dir(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// Reports a brake that would never hold, or says more than everything.
pub(super) fn brake(brake: &Brake, key: &Key, problems: &mut Problems<'_>) {
    if brake.percent > 100 {
        problems.report(
            Code::WrongValue,
            &key.then("percent"),
            "more than everything",
            "write 0 to 100; a large removals-min lets everything go",
        );
    }
    if brake.window_seconds == 0 {
        problems.report(
            Code::WrongValue,
            &key.then("window-seconds"),
            "nothing would ever count",
            "write for how long a removal counts, such as 3600; a large removals-min lets everything go",
        );
    }
}

/// Reports a name that is not `[a-z0-9-]{1,63}`.
pub(super) fn name(key: &Key, problems: &mut Problems<'_>) {
    let name = key.name();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > NAME_CHARACTERS_MAX || !name.bytes().all(is_plain) {
        problems.report(
            Code::WrongValue,
            key,
            "not a name that is possible here",
            "use 1 to 63 of the characters a-z, 0-9 and -",
        );
    }
}

fn data_dir_usable(data_dir: &Path, problems: &mut Problems<'_>) {
    let key = Key::of(["data-dir"]);
    // The check changes nothing, so it asks of the nearest folder that exists.
    let existing = data_dir.ancestors().map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
    let Some((folder, metadata)) =
        existing.into_iter().find_map(|folder| Some((folder, std::fs::metadata(folder).ok()?)))
    else {
        return problems.report(Code::Reference, &key, "no folder above it exists", "name a folder on a local disk");
    };
    let shown = folder.display();
    if !metadata.is_dir() {
        problems.report(Code::Reference, &key, format!("{shown} is not a folder"), "name a folder, or one to be made");
    } else if metadata.permissions().readonly() {
        problems.report(
            Code::Reference,
            &key,
            format!("{shown} is read-only"),
            format!("make {shown} writable for the relay's user, or name another folder"),
        );
    }
}

fn level(level: &str, problems: &mut Problems<'_>) {
    if level.is_empty() || EnvFilter::try_new(level).is_err() {
        problems.report(
            Code::WrongValue,
            &Key::of(["log", "level"]),
            "not a level",
            "write error, warn, info, debug or trace; by module too, as in \"info,scim_relay::dispatch=debug\"",
        );
    }
}

fn delivery(settings: &crate::dispatch::Settings, problems: &mut Problems<'_>) {
    let key = |name| Key::of(["delivery", name]);
    for (name, value) in [
        ("delay-ms-min", settings.delay_ms_min),
        ("delay-seconds-max", settings.delay_seconds_max),
        ("attempts-max", u64::from(settings.attempts_max)),
        ("call-seconds-max", settings.call_seconds_max),
    ] {
        if value == 0 {
            problems.report(Code::WrongValue, &key(name), "0 is not possible here", "write 1 or more");
        }
    }
    if settings.delay_ms_min > settings.delay_seconds_max.saturating_mul(1000) {
        problems.report(
            Code::Conflict,
            &key("delay-ms-min"),
            "longer than delay-seconds-max",
            "make it shorter, or delay-seconds-max longer",
        );
    }
}
