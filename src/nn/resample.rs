//! Up- and downsampling without weights.

use burn::tensor::Tensor;

/// Repeats each pixel 2 x 2 times: `torch.nn.Upsample(scale_factor=2, mode="nearest")`.
///
/// # Shapes
/// `[B, C, H, W]` to `[B, C, 2 H, 2 W]`.
pub fn upsample2x(x: Tensor<4>) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    x.reshape([b * c * h, 1, w, 1]).expand([b * c * h, 2, w, 2]).reshape([b, c, 2 * h, 2 * w])
}

/// The mean of each 2 x 2 pixels: `torch.nn.AvgPool2d(2)`.
///
/// # Shapes
/// `[B, C, 2 H, 2 W]` to `[B, C, H, W]`.
pub fn downsample2x(x: Tensor<4>) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    assert!(h.is_multiple_of(2) && w.is_multiple_of(2), "a picture of {h} x {w} has odd sides");
    let rows = x.reshape([b * c * h / 2, 2, w / 2, 2]);
    rows.mean_dim(3).mean_dim(1).reshape([b, c, h / 2, w / 2])
}

/// Moves squares of `side` x `side` pixels into channels: `torch.nn.PixelUnshuffle(side)`.
///
/// # Shapes
/// `[B, C, H side, W side]` to `[B, C side side, H, W]`.
pub fn space_to_depth(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    let fits = side > 0 && h.is_multiple_of(side) && w.is_multiple_of(side);
    assert!(fits, "a picture of {h} x {w} has no squares of {side} x {side}");
    let (h, w) = (h / side, w / side);
    x.reshape([b, c, h, side, w, side]).permute([0, 1, 3, 5, 2, 4]).reshape([b, c * side * side, h, w])
}

/// The inverse of [`space_to_depth`]: `torch.nn.PixelShuffle(side)`.
///
/// # Shapes
/// `[B, C side side, H, W]` to `[B, C, H side, W side]`.
pub fn depth_to_space(x: Tensor<4>, side: usize) -> Tensor<4> {
    let [b, c, h, w] = x.dims();
    assert!(side > 0 && c.is_multiple_of(side * side), "{c} channels do not make squares of {side} x {side}");
    let c = c / side / side;
    x.reshape([b, c, side, side, h, w]).permute([0, 1, 4, 2, 5, 3]).reshape([b, c, h * side, w * side])
}
