//! Wrapper around `faketime`, which shifts the wall clock of a program and its children by a number
//! of seconds. Timers and the monotonic clock are unchanged.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::moments::Moment;
use crate::steps;

/// Time zone database of Debian's `tzdata`.
const ZONES: &str = "/usr/share/zoneinfo";

/// Path of the running executable, which stays valid when cargo rebuilds it.
const MYSELF: &str = "/proc/self/exe";

/// Installed `faketime` library.
pub(crate) struct Faketime {
    library: String,
}

impl Faketime {
    /// Locates the library of `faketime`. It is preloaded directly, since the `faketime` program
    /// shares its state with children through memory.
    ///
    /// # Errors
    ///
    /// If it isn't installed; the error names the package.
    pub(crate) fn find() -> Result<Self> {
        let missing = "there is no faketime: `apt-get install faketime`";
        let mut asked = Command::new("faketime");
        asked.args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]);
        ensure!(steps::succeeds(Command::new("faketime").arg("--version")), missing);
        let told = asked.output().context(missing)?;
        let library = String::from_utf8_lossy(&told.stdout).trim().to_owned();
        ensure!(library.contains("faketime"), "faketime names no library, but '{library}'");
        Ok(Self { library })
    }

    /// Shifts the clock of a command and sets the time zone of the moment.
    pub(crate) fn set(&self, command: &mut Command, moment: &Moment, ahead: SignedDuration) {
        command.env("LD_PRELOAD", &self.library);
        command.env("FAKETIME", format!("{:+.3}", ahead.as_secs_f64()));
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        if let Some(zone) = moment.zone {
            command.env("TZ", zone);
        }
    }

    /// Verifies that a child process sees the moment's time and zone, by running this program.
    ///
    /// # Errors
    ///
    /// If it doesn't.
    pub(crate) fn verify(&self, moment: &Moment) -> Result<()> {
        if let Some(zone) = moment.zone {
            let known = Path::new(ZONES).join(zone).is_file();
            ensure!(known, "there is no zone {zone}: `apt-get install tzdata`");
        }
        let mut command = Command::new(MYSELF);
        command.arg(super::CLOCK);
        let ahead = moment.ahead(Timestamp::now(), Duration::ZERO);
        let wanted = Timestamp::now() + ahead;
        self.set(&mut command, moment, ahead);
        let told = String::from_utf8(command.output()?.stdout)?;
        let (seen, offset) = told.trim().split_once(' ').context("it doesn't tell the time")?;
        let off = seen.parse::<Timestamp>()?.duration_since(wanted).abs();
        ensure!(off < SignedDuration::from_secs(30), "under faketime it is {seen}, not {wanted}");
        if let Some(zone) = moment.zone {
            let wanted = TimeZone::get(zone)?.to_offset(wanted).to_string();
            ensure!(offset == wanted, "in {zone} the clock is at {offset}, not at {wanted}");
        }
        println!("the clock shows {seen}, offset {offset}");
        Ok(())
    }
}

/// Prints the time and the UTC offset as this process sees them.
pub(crate) fn print() {
    let now = Timestamp::now();
    println!("{now} {}", TimeZone::system().to_offset(now));
}
