//! Adam (Kingma and Ba 2014, arXiv 1412.6980), with PyTorch's formula: epsilon is added to the corrected root.

/// What one update uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The learning rate over `1 - beta1^t`, at step t.
    pub rate: f32,
    /// 1 over `1 - beta2^t`.
    pub root: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
}

/// One update of `weight` and of both moments, in place; four slices of one length.
pub fn adam(weight: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], with: Moments) {
    let Moments { rate, root, beta1, beta2, epsilon } = with;
    for (((w, g), m), v) in weight.iter_mut().zip(gradient).zip(first).zip(second) {
        *m = *m * beta1 + g * (1.0 - beta1);
        *v = *v * beta2 + g * g * (1.0 - beta2);
        *w -= *m * rate / ((*v * root).sqrt() + epsilon);
    }
}
