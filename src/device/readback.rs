//! The only place where tensors are read back from the device. Reading is asynchronous: a blocking read panics on WebGPU in a browser.

use crate::error::{Error, Result};
use burn::tensor::{Tensor, Transaction};

/// Reads tensors, flattened by the caller, in one submission.
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

/// The numbers of a tensor, as they are read back.
pub fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let n = tensor.dims().iter().product::<usize>();
    tensor.reshape([n])
}

/// Reads one tensor, flattened by the caller.
///
/// # Errors
/// As [`read`].
pub async fn read_one(tensor: Tensor<1>) -> Result<Vec<f32>> {
    Ok(read(vec![tensor]).await?.pop().unwrap_or_default())
}

/// Numbers that are read from a GPU at once: 256 KB.
const READ_NUMBERS: usize = 1 << 16;

/// Reads tensors that may be large, 256 KB at a time on a GPU. The staging buffers of a read stay allocated (cubecl-wgpu 0.11.3 never
/// frees that pool), so that reading all weights at once would keep them in memory a second time.
///
/// # Errors
/// `DeviceLost` where the device does not answer.
pub async fn read_in_pieces(tensors: Vec<Tensor<1>>) -> Result<Vec<Vec<f32>>> {
    if tensors.first().is_none_or(|tensor| super::is_cpu(&tensor.device())) {
        return read(tensors).await;
    }
    let mut values: Vec<Vec<f32>> = Vec::with_capacity(tensors.len());
    // Small tensors that are read together, and the number of their numbers.
    let (mut group, mut size) = (Vec::new(), 0);
    for tensor in tensors {
        let [n] = tensor.dims();
        if size + n > READ_NUMBERS {
            values.extend(read(std::mem::take(&mut group)).await?);
            size = 0;
        }
        if n <= READ_NUMBERS {
            group.push(tensor);
            size += n;
            continue;
        }
        let mut whole = Vec::with_capacity(n);
        for from in (0..n).step_by(READ_NUMBERS) {
            let piece = tensor.clone().narrow(0, from, READ_NUMBERS.min(n - from));
            whole.extend(read_one(piece).await?);
        }
        values.push(whole);
    }
    values.extend(read(group).await?);
    Ok(values)
}
