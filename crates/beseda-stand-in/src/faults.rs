//! Fault injection: rules for failing requests. `interceptor.rs` applies them.

mod push;
pub(crate) mod response;

use std::sync::{Mutex, MutexGuard, PoisonError};

use beseda_api::{BusinessId, Endpoint, Error, Result};
use jiff::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum number of rules.
const MAX_RULES: usize = 1_000;
/// Maximum delay: ten minutes.
const MAX_DELAY_MS: u64 = 600_000;
/// Names of requests that are not published operations.
const OTHER_OPERATIONS: [&str; 6] = ["noOperation", "file", "market", "admin", "page", "unknown"];
/// Pseudo-operation of webhook deliveries.
pub(crate) const PUSH: &str = "push";

/// Kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Answers with a status; nothing is executed.
    Status,
    /// Answers 420, as if the hourly or the parallel limit were exceeded; nothing is executed.
    Limit,
    /// Delays the execution.
    Delay,
    /// Executes the request at once and delays the response.
    DelayAfter,
    /// Sends the response body slowly.
    SlowBody,
    /// Resets the connection; nothing is executed.
    ResetBefore,
    /// Executes the request, then resets the connection.
    ResetAfter,
    /// Truncates the response body.
    Truncate,
    /// Replaces the response body by something that isn't JSON.
    Garbage,
    /// Replaces enum values in the response by unknown ones.
    UnknownWords,
    /// Adds unknown fields to the response.
    ExtraFields,
    /// Sends a notification twice.
    PushTwice,
    /// Sends a notification after the others in the queue.
    PushLater,
}

impl FaultKind {
    fn is_push(self) -> bool {
        matches!(self, Self::PushTwice | Self::PushLater)
    }
}

/// Limit that is reported as exceeded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitKind {
    /// Requests per hour.
    #[default]
    Hourly,
    /// Concurrent requests.
    Parallel,
}

/// Fault rule without its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewFault {
    /// Kind of the fault.
    pub kind: FaultKind,
    /// Operation the rule applies to; `None` for all published operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Cabinet the rule applies to; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// For `status`: HTTP status. Defaults to 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// For `status` and `garbage`: body, as JSON or as text that is sent unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// For `limit`: exceeded limit. Defaults to the hourly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitKind>,
    /// For `delay` and `delay-after`: delay. For `slow-body`: total time of the body. In real
    /// milliseconds, at most 600,000; defaults to 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// For `truncate`: number of bytes sent. Defaults to half the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// Number of requests to affect; `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Number of matching requests to leave alone first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// Probability above 0 and up to 1; `None` for 1. Derived from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Start, by the stand-in's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// End (exclusive), by the stand-in's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl NewFault {
    /// Creates a rule that affects every request to a published operation.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            operation: None,
            business_id: None,
            status: None,
            body: None,
            limit: None,
            delay_ms: None,
            bytes: None,
            count: None,
            skip: 0,
            probability: None,
            from: None,
            until: None,
        }
    }

    /// Validates the rule.
    ///
    /// # Errors
    ///
    /// 400 that names the invalid field.
    pub fn check(&self) -> Result<()> {
        let invalid = |text: String| Err(Error::bad_request(text));
        if let Some(name) = &self.operation
            && !Endpoint::ALL.iter().any(|known| known.name == name)
            && !OTHER_OPERATIONS.contains(&name.as_str())
        {
            return invalid(format!("operation: unknown operation '{name}'"));
        }
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return invalid("status must be between 200 and 599".to_owned());
        }
        if self.delay_ms.is_some_and(|delay| delay > MAX_DELAY_MS) {
            return invalid(format!("delayMs must be at most {MAX_DELAY_MS}"));
        }
        if self.probability.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
            return invalid("probability must be above 0 and at most 1".to_owned());
        }
        if self.count == Some(0) {
            return invalid("count must be at least 1".to_owned());
        }
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from >= until
        {
            return invalid("from must be before until".to_owned());
        }
        self.check_kind()
    }

    /// Rejects fields that the rule's kind doesn't use.
    fn check_kind(&self) -> Result<()> {
        let only_for = |name: &str, given: bool, kinds: &[FaultKind]| {
            if given && !kinds.contains(&self.kind) {
                let kinds = serde_json::to_string(kinds).unwrap_or_default();
                let text = format!("{name} is only supported for {kinds}");
                return Err(Error::bad_request(text));
            }
            Ok(())
        };
        if self.kind.is_push() && self.operation.is_some() {
            return Err(Error::bad_request("operation is not supported for push notifications"));
        }
        only_for("status", self.status.is_some(), &[FaultKind::Status])?;
        only_for("body", self.body.is_some(), &[FaultKind::Status, FaultKind::Garbage])?;
        only_for("limit", self.limit.is_some(), &[FaultKind::Limit])?;
        only_for(
            "delayMs",
            self.delay_ms.is_some(),
            &[FaultKind::Delay, FaultKind::DelayAfter, FaultKind::SlowBody],
        )?;
        only_for("bytes", self.bytes.is_some(), &[FaultKind::Truncate])
    }

    fn matches(&self, operation: &str, business: Option<BusinessId>, now: Timestamp) -> bool {
        if self.kind.is_push() != (operation == PUSH) {
            return false;
        }
        let is_operation = match &self.operation {
            Some(name) => name == operation,
            None => !OTHER_OPERATIONS.contains(&operation),
        };
        is_operation
            && self.business_id.is_none_or(|expected| business == Some(expected))
            && self.from.is_none_or(|from| now >= from)
            && self.until.is_none_or(|until| now < until)
    }
}

/// Active fault rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Number of the rule.
    pub id: u64,
    /// Number of requests affected so far.
    #[serde(rename = "struck")]
    pub hits: u64,
    /// Rule.
    #[serde(flatten)]
    pub rule: NewFault,
}

/// Active fault rules.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    table: Mutex<FaultTable>,
}

#[derive(Debug, Default)]
struct FaultTable {
    last_id: u64,
    rules: Vec<ActiveFault>,
}

#[derive(Debug)]
struct ActiveFault {
    fault: Fault,
    skipped: u64,
    /// One generator per rule, so that rules don't influence each other.
    rng: ChaCha20Rng,
}

impl Faults {
    /// Creates an empty list. Probabilities are derived from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, table: Mutex::default() }
    }

    fn table(&self) -> MutexGuard<'_, FaultTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds all rules or none.
    ///
    /// # Errors
    ///
    /// 400 that names the first invalid rule.
    pub fn add(&self, rules: Vec<NewFault>) -> Result<Vec<Fault>> {
        for rule in &rules {
            rule.check()?;
        }
        let mut table = self.table();
        if table.rules.len() + rules.len() > MAX_RULES {
            return Err(Error::bad_request(format!("there may be at most {MAX_RULES} rules")));
        }
        let mut added = Vec::with_capacity(rules.len());
        for rule in rules {
            table.last_id += 1;
            let fault = Fault { id: table.last_id, hits: 0, rule };
            added.push(fault.clone());
            let rng = ChaCha20Rng::seed_from_u64(self.seed.wrapping_add(table.last_id));
            table.rules.push(ActiveFault { fault, skipped: 0, rng });
        }
        Ok(added)
    }

    /// Returns all rules, including exhausted ones.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        self.table().rules.iter().map(|active| active.fault.clone()).collect()
    }

    /// Removes a rule and returns whether it existed.
    pub fn remove(&self, id: u64) -> bool {
        let mut table = self.table();
        let before = table.rules.len();
        table.rules.retain(|active| active.fault.id != id);
        table.rules.len() < before
    }

    /// Removes all rules and restarts their numbers and generators.
    pub fn clear(&self) {
        *self.table() = FaultTable::default();
    }

    /// Returns the faults of a request, in the order of the rules, and counts them.
    #[must_use]
    pub fn trigger(
        &self,
        operation: &str,
        business: Option<BusinessId>,
        now: Timestamp,
    ) -> Vec<Fault> {
        let mut struck = Vec::new();
        for active in &mut self.table().rules {
            if !active.fault.rule.matches(operation, business, now) || !active.should_trigger() {
                continue;
            }
            active.fault.hits += 1;
            struck.push(active.fault.clone());
            if matches!(
                active.fault.rule.kind,
                FaultKind::Status | FaultKind::Limit | FaultKind::ResetBefore
            ) {
                // These replace the response, so later rules have nothing to change.
                break;
            }
        }
        struck
    }
}

impl ActiveFault {
    fn should_trigger(&mut self) -> bool {
        let rule = &self.fault.rule;
        if rule.count.is_some_and(|count| self.fault.hits >= count) {
            return false;
        }
        if self.skipped < rule.skip {
            self.skipped += 1;
            return false;
        }
        rule.probability.is_none_or(|probability| self.rng.random::<f64>() < probability)
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultKind, Faults, NewFault};

    const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

    #[test]
    fn a_rule_skips_and_affects_the_given_numbers_of_requests() {
        let faults = Faults::new(1);
        let rule = NewFault { count: Some(2), skip: 1, ..NewFault::new(FaultKind::Status) };
        faults.add(vec![rule]).unwrap();
        let struck: Vec<_> = (0..5).map(|_| faults.trigger("getChat", None, NOW).len()).collect();
        assert_eq!(struck, [0, 1, 1, 0, 0]);
        assert!(faults.trigger("market", None, NOW).is_empty());
    }

    #[test]
    fn probabilities_are_derived_from_the_seed() {
        let series = |seed| {
            let faults = Faults::new(seed);
            let rule = NewFault { probability: Some(0.5), ..NewFault::new(FaultKind::Garbage) };
            faults.add(vec![rule]).unwrap();
            (0..64).map(|_| faults.trigger("getChat", None, NOW).len()).collect::<Vec<_>>()
        };
        assert_eq!(series(7), series(7));
        assert_ne!(series(7), series(8));
        let hits = series(7).iter().sum::<usize>();
        assert!((16..48).contains(&hits), "{hits}");
    }

    #[test]
    fn a_rule_applies_only_in_its_time_window_and_cabinet() {
        let faults = Faults::new(1);
        let text = r#"{"kind":"delay","businessId":7,"from":"2026-01-01T00:00:00Z","until":"2026-01-02T00:00:00Z"}"#;
        faults.add(vec![serde_json::from_str(text).unwrap()]).unwrap();
        let at = |text: &str, business| {
            let business = beseda_api::BusinessId::new(business).ok();
            faults.trigger("getChat", business, text.parse().unwrap()).len()
        };
        assert_eq!(at("2026-01-01T12:00:00Z", 7), 1);
        assert_eq!(at("2026-01-01T12:00:00Z", 8), 0);
        assert_eq!(at("2025-12-31T23:59:59Z", 7), 0);
        assert_eq!(at("2026-01-02T00:00:00Z", 7), 0);
    }

    #[test]
    fn notification_rules_affect_notifications_only_and_other_rules_never_do() {
        let faults = Faults::new(1);
        faults
            .add(vec![NewFault::new(FaultKind::PushTwice), NewFault::new(FaultKind::Status)])
            .unwrap();
        let kinds = |operation| {
            let struck = faults.trigger(operation, None, NOW);
            struck.into_iter().map(|fault| fault.rule.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(super::PUSH), [FaultKind::PushTwice]);
        assert_eq!(kinds("getChat"), [FaultKind::Status]);
    }

    #[test]
    fn rules_are_added_all_or_none() {
        let faults = Faults::new(1);
        for wrong in [
            r#"{"kind":"status","operation":"sendMesage"}"#,
            r#"{"kind":"status","status":99}"#,
            r#"{"kind":"status","probability":0}"#,
            r#"{"kind":"status","count":0}"#,
            r#"{"kind":"garbage","status":500}"#,
            r#"{"kind":"status","delayMs":5}"#,
            r#"{"kind":"delay","delayMs":600001}"#,
            r#"{"kind":"push-later","operation":"getChat"}"#,
        ] {
            let good = NewFault::new(FaultKind::Garbage);
            let wrong = serde_json::from_str(wrong).unwrap();
            assert!(faults.add(vec![good, wrong]).is_err());
        }
        assert_eq!(faults.list(), []);
    }
}
