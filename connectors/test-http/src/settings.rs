//! The table `[connectors.NAME.settings]`.

use schemars::JsonSchema;
use scim_connector::SettingsProblem;
use serde::Deserialize;

/// Settings of kind `test-http`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Where the system is: `http://HOST:PORT`.
    pub url: String,

    /// Changes in one call.
    #[serde(default = "default_batch_max")]
    pub batch_max: usize,

    /// Calls at once.
    #[serde(default = "default_in_flight_max")]
    pub in_flight_max: usize,

    /// How long one answer may take, in milliseconds.
    #[serde(default = "default_answer_ms_max")]
    pub answer_ms_max: u64,
}

impl Settings {
    /// The host and port in `url`.
    pub(crate) fn authority(&self) -> Result<String, Vec<SettingsProblem>> {
        let uri = self.url.parse::<http::Uri>().ok().filter(|uri| uri.scheme_str() == Some("http"));
        let authority = uri.and_then(|uri| uri.authority().map(ToString::to_string));
        let mut problems = Vec::new();
        if authority.is_none() {
            problems.push(SettingsProblem {
                key: "url".into(),
                message: "is no URL of plain HTTP".into(),
                remedy: "give one such as \"http://127.0.0.1:8081\"".into(),
            });
        }
        for (key, number) in [("batch-max", self.batch_max), ("in-flight-max", self.in_flight_max)] {
            if number == 0 {
                problems.push(SettingsProblem {
                    key: key.into(),
                    message: "is zero".into(),
                    remedy: "give at least 1".into(),
                });
            }
        }
        match authority {
            Some(authority) if problems.is_empty() => Ok(authority),
            _ => Err(problems),
        }
    }
}

fn default_batch_max() -> usize {
    10
}

fn default_in_flight_max() -> usize {
    4
}

fn default_answer_ms_max() -> u64 {
    5_000
}
