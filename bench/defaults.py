"""Compares settings of a demo that trains on digits at equal time: distance and entropy at a few moments of a visit.

    python3 bench/defaults.py --out target/defaults --seeds 1-5 --seconds 30,60,120 dcgan "dcgan?batch=16"

The first link is the measure. `--tab` is what one of its steps takes in the tab, in milliseconds; what a step of another link takes
follows from the processor time of both in the terminal, measured in turn. Every run goes on from its own checkpoint, so that a folder
that exists is not trained again; samples.png of each moment lies beside it. Needs Python 3 alone and `kiln` (`--kiln`).
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess

# Steps between which time is measured, and how often: reading the data and drawing samples at the end are in both.
FROM, TO, REPEATS = 10, 90, 3


def cpu():
    """Processor time of all commands so far, in seconds: other programs on the machine hardly change it."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def kiln(args, *words):
    return subprocess.run([args.kiln, *map(str, words)], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def spelt(link, **settings):
    """The link with more settings."""
    return link + "".join(("&" if "?" in link or k else "?") + f"{name}={value}" for k, (name, value) in enumerate(settings.items()))


def train(args, link, steps, out, resume=None):
    kiln(args, "train", link, "--device", "cpu", "--steps", steps, "--out", out, *(["--resume", resume] if resume else []))


def costs(args):
    """Milliseconds of processor time that a step of each link takes."""
    taken = {link: [] for link in args.links}
    for _ in range(REPEATS):
        for link in args.links:
            times = []
            for steps in (FROM, TO):
                before = cpu()
                train(args, spelt(link, evaluate=5000), steps, args.out / "cost")
                times.append(cpu() - before)
            taken[link].append((times[1] - times[0]) / (TO - FROM) * 1000)
    return {link: statistics.median(ms) for link, ms in taken.items()}


def run(args, link, seed, per_step):
    """[(step, distance, entropy, diversity)] at each of the moments."""
    step, file, rows = 0, None, []
    for seconds in args.seconds:
        until = round(seconds * 1000 / per_step)
        out = args.out / f"{link.replace('?', '_').replace('&', '_')}-seed{seed}-{seconds}s-{until}"
        figures = out / "figures.json"
        if not figures.exists():
            train(args, spelt(link, seed=seed, evaluate=5000), until - step, out, file)
            figures.write_bytes(kiln(args, "measure", "--json", out / "model.safetensors"))
        step, file = until, out / "model.safetensors"
        measured = json.loads(figures.read_text())
        rows.append((step, *(measured[name] for name in ("distance", "entropy", "diversity"))))
    return rows


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("links", nargs="+")
    parse.add_argument("--kiln", default="target/fast/kiln")
    parse.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/defaults"))
    parse.add_argument("--seeds", default="1-5", help="such as 1-5")
    parse.add_argument("--seconds", default="30,60,120", help="moments of a visit")
    parse.add_argument("--tab", type=float, default=27.5, help="milliseconds that a step of the first link takes in the tab")
    args = parse.parse_args()
    args.seconds = [int(s) for s in args.seconds.split(",")]
    first, last = (int(s) for s in args.seeds.split("-"))
    args.out.mkdir(parents=True, exist_ok=True)

    # Measured once for each link.
    known = args.out / "costs.json"
    ms = json.loads(known.read_text()) if known.exists() else {}
    if not set(args.links) <= set(ms):
        ms.update(costs(args))
        known.write_text(json.dumps(ms))
    scale = args.tab / ms[args.links[0]]

    print("| link | ms a step | at | steps | distance, each seed | median | entropy | diversity |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for link in args.links:
        runs = [run(args, link, seed, ms[link] * scale) for seed in range(first, last + 1)]
        for seconds, rows in zip(args.seconds, zip(*runs)):
            steps, distances, entropies, diversities = zip(*rows)
            each = ", ".join(f"{d:.0f}" for d in distances)
            medians = " | ".join(f"{statistics.median(v):.{n}f}" for v, n in ((distances, 1), (entropies, 2), (diversities, 2)))
            print(f"| `{link}` | {ms[link] * scale:.1f} | {seconds} s | {steps[0]:,} | {each} | {medians} |", flush=True)


if __name__ == "__main__":
    main()
