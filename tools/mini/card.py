"""The model card, `models/mini/README.md`: what the model is, what it reaches, and what limited it.

The card's words are here, its figures come from `evaluate.py`. Must not measure anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tools.mini.speech import TEST_VOICE
from tools.mini.table import read_pictures

if TYPE_CHECKING:
    from tools.mini.evaluate import Figure

CARD = Path(__file__).parents[2] / "models" / "mini" / "README.md"

#: What the shipped weights' training was.
_IMAGE_RUN = "11,500 steps of 256 pictures, about two hours and three quarters on one core."
_AUDIO_RUN = (
    "7,000 steps of 128 words, about two hours and a quarter on one core; then a few minutes in which both\n"
    "  projections learn on, against each other as well."
)
#: Why goals were missed, where any were.
_LIMITED = (
    "Concepts that no picture of training shows gained nothing from the second half of the steps: more kinds of\n"
    "picture are needed for them, not more time. Spoken words and pictures learned of each other only at the very\n"
    "end, and only their projections did."
)

_TEXT = """# sensorium-mini

A small model with which text, **pictograms** (emoji, icons, clip art), **spoken English words** and **short clips of
such pictures** lie in one space of 384 dimensions. It is there so that Sensorium can be tried, shown and tested without
a model hub. It is **not** a model for photographs, documents, music or conversation: for those load a larger one;
Sensorium's README names some, with the memory they need.

```python
import sensorium

model = sensorium.SentenceTransformer(sensorium.builtin_model())
vectors = model.encode(["a tabby cat", {{"image": "cat.png"}}, {{"audio": "cat.wav"}}, {{"video": "cat.mp4"}}])
```

`sentence_transformers.SentenceTransformer` loads the same folder and gives the same vectors, but for clips, which it
refuses: a clip's vector is the mean of eight of its frames' vectors, which is an ability of Sensorium.

## What is inside

| route | network | parameters | input |
|---|---|---|---|
| text | all-MiniLM-L6-v2, unchanged | 22.7 million | English, 256 tokens |
| image | a LeViT (`transformers`), mean, projection | 5.6 million | 64×64 pixels, RGB; wholly squeezed to a square |
| audio | a small Whisper's encoder (`transformers`), mean, projection | 2.0 million | 16 kHz, the first 2 seconds |

Weights are stored in half precision and computed in float32. Against the original in full precision the text vectors
differ by at most 5e-4, with a cosine of at least 0.99999; `tests/mini/test_model.py` holds them to it. Every vector has
length 1.

## What it reaches

Recall at k in percent: how often a right answer is among the first k. *By lot* would reach "chance". Measured by
`python -m tools.mini.evaluate` through `SentenceTransformer.encode`, on sets that no picture or voice of training came
from; figures in brackets are for three seeds, where the questions or backgrounds are drawn by lot.

{table}

{verdict}

## How it was trained

The text vectors are fixed: each tower learns to put a picture or a spoken word where its words already are, and away
from thousands of other words (the contrastive loss of CLIP with a locked text tower, as in LiT).

- Pictures: {pictures} drawings of icon and emoji sets under permissive licences and of clip art in the public domain,
  by their names and tags. Flat emoji are drawn three times: as they are, with outlines, as outlines alone. They are
  scaled from 0.4 to 1.3, turned, moved, recoloured and laid on backgrounds.
  {image_run}
- Speech: {words} words said by espeak-ng in some 40 variants of 7 accents, by flite (kal16, awb, rms) and festival
  (kal, ked), with changes of speed, pitch and tract, echoes, noise and other voices.
  {audio_run}
- Everything ran on two cores of one CPU. The recipe is `tools/mini`, one command: `make mini`.

Nothing was trained on OpenMoji (CC BY-SA), Tux Paint's stamps (GPL), FxEmojis, or flite's voice slt: they are the
tests. Every set that was used is named in [ATTRIBUTION.md](ATTRIBUTION.md).

## Limits

- English only. Names and tags of emoji are what it knows best; abstract user-interface icons it knows worst.
- A picture is seen at 64 pixels: small parts, and all writing, are lost.
- Photographs are unlike anything it was shown. What it says of them means little.
- A sound longer than two seconds is cut; sounds other than single spoken words mean nothing to it.
- Cosines between modalities are lower than within one, and not comparable with them: see Sensorium's guide on the gap
  between modalities before setting a threshold.
- People, professions and skin tones are drawn by the sets it learned from, with their omissions.
"""


def write_card(figures: Sequence[Figure], table: str, work: Path) -> None:
    """Write the card.

    Args:
        figures: The figures, for the goals that were missed.
        table: The same, as a table.
        work: The recipe's folder, for the size of the sets.
    """
    missed = [figure for figure in figures if figure.goal is not None and figure.reached < figure.goal]
    verdict = "Every goal was reached."
    if missed:
        names = "; ".join(f"{figure.title} ({figure.reached:.1f} of {figure.goal:.0f})" for figure in missed)
        verdict = f"**Goals not reached:** {names}.\n\n{_LIMITED}"
    pictures = sum(line["split"] == "train" for line in read_pictures(work))
    spoken = (work / "data" / "speech.jsonl").read_text(encoding="utf-8").splitlines()
    words = sum(json.loads(line)["voice"] != TEST_VOICE for line in spoken)
    text = _TEXT.format(
        table=table,
        verdict=verdict,
        pictures=f"{pictures:,}",
        words=f"{words:,}",
        image_run=_IMAGE_RUN,
        audio_run=_AUDIO_RUN,
    )
    CARD.write_text(text, encoding="utf-8")
