//! Convolution of 4 x 4 with stride 2, its transpose, and the gradient of its weights, by [`winograd`](super::winograd):
//! each is nine matrix products between transforms. Numbers are in PyTorch's order: pictures `[batch, channels, height,
//! width]`, weights `[small, large, 4, 4]`, where `large` are the channels at the large picture and `small` those at the small
//! one. That is `Conv2d`'s order and `ConvTranspose2d`'s alike.

use super::factor::Factor;
use super::pool::{Target, each_chunk, each_part, worthwhile};
use super::product::{Left, product};
use super::winograd::{Grid, KINDS, SLACK, WIDTH};

/// Sizes of both pictures.
#[derive(Debug, Clone, Copy)]
pub struct Strided {
    pub batch: usize,
    /// Channels at the large picture.
    pub large: usize,
    /// Channels at the small picture.
    pub small: usize,
    /// Height and width of the small picture.
    pub size: [usize; 2],
    /// Zeros around the large picture.
    pub padding: usize,
}

/// Pictures at once: enough for products that fill the vector unit, few enough that both sides stay in the cache.
const AT_ONCE: usize = 8;

/// The kinds of some pictures, of both sides.
struct Sides {
    large: Grid,
    small: Grid,
    of_large: Vec<f32>,
    of_small: Vec<f32>,
    /// For the products.
    panels: Vec<f32>,
}

/// For so many pictures, once there were any.
type Room = Option<(usize, Sides)>;

/// A kind as a matrix `[channels, places]`.
fn factor<'a>(grid: &Grid, room: &'a [f32], kind: usize) -> Factor<'a> {
    Factor::new(&room[grid.range(kind)], [grid.channels(), grid.of(kind)], grid.stride(kind))
}

impl Strided {
    /// The convolution: `small` from `large`.
    pub fn down(&self, large: &[f32], weights: &[f32], small: &mut [f32]) {
        let [of_large, of_small] = self.numbers(large, small);
        let (kernels, pictures) = (self.kernels(weights, false), self.at_once());
        each_chunk(small, pictures * of_small, Room::default, |room, at, small| {
            let n = small.len() / of_small;
            let sides = self.sides(room, n);
            sides.large.analyse(&large[at * pictures * of_large..][..n * of_large], &mut sides.of_large);
            for kind in KINDS {
                let large = factor(&sides.large, &sides.of_large, kind);
                let small = Target::new(&mut sides.of_small[sides.small.range(kind)], sides.small.stride(kind));
                product(&kernels[kind], large, small, false, &mut sides.panels);
            }
            sides.small.compose(&sides.of_small, small);
        });
    }

    /// The transposed convolution: `large` from `small`.
    pub fn up(&self, small: &[f32], weights: &[f32], large: &mut [f32]) {
        let [of_large, of_small] = self.numbers(large, small);
        let (kernels, pictures) = (self.kernels(weights, true), self.at_once());
        each_chunk(large, pictures * of_large, Room::default, |room, at, large| {
            let n = large.len() / of_large;
            let sides = self.sides(room, n);
            sides.small.compose_transposed(&small[at * pictures * of_small..][..n * of_small], &mut sides.of_small);
            for kind in KINDS {
                let small = factor(&sides.small, &sides.of_small, kind);
                let large = Target::new(&mut sides.of_large[sides.large.range(kind)], sides.large.stride(kind));
                product(&kernels[kind], small, large, false, &mut sides.panels);
            }
            sides.large.analyse_transposed(&sides.of_large, large);
        });
    }

    /// The gradient of the weights, from one side and the gradient of the other. Every picture adds to it, in their order: parts
    /// are what can be done of some pictures at the same time.
    pub fn outer(&self, large: &[f32], small: &[f32], weights: &mut [f32]) {
        let [of_large, of_small] = self.numbers(large, small);
        let (mut kernels, of_one) = (vec![0.0; WIDTH * self.one()], of_small);
        let mut room = Room::default();
        for (large, small) in large.chunks(AT_ONCE * of_large).zip(small.chunks(AT_ONCE * of_small)) {
            let Sides { large: large_grid, small: small_grid, of_large, of_small, .. } =
                self.sides(&mut room, small.len() / of_small);
            let cuts = if self.parts(small.len() / of_one) > 1 { 2 } else { 1 };
            each_chunk(
                &mut [&mut *of_large, &mut *of_small],
                2 / cuts,
                || (),
                |(), part, sides| {
                    for (side, to) in (part..).zip(sides) {
                        match side {
                            0 => large_grid.analyse(large, to),
                            _ => small_grid.compose_transposed(small, to),
                        }
                    }
                },
            );
            let kernels = Target::new(&mut kernels, 4 * self.large);
            // Each kind, or its halves, in whole tiles.
            let size = self.small.div_ceil(cuts).next_multiple_of(4);
            let bands = self.small.div_ceil(size);
            let band = |(left, panels): &mut (Left, Vec<f32>), i: usize| {
                let (kind, first) = (i / bands, i % bands * size);
                let large = factor(large_grid, of_large, kind).transposed();
                left.pack(factor(small_grid, of_small, kind).lines(first..self.small.min(first + size)));
                // SAFETY: each band has rows of its own.
                product(left, large, unsafe { kernels.part(kind * self.small + first, 0) }, true, panels);
            };
            if cuts > 1 {
                each_part(WIDTH * bands, Default::default, band);
            } else {
                let mut own = Default::default();
                (0..WIDTH * bands).for_each(|i| band(&mut own, i));
            }
        }
        kernels_transposed(&kernels, weights);
    }

    /// Into how many parts to cut the work of so many pictures.
    fn parts(&self, pictures: usize) -> usize {
        worthwhile(&[WIDTH, pictures, self.large, self.small, self.size[0], self.size[1]])
    }

    /// Pictures for each part.
    fn at_once(&self) -> usize {
        AT_ONCE.min(self.batch.div_ceil(self.parts(self.batch))).max(1)
    }

    /// Numbers of one kind of the weights.
    fn one(&self) -> usize {
        4 * self.large * self.small
    }

    /// Each kind of the weights as a left factor `[small, 4 large]`, or its transpose.
    fn kernels(&self, weights: &[f32], transposed: bool) -> Vec<Left> {
        let (kernels, inputs) = (kernels(weights), 4 * self.large);
        let pack = |kernel: &[f32]| {
            let kernel = Factor::new(kernel, [self.small, inputs], inputs);
            let mut left = Left::default();
            left.pack(if transposed { kernel.transposed() } else { kernel });
            left
        };
        kernels.chunks_exact(self.one()).map(pack).collect()
    }

    /// Room for so many pictures, made anew only where their number changes.
    fn sides<'a>(&self, sides: &'a mut Room, pictures: usize) -> &'a mut Sides {
        if !matches!(sides, Some((n, _)) if *n == pictures) {
            let large = Grid::new(self.size, self.padding, 4 * self.large, pictures);
            let small = Grid::new(self.size, self.padding, self.small, pictures);
            let [of_large, of_small] = [&large, &small].map(|grid| vec![0.0; grid.room() + SLACK]);
            *sides = Some((pictures, Sides { large, small, of_large, of_small, panels: Vec::new() }));
        }
        match sides {
            Some((_, sides)) => sides,
            None => unreachable!("made above"),
        }
    }

    /// Numbers of a large and of a small picture.
    fn numbers(&self, large: &[f32], small: &[f32]) -> [usize; 2] {
        [large.len() / self.batch, small.len() / self.batch]
    }
}

/// Weights `[small, large, 4, 4]` as nine matrices `[small, 4 large]`.
fn kernels(weights: &[f32]) -> Vec<f32> {
    let many = weights.len() / 4;
    let mut kinds = vec![0.0; WIDTH * many];
    for (at, square) in weights.chunks_exact(16).enumerate() {
        for part in 0..4 {
            // Taps of one parity: g[a][b] is weight [2 a + p][2 b + q].
            let g = |a: usize, b: usize| square[(2 * a + part / 2) * 4 + 2 * b + part % 2];
            let lines = [0, 1].map(|a| [g(a, 0), g(a, 0) + g(a, 1), g(a, 1)]);
            let to = at * 4 + part;
            for kx in 0..3 {
                kinds[kx * many + to] = lines[0][kx];
                kinds[(3 + kx) * many + to] = lines[0][kx] + lines[1][kx];
                kinds[(6 + kx) * many + to] = lines[1][kx];
            }
        }
    }
    kinds
}

/// The transpose of [`kernels`].
fn kernels_transposed(kinds: &[f32], weights: &mut [f32]) {
    let many = weights.len() / 4;
    for (at, square) in weights.chunks_exact_mut(16).enumerate() {
        for part in 0..4 {
            let kind = |k: usize| kinds[k * many + at * 4 + part];
            for a in 0..2 {
                let line: [f32; 3] = std::array::from_fn(|kx| kind(3 * a + kx) + kind(3 * a + 3 + kx));
                square[(2 * a + part / 2) * 4 + part % 2] = line[0] + line[1];
                square[(2 * a + part / 2) * 4 + 2 + part % 2] = line[1] + line[2];
            }
        }
    }
}
