//! A picture through one side of an autoencoder: tile by tile where it is large, part by part in each tile, so that memory
//! stays bounded and a run can be given up on the way.
//!
//! Reference: `tiled_encode` and `tiled_decode` of `diffusers`' AutoencoderKL. Tiles overlap by a quarter and are blended
//! linearly. Where four tiles meet, ours are weighted by the product of both ramps; there diffusers leaves a faint seam. A last
//! tile that the one before it covers is left out.

use crate::data::Shape;
use crate::device::{Device, read};
use crate::error::{Error, Result};
use crate::models::autoencoder::{Architecture, Layer};
use crate::nn::upload;
use burn::tensor::Tensor;

/// A picture on its way through an encoder, or a latent on its way through a decoder.
pub struct Passage {
    input: Vec<f32>,
    shape: Shape,
    /// Output pixels for so many input pixels, in each direction.
    up: usize,
    down: usize,
    rows: Vec<Span>,
    columns: Vec<Span>,
    tile: usize,
    /// The tile on its way, and the part that is next.
    x: Option<Tensor<4>>,
    part: usize,
    output: Vec<f32>,
    channels: usize,
}

/// Where a tile lies in one direction, in input pixels, and how much of it overlaps its neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    at: usize,
    len: usize,
    before: usize,
    after: usize,
}

impl Passage {
    /// A picture in [-1, 1], `[3, H, W]`, to be encoded. Sides are multiples of `factor`.
    ///
    /// # Errors
    /// `BadCommand` for other sides.
    pub fn encode(a: &Architecture, picture: Vec<f32>, shape: Shape) -> Result<Self> {
        let Shape { channels, height, width } = shape;
        if channels != 3 || height == 0 || width == 0 || height % a.factor != 0 || width % a.factor != 0 {
            let (w, h, f) = (width, height, a.factor);
            return Err(Error::bad_command(format!(
                "A picture of {w} x {h} cannot be cut into squares of {f} pixels."
            )));
        }
        Ok(Self::new(picture, shape, a.tile, 1, a.factor))
    }

    /// A latent, `[latent, H / factor, W / factor]`, to be decoded.
    ///
    /// # Errors
    /// `BadCommand` where it has other channels than the model's.
    pub fn decode(a: &Architecture, latent: Vec<f32>, shape: Shape) -> Result<Self> {
        if shape.channels != a.latent || shape.is_empty() {
            let (found, wanted) = (shape.channels, a.latent);
            return Err(Error::bad_command(format!("The latent has {found} channels, but the model's has {wanted}.")));
        }
        Ok(Self::new(latent, shape, a.tile / a.factor, a.factor, 1))
    }

    fn new(input: Vec<f32>, shape: Shape, side: usize, up: usize, down: usize) -> Self {
        let (rows, columns) = (spans(shape.height, side), spans(shape.width, side));
        Self { input, shape, up, down, rows, columns, tile: 0, x: None, part: 0, output: Vec::new(), channels: 0 }
    }

    /// Runs the next part of the side, given whole; returns parts run and parts in all.
    ///
    /// # Errors
    /// `DeviceLost`.
    pub async fn step(&mut self, side: &[Layer], device: &Device) -> Result<(usize, usize)> {
        let all = self.rows.len() * self.columns.len();
        if self.tile < all
            && let Some(layer) = side.get(self.part)
        {
            let x = self.x.take().unwrap_or_else(|| self.cut(device));
            let x = layer.forward(x);
            self.part += 1;
            if self.part < side.len() {
                // One number: WebGPU has no other brake on what is submitted, and progress is to be true.
                read(vec![x.clone().slice([0..1, 0..1, 0..1, 0..1]).reshape([1])]).await?;
                self.x = Some(x);
            } else {
                let [_, c, h, w] = x.dims();
                let values = read(vec![x.reshape([c * h * w])]).await?.pop().unwrap_or_default();
                self.blend(&values, Shape { channels: c, height: h, width: w });
                (self.part, self.tile) = (0, self.tile + 1);
            }
        }
        Ok((self.tile * side.len() + self.part, all * side.len()))
    }

    /// What came out: a picture about in [-1, 1], or the mean of the latent and what else the encoder says.
    pub fn finish(self) -> (Vec<f32>, Shape) {
        let shape = self.out_shape();
        (self.output, shape)
    }

    fn out_shape(&self) -> Shape {
        let out = |n: usize| n * self.up / self.down;
        Shape { channels: self.channels, height: out(self.shape.height), width: out(self.shape.width) }
    }

    fn spans(&self) -> (Span, Span) {
        (self.rows[self.tile / self.columns.len()], self.columns[self.tile % self.columns.len()])
    }

    fn cut(&self, device: &Device) -> Tensor<4> {
        let ((rows, columns), Shape { channels, height, width }) = (self.spans(), self.shape);
        let mut values = Vec::with_capacity(channels * rows.len * columns.len);
        for row in (0..channels).flat_map(|c| (0..rows.len).map(move |y| c * height + rows.at + y)) {
            let at = row * width + columns.at;
            values.extend_from_slice(&self.input[at..at + columns.len]);
        }
        upload(values, [1, channels, rows.len, columns.len], device)
    }

    fn blend(&mut self, values: &[f32], tile: Shape) {
        self.channels = tile.channels;
        let (whole, (rows, columns)) = (self.out_shape(), self.spans());
        self.output.resize(whole.len(), 0.0);
        let (rows, columns) = (rows.scaled(self.up, self.down), columns.scaled(self.up, self.down));
        for (i, line) in values.chunks_exact(tile.width).enumerate() {
            let (c, y) = (i / tile.height, i % tile.height);
            let (weight, at) = (rows.weight(y), (c * whole.height + rows.at + y) * whole.width + columns.at);
            for (x, (out, value)) in self.output[at..at + tile.width].iter_mut().zip(line).enumerate() {
                *out += weight * columns.weight(x) * value;
            }
        }
    }
}

impl Span {
    fn scaled(self, up: usize, down: usize) -> Self {
        let [at, len, before, after] = [self.at, self.len, self.before, self.after].map(|n| n * up / down);
        Self { at, len, before, after }
    }

    /// How much the tile counts at its pixel `i`; all tiles together count 1 everywhere.
    fn weight(self, i: usize) -> f32 {
        let end = self.len - self.after;
        if i < self.before {
            i as f32 / self.before as f32
        } else if i >= end {
            1.0 - (i - end) as f32 / self.after as f32
        } else {
            1.0
        }
    }
}

/// Tiles of `side` that cover `len`, each three quarters of one after the last.
fn spans(len: usize, side: usize) -> Vec<Span> {
    let stride = side - side / 4;
    let mut spans = vec![Span { at: 0, len: len.min(side), before: 0, after: 0 }];
    while let Some(last) = spans.last_mut()
        && last.at + last.len < len
    {
        let at = last.at + stride;
        let before = last.at + last.len - at;
        last.after = before;
        spans.push(Span { at, len: side.min(len - at), before, after: 0 });
    }
    spans
}
