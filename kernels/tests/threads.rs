//! What several threads compute is what one computes, to the bit.

use kiln_kernels::{Attention, Conv2d, Data, MatRef, Matrix, Window, each_chunk, gemm, help, matmul, threads};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

const HELPERS: usize = 3;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i * 7919 % 1000) as f32 / 500.0 - 1.0).collect()
}

/// Products and convolutions, each large enough for many parts, with parts that do not divide them.
fn all() -> Vec<Vec<u32>> {
    let mut results = Vec::new();
    for [n, k, m] in [[37, 300, 1030], [1030, 300, 37], [3, 4000, 200], [4, 4000, 100], [3000, 300, 2], [2000, 3, 200]]
    {
        let (a, b, mut out) = (numbers(n * k), numbers(k * m), vec![0.0; n * m]);
        gemm(MatRef::new(&a, [n, k], k), MatRef::new(&b, [k, m], m), &mut out);
        results.push(out.clone());
        gemm(MatRef::new(&a, [k, n], n).transposed(), MatRef::new(&b, [m, k], k).transposed(), &mut out);
        results.push(out);
    }
    for (batch, size, k, stride) in
        [(19, [14, 10], 4, 2), (3, [14, 10], 4, 2), (1, [60, 50], 3, 1), (5, [20, 20], 3, 1), (3, [20, 20], 1, 1)]
    {
        let shape = Conv2d { batch, inputs: 24, outputs: 37, size, kernel: [k, k], window: Window::square(stride, 1) };
        let (x, weights) = (numbers(batch * 24 * size[0] * size[1]), numbers(37 * 24 * k * k));
        let mut y = vec![0.0; batch * 37 * shape.out_size().iter().product::<usize>()];
        let (mut back, mut outer) = (vec![0.0; x.len()], vec![0.0; weights.len()]);
        shape.forward(&x, &weights, &mut y);
        shape.grad_input(&y, &weights, &mut back);
        shape.grad_weight(&x, &y, &mut outer);
        results.extend([y, back, outer]);
    }
    for causal in [false, true] {
        let sizes = Attention { batch: 3, queries: 65, keys: 65, heads: 3, width: 20, causal };
        let [q, k, v] = [0, 1, 2].map(|i| numbers(3 * 65 * 60 + i).split_off(i));
        let [mut y, mut of_q, mut of_k, mut of_v] = [(); 4].map(|()| vec![0.0; q.len()]);
        sizes.forward(&q, &k, &v, &mut y);
        sizes.backward([&q, &k, &v], &y, [&mut of_q, &mut of_k, &mut of_v]);
        results.extend([y, of_q, of_k, of_v]);
    }
    let (rows, cols) = (517, 1024);
    let bytes = |n: usize| (0..n).map(|i| (i * 31 % 251) as u8).collect::<Vec<_>>();
    let scales = |group: usize| numbers(rows * cols / group);
    for data in [
        Data::F32(numbers(rows * cols)),
        Data::Bf16(bytes(rows * cols).iter().map(|&b| 0x3e00 + u16::from(b)).collect()),
        Data::F16(bytes(rows * cols).iter().map(|&b| 0x3800 + u16::from(b)).collect()),
        Data::Q4 { q: bytes(rows * cols / 2), d: scales(32), m: scales(32) },
        Data::Q8 { q: bytes(rows * cols).iter().map(|&b| b as i8).collect(), group: 16, d: scales(16), m: Vec::new() },
        Data::Q8 { q: bytes(rows * cols).iter().map(|&b| b as i8).collect(), group: 32, d: scales(32), m: scales(32) },
    ] {
        let matrix = Matrix { rows, cols, data };
        for n in [1, 3, 6] {
            let mut out = vec![0.0; n * rows];
            matmul(&matrix, &numbers(n * cols), &mut out);
            results.push(out);
        }
    }
    results.iter().map(|values| values.iter().map(|v| v.to_bits()).collect()).collect()
}

/// What one thread computes, found before any came to help.
fn alone() -> &'static [Vec<u32>] {
    static ALONE: OnceLock<Vec<Vec<u32>>> = OnceLock::new();
    ALONE.get_or_init(|| {
        assert_eq!(threads(), 1);
        let results = all();
        (0..HELPERS).for_each(|_| drop(std::thread::spawn(|| help())));
        while threads() <= HELPERS {
            std::thread::yield_now();
        }
        results
    })
}

/// Whoever holds it is helped: nobody else has work.
static HELPED: Mutex<()> = Mutex::new(());

#[test]
fn several_threads_compute_what_one_does() {
    let alone = alone();
    let _helped = HELPED.lock();
    for _ in 0..20 {
        for (at, (together, alone)) in all().iter().zip(alone).enumerate() {
            assert!(together == alone, "result {at}");
        }
    }
}

#[test]
fn a_helper_takes_the_parts_that_are_left() {
    alone();
    let _helped = HELPED.lock();
    // Those that look out for work, and after a while those that have lain down.
    for pause in [0, 0, 0, 20, 20, 20] {
        std::thread::sleep(Duration::from_millis(pause));
        let (begun, taken) = (AtomicUsize::new(0), AtomicBool::new(false));
        // Whoever takes the first part waits for another to take the second.
        each_chunk(
            &mut [0, 1],
            1,
            || begun.fetch_add(1, SeqCst),
            |_, i, _| {
                let patience = Instant::now();
                taken.fetch_or(i == 1, SeqCst);
                while !taken.load(SeqCst) && patience.elapsed() < Duration::from_secs(20) {
                    std::hint::spin_loop();
                }
            },
        );
        assert_eq!(begun.load(SeqCst), 2, "nobody helped");
    }
}

#[test]
fn each_part_is_done_once_whoever_comes() {
    alone();
    let _helped = HELPED.lock();
    // Small works in a row: helpers come while one is being shut and another opened.
    let one = || {
        for n in 1..2000 {
            let mut values = vec![0usize; n % 50 + 1];
            each_chunk(&mut values, 1, || (), |(), i, value| value[0] += i + 1);
            assert!(values.iter().enumerate().all(|(i, value)| *value == i + 1), "{values:?}");
        }
    };
    // Two at a time: one of them works alone.
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(one))));
}

#[test]
fn a_part_of_a_part_is_done_by_who_does_the_part() {
    alone();
    let _helped = HELPED.lock();
    let mut values = vec![0usize; 64];
    each_chunk(&mut values, 8, || (), |(), _, eight| each_chunk(eight, 1, || (), |(), i, value| value[0] = i));
    assert!(values.iter().enumerate().all(|(i, value)| *value == i % 8), "{values:?}");
}
