//! The picture that is there before a person brings one: sky, sun, hills, a shore and trees, drawn from a seed.

use crate::rng::{Purpose, Stream};

type Colour = [f32; 3];

fn mix(a: Colour, b: Colour, t: f32) -> Colour {
    let t = t.clamp(0.0, 1.0);
    [0, 1, 2].map(|c| a[c] + (b[c] - a[c]) * t)
}

/// A picture `[3, side, side]` in [-1, 1]. The same seed gives the same scene at every size.
pub fn scene(seed: u64, side: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Data);
    let mut draw = |low: f32, high: f32| low + (high - low) * stream.unit() as f32;
    let sun = [draw(0.2, 0.8), draw(0.15, 0.3), draw(0.05, 0.09)];
    let (above, below) = ([draw(0.1, 0.4), draw(0.3, 0.5), 0.8], [1.0, draw(0.6, 0.8), draw(0.4, 0.6)]);
    // Three ridges, the farthest first: height, waves across, phase, colour.
    let ridges = [0.45, 0.55, 0.66].map(|height| (height, draw(1.5, 4.0), draw(0.0, 6.0), draw(0.25, 0.6)));
    let shore = draw(0.78, 0.84);
    let trees: Vec<[f32; 3]> = (0..14).map(|_| [draw(0.0, 1.0), shore + draw(0.0, 0.16), draw(0.03, 0.07)]).collect();
    let colour = |x: f32, y: f32| {
        for &[at, foot, height] in trees.iter().rev() {
            let up = (foot - y) / height; // 0 at the foot, 1 at the top
            if (0.0..1.0).contains(&up) && (x - at).abs() < height * 0.4 * (1.0 - up) * (0.6 + (up * 4.0).fract()) {
                return mix([0.05, 0.2, 0.12], [0.3, 0.5, 0.2], (x - at) / height + 0.5);
            }
        }
        if y > shore {
            let bank = shore + 0.04 + 0.02 * libm::sinf(9.0 * x);
            return if y > bank {
                mix([0.55, 0.5, 0.25], [0.3, 0.4, 0.15], (y - bank) * 8.0)
            } else {
                [0.75, 0.7, 0.5]
            };
        }
        for (i, &(height, waves, phase, green)) in ridges.iter().enumerate().rev() {
            let wave = libm::sinf(waves * 6.3 * x + phase) + 0.4 * libm::sinf(waves * 17.0 * x + 2.0 * phase);
            if y > height - 0.05 * wave {
                let far = 0.3 * (2 - i) as f32;
                return mix(mix([0.15, green, 0.2], below, far), [0.1, 0.15, 0.2], (y - height) * 1.5);
            }
        }
        let (dx, dy) = (x - sun[0], y - sun[1]);
        let away = (dx * dx + dy * dy).sqrt();
        let sky = mix(above, below, y * 1.8);
        mix([1.0, 0.97, 0.8], sky, if away < sun[2] { 0.0 } else { 0.4 + (away - sun[2]) * 4.0 })
    };
    let place = |i: usize| (i as f32 + 0.5) / side as f32;
    let pixels: Vec<Colour> = (0..side * side).map(|i| colour(place(i % side), place(i / side))).collect();
    (0..3).flat_map(|c| pixels.iter().map(move |p| 2.0 * p[c].clamp(0.0, 1.0) - 1.0)).collect()
}
