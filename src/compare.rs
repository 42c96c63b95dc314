//! Comparison of numbers with what they should be. A NaN is worse than any number; a chain of `f32::max` would lose it.

/// The largest error and its place, or the first NaN. Without errors 0, at place 0.
pub fn worst_at(errors: impl IntoIterator<Item = f32>) -> (usize, f32) {
    let mut worst = (0, 0.0);
    for (at, error) in errors.into_iter().enumerate() {
        if error.is_nan() {
            return (at, error);
        }
        if error > worst.1 {
            worst = (at, error);
        }
    }
    worst
}

/// The largest error; NaN where there is one.
pub fn worst(errors: impl IntoIterator<Item = f32>) -> f32 {
    worst_at(errors).1
}

/// The largest absolute value, NaN where there is one.
pub fn max_abs(values: &[f32]) -> f32 {
    worst(values.iter().map(|v| v.abs()))
}

/// The largest absolute difference; NaN where there is one, and where the lengths differ.
pub fn max_abs_diff(ours: &[f32], theirs: &[f32]) -> f32 {
    if ours.len() != theirs.len() {
        return f32::NAN;
    }
    worst(ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()))
}

/// [`max_abs_diff`] relative to the largest expected number.
pub fn relative_error(ours: &[f32], theirs: &[f32]) -> f32 {
    match max_abs_diff(ours, theirs) {
        0.0 => 0.0,
        difference => difference / max_abs(theirs),
    }
}
