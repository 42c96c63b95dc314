//! Pretrained language models: what the files are, and their tensors one at a time.

use super::bytes::{Bytes, ModelFile};
use super::checkpoint;
use super::ggml_blocks::{Format, MatrixBuilder};
use super::gguf::Gguf;
use super::quoted::quoted;
use super::safetensors_files;
use super::tensor_names::{self, TensorRole};
use super::tokenizer_files;
use super::transformer_config::{self, Config};
use crate::error::{Code, Error, Result};
use crate::models::transformer::{Architecture, Tensors};
use crate::nn::engine::{Data, Matrix};
use crate::text::TokenizerSource;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Bytes of a tensor that are read at once.
const READ_BYTES: u64 = 1 << 20;

/// An opened language model: its architecture, and where its tensors are. Only headers have been read.
pub struct Pretrained {
    pub architecture: Architecture,
    /// The source of its tokenizer.
    pub vocabulary: TokenizerSource,
    /// The chat template, in Jinja.
    pub chat_template: Option<String>,
    tensors: Found,
}

/// A tensor in a file.
#[derive(Clone)]
struct Place {
    file: Rc<dyn Bytes>,
    at: u64,
    bytes: u64,
    /// `None` where Kiln does not support it; `kind` is its name.
    format: Option<Format>,
    kind: String,
    /// Row-major, outermost first.
    shape: Vec<usize>,
    order: Order,
}

/// How the rows of a tensor are reordered when it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Kept,
    Transposed,
    /// From all queries, all keys, all values to a query, a key and a value for each head.
    PerHead,
}

/// Tensors by name.
type Found = BTreeMap<String, Place>;

impl Pretrained {
    /// Opens a model: one `.gguf`; or `config.json` and `tokenizer.json` with one `.safetensors` file, or several with their
    /// index.
    ///
    /// # Errors
    /// `BadFile` where a file is damaged or missing, `Unsupported` where Kiln does not run such a model, `ShapeMismatch`
    /// where a tensor has another shape than the architecture expects.
    pub fn open(files: &[ModelFile]) -> Result<Self> {
        match files.iter().find(|f| Gguf::is_one(&*f.bytes)) {
            Some(file) => Self::open_gguf(file),
            None => Self::open_safetensors(files),
        }
    }

    fn open_gguf(file: &ModelFile) -> Result<Self> {
        let gguf = Gguf::read(&*file.bytes)?;
        let place = |t: &super::gguf::GgufTensor| Place {
            file: file.bytes.clone(),
            at: t.at,
            bytes: t.bytes,
            format: t.ggml_type.format(),
            kind: t.ggml_type.name.into(),
            shape: t.shape.clone(),
            order: Order::Kept,
        };
        let found: Found = gguf.tensors.iter().map(|t| (t.name.clone(), place(t))).collect();
        let vocab = found.get("token_embd.weight").and_then(|t| t.shape.first().copied());
        let vocab = vocab.ok_or_else(|| Error::bad_file("The file has no tensor \"token_embd.weight\"."))?;
        let mut architecture = transformer_config::of_gguf(&gguf, vocab)?;
        if let (Some(rope), Some(factors)) = (&mut architecture.rope, found.get(tensor_names::ROPE_FACTORS)) {
            if factors.shape != [rope.dims / 2] {
                return Err(mismatch(tensor_names::ROPE_FACTORS, &factors.shape, &[rope.dims / 2]));
            }
            let factors = factors.read(tensor_names::ROPE_FACTORS)?;
            rope.factors = vec![0.0; factors.cols];
            factors.row(0, &mut rope.factors);
            transformer_config::check_factors(rope)?;
        }
        let (tensors, architecture) = choose(architecture, found, true)?;
        let (vocabulary, chat_template) = tokenizer_files::of_gguf(&gguf, vocab)?;
        Ok(Self { architecture, vocabulary, chat_template, tensors })
    }

    fn open_safetensors(files: &[ModelFile]) -> Result<Self> {
        let found: Found = safetensors_files::tensors(files)?
            .into_iter()
            // A checkpoint of Kiln's is a model, too.
            .filter(|(t, _)| !checkpoint::of_training(&t.name))
            .map(|(t, file)| {
                let (format, kind) = (t.format(), format!("{:?}", t.dtype));
                // A GPT-2 without its head has no prefix.
                let name = t.name.strip_prefix("transformer.").map_or(t.name.clone(), String::from);
                (name, Place { file, at: t.at, bytes: t.bytes, format, kind, shape: t.shape, order: Order::Kept })
            })
            .collect();
        if found.is_empty() {
            return Err(Error::bad_file("There is neither a GGUF nor a safetensors file with tensors."));
        }
        let config = files.iter().find(|f| safetensors_files::base(&f.name) == "config.json");
        let config = config.ok_or_else(|| Error::bad_file("The model's config.json is missing."))?;
        let architecture = safetensors_files::json::<Config>(&*config.bytes)?.architecture()?;
        let (tensors, architecture) = choose(architecture, found, false)?;
        let (vocabulary, chat_template) = tokenizer_files::of_files(files)?;
        Ok(Self { architecture, vocabulary, chat_template, tensors })
    }

    /// The tensors' names, those of `transformers`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor's number format.
    pub fn format(&self, name: &str) -> Option<Format> {
        self.tensors.get(name).and_then(|t| t.format)
    }

    /// Bytes that the tensors take in their files.
    pub fn bytes(&self) -> u64 {
        self.tensors.values().map(|t| t.bytes).sum()
    }
}

/// The tensors of the architecture, with their shapes checked. Where there is no head, it is tied.
fn choose(mut architecture: Architecture, mut found: Found, gguf: bool) -> Result<(Found, Architecture)> {
    let head = tensor_names::head(architecture.family)[usize::from(gguf)];
    architecture.tied |= !found.contains_key(head);
    if architecture.tied {
        found.remove(head);
    }
    let mut tensors = BTreeMap::new();
    for wanted in tensor_names::tensors(&architecture) {
        let name = if gguf { &wanted.gguf } else { &wanted.name };
        let Some(mut place) = found.remove(name) else {
            if wanted.role == TensorRole::Optional || (wanted.role == TensorRole::Head && architecture.tied) {
                continue;
            }
            return Err(Error::bad_file(format!("The file has no tensor {}.", quoted(name))));
        };
        place.order = match wanted.role {
            TensorRole::Conv1d if !gguf => Order::Transposed,
            TensorRole::PerHead if gguf => Order::PerHead,
            _ => Order::Kept,
        };
        let mut shape = place.shape.clone();
        if place.order == Order::Transposed {
            shape.reverse();
        }
        if shape != wanted.shape {
            return Err(mismatch(name, &shape, &wanted.shape));
        }
        place.format(name)?;
        tensors.insert(wanted.name, place);
    }
    // A tensor that is left over would have changed the result.
    if let Some(name) = found.keys().find(|name| !tensor_names::is_ignored(name)) {
        let name = quoted(name);
        return Err(Error::unsupported(format!("The file has a tensor {name}, which Kiln's network does not have.")));
    }
    Ok((tensors, architecture))
}

impl Tensors for Pretrained {
    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Reads one tensor: a matrix `[outputs, inputs]`, quantised as in the file, or a vector as `[1, n]` in f32.
    fn matrix(&self, name: &str) -> Result<Matrix> {
        let place = self.tensors.get(name);
        let place = place.ok_or_else(|| Error::bad_file(format!("The model has no tensor {}.", quoted(name))))?;
        let matrix = place.read(name)?;
        let heads = self.architecture.heads;
        Ok(match place.order {
            Order::Kept => matrix,
            Order::Transposed => transpose(matrix)?,
            Order::PerHead => {
                let part = |row: usize| (row % heads.head_dim, row / heads.head_dim % 3, row / heads.head_dim / 3);
                let from = |(i, part, head)| (part * heads.heads + head) * heads.head_dim + i;
                let order: Vec<usize> = (0..3 * heads.heads * heads.head_dim).map(|row| from(part(row))).collect();
                match matrix.data {
                    Data::F32(v) if matrix.rows == 1 => Matrix::vector(order.iter().map(|&i| v[i]).collect()),
                    _ => matrix.select(&order),
                }
            }
        })
    }
}

impl Place {
    fn format(&self, name: &str) -> Result<Format> {
        let unread = || Error::unsupported(format!("The tensor {} is of the type {}.", quoted(name), self.kind));
        self.format.ok_or_else(unread)
    }

    /// The tensor as it is in the file; vectors as f32.
    fn read(&self, name: &str) -> Result<Matrix> {
        let format = self.format(name)?;
        let (rows, cols) = match self.shape[..] {
            [cols] => (1, cols),
            [rows, cols] => (rows, cols),
            _ => return Err(Error::bad_file(format!("The tensor {} is not a matrix.", quoted(name)))),
        };
        let mut incoming = MatrixBuilder::new(format, rows, cols)?;
        let block = format.block().1 as u64;
        let (mut at, end) = (self.at, self.at + self.bytes);
        while at < end {
            let n = (READ_BYTES / block * block).min(end - at);
            incoming.push(&self.file.take(at, n)?);
            at += n;
        }
        let matrix = incoming.finish()?;
        if self.shape.len() > 1 || matches!(matrix.data, Data::F32(_)) {
            return Ok(matrix);
        }
        let mut values = vec![0.0; cols];
        matrix.row(0, &mut values);
        Ok(Matrix::vector(values))
    }
}

/// `[inputs, outputs]` to `[outputs, inputs]`.
fn transpose(matrix: Matrix) -> Result<Matrix> {
    fn turn<T: Copy>(v: &[T], cols: usize) -> Vec<T> {
        (0..cols).flat_map(|col| v.iter().skip(col).step_by(cols).copied()).collect()
    }
    let Matrix { rows, cols, data } = matrix;
    let data = match data {
        Data::F32(v) => Data::F32(turn(&v, cols)),
        Data::F16(v) => Data::F16(turn(&v, cols)),
        Data::Bf16(v) => Data::Bf16(turn(&v, cols)),
        Data::Q4 { .. } | Data::Q8 { .. } => return Err(Error::internal("Safetensors hold no blocks.")),
    };
    Ok(Matrix { rows: cols, cols: rows, data })
}

fn mismatch(name: &str, found: &[usize], wanted: &[usize]) -> Error {
    Error::new(
        Code::ShapeMismatch,
        format!("The tensor {} is {found:?} in the file and {wanted:?} in the model.", quoted(name)),
        "Choose another file: this one is inconsistent.",
    )
}
