//! Convolution of 4 x 4 with stride 2, its transpose and the gradient of its weights: each is nine matrix products between the
//! transforms of [`transform4x4`](super::transform4x4). Numbers are in PyTorch's order: pictures `[batch, channels, height, width]`,
//! weights `[small, large, 4, 4]`, where `large` counts the channels of the large picture and `small` those of the small one. `Conv2d`
//! and `ConvTranspose2d` both store their weights so.

use super::transform4x4::{COMPONENTS, COUNT, SLACK, Transform};
use crate::gemm::{PackedLhs, gemm_packed};
use crate::mat_ref::MatRef;
use crate::pool::{self, MatMut, each_chunk, each_part};

/// Sizes of both pictures.
#[derive(Debug, Clone, Copy)]
pub struct Conv4x4 {
    pub batch: usize,
    /// Channels of the large picture.
    pub large: usize,
    /// Channels of the small picture.
    pub small: usize,
    /// Height and width of the small picture.
    pub size: [usize; 2],
    /// Zeros around the large picture.
    pub padding: usize,
}

/// Pictures that are transformed together: enough to keep the vector unit busy, few enough to stay in the cache.
const BATCH: usize = 8;

/// The components of a few pictures, on both sides.
struct Sides {
    large: Transform,
    small: Transform,
    of_large: Vec<f32>,
    of_small: Vec<f32>,
    /// Scratch space of the matrix products.
    panels: Vec<f32>,
}

/// Scratch space of one thread, with the number of pictures that it was made for.
type Scratch = Option<(usize, Sides)>;

/// A component as a matrix `[channels, places]`.
fn component_matrix<'a>(transform: &Transform, scratch: &'a [f32], component: usize) -> MatRef<'a> {
    MatRef::new(
        &scratch[transform.range(component)],
        [transform.channels(), transform.len(component)],
        transform.stride(component),
    )
}

impl Conv4x4 {
    /// The convolution: `small` from `large`.
    pub fn forward(&self, large: &[f32], weights: &[f32], small: &mut [f32]) {
        let [of_large, of_small] = self.numbers(large, small);
        let (kernels, pictures) = (self.transform_kernels(weights, false), self.batch_size());
        each_chunk(small, pictures * of_small, Scratch::default, |scratch, at, small| {
            let n = small.len() / of_small;
            let sides = self.sides(scratch, n);
            sides.large.input(&large[at * pictures * of_large..][..n * of_large], &mut sides.of_large);
            for component in COMPONENTS {
                let large = component_matrix(&sides.large, &sides.of_large, component);
                let small =
                    MatMut::new(&mut sides.of_small[sides.small.range(component)], sides.small.stride(component));
                gemm_packed(&kernels[component], large, small, false, &mut sides.panels);
            }
            sides.small.output(&sides.of_small, small);
        });
    }

    /// The transposed convolution: `large` from `small`.
    pub fn grad_input(&self, small: &[f32], weights: &[f32], large: &mut [f32]) {
        let [of_large, of_small] = self.numbers(large, small);
        let (kernels, pictures) = (self.transform_kernels(weights, true), self.batch_size());
        each_chunk(large, pictures * of_large, Scratch::default, |scratch, at, large| {
            let n = large.len() / of_large;
            let sides = self.sides(scratch, n);
            sides.small.output_transposed(&small[at * pictures * of_small..][..n * of_small], &mut sides.of_small);
            for component in COMPONENTS {
                let small = component_matrix(&sides.small, &sides.of_small, component);
                let large =
                    MatMut::new(&mut sides.of_large[sides.large.range(component)], sides.large.stride(component));
                gemm_packed(&kernels[component], small, large, false, &mut sides.panels);
            }
            sides.large.input_transposed(&sides.of_large, large);
        });
    }

    /// The gradient of the weights, from one side and the gradient of the other. Pictures are added in their order, so that the sum is
    /// the same on any number of threads; what runs in parallel is the work on a few pictures.
    pub fn grad_weight(&self, large: &[f32], small: &[f32], weights: &mut [f32]) {
        let [of_large, of_small] = self.numbers(large, small);
        let (mut kernels, of_one) = (vec![0.0; COUNT * self.component_len()], of_small);
        let mut scratch = Scratch::default();
        for (large, small) in large.chunks(BATCH * of_large).zip(small.chunks(BATCH * of_small)) {
            let Sides { large: large_transform, small: small_transform, of_large, of_small, .. } =
                self.sides(&mut scratch, small.len() / of_small);
            let cuts = if self.part_count(small.len() / of_one) > 1 { 2 } else { 1 };
            each_chunk(
                &mut [&mut *of_large, &mut *of_small],
                2 / cuts,
                || (),
                |(), part, sides| {
                    for (side, to) in (part..).zip(sides) {
                        match side {
                            0 => large_transform.input(large, to),
                            _ => small_transform.output_transposed(small, to),
                        }
                    }
                },
            );
            let kernels = MatMut::new(&mut kernels, 4 * self.large);
            // Each component, or each half of one, in whole tiles.
            let size = self.small.div_ceil(cuts).next_multiple_of(4);
            let bands = self.small.div_ceil(size);
            let band = |(left, panels): &mut (PackedLhs, Vec<f32>), i: usize| {
                let (component, first) = (i / bands, i % bands * size);
                let large = component_matrix(large_transform, of_large, component).transposed();
                left.pack(
                    component_matrix(small_transform, of_small, component)
                        .row_range(first..self.small.min(first + size)),
                );
                // SAFETY: each band writes its own rows.
                gemm_packed(left, large, unsafe { kernels.part(component * self.small + first, 0) }, true, panels);
            };
            if cuts > 1 {
                each_part(COUNT * bands, Default::default, band);
            } else {
                let mut own = Default::default();
                (0..COUNT * bands).for_each(|i| band(&mut own, i));
            }
        }
        transform_kernels_transposed(&kernels, weights);
    }

    /// The number of parts that the work for this number of pictures is divided into.
    fn part_count(&self, pictures: usize) -> usize {
        pool::part_count(&[COUNT, pictures, self.large, self.small, self.size[0], self.size[1]])
    }

    /// Pictures in each part.
    fn batch_size(&self) -> usize {
        BATCH.min(self.batch.div_ceil(self.part_count(self.batch))).max(1)
    }

    /// Numbers in one component of the weights.
    fn component_len(&self) -> usize {
        4 * self.large * self.small
    }

    /// Each component of the weights as a left factor `[small, 4 large]`, or its transpose.
    fn transform_kernels(&self, weights: &[f32], transposed: bool) -> Vec<PackedLhs> {
        let (kernels, inputs) = (transform_kernels(weights), 4 * self.large);
        let pack = |kernel: &[f32]| {
            let kernel = MatRef::new(kernel, [self.small, inputs], inputs);
            let mut left = PackedLhs::default();
            left.pack(if transposed { kernel.transposed() } else { kernel });
            left
        };
        kernels.chunks_exact(self.component_len()).map(pack).collect()
    }

    /// Buffers for this number of pictures; allocated again only when the number changes.
    fn sides<'a>(&self, sides: &'a mut Scratch, pictures: usize) -> &'a mut Sides {
        if !matches!(sides, Some((n, _)) if *n == pictures) {
            let large = Transform::new(self.size, self.padding, 4 * self.large, pictures);
            let small = Transform::new(self.size, self.padding, self.small, pictures);
            let [of_large, of_small] = [&large, &small].map(|transform| vec![0.0; transform.total_len() + SLACK]);
            *sides = Some((pictures, Sides { large, small, of_large, of_small, panels: Vec::new() }));
        }
        match sides {
            Some((_, sides)) => sides,
            None => unreachable!("made above"),
        }
    }

    /// Numbers in a large and in a small picture.
    fn numbers(&self, large: &[f32], small: &[f32]) -> [usize; 2] {
        [large.len() / self.batch, small.len() / self.batch]
    }
}

/// The kernel transform: weights `[small, large, 4, 4]` to nine matrices `[small, 4 large]`.
fn transform_kernels(weights: &[f32]) -> Vec<f32> {
    let many = weights.len() / 4;
    let mut components = vec![0.0; COUNT * many];
    for (at, square) in weights.chunks_exact(16).enumerate() {
        for part in 0..4 {
            // Taps of one parity: g[a][b] is weight [2 a + p][2 b + q].
            let g = |a: usize, b: usize| square[(2 * a + part / 2) * 4 + 2 * b + part % 2];
            let lines = [0, 1].map(|a| [g(a, 0), g(a, 0) + g(a, 1), g(a, 1)]);
            let to = at * 4 + part;
            for kx in 0..3 {
                components[kx * many + to] = lines[0][kx];
                components[(3 + kx) * many + to] = lines[0][kx] + lines[1][kx];
                components[(6 + kx) * many + to] = lines[1][kx];
            }
        }
    }
    components
}

/// The transpose of [`transform_kernels`].
fn transform_kernels_transposed(components: &[f32], weights: &mut [f32]) {
    let many = weights.len() / 4;
    for (at, square) in weights.chunks_exact_mut(16).enumerate() {
        for part in 0..4 {
            let component = |k: usize| components[k * many + at * 4 + part];
            for a in 0..2 {
                let line: [f32; 3] = std::array::from_fn(|kx| component(3 * a + kx) + component(3 * a + 3 + kx));
                square[(2 * a + part / 2) * 4 + part % 2] = line[0] + line[1];
                square[(2 * a + part / 2) * 4 + 2 + part % 2] = line[1] + line[2];
            }
        }
    }
}
