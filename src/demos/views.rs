//! Typed pictures of a run: what demos show and the page draws. Part of the protocol.

use crate::data::Shape;
use crate::generate::Filter;
use crate::train::History;
use serde::Serialize;

/// A button of a demo.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Action {
    pub name: String,
    pub title: String,
    /// An action that takes points drawn on a `Points2d` view: args `{ points: [x, y, ...] }`.
    pub draws: bool,
    /// The panel in whose head its button stands; in the toolbar where there is none.
    pub panel: Option<String>,
}

/// One tile of the page. Its views are drawn over each other, first to last.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Panel {
    /// Stable within a demo; the page keys translations on `demo.panel.id`.
    pub id: String,
    pub title: String,
    pub views: Vec<View>,
}

/// Typed pictures of a run. Numbers travel as little-endian buffers, see [`Floats`].
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum View {
    /// Curves over steps. `rows` holds `[step, value of series 0, ...]` again and again: only what is new, unless `reset`.
    /// A value that was not measured at a step is NaN, and the curve goes on over it; infinity is a gap in the curve.
    Scalars { series: Vec<String>, rows: Floats, reset: bool },
    /// `count` pictures of `width` x `height`, one after the other, row by row, `channels` (1 or 3) bytes a pixel.
    Images {
        count: u32,
        width: u32,
        height: u32,
        channels: u32,
        columns: u32,
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "typescript", ts(type = "Uint8Array"))]
        pixels: Vec<u8>,
        /// The same pictures through time: the page keeps them as a filmstrip.
        film: bool,
        /// What each row shows; empty where that needs no words. The page keys translations on `row.ID`.
        rows: Vec<String>,
        /// A text for each picture, such as its name; empty where there is none.
        captions: Vec<String>,
        /// The action that takes the picture that the person chooses: args `{ index }`.
        pick: Option<String>,
        /// Pictures that were chosen: each with a short mark such as `A`.
        marks: Vec<Mark>,
    },
    /// A picture at each point of a regular grid, the row of the largest y first, without gaps: a background for points.
    Map2d {
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        channels: u32,
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "typescript", ts(type = "Uint8Array"))]
        pixels: Vec<u8>,
        bounds: [f32; 4],
    },
    /// Sets of points; `xy` alternates x and y. `bounds` is `[x0, y0, x1, y1]`, y upwards. `drag` is the action that takes the
    /// place of a pointer that is pressed and moved: args `{ x, y }`.
    Points2d { sets: Vec<PointSet>, bounds: [f32; 4], drag: Option<String> },
    /// Numbers that the person turns, one after the other: `action` takes `{ index, value }`.
    Sliders { action: String, sliders: Vec<Slider> },
    /// A picture of `width` x `height` that the person paints, `channels` (1 or 3) bytes a pixel. `mask` has a byte a pixel, not
    /// 0 where the person erased it, or is empty. `action` takes `{ pixels: [...], mask: [...] }`, empty to wipe it. The page
    /// takes this one over when `revision` changes.
    Pad {
        action: String,
        width: u32,
        height: u32,
        channels: u32,
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "typescript", ts(type = "Uint8Array"))]
        pixels: Vec<u8>,
        #[serde(with = "serde_bytes")]
        #[cfg_attr(feature = "typescript", ts(type = "Uint8Array"))]
        mask: Vec<u8>,
        revision: u32,
    },
    /// Values on a regular grid, row by row from y0 upwards; drawn as colour between `low` and `high`.
    Field2d { columns: u32, rows: u32, values: Floats, low: f32, high: f32, bounds: [f32; 4] },
    /// A bent grid: `columns` x `rows` corners, row by row, x and y alternating.
    Mesh2d { columns: u32, rows: u32, xy: Floats, bounds: [f32; 4] },
    /// Arrows from the centres of a regular grid's cells, row by row from y0 upwards: `xy` has the length of each along x and y.
    Arrows2d { columns: u32, rows: u32, xy: Floats, bounds: [f32; 4] },
    /// Lines of `length` points each, one after the other: where points have been.
    Paths2d { length: u32, xy: Floats, bounds: [f32; 4] },
    /// Counts in equal bins between `low` and `high`, a line for each series; with `categories` a bar for each name.
    Histogram { series: Vec<HistogramSeries>, low: f32, high: f32, categories: Vec<String> },
    /// Something that the person should know. The page keys translations on `note.CODE`, with the arguments filled in.
    Note { code: String, text: String, args: Vec<(String, String)> },
    /// Named numbers, largest type first: the figures of a run.
    Figures { figures: Vec<Figure> },
    /// Text as a language model sees it. `tokens` replaces what the page holds from index `from` on. `chosen` is the token
    /// whose attention and lens are shown. `stop` says why writing ended: `end`, `length`, `context`, `string`, or empty.
    Tokens { from: u32, tokens: Vec<Token>, chosen: Option<u32>, stop: String },
    /// Several short texts that a model wrote as it was at `step`, such as continuations of fixed prompts. With `film` the page keeps
    /// those of earlier steps, to be looked through.
    Texts { step: u32, texts: Vec<ShortText>, film: bool },
    /// What one token attended to: for each head of `layer` a weight for each token up to `token`, `[heads, token + 1]`.
    Attention { token: u32, layer: u32, layers: u32, head: u32, heads: u32, weights: Floats },
    /// What each layer would have said after `token`, from the embedding (first) to the last layer: the logit lens
    /// (nostalgebraist 2020).
    Lens { token: u32, layers: Vec<Vec<Candidate>> },
}

/// One token of a text.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Token {
    pub id: u32,
    /// What it adds to the text: whole characters only. Empty where it ends inside a character; the token that completes
    /// the character adds it.
    pub text: String,
    /// The token by itself, for a label: bytes that are no character are written `<0xE4>`.
    pub piece: String,
    /// `template` (marks of the chat format), `system`, `user`, `assistant`; `prompt` and `generated` outside a chat.
    pub role: String,
    /// Its probability before penalty, temperature and filters, and after; `None` where it was not computed (prompts).
    pub raw: Option<f32>,
    pub p: Option<f32>,
    /// The person chose it, not the model.
    pub forced: bool,
    /// What else could have stood here, likeliest first; empty for prompts.
    pub candidates: Vec<Candidate>,
}

/// A text of a few tokens.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ShortText {
    /// The given ones have the role `prompt`, those of the model `generated`.
    pub tokens: Vec<Token>,
    /// Whether the answer is right; `None` where nothing is asked.
    pub right: Option<bool>,
    /// The right answer, where the one that is shown is wrong; empty otherwise.
    pub wanted: String,
}

/// A token that a model weighed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Candidate {
    pub id: u32,
    pub piece: String,
    /// Probability before penalty, temperature and filters.
    pub raw: f32,
    /// Probability after; 0 where a filter left it out.
    pub p: f32,
    /// The repetition penalty made it less likely.
    pub penalised: bool,
    /// The filter that left it out; `None` where it could be drawn.
    pub filter: Option<Filter>,
}

#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct PointSet {
    /// `real`, `generated`, `drawn` or `predicted`; `class-0` to `class-9`; `chosen` for the one that can be dragged: the page colours
    /// by it.
    pub role: String,
    pub xy: Floats,
}

/// A picture of a grid that stands for something.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Mark {
    pub index: u32,
    pub text: String,
}

/// A number that the person turns.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Slider {
    /// Stable; the page keys translations on `slider.ID`.
    pub id: String,
    pub title: String,
    pub value: f32,
    pub low: f32,
    pub high: f32,
    /// The least difference between two values; `None` where any is taken.
    pub step: Option<f32>,
    /// From 0 to 1, drawn as a bar: how much this number matters. `None` where nothing is known of it.
    pub weight: Option<f32>,
    /// The slider can be played: from its other end to this one, `low` or `high`. `None` where that would show nothing.
    pub play: Option<f32>,
}

#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct HistogramSeries {
    pub label: String,
    pub counts: Vec<f32>,
}

#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Figure {
    /// Stable; the page keys translations on `figure.id`.
    pub id: String,
    pub title: String,
    pub value: f32,
    /// Digits after the point.
    pub digits: u32,
    /// The best possible value, where there is one: 8 of 8 modes.
    pub of: Option<f32>,
}

/// `f32` numbers that travel as little-endian bytes (a `Uint8Array` with a buffer of its own on the page).
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(type = "Uint8Array"))]
pub struct Floats(pub Vec<f32>);

impl Serialize for Floats {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|v| v.to_le_bytes()).collect();
        serializer.serialize_bytes(&bytes)
    }
}

impl Action {
    /// Buttons that take no arguments, each by its name and title.
    pub fn buttons(buttons: &[(&str, &str)]) -> Vec<Self> {
        let button =
            |&(name, title): &(&str, &str)| Self { name: name.into(), title: title.into(), draws: false, panel: None };
        buttons.iter().map(button).collect()
    }

    /// Buttons in the head of a panel, which they act on.
    pub fn buttons_of(panel: &str, buttons: &[(&str, &str)]) -> Vec<Self> {
        Self::buttons(buttons).into_iter().map(|button| Self { panel: Some(panel.into()), ..button }).collect()
    }
}

impl Panel {
    pub fn new(id: &str, title: &str, views: Vec<View>) -> Self {
        Self { id: id.into(), title: title.into(), views }
    }

    /// The panel of a run's figures.
    pub fn figures(figures: Vec<Figure>) -> Self {
        Self::new("figures", "Metrics", vec![View::Figures { figures }])
    }
}

impl Figure {
    pub fn new(id: &str, title: &str, value: f32, digits: u32, of: Option<f32>) -> Self {
        Self { id: id.into(), title: title.into(), value, digits, of }
    }

    /// A value with as many digits as the page shows in the legend of curves.
    pub fn of_curve(id: &str, title: &str, value: f32, of: Option<f32>) -> Self {
        let digits = if value.fract() == 0.0 { 0 } else { if value.abs() < 10.0 { 3 } else { 1 } };
        Self::new(id, title, value, digits, of)
    }
}

impl View {
    /// Some series of a history, of which `rows` are new; all of them with `reset`.
    pub fn curves(rows: &[f32], history: &History, series: &[&str], reset: bool) -> Self {
        let names = series.iter().map(|name| (*name).into()).collect();
        View::Scalars { series: names, rows: Floats(history.columns(rows, series)), reset }
    }

    /// A density on a square grid of `side` cells a side: the highest takes all of the colour.
    pub fn density(values: Vec<f32>, side: usize, bounds: [f32; 4]) -> Self {
        let most = values.iter().copied().filter(|v| v.is_finite()).max_by(f32::total_cmp).unwrap_or(1.0);
        // A field without a middle: none of it takes the colour of low values.
        let (columns, rows, high) = (side as u32, side as u32, most.max(f32::MIN_POSITIVE));
        View::Field2d { columns, rows, values: Floats(values), low: -high, high, bounds }
    }

    /// A grid of digits of 28 x 28 from values in [-1, 1].
    pub fn digits(values: &[f32], columns: usize, film: bool) -> Self {
        Self::pictures(values, Shape { channels: 1, height: 28, width: 28 }, columns, film)
    }

    /// A grid of pictures from values in [-1, 1], `[n, channels, height, width]`.
    pub fn pictures(values: &[f32], shape: Shape, columns: usize, film: bool) -> Self {
        View::Images {
            count: (values.len() / shape.len()) as u32,
            width: shape.width as u32,
            height: shape.height as u32,
            channels: shape.channels as u32,
            columns: columns as u32,
            pixels: shape.bytes(values),
            film,
            rows: Vec::new(),
            captions: Vec::new(),
            pick: None,
            marks: Vec::new(),
        }
    }
}
