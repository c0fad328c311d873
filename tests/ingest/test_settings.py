"""Settings: ranges, digests that say where files are cut, and the way there and back through plain values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sensorium.errors import InputError, UnknownArgumentError
from sensorium.ingest import IngestSettings
from sensorium.media import MediaLimits


@pytest.mark.parametrize(
    "wrong",
    [
        {"passage_characters": 15},
        {"passage_characters": True},
        {"passage_characters": 1200.0},
        {"passage_overlap": -1},
        {"passage_overlap": 600},
        {"audio_segment_s": 0},
        {"audio_segment_s": float("nan")},
        {"audio_segment_s": float("inf")},
        {"audio_overlap_s": 19.0},
        {"video_overlap_s": -0.5},
        {"frames_per_segment": 0},
        {"page_pixels": 0},
        {"thumbnail_side": "256"},
        {"excludes": "*.tmp"},
        {"ignore_files": (1,)},
        {"is_hidden_included": 1},
        {"limits": None},
    ],
)
def test_a_value_outside_its_range_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        IngestSettings(**wrong)


def test_the_digest_counts_what_a_kind_is_cut_by_and_nothing_else() -> None:
    plain = IngestSettings()
    shorter = replace(plain, audio_segment_s=10)
    assert shorter.digest("audio") != plain.digest("audio")
    assert shorter.digest() != plain.digest()
    for shape in ("text", "image", "pdf", "video"):
        assert shorter.digest(shape) == plain.digest(shape)
    others = replace(plain, excludes=("*.tmp",), thumbnail_side=64, limits=MediaLimits(max_bytes=5))
    assert others.digest() == plain.digest()
    assert replace(plain, audio_segment_s=20).digest() == plain.digest()  # as 20.0 is


def test_the_digest_is_the_same_on_every_machine() -> None:
    # Ids in collections on disk rest on these: a change here orphans them.
    assert IngestSettings().digest("text") == "35b80d5afd40cd24584463cef37fdc72"
    assert IngestSettings().digest("image") == "d3ac268a3637464e6e6687875136cc8d"


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="one of"):
        IngestSettings().digest("sound")


def test_settings_come_back_from_json() -> None:
    settings = IngestSettings(passage_overlap=10, excludes=("a/", "!a/b"), is_hidden_included=True)
    assert IngestSettings.from_dict(json.loads(json.dumps(settings.as_dict()))) == settings
    limits = MediaLimits(max_bytes=7)
    assert IngestSettings.from_dict({}, limits).limits is limits
    with pytest.raises(UnknownArgumentError, match="passage_overlap"):
        IngestSettings.from_dict({"pasage_overlap": 3})
