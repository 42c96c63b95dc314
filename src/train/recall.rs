//! Whether what was drawn is recognised among all that could have been asked for.

/// An original counts as recalled where it is among so many nearest.
const AMONG: usize = 10;

/// The share of rows whose own column is among the 10 smallest of their row; `distances` is `[n, n]`. By chance it is 10 in `n`.
pub fn recalled(distances: &[f32], n: usize) -> f32 {
    let among = |row: usize| {
        let distances = &distances[row * n..(row + 1) * n];
        // A NaN is the worst number there is.
        distances.iter().filter(|d| !(**d >= distances[row] || d.is_nan())).count() < AMONG
            && distances[row].is_finite()
    };
    (0..n).filter(|row| among(*row)).count() as f32 / n.max(1) as f32
}
