"""Golden files for the language models: tiny random checkpoints in every format, and what PyTorch says of them.

    python3 -m venv ref
    ref/bin/pip install "torch==2.2.2" "transformers==4.51.3" "tokenizers==0.21.4" "gguf==0.19.0" \\
        "safetensors==0.8.0" "numpy==1.26.4" "jinja2==3.1.6"
    ref/bin/python tests/torch/text_golden.py tests/fixtures/text [blocks] [tiny] [tokens] [smollm2]

writes all parts, or those named. `tokens` and `smollm2` need SmolLM2-135M-Instruct.Q4_1.gguf in $KILN_MODELS or in
../shared/models beside the repository, and are skipped without it. The folder's README says what each file is.
"""

import os
import sys
from pathlib import Path

from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[2]
SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"


def real_model():
    """The real SmolLM2 file, or None with a word about it."""
    path = Path(os.environ.get("KILN_MODELS", ROOT.parent / "shared" / "models")) / SMOLLM2
    if path.is_file():
        return path
    print(f"skipped: {SMOLLM2} is not in {path.parent}")
    return None


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    parts = sys.argv[2:] or ["blocks", "tiny", "tokens", "smollm2"]
    if "blocks" in parts:
        from text_blocks import blocks

        save_file(blocks(), folder / "blocks.safetensors")
    if "tiny" in parts:
        from text_tiny import tiny

        tiny(folder)
    model = real_model() if {"tokens", "smollm2"} & set(parts) else None
    if "tokens" in parts and model:
        from text_tokens import tokens

        tokens(folder, model)
    if "smollm2" in parts and model:
        from text_smollm2 import smollm2

        smollm2(folder, model)


if __name__ == "__main__":
    main()
