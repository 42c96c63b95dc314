//! An engine against the CPU's, operation by operation, on random numbers: natively and in the browser.

#![allow(dead_code)]

use kiln::compare::{max_abs, worst, worst_at};
use kiln::nn::engine::{Activation, Cpu, Data, Engine, GROUP, Heads, Linear, Matrix, Norm, Rope};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How far from the CPU's a number may be, of the largest of its kind.
const TOLERANCE: f32 = 1e-5;

/// What the weights are.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    F32,
    F16,
    Bf16,
    Q4 { low: bool },
    Q8 { group: usize, low: bool },
}

pub const KINDS: [Kind; 8] = [
    Kind::F32,
    Kind::F16,
    Kind::Bf16,
    Kind::Q4 { low: true },
    Kind::Q4 { low: false },
    Kind::Q8 { group: 32, low: false },
    Kind::Q8 { group: 16, low: false },
    Kind::Q8 { group: 16, low: true },
];

/// Random numbers of a fixed seed.
pub struct Numbers(ChaCha8Rng);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    fn floats(&mut self, count: usize, size: f32) -> Vec<f32> {
        (0..count).map(|_| (self.0.random::<f32>() * 2.0 - 1.0) * size).collect()
    }

    fn vector(&mut self, count: usize) -> Matrix {
        Matrix::vector(self.floats(count, 1.0))
    }

    fn rows(&mut self, n: usize, width: usize) -> Matrix {
        Matrix { rows: n, cols: width, data: Data::F32(self.floats(n * width, 1.0)) }
    }

    fn matrix(&mut self, rows: usize, cols: usize, kind: Kind) -> Matrix {
        let count = rows * cols;
        let data = match kind {
            Kind::F32 => Data::F32(self.floats(count, 0.3)),
            // Every number but infinities and what is not a number; some are subnormal.
            Kind::F16 => Data::F16((0..count).map(|_| self.0.random::<u16>() & 0xb7ff).collect()),
            Kind::Bf16 => Data::Bf16(self.floats(count, 0.3).iter().map(|v| (v.to_bits() >> 16) as u16).collect()),
            Kind::Q4 { low } => Data::Q4 {
                q: (0..count / 2).map(|_| self.0.random()).collect(),
                d: self.floats(count / GROUP, 0.02),
                m: if low { self.floats(count / GROUP, 0.2) } else { Vec::new() },
            },
            Kind::Q8 { group, low } => Data::Q8 {
                q: (0..count).map(|_| self.0.random()).collect(),
                group,
                d: self.floats(count / group, 0.002),
                m: if low { self.floats(count / group, 0.2) } else { Vec::new() },
            },
        };
        Matrix { rows, cols, data }
    }
}

/// The same operations on two engines.
struct Pair<'a, E: Engine> {
    cpu: Cpu,
    other: &'a E,
    /// The largest difference so far, of the largest of its kind.
    worst: f32,
}

type Both<E> = (<Cpu as Engine>::Rows, <E as Engine>::Rows);

impl<E: Engine> Pair<'_, E> {
    /// The CPU has the same numbers as f32: with quantised weights it rounds activations to 16 bits.
    fn weight(&self, m: &Matrix) -> (Matrix, E::Weight) {
        let mut values = vec![0.0; m.rows * m.cols];
        values.chunks_exact_mut(m.cols).enumerate().for_each(|(r, row)| m.row(r, row));
        let exact = Matrix { data: Data::F32(values), ..*m };
        (exact, self.other.weight(m.clone()).expect("a weight"))
    }

    fn linear(&self, weight: &Matrix, bias: Option<&Matrix>) -> (Linear<Matrix>, Linear<E::Weight>) {
        let (weight, other) = self.weight(weight);
        let (bias, other_bias) = bias.map(|b| self.weight(b)).unzip();
        (Linear { weight, bias }, Linear { weight: other, bias: other_bias })
    }

    fn norm(&self, weight: &Matrix, bias: Option<&Matrix>) -> (Norm<Matrix>, Norm<E::Weight>) {
        let (a, b) = self.linear(weight, bias);
        let eps = 1e-5;
        (Norm { weight: a.weight, bias: a.bias, eps }, Norm { weight: b.weight, bias: b.bias, eps })
    }

    /// Activations: rows of a table of f32.
    fn rows(&self, x: &Matrix) -> Both<E> {
        let (cpu, other) = self.weight(x);
        let ids: Vec<u32> = (0..x.rows as u32).collect();
        (self.cpu.embed(&cpu, &ids), self.other.embed(&other, &ids))
    }

    async fn same(&mut self, what: &str, (cpu, other): Both<E>) {
        let expected = self.cpu.read(&cpu).await.expect("the CPU reads");
        let got = self.other.read(&other).await.expect("the device reads");
        assert_eq!(got.len(), expected.len(), "{what}: a result of another size");
        let largest = max_abs(&expected).max(0.1);
        let (i, off) = worst_at(got.iter().zip(&expected).map(|(g, e)| (g - e).abs() / largest));
        let (g, e) = (got[i], expected[i]);
        assert!(off <= TOLERANCE, "{what}: number {i} is {g}, on the CPU {e}; the largest is {largest}");
        self.worst = worst([self.worst, off]);
    }
}

/// Every operation, on small shapes. Returns the largest difference, of the largest number of its kind.
pub async fn every_operation_gives_the_cpus_numbers<E: Engine>(engine: &E) -> f32 {
    let mut pair = Pair { cpu: Cpu, other: engine, worst: 0.0 };
    let numbers = &mut Numbers::new(1);
    for n in [1, 5, 16] {
        products(&mut pair, numbers, n).await;
        norms(&mut pair, numbers, n).await;
    }
    embeddings(&mut pair, numbers).await;
    attends(&mut pair, numbers).await;
    pair.worst
}

async fn products<E: Engine>(pair: &mut Pair<'_, E>, numbers: &mut Numbers, n: usize) {
    for kind in KINDS {
        // Rows of a group, of some, and of more than a workgroup's lanes; most matrices are of 4 bits.
        let whole = matches!(kind, Kind::Q4 { low: true });
        let shapes: &[(usize, usize)] = if whole { &[(37, 96), (5, 32), (33, 1568)] } else { &[(37, 96)] };
        for &(rows, cols) in shapes {
            let what = |op: &str| format!("{op} of {kind:?} [{rows}, {cols}] for {n}");
            let x = pair.rows(&numbers.rows(n, cols));
            let residual = pair.rows(&numbers.rows(n, rows));
            let (w, bias) = (numbers.matrix(rows, cols, kind), numbers.vector(rows));
            let plain = pair.linear(&w, None);
            let result = (
                pair.cpu.linear(&x.0, &plain.0, Activation::Identity, None),
                pair.other.linear(&x.1, &plain.1, Activation::Identity, None),
            );
            pair.same(&what("product"), result).await;
            // Each is a shader to compile, which takes its time in a browser without a GPU.
            if !whole {
                continue;
            }
            let biased = pair.linear(&w, Some(&bias));
            for activation in [Activation::GeluTanh, Activation::Gelu, Activation::LeakyRelu(0.2)] {
                let result = (
                    pair.cpu.linear(&x.0, &biased.0, activation, Some(&residual.0)),
                    pair.other.linear(&x.1, &biased.1, activation, Some(&residual.1)),
                );
                pair.same(&what(&format!("{activation:?}")), result).await;
            }
            let up = pair.linear(&numbers.matrix(rows, cols, kind), None);
            let result = (pair.cpu.swiglu(&x.0, &plain.0, &up.0), pair.other.swiglu(&x.1, &plain.1, &up.1));
            pair.same(&what("gate"), result).await;
        }
    }
    // Rows that no vector divides, gates of two kinds, and biases on them.
    let x = pair.rows(&numbers.rows(n, 7));
    let odd = pair.linear(&numbers.matrix(9, 7, Kind::F32), None);
    let result = (
        pair.cpu.linear(&x.0, &odd.0, Activation::Identity, None),
        pair.other.linear(&x.1, &odd.1, Activation::Identity, None),
    );
    pair.same("an odd product", result).await;
    let odd = pair.linear(&numbers.matrix(9, 7, Kind::F16), None);
    let result = (
        pair.cpu.linear(&x.0, &odd.0, Activation::Identity, None),
        pair.other.linear(&x.1, &odd.1, Activation::Identity, None),
    );
    pair.same("an odd product of halves", result).await;
    let x = pair.rows(&numbers.rows(n, 64));
    let gate = pair.linear(&numbers.matrix(10, 64, Kind::Q4 { low: true }), Some(&numbers.vector(10)));
    let up = pair.linear(&numbers.matrix(10, 64, Kind::F16), Some(&numbers.vector(10)));
    let result = (pair.cpu.swiglu(&x.0, &gate.0, &up.0), pair.other.swiglu(&x.1, &gate.1, &up.1));
    pair.same("gates of two kinds", result).await;
}

async fn norms<E: Engine>(pair: &mut Pair<'_, E>, numbers: &mut Numbers, n: usize) {
    for width in [7, 64, 576] {
        let x = pair.rows(&numbers.rows(n, width));
        for bias in [None, Some(numbers.vector(width))] {
            let norm = pair.norm(&numbers.vector(width), bias.as_ref());
            let result = (pair.cpu.norm(&x.0, &norm.0), pair.other.norm(&x.1, &norm.1));
            pair.same(&format!("norm of {width} for {n}"), result).await;
        }
        let y = pair.rows(&numbers.rows(n, width));
        let result = (pair.cpu.add(&x.0, &y.0), pair.other.add(&x.1, &y.1));
        pair.same("sum", result).await;
        let result = (pair.cpu.last(&x.0), pair.other.last(&x.1));
        pair.same("last row", result).await;
    }
    for head_dim in [16, 96] {
        let x = pair.rows(&numbers.rows(n, 3 * head_dim));
        let norm = pair.norm(&numbers.vector(head_dim), None);
        let result = (pair.cpu.norm_heads(&x.0, &norm.0, head_dim), pair.other.norm_heads(&x.1, &norm.1, head_dim));
        pair.same("norm of heads", result).await;
    }
}

async fn embeddings<E: Engine>(pair: &mut Pair<'_, E>, numbers: &mut Numbers) {
    for kind in KINDS {
        let table = pair.weight(&numbers.matrix(11, 96, kind));
        let ids = [10, 0, 3, 3];
        let result = (pair.cpu.embed(&table.0, &ids), pair.other.embed(&table.1, &ids));
        pair.same(&format!("embedding of {kind:?}"), result).await;
    }
}

fn rope(base: f32, dims: usize, interleaved: bool) -> Rope {
    let frequencies = (0..dims / 2).map(|pair| base.powf(-2.0 * pair as f32 / dims as f32)).collect();
    Rope { frequencies, interleaved }
}

async fn attends<E: Engine>(pair: &mut Pair<'_, E>, numbers: &mut Numbers) {
    for (heads, kv_heads, head_dim) in [(4, 2, 32), (9, 3, 64), (2, 1, 80)] {
        let (half, side) = (rope(10000.0, head_dim, false), rope(500.0, head_dim, true));
        let partial = rope(10000.0, head_dim / 4, false);
        for rope in [None, Some(&half), Some(&side), Some(&partial)] {
            let shape = Heads { heads, kv_heads, head_dim };
            let context = 40;
            let mut caches = (
                pair.cpu.cache(2, context, shape).expect("a cache"),
                pair.other.cache(2, context, shape).expect("a cache"),
            );
            let mut at = 0;
            // A long prompt in two parts, then token after token.
            for n in [context / 2 - 3, context / 4, 1, 1, 3, 1] {
                let [q, k, v] = [heads, kv_heads, kv_heads].map(|h| pair.rows(&numbers.rows(n, h * head_dim)));
                for layer in [1, 0] {
                    let result = (
                        pair.cpu.attend(&q.0, &k.0, &v.0, &mut caches.0, layer, at, rope),
                        pair.other.attend(&q.1, &k.1, &v.1, &mut caches.1, layer, at, rope),
                    );
                    pair.same(&format!("attending {shape:?} with {rope:?} from {at} for {n}"), result).await;
                }
                let last = at + n - 1;
                let result = (
                    pair.cpu.attention(&q.0, &caches.0, 1, last, rope),
                    pair.other.attention(&q.1, &caches.1, 1, last, rope),
                );
                pair.same(&format!("attention of {shape:?} at {last}"), result).await;
                at += n;
            }
        }
    }
}
