//! The operations of pretrained models: the attention of an autoencoder, and the operations of a transformer.

use super::result::{Computed, Pending, flat};
use crate::error::Result;
use crate::models::autoencoder_block::{BlockKind, BlockSpec, ConvSpec};
use crate::nn::engine::{Activation, Data, Engine, GROUP, Heads, Linear, Matrix, Norm, Rope};
use crate::nn::upload;
use crate::rng::Stream;
use burn::tensor::{Device, Tensor};
use std::cell::RefCell;

/// Attention of the pixels of a picture, after group norm.
pub fn attention(stream: &mut Stream, device: &Device) -> Result<Vec<Pending>> {
    const CHANNELS: usize = 8;
    let device = device.clone().inner();
    let x: Tensor<4> = upload(stream.normal(CHANNELS * 12), [1, CHANNELS, 3, 4], &device);
    let stream = RefCell::new(stream);
    let convolutions = ["q", "k", "v", "out"].map(|name| ConvSpec::point(name, CHANNELS, CHANNELS));
    let part = BlockSpec::new(BlockKind::Attention, 2, vec![("norm".into(), CHANNELS)], convolutions.into());
    let sizes = part.tensors();
    let read = |name: &str| {
        let shape = sizes.iter().find(|(n, _)| n == name).map_or(&[][..], |(_, shape)| shape);
        Ok(stream.borrow_mut().uniform(shape.iter().product(), 1.0))
    };
    Ok(vec![flat("group norm and attention", part.load(&read, &device)?.forward(x))])
}

/// Random weights of a transformer.
struct Weights<'a, E> {
    stream: &'a mut Stream,
    engine: &'a E,
}

impl<E: Engine> Weights<'_, E> {
    fn floats(&mut self, rows: usize, cols: usize) -> Result<E::Weight> {
        let data = Data::F32(self.stream.uniform(rows * cols, 1.0));
        self.engine.weight(Matrix { rows, cols, data })
    }

    /// A linear layer with 4-bit weights and a bias.
    fn layer(&mut self, rows: usize, cols: usize) -> Result<Linear<E::Weight>> {
        let q = (0..rows * cols / 2).map(|_| self.stream.below(256) as u8).collect();
        let d = self.stream.uniform(rows * cols / GROUP, 0.02);
        let m = self.stream.uniform(rows * cols / GROUP, 0.1);
        let weight = self.engine.weight(Matrix { rows, cols, data: Data::Q4 { q, d, m } })?;
        Ok(Linear { weight, bias: Some(self.floats(1, rows)?) })
    }

    fn norm(&mut self, width: usize) -> Result<Norm<E::Weight>> {
        Ok(Norm { weight: self.floats(1, width)?, bias: None, eps: 1e-5 })
    }
}

/// A block of a transformer with 4-bit weights: each operation of an engine.
pub async fn transformer<E: Engine>(stream: &mut Stream, engine: &E) -> Result<Vec<Computed>> {
    const WIDTH: usize = 64;
    let shape = Heads { heads: 4, kv_heads: 2, head_dim: 16 };
    let rope = Rope { frequencies: (0..8).map(|pair| 0.5f32.powi(pair)).collect(), interleaved: false };
    let mut weights = Weights { stream, engine };
    let table = weights.floats(11, WIDTH)?;
    let (before, heads, after) = (weights.norm(WIDTH)?, weights.norm(16)?, weights.norm(WIDTH)?);
    let (q, k, v) = (weights.layer(WIDTH, WIDTH)?, weights.layer(32, WIDTH)?, weights.layer(32, WIDTH)?);
    let (out, gate, up) = (weights.layer(WIDTH, WIDTH)?, weights.layer(96, WIDTH)?, weights.layer(96, WIDTH)?);
    let down = weights.layer(WIDTH, 96)?;
    let mut cache = engine.cache(1, 8, shape)?;

    let x = engine.embed(&table, &[3, 0, 10, 7, 7]);
    let h = engine.norm(&x, &before);
    let layer = |layer| engine.linear(&h, layer, Activation::Identity, None);
    let (q, k, v) = (engine.norm_heads(&layer(&q), &heads, 16), layer(&k), layer(&v));
    let attended = engine.attend(&q, &k, &v, &mut cache, 0, 0, Some(&rope));
    let attention = engine.attention(&engine.last(&q), &cache, 0, 4, Some(&rope));
    let x = engine.linear(&attended, &out, Activation::GeluTanh, Some(&x));
    let swiglu = engine.swiglu(&engine.norm(&x, &after), &gate, &up);
    let x = engine.add(&engine.linear(&swiglu, &down, Activation::Identity, None), &x);
    let mut computed = Vec::new();
    for (what, rows) in [("transformer", &x), ("transformer's attention", &attention)] {
        computed.push(Computed { what, values: engine.read(rows).await? });
    }
    Ok(computed)
}
