//! Monotone rational-quadratic splines (Gregory and Delbourgo 1982), as couplings of normalizing flows use them (Durkan et al. 2019,
//! arXiv 1906.04032): a curve of [`BINS`] pieces between minus and plus [`BOUND`], and the identity outside. Each piece is a quotient of
//! two quadratics, so that the way back is the root of a quadratic.

use burn::tensor::Tensor;
use burn::tensor::activation::{softmax, softplus};

/// Pieces of a spline.
pub const BINS: usize = 8;
/// Half the width of the square inside which a spline bends.
pub const BOUND: f32 = 4.0;
/// Numbers that make a spline: widths and heights of the pieces, and the slopes at the knots between them.
pub const NUMBERS: usize = 3 * BINS - 1;
/// The least width and height of a piece, as parts of the whole, and the least slope at a knot.
const LEAST: f64 = 1e-3;

/// A spline for each of N numbers.
pub struct Splines {
    /// Widths and heights of the pieces, `[N, 2, BINS]`.
    lengths: Tensor<3>,
    /// Slopes at all knots, `[N, 1, BINS + 1]`: 1 at both ends, where the identity goes on.
    slopes: Tensor<3>,
}

/// Along which axis a piece is found.
#[derive(Clone, Copy)]
enum Axis {
    X = 0,
    Y = 1,
}

/// The piece in which each number lies: its corner, its size, and the slopes at its ends, `[N, 1]` each.
struct Piece {
    x: Tensor<2>,
    y: Tensor<2>,
    width: Tensor<2>,
    height: Tensor<2>,
    slopes: [Tensor<2>; 2],
}

impl Splines {
    /// From any numbers `[N, NUMBERS]`: those of all widths, of all heights, then of the slopes. Zeros make the identity.
    pub fn new(numbers: Tensor<2>) -> Self {
        let [n, _] = numbers.dims();
        let lengths = numbers.clone().narrow(1, 0, 2 * BINS).reshape([n, 2, BINS]);
        let lengths = softmax(lengths, 2) * (1.0 - LEAST * BINS as f64) + LEAST;
        // The softplus of this is what is left of a slope of 1.
        let one = libm::log(libm::exp(1.0 - LEAST) - 1.0);
        let inner = softplus(numbers.narrow(1, 2 * BINS, BINS - 1) + one, 1.0) + LEAST;
        let ends = Tensor::ones([n, 1], &inner.device());
        let slopes = Tensor::cat(vec![ends.clone(), inner, ends], 1).reshape([n, 1, BINS + 1]);
        Self { lengths: lengths * (2.0 * f64::from(BOUND)), slopes }
    }

    /// # Shapes
    /// `at` is `[N, 1]`, inside the bounds.
    fn piece(&self, at: &Tensor<2>, axis: Axis) -> Piece {
        let [n, _] = at.dims();
        // Which inner knots a number has passed: no gradient flows through that.
        let lengths = self.lengths.clone().detach().narrow(1, axis as usize, 1).reshape([n, BINS]);
        let knots = lengths.cumsum(1).narrow(1, 0, BINS - 1) - BOUND;
        let passed = (at.clone().detach() - knots).greater_equal_elem(0.0).float(); // (N, BINS - 1)
        let (one, zero) = (Tensor::ones([n, 1], &at.device()), Tensor::zeros([n, 1], &at.device()));
        let begun = Tensor::cat(vec![one, passed.clone()], 1);
        let behind = Tensor::cat(vec![passed, zero], 1).reshape([n, 1, BINS]);
        let here = begun.reshape([n, 1, BINS]) - behind.clone();
        let corner = (self.lengths.clone() * behind).sum_dim(2).reshape([n, 2]) - BOUND;
        let slopes = [0, 1].map(|end| self.slopes.clone().narrow(2, end, BINS));
        let values = Tensor::cat([vec![self.lengths.clone()], slopes.to_vec()].concat(), 1); // (N, 4, BINS)
        let values = (values * here).sum_dim(2).reshape([n, 4]);
        let of = |values: &Tensor<2>, k: usize| values.clone().narrow(1, k, 1);
        Piece {
            x: of(&corner, 0),
            y: of(&corner, 1),
            width: of(&values, 0),
            height: of(&values, 1),
            slopes: [of(&values, 2), of(&values, 3)],
        }
    }

    /// Numbers `[N, 1]` through their splines, and the logarithms of the slopes there.
    pub fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let inside = x.clone().clamp(-BOUND, BOUND);
        let piece = self.piece(&inside, Axis::X);
        let [first, last] = piece.slopes.clone();
        let mean = piece.height.clone() / piece.width.clone();
        let part = (inside - piece.x) / piece.width;
        let rest = -part.clone() + 1.0;
        let both = part.clone() * rest.clone();
        let below = (first.clone() + last.clone() - mean.clone() * 2.0) * both.clone() + mean.clone();
        let above = (mean.clone() * part.clone().square() + first.clone() * both.clone()) * piece.height;
        let y = piece.y + above / below.clone();
        let slope = last * part.square() + mean.clone() * both * 2.0 + first * rest.square();
        let log_slope = (mean.log() - below.log()) * 2.0 + slope.log();
        // At the bounds, too, where a piece would be the identity but for its rounding.
        let outside = x.clone().abs().greater_equal_elem(BOUND);
        (y.mask_where(outside.clone(), x), log_slope.mask_fill(outside, 0.0))
    }

    /// The way back, without its slopes.
    pub fn inverse(&self, y: Tensor<2>) -> Tensor<2> {
        let inside = y.clone().clamp(-BOUND, BOUND);
        let piece = self.piece(&inside, Axis::Y);
        let [first, last] = piece.slopes;
        let mean = piece.height.clone() / piece.width.clone();
        let up = inside - piece.y;
        let bend = (first.clone() + last - mean.clone() * 2.0) * up.clone();
        // a part^2 + b part + c = 0, whose root in [0, 1] is taken in the form that loses no digits.
        let a = (mean.clone() - first.clone()) * piece.height.clone() + bend.clone();
        let b = first * piece.height - bend;
        let c = -mean * up;
        let root = (b.clone().square() - a * c.clone() * 4.0).clamp_min(0.0).sqrt();
        let part = c * -2.0 / (b + root);
        let outside = y.clone().abs().greater_equal_elem(BOUND);
        (part * piece.width + piece.x).mask_where(outside, y)
    }
}
