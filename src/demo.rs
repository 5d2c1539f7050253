//! `scim-relay demo`: a relay on embedded defaults, and the traffic of two identity providers played at it, so that one
//! sees it work.

pub mod exchange;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use anyhow::{Context, anyhow};
use serde_json::Value;

use self::exchange::{Answer, Exchange, Player};
use crate::{
    app::App,
    client::{self, Client, Credential},
    config::{self, Environment},
    time::Clock,
};

/// What `scim-relay demo` shall do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Play the demonstration and end, in place of staying up to be played with.
    pub once: bool,
    /// The folder to keep it in; `None` for a temporary one.
    pub dir: Option<std::path::PathBuf>,
}

const CONFIG: &str = include_str!("demo/relay.toml");

/// Who speaks, to which tenant of the configuration, and what: exchanges as recorded.
const LIVES: [(&str, &str, &str); 2] = [
    ("Okta", "okta", include_str!("../tests/dialects/okta/oin-patch.json")),
    ("Microsoft Entra ID", "entra", include_str!("../tests/dialects/entra/default.json")),
];

/// How long the JSON file may take to follow the traffic.
const DELIVERY_TIME: Duration = Duration::from_secs(30);
/// How long a request may take.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Runs the demonstration, and says on standard output what happens.
///
/// # Errors
/// It could not start, or an answer was not what its client needs.
#[expect(clippy::print_stdout, reason = "showing what happens is what a demonstration is for")]
pub async fn run(options: Options) -> anyhow::Result<()> {
    let (dir, temporary) = match &options.dir {
        Some(dir) => (dir.clone(), false),
        None => (std::env::temp_dir().join(format!("scim-relay-demo-{}", std::process::id())), true),
    };
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let file = dir.join("relay.toml");
    fs::write(&file, CONFIG)?;
    let mut config = config::load(&file, &Environment::default())
        .map_err(|problems| anyhow!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
    // Ports that the system picks are free, whatever else runs on this machine.
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.server.listen = vec![any_port];
    config.admin.listen = any_port;

    let app = App::start(config, Clock::system()).await?;
    println!("A relay runs, with its store, its configuration and its JSON files in\n{}\n", dir.display());
    let tls = client::trust(None)?;
    let mut doors = Vec::new();
    for (who, tenant, exchanges) in LIVES {
        let key = app.create_key(tenant, "demo").await?;
        let base = format!("http://{}/{tenant}/scim/v2", app.scim_address()).parse()?;
        let client = Client::new(base, Credential::Bearer(key.clone().into()), tls.clone(), ANSWER_TIME);
        println!("{who} speaks:");
        play(&client, exchanges).await.with_context(|| who.to_owned())?;
        println!();
        doors.push((who, client, key));
    }
    delivered(&app).await?;
    for (who, tenant, _) in LIVES {
        let file = dir.join(format!("{tenant}-people.json"));
        println!("What {who} left in {}:\n{}", file.display(), fs::read_to_string(&file)?);
    }
    for (who, client, key) in &doors {
        println!("{who}: base URL {}, bearer key {key}", client.base());
    }
    println!("Metrics: http://{}/metrics", app.admin_address());
    if !options.once {
        println!("\nThe relay goes on; Ctrl-C ends it.");
        tokio::signal::ctrl_c().await?;
    }
    app.stop().await;
    if options.once && temporary {
        remove(&dir);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "showing what happens is what a demonstration is for")]
async fn play(client: &Client, exchanges: &str) -> anyhow::Result<()> {
    let mut player = Player::default();
    for exchange in serde_json::from_str::<Vec<Exchange>>(exchanges)? {
        let request = player.request(&exchange);
        let answer = sent(client, &request).await?;
        println!("  {:<38} {:<6} {:<44.44} {}", exchange.name, request.method, request.path, answer.status);
        player.check(&exchange, &answer).map_err(|wrong| anyhow!("{}: {wrong}", exchange.name))?;
    }
    Ok(())
}

async fn sent(client: &Client, request: &exchange::Request) -> anyhow::Result<Answer> {
    let response = client
        .send(client::Request {
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.clone().into_iter().collect(),
            body: request.body.as_ref().map(|body| body.to_string().into_bytes()),
        })
        .await?;
    let body = match response.body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&response.body).context("an answer that is no JSON")?,
    };
    Ok(Answer { status: response.status, body })
}

/// Waits until nothing is owed to any connector.
async fn delivered(app: &App) -> anyhow::Result<()> {
    let mut changes = app.store().deliverable();
    let settled = async {
        loop {
            changes.mark_unchanged();
            if app.store().connectors().await?.iter().all(|connector| connector.pending == 0) {
                return anyhow::Ok(());
            }
            // A settled delivery may come without a change that makes another deliverable, so look again soon.
            let _ = tokio::time::timeout(Duration::from_millis(50), changes.changed()).await;
        }
    };
    tokio::time::timeout(DELIVERY_TIME, settled).await.context("the JSON file does not follow")?
}

fn remove(dir: &Path) {
    if let Err(error) = fs::remove_dir_all(dir) {
        tracing::warn!(%error, "the demonstration's folder was not removed");
    }
}
