//! All cases in one world after the other, and what came of each. Tests of one's own worlds use the macro in `list.rs`.

use std::{any::Any, fmt, future::Future, time::Duration};

use crate::{CASES, Case, Need, World};

/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of every case.
#[derive(Debug, Default)]
#[must_use]
pub struct Report {
    /// Cases that went well.
    pub passed: Vec<&'static Case>,
    /// Cases that were left out, with what they need and the world hasn't.
    pub skipped: Vec<(&'static Case, Need)>,
    /// Cases that failed, with the reason.
    pub failed: Vec<(&'static Case, String)>,
}

/// Runs every case in a world of its own, one after the other. What needs more than the world has is left out by name.
/// It wants a runtime of several threads.
pub async fn run<W: Future<Output = World>>(world: impl Fn() -> W) -> Report {
    let mut report = Report::default();
    for case in CASES {
        let world = world().await;
        if let Some(need) = case.needs.iter().find(|need| !world.has(**need)) {
            report.skipped.push((case, *need));
            continue;
        }
        let mut task = tokio::spawn((case.run)(world));
        match tokio::time::timeout(PATIENCE, &mut task).await {
            Ok(Ok(())) => report.passed.push(case),
            Ok(Err(end)) => report.failed.push((case, reason(end))),
            Err(_) => {
                task.abort();
                report.failed.push((case, format!("it took over {} s", PATIENCE.as_secs())));
            }
        }
    }
    report
}

fn reason(end: tokio::task::JoinError) -> String {
    let said = |panic: &(dyn Any + Send)| {
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    };
    end.try_into_panic().map_or_else(|end| end.to_string(), |panic| said(panic.as_ref()))
}

impl Report {
    /// Asserts that no case failed.
    ///
    /// # Panics
    /// With the whole report if one did.
    pub fn assert_passed(&self) {
        assert!(self.failed.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    /// Writes every case that was left out or failed in a line, then how many there were of each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, need) in &self.skipped {
            writeln!(f, "skipped {case}: {}", need.reason())?;
        }
        for (case, reason) in &self.failed {
            writeln!(f, "FAILED  {case}: {reason}")?;
        }
        let (passed, skipped) = (self.passed.len(), self.skipped.len());
        write!(f, "{passed} passed, {skipped} skipped, {} failed", self.failed.len())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.operation, self.name)
    }
}
