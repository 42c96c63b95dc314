//! What the page shows of a picture, its latent, and what was made of it again.

use super::demo::{AutoencoderDemo, Latent};
use super::edits::{GAIN, RANGE, bytes};
use crate::data::Shape;
use crate::demos::views::{Figure, Mark, Panel, Slider, View};

/// Channels beside each other.
const COLUMNS: usize = 4;
/// Differences are shown so many times larger.
const LARGER: f32 = 4.0;

impl AutoencoderDemo {
    pub fn panels(&self) -> Vec<Panel> {
        let edited =
            self.latent.as_ref().map(|l| (self.edits.apply(&l.values, l.shape, u64::from(self.config.seed)), l.shape));
        let [mut latent, mut pad, mut channels, mut decoded, mut difference] = [const { Vec::new() }; 5];
        if let Some((values, shape)) = &edited {
            let channel = (self.config.channel as usize).min(shape.channels - 1);
            latent.push(self.channels(values, *shape, channel));
            pad.push(self.pad(values, *shape, channel));
            channels.push(self.sliders(shape.channels));
        }
        let mut picture = Vec::new();
        if let Some(given) = &self.picture {
            picture.push(View::pictures(&given.values, given.shape, 1, false));
            if let Some(made) = self.decoded.as_ref().filter(|made| made.len() == given.values.len()) {
                decoded.push(View::pictures(made, given.shape, 1, false));
                let apart = |(a, b): (&f32, &f32)| LARGER * (a - b.clamp(-1.0, 1.0)).abs() - 1.0;
                let apart: Vec<f32> = given.values.iter().zip(made).map(apart).collect();
                difference.push(View::pictures(&apart, given.shape, 1, false));
            }
        }
        vec![
            Panel::new("picture", "The picture", picture),
            Panel::new("latent", "Its latent, channel by channel: click one to paint on it", latent),
            Panel::new("decoded", "Decoded", decoded),
            Panel::new("pad", "The chosen channel: paint on it", pad),
            Panel::new("channels", "Gain and shift of each channel", channels),
            Panel::new("difference", "The difference, amplified four times", difference),
            self.figures(),
        ]
    }

    /// A grey picture for each channel.
    fn channels(&self, values: &[f32], shape: Shape, channel: usize) -> View {
        View::Images {
            count: shape.channels as u32,
            width: shape.width as u32,
            height: shape.height as u32,
            channels: 1,
            columns: COLUMNS.min(shape.channels) as u32,
            pixels: bytes(values),
            film: false,
            rows: Vec::new(),
            captions: Vec::new(),
            pick: Some("channel".into()),
            marks: vec![Mark { index: channel as u32, text: (channel + 1).to_string() }],
        }
    }

    fn pad(&self, values: &[f32], shape: Shape, channel: usize) -> View {
        let plane = shape.height * shape.width;
        View::Pad {
            action: "paint".into(),
            width: shape.width as u32,
            height: shape.height as u32,
            channels: 1,
            pixels: bytes(&values[channel * plane..(channel + 1) * plane]),
            mask: Vec::new(),
            revision: self.revision,
        }
    }

    /// A gain and a shift for each channel.
    fn sliders(&self, channels: usize) -> View {
        let slider = |i: usize| {
            let (c, is_shift) = (i / 2, i % 2 == 1);
            let (kind, title) = if is_shift { ("shift", "Shift") } else { ("gain", "Gain") };
            let bound = if is_shift { RANGE } else { GAIN };
            Slider {
                id: format!("{kind}-{c}"),
                title: format!("{title} {}", c + 1),
                value: if is_shift { self.edits.shift(c) } else { self.edits.gain(c) },
                low: -bound,
                high: bound,
                step: None,
                weight: None,
                play: None,
            }
        };
        View::Sliders { action: "slide".into(), sliders: (0..2 * channels).map(slider).collect() }
    }

    fn figures(&self) -> Panel {
        let mut figures = Vec::new();
        if let (Some(given), Some(made)) = (&self.picture, &self.decoded)
            && !self.stale
            && given.values.len() == made.len()
        {
            // Of colours from 0 to 1, as is usual.
            let square = |(a, b): (&f32, &f32)| f64::from((a - b.clamp(-1.0, 1.0)) / 2.0).powi(2);
            let mse = given.values.iter().zip(made).map(square).sum::<f64>() / made.len() as f64;
            figures.push(Figure::new("mse", "Mean squared error", mse as f32, 5, None));
            figures.push(Figure::new("psnr", "PSNR (dB)", (-10.0 * mse.max(1e-12).log10()) as f32, 2, None));
        }
        if let (Some(Latent { shape, .. }), Some(given)) = (&self.latent, &self.picture) {
            let (small, all) = (shape.len() as f32, given.shape.len() as f32);
            figures.push(Figure::new("latent_size", "Numbers in the latent", small, 0, Some(all)));
        }
        for (id, title, ms) in
            [("encode_ms", "Encoding (ms)", self.encode_ms), ("decode_ms", "Decoding (ms)", self.decode_ms)]
        {
            figures.extend(ms.map(|ms| Figure::new(id, title, ms as f32, 0, None)));
        }
        Panel::figures(figures)
    }
}
