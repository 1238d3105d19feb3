//! Hourly and concurrency limits: fixed windows that end on the hour. Lock-free per request; a
//! refused call is not counted.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use beseda_api::{Access, BusinessId, Endpoint, Error, ErrorKind, Generation, Principal, Result};
use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;

use crate::{
    router::Operation,
    settings::{LimitPreset, LimitSettings},
};

const OPERATIONS: usize = Endpoint::ALL.len();
const SHARDS: usize = 16;
/// Figures in responses of operations without a limit.
const NO_LIMIT: u32 = 1_000;

/// Owner of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LimitOwner {
    Business(i64),
    User(i64),
    Key(u64),
}

impl LimitOwner {
    /// Returns the cabinet of the path, else the key's cabinet, else the user.
    pub(crate) fn of(access: &Access, business: Option<BusinessId>) -> Self {
        match (business, &access.principal) {
            (Some(business), _) => Self::Business(business.get()),
            (None, Principal::User { id }) => Self::User(*id),
            (None, Principal::ApiKey { .. }) => {
                Self::Business(access.businesses.first().map_or(0, |business| business.get()))
            }
        }
    }

    /// Returns the key or user itself, by which concurrent requests were counted in 2024.
    pub(crate) fn login(access: &Access, hash: &[u8; 32]) -> Self {
        match access.principal {
            Principal::User { id } => Self::User(id),
            Principal::ApiKey { .. } => {
                Self::Key(u64::from_be_bytes(hash[..8].try_into().unwrap_or_default()))
            }
        }
    }
}

impl std::fmt::Display for LimitOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Business(id) => write!(f, "businessId {id}"),
            Self::User(id) => write!(f, "userId {id}"),
            Self::Key(_) => f.write_str("this Api-Key"),
        }
    }
}

/// Values of the `X-RateLimit-Resource-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitState {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
}

impl LimitState {
    /// Figures of operations without a limit.
    pub(crate) const NO_LIMIT: Self = Self { limit: NO_LIMIT, remaining: NO_LIMIT };
}

/// Call that counts against the limits.
pub(crate) struct LimitedCall<'a> {
    pub(crate) operation: Operation,
    pub(crate) generation: Generation,
    pub(crate) now: Timestamp,
    /// Set to what remains of the hour.
    pub(crate) limit_state: &'a mut LimitState,
}

/// Counters of one owner.
struct UsageCounters {
    /// Per operation: number of the hour in the upper half, requests in the lower half.
    hourly: [AtomicU64; OPERATIONS],
    parallel: AtomicU32,
}

/// Slot of a running request; released when dropped.
pub(crate) struct ConcurrencySlot(Arc<UsageCounters>);

impl Drop for ConcurrencySlot {
    fn drop(&mut self) {
        self.0.parallel.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Limits and their counters.
pub(crate) struct RateLimits {
    /// By API version and operation; `None` if unlimited.
    ceilings: [[Option<u32>; OPERATIONS]; 2],
    parallel: Option<u32>,
    /// True if concurrent requests are counted, and texts written, as in 2024.
    as_in_2024: bool,
    hasher: RandomState,
    shards: [RwLock<HashMap<LimitOwner, Arc<UsageCounters>>>; SHARDS],
}

impl RateLimits {
    pub(crate) fn new(settings: &LimitSettings) -> Self {
        let off = settings.preset == LimitPreset::Off;
        let ceiling = |endpoint: &Endpoint, generation| {
            let set = settings.operations.get(endpoint.name).copied().or(settings.hourly);
            set.or((!off).then(|| endpoint.hourly(generation)))
        };
        let of = |generation| Endpoint::ALL.map(|endpoint| ceiling(&endpoint, generation));
        let preset = match settings.preset {
            LimitPreset::Y2024 => Some(2),
            LimitPreset::Y2026 => Some(4),
            LimitPreset::Off => None,
        };
        Self {
            ceilings: [of(Generation::Y2024), of(Generation::Y2026)],
            parallel: settings.parallel.or(preset),
            as_in_2024: settings.preset == LimitPreset::Y2024,
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::default()),
        }
    }

    /// Returns the figures of an operation before its first request.
    pub(crate) fn initial_state(&self, operation: Operation, generation: Generation) -> LimitState {
        let limit = self.ceilings[generation as usize][operation as usize]
            .unwrap_or(operation.endpoint().hourly(generation));
        LimitState { limit, remaining: limit }
    }

    /// Counts a request; 420 if it exceeds the concurrency or hourly limit.
    pub(crate) fn acquire(
        &self,
        entity: LimitOwner,
        login: impl FnOnce() -> LimitOwner,
        call: LimitedCall<'_>,
    ) -> Result<Option<ConcurrencySlot>> {
        let LimitedCall { operation, generation, now, limit_state } = call;
        let ceiling = self.ceilings[generation as usize][operation as usize];
        if ceiling.is_none() && self.parallel.is_none() {
            return Ok(None);
        }
        let counters = self.counters(entity);
        let hourly = &counters.hourly[operation as usize];
        if let Some(ceiling) = ceiling {
            limit_state.remaining = ceiling.saturating_sub(used(hourly, hour(now)));
        }
        let slot = match self.parallel {
            Some(most) if self.as_in_2024 => {
                Some(self.slot(self.counters(login()), most, entity)?)
            }
            Some(most) => Some(self.slot(Arc::clone(&counters), most, entity)?),
            None => None,
        };
        if let Some(ceiling) = ceiling {
            match increment(hourly, hour(now), ceiling) {
                Some(used) => limit_state.remaining = ceiling - used,
                None => return Err(self.too_many(ceiling, operation, entity)),
            }
        }
        Ok(slot)
    }

    /// Resets all counters.
    pub(crate) fn reset(&self) {
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn slot(
        &self,
        counters: Arc<UsageCounters>,
        most: u32,
        entity: LimitOwner,
    ) -> Result<ConcurrencySlot> {
        if counters.parallel.fetch_add(1, Ordering::AcqRel) < most {
            return Ok(ConcurrencySlot(counters));
        }
        counters.parallel.fetch_sub(1, Ordering::AcqRel);
        let text = format!("Hit rate limit of {most} parallel requests");
        let text = if self.as_in_2024 { text } else { format!("{text} for {entity}") };
        Err(Error::new(ErrorKind::LimitExceeded, text))
    }

    fn too_many(&self, ceiling: u32, operation: Operation, entity: LimitOwner) -> Error {
        let path = operation.endpoint().path;
        let text = format!("Hit rate limit of {ceiling} requests per 1 hour for resource {path}");
        let text = if self.as_in_2024 { text } else { format!("{text} for {entity}") };
        Error::new(ErrorKind::LimitExceeded, text)
    }

    fn counters(&self, entity: LimitOwner) -> Arc<UsageCounters> {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of the hash will do")]
        let shard = &self.shards[self.hasher.hash_one(entity) as usize % SHARDS];
        let known = shard.read().unwrap_or_else(PoisonError::into_inner).get(&entity).cloned();
        known.unwrap_or_else(|| {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let fresh = || {
                let hourly = std::array::from_fn(|_| AtomicU64::new(0));
                Arc::new(UsageCounters { hourly, parallel: AtomicU32::new(0) })
            };
            Arc::clone(shard.entry(entity).or_insert_with(fresh))
        })
    }
}

const HOUR: i64 = 3_600;

/// Returns the number of the hour; hours before 1970 are all the same.
fn hour(now: Timestamp) -> u32 {
    u32::try_from(now.as_second() / HOUR).unwrap_or(0)
}

fn used(counter: &AtomicU64, hour: u32) -> u32 {
    let packed = counter.load(Ordering::Acquire);
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    let count = packed as u32;
    if packed >> 32 == u64::from(hour) { count } else { 0 }
}

/// Counts a request in this hour and returns the new count, or `None` if the limit is reached.
fn increment(counter: &AtomicU64, hour: u32, ceiling: u32) -> Option<u32> {
    let next = |packed: u64| {
        let count = if packed >> 32 == u64::from(hour) { packed & u64::from(u32::MAX) } else { 0 };
        (count < u64::from(ceiling)).then(|| (u64::from(hour) << 32) | (count + 1))
    };
    let before = counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    next(before).map(|packed| packed as u32)
}

thread_local! {
    /// Last `X-RateLimit-Resource-Until` of this thread; changes once an hour.
    static UNTIL: RefCell<(u32, HeaderValue)> =
        const { RefCell::new((u32::MAX, HeaderValue::from_static(""))) };
}

/// Returns the end of the hour in the format of `X-RateLimit-Resource-Until`.
pub(crate) fn until(now: Timestamp) -> HeaderValue {
    let hour = hour(now);
    UNTIL.with_borrow_mut(|(cached_hour, cached)| {
        if *cached_hour != hour {
            let end = Duration::from_secs((u64::from(hour) + 1) * HOUR.unsigned_abs());
            let text = httpdate::fmt_http_date(UNIX_EPOCH + end);
            *cached = HeaderValue::from_maybe_shared(Bytes::from(text))
                .unwrap_or_else(|_| HeaderValue::from_static(""));
            *cached_hour = hour;
        }
        cached.clone()
    })
}

/// Formats a time for that header.
pub(crate) fn moment(moment: Timestamp) -> HeaderValue {
    // The format has no years before 1970.
    let since = u64::try_from(moment.as_second()).unwrap_or(0);
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(since));
    HeaderValue::from_maybe_shared(Bytes::from(text))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

thread_local! {
    /// Last `Date` of this thread; changes once a second.
    static DATE: RefCell<(i64, HeaderValue)> =
        const { RefCell::new((i64::MIN, HeaderValue::from_static(""))) };
}

/// Formats `Date` by the clock of the limits, which may differ from the system clock.
pub(crate) fn date(now: Timestamp) -> HeaderValue {
    let second = now.as_second();
    DATE.with_borrow_mut(|(cached_second, cached)| {
        if *cached_second != second {
            *cached = moment(now);
            *cached_second = second;
        }
        cached.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::{date, hour, increment, until, used};
    use std::sync::atomic::AtomicU64;

    #[test]
    fn a_window_ends_on_the_hour() {
        let now = "2026-11-21T00:59:59Z".parse().unwrap();
        assert_eq!(until(now), "Sat, 21 Nov 2026 01:00:00 GMT");
        let now = "2026-11-21T01:00:00Z".parse().unwrap();
        assert_eq!(until(now), "Sat, 21 Nov 2026 02:00:00 GMT");
        assert_eq!(date(now), "Sat, 21 Nov 2026 01:00:00 GMT");
    }

    #[test]
    fn a_refused_call_consumes_nothing_and_a_new_hour_begins_anew() {
        let hour = hour("2026-11-21T00:10:00Z".parse().unwrap());
        let counter = AtomicU64::new(0);
        assert_eq!([1, 2].map(|_| increment(&counter, hour, 2)), [Some(1), Some(2)]);
        assert_eq!((increment(&counter, hour, 2), used(&counter, hour)), (None, 2));
        assert_eq!((used(&counter, hour + 1), increment(&counter, hour + 1, 2)), (0, Some(1)));
    }

    #[test]
    fn threads_never_get_more_than_the_ceiling_together() {
        let counter = AtomicU64::new(0);
        let taken: usize = std::thread::scope(|scope| {
            let all: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..500).filter(|_| increment(&counter, 7, 900).is_some()).count()
                    })
                })
                .collect();
            all.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((taken, used(&counter, 7)), (900, 900));
    }
}
