//! Chart of response times: median and 90th percentile by hour above, number of turns below.

use super::{
    Stats, StatsGroup,
    render::{Anchor, Drawing, Rgb, Shape, rectangle},
};

/// Language of a chart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ChartLanguage {
    /// English.
    #[default]
    English,
    /// Russian.
    Russian,
}

// Distinguishable in grey too; lines and marks differ besides.
const BLUE: Rgb = [0x00, 0x5a, 0x9c];
const ORANGE: Rgb = [0xd5, 0x5e, 0x00];
const GREY: Rgb = [0x9a, 0xa5, 0xb1];
const INK: Rgb = [0x22, 0x2b, 0x36];
const QUIET: Rgb = [0x5c, 0x67, 0x73];
const GRID: Rgb = [0xe3, 0xe7, 0xeb];

const WIDTH: f32 = 960.0;
const HEIGHT: f32 = 560.0;
const LEFT: f32 = 84.0;
const RIGHT: f32 = 930.0;
/// Vertical extents of the upper and the lower panel.
const ABOVE: (f32, f32) = (112.0, 352.0);
const BELOW: (f32, f32) = (404.0, 496.0);

struct Words {
    title: &'static str,
    half: &'static str,
    most: &'static str,
    turns: &'static str,
    hour: &'static str,
    answered: &'static str,
    waiting: &'static str,
    none: &'static str,
    /// Seconds, minutes, hours, days.
    units: [&'static str; 4],
    /// Abbreviations of the units.
    brief: [&'static str; 4],
}

const ENGLISH: Words = Words {
    title: "Time to answer by hour of day",
    half: "half of the answers within (p50)",
    most: "nine of ten within (p90)",
    turns: "Questions begun in this hour",
    hour: "Hour in which the customer wrote (local time)",
    answered: "answered",
    waiting: "waiting now",
    none: "No answers in this span",
    units: ["seconds", "minutes", "hours", "days"],
    brief: ["s", "min", "h", "d"],
};

const RUSSIAN: Words = Words {
    title: "Время ответа по часам суток",
    half: "половина ответов не дольше (p50)",
    most: "девять из десяти не дольше (p90)",
    turns: "Сколько вопросов начато в этот час",
    hour: "Час, в который написал покупатель (местное время)",
    answered: "отвечено",
    waiting: "ждут сейчас",
    none: "За это время ответов нет",
    units: ["секунды", "минуты", "часы", "дни"],
    brief: ["с", "мин", "ч", "дн."],
};

pub(super) fn by_hour(stats: &Stats, language: ChartLanguage) -> Drawing {
    let words = match language {
        ChartLanguage::English => &ENGLISH,
        ChartLanguage::Russian => &RUSSIAN,
    };
    let mut shapes = Vec::new();
    head(&mut shapes, stats, words);
    times(&mut shapes, &stats.by_hour, words);
    volume(&mut shapes, &stats.by_hour, words);
    for hour in 0..24_u8 {
        let at = (middle(hour), BELOW.1 + 18.0);
        shapes.push(text(at, Anchor::Middle, 11.0, QUIET, format!("{hour:02}")));
    }
    let at = ((LEFT + RIGHT) / 2.0, BELOW.1 + 42.0);
    shapes.push(text(at, Anchor::Middle, 12.0, QUIET, words.hour));
    Drawing { width: WIDTH, height: HEIGHT, title: words.title.to_owned(), shapes }
}

fn head(shapes: &mut Vec<Shape>, stats: &Stats, words: &Words) {
    shapes.push(Shape::Text {
        at: (LEFT, 36.0),
        anchor: Anchor::Start,
        size: 20.0,
        bold: true,
        colour: INK,
        text: words.title.to_owned(),
    });
    let figures = stats.all.answer;
    let told = format!(
        "{}: {} · p50 {} · p90 {} · {}: {}",
        words.answered,
        figures.count,
        brief(figures.p50, words),
        brief(figures.p90, words),
        words.waiting,
        stats.backlog.waiting.count
    );
    shapes.push(text((LEFT, 58.0), Anchor::Start, 12.5, QUIET, told));
    for (x, colour, dashed, label) in
        [(LEFT, BLUE, false, words.half), (LEFT + 330.0, ORANGE, true, words.most)]
    {
        let points = vec![(x, 82.0), (x + 34.0, 82.0)];
        shapes.push(Shape::Line { points, colour, width: 2.5, dashed });
        shapes.push(mark((x + 17.0, 82.0), colour, dashed));
        shapes.push(text((x + 42.0, 86.0), Anchor::Start, 12.0, INK, label));
    }
}

/// Returns the unit in which the longest duration reads best.
fn unit(seconds: f64) -> (usize, f64) {
    match seconds {
        _ if seconds < 180.0 => (0, 1.0),
        _ if seconds < 3.0 * 3_600.0 => (1, 60.0),
        _ if seconds < 3.0 * 86_400.0 => (2, 3_600.0),
        _ => (3, 86_400.0),
    }
}

fn brief(seconds: f64, words: &Words) -> String {
    let (unit, size) = unit(seconds);
    format!("{:.1} {}", seconds / size, words.brief[unit])
}

fn times(shapes: &mut Vec<Shape>, hours: &[StatsGroup], words: &Words) {
    let longest = hours.iter().map(|hour| hour.answer.p90).fold(0.0, f64::max);
    let (unit, size) = unit(longest);
    let step = step(longest / size, 5.0);
    let top = (longest / size / step).ceil().max(1.0) * step;
    axis(shapes, ABOVE, top, step);
    shapes.push(text((LEFT - 8.0, ABOVE.0 - 10.0), Anchor::End, 11.0, QUIET, words.units[unit]));
    for (colour, dashed, of) in [
        (ORANGE, true, (|group| group.answer.p90) as fn(&StatsGroup) -> f64),
        (BLUE, false, |group| group.answer.p50),
    ] {
        // Lines connect only adjacent hours with answers.
        let mut run: Vec<(f32, f32)> = Vec::new();
        let mut marks = Vec::new();
        for (hour, group) in (0..24_u8).zip(hours) {
            if group.answer.count == 0 {
                line(shapes, std::mem::take(&mut run), colour, dashed);
                continue;
            }
            let point = (middle(hour), height(ABOVE, of(group) / size / top));
            marks.push(mark(point, colour, dashed));
            run.push(point);
        }
        line(shapes, run, colour, dashed);
        shapes.extend(marks);
    }
    if longest <= 0.0 && hours.iter().all(|hour| hour.answer.count == 0) {
        let at = ((LEFT + RIGHT) / 2.0, f32::midpoint(ABOVE.0, ABOVE.1));
        shapes.push(text(at, Anchor::Middle, 15.0, QUIET, words.none));
    }
}

fn line(shapes: &mut Vec<Shape>, points: Vec<(f32, f32)>, colour: Rgb, dashed: bool) {
    if points.len() > 1 {
        shapes.push(Shape::Line { points, colour, width: 2.5, dashed });
    }
}

fn volume(shapes: &mut Vec<Shape>, hours: &[StatsGroup], words: &Words) {
    let count = |group: &StatsGroup| u32::try_from(group.turns).map_or(f64::MAX, f64::from);
    let most = hours.iter().map(count).fold(0.0, f64::max);
    let step = step(most, 3.0).max(1.0);
    let top = (most / step).ceil().max(1.0) * step;
    axis(shapes, BELOW, top, step);
    shapes.push(text((LEFT, BELOW.0 - 10.0), Anchor::Start, 12.0, INK, words.turns));
    let width = (RIGHT - LEFT) / 24.0 * 0.7;
    for (hour, group) in (0..24_u8).zip(hours).filter(|(_, group)| group.turns > 0) {
        let y = height(BELOW, count(group) / top);
        let points = rectangle(middle(hour) - width / 2.0, y, width, BELOW.1 - y);
        shapes.push(Shape::Area { points, colour: GREY });
    }
}

/// Adds horizontal grid lines with labels.
fn axis(shapes: &mut Vec<Shape>, panel: (f32, f32), top: f64, step: f64) {
    let mut value = 0.0;
    while value <= top + step / 2.0 {
        let y = height(panel, value / top);
        let colour = if value == 0.0 { QUIET } else { GRID };
        let points = vec![(LEFT, y), (RIGHT, y)];
        shapes.push(Shape::Line { points, colour, width: 1.0, dashed: false });
        let digits = if step < 0.1 { 2 } else { usize::from(step < 1.0) };
        let label = format!("{value:.digits$}");
        shapes.push(text((LEFT - 8.0, y + 4.0), Anchor::End, 11.0, QUIET, label));
        value += step;
    }
}

/// Returns a round step of which at most `most` fit below the top.
fn step(top: f64, most: f64) -> f64 {
    let rough = (top / most).max(0.01);
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= rough).unwrap_or(rough)
}

fn middle(hour: u8) -> f32 {
    LEFT + (f32::from(hour) + 0.5) * (RIGHT - LEFT) / 24.0
}

fn height((top, bottom): (f32, f32), share: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
    let share = share.clamp(0.0, 1.0) as f32;
    bottom - share * (bottom - top)
}

/// Returns a disc for the median, a triangle for the 90th percentile.
fn mark((x, y): (f32, f32), colour: Rgb, triangle: bool) -> Shape {
    let corners: Vec<(f32, f32)> = if triangle {
        vec![(x, y - 5.5), (x + 5.2, y + 4.0), (x - 5.2, y + 4.0)]
    } else {
        let corner = |turn: u8| {
            let (sin, cos) = (f32::from(turn) * std::f32::consts::TAU / 20.0).sin_cos();
            (x + 4.2 * cos, y + 4.2 * sin)
        };
        (0..20).map(corner).collect()
    };
    Shape::Area { points: corners, colour }
}

fn text(at: (f32, f32), anchor: Anchor, size: f32, colour: Rgb, text: impl Into<String>) -> Shape {
    Shape::Text { at, anchor, size, bold: false, colour, text: text.into() }
}
