//! Shares: what a program is sure of in every hour, and what is left for it now. Pure arithmetic.

use beseda_api::RateLimit;
use jiff::Timestamp;

use super::Priority;

/// What was agreed with a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The part of every operation's hourly limit it is sure of, in percent; `None` if nothing was said.
    pub share: Option<u32>,
    /// Who goes first.
    pub priority: Priority,
}

impl Default for Terms {
    fn default() -> Self {
        Self { share: None, priority: Priority::Interactive }
    }
}

/// A program in the eyes of another one: what it was promised and what it has used of this hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    /// In percent; a fraction where it is the even part of several.
    pub(super) percent: f64,
    pub(super) used: u32,
    /// It was promised, and is not only kept for the sake of fairness.
    pub(super) firm: bool,
}

const HOUR: f64 = 3_600.0;

/// How much of the window is left, from 0 to 1.
fn ahead(now: Timestamp, until: Timestamp) -> f64 {
    (until.duration_since(now).as_secs_f64() / HOUR).clamp(0.0, 1.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a u32, at least 0"
)]
fn part(limit: u32, percent: f64) -> u32 {
    (f64::from(limit) * percent / 100.0).floor().max(0.0) as u32
}

/// A promise holds whole until so much of the hour is left.
const RELEASED_IN: f64 = 0.25;

/// What a claim still keeps from others. It shrinks to nothing at the end of the hour, so that nothing is left over then.
fn kept(claim: Claim, limit: u32, ahead: f64) -> u32 {
    let whole = part(limit, claim.percent);
    let ahead = if claim.firm { (ahead / RELEASED_IN).min(1.0) } else { ahead };
    whole.saturating_sub(claim.used).min(part(whole, ahead * 100.0))
}

/// What is left for a program of what is left for all.
pub(super) fn standing(
    own: Claim,
    others: impl Iterator<Item = Claim>,
    left: RateLimit,
    now: Timestamp,
) -> RateLimit {
    let ahead = ahead(now, left.until);
    let (mut kept_by_others, mut promised) = (0_u32, 0_u32);
    for claim in others {
        kept_by_others = kept_by_others.saturating_add(kept(claim, left.limit, ahead));
        if claim.firm {
            promised = promised.saturating_add(part(left.limit, claim.percent));
        }
    }
    let sure = part(left.limit, own.percent).saturating_sub(own.used);
    let limit = left.limit.saturating_sub(promised).max(part(left.limit, own.percent));
    let remaining = left.remaining.saturating_sub(kept_by_others).max(sure.min(left.remaining));
    RateLimit { limit, remaining: remaining.min(limit), until: left.until }
}

#[cfg(test)]
mod tests {
    use beseda_api::RateLimit;

    use super::{Claim, standing};

    fn left(remaining: u32) -> RateLimit {
        RateLimit { limit: 1000, remaining, until: "2026-11-21T01:00:00Z".parse().unwrap() }
    }

    fn claim(percent: f64, used: u32) -> Claim {
        Claim { percent, used, firm: true }
    }

    #[test]
    fn what_others_were_promised_is_not_ours_at_the_beginning_of_the_hour_and_is_at_its_end() {
        let others = || [claim(60.0, 100)].into_iter();
        let at = |now: &str| {
            let told = standing(claim(0.0, 0), others(), left(900), now.parse().unwrap());
            (told.limit, told.remaining)
        };
        assert_eq!(at("2026-11-21T00:00:00Z"), (400, 400));
        assert_eq!(at("2026-11-21T00:30:00Z"), (400, 400));
        assert_eq!(at("2026-11-21T01:00:00Z"), (400, 400));
        let told =
            standing(claim(0.0, 0), others(), left(300), "2026-11-21T01:00:00Z".parse().unwrap());
        assert_eq!(told.remaining, 300);
    }

    #[test]
    fn a_share_is_sure_whatever_others_were_promised_and_never_more_than_there_is() {
        let others = || [claim(70.0, 0)].into_iter();
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        assert_eq!(standing(claim(30.0, 100), others(), left(500), now).remaining, 200);
        assert_eq!(standing(claim(30.0, 100), others(), left(50), now).remaining, 50);
        assert_eq!(standing(claim(30.0, 300), others(), left(700), now).remaining, 0);
        assert_eq!(standing(claim(30.0, 300), others(), left(700), now).limit, 300);
    }

    #[test]
    fn alone_a_program_has_everything() {
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let told = standing(claim(50.0, 999), std::iter::empty(), left(1), now);
        assert_eq!((told.limit, told.remaining), (1000, 1));
    }
}
