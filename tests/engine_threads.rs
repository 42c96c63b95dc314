//! A transformer's operations on the CPU are the same on any number of threads, to the bit.

mod common;

use common::bits;
use kiln::nn::engine::{Cpu, Data, Engine, Heads, Matrix, Rope};
use kiln_kernels::{help, threads};

const SHAPE: Heads = Heads { heads: 9, kv_heads: 3, head_dim: 64 };

fn numbers(seed: usize, rows: usize, cols: usize) -> Matrix {
    let data = (0..rows * cols).map(|i| ((i + seed) * 7919 % 1000) as f32 / 500.0 - 1.0).collect();
    Matrix { rows, cols, data: Data::F32(data) }
}

/// A prompt, and a token after it, attend to what is before them.
async fn attended() -> Vec<Vec<u32>> {
    let rope =
        Rope { frequencies: (0..32).map(|pair| 10000f32.powf(pair as f32 / -32.0)).collect(), interleaved: false };
    let mut cache = Cpu.cache(1, 256, SHAPE).expect("a cache");
    let mut results = Vec::new();
    for (at, n) in [(0, 150), (150, 1)] {
        let ids: Vec<u32> = (0..n).collect();
        let [q, k, v] = [(1, SHAPE.heads), (2, SHAPE.kv_heads), (3, SHAPE.kv_heads)]
            .map(|(seed, heads)| Cpu.embed(&numbers(seed, n as usize, heads * SHAPE.head_dim), &ids));
        let rows = Cpu.attend(&q, &k, &v, &mut cache, 0, at, Some(&rope));
        results.push(bits(&Cpu.read(&rows).await.expect("numbers")));
    }
    results
}

#[test]
fn attention_is_the_same_on_any_number_of_threads() {
    assert_eq!(threads(), 1);
    let alone = pollster::block_on(attended());
    (0..3).for_each(|_| drop(std::thread::spawn(|| help())));
    while threads() <= 3 {
        std::thread::yield_now();
    }
    for _ in 0..20 {
        assert!(pollster::block_on(attended()) == alone);
    }
}
