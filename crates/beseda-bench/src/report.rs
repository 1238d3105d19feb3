//! Table of figures, and the same figures as JSON. A missed goal isn't an error.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::load::{Figures, Latency};

/// Goal of a figure.
#[derive(Clone, Copy)]
pub enum Goal {
    /// Minimum share of the reference.
    Share(f64),
    /// Maximum ratio to the smaller case.
    Times(f64),
    /// Maximum in megabytes (10^6 bytes).
    Megabytes(f64),
    /// Maximum in milliseconds.
    Milliseconds(f64),
}

impl Goal {
    fn reached(self, measured: f64) -> bool {
        match self {
            Self::Share(goal) => measured >= goal,
            Self::Times(goal) | Self::Megabytes(goal) | Self::Milliseconds(goal) => {
                measured <= goal
            }
        }
    }

    fn with(self, value: f64) -> String {
        match self {
            Self::Share(_) => format!("{value:.2}"),
            Self::Times(_) => format!("{value:.2}x"),
            Self::Megabytes(_) => format!("{value:.1} MB"),
            Self::Milliseconds(_) => format!("{value:.1} ms"),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Share(goal) => write!(formatter, ">= {goal:.2}"),
            Self::Times(goal) => write!(formatter, "<= {goal:.1}x"),
            Self::Megabytes(goal) => write!(formatter, "<= {goal:.0} MB"),
            Self::Milliseconds(goal) => write!(formatter, "<= {goal:.0} ms"),
        }
    }
}

/// Row of the table.
pub struct Row {
    /// Name of the figure.
    pub figure: String,
    /// Result of the server.
    pub ours: String,
    /// Result of the reference.
    pub against: String,
    /// Number compared with the goal.
    pub measured: Option<f64>,
    /// Goal.
    pub goal: Option<Goal>,
    /// Numbers of every round, for the JSON file.
    pub rounds: Value,
}

impl Row {
    /// Creates a row with a name and a result.
    #[must_use]
    pub fn new(figure: impl Into<String>, ours: impl Into<String>) -> Self {
        Self {
            figure: figure.into(),
            ours: ours.into(),
            against: String::new(),
            measured: None,
            goal: None,
            rounds: Value::Null,
        }
    }

    /// Sets the result of the reference.
    #[must_use]
    pub fn against(mut self, against: impl Into<String>) -> Self {
        self.against = against.into();
        self
    }

    /// Sets the number to compare and its goal.
    #[must_use]
    pub fn compared(mut self, measured: f64, goal: Goal) -> Self {
        self.measured = Some(measured);
        self.goal = Some(goal);
        self
    }

    /// Sets a ratio without a goal.
    #[must_use]
    pub fn ratio(mut self, measured: f64) -> Self {
        self.measured = Some(measured);
        self
    }

    /// Sets the numbers of every round.
    #[must_use]
    pub fn rounds(mut self, rounds: Value) -> Self {
        self.rounds = rounds;
        self
    }

    fn reached(&self) -> Option<bool> {
        self.goal.zip(self.measured).map(|(goal, measured)| goal.reached(measured))
    }

    fn comparison(&self) -> String {
        match (self.measured, self.goal) {
            (Some(measured), Some(goal)) => goal.with(measured),
            (Some(measured), None) => format!("{measured:.2}"),
            (None, _) => String::new(),
        }
    }
}

/// Formats the table.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["figure", "ours", "against", "measured", "goal", ""]);
    for row in rows {
        let goal = row.goal.map(|goal| goal.to_string()).unwrap_or_default();
        let reached = match row.reached() {
            Some(true) => "reached",
            Some(false) => "NOT REACHED",
            None => "",
        };
        table.add_row([&row.figure, &row.ours, &row.against, &row.comparison(), &goal, reached]);
    }
    if let Some(column) = table.column_mut(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Returns a sentence about the goals that were reached and missed.
#[must_use]
pub fn summary(rows: &[Row]) -> String {
    let judged = rows.iter().filter(|row| row.reached().is_some()).count();
    let missed: Vec<&str> = rows
        .iter()
        .filter(|row| row.reached() == Some(false))
        .map(|row| row.figure.as_str())
        .collect();
    match (judged, missed.len()) {
        (0, _) => "No goal was judged in this run.".to_owned(),
        (judged, 0) => format!("All {judged} goals of this run are reached."),
        (judged, not) => {
            format!("{} of {judged} goals are reached; not: {}.", judged - not, missed.join("; "))
        }
    }
}

/// Returns the figures as JSON.
#[must_use]
pub fn json(rows: &[Row], run: &Value) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "figure": row.figure, "ours": row.ours, "against": row.against,
                "measured": row.measured, "goal": row.goal.map(|goal| goal.to_string()),
                "reached": row.reached(), "rounds": row.rounds,
            })
        })
        .collect();
    json!({ "run": run, "rows": rows })
}

/// Returns the median; the upper one of an even number of values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Formats the median of several rounds: `24,105/s  p50 2.6 ms  p99 5.1 ms`.
#[must_use]
pub fn words(rounds: &[Figures]) -> String {
    let per_second = median(rounds.iter().map(|round| round.per_second).collect());
    let latency = |of: fn(&Latency) -> f64| {
        let values: Vec<f64> =
            rounds.iter().filter_map(|round| round.latency.as_ref().map(of)).collect();
        (!values.is_empty()).then(|| milliseconds(median(values)))
    };
    let mut text = format!("{}/s", thousands(per_second));
    if let Some((p50, p99)) = latency(|found| found.p50_us).zip(latency(|found| found.p99_us)) {
        text.push_str(&format!("  p50 {p50}  p99 {p99}"));
    }
    text
}

/// Formats microseconds as milliseconds.
#[must_use]
pub fn milliseconds(microseconds: f64) -> String {
    let milliseconds = microseconds / 1_000.0;
    if milliseconds < 1.0 {
        format!("{milliseconds:.3} ms")
    } else {
        format!("{milliseconds:.1} ms")
    }
}

/// Formats an integer with thousands separators.
#[must_use]
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Goal, Row, median, summary, table, thousands};

    #[test]
    fn a_share_below_its_goal_is_not_reached_and_said_so() {
        let rows = [
            Row::new("sends", "1/s").compared(0.59, Goal::Share(0.60)),
            Row::new("idle", "12 MB").compared(12.0, Goal::Megabytes(15.0)),
        ];
        assert_eq!(summary(&rows), "1 of 2 goals are reached; not: sends.");
        assert!(table(&rows).contains("NOT REACHED"));
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
