//! Tiled encoding and decoding with an autoencoder: tile by tile where a picture is large, and block by block in each tile, so that memory
//! is bounded and a run can be cancelled.
//!
//! Reference: `tiled_encode` and `tiled_decode` of `diffusers`' AutoencoderKL. Tiles overlap by a quarter and are blended
//! linearly. Where four tiles meet, ours are weighted by the product of both ramps; diffusers leaves a faint seam there. A last
//! tile that the previous one covers is omitted.

use crate::data::Shape;
use crate::device::{Device, read_one};
use crate::error::{Error, Result};
use crate::models::autoencoder::Architecture;
use crate::models::autoencoder_block::Block;
use crate::nn::upload;
use burn::tensor::Tensor;

/// A picture that is being encoded, or a latent that is being decoded.
pub struct TiledPass {
    input: Vec<f32>,
    shape: Shape,
    /// Output pixels (`up`) for a number of input pixels (`down`), in each direction.
    up: usize,
    down: usize,
    rows: Vec<Span>,
    columns: Vec<Span>,
    tile: usize,
    /// The current tile, and its next block.
    x: Option<Tensor<4>>,
    block: usize,
    output: Vec<f32>,
    channels: usize,
}

/// A tile in one direction, in input pixels, and its overlap with its neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    at: usize,
    len: usize,
    before: usize,
    after: usize,
}

impl TiledPass {
    /// Encodes a picture in [-1, 1], `[3, H, W]`, whose sides are multiples of `factor`.
    ///
    /// # Errors
    /// `BadCommand` for other sides.
    pub fn encode(a: &Architecture, picture: Vec<f32>, shape: Shape) -> Result<Self> {
        let Shape { channels, height, width } = shape;
        if channels != 3 || height == 0 || width == 0 || height % a.factor != 0 || width % a.factor != 0 {
            let (w, h, f) = (width, height, a.factor);
            return Err(Error::bad_command(format!(
                "A picture of {w} x {h} cannot be divided into squares of {f} pixels."
            )));
        }
        Ok(Self::new(picture, shape, a.tile, 1, a.factor))
    }

    /// Decodes a latent, `[latent, H / factor, W / factor]`.
    ///
    /// # Errors
    /// `BadCommand` where its number of channels is not the model's.
    pub fn decode(a: &Architecture, latent: Vec<f32>, shape: Shape) -> Result<Self> {
        if shape.channels != a.latent || shape.is_empty() {
            let (found, wanted) = (shape.channels, a.latent);
            return Err(Error::bad_command(format!("The latent has {found} channels, but the model's has {wanted}.")));
        }
        Ok(Self::new(latent, shape, a.tile / a.factor, a.factor, 1))
    }

    fn new(input: Vec<f32>, shape: Shape, side: usize, up: usize, down: usize) -> Self {
        let (rows, columns) = (spans(shape.height, side), spans(shape.width, side));
        Self { input, shape, up, down, rows, columns, tile: 0, x: None, block: 0, output: Vec::new(), channels: 0 }
    }

    /// Runs the next block of the encoder or decoder; returns blocks run and blocks in all.
    ///
    /// # Errors
    /// `DeviceLost`.
    pub async fn step(&mut self, blocks: &[Block], device: &Device) -> Result<(usize, usize)> {
        let all = self.rows.len() * self.columns.len();
        if self.tile < all
            && let Some(layer) = blocks.get(self.block)
        {
            let x = self.x.take().unwrap_or_else(|| self.cut(device));
            let x = layer.forward(x);
            self.block += 1;
            if self.block < blocks.len() {
                // Reading one number limits what is submitted to WebGPU, and makes progress true.
                read_one(x.clone().slice([0..1, 0..1, 0..1, 0..1]).reshape([1])).await?;
                self.x = Some(x);
            } else {
                let [_, c, h, w] = x.dims();
                let values = read_one(x.reshape([c * h * w])).await?;
                self.blend(&values, Shape { channels: c, height: h, width: w });
                (self.block, self.tile) = (0, self.tile + 1);
            }
        }
        Ok((self.tile * blocks.len() + self.block, all * blocks.len()))
    }

    /// The result: a picture, about in [-1, 1], or the output of the encoder, which begins with the mean of the latent.
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

    /// The weight of the tile at its pixel `i`; the weights of all tiles sum to 1 everywhere.
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

/// Tiles of `side` that cover `len`, with a stride of three quarters of a tile.
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
