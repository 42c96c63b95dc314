//! The most similar picture of a set, for each of some pictures.

/// A picture of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    /// Its place in the set.
    pub place: u32,
    /// In [-1, 1], `[C, H, W]`.
    pub pixels: Vec<f32>,
}

/// For each of `queries` the place of the candidate with the least sum of squared differences; all are bytes in the same order.
pub fn nearest<'a>(queries: &[Vec<u8>], candidates: impl Iterator<Item = (u32, &'a [u8])>) -> Vec<Option<u32>> {
    let mut best: Vec<Option<(u32, u32)>> = vec![None; queries.len()];
    for (place, candidate) in candidates {
        for (query, best) in queries.iter().zip(&mut best) {
            // Of so few bytes that 32 bits hold the sum: twice as many at a time.
            let distance: u32 = query.iter().zip(candidate).map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2)).sum();
            if best.is_none_or(|(least, _)| distance < least) {
                *best = Some((distance, place));
            }
        }
    }
    best.into_iter().map(|best| best.map(|(_, place)| place)).collect()
}
