//! Layers, values and gradients, against PyTorch: the cases of `tests/torch/layers.py` on any device.

#![allow(dead_code)] // each test file uses a part of it

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor};
use kiln::compare::{max_abs, max_abs_diff, worst};
use kiln::device::read;
use kiln::nn::ops::{self, Activation, bias_act};
use kiln::nn::{
    Adam, AdamOptions, AdamWOptions, AttentionConfig, Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, Embedding, GroupNorm,
    LayerNorm, Linear, RmsNorm, depth_to_space, downsample2x, space_to_depth, upload, upload_ids, upsample2x,
};
use kiln::rng::{Purpose, Stream};
use kiln::weights::{Checkpoint, load_module};
use std::cell::Cell;

/// The golden file, a device to hold it against, and how far off a number may be, as a share of the largest of its tensor.
pub struct Golden {
    file: Checkpoint,
    device: Device,
    tolerance: f32,
    /// The furthest off so far.
    worst: Cell<f32>,
}

/// An input: its name, and its gradient.
type Leaf = (String, Box<dyn Fn(&Gradients) -> Option<Tensor<1>>>);

fn leaf<const D: usize>(name: &str, tensor: &Tensor<D>) -> Leaf {
    let (tensor, n) = (tensor.clone(), tensor.dims().iter().product::<usize>());
    (name.into(), Box::new(move |gradients| Some(tensor.grad(gradients)?.reshape([n]))))
}

/// The parameters of a module as inputs.
#[derive(Default)]
struct Leaves {
    path: Vec<String>,
    found: Vec<Leaf>,
}

impl ModuleVisitor for Leaves {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push(leaf(&self.path.join("."), &param.val()));
    }
}

fn leaves<M: Module>(module: &M) -> Vec<Leaf> {
    let mut leaves = Leaves::default();
    module.visit(&mut leaves);
    leaves.found
}

/// The largest difference, as a share of the largest number, or of a tenth where all are smaller: a gradient that is 0 but for
/// rounding, as that of the bias of attention's keys, has no digits to compare.
fn off(ours: &[f32], theirs: &[f32]) -> f32 {
    max_abs_diff(ours, theirs) / max_abs(theirs).max(0.1)
}

impl Golden {
    pub fn new(device: &Device, tolerance: f32) -> Self {
        let file = Checkpoint::from_bytes(include_bytes!("../fixtures/layers.safetensors")).expect("it reads");
        Self { file, device: device.clone(), tolerance, worst: Cell::new(0.0) }
    }

    fn values(&self, name: &str) -> &[f32] {
        &self.file.find(name).unwrap_or_else(|| panic!("{name} is in the golden file")).values
    }

    fn shape<const D: usize>(&self, name: &str) -> [usize; D] {
        let entry = self.file.find(name).unwrap_or_else(|| panic!("{name} is in the golden file"));
        entry.shape.clone().try_into().expect("a tensor of this rank")
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        upload(self.values(name).to_vec(), self.shape(name), &self.device).require_grad()
    }

    fn ids<const D: usize>(&self, name: &str) -> Tensor<D, Int> {
        let ids = self.values(name).iter().map(|&v| v as i32).collect();
        upload_ids(ids, self.shape(name), &self.device)
    }

    /// A module with the weights of a case.
    fn load<M: Module>(&self, module: M, case: &str) -> M {
        load_module(module, None, case, &self.file, &self.device).expect("its weights")
    }

    fn stream(&self) -> Stream {
        Stream::new(1, Purpose::Weights)
    }

    fn close(&self, name: &str, ours: &[f32]) {
        let off = off(ours, self.values(name));
        assert!(off <= self.tolerance, "{name}: off by {off:e}");
        self.worst.set(worst([self.worst.get(), off]));
    }

    /// Result and gradients of a case.
    async fn holds<const D: usize>(&self, case: &str, y: Tensor<D>, inputs: Vec<Leaf>) {
        assert_eq!(y.dims(), self.shape::<D>(&format!("{case}.y")), "{case}");
        let up: Tensor<D> = upload(self.values(&format!("{case}.up")).to_vec(), y.dims(), &self.device);
        let gradients = (y.clone() * up).sum().backward();
        let n = y.dims().iter().product::<usize>();
        let (mut names, mut tensors) = (vec![format!("{case}.y")], vec![y.inner().reshape([n])]);
        for (name, gradient) in inputs {
            names.push(format!("{case}.d.{name}"));
            tensors.push(gradient(&gradients).unwrap_or_else(|| panic!("{case}: {name} has a gradient")));
        }
        for (name, values) in names.iter().zip(read(tensors).await.expect("numbers")) {
            self.close(name, &values);
        }
    }

    /// A case of one input and no weights.
    async fn map<const D: usize, const E: usize>(&self, case: &str, f: impl Fn(Tensor<D>) -> Tensor<E>) {
        let x = self.tensor(&format!("{case}.x"));
        self.holds(case, f(x.clone()), vec![leaf("x", &x)]).await;
    }

    /// A case of one input and a module.
    async fn layer<M: Module, const D: usize, const E: usize>(
        &self,
        case: &str,
        module: M,
        f: impl Fn(&M, Tensor<D>) -> Tensor<E>,
    ) {
        let (x, module) = (self.tensor(&format!("{case}.x")), self.load(module, case));
        let mut inputs = leaves(&module);
        assert!(!inputs.is_empty(), "{case}");
        inputs.push(leaf("x", &x));
        self.holds(case, f(&module, x), inputs).await;
    }

    pub async fn activations(&self) {
        for (case, activation) in [
            ("silu", Activation::Silu),
            ("gelu", Activation::Gelu),
            ("gelu_tanh", Activation::GeluTanh),
            ("relu", Activation::RELU),
        ] {
            self.map(case, |x: Tensor<2>| bias_act(x, None, activation)).await;
        }
        for (case, activation) in [("linear.silu", Activation::Silu), ("linear.gelu", Activation::Gelu)] {
            let linear = Linear::new(5, 7, 1.0, true, &mut self.stream(), &self.device);
            self.layer(case, linear, |l: &Linear, x: Tensor<3>| l.forward(x, activation)).await;
        }
    }

    pub async fn conv2d(&self) {
        for (case, config) in [
            ("same", Conv2dConfig::new([5, 4], [3, 3]).with_padding([1, 1])),
            ("wide", Conv2dConfig::new([13, 12], [3, 3]).with_padding([1, 1])),
            ("point", Conv2dConfig::new([5, 6], [1, 1])),
            ("dilated", Conv2dConfig::new([2, 3], [3, 3]).with_padding([2, 2]).with_dilation([2, 2])),
            (
                "uneven",
                Conv2dConfig::new([3, 2], [2, 5]).with_stride([3, 2]).with_padding([1, 3]).with_dilation([1, 2]),
            ),
            ("patch", Conv2dConfig::new([2, 4], [4, 4]).with_padding([1, 1])),
            ("halving", Conv2dConfig::new([3, 4], [4, 4]).with_stride([2, 2]).with_padding([1, 1])),
            ("odd", Conv2dConfig::new([3, 4], [3, 3]).with_stride([2, 2]).with_padding([1, 1])),
        ] {
            let conv = config.init(&mut self.stream(), &self.device);
            let forward = |conv: &Conv2d, x: Tensor<4>| conv.forward(x, Activation::Silu);
            self.layer(&format!("conv2d.{case}"), conv, forward).await;
        }
    }

    pub async fn conv1d(&self) {
        for (case, config) in [
            ("strided", Conv1dConfig::new([5, 4], 3).with_stride(2).with_padding(1)),
            ("causal", Conv1dConfig::new([5, 4], 3).with_dilation(2).causal()),
        ] {
            let conv = config.init(&mut self.stream(), &self.device);
            let forward = |conv: &Conv1d, x: Tensor<3>| conv.forward(x, Activation::Identity);
            self.layer(&format!("conv1d.{case}"), conv, forward).await;
        }
    }

    pub async fn norms(&self) {
        for (case, groups) in [("two", 2), ("each", 6), ("point", 2)] {
            let norm = GroupNorm::new(groups, 6, &self.device).expect("groups that divide 6");
            self.layer(&format!("group_norm.{case}"), norm, |n: &GroupNorm, x: Tensor<4>| n.forward(x)).await;
        }
        let norm = LayerNorm::new(11, &self.device);
        self.layer("layer_norm", norm, |norm: &LayerNorm, x: Tensor<3>| norm.forward(x)).await;
        let norm = RmsNorm::new(11, 1e-6, &self.device);
        self.layer("rms_norm", norm, |norm: &RmsNorm, x: Tensor<3>| norm.forward(x)).await;
    }

    pub async fn embedding(&self) {
        let embedding = Embedding::new(7, 5, 1.0, &mut self.stream(), &self.device);
        let embedding = self.load(embedding, "embedding");
        let y = embedding.forward(self.ids("embedding.ids"));
        self.holds("embedding", y, leaves(&embedding)).await;
    }

    pub async fn cross_entropy(&self) {
        let targets = self.ids("cross_entropy.ids");
        self.map("cross_entropy", |x| ops::cross_entropy(x, targets.clone())).await;
    }

    pub async fn products(&self) {
        for (case, transposed) in
            [("plain", [false, false]), ("turned", [true, true]), ("left", [true, false]), ("right", [false, true])]
        {
            let case = format!("products.{case}");
            let [a, b] = ["a", "b"].map(|name| self.tensor(&format!("{case}.{name}")));
            let y = ops::batch_matmul(a.clone(), b.clone(), transposed);
            self.holds(&case, y, vec![leaf("a", &a), leaf("b", &b)]).await;
        }
    }

    pub async fn attention(&self) {
        for (case, heads, causal) in [("causal", 2, true), ("full", 3, false), ("across", 1, false)] {
            let case = format!("attend.{case}");
            let [q, k, v] = ["q", "k", "v"].map(|name| self.tensor(&format!("{case}.{name}")));
            let y = ops::attention(q.clone(), k.clone(), v.clone(), heads, causal);
            self.holds(&case, y, vec![leaf("q", &q), leaf("k", &k), leaf("v", &v)]).await;
        }
        let layer = AttentionConfig::new(6, 2).with_causal(true).init(&mut self.stream(), &self.device);
        let layer = layer.expect("2 heads divide 6");
        self.layer("attention.causal", layer, |layer: &kiln::nn::Attention, x| layer.forward(x)).await;
        let layer = AttentionConfig::new(6, 3).with_context(4).init(&mut self.stream(), &self.device);
        let layer = self.load(layer.expect("3 heads divide 6"), "attention.across");
        let [x, context] = ["x", "context"].map(|name| self.tensor(&format!("attention.across.{name}")));
        let mut inputs = leaves(&layer);
        inputs.extend([leaf("x", &x), leaf("context", &context)]);
        self.holds("attention.across", layer.attend(x, context), inputs).await;
    }

    pub async fn resampling(&self) {
        self.map("doubled", upsample2x).await;
        self.map("halved", downsample2x).await;
        self.map("space_to_depth", |x| space_to_depth(x, 2)).await;
        self.map("depth_to_space", |x| depth_to_space(x, 2)).await;
        let [a, b] = ["a", "b"].map(|name| self.tensor::<4>(&format!("cat.{name}")));
        let y = Tensor::cat(vec![a.clone(), b.clone()], 1);
        self.holds("cat", y, vec![leaf("a", &a), leaf("b", &b)]).await;
    }

    pub async fn adamw(&self) {
        for (case, clip) in [("plain", None), ("clip", Some(2.5))] {
            let name = |key: &str| format!("adamw.{case}.{key}");
            let mut module =
                Two { w: Param::from_tensor(self.tensor(&name("w"))), b: Param::from_tensor(self.tensor(&name("b"))) };
            let adam = AdamOptions { lr: 0.01, beta1: 0.9, beta2: 0.99 };
            let (options, mut optimizer) = (AdamWOptions { adam, decay: 0.1, clip }, Adam::default());
            optimizer.prepare(2, options, &self.device);
            for step in 0..4 {
                // The gradient of a weighted sum is the weights.
                let by = |key: &str| name(&format!("{key}{step}"));
                let (w, b): (Tensor<2>, Tensor<1>) = (self.tensor(&by("dw")), self.tensor(&by("db")));
                let sum = (module.w.val() * w.detach()).sum() + (module.b.val() * b.detach()).sum();
                let (learnt, norm) = optimizer.step(module, sum.backward(), options, true);
                module = learnt;
                let norm = read(vec![norm.expect("a norm")]).await.expect("numbers");
                self.close(&by("norm"), &norm[0]);
            }
            let flat = vec![module.w.val().reshape([15]), module.b.val()];
            let learnt = read(flat).await.expect("numbers");
            self.close(&name("new_w"), &learnt[0]);
            self.close(&name("new_b"), &learnt[1]);
        }
    }

    /// All cases: the largest difference.
    pub async fn everything(&self) -> f32 {
        self.activations().await;
        self.conv2d().await;
        self.conv1d().await;
        self.norms().await;
        self.embedding().await;
        self.cross_entropy().await;
        self.products().await;
        self.attention().await;
        self.resampling().await;
        self.adamw().await;
        self.worst.get()
    }
}

/// A matrix, which decays, and a bias, which does not.
#[derive(Module, Debug)]
struct Two {
    w: Param<Tensor<2>>,
    b: Param<Tensor<1>>,
}
