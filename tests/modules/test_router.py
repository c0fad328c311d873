"""A router sends each input through one chain: the right one, by task and modality, alone and in a mixed batch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer as PeerModel
from sentence_transformers.base.modules import Router as PeerRouter
from sentence_transformers.sentence_transformer.modules import StaticEmbedding as PeerStatic
from torch import nn

from sensorium import SentenceTransformer
from sensorium.errors import CheckpointError, InputError, UnsupportedModalityError
from sensorium.media.samples import MediaCost
from sensorium.modules.input_module import InputModule
from sensorium.modules.normalize import Normalize
from sensorium.modules.pooling import Pooling
from sensorium.modules.router import Asym, RoutedSample, Router
from sensorium.modules.static_embedding import StaticEmbedding
from sensorium.modules.transformer import Transformer
from tests.compat.peer import assert_same_vectors, encode, load_ours, load_peer, quiet
from tests.tiny import media, tokenizers


def table(seed: int = 0, dim: int = 8) -> StaticEmbedding:
    torch.manual_seed(seed)
    return StaticEmbedding(tokenizers.static_tokenizer(), embedding_dim=dim)


def peer_table(seed: int = 0, dim: int = 8) -> Any:
    torch.manual_seed(seed)
    return PeerStatic(tokenizers.static_tokenizer(), embedding_dim=dim)


def router(*names: str, **arguments: Any) -> Router:
    return Router({name: [table(seed)] for seed, name in enumerate(names)}, **arguments)


def peer_router(*names: str, **arguments: Any) -> Any:
    return PeerRouter({name: [peer_table(seed)] for seed, name in enumerate(names)}, **arguments)


# Which way


MAPPINGS: dict[Any, str] = {
    ("q", "image"): "a",
    ("q", None): "b",
    (None, "audio"): "c",
    (None, ("text", "image")): "d",
}


@pytest.mark.parametrize(
    ("task", "modality", "wanted"),
    [
        ("q", "image", "a"),
        ("q", "text", "b"),
        ("q", None, "b"),
        ("z", "audio", "c"),
        (None, "audio", "c"),
        (None, ("image", "text"), "d"),
        (None, ("text", "image"), "d"),
        (None, ["text", "image"], "d"),
        ("e", "video", "e"),
        (None, "e", "e"),
        (None, "video", "a"),
        ("e", ("text", "image"), "d"),
    ],
)
def test_order_of_resolution(task: Any, modality: Any, wanted: str) -> None:
    chosen = router("a", "b", "c", "d", "e", route_mappings=MAPPINGS)
    assert chosen.find_route(task, modality) == wanted


def test_a_mapping_for_anything_wins_over_names() -> None:
    chosen = router("a", "b", route_mappings={(None, None): "b"})
    assert chosen.find_route("a", "text") == "b"
    assert chosen.find_route(None, None) == "b"


@pytest.mark.parametrize(
    ("arguments", "default"),
    [
        ({}, "a"),
        ({"default_route": "b"}, "b"),
        ({"allow_empty_key": False}, None),
        ({"allow_empty_key": False, "default_route": "b"}, "b"),
    ],
)
def test_default_route(arguments: dict[str, Any], default: str | None) -> None:
    ours, theirs = router("a", "b", **arguments), peer_router("a", "b", **arguments)
    assert ours.default_route == theirs.default_route == default
    if default is not None:
        assert ours.find_route(None, "text") == default


def test_query_and_document() -> None:
    both = Router.for_query_document([table()], [table(1)])
    assert list(both.sub_modules) == ["query", "document"]
    assert both.default_route == "document"
    assert Router.for_query_document([table()], [table(1)], default_route=None).default_route == "query"
    assert Asym is Router


# Errors


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda cls, table: cls({}), "cannot be empty"),
        (
            lambda cls, table: cls({"a": [table]}, default_route="x"),
            r"Default route 'x' not found in route keys: \['a'\]",
        ),
        (
            lambda cls, table: cls({"a": [table]}, route_mappings={("q", None): "x"}),
            r"route_mappings contains mapping to 'x' which is not in sub_modules. Available routes: \['a'\]",
        ),
    ],
)
def test_what_cannot_be_built(build: Callable[[Any, Any], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(Router, table())
    with pytest.raises(ValueError, match=message):
        build(PeerRouter, peer_table())


@pytest.mark.parametrize(
    ("names", "listed"),
    [("a", "task='a'"), ("ab", "task='a' and task='b'"), ("abc", "task='a', task='b' and task='c'")],
)
def test_where_no_route_leads(names: str, listed: str) -> None:
    ours, theirs = (make(*names, allow_empty_key=False) for make in (router, peer_router))
    unknown = f"No route found for task type 'q'. Available routes: {listed}"
    with pytest.raises(InputError, match=unknown):
        ours.preprocess(["rain"], task="q")
    with pytest.raises(ValueError, match=unknown):
        theirs.preprocess(["rain"], task="q")
    nothing = f"Could not determine route for task=None, modality='text'. Available routes: {listed}"
    with pytest.raises(InputError, match=nothing):
        ours.preprocess(["rain"])


def test_a_batch_of_several_routes_is_refused() -> None:
    ours, theirs = router("query", "document"), peer_router("query", "document")
    mixed = [{"query": "rain"}, {"document": "snow"}]
    with pytest.raises(InputError, match="different task types"):
        ours.preprocess(mixed)
    with pytest.raises(ValueError, match="different task types"):
        theirs.preprocess(mixed)
    with pytest.raises(InputError, match=r"different task types \['document', 'query'\]"):
        ours.preprocess([{"query": "rain", "document": "snow"}])


def test_a_modality_that_the_route_does_not_take(ours: Callable[[str], Router]) -> None:
    chosen = ours("router")
    sample = chosen.read({"video": media.make_clip(1)}, task="text")
    with pytest.raises(UnsupportedModalityError):
        chosen.check(sample)
    chosen.check(chosen.read("rain"))


# Inputs of the older form


@pytest.mark.parametrize("value", [{"document": "rain"}, {"document": {"text": "rain"}}])
def test_a_task_as_a_key(value: Any) -> None:
    chosen = router("query", "document")
    sample = chosen.read(value)
    assert isinstance(sample, RoutedSample)
    assert (sample.route, sample.task, sample.parts[0].value) == ("document", "document", "rain")
    features = chosen.preprocess([value, value])
    assert (features["route"], features["task"]) == ("document", "document")


def test_a_task_of_the_mappings_as_a_key() -> None:
    chosen = router("a", "b", route_mappings={("question", None): "b"})
    assert chosen.read({"question": "rain"}).route == "b"  # type: ignore[attr-defined]


def test_an_unknown_task_as_a_key() -> None:
    ours, theirs = router("query", "document"), peer_router("query", "document")
    for chosen in (ours, theirs):
        with pytest.raises(ValueError, match="No route found for task type 'answer'"):
            chosen.preprocess([{"answer": "rain"}])


@pytest.mark.parametrize(
    "value",
    [{"text": "rain"}, {"array": np.zeros(9, np.float32), "sampling_rate": 9}, {"role": "user", "content": "a"}],
)
def test_todays_dicts_are_no_tasks(value: Any) -> None:
    chosen = router("text", "audio", "array", "role", route_mappings={(None, "message"): "role"})
    assert chosen.read(value).task is None  # type: ignore[attr-defined]


def test_a_task_as_a_key_wins_over_the_calls(tiny: Callable[..., Path]) -> None:
    chosen = router("query", "document")
    assert chosen.read({"document": "rain"}, task="query").route == "document"  # type: ignore[attr-defined]


# Features


def test_features_say_which_way_they_go() -> None:
    chosen = router("query", "document")
    features = chosen.preprocess(["rain"], task="query")
    assert {key: features[key] for key in ("task", "route", "modality")} == {
        "task": "query",
        "route": "query",
        "modality": "text",
    }
    assert chosen.preprocess([]) == {}
    first, second = (
        chosen(chosen.preprocess(["rain"], task=task))["sentence_embedding"] for task in chosen.sub_modules
    )
    assert not torch.equal(first, second)


@pytest.mark.parametrize("arguments", [{"task": "document"}, {"modality": "document"}])
def test_forward_finds_the_way_where_features_do_not_say(arguments: dict[str, str]) -> None:
    """As where a router stands behind another first module."""
    chosen = router("query", "document")
    features = chosen.preprocess(["rain"], task="document")
    wanted = chosen(dict(features))["sentence_embedding"]
    plain = {key: value for key, value in features.items() if key in ("input_ids", "offsets")}
    assert torch.equal(chosen(dict(plain), **arguments)["sentence_embedding"], wanted)
    assert torch.equal(chosen({**plain, **arguments})["sentence_embedding"], wanted)
    assert not torch.equal(chosen(dict(plain))["sentence_embedding"], wanted)


def test_a_route_of_an_earlier_router_is_not_ours() -> None:
    chosen = router("query", "document")
    features = {**chosen.preprocess(["rain"], task="document"), "route": "left"}
    assert torch.equal(
        chosen(features)["sentence_embedding"],
        chosen(chosen.preprocess(["rain"], task="document"))["sentence_embedding"],
    )


class Asking(nn.Module):
    """A module that wants one keyword."""

    forward_kwargs = {"depth"}  # noqa: RUF012

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {**features, "asked": kwargs}


def test_modules_get_the_keywords_they_want() -> None:
    chosen = Router({"a": [table(), Asking(), Normalize()]})
    assert chosen.forward_kwargs == PeerRouter.forward_kwargs == {"task", "modality"}
    features = chosen(chosen.preprocess(["rain"]), depth=3, width=4, task="a")
    assert features["asked"] == {"depth": 3}


def test_a_stated_modality_chooses_without_looking() -> None:
    chosen = router("text", "image")
    assert chosen.preprocess(["rain"], modality="image")["route"] == "image"


# What it is


def test_sums_of_the_routes(ours: Callable[[str], Router], theirs: Callable[[str], Any]) -> None:
    for name in ("router", "router_query_document", "asym"):
        with quiet():
            for attribute in ("modalities", "max_seq_length"):
                assert getattr(ours(name), attribute) == getattr(theirs(name), attribute), (name, attribute)
            assert ours(name).get_embedding_dimension() == theirs(name).get_embedding_dimension()
        assert type(ours(name).tokenizer) is type(theirs(name).tokenizer)


def test_a_length_is_set_on_every_route(tiny: Callable[..., Path]) -> None:
    chosen = load_ours(tiny("router"))[0]
    chosen.max_seq_length = 7
    assert chosen.sub_modules["text"][0].max_seq_length == 7
    assert chosen.preprocess(["rain " * 50])["input_ids"].shape == (1, 7)


def test_a_router_shows_its_default() -> None:
    assert "default_route='b'" in repr(router("a", "b", default_route="b"))


def test_samples_are_grouped_and_measured_by_their_route(ours: Callable[[str], Router]) -> None:
    chosen = ours("router")
    samples = [chosen.read(value) for value in ("rain", media.make_image(1), {"audio": media.make_wave(1)})]
    assert len({chosen.group(sample) for sample in samples}) == 3
    assert chosen.group(samples[0]) == chosen.group(chosen.read("snow"))
    assert chosen.count_tokens(samples[2], MediaCost(seconds=0.6)) == 102  # Whisper's whole window, and two


# Mixed batches


def named_sound(seed: int) -> dict[str, Any]:
    return {"audio": {"array": media.make_wave(seed), "sampling_rate": 16_000}}


def test_a_mixed_batch_goes_every_way(tiny: Callable[..., Path]) -> None:
    ours, theirs = load_ours(tiny("router")), load_peer(tiny("router"))
    inputs = ["rain", media.make_image(1), named_sound(1), "two words", media.make_image(2, 33, 64), named_sound(2)]
    found = encode(ours, inputs)
    wanted = np.stack([encode(theirs, [value])[0] for value in inputs])
    assert_same_vectors(found, wanted)


def test_tasks_of_a_mixed_batch_are_kept(tiny: Callable[..., Path]) -> None:
    ours, theirs = load_ours(tiny("asym")), load_peer(tiny("asym"))
    inputs = [{"document": "rain"}, "rain", {"query": "rain"}, {"document": "snow"}]
    found = encode(ours, inputs)
    wanted = np.stack([encode(theirs, [value])[0] for value in inputs])
    assert_same_vectors(found, wanted)
    assert np.abs(found[0] - found[2]).max() > 0.01


@pytest.mark.parametrize("method", ["encode_query", "encode_document"])
def test_queries_and_documents_take_their_own_way(tiny: Callable[..., Path], method: str) -> None:
    ours, theirs = load_ours(tiny("router_query_document")), load_peer(tiny("router_query_document"))
    assert_same_vectors(encode(ours, ["rain", "snow"], method), encode(theirs, ["rain", "snow"], method))


# Chats on a route


@pytest.fixture
def chatting(tiny: Callable[..., Path], ours: Callable[[str], Transformer]) -> Router:
    """A router with a chat model for pictures and what goes with them, and a table for texts."""
    chain = [ours("qwen3_vl"), Pooling(64, "lasttoken")]
    mappings: dict[Any, str] = {(None, kind): "chat" for kind in ("image", "message", ("image", "text"), "video")}
    return Router({"chat": chain, "text": [table(0, 64)]}, default_route="text", route_mappings=mappings)


def test_dicts_and_chats_take_a_chat_route(chatting: Router, tiny: Callable[..., Path]) -> None:
    picture = media.make_image(1)
    inputs: list[Any] = [
        {"text": "fog", "image": picture},
        "rain",
        [{"role": "user", "content": [{"type": "text", "text": "hail"}]}],
        picture,
        ("wet?", picture),
    ]
    alone = load_ours(tiny("qwen3_vl"))
    model = SentenceTransformer(modules=[chatting, Normalize()], device="cpu")
    found = encode(model, inputs)
    wanted = encode(alone, inputs)
    for row in (0, 2, 3, 4):
        np.testing.assert_allclose(found[row], wanted[row], atol=1e-5)
    assert np.abs(found[1] - wanted[1]).max() > 0.01


def test_features_of_a_chat_route_stay_messages(chatting: Router) -> None:
    features = chatting.preprocess([{"text": "fog", "image": media.make_image(1)}])
    assert (features["modality"], features["route"]) == ("message", "chat")
    with torch.inference_mode():
        assert chatting(features)["sentence_embedding"].shape == (1, 64)
    assert chatting.preprocess(["rain"])["modality"] == "text"


# Somebody else's module on a route


class Foreign(nn.Module):
    """Written for the compatible library: it has a tokenize method and no other of ours."""

    def tokenize(self, texts: list[str]) -> dict[str, Any]:
        return {"sentence_embedding": torch.tensor([[float(len(text))] for text in texts])}

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return features


class Preparing(Foreign):
    """One that has today's method, and takes pairs."""

    def preprocess(self, inputs: list[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        texts = [(prompt or "") + (value if isinstance(value, str) else "".join(value)) for value in inputs]
        return self.tokenize(texts)


class Minimal(InputModule):
    """As little as an input module can be."""

    def preprocess(self, inputs: Any, prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        return {"sentence_embedding": torch.tensor([[float(len(value.parts[0].value))] for value in inputs])}

    def forward(self, features: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return features

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None: ...


@pytest.mark.parametrize("first", [Foreign(), Preparing(), Minimal()], ids=lambda module: type(module).__name__)
def test_somebody_elses_module_on_a_route(first: nn.Module) -> None:
    model = SentenceTransformer(modules=[Router({"a": [first], "b": [table(0, 1)]})], device="cpu")
    assert model.encode(["rain", "hail fog"]).tolist() == [[4.0], [8.0]]
    if not isinstance(first, Minimal):
        assert model.encode(["rain"], prompt="wet ").tolist() == [[8.0]]
    if isinstance(first, Preparing):
        assert model.encode([("rain", "fog")]).tolist() == [[7.0]]


# On disk


def test_peer_loads_ours_and_we_load_theirs(tmp_path: Path) -> None:
    mappings: dict[Any, str] = {("query", "text"): "a", (None, ("text", "image")): "b", (None, None): "b"}
    ours, theirs = router("a", "b", route_mappings=mappings), peer_router("a", "b", route_mappings=mappings)
    assert ours.get_config_dict() == theirs.get_config_dict()
    for name, module in (("ours", ours), ("theirs", theirs)):
        (tmp_path / name).mkdir()
        module.save(str(tmp_path / name))
    stored = [json.loads((tmp_path / name / "router_config.json").read_text("utf-8")) for name in ("ours", "theirs")]
    assert stored[0] == stored[1]
    assert stored[0]["parameters"]["route_mappings"] == {
        "('query', 'text')": "a",
        "(None, ('image', 'text'))": "b",
        "(None, None)": "b",
    }
    features = ours.preprocess(["rain"], task="query")
    wanted = ours(dict(features))["sentence_embedding"]
    for name in ("ours", "theirs"):
        for cls in (Router, PeerRouter):
            loaded = cls.load(str(tmp_path / name))
            assert loaded.route_mappings == ours.route_mappings
            output = loaded({key: features[key] for key in ("input_ids", "offsets")}, task="query", modality="text")
            assert torch.equal(output["sentence_embedding"], wanted)


def test_a_whole_model_survives_both_libraries(tiny: Callable[..., Path], tmp_path: Path) -> None:
    ours = load_ours(tiny("router"))
    inputs = ["rain", "two words"]
    with quiet():
        ours.save(str(tmp_path / "ours"), create_model_card=False)
        PeerModel(str(tmp_path / "ours"), device="cpu").save(str(tmp_path / "theirs"), create_model_card=False)
    for name, load in (("ours", load_peer), ("theirs", load_ours), ("ours", load_ours)):
        assert_same_vectors(encode(load(tmp_path / name), inputs), encode(ours, inputs), 0.0)


def test_the_older_file_is_read(tiny: Callable[..., Path]) -> None:
    chosen = load_ours(tiny("asym"))[0]
    assert isinstance(chosen, Router)
    assert list(chosen.sub_modules) == ["query", "document"]
    assert chosen.default_route == "query"
    assert not (tiny("asym") / "router_config.json").exists()


def test_a_checkpoint_without_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has a Router but no router_config.json"):
        Router.load(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"has a Router but no router_config.json"):
        Router.load(str(tmp_path))


def test_a_route_of_anothers_class_needs_trust(tmp_path: Path) -> None:
    router("a").save(str(tmp_path))
    path = tmp_path / "router_config.json"
    stored = path.read_text("utf-8").replace(StaticEmbedding.peer_type or "", "torch.nn.Identity")
    path.write_text(stored, encoding="utf-8")
    with pytest.raises(CheckpointError, match="trust_remote_code"):
        Router.load(str(tmp_path))
    given = {"torch.nn.Identity": StaticEmbedding}
    assert isinstance(Router.load(str(tmp_path), module_classes=given).sub_modules["a"][0], StaticEmbedding)
