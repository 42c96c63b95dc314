//! Pictures of which a part is known, and chains that begin in the middle: what a repair stands on.

use burn::tensor::Tensor;
use kiln::device::{Device, open_cpu};
use kiln::generate::{Chain, DiffusionSampler, Observation, SamplerKind};
use kiln::nn::upload;
use kiln::rng::{Purpose, Stream};
use kiln::train::{NoiseSchedule, Objective, Predict, Process};

fn device() -> Device {
    open_cpu().expect("the CPU opens").device.inner()
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

/// What is known of `n` pictures at random, and the pictures with which it is to agree.
fn case(n: usize, shape: [usize; 3], factor: usize, seed: u64) -> (Observation, Tensor<2>) {
    let (device, size) = (device(), shape.iter().product::<usize>());
    let known = n * size / (factor * factor);
    let mut stream = Stream::new(seed, Purpose::Noise);
    let weights: Vec<f32> = stream.uniform(known, 1.0).iter().map(|v| f32::from(u8::from(*v > 0.0))).collect();
    assert!(weights.contains(&0.0) && weights.contains(&1.0));
    let width = known / n;
    let observation = Observation {
        shape,
        factor,
        seen: upload(stream.uniform(known, 1.0), [n, width], &device),
        weights: upload(weights, [n, width], &device),
    };
    (observation, upload(stream.normal(n * size), [n, size], &device))
}

/// The mean of each block of pictures, by hand, and the block of each pixel.
fn blocks(pixels: &[f32], [_, h, w]: [usize; 3], factor: usize) -> (Vec<f32>, Vec<usize>) {
    let block = |i: usize| {
        let (plane, y, x) = (i / (h * w), i / w % h, i % w);
        (plane * (h / factor) + y / factor) * (w / factor) + x / factor
    };
    let mut means = vec![0.0; pixels.len() / (factor * factor)];
    for (i, pixel) in pixels.iter().enumerate() {
        means[block(i)] += f64::from(*pixel) / (factor * factor) as f64;
    }
    (means.into_iter().map(|m| m as f32).collect(), (0..pixels.len()).map(block).collect())
}

const SHAPES: [[usize; 3]; 4] = [[1, 28, 28], [3, 32, 32], [3, 4, 12], [2, 12, 4]];

#[test]
fn known_pixels_come_out_to_the_last_bit_and_all_others_stay() {
    for (seed, shape) in (1..).zip(SHAPES.into_iter().chain([[1, 3, 5], [3, 1, 7]])) {
        let (known, whole) = case(3, shape, 1, seed);
        let (agreed, before) = (known.agree(whole.clone()), values(whole));
        let (seen, weights) = (values(known.seen.clone()), values(known.weights.clone()));
        let expected: Vec<f32> =
            (0..before.len()).map(|i| if weights[i] == 1.0 { seen[i] } else { before[i] }).collect();
        assert_eq!(values(agreed.clone()), expected, "{shape:?}");
        assert_eq!(values(known.agree(agreed)), expected, "{shape:?}: once more");
    }
}

#[test]
fn known_means_are_met_and_other_blocks_stay_and_pixels_move_no_more_than_they_must() {
    for factor in [2, 4] {
        for (seed, shape) in (1..).zip(SHAPES) {
            let (known, whole) = case(3, shape, factor, seed);
            let (agreed, before) = (known.agree(whole.clone()), values(whole));
            let (seen, weights) = (values(known.seen.clone()), values(known.weights.clone()));
            let after = values(agreed.clone());
            let ((means, block), (old, _)) = (blocks(&after, shape, factor), blocks(&before, shape, factor));
            for (i, mean) in means.iter().enumerate() {
                let expected = if weights[i] == 1.0 { seen[i] } else { old[i] };
                assert!((mean - expected).abs() < 1e-6, "{shape:?}, block {i} of {factor}: {mean}, not {expected}");
            }
            // The nearest pictures: all pixels of a block move alike.
            for (i, (a, b)) in after.iter().zip(&before).enumerate() {
                let moved = means[block[i]] - old[block[i]];
                assert!((a - b - moved).abs() < 1e-5, "{shape:?}, pixel {i}");
                assert!(weights[block[i]] == 1.0 || a == b, "{shape:?}, pixel {i}: nothing is known of it");
            }
            for (a, b) in values(known.agree(agreed)).iter().zip(&after) {
                assert!((a - b).abs() < 1e-6, "{shape:?}: {a} after agreeing twice, {b} after once");
            }
        }
    }
}

/// A network that knows nothing of what is known.
fn toy(x: &Tensor<2>, time: f64) -> Tensor<2> {
    (x.clone() * 1.3 + 2.0 * time).sin()
}

/// Goes through a chain: its end, and the samples and times after each step.
fn walk(mut chain: Chain) -> Vec<(f64, Vec<f32>)> {
    let mut stream = Stream::new(1, Purpose::Sampler);
    let mut way = Vec::new();
    while !chain.ended() {
        chain.step(&toy, &mut |n| stream.normal(n));
        way.push((chain.time(), values(chain.x.clone())));
    }
    way
}

const KINDS: [SamplerKind; 4] = [SamplerKind::Euler, SamplerKind::Heun, SamplerKind::Ddim, SamplerKind::Ddpm];

#[test]
fn a_chain_with_a_correction_ends_at_data_that_agree() {
    let shape = [1, 28, 28];
    for (objective, predict) in
        [(Objective::Flow, Predict::Velocity), (Objective::Flow, Predict::Data), (Objective::Ddpm, Predict::Noise)]
    {
        let process = Process::new(objective, NoiseSchedule::Cosine, predict);
        for (kind, factor) in KINDS.into_iter().flat_map(|kind| [1, 2, 4].map(|factor| (kind, factor))) {
            let (known, noise) = case(2, shape, factor, 5);
            let correct = |data: Tensor<2>, _| known.agree(data);
            let sampler = DiffusionSampler { kind, steps: 6, eta: 0.5, limit: Some(1.0) };
            let way = walk(Chain::new(&process, sampler, noise.clone()).with_correction(&correct));
            let (end, free) = (&way[5].1, walk(Chain::new(&process, sampler, noise)));
            let (seen, weights) = (values(known.seen.clone()), values(known.weights.clone()));
            let off = |pixels: &[f32]| {
                let means = blocks(pixels, shape, factor).0;
                let differences = (0..means.len()).map(|i| (means[i] - seen[i]).abs() * weights[i]);
                differences.max_by(f32::total_cmp).expect("some")
            };
            let what = format!("{objective:?}, {predict:?}, {kind:?}, {factor}");
            assert!(off(end) < 1e-5, "{what}: {}", off(end));
            assert!(off(&free[5].1) > 0.5, "{what}: without the correction it agrees, too");
        }
    }
}

/// From 0.5 in five steps is the second half of a whole chain of ten.
#[test]
fn a_chain_from_a_time_is_the_end_of_a_whole_one() {
    let noise = upload(Stream::new(3, Purpose::Noise).normal(12), [4, 3], &device());
    for predict in [Predict::Velocity, Predict::Data] {
        let process = Process::new(Objective::Flow, NoiseSchedule::Linear, predict);
        let sampler = |steps| DiffusionSampler { kind: SamplerKind::Euler, steps, eta: 0.0, limit: None };
        let whole = walk(Chain::new(&process, sampler(10), noise.clone()));
        let middle = upload(whole[4].1.clone(), [4, 3], &device());
        let mut begun = Chain::starting_at(&process, sampler(5), 0.5, middle);
        assert_eq!((begun.time(), begun.ended()), (0.5, false));
        begun.step(&toy, &mut |_| unreachable!("Euler adds no noise"));
        assert!((begun.time() - 0.4).abs() < 1e-12);
        let tail = walk(Chain::starting_at(&process, sampler(5), 0.5, upload(whole[4].1.clone(), [4, 3], &device())));
        assert_eq!(tail.len(), 5);
        for ((time, x), (whole_time, whole_x)) in tail.iter().zip(&whole[5..]) {
            assert!((time - whole_time).abs() < 1e-12, "{time}, {whole_time}");
            for (a, b) in x.iter().zip(whole_x) {
                assert!((a - b).abs() < 1e-5, "{predict:?} at {time}: {a}, not {b}");
            }
        }
        assert_eq!(tail[4].0, 0.0);
    }
}

#[test]
fn a_chain_takes_as_many_steps_from_wherever_it_begins() {
    for objective in [Objective::Flow, Objective::Ddpm] {
        let process = Process::new(objective, NoiseSchedule::Cosine, Predict::Data);
        for (time, steps) in [(1.0, 1), (0.3, 1), (0.3, 7), (0.001, 3), (0.85, 100)] {
            let x = upload(vec![0.3, -0.7], [1, 2], &device());
            let sampler = DiffusionSampler { kind: SamplerKind::Euler, steps, eta: 0.0, limit: None };
            let way = walk(Chain::starting_at(&process, sampler, time, x));
            assert_eq!((way.len(), way[steps - 1].0), (steps, 0.0), "{objective:?} from {time}");
            assert!(way.windows(2).all(|pair| pair[0].0 >= pair[1].0), "{objective:?} from {time}");
            assert!(
                way.iter().all(|(t, x)| *t <= time && x.iter().all(|v| v.is_finite())),
                "{objective:?} from {time}"
            );
        }
    }
}
