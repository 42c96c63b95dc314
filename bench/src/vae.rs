//! The decoder of a variational autoencoder, W5: 16 latents of 64 numbers to pictures of 64 x 64, three channels.

use burn::module::Param;
use burn::tensor::Device;
use kiln::device::read;
use kiln::nn::{Activation, ConvTranspose2d, Linear, upload};
use kiln::rng::{Purpose, Stream};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

const BATCH: usize = 16;
const LATENT: usize = 64;
/// Channels from 4 x 4 to 64 x 64.
const CHANNELS: [usize; 5] = [256, 128, 64, 32, 3];

#[wasm_bindgen]
pub struct Decoder {
    device: Device,
    fc: Linear,
    layers: Vec<ConvTranspose2d>,
}

#[wasm_bindgen]
impl Decoder {
    /// `weights`: of the linear layer `[64, 4096]` and its bias, then of each transposed convolution `[in, out, 4, 4]` and its
    /// bias, one after the other.
    pub async fn open(weights: Vec<f32>) -> Result<Decoder, JsError> {
        let device = crate::device().await?.device.inner();
        let mut weights = weights.into_iter();
        let mut next = |n: usize| weights.by_ref().take(n).collect::<Vec<f32>>();
        let wide = CHANNELS[0] * 16;
        let mut blank = Stream::new(0, Purpose::Weights);
        let mut fc = Linear::new(LATENT, wide, 1.0, true, &mut blank, &device);
        let weights_in_out = next(LATENT * wide);
        let weights_out_in = (0..wide).flat_map(|o| (0..LATENT).map(move |i| (i, o)));
        let weights_out_in = weights_out_in.map(|(i, o)| weights_in_out[i * wide + o]).collect();
        fc.weight = Param::from_tensor(upload(weights_out_in, [wide, LATENT], &device));
        fc.bias = Some(Param::from_tensor(upload(next(wide), [wide], &device)));
        let mut layers = Vec::new();
        for pair in CHANNELS.windows(2) {
            let (inputs, outputs) = (pair[0], pair[1]);
            let mut layer = ConvTranspose2d::doubling(inputs, outputs, 1.0, true, &mut blank, &device);
            let shape = [inputs, outputs, 4, 4];
            layer.weight = Param::from_tensor(upload(next(shape.iter().product()), shape, &device));
            layer.bias = Some(Param::from_tensor(upload(next(outputs), [outputs], &device)));
            layers.push(layer);
        }
        Ok(Self { device, fc, layers })
    }

    /// 16 latents to `[16, 3, 64, 64]`.
    pub async fn decode(&self, z: Vec<f32>) -> Result<Vec<f32>, JsError> {
        let z = upload(z, [BATCH, LATENT], &self.device);
        let mut h = self.fc.forward(z, Activation::RELU).reshape([BATCH, CHANNELS[0], 4, 4]);
        for (i, layer) in self.layers.iter().enumerate() {
            h = layer.forward(h, if i < 3 { Activation::RELU } else { Activation::Sigmoid });
        }
        let n = BATCH * CHANNELS[4] * 64 * 64;
        Ok(read(vec![h.reshape([n])]).await?.pop().unwrap_or_default())
    }
}
