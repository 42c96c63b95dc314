//! Pretrained autoencoders of pictures, for inference: an encoder and a decoder, each a list of parts that run one after
//! the other. Between two parts a run can show how far it is, and can be given up.

use super::autoencoder_kl::KlSizes;
use super::autoencoder_tiny::TinySizes;
use crate::error::Result;
use crate::nn::ops::matmul;
use crate::nn::{Activation, Conv2d, GroupNorm, upload, upsample2x};
use burn::tensor::activation::{relu, silu, softmax, tanh};
use burn::tensor::{Device, Tensor};

/// Which network a file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Family {
    Tiny(TinySizes),
    Kl(KlSizes),
}

/// What is to be known of a network from outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    pub family: Family,
    /// Channels of the latent.
    pub latent: usize,
    /// Pixels of the picture, in each direction, for one of the latent.
    pub factor: usize,
    /// Pixels, in each direction, that are encoded or decoded at once at most; a multiple of 4 times `factor`.
    pub tile: usize,
    /// `(latent - shift) * scale` has a variance of about one, as diffusion models want it.
    pub scale: f32,
    pub shift: f32,
}

impl Architecture {
    /// The parts of the encoder, then of the decoder.
    pub fn parts(&self) -> [Vec<Part>; 2] {
        match &self.family {
            Family::Tiny(sizes) => [sizes.encoder(), sizes.decoder()],
            Family::Kl(sizes) => [sizes.encoder(), sizes.decoder()],
        }
    }
}

/// A part of a network as its architecture lists it: what it does, and the names and sizes of its weights.
#[derive(Debug, Clone)]
pub struct Part {
    act: Act,
    groups: usize,
    norms: Vec<(String, usize)>,
    convs: Vec<ConvPart>,
}

/// A convolution: its name in the checkpoint, and its sizes.
#[derive(Debug, Clone)]
pub struct ConvPart {
    pub name: String,
    pub inputs: usize,
    pub outputs: usize,
    /// 1 or 3; the padding keeps the size, unless the part pads by itself.
    pub kernel: usize,
    pub stride: usize,
    pub bias: bool,
}

impl ConvPart {
    /// 3 x 3, with a bias.
    pub fn new(name: impl Into<String>, inputs: usize, outputs: usize) -> Self {
        Self { name: name.into(), inputs, outputs, kernel: 3, stride: 1, bias: true }
    }

    /// 1 x 1, with a bias.
    pub fn point(name: impl Into<String>, inputs: usize, outputs: usize) -> Self {
        Self { kernel: 1, ..Self::new(name, inputs, outputs) }
    }
}

/// What a part does with its norms `n` and its convolutions `c`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    /// `x * factor + offset`.
    Affine(f32, f32),
    /// `3 tanh(x / 3)`.
    Bend,
    /// `c x`.
    Plain,
    /// `relu(c x)`.
    Relu,
    /// `relu(c relu(c relu(c x)) + x)`.
    TinyBlock,
    /// `c silu(n c silu(n x)) + x`, `x` through a third convolution where there is one.
    Resnet,
    /// Every pixel attends to every pixel, in one head: queries, keys, values and the way out are convolutions of 1 x 1.
    Attention,
    /// `c silu(n x)`.
    Out,
    /// `c` on the picture with a row below and a column to the right of zeros.
    Halve,
    /// `c` on the picture with each pixel four times.
    Double,
}

impl Part {
    pub fn new(act: Act, groups: usize, norms: Vec<(String, usize)>, convs: Vec<ConvPart>) -> Self {
        Self { act, groups, norms, convs }
    }

    /// One without norms.
    pub fn of(act: Act, convs: Vec<ConvPart>) -> Self {
        Self::new(act, 1, Vec::new(), convs)
    }

    /// Names and shapes of its weights. A 1 x 1 convolution's weight may also lie as a matrix.
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

    /// The part with its weights. `read` gives those of a name, row-major.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn load(&self, read: &dyn Fn(&str) -> Result<Vec<f32>>, device: &Device) -> Result<Layer> {
        let vector = |name: String| -> Result<Tensor<1>> {
            let values = read(&name)?;
            let n = values.len();
            Ok(upload(values, [n], device))
        };
        let norm = |(name, _): &(String, usize)| {
            let (weight, bias) = (vector(format!("{name}.weight"))?, vector(format!("{name}.bias"))?);
            GroupNorm::from_weights(weight, bias, self.groups, 1e-6)
        };
        let conv = |c: &ConvPart| {
            let weight =
                upload(read(&format!("{}.weight", c.name))?, [c.outputs, c.inputs, c.kernel, c.kernel], device);
            let bias = c.bias.then(|| vector(format!("{}.bias", c.name))).transpose()?;
            let padding = if self.act == Act::Halve { 0 } else { c.kernel / 2 };
            Ok(Conv2d::from_weights(weight, bias, c.stride, padding))
        };
        Ok(Layer {
            act: self.act,
            norms: self.norms.iter().map(norm).collect::<Result<_>>()?,
            convs: self.convs.iter().map(conv).collect::<Result<_>>()?,
        })
    }
}

/// A part with its weights.
#[derive(Debug)]
pub struct Layer {
    act: Act,
    norms: Vec<GroupNorm>,
    convs: Vec<Conv2d>,
}

/// Queries that attend at once: with more, the scores alone would take more room than anything else.
const QUERIES: usize = 1024;

impl Layer {
    /// # Shapes
    /// `[1, C, H, W]` to the part's own.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let conv = |i: usize, x: Tensor<4>| self.convs[i].forward(x, Activation::Identity);
        let norm = |i: usize, x: Tensor<4>| silu(self.norms[i].forward(x));
        match self.act {
            Act::Affine(factor, offset) => x * factor + offset,
            Act::Bend => tanh(x / 3.0) * 3.0,
            Act::Plain => conv(0, x),
            Act::Relu => relu(conv(0, x)),
            Act::TinyBlock => relu(conv(2, relu(conv(1, relu(conv(0, x.clone()))))) + x),
            Act::Resnet => {
                let h = conv(1, norm(1, conv(0, norm(0, x.clone()))));
                h + if self.convs.len() > 2 { conv(2, x) } else { x }
            }
            Act::Attention => self.attend(x),
            Act::Out => conv(0, norm(0, x)),
            Act::Halve => conv(0, x.pad((0, 1, 0, 1), 0.0)),
            Act::Double => conv(0, upsample2x(x)),
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
