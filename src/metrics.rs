//! All metrics: a typed front over the `prometheus` crate. Names are `scim_relay_<noun>_<unit>`; labels are closed sets
//! or names from configuration, never data of a request.

mod labels;

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use self::labels::CONNECTOR_STATES;
pub use self::labels::{ConnectorCondition, DeliveryOutcome};

/// All metrics of one relay.
pub struct Metrics {
    registry: Registry,
    /// Requests answered, by tenant, operation and status.
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    quirks: IntCounterVec,
    dropped_attributes: IntCounterVec,
    unknown_shapes: IntCounterVec,
    repeated_changes: IntCounterVec,
    pending_references: IntGaugeVec,
    oldest_pending_reference_seconds: GaugeVec,
    panics: IntCounterVec,
    commits: IntCounterVec,
    commit_seconds: Histogram,
    commit_writes: Histogram,
    store_durable: IntGauge,
    configuration_reloads: IntCounterVec,
    configuration_refused: IntGauge,
    deliveries: IntCounterVec,
    delivery_seconds: HistogramVec,
    pending: IntGaugeVec,
    dead: IntGaugeVec,
    oldest_seconds: GaugeVec,
    waiting_members: IntGaugeVec,
    brake_staged: IntGaugeVec,
    leaver_seconds: HistogramVec,
    leaver_everywhere_seconds: HistogramVec,
    leavers: IntGaugeVec,
    leaver_oldest_seconds: GaugeVec,
    connector_state: IntGaugeVec,
    key_expiry_seconds: GaugeVec,
    connections: IntGauge,
    start_time: Gauge,
    configuration_time: Gauge,
}

const SECONDS: &[f64] =
    &[0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// From the second in which a healthy directory answers to the week in which someone was on holiday.
const LEAVER_SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0, 172_800.0, 604_800.0];

impl Metrics {
    /// Registers everything in a registry of its own.
    ///
    /// # Errors
    /// Two metrics of one name: a mistake in this file.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let build =
            IntGaugeVec::new(Opts::new("scim_relay_build_info", "Always 1; the labels name the build."), &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(build))?;
        Ok(Self {
            requests: counter(
                &registry,
                "scim_relay_requests_total",
                "SCIM requests answered, by tenant, operation and HTTP status.",
                &["tenant", "operation", "status"],
            )?,
            request_seconds: histogram(
                &registry,
                SECONDS,
                "scim_relay_request_duration_seconds",
                "Time from a SCIM request's head to its answer, by tenant and operation.",
                &["tenant", "operation"],
            )?,
            quirks: counter(
                &registry,
                "scim_relay_quirks_applied_total",
                "Habits of clients met and understood, by tenant and id in the catalogue of docs/dialects.",
                &["tenant", "id"],
            )?,
            dropped_attributes: counter(
                &registry,
                "scim_relay_dropped_attributes_total",
                "Attributes that no schema knows, dropped from requests, by tenant.",
                &["tenant"],
            )?,
            unknown_shapes: counter(
                &registry,
                "scim_relay_unknown_shapes_total",
                "Requests that were not understood, by tenant and operation; scim-relay unknown list shows them.",
                &["tenant", "operation"],
            )?,
            repeated_changes: counter(
                &registry,
                "scim_relay_repeated_changes_total",
                "Changes that a client sent for the third time or more within a day, and that changed nothing, by tenant \
                 and attribute; * for a whole resource.",
                &["tenant", "attribute"],
            )?,
            pending_references: gauge(
                &registry,
                "scim_relay_pending_references",
                "Members and managers that were named and are not there, by tenant and attribute.",
                &["tenant", "attribute"],
            )?,
            oldest_pending_reference_seconds: gauge_f64(
                &registry,
                "scim_relay_oldest_pending_reference_seconds",
                "For how long the oldest pending reference has named nobody, by tenant and attribute; 0 when none does.",
                &["tenant", "attribute"],
            )?,
            panics: counter(
                &registry,
                "scim_relay_panics_total",
                "Panics caught, by where: a promise of the program was broken.",
                &["place"],
            )?,
            commits: counter(
                &registry,
                "scim_relay_store_commits_total",
                "Transactions of the store, by result.",
                &["result"],
            )?,
            commit_seconds: {
                let histogram = Histogram::with_opts(
                    HistogramOpts::new(
                        "scim_relay_store_commit_duration_seconds",
                        "Time of one transaction of the store, its sync to disk included.",
                    )
                    .buckets(SECONDS.to_vec()),
                )?;
                registry.register(Box::new(histogram.clone()))?;
                histogram
            },
            commit_writes: {
                let histogram = Histogram::with_opts(
                    HistogramOpts::new("scim_relay_store_commit_writes", "Writes that shared one transaction.")
                        .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
                )?;
                registry.register(Box::new(histogram.clone()))?;
                histogram
            },
            store_durable: {
                let gauge = IntGauge::new(
                    "scim_relay_store_durable",
                    "0 when the data folder is on a file system that does not last; else 1.",
                )?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            configuration_reloads: counter(
                &registry,
                "scim_relay_configuration_reloads_total",
                "How often the configuration was read again while running, by outcome.",
                &["outcome"],
            )?,
            configuration_refused: {
                let gauge = IntGauge::new(
                    "scim_relay_configuration_refused",
                    "1 when the configuration that was read last is not used, and the one before stays; else 0.",
                )?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            deliveries: counter(
                &registry,
                "scim_relay_deliveries_total",
                "Attempts to deliver, by connector and outcome.",
                &["connector", "outcome"],
            )?,
            delivery_seconds: histogram(
                &registry,
                SECONDS,
                "scim_relay_delivery_duration_seconds",
                "Time of one call to a downstream system, by connector.",
                &["connector"],
            )?,
            pending: gauge(
                &registry,
                "scim_relay_deliveries_pending",
                "Deliveries owed, by connector.",
                &["connector"],
            )?,
            dead: gauge(
                &registry,
                "scim_relay_dead_letters",
                "Deliveries refused for good, by connector.",
                &["connector"],
            )?,
            oldest_seconds: gauge_f64(
                &registry,
                "scim_relay_delivery_oldest_age_seconds",
                "Age of the oldest delivery owed, by connector; 0 when none is.",
                &["connector"],
            )?,
            waiting_members: gauge(
                &registry,
                "scim_relay_members_waiting",
                "Memberships that wait for their member to be delivered, by connector.",
                &["connector"],
            )?,
            brake_staged: gauge(
                &registry,
                "scim_relay_brake_staged",
                "Removals that were too many at once and wait for a person's decision, by connector: of resources, of \
                 members from groups.",
                &["connector", "of"],
            )?,
            leaver_seconds: histogram(
                &registry,
                LEAVER_SECONDS,
                "scim_relay_leaver_seconds",
                "Time from the commit that disabled or deleted a user to the connector's word that the entry is out of \
                 use, by tenant and connector.",
                &["tenant", "connector"],
            )?,
            leaver_everywhere_seconds: histogram(
                &registry,
                LEAVER_SECONDS,
                "scim_relay_leaver_everywhere_seconds",
                "The same to the last connector's word, by tenant.",
                &["tenant"],
            )?,
            leavers: gauge(
                &registry,
                "scim_relay_leavers",
                "Users who were disabled or deleted and may still have access, by tenant and connector.",
                &["tenant", "connector"],
            )?,
            leaver_oldest_seconds: gauge_f64(
                &registry,
                "scim_relay_leaver_oldest_seconds",
                "For how long the first of them has left, by tenant and connector; 0 when there is none.",
                &["tenant", "connector"],
            )?,
            connector_state: gauge(
                &registry,
                "scim_relay_connector_state",
                "1 for the state that a connector is in, 0 for the others.",
                &["connector", "state"],
            )?,
            key_expiry_seconds: gauge_f64(
                &registry,
                "scim_relay_key_expiry_seconds",
                "Seconds until a bearer key ends by itself, by tenant and the key's public id.",
                &["tenant", "key"],
            )?,
            connections: {
                let gauge = IntGauge::new("scim_relay_connections", "Open connections of SCIM clients.")?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            start_time: {
                let gauge =
                    Gauge::new("scim_relay_start_time_seconds", "When the relay started, in seconds since 1970.")?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            configuration_time: {
                let gauge = Gauge::new(
                    "scim_relay_configuration_time_seconds",
                    "When the configuration in use was taken up, in seconds since 1970.",
                )?;
                registry.register(Box::new(gauge.clone()))?;
                gauge
            },
            registry,
        })
    }

    /// A SCIM request was answered.
    pub fn request(&self, tenant: &str, operation: &'static str, status: u16, took: Duration) {
        let mut digits = [0; 3];
        let status = status_text(status, &mut digits);
        self.requests.with_label_values(&[tenant, operation, status]).inc();
        self.request_seconds.with_label_values(&[tenant, operation]).observe(took.as_secs_f64());
    }

    /// A request needed these quirks of its dialect, and lost that many unknown attributes.
    pub fn understood(&self, tenant: &str, quirks: &[&'static str], dropped: usize) {
        for id in quirks {
            self.quirks.with_label_values(&[tenant, id]).inc();
        }
        if dropped > 0 {
            self.dropped_attributes.with_label_values(&[tenant]).inc_by(dropped as u64);
        }
    }

    /// A request was not understood.
    pub fn not_understood(&self, tenant: &str, operation: &'static str) {
        self.unknown_shapes.with_label_values(&[tenant, operation]).inc();
    }

    /// A tenant's references that name nobody, read from the store.
    pub fn pending_references(&self, tenant: &str, attribute: &'static str, count: u64, oldest: Duration) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.pending_references.with_label_values(&[tenant, attribute]).set(count);
        self.oldest_pending_reference_seconds.with_label_values(&[tenant, attribute]).set(oldest.as_secs_f64());
    }

    /// A panic was caught.
    pub fn panicked(&self, place: &'static str) {
        self.panics.with_label_values(&[place]).inc();
    }

    /// A client sent a change again that it had sent before.
    pub fn repeated_change(&self, tenant: &str, attribute: &str) {
        self.repeated_changes.with_label_values(&[tenant, attribute]).inc();
    }

    /// Whether nothing is known against the file system of the store.
    pub fn store_durable(&self, is_durable: bool) {
        self.store_durable.set(i64::from(is_durable));
    }

    /// The store ended a transaction.
    pub fn committed(&self, succeeded: bool, writes: usize, took: Duration) {
        self.commits.with_label_values(&[if succeeded { "ok" } else { "failed" }]).inc();
        self.commit_seconds.observe(took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.commit_writes.observe(writes as f64);
    }

    /// An attempt to deliver ended.
    pub fn delivered(&self, connector: &str, outcome: DeliveryOutcome) {
        self.deliveries.with_label_values(&[connector, outcome.label()]).inc();
    }

    /// One call to a downstream system ended.
    pub fn called(&self, connector: &str, took: Duration) {
        self.delivery_seconds.with_label_values(&[connector]).observe(took.as_secs_f64());
    }

    /// Forgets what was read from the store of connectors and tenants, before it is read anew: some may be configured no
    /// more.
    pub fn forget_backlogs(&self) {
        [&self.pending, &self.dead, &self.waiting_members, &self.brake_staged, &self.leavers, &self.pending_references]
            .into_iter()
            .for_each(|gauge| gauge.reset());
        [&self.oldest_seconds, &self.leaver_oldest_seconds, &self.oldest_pending_reference_seconds]
            .into_iter()
            .for_each(|gauge| gauge.reset());
    }

    /// A connector's backlog, read from the store.
    pub fn backlog(&self, connector: &str, pending: u64, dead: u64, oldest: Duration, waiting_members: u64) {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.pending.with_label_values(&[connector]).set(signed(pending));
        self.dead.with_label_values(&[connector]).set(signed(dead));
        self.oldest_seconds.with_label_values(&[connector]).set(oldest.as_secs_f64());
        self.waiting_members.with_label_values(&[connector]).set(signed(waiting_members));
    }

    /// Removals that a brake withholds from a connector, read from the store.
    pub fn staged(&self, connector: &str, resources: u64, members: u64) {
        for (of, count) in [("resources", resources), ("members", members)] {
            self.brake_staged.with_label_values(&[connector, of]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// A connector confirmed that a leaver's entry is out of use.
    pub fn leaver_confirmed(&self, tenant: &str, connector: &str, took: Duration) {
        self.leaver_seconds.with_label_values(&[tenant, connector]).observe(took.as_secs_f64());
    }

    /// The last connector did.
    pub fn leaver_confirmed_everywhere(&self, tenant: &str, took: Duration) {
        self.leaver_everywhere_seconds.with_label_values(&[tenant]).observe(took.as_secs_f64());
    }

    /// A connector's leavers who may still have access, read from the store.
    pub fn leavers(&self, tenant: &str, connector: &str, count: u64, oldest: Duration) {
        self.leavers.with_label_values(&[tenant, connector]).set(i64::try_from(count).unwrap_or(i64::MAX));
        self.leaver_oldest_seconds.with_label_values(&[tenant, connector]).set(oldest.as_secs_f64());
    }

    /// The state that a connector is in.
    pub fn connector_state(&self, connector: &str, condition: ConnectorCondition) {
        for (name, is) in CONNECTOR_STATES {
            self.connector_state.with_label_values(&[connector, name]).set(i64::from(condition == *is));
        }
    }

    /// A connector is configured no more and has no state.
    pub fn connector_removed(&self, connector: &str) {
        for (state, _) in CONNECTOR_STATES {
            // One that was never set is not there to be removed.
            let _ = self.connector_state.remove_label_values(&[connector, state]);
        }
    }

    /// The configuration was read again, and applied or refused.
    pub fn reloaded(&self, is_applied: bool) {
        self.configuration_reloads.with_label_values(&[if is_applied { "applied" } else { "refused" }]).inc();
        self.configuration_refused.set(i64::from(!is_applied));
    }

    /// How long a key is still good; forgets keys that are not named again.
    pub fn key_expiries<'a>(&self, keys: impl Iterator<Item = (&'a str, &'a str, f64)>) {
        self.key_expiry_seconds.reset();
        for (tenant, key, seconds) in keys {
            self.key_expiry_seconds.with_label_values(&[tenant, key]).set(seconds);
        }
    }

    /// A client connected (+1) or left (-1).
    pub fn connections(&self, by: i64) {
        self.connections.add(by);
    }

    /// When the relay started.
    pub fn started(&self, seconds: f64) {
        self.start_time.set(seconds);
    }

    /// When the configuration in use was taken up.
    pub fn configured(&self, seconds: f64) {
        self.configuration_time.set(seconds);
    }

    /// The text format of Prometheus.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Encoding into memory fails only on a metric without values, which `gather` leaves out.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

fn status_text(status: u16, digits: &mut [u8; 3]) -> &str {
    for (place, divisor) in [(0, 100), (1, 10), (2, 1)] {
        digits[place] = b'0' + u8::try_from(status / divisor % 10).unwrap_or(0);
    }
    std::str::from_utf8(digits).unwrap_or("")
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn gauge_f64(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
    let metric = GaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn histogram(
    registry: &Registry,
    buckets: &[f64],
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<HistogramVec, prometheus::Error> {
    let metric = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
