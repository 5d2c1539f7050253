//! Whether a connector as a whole works, and how much it is given at once. Pure: it is told what came of calls, and when.
//!
//! - *closed*: it works. It is given what its limits allow.
//! - *open*: a call failed for the connector as a whole. There is no call until the back-off ends, which doubles with each
//!   failure in a row.
//! - *half-open*: the back-off has ended. One delivery is a probe: it fails, and the circuit is open again for longer; it
//!   does not, and the circuit is closed.
//!
//! A system that comes back is taken up gently: first one delivery, then one more for each that it took, which doubles
//! with each round trip until its limits bound it as ever. The same holds after a pause that it asked for, which is no
//! failure.

use std::time::Duration;

use scim_connector::Limits;

use super::{Settings, retry};
use crate::time::Timestamp;

/// The circuit of one connector.
#[derive(Clone, Debug)]
pub(super) struct Circuit {
    phase: Phase,
    /// No call before that: the connector asked for it.
    paused_until: Timestamp,
}

#[derive(Clone, Debug)]
enum Phase {
    /// At most so many deliveries at once, if its limits allow them.
    Closed { at_once: usize },
    /// Open until then, half-open from then on.
    Failing { in_a_row: u32, until: Timestamp },
}

/// What may be under way at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Allowance {
    pub(super) calls: usize,
    /// Deliveries in one call.
    pub(super) batch: usize,
}

/// How a failure of the connector as a whole is held against the deliveries of its call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    /// Whether it counts as an attempt of theirs: only where the connector worked just before. Else it is to blame, and
    /// they wait for it without end.
    pub(super) is_counted: bool,
    /// How long they wait: longer than the circuit is open, so that the next probe is another delivery and a poisonous
    /// one cannot pass for an outage.
    pub(super) delay: Duration,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { phase: Phase::Closed { at_once: usize::MAX }, paused_until: Timestamp(i64::MIN) }
    }
}

impl Circuit {
    /// What may be under way now; nothing while the circuit is open or the connector has asked for a pause.
    pub(super) fn allowance(&self, limits: Limits, now: Timestamp) -> Allowance {
        if now < self.call_at() {
            return Allowance { calls: 0, batch: 0 };
        }
        let at_once = match self.phase {
            Phase::Closed { at_once } => at_once,
            Phase::Failing { .. } => 1,
        };
        let batch = at_once.min(limits.batch_max).max(1);
        Allowance { calls: (at_once / batch).min(limits.in_flight_max).max(1), batch }
    }

    /// The first moment at which a call may be made.
    pub(super) fn call_at(&self) -> Timestamp {
        self.failing_until().map_or(self.paused_until, |until| until.max(self.paused_until))
    }

    /// Until when the circuit is open, while it is not closed. It is half-open after that.
    pub(super) fn failing_until(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Closed { .. } => None,
            Phase::Failing { until, .. } => Some(until),
        }
    }

    /// A call ended with that many deliveries taken or refused on their own account, which proves that the connector
    /// works; none where it only asked for a pause.
    pub(super) fn worked(&mut self, deliveries: usize) {
        let before = match self.phase {
            Phase::Closed { at_once } => at_once,
            Phase::Failing { .. } => 1,
        };
        self.phase = Phase::Closed { at_once: before.saturating_add(deliveries) };
    }

    /// A call failed for the connector as a whole. `salt` is the chance in the back-off.
    pub(super) fn failed(&mut self, settings: &Settings, now: Timestamp, salt: u64) -> Failure {
        let (is_counted, in_a_row) = match self.phase {
            Phase::Closed { .. } => (true, 1),
            // Begun before the circuit opened: of that failure the connector has been told off already.
            Phase::Failing { until, .. } if now < until => {
                return Failure { is_counted: false, delay: until.since(now).saturating_mul(2) };
            }
            Phase::Failing { in_a_row, .. } => (false, in_a_row.saturating_add(1)),
        };
        let pause = retry::delay(settings, in_a_row, salt);
        self.phase = Phase::Failing { in_a_row, until: now.after(pause) };
        Failure { is_counted, delay: pause.saturating_mul(2) }
    }

    /// The connector asked to be left alone until then.
    pub(super) fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(until);
        if let Phase::Closed { at_once } = &mut self.phase {
            *at_once = 1;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { batch_max: 5, in_flight_max: 4, linger_ms: 0 };
    const ALL: Allowance = Allowance { calls: 4, batch: 5 };
    const NONE: Allowance = Allowance { calls: 0, batch: 0 };
    const PROBE: Allowance = Allowance { calls: 1, batch: 1 };

    fn at(seconds: u64) -> Timestamp {
        Timestamp(0).after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_failing_connector_is_left_alone_then_probed_then_taken_up_gently() {
        let settings = Settings::default();
        let mut circuit = Circuit::default();
        assert_eq!((circuit.allowance(LIMITS, at(0)), circuit.failing_until()), (ALL, None));

        let first = circuit.failed(&settings, at(0), 7);
        assert!(first.is_counted, "it worked just before");
        let until = circuit.failing_until().unwrap();
        assert_eq!(at(0).after(first.delay), until.after(until.since(at(0))), "twice as long as the circuit is open");
        assert_eq!(circuit.allowance(LIMITS, at(0)), NONE);
        assert_eq!(circuit.allowance(LIMITS, until), PROBE);

        // Three that were under way with it say nothing new.
        let before = circuit.failing_until();
        assert!((0..3).all(|salt| !circuit.failed(&settings, at(0), salt).is_counted));
        assert_eq!(circuit.failing_until(), before);

        let probe = circuit.failed(&settings, until, 7);
        assert!(!probe.is_counted && circuit.failing_until() > before);
        let until = circuit.failing_until().unwrap();
        circuit.worked(1);
        assert_eq!(circuit.failing_until(), None);
        let mut calls = Vec::new();
        for _ in 0..5 {
            let allowance = circuit.allowance(LIMITS, until);
            calls.push((allowance.calls, allowance.batch));
            circuit.worked(allowance.calls * allowance.batch);
        }
        assert_eq!(calls, [(1, 2), (1, 4), (1, 5), (2, 5), (4, 5)]);
        assert!(circuit.failed(&settings, until, 7).is_counted, "the next outage begins anew");
    }

    #[test]
    fn a_pause_is_obeyed_and_is_no_failure() {
        let mut circuit = Circuit::default();
        circuit.worked(0);
        circuit.pause(at(30));
        circuit.pause(at(10));
        assert_eq!(circuit.failing_until(), None);
        assert_eq!(circuit.allowance(LIMITS, at(29)), NONE);
        assert_eq!(circuit.allowance(LIMITS, at(30)), PROBE);
        circuit.worked(1);
        assert_eq!(circuit.allowance(LIMITS, at(30)), Allowance { calls: 1, batch: 2 });

        // A connector that fails and then asks for a pause is there again.
        circuit.failed(&Settings::default(), at(31), 0);
        circuit.worked(0);
        circuit.pause(at(60));
        assert_eq!((circuit.failing_until(), circuit.call_at()), (None, at(60)));
    }

    #[derive(Clone, Debug)]
    enum Event {
        Worked(usize),
        Failed(u64),
        Paused(u64),
        Passed(u64),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (0..30_usize).prop_map(Event::Worked),
            any::<u64>().prop_map(Event::Failed),
            (0..100_u64).prop_map(Event::Paused),
            (0..400_u64).prop_map(Event::Passed),
        ]
    }

    proptest! {
        #[test]
        fn g18_whatever_happens_it_stays_within_its_limits_and_always_goes_on(
            events in prop::collection::vec(event(), 1..60),
            batch_max in 1..50_usize,
            in_flight_max in 1..20_usize,
        ) {
            let (settings, limits) = (Settings::default(), Limits { batch_max, in_flight_max, linger_ms: 0 });
            let longest = Duration::from_secs(settings.delay_seconds_max);
            let (mut circuit, mut now) = (Circuit::default(), at(0));
            let (mut paused_until, mut taken_since_trouble) = (at(0), None);
            for event in events {
                match event {
                    Event::Worked(deliveries) => {
                        circuit.worked(deliveries);
                        taken_since_trouble = taken_since_trouble.map(|taken: usize| taken + deliveries);
                        prop_assert_eq!(circuit.failing_until(), None);
                    }
                    Event::Failed(salt) => {
                        let was_closed = circuit.failing_until().is_none();
                        prop_assert_eq!(circuit.failed(&settings, now, salt).is_counted, was_closed);
                        let until = circuit.failing_until();
                        prop_assert!(until.is_some_and(|until| now <= until && until.since(now) <= longest));
                        taken_since_trouble = Some(0);
                    }
                    Event::Paused(seconds) => {
                        paused_until = paused_until.max(now.after(Duration::from_secs(seconds)));
                        circuit.pause(paused_until);
                        taken_since_trouble = Some(0);
                    }
                    Event::Passed(seconds) => now = now.after(Duration::from_secs(seconds)),
                }
                let Allowance { calls, batch } = circuit.allowance(limits, now);
                prop_assert!(calls <= in_flight_max && batch <= batch_max);
                prop_assert_eq!(calls > 0, circuit.call_at() <= now, "a call is possible once its time has come");
                prop_assert!(circuit.call_at() <= paused_until.max(now.after(longest)));
                prop_assert!(calls == 0 || paused_until <= now);
                match taken_since_trouble {
                    Some(taken) => prop_assert!(calls * batch <= taken + 1, "no storm"),
                    None => prop_assert_eq!((calls, batch), (in_flight_max, batch_max)),
                }
                if circuit.failing_until().is_some() {
                    prop_assert!(calls * batch <= 1, "one probe");
                }
            }
        }
    }
}
