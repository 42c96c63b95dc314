//! What training steps cost WebGPU, counted where the browser's own functions are called.

use burn::tensor::{Device, Tensor};
use kiln::device::{self, read};
use kiln::models::dcgan::DcganConfig;
use kiln::models::mlp_gan::MlpConfig;
use kiln::models::{Discriminator, Generator};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::train::{Gan, GanLoss, GanOptions, Losses, StepInput, scalars};
use std::fmt::{Display, Formatter};

/// Wraps the functions of this worker's WebGPU.
const COUNT: &str = "
    globalThis.counted = { dispatches: 0, submits: 0, pipelines: 0 };
    const wrap = (prototype, name, counter) => {
        const inner = prototype[name];
        prototype[name] = function (...given) { counted[counter]++; return inner.apply(this, given); };
    };
    wrap(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', 'dispatches');
    wrap(GPUQueue.prototype, 'submit', 'submits');
    wrap(GPUDevice.prototype, 'createComputePipeline', 'pipelines');
";

/// Of one warm step.
pub struct Cost {
    pub dispatches: f64,
    pub submits: f64,
    /// Bytes that the allocator has reserved after the steps, those of them that tensors use between two steps, and those that
    /// they use where most are: before the generator's gradients.
    pub bytes: [u64; 3],
}

impl Display for Cost {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { dispatches, submits, bytes: [reserved, between, most] } = self;
        write!(
            f,
            "{dispatches} dispatches, {submits} submits; bytes: {reserved} reserved, {most} in use at most, {between} after it"
        )
    }
}

/// Wraps WebGPU's functions, once.
pub fn count() {
    js_sys::eval(COUNT).expect("a worker with WebGPU");
}

/// Pipelines made so far.
pub fn pipelines() -> f64 {
    counted()[2]
}

fn counted() -> [f64; 3] {
    let counted = js_sys::Reflect::get(&js_sys::global(), &"counted".into()).expect("count was called");
    ["dispatches", "submits", "pipelines"]
        .map(|name| js_sys::Reflect::get(&counted, &name.into()).ok().and_then(|v| v.as_f64()).expect("a counter"))
}

/// Of a DCGAN of this width, on pictures of 28 x 28.
pub async fn dcgan(width: usize, batch: usize, device: &Device) -> Cost {
    let config = DcganConfig { latent: 64, width, classes: 0, channels: 1, side: 28 };
    let mut stream = Stream::new(1, Purpose::Weights);
    let (generator, discriminator) = (config.generator(&mut stream, device), config.discriminator(&mut stream, device));
    steps(Gan::new(generator, discriminator, device.clone()), device, [batch, 784, 64]).await
}

/// Of a game of points in the plane, with two hidden layers in each network.
pub async fn plane(width: usize, batch: usize, device: &Device) -> Cost {
    let config = MlpConfig { latent: 2, width, depth: 2 };
    let mut stream = Stream::new(1, Purpose::Weights);
    let (generator, discriminator) = (config.generator(&mut stream, device), config.discriminator(&mut stream, device));
    steps(Gan::new(generator, discriminator, device.clone()), device, [batch, 2, 2]).await
}

/// An update of both networks a step, as the bench and the demos take it.
async fn steps<G: Generator, D: Discriminator>(
    mut gan: Gan<G, D>,
    device: &Device,
    [batch, features, latent]: [usize; 3],
) -> Cost {
    const WARM: usize = 4;
    let options = GanOptions {
        loss: GanLoss::Nonsaturating,
        lr_generator: 2e-4,
        lr_discriminator: 2e-4,
        beta1: 0.5,
        beta2: 0.999,
        penalty: 0.0,
        norms: false,
    };
    let mut noise = Stream::new(2, Purpose::Noise);
    device::release(device);
    let (mut before, mut losses) = (counted(), Losses::new());
    for step in 0..=WARM {
        let mut up = |features: usize| upload(noise.uniform(batch * features, 1.0), [batch, features], device);
        let (real, z, z2) = (up(features), up(latent), up(latent));
        let input = |real: Tensor<2>, z: Tensor<2>| StepInput { real, z, noise: None, classes: None, mix: None };
        losses = gan.step(options, vec![input(real.clone(), z)], Some(input(real, z2))).expect("a step");
        if step == 0 {
            read(scalars(&losses)).await.expect("losses");
            before = counted();
        }
    }
    let losses = read(scalars(&losses)).await.expect("losses");
    assert!(losses.iter().flatten().all(|loss| loss.is_finite()), "{losses:?}");
    let after = counted();
    let each = |i: usize| (after[i] - before[i]) / WARM as f64;
    let memory = || device.clone().inner().memory_pool_usage().expect("what the allocator has");
    let after = memory();
    let z = upload(noise.uniform(batch * latent, 1.0), [batch, latent], device);
    let frozen = gan.discriminator.model.clone().no_grad();
    let logits = frozen.forward(gan.generator.model.forward(z, None), None);
    let most = memory().bytes_in_use;
    drop(logits);
    Cost { dispatches: each(0), submits: each(1), bytes: [after.bytes_reserved, after.bytes_in_use, most] }
}
