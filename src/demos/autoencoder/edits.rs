//! What the person changed in a latent. In the link as parts joined by `_`: `g2:1.5` multiplies channel 2, `s2:-0.3` adds to
//! it, `n3` adds three draws of noise, `p2:32:5.3.255,70.1.0` paints channel 2 of a latent 32 wide, three values from 5 on
//! and one at 70.

use crate::data::Shape;
use crate::demos::Values;
use crate::rng::{Purpose, Stream};
use serde_json::Value;
use std::collections::BTreeMap;

/// A latent's values, in units of about one standard deviation, are shown and painted between minus and plus this.
pub const RANGE: f32 = 3.0;
/// The bounds of a channel's gain and shift.
pub const GAIN: f32 = 2.0;
/// Standard deviation of one draw of noise.
const NOISE: f32 = 0.3;
/// No latent has more channels, or more values in one.
const CHANNELS: usize = 64;
const VALUES: usize = 1 << 20;
/// More draws of noise are no more than these.
const DRAWS: u32 = 99;

/// Values of a latent as bytes, grey for 0.
pub fn bytes(values: &[f32]) -> Vec<u8> {
    Shape { channels: 1, height: 1, width: 1 }.bytes(&values.iter().map(|v| v / RANGE).collect::<Vec<_>>())
}

/// Changes by channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edits {
    gains: BTreeMap<usize, f32>,
    shifts: BTreeMap<usize, f32>,
    noise: u32,
    paint: BTreeMap<usize, Paint>,
}

/// Painted values of a channel, as bytes, by their place in it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Paint {
    width: usize,
    values: BTreeMap<usize, u8>,
}

impl Edits {
    /// Reads them from a link; what cannot be read is left out.
    pub fn parse(text: &str) -> Self {
        // A link may not paint more than one channel can hold: short runs of numbers stand for very many.
        let (mut edits, mut left) = (Self::default(), VALUES);
        for part in text.split('_').filter(|p| p.is_char_boundary(1)) {
            let (kind, rest) = part.split_at(1);
            let pair = rest.split_once(':').and_then(|(channel, rest)| Some((channel.parse::<usize>().ok()?, rest)));
            let pair = pair.filter(|(channel, _)| *channel < CHANNELS);
            match (kind, pair) {
                ("n", _) => edits.noise = rest.parse().map_or(0, |n: u32| n.min(DRAWS)),
                ("g", Some((channel, value))) => edits.turn(2 * channel, value.parse().unwrap_or(1.0)),
                ("s", Some((channel, value))) => edits.turn(2 * channel + 1, value.parse().unwrap_or(0.0)),
                ("p", Some((channel, runs))) => edits.read_paint(channel, runs, &mut left),
                _ => {}
            }
        }
        edits
    }

    fn read_paint(&mut self, channel: usize, text: &str, left: &mut usize) {
        let Some((width, runs)) = text.split_once(':') else { return };
        let mut paint = Paint { width: width.parse().unwrap_or(0), values: BTreeMap::new() };
        for run in runs.split(',') {
            let mut numbers = run.split('.').map(|n| n.parse::<usize>().ok());
            if let (Some(Some(at)), Some(Some(len)), Some(Some(byte @ 0..=255))) =
                (numbers.next(), numbers.next(), numbers.next())
            {
                // Runs are in order: a link that paints the same place again and again would take long to read.
                let from = paint.values.last_key_value().map_or(0, |(last, _)| last + 1);
                let start = at.max(from);
                let end = at.saturating_add(len).min(VALUES).min(start.saturating_add(*left));
                *left -= end.saturating_sub(start);
                paint.values.extend((start..end).map(|i| (i, byte as u8)));
            }
        }
        self.paint.insert(channel, paint);
    }

    /// As a value of the config.
    pub fn values(&self) -> Values {
        Values::from_iter([("edits".to_string(), Value::from(self.write()))])
    }

    pub fn write(&self) -> String {
        let gains = self.gains.iter().map(|(c, v)| format!("g{c}:{v}"));
        let shifts = self.shifts.iter().map(|(c, v)| format!("s{c}:{v}"));
        let noise = (self.noise > 0).then(|| format!("n{}", self.noise));
        let paint = self.paint.iter().map(|(c, paint)| format!("p{c}:{}:{}", paint.width, paint.runs()));
        gains.chain(shifts).chain(noise).chain(paint).collect::<Vec<_>>().join("_")
    }

    pub fn gain(&self, channel: usize) -> f32 {
        self.gains.get(&channel).copied().unwrap_or(1.0)
    }

    pub fn shift(&self, channel: usize) -> f32 {
        self.shifts.get(&channel).copied().unwrap_or(0.0)
    }

    /// Sets slider `index`: the gain of channel `index / 2`, or its shift where `index` is odd.
    pub fn turn(&mut self, index: usize, value: f32) {
        let (values, neutral, bound) = match index % 2 {
            0 => (&mut self.gains, 1.0, GAIN),
            _ => (&mut self.shifts, 0.0, RANGE),
        };
        if value == neutral || !value.is_finite() {
            values.remove(&(index / 2));
        } else {
            values.insert(index / 2, value.clamp(-bound, bound));
        }
    }

    /// One more draw of noise.
    pub fn add_noise(&mut self) {
        self.noise = (self.noise + 1).min(DRAWS);
    }

    /// Paints a channel: where `pixels` differ from `unpainted`, and not where `mask` says that they were erased.
    pub fn draw(&mut self, channel: usize, width: usize, pixels: &[u8], mask: &[u8], unpainted: &[u8]) {
        let erased = |i: usize| mask.get(i).is_some_and(|&m| m != 0);
        let painted = |(i, (new, old)): (usize, (&u8, &u8))| (new != old && !erased(i)).then_some((i, *new));
        let values: BTreeMap<usize, u8> = pixels.iter().zip(unpainted).enumerate().filter_map(painted).collect();
        self.paint.remove(&channel);
        if !values.is_empty() {
            self.paint.insert(channel, Paint { width, values });
        }
    }

    /// These without the paint of a channel.
    pub fn unpainted(&self, channel: usize) -> Self {
        let mut edits = self.clone();
        edits.paint.remove(&channel);
        edits
    }

    /// A latent, `[channels, height, width]` in units of about one standard deviation, with these changes.
    pub fn apply(&self, latent: &[f32], shape: Shape, seed: u64) -> Vec<f32> {
        let (plane, mut out) = (shape.height * shape.width, latent.to_vec());
        for (c, values) in out.chunks_exact_mut(plane.max(1)).enumerate() {
            values.iter_mut().for_each(|v| *v = *v * self.gain(c) + self.shift(c));
        }
        let mut stream = Stream::new(seed, Purpose::Noise);
        for _ in 0..self.noise {
            out.iter_mut().zip(stream.normal(latent.len())).for_each(|(v, n)| *v += NOISE * n);
        }
        for (&c, paint) in self.paint.iter().filter(|(c, paint)| **c < shape.channels && paint.width == shape.width) {
            for (&i, &byte) in paint.values.range(..plane) {
                out[c * plane + i] = (f32::from(byte) / 127.5 - 1.0) * RANGE;
            }
        }
        out
    }
}

impl Paint {
    /// Values of one colour that lie side by side, each as place, length and byte.
    fn runs(&self) -> String {
        let mut runs: Vec<(usize, usize, u8)> = Vec::new();
        for (&i, &byte) in &self.values {
            match runs.last_mut() {
                Some((at, len, same)) if *same == byte && *at + *len == i => *len += 1,
                _ => runs.push((i, 1, byte)),
            }
        }
        runs.iter().map(|(at, len, byte)| format!("{at}.{len}.{byte}")).collect::<Vec<_>>().join(",")
    }
}
