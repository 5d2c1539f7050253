//! Which settings another configuration may change while the relay runs.

use super::Config;

impl Config {
    /// The keys that have other values in `other` and take a restart to change: what is opened or bound once.
    pub fn takes_restart(&self, other: &Self) -> Vec<&'static str> {
        let (server, other_server) = (&self.server, &other.server);
        let expose = |config: &Self| config.secret_key.as_ref().map(|key| key.expose().to_vec());
        [
            ("data-dir", self.data_dir == other.data_dir),
            ("secret-key-file", expose(self) == expose(other)),
            ("log", self.log == other.log),
            ("server.listen", server.listen == other_server.listen),
            ("server.tls", server.tls.is_some() == other_server.tls.is_some()),
            ("server.limits", server.limits == other_server.limits),
            ("admin.listen", self.admin == other.admin),
        ]
        .into_iter()
        .filter_map(|(key, is_same)| (!is_same).then_some(key))
        .collect()
    }
}
