//! Layers and what trains them, on the CPU: against PyTorch (`tests/torch/layers.py`), and what PyTorch has no word on.

#[path = "common/layers.rs"]
mod layers;

use burn::tensor::{Device, Tensor};
use kiln::device::open_cpu;
use kiln::error::Code;
use kiln::nn::ops::{self, bias_act};
use kiln::nn::{Activation, AttentionConfig, Decay, Ema, GroupNorm, Linear, Schedule, dropout, upload, upload_ids};
use kiln::rng::{Purpose, Stream};
use layers::Golden;
use pollster::block_on;

fn device() -> Device {
    open_cpu().expect("the CPU opens").device
}

fn golden() -> Golden {
    Golden::new(&device(), 1e-5)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

#[test]
fn activations_whose_gradient_needs_the_input_are_pytorchs() {
    block_on(golden().activations());
}

#[test]
fn convolutions_of_any_kernel_stride_and_dilation_are_pytorchs() {
    block_on(golden().conv2d());
}

#[test]
fn convolutions_of_sequences_are_pytorchs() {
    block_on(golden().conv1d());
}

#[test]
fn group_norm_layer_norm_and_rms_norm_are_pytorchs() {
    block_on(golden().norms());
}

#[test]
fn an_embedding_is_pytorchs_with_numbers_that_occur_twice() {
    block_on(golden().embedding());
}

#[test]
fn softmax_with_cross_entropy_is_pytorchs() {
    block_on(golden().cross_entropy());
}

#[test]
fn products_of_many_matrices_are_pytorchs() {
    block_on(golden().products());
}

#[test]
fn attention_with_and_without_a_causal_mask_is_pytorchs() {
    block_on(golden().attention());
}

#[test]
fn pictures_of_another_size_and_joined_channels_are_pytorchs() {
    block_on(golden().resampling());
}

#[test]
fn adamw_and_clipping_by_norm_are_pytorchs() {
    block_on(golden().adamw());
}

#[test]
fn groups_and_heads_that_do_not_divide_the_channels_are_refused() {
    for groups in [0, 4, 7] {
        let error = GroupNorm::new(groups, 6, &device()).expect_err("no norm");
        assert_eq!(error.code, Code::Unsupported);
        assert!(error.message.contains("6 channels"), "{}", error.message);
    }
    for heads in [0, 4] {
        let refused = AttentionConfig::new(6, heads).init(&mut Stream::new(1, Purpose::Weights), &device());
        assert_eq!(refused.expect_err("no attention").code, Code::Unsupported);
    }
}

#[test]
fn far_numbers_and_no_numbers_pass_silu_and_gelu_as_they_should() {
    for activation in [Activation::Silu, Activation::Gelu, Activation::GeluTanh] {
        let x = upload(vec![-1e30, -1e15, -200.0, 0.0, 200.0, 1e30, f32::NAN], [1, 7], &device()).require_grad();
        let y = bias_act(x.clone(), None, activation);
        let slopes = values(x.grad(&y.clone().sum().backward()).expect("a gradient"));
        let y = values(y);
        assert!(y[..4].iter().all(|v| v.abs() < 1e-6) && y[4..6] == [200.0, 1e30], "{activation:?}: {y:?}");
        assert!(slopes[..3].iter().all(|v| v.abs() < 1e-6), "{activation:?}: {slopes:?}");
        assert!(slopes[3] == 0.5 && slopes[4..6] == [1.0, 1.0], "{activation:?}: {slopes:?}");
        assert!(y[6].is_nan() && slopes[6].is_nan(), "{activation:?}: {y:?} {slopes:?}");
    }
}

#[test]
fn cross_entropy_of_far_logits_is_finite_and_of_no_number_is_none() {
    let loss = |logits: Vec<f32>| {
        let x = upload(logits, [1, 3], &device()).require_grad();
        let y = ops::cross_entropy(x.clone(), upload_ids(vec![1], [1], &device()));
        let slopes = values(x.grad(&y.clone().sum().backward()).expect("a gradient"));
        (values(y)[0], slopes)
    };
    let (far, slopes) = loss(vec![1e4, -1e4, 0.0]);
    assert!((far - 2e4).abs() < 1.0, "{far}");
    assert!(slopes[..2] == [1.0, -1.0] && slopes[2].abs() < 1e-30, "{slopes:?}");
    assert!(loss(vec![0.0, 1.0, f32::NAN]).0.is_nan());
}

#[test]
fn dropout_drops_its_share_keeps_the_mean_and_is_the_same_for_the_same_seed() {
    let draw = |seed: u64| {
        let x = upload(vec![2.0; 10_000], [100, 100], &device()).require_grad();
        let y = dropout(x.clone(), 0.25, &mut Stream::new(seed, Purpose::Dropout));
        let slopes = values(x.grad(&y.clone().sum().backward()).expect("a gradient"));
        (values(y), slopes)
    };
    let (y, slopes) = draw(7);
    let dropped = y.iter().filter(|&&v| v == 0.0).count();
    assert!((2_300..2_700).contains(&dropped), "{dropped}");
    assert!(y.iter().all(|&v| v == 0.0 || (v - 8.0 / 3.0).abs() < 1e-6));
    assert!(y.iter().zip(&slopes).all(|(y, slope)| (y / 2.0 - slope).abs() < 1e-6));
    assert_eq!(y, draw(7).0);
    assert_ne!(y, draw(8).0);
    let x = upload(vec![1.0, 2.0], [1, 2], &device());
    assert_eq!(values(dropout(x, 0.0, &mut Stream::new(7, Purpose::Dropout))), [1.0, 2.0]);
}

#[test]
fn an_average_of_weights_follows_quickly_at_first_and_then_by_its_decay() {
    let linear = |value: f32| {
        let mut linear = Linear::new(2, 1, 1.0, true, &mut Stream::new(1, Purpose::Weights), &device());
        linear.weight = linear.weight.map(|w| (w * 0.0 + value).detach().require_grad());
        linear
    };
    let mut ema = Ema::new(linear(0.0), 0);
    let mut expected = 0.0;
    for i in 0..40 {
        let live = i as f32;
        ema.update(&linear(live), 0.5);
        let decay = (0.5f32).min((1.0 + live) / (10.0 + live));
        expected = decay * expected + (1.0 - decay) * live;
        let weights = values(ema.module.weight.val());
        assert!(weights.iter().all(|w| (w - expected).abs() < 1e-4), "{i}: {weights:?} for {expected}");
    }
    // It has no gradients, and what it averages keeps its own.
    assert!(!ema.module.weight.val().is_require_grad());
}

#[test]
fn schedules_warm_up_and_decay_to_their_floor() {
    let schedule = |decay| Schedule { decay, warmup: 3, steps: 11, floor: 0.1 };
    let shares = |decay| (0..14).map(|i| schedule(decay).factor(i)).collect::<Vec<_>>();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
    for decay in [Decay::Constant, Decay::Linear, Decay::Cosine] {
        let shares = shares(decay);
        assert_eq!(shares[..4], [0.25, 0.5, 0.75, 1.0], "{decay:?}");
        let last = if decay == Decay::Constant { 1.0 } else { 0.1 };
        assert!(shares[11..].iter().all(|&share| close(share, last)), "{decay:?}: {shares:?}");
    }
    assert!(close(shares(Decay::Linear)[5], 0.775) && close(shares(Decay::Linear)[7], 0.55));
    assert!(close(shares(Decay::Cosine)[7], 0.55));
    // nanoGPT's formula at a quarter of the way.
    assert!(close(shares(Decay::Cosine)[5], 0.1 + 0.5 * (1.0 + (std::f64::consts::PI / 4.0).cos()) * 0.9));
}
