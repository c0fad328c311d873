"""What pairs have in common is computed once, and let go of in time."""

from __future__ import annotations

import inspect
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sensorium import CrossEncoder
from sensorium.encoders.shared_steps import SharedSteps
from sensorium.media import decode
from sensorium.modules.sharing.media_table import TowerStates
from sensorium.modules.sharing.network import SharedNetwork, find_obstacle
from sensorium.modules.sharing.prefix import PrefixLayer
from tests.compat.peer import quiet
from tests.encoders.sharing_models import NETWORKS, build_network, forget_logits_to_keep, load, score_alone, small_parts
from tests.encoders.sharing_watch import (
    DOCUMENTS,
    QUERY,
    SEEING,
    WORDS,
    ask,
    assert_nothing_is_held,
    count_common,
    count_media,
    find_towers,
    make_seen,
    note_calls,
    tokenise,
    watch,
    watch_decoder,
    watch_linear,
)
from tests.tiny import media

Reranker = Callable[[str], CrossEncoder]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[SharedSteps]:
    """The steps of each call that shares, in order."""
    return note_calls(monkeypatch)


# Towers, decoding, preparing


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SEEING)
@pytest.mark.parametrize("batch_size", [2, 32])
def test_a_tower_sees_each_picture_and_clip_once(reranker: Reranker, name: str, batch_size: int) -> None:
    pairs, distinct = make_seen()
    model = reranker(name)
    with count_media(model) as plain:
        score_alone(model, pairs[:2])
    assert plain == {"grid_thw": 4}, "the test would not see a second time"
    with small_parts(), count_media(model) as counted:
        model.predict(pairs, batch_size=batch_size)
    assert counted == {"grid_thw": distinct}


@pytest.mark.parametrize("batch_size", [1, 32])
def test_a_tower_hears_each_sound_once(reranker: Reranker, batch_size: int) -> None:
    waves = [media.make_wave(seed, seconds) for seed, seconds in enumerate((0.6, 0.35, 0.9))]
    pairs = [*ask("rain", [*waves, media.make_wave(0, 0.6)]), *ask(waves[0], [waves[1], "rain", media.make_image(1)])]
    model = reranker("qwen2_5_omni_reranker")
    with small_parts(), count_media(model) as counted:
        model.predict(pairs, batch_size=batch_size)
    assert counted == {"feature_lens": 3, "grid_thw": 1}


def test_pictures_of_one_batch_go_through_the_tower_together(reranker: Reranker) -> None:
    model = reranker("qwen3_vl_reranker")
    passes: list[int] = []
    with watch(find_towers(model)["grid_thw"], lambda given: passes.append(len(given["grid_thw"]))):
        model.predict(ask("rain", [media.make_image(seed) for seed in range(6)]))
    assert passes == [6]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was decoded."""
    counted: Counter[str] = Counter()
    load_part = decode.load_part

    def count(part: Any, *args: Any) -> Any:
        if not part.is_loaded:
            counted[Path(part.value).name] += 1
        return load_part(part, *args)

    monkeypatch.setattr(decode, "load_part", count)
    return counted


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every medium that a processor's part prepared."""
    from transformers import BaseImageProcessor, SequenceFeatureExtractor
    from transformers.video_processing_utils import BaseVideoProcessor

    noted: list[Any] = []
    for owner in (BaseImageProcessor, BaseVideoProcessor):

        def prepare(self: Any, values: Any, *args: Any, _call: Any = owner.__call__, **kwargs: Any) -> Any:
            noted.extend(one for value in values for one in (value if isinstance(value, list) else [value]))
            return _call(self, values, *args, **kwargs)

        monkeypatch.setattr(owner, "__call__", prepare)
    extractors = {cls for cls in SequenceFeatureExtractor.__subclasses__() if cls.__name__ == "WhisperFeatureExtractor"}
    for extractor in extractors:

        def extract(self: Any, values: Any, *args: Any, _call: Any = extractor.__call__, **kwargs: Any) -> Any:
            noted.extend(values)
            return _call(self, values, *args, **kwargs)

        monkeypatch.setattr(extractor, "__call__", extract)
    return noted


@pytest.mark.parametrize("batch_size", [1, 4, 32])
def test_files_are_decoded_and_prepared_once(
    reranker: Reranker, tmp_path: Path, decoded: Counter[str], prepared: list[Any], batch_size: int
) -> None:
    """Files in whatever form they are named, in whatever batch they come."""
    model = reranker("qwen2_5_omni_reranker")
    image = media.write_image(tmp_path / "image.png", 1)
    other = media.write_image(tmp_path / "other.jpg", 2)
    clip = media.write_clip(tmp_path / "clip.mp4", 1)
    sound = media.write_sound(tmp_path / "sound.wav", 1)
    files = [image, other, clip, sound]
    pairs = [
        *ask(image, [str(other), clip, sound, "rain"]),
        *ask("rain", [image, {"image": str(image), "text": "x"}, str(clip), sound]),
        *ask({"image": [image, other], "text": "y"}, [sound, image]),
    ]
    with small_parts(), quiet():
        model.predict(pairs, batch_size=batch_size)
    assert decoded == {file.name: 1 for file in files}
    assert len(prepared) == len(files)


def test_one_object_in_many_pairs_is_prepared_once(reranker: Reranker, prepared: list[Any]) -> None:
    image, clip = media.make_image(1), media.make_clip(2)
    pairs = [*ask(image, DOCUMENTS[:5]), *ask(clip, [image, *DOCUMENTS[:3]]), *ask("rain", [image, clip])]
    with small_parts():
        reranker("qwen3_vl_reranker").predict(pairs, batch_size=2)
    assert len(prepared) == 2


@pytest.mark.parametrize("name", ["qwen3_vl_reranker", "qwen2_5_omni_reranker"])
def test_nothing_of_a_medium_is_held_after_the_call(reranker: Reranker, calls: list[SharedSteps], name: str) -> None:
    pairs, distinct = make_seen()
    with small_parts():
        reranker(name).predict(pairs, batch_size=3)
    (steps,) = calls
    assert len(steps.media._media) == distinct
    assert_nothing_is_held(steps)


def test_of_many_pictures_only_those_under_way_are_held(
    reranker: Reranker, calls: list[SharedSteps], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of different pictures must not add up."""
    model, alive, most = reranker("qwen3_vl_reranker"), weakref.WeakSet[Any](), {"states": 0, "parts": 0}
    run_tower = SharedNetwork.run_tower

    class Seen:
        pass

    def run(self: SharedNetwork, kind: Any, inputs: Any) -> list[TowerStates]:
        states = run_tower(self, kind, inputs)
        for one in states:
            token = Seen()
            one.states.token = token  # type: ignore[attr-defined]
            alive.add(token)
        most["states"] = max(most["states"], len(alive))
        held = [medium for medium in calls[0].media._media if medium.part is not None or medium.inputs is not None]
        most["parts"] = max(most["parts"], len(held))
        return states

    monkeypatch.setattr(SharedNetwork, "run_tower", run)
    images = [media.make_image(seed, 40, 40) for seed in range(60)]
    model.predict(ask("rain", images), batch_size=4)
    assert 4 <= most["states"] <= 12
    assert most["parts"] <= 32
    assert_nothing_is_held(calls[0])


# The decoder


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_reranker_st", "llama_reranker", "qwen3_seq_cls"])
@pytest.mark.parametrize("batch_size", [5, 32])
def test_what_is_computed_is_one_beginning_and_the_ends(reranker: Reranker, name: str, batch_size: int) -> None:
    """To the token: what the prompts share once, what they do not share each, and no padding within a row."""
    model, pairs = reranker(name), ask(" ".join(WORDS[:60]), DOCUMENTS)
    prompts = tokenise(model, pairs)
    common = count_common(prompts)
    assert common > 60
    with watch_decoder(model) as passes:
        model.predict(pairs, batch_size=batch_size)
    assert passes[0] == (1, common, 0)
    assert all(kept == common for _, _, kept in passes[1:])
    ends = sum(rows * width for rows, width, _ in passes[1:])
    assert ends == sum(len(prompt) - common for prompt in prompts)
    assert len(passes) >= 1 + len(pairs) // batch_size


def test_each_group_has_one_beginning(reranker: Reranker) -> None:
    model = reranker("qwen3_reranker")
    queries = [" ".join(WORDS[start : start + 40]) for start in (0, 50, 100)]
    pairs = [(query, document) for document in DOCUMENTS[:8] for query in queries]
    with watch_decoder(model) as passes:
        model.predict(pairs, batch_size=4)
    assert sum(kept == 0 for _, _, kept in passes) == 3
    assert sum(rows * width for rows, width, kept in passes if not kept) == sum(
        count_common(tokenise(model, ask(query, DOCUMENTS[:8]))) for query in queries
    )


def test_pairs_of_different_queries_share_the_instruction(reranker: Reranker) -> None:
    model = reranker("qwen3_reranker")
    pairs = list(zip(DOCUMENTS, reversed(DOCUMENTS), strict=True))
    with watch_decoder(model) as passes:
        model.predict(pairs)
    common = count_common(tokenise(model, pairs))
    assert common > 30
    assert passes[0] == (1, common, 0)
    assert {kept for _, _, kept in passes[1:]} == {common}


def test_a_picture_that_is_the_query_is_computed_once(reranker: Reranker) -> None:
    model = reranker("qwen3_vl_reranker")
    pairs = ask(media.make_image(1, 128, 128), DOCUMENTS)
    prompts = tokenise(model, pairs)
    common = count_common(prompts)
    with watch_decoder(model) as passes:
        model.predict(pairs)
    assert passes[0] == (1, common, 0)
    assert sum(rows * width for rows, width, _ in passes) == common + sum(len(prompt) - common for prompt in prompts)


def test_little_in_common_is_not_worth_a_pass(reranker: Reranker) -> None:
    model = reranker("qwen3_seq_cls")
    with small_parts(row_tokens=512, token_budget=4096, least_saving=64), watch_decoder(model) as passes:
        model.predict(ask("rain", DOCUMENTS[:4]))
    assert [kept for _, _, kept in passes] == [0], "one pass, for all"


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_vl_reranker"])
def test_one_pair_has_nothing_to_share(reranker: Reranker, calls: list[SharedSteps], name: str) -> None:
    reranker(name).predict((QUERY, DOCUMENTS[0]))
    reranker(name).predict([(QUERY, DOCUMENTS[0])])
    assert calls == []
    reranker(name).predict(ask(QUERY, DOCUMENTS[:2]))
    assert len(calls) == 1


def test_equal_pairs_are_computed_once(reranker: Reranker) -> None:
    model = reranker("qwen3_reranker")
    pairs = ask(QUERY, DOCUMENTS[:4])
    with watch_decoder(model) as once:
        model.predict(pairs)
    with watch_decoder(model) as five_times:
        scores = model.predict(pairs * 5)
    assert five_times == once
    assert np.array_equal(scores, np.tile(scores[:4], 5))


@pytest.mark.parametrize("budget", [1, 300, 900])
def test_copies_of_the_beginning_stay_within_the_budget(
    reranker: Reranker, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    """Nor is more than one layer's at a time held: what `update` returns is gone when the next layer asks."""
    model, shapes, alive, most = reranker("qwen3_reranker"), [], weakref.WeakSet[Any](), [0]
    update = PrefixLayer.update

    def note(self: PrefixLayer, keys: torch.Tensor, values: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        before = self.keys
        seen = update(self, keys, values, *args, **kwargs)
        assert self.keys is before
        shapes.append((seen[0].shape[0], seen[0].shape[2]))
        most[0] = max(most[0], len(alive))
        alive.add(seen[0])
        return seen

    monkeypatch.setattr(PrefixLayer, "update", note)
    with small_parts(row_tokens=40, token_budget=budget):
        model.predict(ask(QUERY, DOCUMENTS))
    assert shapes
    assert all(rows == 1 or rows * tokens <= budget for rows, tokens in shapes)
    assert budget == 1 or max(rows for rows, _ in shapes) > 1
    assert most[0] <= 1, "copies of several layers are held at once"


# The head


def assert_narrow(model: CrossEncoder, pairs: list[Any]) -> None:
    vocabulary = model[0].model.config.get_text_config().vocab_size
    for shared in (True, False):
        with watch_linear() as shapes:
            model.predict(pairs, shared=shared)
        assert not [shape for shape in shapes if vocabulary in shape]
        answers = {shape for shape in shapes if shape[-1] == 2}
        assert answers
        is_known = "logits_to_keep" in inspect.signature(model[0].model.forward).parameters
        if is_known or (shared and find_obstacle(list(model), model.modalities) is None):
            assert all(shape[1] == 1 for shape in answers), "logits of positions that nobody reads"


@pytest.mark.parametrize(
    "name",
    [
        "qwen3_reranker",
        "llama_reranker",
        "mistral_sliding_reranker",
        "qwen3_vl_reranker",
        "qwen2_5_vl_reranker",
        "qwen2_5_omni_reranker",
    ],
)
def test_the_head_is_never_as_wide_as_the_vocabulary(reranker: Reranker, name: str) -> None:
    pairs = ask(QUERY, DOCUMENTS[:4])
    assert_narrow(reranker(name), [*pairs, *(ask(media.make_image(1), DOCUMENTS[:2]) if name in SEEING else [])])


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_nor_in_any_network(tmp_path: Path, name: str) -> None:
    assert_narrow(load(build_network(tmp_path, name)), ask(QUERY, DOCUMENTS[:4]))


@pytest.mark.parametrize("name", ["llama_reranker", "mistral_sliding_reranker"])
def test_nor_where_the_network_computes_all_positions(tiny: Callable[..., Path], name: str) -> None:
    assert_narrow(forget_logits_to_keep(load(tiny(name))), ask(QUERY, DOCUMENTS[:4]))


# Texts


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_seq_cls", "mistral_sliding_reranker", "bert_ce"])
def test_texts_are_tokenised_once(reranker: Reranker, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """All together, ahead; whether the model can share or not."""
    model = reranker(name)
    tokenizer_class = type(model.tokenizer)
    call = tokenizer_class.__call__
    model.predict(ask(QUERY, DOCUMENTS[:2]))  # what is found out about a template once is not counted
    given: list[Any] = []

    def note(self: Any, texts: Any, *args: Any, **kwargs: Any) -> Any:
        given.extend([texts] if isinstance(texts, str) else texts)
        return call(self, texts, *args, **kwargs)

    monkeypatch.setattr(tokenizer_class, "__call__", note)
    with small_parts():
        model.predict(ask(QUERY, DOCUMENTS) * 2, batch_size=4)
    assert set(Counter(map(str, given)).values()) == {1}
    assert len(given) == len(DOCUMENTS)
