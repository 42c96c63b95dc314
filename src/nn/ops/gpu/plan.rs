//! Which product a kernel is made for.

use super::curves::Curve;

/// What a strided convolution's shape has in it besides the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Strided {
    /// Channels of the large picture and of the small one.
    pub channels: [usize; 2],
    /// Height and width of the small picture.
    pub size: [usize; 2],
    pub padding: usize,
}

impl Strided {
    pub const fn large_size(self) -> [usize; 2] {
        [2 * self.size[0] + 2 - 2 * self.padding, 2 * self.size[1] + 2 - 2 * self.padding]
    }

    pub const fn area(self) -> usize {
        self.size[0] * self.size[1]
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
    /// Small channels x positions of the small picture, over large channels and the 16 taps.
    Down,
    /// Large channels x positions, over small channels and 4 taps; once for each of the 4 kinds of position.
    Up,
    /// Small channels x large channels and taps, over positions.
    Outer,
}

/// How a kernel is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Plan {
    pub kind: Kind,
    /// Of a convolution.
    pub strided: Strided,
    pub curve: Curve,
    /// Whether there is a bias to add, or its gradient to find.
    pub biased: bool,
    /// Rows and columns of a thread, where a workgroup makes a tile.
    pub each: usize,
}

impl Plan {
    /// Width of a tile.
    pub const fn width(self) -> usize {
        16 * self.each
    }
}
