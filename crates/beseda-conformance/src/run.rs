//! Runs all cases and reports their results.

use std::{any::Any, fmt, future::Future, time::Duration};

use crate::{CASES, Capability, Case, TestEnvironment};

/// Time limit of a case.
const CASE_TIMEOUT: Duration = Duration::from_secs(60);

/// Results of all cases, printed with one line for each skipped or failed case and a summary.
#[derive(Debug, Default)]
#[must_use]
pub struct Report {
    /// Passed cases.
    pub passed: Vec<&'static Case>,
    /// Skipped cases, with the missing capability.
    pub skipped: Vec<(&'static Case, Capability)>,
    /// Failed cases, with the panic message.
    pub failed: Vec<(&'static Case, String)>,
}

/// Runs every case in an environment of its own, one after the other. Cases that require a missing capability are skipped.
/// Requires a multi-threaded runtime.
pub async fn run<F: Future<Output = TestEnvironment>>(environment: impl Fn() -> F) -> Report {
    let mut report = Report::default();
    for case in CASES {
        let env = environment().await;
        if let Some(capability) = case.requires.iter().find(|capability| !env.has(**capability)) {
            report.skipped.push((case, *capability));
            continue;
        }
        let mut task = tokio::spawn((case.run)(env));
        match tokio::time::timeout(CASE_TIMEOUT, &mut task).await {
            Ok(Ok(())) => report.passed.push(case),
            Ok(Err(error)) => report.failed.push((case, panic_message(error))),
            Err(_) => {
                task.abort();
                report.failed.push((case, format!("it took over {} s", CASE_TIMEOUT.as_secs())));
            }
        }
    }
    report
}

fn panic_message(error: tokio::task::JoinError) -> String {
    let text = |panic: &(dyn Any + Send)| {
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    };
    error.try_into_panic().map_or_else(|error| error.to_string(), |panic| text(panic.as_ref()))
}

impl Report {
    /// Asserts that no case failed.
    ///
    /// # Panics
    /// With the whole report if a case failed.
    pub fn assert_passed(&self) {
        assert!(self.failed.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    /// Writes every case that was left out or failed in a line, then how many there were of each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (case, capability) in &self.skipped {
            writeln!(f, "skipped {case}: {}", capability.reason())?;
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
