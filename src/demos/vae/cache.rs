//! What the views keep from one time to the next: while only the chosen latent moves, only what hangs on it is drawn anew.

use crate::demos::settings::Damage;

/// A dimension that tells less than this, in nats, has collapsed onto the prior.
pub const ALIVE: f32 = 0.01;

/// What the page has been sent, and what was read for it.
#[derive(Default)]
pub struct Cache {
    pub model: Option<ModelKey>,
    pub map: Option<MapKey>,
    /// Means of the points `[POINTS, latent]`, and the KL of each dimension, averaged over them.
    pub means: Vec<f32>,
    pub kl: Vec<f32>,
}

/// What the pictures hang on, apart from the chosen latent.
#[derive(PartialEq)]
pub struct ModelKey {
    pub step: u32,
    pub choice: [u32; 4],
    pub damage: Damage,
    pub amount: f64,
    pub mended: bool,
}

/// What the map hangs on: the step, the plane, and the dimensions that it does not show.
#[derive(PartialEq)]
pub struct MapKey {
    pub step: u32,
    pub plane: [usize; 2],
    pub span: f64,
    pub others: Vec<f32>,
}
