//! Quota arithmetic: each program's guaranteed share of the hourly budget, and what remains for it.

use beseda_api::RateLimit;
use beseda_client::Priority;
use jiff::Timestamp;

/// Share of the hourly budget and priority of a program.
///
/// ```
/// use beseda_gateway::{Priority, Quota};
///
/// let bot = Quota { share: Some(20), priority: Priority::Background };
/// assert_eq!(Quota::default(), Quota { share: None, priority: Priority::Interactive });
/// # let _ = bot;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Guaranteed part of each operation's hourly limit, in percent. `None`: an equal part of what
    /// is not guaranteed to other programs.
    pub share: Option<u32>,
    /// Priority of the program's calls.
    pub priority: Priority,
}

/// A program's claim to the budget: its share and the calls it has made in this hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShareClaim {
    /// Share in percent; a fraction for an equal part.
    pub(super) percent: f64,
    /// Number of calls in this hour.
    pub(super) used: u32,
    /// True for a guaranteed share, false for an equal part that is only reserved.
    pub(super) is_guaranteed: bool,
}

/// Length of the window in seconds.
const WINDOW_SECONDS: f64 = 3_600.0;
/// Remaining part of the window below which guaranteed shares are released.
const RELEASE_BELOW: f64 = 0.25;

/// Returns the remaining part of the window, from 0 to 1.
fn remaining_window(now: Timestamp, until: Timestamp) -> f64 {
    (until.duration_since(now).as_secs_f64() / WINDOW_SECONDS).clamp(0.0, 1.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a u32, at least 0"
)]
fn percent_of(limit: u32, percent: f64) -> u32 {
    (f64::from(limit) * percent / 100.0).floor().max(0.0) as u32
}

/// Returns the number of calls a claim reserves. It shrinks to 0 at the end of the window, so that
/// no call is left unused.
fn reserved(claim: ShareClaim, limit: u32, window: f64) -> u32 {
    let share = percent_of(limit, claim.percent);
    let window = if claim.is_guaranteed { (window / RELEASE_BELOW).min(1.0) } else { window };
    share.saturating_sub(claim.used).min(percent_of(share, window * 100.0))
}

/// Returns a program's limit and remaining calls, given the cabinet's budget and the claims of
/// other programs.
pub(super) fn program_limit(
    own: ShareClaim,
    others: impl Iterator<Item = ShareClaim>,
    budget: RateLimit,
    now: Timestamp,
) -> RateLimit {
    let window = remaining_window(now, budget.until);
    let (mut reserved_by_others, mut guaranteed_to_others) = (0_u32, 0_u32);
    for claim in others {
        reserved_by_others =
            reserved_by_others.saturating_add(reserved(claim, budget.limit, window));
        if claim.is_guaranteed {
            let share = percent_of(budget.limit, claim.percent);
            guaranteed_to_others = guaranteed_to_others.saturating_add(share);
        }
    }
    let share = percent_of(budget.limit, own.percent);
    let limit = budget.limit.saturating_sub(guaranteed_to_others).max(share);
    let guaranteed = share.saturating_sub(own.used).min(budget.remaining);
    let remaining = budget.remaining.saturating_sub(reserved_by_others).max(guaranteed);
    RateLimit { limit, remaining: remaining.min(limit), until: budget.until }
}

#[cfg(test)]
mod tests {
    use beseda_api::RateLimit;

    use super::{ShareClaim, program_limit};

    fn budget(remaining: u32) -> RateLimit {
        RateLimit { limit: 1000, remaining, until: "2026-11-21T01:00:00Z".parse().unwrap() }
    }

    fn claim(percent: f64, used: u32) -> ShareClaim {
        ShareClaim { percent, used, is_guaranteed: true }
    }

    #[test]
    fn shares_of_others_are_reserved_until_the_end_of_the_hour() {
        let others = || [claim(60.0, 100)].into_iter();
        let at = |now: &str| {
            let limit = program_limit(claim(0.0, 0), others(), budget(900), now.parse().unwrap());
            (limit.limit, limit.remaining)
        };
        assert_eq!(at("2026-11-21T00:00:00Z"), (400, 400));
        assert_eq!(at("2026-11-21T00:30:00Z"), (400, 400));
        assert_eq!(at("2026-11-21T01:00:00Z"), (400, 400));
        let limit = program_limit(
            claim(0.0, 0),
            others(),
            budget(300),
            "2026-11-21T01:00:00Z".parse().unwrap(),
        );
        assert_eq!(limit.remaining, 300);
    }

    #[test]
    fn a_share_is_guaranteed_within_the_remaining_budget() {
        let others = || [claim(70.0, 0)].into_iter();
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        assert_eq!(program_limit(claim(30.0, 100), others(), budget(500), now).remaining, 200);
        assert_eq!(program_limit(claim(30.0, 100), others(), budget(50), now).remaining, 50);
        assert_eq!(program_limit(claim(30.0, 300), others(), budget(700), now).remaining, 0);
        assert_eq!(program_limit(claim(30.0, 300), others(), budget(700), now).limit, 300);
    }

    #[test]
    fn a_single_program_has_the_whole_budget() {
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let limit = program_limit(claim(50.0, 999), std::iter::empty(), budget(1), now);
        assert_eq!((limit.limit, limit.remaining), (1000, 1));
    }
}
