//! What trains: products, convolutions, batch norm, activations and losses with their gradients, and an update by Adam.

use super::{Pending, flat};
use crate::models::dcgan::DcganConfig;
use crate::models::{Discriminator, Generator};
use crate::nn::ops::{Activation, bias_act, convolve, linear, multiply, softplus_mean};
use crate::nn::{Adam, AdamOptions, upload};
use crate::rng::Stream;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};

/// A learnable tensor.
fn leaf<const D: usize>(stream: &mut Stream, shape: [usize; D], device: &Device) -> Tensor<D> {
    upload(stream.uniform(shape.iter().product(), 0.5), shape, device).require_grad()
}

/// A product of matrices, a convolution of 3 x 3, a linear layer, a sigmoid, and a DCGAN of width 8 (convolutions of 4 x 4 and
/// transposed ones, batch norm, leaky ReLU and tanh): results, gradients, and one step of Adam.
pub fn results(stream: &mut Stream, device: &Device) -> Vec<Pending> {
    let (a, b) = (leaf(stream, [33, 40], device), leaf(stream, [40, 20], device));
    let (x, kernel) = (leaf(stream, [2, 3, 6, 5], device), leaf(stream, [4, 3, 3, 3], device));
    let (rows, weight, bias) =
        (leaf(stream, [9, 12], device), leaf(stream, [10, 12], device), leaf(stream, [10], device));
    let logits = leaf(stream, [6, 7], device);
    let product = multiply(a.clone(), b.clone(), [false, false]);
    let convolved = convolve(x.clone(), kernel.clone(), 1, 1);
    let layer = linear(rows.clone(), weight.clone(), Some(bias.clone()), Activation::Leaky(0.2));
    let sigmoid = bias_act(logits.clone() * 4.0, None, Activation::Sigmoid);

    let sizes = DcganConfig { latent: 16, width: 8, classes: 0, channels: 1, side: 28 };
    let (generator, discriminator) = (sizes.generator(stream, device), sizes.discriminator(stream, device));
    let mut normal = |n: usize, width: usize| upload(stream.normal(n * width), [n, width], device);
    let drawn = generator.forward(normal(8, 16), None);
    let (fake, real) = (discriminator.forward(drawn.clone(), None), discriminator.forward(normal(8, 784), None));

    let loss = softplus_mean(fake.clone(), 1.0)
        + softplus_mean(real, -1.0)
        + softplus_mean(product.clone(), 1.0)
        + softplus_mean(convolved.clone().flatten(1, 3), -1.0)
        + softplus_mean(layer.clone(), 1.0)
        + softplus_mean(sigmoid.clone(), -1.0);
    let gradients = loss.backward();
    let mut results = vec![
        flat("product", product),
        flat("convolution of 3 x 3", convolved),
        flat("linear layer", layer),
        flat("sigmoid", sigmoid),
        flat("generator", drawn),
        flat("discriminator", fake),
        flat("loss", loss),
    ];
    let of = &gradients;
    results.extend([a.grad(of), b.grad(of)].into_iter().flatten().map(|g| flat("product, gradient", g)));
    let convolution = [x.grad(of), kernel.grad(of)].into_iter().flatten();
    results.extend(convolution.map(|g| flat("convolution of 3 x 3, gradient", g)));
    let layer = [rows.grad(of), weight.grad(of)].into_iter().flatten();
    results.extend(layer.map(|g| flat("linear layer, gradient", g)));
    results.extend(bias.grad(of).map(|g| flat("linear layer, gradient", g)));
    results.extend(logits.grad(of).map(|g| flat("sigmoid, gradient", g)));
    let mut visit = Visit { what: "generator, gradient", gradients: Some(&gradients), found: results };
    generator.visit(&mut visit);
    visit.what = "discriminator, gradient";
    discriminator.visit(&mut visit);
    let options = AdamOptions { lr: 0.01, beta1: 0.5, beta2: 0.999 };
    let found = visit.found;
    let (learnt, _) = Adam::default().step(discriminator, gradients, options, false);
    let mut visit = Visit { what: "Adam", gradients: None, found };
    learnt.visit(&mut visit);
    visit.found
}

/// The gradients of a module, or its weights.
struct Visit<'a> {
    what: &'static str,
    gradients: Option<&'a Gradients>,
    found: Vec<Pending>,
}

impl ModuleVisitor for Visit<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.extend(match self.gradients {
            Some(gradients) => param.val().grad(gradients).map(|gradient| flat(self.what, gradient)),
            None => Some(flat(self.what, param.val())),
        });
    }
}
