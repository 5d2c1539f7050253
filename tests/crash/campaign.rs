//! Rounds of writing, killing, restarting and comparing.

use std::{
    thread,
    time::{Duration, Instant, SystemTime},
};

use scim_connector_test_http::server::{Fault, Server};
use tempfile::TempDir;

use crate::{
    downstream::Downstream,
    http::Client,
    model::Model,
    moment::{self, Moment, Target},
    number,
    relay::Home,
    rng::Rng,
    times::Times,
    verify, writer,
};

/// Clients that write at once; each owns its users and a group, and all share one group.
const WRITERS: usize = 4;
/// Failed deliveries are tried again soon, so that a round has many attempts.
const DELIVERY: &str = "[delivery]\ndelay-ms-min = 10\ndelay-seconds-max = 1\n";
/// The server sees its clients' end by then.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// G01 nothing acknowledged is lost; G02 what is owed is committed with it; G05 no system downstream is told of an older
/// version after a newer one; G06 what is told twice is done once: each becomes equal to the store.
#[test]
fn g01_g02_g05_g06_kills_lose_nothing_that_was_acknowledged() {
    let rounds = number("ROUNDS").unwrap_or(100);
    let seed = number("SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_secs()
    });
    println!("crash: {rounds} rounds, SEED={seed}");
    let mut campaign = Campaign::begin(seed);
    let mut target = Target::new(campaign.home.start().0);
    for round in 0..rounds {
        target = campaign.round(round, target);
    }
    campaign.end(rounds);
}

/// The configuration's tables in that turn.
fn tables(systems: &[Downstream], turn: u64) -> String {
    let connectors = systems.iter().map(|system| system.tables(turn));
    [DELIVERY.to_owned()].into_iter().chain(connectors).collect()
}

struct Campaign {
    home: Home,
    key: String,
    models: Vec<Model>,
    systems: Vec<Downstream>,
    rng: Rng,
    kills: u64,
    after_acknowledgement: u64,
    at_points: u64,
    reloads: u64,
    first_reads: Times,
    first_deliveries: Times,
    _directory: TempDir,
}

impl Campaign {
    fn begin(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start().unwrap();
        let mut faults = rng.fork();
        server.fail(move |_, _| fault(&mut faults));
        let systems = vec![
            Downstream::file("people", &directory.path().join("people.json")),
            Downstream::http("directory", server),
        ];
        let home = Home::with(directory.path(), &tables(&systems, 0));
        let key = home.create_key();
        let (relay, _) = home.start();
        let models = writer::set_up(home.scim, &key, WRITERS);
        drop(relay);
        Self {
            home,
            key,
            models,
            systems,
            rng,
            kills: 0,
            after_acknowledgement: 0,
            at_points: 0,
            reloads: 0,
            first_reads: Times::default(),
            first_deliveries: Times::default(),
            _directory: directory,
        }
    }

    /// Has clients write until the relay is killed, starts it anew and compares.
    fn round(&mut self, round: u64, mut target: Target) -> Target {
        let moment = Moment::of(round);
        if let Moment::AtPoint(point) = moment {
            target.kill();
            self.killed();
            target = moment::start_towards(point, &self.home, &mut self.rng);
        }
        self.write_until(moment, &target, round);
        self.killed();
        match moment {
            Moment::AtRandom => {}
            Moment::OfAcknowledgement => self.after_acknowledgement += 1,
            Moment::AtPoint(_) => self.at_points += 1,
        }
        if self.rng.below(8) == 0 {
            // A second power cut while the relay recovers from the first.
            let mut recovering = self.home.spawn();
            thread::sleep(Duration::from_millis(self.rng.below(60)));
            moment::kill(&mut recovering);
            self.killed();
        }
        let target = self.restart();
        verify::served(&mut self.client(), &mut self.models, round);
        verify::delivered(&self.home, &self.models, &mut self.systems, round);
        verify::sound(&self.home, round);
        target
    }

    /// In some rounds the relay is given another configuration meanwhile.
    fn write_until(&mut self, moment: Moment, target: &Target, round: u64) {
        self.home.configure(&tables(&self.systems, round));
        let is_reloaded = self.rng.below(3) == 0;
        let (home, key, rng, systems) = (&self.home, self.key.as_str(), &mut self.rng, &mut self.systems);
        self.reloads += thread::scope(|scope| {
            for model in &mut self.models {
                let rng = rng.fork();
                scope.spawn(move || writer::write(home.scim, key, model, target, rng));
            }
            let reload = is_reloaded.then(|| scope.spawn(|| home.try_command(&["reload"]).is_ok()));
            target.end_at(moment, home, rng, || systems.iter_mut().for_each(|system| drop(system.look())));
            reload.map_or(0, |reload| u64::from(reload.join().unwrap()))
        });
    }

    /// A relay is gone: what it had sent is done by now, and no system shows what it must not.
    fn killed(&mut self) {
        self.kills += 1;
        for system in &mut self.systems {
            if let Some(server) = system.server() {
                assert!(server.wait_until_idle(IDLE_LIMIT), "a killed relay holds connections");
            }
            system.look();
        }
    }

    /// Starts the relay, and measures how long it took to answer a read and to deliver.
    fn restart(&mut self) -> Target {
        let server = self.systems.iter().find_map(Downstream::server).unwrap();
        let before = server.counts().requests;
        let started = Instant::now();
        let mut relay = self.home.spawn();
        let mut client = self.client();
        while !matches!(client.request("GET", "/scim/v2/Users?count=1", None), Ok(answer) if answer.status == 200) {
            if let Some(status) = relay.child.try_wait().unwrap() {
                panic!("the relay ended with {status}\n{}", self.home.log_tail());
            }
            assert!(started.elapsed() < Duration::from_secs(30), "no good read\n{}", self.home.log_tail());
            thread::sleep(Duration::from_millis(1));
        }
        self.first_reads.add(started.elapsed());
        self.home.wait_until_ready(&mut relay);
        for look in 1.. {
            if server.counts().requests > before {
                self.first_deliveries.add(started.elapsed());
                break;
            }
            // Where nothing is owed, nothing comes.
            if look % 100 == 0 && verify::deliveries_owed(&self.home) == 0 {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "no delivery\n{}", self.home.log_tail());
            thread::sleep(Duration::from_millis(1));
        }
        Target::new(relay)
    }

    fn client(&self) -> Client {
        Client::new(self.home.scim, Some(&self.key))
    }

    fn end(mut self, rounds: u64) {
        verify::graves(&mut self.client(), &self.models);
        let acknowledged: u64 = self.models.iter().map(Model::acknowledged).sum();
        let counts = self.systems.iter().find_map(Downstream::server).unwrap().counts();
        let Self { kills, after_acknowledgement, at_points, reloads, .. } = self;
        println!(
            "crash: {acknowledged} acknowledgements, {kills} kills, {after_acknowledgement} of them in the instant of \
             one and {at_points} at marked points, {reloads} reloads; 0 lost"
        );
        println!("crash: first good read after a start: {}", self.first_reads);
        println!("crash: first delivery after a start: {}", self.first_deliveries);
        println!("crash: {counts:?}");
        assert!(acknowledged >= rounds * 10, "proves nothing: only {acknowledged} acknowledgements in {rounds} rounds");
        assert!(kills >= rounds, "proves nothing: only {kills} kills in {rounds} rounds");
        assert!(reloads >= rounds / 20, "proves nothing: only {reloads} reloads");
        assert!(counts.repeats >= rounds, "proves nothing: only {} repetitions", counts.repeats);
        self.systems.clear();
    }
}

/// One request in five fails, each in its way.
fn fault(rng: &mut Rng) -> Fault {
    match rng.below(100) {
        0..8 => Fault::DoThenDrop,
        8..11 => Fault::DoThenGarble,
        11..14 => Fault::Drop,
        14..17 => Fault::Answer(500),
        17..20 => Fault::Slow(Duration::from_millis(rng.below(40))),
        _ => Fault::None,
    }
}
