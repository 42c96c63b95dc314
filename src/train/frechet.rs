//! The Frechet distance between two clouds of features, each taken for a Gaussian (Heusel et al. 2017, arXiv
//! 1706.08500): |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)). With the features of our digit classifier in place of
//! Inception's, so that its values compare with each other only.

/// A Gaussian: a mean of n numbers and a covariance of n x n, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    pub mean: Vec<f64>,
    pub covariance: Vec<f64>,
}

impl Gaussian {
    /// The sum of the variances: half the mean squared distance between two draws.
    pub fn variance(&self) -> f64 {
        trace(&self.covariance, self.mean.len())
    }

    /// Its entropy, in nats: the mean negative log-likelihood under it of all draws with this mean and covariance.
    pub fn entropy(&self) -> f64 {
        let n = self.mean.len();
        let logs: f64 = eigen(self.covariance.clone(), n).0.iter().map(|v| v.ln()).sum();
        (n as f64 * (1.0 + std::f64::consts::TAU.ln()) + logs) / 2.0
    }
}

/// Mean and covariance of features, gathered in chunks.
#[derive(Debug, Clone)]
pub struct Moments {
    count: usize,
    size: usize,
    sum: Vec<f64>,
    products: Vec<f64>,
}

impl Moments {
    pub fn new(size: usize) -> Self {
        Self { count: 0, size, sum: vec![0.0; size], products: vec![0.0; size * size] }
    }

    /// Adds rows of `size` features.
    pub fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.size) {
            self.count += 1;
            for (i, &a) in row.iter().enumerate() {
                self.sum[i] += f64::from(a);
                for (p, &b) in self.products[i * self.size..].iter_mut().zip(row) {
                    *p += f64::from(a) * f64::from(b);
                }
            }
        }
    }

    /// The Gaussian with their mean and unbiased covariance.
    pub fn gaussian(&self) -> Gaussian {
        let n = self.count as f64;
        let mean: Vec<f64> = self.sum.iter().map(|s| s / n.max(1.0)).collect();
        let entry = |k: usize| (self.products[k] - n * mean[k / self.size] * mean[k % self.size]) / (n - 1.0).max(1.0);
        let covariance = (0..self.size * self.size).map(entry).collect();
        Gaussian { mean, covariance }
    }
}

/// The distance between two Gaussians of the same size.
pub fn distance(a: &Gaussian, b: &Gaussian) -> f64 {
    let n = a.mean.len();
    let means: f64 = a.mean.iter().zip(&b.mean).map(|(x, y)| (x - y).powi(2)).sum();
    // Tr (Ca Cb)^(1/2) = the roots of the eigenvalues of Ra Cb Ra, which is symmetric, with Ra Ra = Ca.
    let (values, vectors) = eigen(a.covariance.clone(), n);
    let mut root = vec![0.0; n * n];
    for (k, value) in values.iter().enumerate() {
        let s = value.max(0.0).sqrt();
        for i in 0..n {
            for j in 0..n {
                root[i * n + j] += s * vectors[i * n + k] * vectors[j * n + k];
            }
        }
    }
    let inner = matmul(&matmul(&root, &b.covariance, n), &root, n);
    let cross: f64 = eigen(inner, n).0.iter().map(|v| v.max(0.0).sqrt()).sum();
    let distance = means + a.variance() + b.variance() - 2.0 * cross;
    // Not `max`: it would turn a NaN into the best distance there is.
    if distance < 0.0 { 0.0 } else { distance }
}

fn trace(matrix: &[f64], n: usize) -> f64 {
    (0..n).map(|i| matrix[i * n + i]).sum()
}

fn matmul(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for k in 0..n {
            for j in 0..n {
                c[i * n + j] += a[i * n + k] * b[k * n + j];
            }
        }
    }
    c
}

/// Eigenvalues and eigenvectors (in columns) of a symmetric matrix, by cyclic Jacobi rotations.
fn eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut v: Vec<f64> = (0..n * n).map(|k| f64::from(u8::from(k / n == k % n))).collect();
    let scale: f64 = a.iter().map(|x| x * x).sum::<f64>().max(1e-300);
    for _sweep in 0..30 {
        let off: f64 = (0..n * n).filter(|k| k / n != k % n).map(|k| a[k] * a[k]).sum();
        if off < 1e-22 * scale {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p * n + q].abs() < 1e-300 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p * n + k], a[q * n + k]);
                    (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (v[k * n + p], v[k * n + q]);
                    (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), v)
}
