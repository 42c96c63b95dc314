//! How well names are drawn that were never trained on: is the drawn picture's own original among the held-out ones nearest to it?

use super::demo::Diffusion;
use super::network::Network;
use crate::demos::training::Run;
use crate::device::read;
use crate::error::{Error, Result};
use crate::models::denoiser::Told;
use crate::nn::ops::matmul;
use crate::nn::upload;
use crate::train::recalled;
use burn::tensor::Tensor;

/// Guidance with which the names are drawn.
const GUIDANCE: f64 = 2.0;

impl Diffusion {
    /// Whether names are what the network is told.
    pub fn named(&self, run: &Run<Self>) -> bool {
        self.features > 0 && run.config.pictures.data == "emoji"
    }

    /// Draws each held-out name, and says how many are recalled.
    pub async fn recalled(&self, model: &Network) -> Result<f32> {
        let missing = || Error::internal("The held-out pictures are not here.");
        let (held_out, captions) = self.held_out.as_ref().zip(self.captions.as_ref()).ok_or_else(missing)?;
        let (n, size) = (held_out.places.len(), self.shape.len());
        let told: Vec<Told> = held_out.places.iter().map(|place| captions.name(*place as usize)).collect();
        let noise = Tensor::cat(self.judged.clone(), 0).narrow(0, 0, n);
        let drawn = self.decode(self.run(model, self.judge_sampler(), noise, &told, GUIDANCE, |_| {}))?;
        let real = upload(held_out.pixels.clone(), [n, size], &self.device);
        // |drawn - real|^2 without |drawn|^2, which is the same in a row.
        let squares = real.clone().square().sum_dim(1).transpose(); // (1, n)
        let distances = squares - matmul(drawn, real, [false, true]) * 2.0; // (n, n)
        let values = read(vec![distances.reshape([n * n])]).await?.pop().unwrap_or_default();
        Ok(recalled(&values, n))
    }
}
