//! Memory of a process, read from `/proc`.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

const EVERY: Duration = Duration::from_millis(100);

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Memory {
    /// Resident memory including mapped files (`VmRSS`).
    pub resident: u64,
    /// Anonymous resident memory: heap and stacks (`RssAnon`).
    pub private: u64,
}

impl Memory {
    /// Reads the current memory of a process.
    pub fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("reading the memory of process {pid}"))?;
        Ok(Self { resident: field(&status, "VmRSS:")?, private: field(&status, "RssAnon:")? })
    }

    fn larger(self, other: Self) -> Self {
        Self {
            resident: self.resident.max(other.resident),
            private: self.private.max(other.private),
        }
    }
}

fn field(status: &str, name: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().next()).context("no such field")?;
    Ok(kib.parse::<u64>().with_context(|| format!("{name} {kib}"))? * 1024)
}

/// Records the peak memory of a process on a thread until stopped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Memory>,
}

impl Watch {
    /// Starts recording.
    #[must_use]
    pub fn start(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut peak = Memory::default();
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(now) = Memory::of(pid) {
                    peak = peak.larger(now);
                }
                thread::sleep(EVERY);
            }
            peak
        });
        Self { stop, thread }
    }

    /// Stops and returns the peak.
    pub fn stop(self) -> Memory {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_field_of_the_status_file_is_given_in_bytes() {
        let status = "Name:\tx\nVmRSS:\t    2048 kB\nRssAnon:\t 12 kB\n";
        assert_eq!(field(status, "VmRSS:").expect("present"), 2_097_152);
        assert!(field(status, "VmSwap:").is_err());
    }
}
