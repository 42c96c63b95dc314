//! Which product a kernel is made for.

use super::curves::Curve;
use kiln_kernels::Window;

/// What a convolution's shape has in it besides the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Channels of the large picture, which a convolution reads, and of the small one, which it makes.
    pub channels: [usize; 2],
    /// Height and width of both.
    pub large: [usize; 2],
    pub small: [usize; 2],
    /// Height and width.
    pub kernel: [usize; 2],
    pub window: Window,
}

impl Convolution {
    /// None: of a linear layer.
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

/// Which product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `activation(x W^T + b)`: samples x outputs, over inputs.
    Linear,
    /// The gradient of `x`: samples x inputs, over outputs. The left factor is multiplied with the activation's slope at `y`.
    OfInput,
    /// The gradient of the weights, and of the bias as one more column: outputs x inputs, over samples. Slope as above.
    OfWeights,
    /// A convolution: small channels x positions of the small picture, over large channels and taps.
    Down,
    /// The gradient of its input: large channels x positions of the large picture, over small channels and taps.
    Back,
    /// The same of 4 x 4 with stride 2, of which each position sees 4 taps; once for each of the 4 kinds of position.
    Up,
    /// The gradient of its weights: small channels x large channels and taps, over positions.
    Outer,
}

/// How a kernel is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Plan {
    pub kind: Kind,
    pub shape: Convolution,
    pub curve: Curve,
    /// Whether there is a bias to add, or its gradient to find.
    pub biased: bool,
    /// Whether there are many such products one after the other, of matrices that follow each other: a linear kind.
    pub many: bool,
    /// Rows and columns of a thread, where a workgroup makes a tile.
    pub each: usize,
}

impl Plan {
    /// Width of a tile.
    pub const fn width(self) -> usize {
        16 * self.each
    }
}
