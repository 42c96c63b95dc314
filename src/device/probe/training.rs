//! The operations of training: products, convolutions, batch norm, activations and a loss with their gradients, and an update by Adam.
//! Shapes are shared where possible, because a device compiles a kernel for each at a first visit.

use super::result::{Pending, flat};
use crate::nn::ops::{
    Activation, RowNorm, Window, adam, attention, batch_norm_act, bias_act, conv_transpose2d, conv2d, cross_entropy,
    ema, linear, matmul, row_norm, softplus_mean,
};
use crate::nn::{upload, upload_ids};
use crate::rng::Stream;
use burn::tensor::{Device, Tensor};

/// A product of matrices, a convolution of 3 x 3, a linear layer, and the layers of a DCGAN (a convolution of 4 x 4, batch norm, a
/// transposed convolution, leaky ReLU and tanh): results, gradients, and one step of Adam.
pub fn results(stream: &mut Stream, device: &Device) -> Vec<Pending> {
    let (a, b) = (leaf(stream, [33, 40], device), leaf(stream, [40, 20], device));
    let (picture, small) = (leaf(stream, [2, 3, 6, 5], device), leaf(stream, [4, 3, 3, 3], device));
    let (rows, weight, shift) =
        (leaf(stream, [9, 12], device), leaf(stream, [10, 12], device), leaf(stream, [10], device));
    let (x, down, up) =
        (leaf(stream, [3, 3, 8, 12], device), leaf(stream, [5, 3, 4, 4], device), leaf(stream, [5, 3, 4, 4], device));
    let (scale, before, after) = (leaf(stream, [5], device), leaf(stream, [5], device), leaf(stream, [3], device));

    let product = matmul(a.clone(), b.clone(), [false, false]);
    let convolved = conv2d(picture.clone(), small.clone(), Window::square(1, 1));
    let layer = linear(rows.clone(), weight.clone(), Some(shift.clone()), Activation::Sigmoid);
    let halved = bias_act(
        conv2d(x.clone(), down.clone(), Window::square(2, 1)),
        Some(before.clone()),
        Activation::LeakyRelu(0.2),
    );
    let normed = batch_norm_act(halved.clone(), scale.clone(), before.clone(), 1e-5, 0.0);
    let doubled = conv_transpose2d(normed.clone(), up.clone(), [8, 12], Window::square(2, 1));
    let drawn = bias_act(doubled, Some(after.clone()), Activation::Tanh);

    let loss = softplus_mean(product.clone(), 1.0)
        + softplus_mean(convolved.clone().flatten(1, 3), -1.0)
        + softplus_mean(layer.clone(), 1.0)
        + softplus_mean(drawn.clone().flatten(1, 3), -1.0);
    let gradients = loss.backward();
    let of = &gradients;
    let learnt = down.grad(of).map(|gradient| {
        let weight = upload(stream.normal(240), [240], &device.clone().inner());
        let settings = upload(vec![0.02, 1000.0, 0.5, 0.999, 1e-8, 1.0, 1.0], [7], &device.clone().inner());
        let state = upload(stream.uniform(480, 0.001).into_iter().map(f32::abs).collect(), [480], &weight.device());
        let (state, weights) = adam(&settings, state, vec![weight], vec![gradient.clone().reshape([240])], &[false]);
        [flat("Adam's moments", state)].into_iter().chain(weights.into_iter().map(|w| flat("Adam", w)))
    });
    let results = [
        Some(flat("product", product)),
        a.grad(of).map(|g| flat("product, gradient", g)),
        b.grad(of).map(|g| flat("product, gradient", g)),
        Some(flat("convolution of 3 x 3", convolved)),
        picture.grad(of).map(|g| flat("convolution of 3 x 3, gradient", g)),
        small.grad(of).map(|g| flat("convolution of 3 x 3, gradient", g)),
        Some(flat("linear layer", layer)),
        rows.grad(of).map(|g| flat("linear layer, gradient", g)),
        weight.grad(of).map(|g| flat("linear layer, gradient", g)),
        shift.grad(of).map(|g| flat("linear layer, gradient", g)),
        Some(flat("convolution of 4 x 4", halved)),
        x.grad(of).map(|g| flat("convolution of 4 x 4, gradient", g)),
        down.grad(of).map(|g| flat("convolution of 4 x 4, gradient", g)),
        Some(flat("batch norm", normed)),
        scale.grad(of).map(|g| flat("batch norm, gradient", g)),
        before.grad(of).map(|g| flat("batch norm, gradient", g)),
        Some(flat("transposed convolution", drawn)),
        up.grad(of).map(|g| flat("transposed convolution, gradient", g)),
        after.grad(of).map(|g| flat("transposed convolution, gradient", g)),
        Some(flat("loss", loss)),
    ];
    results.into_iter().flatten().chain(learnt.into_iter().flatten()).collect()
}

/// Layer norm, causal attention and cross-entropy with their gradients, as language models are trained, and an average of weights.
pub fn of_sequences(stream: &mut Stream, device: &Device) -> Vec<Pending> {
    const WIDTH: usize = 8;
    let x = leaf(stream, [2, 5, WIDTH], device);
    let [weight, bias] = [0, 1].map(|_| leaf(stream, [WIDTH], device));
    let norm = RowNorm { groups: 1, inner: 1, centred: true, epsilon: 1e-5 };
    let normed = row_norm(x.clone(), weight.clone(), Some(bias.clone()), norm);
    let attended = attention(normed.clone(), normed.clone() * 0.7, normed.clone() * 1.3, 2, true);
    let targets = upload_ids((0..10).map(|i| i % WIDTH as i32).collect(), [10], device);
    let nats = cross_entropy(attended.clone().reshape([10, WIDTH]), targets);
    let gradients = nats.clone().mean().backward();
    let of = &gradients;
    let share = upload(vec![0.3], [1], &device.clone().inner());
    let averages = ema(&share, vec![weight.clone().inner()], vec![bias.clone().inner()]);
    let results = [
        Some(flat("layer norm", normed)),
        Some(flat("causal attention", attended)),
        Some(flat("cross-entropy", nats)),
        x.grad(of).map(|g| flat("layer norm, gradient", g)),
        weight.grad(of).map(|g| flat("layer norm, gradient", g)),
        bias.grad(of).map(|g| flat("layer norm, gradient", g)),
    ];
    results.into_iter().flatten().chain(averages.into_iter().map(|a| flat("average of weights", a))).collect()
}

/// A learnable tensor.
fn leaf<const D: usize>(stream: &mut Stream, shape: [usize; D], device: &Device) -> Tensor<D> {
    upload(stream.uniform(shape.iter().product(), 0.5), shape, device).require_grad()
}
