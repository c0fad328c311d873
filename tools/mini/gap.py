"""Measure the gap between modalities on the shipped sample, and draw it for the guide.

    python -m tools.mini.gap [--model FOLDER] [--into PNG]

Cosines of pairs within a modality, across two, and of right pairs across two, as histograms; their medians are printed
as the guide's table. Needs matplotlib. Must not judge what the numbers mean.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tools.mini.sample import Sample

from sensorium import SentenceTransformer, builtin_model

PICTURE = Path(__file__).parents[2] / "docs" / "how-to" / "modality-gap.png"


def collect(sample: Sample) -> dict[str, dict[str, torch.Tensor]]:
    """Collect cosines: group -> pair of modalities -> `[pairs]`."""
    vectors = {"text": sample.texts} | {
        title: sample.vectors[kind] for title, kind in (("image", "pictures"), ("sound", "sounds"), ("clip", "clips"))
    }
    names = {"text": sample.names} | {
        title: sample.names_of(kind) for title, kind in (("image", "pictures"), ("sound", "sounds"), ("clip", "clips"))
    }
    groups: dict[str, dict[str, torch.Tensor]] = {"within": {}, "across": {}, "across, right": {}}
    kinds = list(vectors)
    for place, first in enumerate(kinds):
        own = vectors[first] @ vectors[first].T
        groups["within"][first] = own[torch.triu(torch.ones_like(own, dtype=torch.bool), diagonal=1)]
        for second in kinds[place + 1 :]:
            cosines = vectors[first] @ vectors[second].T
            is_right = torch.tensor([[one == other for other in names[second]] for one in names[first]])
            groups["across"][f"{first} and {second}"] = cosines[~is_right]
            groups["across, right"][f"{first} and {second}"] = cosines[is_right]
    return groups


def draw(groups: dict[str, dict[str, torch.Tensor]], path: Path) -> None:
    """Draw one histogram a group, all on one axis of cosines."""
    import matplotlib  # only the recipe has it; who reads the numbers need not

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(len(groups), 1, figsize=(8, 8), sharex=True, layout="constrained")
    titles = {
        "within": "different things, one modality",
        "across": "different things, two modalities",
        "across, right": "the same thing, two modalities",
    }
    for axis, (group, pairs) in zip(axes, groups.items(), strict=True):
        for title, cosines in pairs.items():
            axis.hist(cosines.numpy(), bins=60, range=(-0.5, 1.0), density=True, histtype="step", lw=1.4, label=title)
        axis.set_title(titles[group], loc="left", fontsize=10)
        axis.legend(fontsize=8, frameon=False)
        axis.set_yticks([])
    axes[-1].set_xlabel("cosine")
    figure.savefig(path, dpi=110)


def make_table(groups: dict[str, dict[str, torch.Tensor]]) -> str:
    """Make the guide's table: the median and the middle nine tenths of each pair of modalities."""
    lines = ["| pairs | modalities | median | 5% to 95% |", "|---|---|---|---|"]
    for group, pairs in groups.items():
        for title, cosines in pairs.items():
            low, middle, high = torch.quantile(cosines[:1_000_000], torch.tensor([0.05, 0.5, 0.95])).tolist()
            lines.append(f"| {group} | {title} | {middle:.2f} | {low:.2f} to {high:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=None, help="a folder; the shipped model if left out")
    parser.add_argument("--into", type=Path, default=PICTURE)
    asked = parser.parse_args()
    found = collect(Sample(SentenceTransformer(asked.model or builtin_model(), device="cpu")))
    draw(found, asked.into)
    print(make_table(found))
