//! Convolutions in fewer multiplications (Winograd 1980; for networks Lavin and Gray 2015, arXiv 1509.09308): input and kernel are
//! transformed, each component of the transforms is one matrix product, and the output is transformed back.

mod conv3x3;
mod conv4x4;
mod rows;
mod transform4x4;

pub use conv3x3::Conv3x3;
pub use conv4x4::Conv4x4;
