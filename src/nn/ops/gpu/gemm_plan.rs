//! The constants that a matrix-product kernel is compiled for.

use super::activation::ActivationKind;
use kiln_kernels::Window;

/// The sizes of a convolution, without the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Channels of the large picture, which a convolution reads, and of the small one, which it writes.
    pub channels: [usize; 2],
    /// Height and width of both.
    pub large: [usize; 2],
    pub small: [usize; 2],
    /// Height and width.
    pub kernel: [usize; 2],
    pub window: Window,
}

impl ConvShape {
    /// For a linear layer, which has none.
    pub const NONE: Self =
        Self { channels: [1, 1], large: [1, 1], small: [1, 1], kernel: [1, 1], window: Window::square(1, 0) };

    /// Zeros above the large picture, and to its left.
    pub const fn before(self) -> [usize; 2] {
        [self.window.padding[0][0], self.window.padding[1][0]]
    }

    pub const fn taps(self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Pixels of the small picture.
    pub const fn area(self) -> usize {
        self.small[0] * self.small[1]
    }

    pub const fn large_area(self) -> usize {
        self.large[0] * self.large[1]
    }
}

/// What is computed: rows x columns, and the inner dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GemmKind {
    /// `activation(x W^T + b)`: samples x outputs, over inputs.
    Linear,
    /// The gradient of `x`: samples x inputs, over outputs. The left factor is multiplied by the derivative of the activation.
    GradInput,
    /// The gradient of the weights, and of the bias as one more column: outputs x inputs, over samples. Left factor as above.
    GradWeight,
    /// A convolution: small channels x positions of the small picture, over large channels and taps.
    Conv,
    /// The gradient of its input: large channels x positions of the large picture, over small channels and taps.
    ConvGradInput,
    /// The same for 4 x 4 with stride 2, where 4 taps reach each position; a batch of 4, for even and odd rows and columns.
    ConvGradInputStride2,
    /// The gradient of its weights: small channels x large channels and taps, over positions.
    ConvGradWeight,
}

/// The constants of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GemmPlan {
    pub kind: GemmKind,
    pub shape: ConvShape,
    pub activation: ActivationKind,
    /// Whether there is a bias, or a gradient of one.
    pub biased: bool,
    /// Whether it is a batch of products of consecutive matrices; for the linear kinds only.
    pub batched: bool,
    /// Rows and columns that a thread computes of a tile.
    pub each: usize,
}

impl GemmPlan {
    /// Whether the left factor is multiplied by the derivative of the activation.
    pub fn has_derivative(self) -> bool {
        self.activation != ActivationKind::Identity && matches!(self.kind, GemmKind::GradInput | GemmKind::GradWeight)
    }

    /// Width of a tile.
    pub const fn width(self) -> usize {
        16 * self.each
    }
}
