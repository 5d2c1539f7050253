//! Minutes of traffic while one system downstream is dead, beside the same with all of them well.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    thread,
};

use scim_connector_test_http::server::Server;

use crate::{
    Options, delivery, measure,
    measure::{Load, Plan},
    megabytes,
    operation::Operation,
    report::Report,
    seed,
};

/// What is at the other end of the second connector.
enum System {
    Well(Server),
    /// It takes connections and says nothing.
    Dead(SocketAddr),
}

impl System {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Well(server) => server.address(),
            Self::Dead(address) => *address,
        }
    }
}

/// Measures windows of traffic by half Okta's and half Entra's cycles. An answer that is no success ends the driver.
pub(crate) async fn run(directory: &Path, options: &Options, report: &mut Report) {
    for (name, system) in [("all are well", System::Well(Server::start().unwrap())), ("one is dead", dead())] {
        let tables = format!(
            "[connectors.people]\nkind = \"json-file\"\ntenant = \"acme\"\non-delete = \"delete\"\n\
             [connectors.people.brake]\nremovals-min = 100000000\n\
             [connectors.people.settings]\npath = \"people.json\"\nmode = \"journal\"\n\
             [connectors.directory]\nkind = \"test-http\"\ntenant = \"acme\"\non-delete = \"delete\"\n\
             [connectors.directory.brake]\nremovals-min = 100000000\n\
             [connectors.directory.settings]\nurl = \"http://{}\"\n",
            system.address()
        );
        let home = delivery::home(directory, name, &tables);
        let key = home.create_key();
        let (relay, _) = home.start();
        let fixture = seed::users(home.scim, &key, options.users_few).await;
        let connections = options.connections.last().copied().unwrap_or(1);
        let plan = Plan { operation: Operation::MixedCycles, connections, round: options.round };
        for window in 1..=options.windows {
            let load = Load { address: home.scim, key: &key, fixture: &fixture, answers: None };
            let round = measure::round(&plan, &load).await;
            let seconds = options.round.as_secs_f64() * window as f64;
            report.load(&format!("{name}, {seconds:.0} s: {:.0} MB resident", megabytes(&relay)), &plan, &round);
        }
        report.number(&format!("{name}: owed at the end"), delivery::pending(&home) as f64, "deliveries", None);
    }
}

/// An address where connections are taken and kept, and nothing is ever said.
fn dead() -> System {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let kept: Vec<_> = listener.incoming().collect();
        drop(kept);
    });
    System::Dead(address)
}
