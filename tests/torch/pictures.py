"""Pictures that Rust's own encoders do not write, for tests/pictures.rs: `python tests/torch/pictures.py` (Pillow 13)."""

from pathlib import Path

from PIL import Image

OUT = Path(__file__).parent.parent / "fixtures" / "pictures"
OUT.mkdir(exist_ok=True)

# Red by its inks: no cyan, all magenta, all yellow, no black.
Image.new("CMYK", (40, 40), (0, 255, 255, 0)).save(OUT / "cmyk.jpg", quality=90)

# Left half blue, right half white, lying on its side: EXIF 6 turns it by a quarter to the right, so that blue is on top.
lying = Image.new("RGB", (48, 32), "white")
lying.paste("blue", (0, 0, 24, 32))
exif = Image.Exif()
exif[0x0112] = 6
lying.save(OUT / "turned.jpg", quality=90, exif=exif)

# Green at first, then red.
frames = [Image.new("RGB", (24, 24), colour) for colour in ("lime", "red")]
frames[0].save(OUT / "animated.gif", save_all=True, append_images=frames[1:], duration=100)
frames[0].save(OUT / "animated.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True)
