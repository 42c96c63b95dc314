//! The tiny runs whose curves are kept in `tests/fixtures/curve-*.json`.

pub const STEPS: u32 = 6;
pub const GAN2D: &str = "gan2d?seed=3&width=16&depth=1&batch=16";
pub const DCGAN: &str = "dcgan?seed=3&conditional=false&width=4&batch=8&noise=0.1";
pub const VAE: &str = "vae?seed=3&start=scratch&width=4&batch=8&warmup=0";
