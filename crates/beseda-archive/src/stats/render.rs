//! Rendering of shapes as SVG and PNG, with the same font.

use std::{fmt::Write, io};

use tiny_skia::{
    Color, FillRule, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};
use ttf_parser::{Face, OutlineBuilder};

/// Pixels per unit in PNG.
const SCALE: f32 = 2.0;
const REGULAR: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../fonts/DejaVuSans-Bold.ttf");

/// Red, green, blue.
pub(super) type Rgb = [u8; 3];

/// Alignment of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Shape to draw.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Filled area.
    Area { points: Vec<(f32, f32)>, colour: Rgb },
    /// Line through points.
    Line { points: Vec<(f32, f32)>, colour: Rgb, width: f32, dashed: bool },
    /// Text on a baseline.
    Text { at: (f32, f32), anchor: Anchor, size: f32, bold: bool, colour: Rgb, text: String },
}

/// Picture on white.
#[derive(Debug, Clone)]
pub(super) struct Drawing {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) title: String,
    pub(super) shapes: Vec<Shape>,
}

/// Renders the picture as SVG.
pub(super) fn svg(drawing: &Drawing) -> String {
    let (w, h) = (drawing.width, drawing.height);
    let title = escaped(&drawing.title);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" aria-label=\"{title}\" font-family=\"'DejaVu Sans', Verdana, sans-serif\">\n<title>{title}</title>\n<rect width=\"{w}\" height=\"{h}\" fill=\"#fff\"/>\n"
    );
    for shape in &drawing.shapes {
        // Writing to a String can't fail.
        match shape {
            Shape::Area { points, colour } => {
                writeln!(out, "<polygon points=\"{}\" fill=\"{}\"/>", listed(points), hex(*colour))
            }
            Shape::Line { points, colour, width, dashed } => {
                let dash = if *dashed { " stroke-dasharray=\"7 4\"" } else { "" };
                writeln!(
                    out,
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}/>",
                    listed(points),
                    hex(*colour)
                )
            }
            Shape::Text { at: (x, y), anchor, size, bold, colour, text } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let weight = if *bold { " font-weight=\"bold\"" } else { "" };
                writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\"{weight} fill=\"{}\">{}</text>",
                    hex(*colour),
                    escaped(text)
                )
            }
        }
        .ok();
    }
    out.push_str("</svg>\n");
    out
}

/// Renders the picture as PNG.
pub(super) fn png(drawing: &Drawing) -> io::Result<Vec<u8>> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a picture's size")]
    let [width, height] = [drawing.width, drawing.height].map(|size| (size * SCALE) as u32);
    let mut pixels =
        Pixmap::new(width, height).ok_or_else(|| io::Error::other("the picture has no size"))?;
    pixels.fill(Color::WHITE);
    let scale = Transform::from_scale(SCALE, SCALE);
    let [regular, bold] = [REGULAR, BOLD].map(|font| Face::parse(font, 0));
    let (regular, bold_face) =
        (regular.map_err(io::Error::other)?, bold.map_err(io::Error::other)?);
    for shape in &drawing.shapes {
        match shape {
            Shape::Area { points, colour } => {
                if let Some(path) = path(points, true) {
                    pixels.fill_path(&path, &paint(*colour), FillRule::Winding, scale, None);
                }
            }
            Shape::Line { points, colour, width, dashed } => {
                let dash = dashed.then(|| StrokeDash::new(vec![7.0, 4.0], 0.0)).flatten();
                let stroke = Stroke { width: *width, dash, ..Stroke::default() };
                if let Some(path) = path(points, false) {
                    pixels.stroke_path(&path, &paint(*colour), &stroke, scale, None);
                }
            }
            Shape::Text { at, anchor, size, bold, colour, text } => {
                let face = if *bold { &bold_face } else { &regular };
                if let Some(path) = written(face, text, *at, *anchor, *size) {
                    pixels.fill_path(&path, &paint(*colour), FillRule::Winding, scale, None);
                }
            }
        }
    }
    pixels.encode_png().map_err(io::Error::other)
}

/// Returns the corners of a rectangle.
pub(super) fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Vec<(f32, f32)> {
    Rect::from_xywh(x, y, width.max(0.0), height.max(0.0)).map_or_else(Vec::new, |rect| {
        let (left, right, top, bottom) = (rect.left(), rect.right(), rect.top(), rect.bottom());
        vec![(left, top), (right, top), (right, bottom), (left, bottom)]
    })
}

fn path(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::new();
    let ((x, y), rest) = points.split_first()?;
    builder.move_to(*x, *y);
    for (x, y) in rest {
        builder.line_to(*x, *y);
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

fn paint(colour: Rgb) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(colour[0], colour[1], colour[2], 255);
    paint
}

/// Returns the outlines of a text's letters.
fn written(face: &Face<'_>, text: &str, at: (f32, f32), anchor: Anchor, size: f32) -> Option<Path> {
    let scale = size / f32::from(face.units_per_em());
    let glyph =
        |c| face.glyph_index(c).or_else(|| face.glyph_index('\u{fffd}')).unwrap_or_default();
    let advance = |c| f32::from(face.glyph_hor_advance(glyph(c)).unwrap_or(0)) * scale;
    let length: f32 = text.chars().map(advance).sum();
    let before = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => length / 2.0,
        Anchor::End => length,
    };
    let mut pen = Pen { builder: PathBuilder::new(), x: at.0 - before, y: at.1, scale };
    for c in text.chars() {
        face.outline_glyph(glyph(c), &mut pen);
        pen.x += advance(c);
    }
    pen.builder.finish()
}

/// Builder that places outlines, whose y axis points upwards.
struct Pen {
    builder: PathBuilder,
    x: f32,
    y: f32,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, self.y - y * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.builder.line_to(x, y);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }
    fn close(&mut self) {
        self.builder.close();
    }
}

fn listed(points: &[(f32, f32)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    points.join(" ")
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
