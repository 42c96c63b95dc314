//! The only place where tensors cross between the device and Rust's memory. Reading is asynchronous:
//! a blocking read panics on WebGPU in a browser.

use crate::error::{Error, Result};
use burn::tensor::{Tensor, Transaction};

/// Reads tensors of any shapes (flattened by the caller) in one submission.
///
/// # Errors
/// `DeviceLost` where the device does not answer.
pub async fn read(tensors: Vec<Tensor<1>>) -> Result<Vec<Vec<f32>>> {
    if tensors.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = tensors.into_iter().fold(Transaction::default(), |all, tensor| all.register(tensor.inner()));
    let data = transaction.execute_async().await.map_err(|e| Error::device_lost(format!("{e:?}")))?;
    data.into_iter().map(|d| d.try_into_vec::<f32>().map_err(|e| Error::device_lost(format!("{e:?}")))).collect()
}
