//! `faketime`, which gives a program and its children another clock: the machine's plus so many seconds. Timers and the
//! monotonic clock stay as they are, so nothing takes longer or shorter.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::moments::Moment;
use crate::steps;

/// Where Debian's `tzdata` keeps the zones.
const ZONES: &str = "/usr/share/zoneinfo";

/// This very program, even if cargo has built a new one since.
const MYSELF: &str = "/proc/self/exe";

/// A `faketime` that works.
pub(crate) struct Faketime {
    library: String,
}

impl Faketime {
    /// Asks the machine's `faketime` for its library. A shift that is given to that stays the same for all children,
    /// which the program itself can't do without memory that they share.
    ///
    /// # Errors
    /// If there is none; the error names the package.
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

    /// Lets a command run so far ahead, in the moment's zone.
    pub(crate) fn set(&self, command: &mut Command, moment: &Moment, ahead: SignedDuration) {
        command.env("LD_PRELOAD", &self.library);
        command.env("FAKETIME", format!("{:+.3}", ahead.as_secs_f64()));
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        if let Some(zone) = moment.zone {
            command.env("TZ", zone);
        }
    }

    /// Makes sure that a program like the tests sees the moment's time and zone: this program itself is asked.
    ///
    /// # Errors
    /// If it doesn't: then the tests would prove nothing.
    pub(crate) fn prove(&self, moment: &Moment) -> Result<()> {
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

/// Tells the time and the offset from Greenwich, as this process sees them.
pub(crate) fn tell() {
    let now = Timestamp::now();
    println!("{now} {}", TimeZone::system().to_offset(now));
}
