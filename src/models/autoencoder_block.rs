//! The blocks of pretrained autoencoders: their description, from which the weights to load follow, and the blocks with their weights.

use crate::error::Result;
use crate::nn::ops::matmul;
use crate::nn::{Activation, Conv2d, GroupNorm, upload, upsample2x};
use burn::tensor::activation::{relu, silu, softmax, tanh};
use burn::tensor::{Device, Tensor};

/// The description of a block: what it computes, and the names and sizes of its weights.
#[derive(Debug, Clone)]
pub struct BlockSpec {
    kind: BlockKind,
    groups: usize,
    norms: Vec<(String, usize)>,
    convs: Vec<ConvSpec>,
}

/// A convolution: its name in the checkpoint, and its sizes.
#[derive(Debug, Clone)]
pub struct ConvSpec {
    pub name: String,
    pub inputs: usize,
    pub outputs: usize,
    /// 1 or 3. The padding keeps the size, except in `Downsample`, which pads by itself.
    pub kernel: usize,
    pub stride: usize,
    pub bias: bool,
}

impl ConvSpec {
    /// 3 x 3, with a bias.
    pub fn new(name: impl Into<String>, inputs: usize, outputs: usize) -> Self {
        Self { name: name.into(), inputs, outputs, kernel: 3, stride: 1, bias: true }
    }

    /// 1 x 1, with a bias.
    pub fn point(name: impl Into<String>, inputs: usize, outputs: usize) -> Self {
        Self { kernel: 1, ..Self::new(name, inputs, outputs) }
    }
}

/// What a block computes with its norms `n` and its convolutions `c`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BlockKind {
    /// `x * factor + offset`.
    Affine(f32, f32),
    /// `3 tanh(x / 3)`.
    SoftClamp,
    /// `c x`.
    Conv,
    /// `relu(c x)`.
    ConvRelu,
    /// `relu(c relu(c relu(c x)) + x)`.
    TinyBlock,
    /// `c silu(n c silu(n x)) + x`, where `x` goes through a third convolution if there is one.
    Resnet,
    /// Self-attention of all pixels with one head. Queries, keys, values and the output projection are 1 x 1 convolutions.
    Attention,
    /// `c silu(n x)`.
    NormSiluConv,
    /// `c` of the picture padded with a row of zeros below and a column to the right.
    Downsample,
    /// `c` of the picture upsampled by 2.
    Upsample,
}

impl BlockSpec {
    pub fn new(kind: BlockKind, groups: usize, norms: Vec<(String, usize)>, convs: Vec<ConvSpec>) -> Self {
        Self { kind, groups, norms, convs }
    }

    /// A block without norms.
    pub fn without_norms(kind: BlockKind, convs: Vec<ConvSpec>) -> Self {
        Self::new(kind, 1, Vec::new(), convs)
    }

    /// Names and shapes of the weights. The weight of a 1 x 1 convolution may also be stored as a matrix.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let norms = self.norms.iter().flat_map(|(name, width)| {
            [(format!("{name}.weight"), vec![*width]), (format!("{name}.bias"), vec![*width])]
        });
        let convs = self.convs.iter().flat_map(|c| {
            let weight = (format!("{}.weight", c.name), vec![c.outputs, c.inputs, c.kernel, c.kernel]);
            [Some(weight), c.bias.then(|| (format!("{}.bias", c.name), vec![c.outputs]))]
        });
        norms.chain(convs.flatten()).collect()
    }

    /// Loads the block. `read` returns the numbers of a tensor, row-major.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn load(&self, read: &dyn Fn(&str) -> Result<Vec<f32>>, device: &Device) -> Result<Block> {
        let vector = |name: String| -> Result<Tensor<1>> {
            let values = read(&name)?;
            let n = values.len();
            Ok(upload(values, [n], device))
        };
        let norm = |(name, _): &(String, usize)| {
            let (weight, bias) = (vector(format!("{name}.weight"))?, vector(format!("{name}.bias"))?);
            GroupNorm::from_weights(weight, bias, self.groups, 1e-6)
        };
        let conv = |c: &ConvSpec| {
            let weight =
                upload(read(&format!("{}.weight", c.name))?, [c.outputs, c.inputs, c.kernel, c.kernel], device);
            let bias = c.bias.then(|| vector(format!("{}.bias", c.name))).transpose()?;
            let padding = if self.kind == BlockKind::Downsample { 0 } else { c.kernel / 2 };
            Ok(Conv2d::from_weights(weight, bias, c.stride, padding))
        };
        Ok(Block {
            kind: self.kind,
            norms: self.norms.iter().map(norm).collect::<Result<_>>()?,
            convs: self.convs.iter().map(conv).collect::<Result<_>>()?,
        })
    }
}

/// A block with its weights.
#[derive(Debug)]
pub struct Block {
    kind: BlockKind,
    norms: Vec<GroupNorm>,
    convs: Vec<Conv2d>,
}

/// Queries that attend at once: with more, the scores would take more memory than anything else.
const QUERIES: usize = 1024;

impl Block {
    /// # Shapes
    /// `[1, C, H, W]` to `[1, C', H', W']`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let conv = |i: usize, x: Tensor<4>| self.convs[i].forward(x, Activation::Identity);
        let norm = |i: usize, x: Tensor<4>| silu(self.norms[i].forward(x));
        match self.kind {
            BlockKind::Affine(factor, offset) => x * factor + offset,
            BlockKind::SoftClamp => tanh(x / 3.0) * 3.0,
            BlockKind::Conv => conv(0, x),
            BlockKind::ConvRelu => relu(conv(0, x)),
            BlockKind::TinyBlock => relu(conv(2, relu(conv(1, relu(conv(0, x.clone()))))) + x),
            BlockKind::Resnet => {
                let h = conv(1, norm(1, conv(0, norm(0, x.clone()))));
                h + if self.convs.len() > 2 { conv(2, x) } else { x }
            }
            BlockKind::Attention => self.attend(x),
            BlockKind::NormSiluConv => conv(0, norm(0, x)),
            BlockKind::Downsample => conv(0, x.pad((0, 1, 0, 1), 0.0)),
            BlockKind::Upsample => conv(0, upsample2x(x)),
        }
    }

    fn attend(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, c, h, w] = x.dims();
        let n = h * w;
        let y = self.norms[0].forward(x.clone());
        let pixels = |i: usize| self.convs[i].forward(y.clone(), Activation::Identity).reshape([c, n]);
        let q = (pixels(0) / (c as f32).sqrt()).transpose(); // (N, C)
        let (k, v) = (pixels(1), pixels(2).transpose()); // (C, N), (N, C)
        let chunk = |at: usize| {
            let q = q.clone().narrow(0, at, QUERIES.min(n - at));
            matmul(softmax(matmul(q, k.clone(), [false, false]), 1), v.clone(), [false, false])
        };
        let out = Tensor::cat((0..n).step_by(QUERIES).map(chunk).collect(), 0); // (N, C)
        self.convs[3].forward(out.transpose().reshape([1, c, h, w]), Activation::Identity) + x
    }
}
