//! The settings of the variational autoencoder: its link, its controls, its flags.

use crate::demos::settings::{
    Damage, OptimizerSettings, PictureSettings, RunSettings, Settings, Start, no_trained_weights,
};
use crate::demos::{Note, Values};
use crate::train::{Likelihood, VaeOptions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A variational autoencoder on digits, emoji or your own pictures.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    #[serde(flatten)]
    pub run: RunSettings,
    #[serde(flatten)]
    pub pictures: PictureSettings,
    /// Start from trained weights, or from random ones.
    #[schemars(title = "Start", extend("x-group" = "model"))]
    pub start: Start,
    /// How many numbers a picture is compressed into. With 2 you can see the whole latent space at once.
    #[schemars(title = "Latent size", range(min = 1, max = 64), extend("x-group" = "model", "x-presets" = [2, 8, 16, 32]))]
    pub latent: u32,
    /// Channels at 16 x 16; deeper layers have two and four times as many.
    #[schemars(title = "Width", range(min = 4, max = 64), extend("x-group" = "model", "x-step" = 4))]
    pub width: u32,
    /// How pixels are assumed to vary around the decoder's output.
    #[schemars(title = "Likelihood", extend("x-group" = "objective"))]
    pub likelihood: Likelihood,
    /// Standard deviation of the Gaussian likelihood: the smaller it is, the more each pixel counts.
    #[schemars(title = "Sigma", range(min = 0.01, max = 1.0), extend("x-group" = "objective", "x-live" = true, "x-log" = true, "x-when" = { "likelihood": ["gaussian"] }, "x-more" = true))]
    pub sigma: f64,
    /// Weight of the KL term: above 1 the latent space is more regular and the pictures are blurrier.
    #[schemars(title = "Beta", range(min = 0.0, max = 20.0), extend("x-group" = "objective", "x-live" = true, "x-step" = 0.05))]
    pub beta: f64,
    /// Steps over which beta rises from 0, so that the latent is used before the KL term restricts it. Trained weights are past this.
    #[schemars(title = "KL warm-up", range(min = 0, max = 20_000), extend("x-group" = "objective", "x-live" = true, "x-step" = 100, "x-unit" = "steps", "x-more" = true))]
    pub warmup: u32,
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
    /// The latent dimension on the horizontal axis, counted from 1.
    #[schemars(title = "Horizontal axis", range(min = 1, max = 64), extend("x-group" = "plane", "x-live" = true, "x-replayed" = true, "x-more" = true))]
    pub dim_x: u32,
    /// The latent dimension on the vertical axis, counted from 1.
    #[schemars(title = "Vertical axis", range(min = 1, max = 64), extend("x-group" = "plane", "x-live" = true, "x-replayed" = true, "x-more" = true))]
    pub dim_y: u32,
    /// Half the side length of the plane; the prior's standard deviation is 1.
    #[schemars(title = "Range", range(min = 0.5, max = 6.0), extend("x-group" = "plane", "x-live" = true, "x-replayed" = true, "x-step" = 0.1, "x-more" = true))]
    pub span: f64,
    /// How the pictures are damaged before the model repairs them.
    #[schemars(title = "Damage", extend("x-group" = "repair", "x-live" = true, "x-replayed" = true))]
    pub damage: Damage,
    /// How strong the noise or how large the hole; above the middle, Shrink leaves a quarter of the side instead of half.
    #[schemars(title = "Amount", range(min = 0.05, max = 0.95), extend("x-group" = "repair", "x-live" = true, "x-replayed" = true, "x-step" = 0.05))]
    pub amount: f64,
    /// The chosen latent: its numbers, separated by commas.
    #[schemars(title = "Latent", length(max = 800), extend("x-hidden" = true, "x-text" = true, "x-live" = true, "x-replayed" = true))]
    pub z: String,
    /// The first held-out picture that is shown.
    #[schemars(title = "First picture", range(min = 0, max = 9_990), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub from: u32,
    /// Picture A among those that are shown.
    #[schemars(title = "A", range(min = 0, max = 9), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub a: u32,
    /// Picture B.
    #[schemars(title = "B", range(min = 0, max = 9), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub b: u32,
    /// Picture C.
    #[schemars(title = "C", range(min = 0, max = 9), extend("x-hidden" = true, "x-live" = true, "x-replayed" = true))]
    pub c: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            run: RunSettings { seed: 1, evaluate: 200 },
            pictures: PictureSettings { data: "mnist".into(), batch: 64 },
            start: Start::Pretrained,
            latent: 2,
            width: 16,
            likelihood: Likelihood::Bernoulli,
            sigma: 0.1,
            beta: 1.0,
            warmup: 500,
            optimizer: OptimizerSettings { lr: 0.001 },
            dim_x: 1,
            dim_y: 2,
            span: 3.0,
            damage: Damage::Hole,
            amount: 0.5,
            z: String::new(),
            from: 0,
            a: 0,
            b: 1,
            c: 2,
        }
    }
}

impl Settings for Config {
    fn run(&self) -> &RunSettings {
        &self.run
    }
}

/// What trained weights ship for: one file for each size of the latent, `www/weights/vae-DATA-LATENT.safetensors`.
struct Shipped {
    data: &'static str,
    latents: &'static [u32],
    width: u32,
    likelihood: Likelihood,
    /// The seed whose held-out pictures they have not seen, where the split hangs on it.
    seed: Option<u32>,
}

const SHIPPED: [Shipped; 2] = [
    Shipped { data: "mnist", latents: &[2, 8, 16, 32], width: 16, likelihood: Likelihood::Bernoulli, seed: None },
    Shipped { data: "emoji", latents: &[64], width: 16, likelihood: Likelihood::Gaussian, seed: Some(1) },
];

/// Where no trained weights are shipped for what a link asks for, it starts from scratch, and says which setting is why.
pub fn settle(values: &mut Values) -> Option<Note> {
    let config: Config = crate::demos::config(values).ok()?;
    let key = config.unshipped().filter(|_| config.start == Start::Pretrained)?;
    let note = no_trained_weights(values, key);
    values.insert("start".into(), "scratch".into());
    Some(note)
}

impl Config {
    /// The first setting for whose value no weights are shipped.
    fn unshipped(&self) -> Option<&'static str> {
        let Some(shipped) = SHIPPED.iter().find(|shipped| shipped.data == self.pictures.data) else {
            return Some("data");
        };
        let differs = [
            ("latent", !shipped.latents.contains(&self.latent)),
            ("width", self.width != shipped.width),
            ("likelihood", self.likelihood != shipped.likelihood),
            ("seed", shipped.seed.is_some_and(|seed| seed != self.run.seed)),
        ];
        differs.into_iter().find(|(_, differs)| *differs).map(|(key, _)| key)
    }

    /// Whether it starts with weights that ship.
    fn pretrained(&self) -> bool {
        self.start == Start::Pretrained && self.unshipped().is_none()
    }

    /// The shipped weights that it starts with.
    pub fn weights(&self) -> Option<String> {
        self.pretrained().then(|| format!("www/weights/vae-{}-{}.safetensors", self.pictures.data, self.latent))
    }

    /// What step `step` (from 1) minimises. Weights that ship have the warm-up behind them: to begin it anew would spoil them.
    pub fn options(&self, step: u32) -> VaeOptions {
        let risen = match self.warmup {
            0 => 1.0,
            _ if self.pretrained() => 1.0,
            warmup => (f64::from(step) / f64::from(warmup)).min(1.0),
        };
        VaeOptions { likelihood: self.likelihood, sigma: self.sigma, beta: self.beta * risen, lr: self.optimizer.lr }
    }

    /// The chosen latent; what is not named is 0.
    pub fn z(&self) -> Vec<f32> {
        let mut numbers =
            self.z.split(',').map(|n| n.trim().parse().ok().filter(|v: &f32| v.is_finite()).unwrap_or(0.0));
        (0..self.latent).map(|_| numbers.next().unwrap_or(0.0).clamp(-LIMIT, LIMIT)).collect()
    }

    /// The plane's two dimensions, from 0.
    pub fn plane(&self) -> [usize; 2] {
        [self.dim_x, self.dim_y].map(|dim| (dim.clamp(1, self.latent) - 1) as usize)
    }
}

/// How far a number of the latent may be turned.
pub const LIMIT: f32 = 6.0;

/// Values of a config that put a latent in the link.
pub fn choose(z: &[f32]) -> Values {
    let number = |v: &f32| format!("{:.2}", v.clamp(-LIMIT, LIMIT));
    let written = z.iter().map(number).collect::<Vec<_>>().join(",");
    Values::from_iter([("z".to_string(), written.into())])
}
