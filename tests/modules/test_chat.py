"""Chats are rendered as the template takes them, whole, in order, and without a trace of their media."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modality import InputFormatter
from transformers import AutoTokenizer

from sensorium.errors import InputError
from sensorium.media.modality import read_sample
from sensorium.media.samples import Part, Sample, Turn
from sensorium.modules import chat
from sensorium.modules.transformer import Transformer
from tests.compat.peer import quiet
from tests.modules.rendering import words
from tests.tiny import media

FLAT = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
STRUCTURED = (
    "{% for message in messages %}<{{ message.role }}>{% for item in message.content %}"
    "{% if item.type == 'text' %}{{ item.text }}{% else %}[{{ item.type }}]{% endif %}{% endfor %}{% endfor %}"
)
TEMPLATES = {
    "none": None,
    "empty": "",
    "index": "{% for m in messages %}{{ m.content[0].text }}{% endfor %}",
    "attribute": "{% for m in messages %}{% for i in m.content %}{% if i.type %}{{ i.text }}{% endif %}{% endfor %}{% endfor %}",
    "key": "{% for m in messages %}{% for i in m.content %}{% if i['type'] %}{{ i.text }}{% endif %}{% endfor %}{% endfor %}",
    "double": '{% for m in messages %}{% for i in m.content %}{% if i["type"] %}{{ i.text }}{% endif %}{% endfor %}{% endfor %}',
    "flat": FLAT,
    "structured": STRUCTURED,
}
HEAD = "<|im_start|>system\nRepresent the user's input.<|im_end|>\n"
TAIL = "<|im_end|>\n<|im_start|>assistant\n<|endoftext|>"
PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


@pytest.fixture
def tokenizer(tiny: Callable[..., Path]) -> Any:
    """A tokenizer of one's own, whose template may be changed."""
    return AutoTokenizer.from_pretrained(str(tiny("qwen3_chat")))


def with_template(tokenizer: Any, template: Any) -> Any:
    tokenizer.chat_template = template
    return tokenizer


def text_turn(role: str, *texts: str, **extra: Any) -> Turn:
    return Turn(role, tuple(Part("text", text, True) for text in texts), extra)


def structured(*items: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": i} if isinstance(i, str) else i for i in items]}


# The form of content that a template takes


@pytest.mark.parametrize("model_type", ["bert", "qwen3_vl", "apertus", "deepseek_v3", "gpt_oss", "seed_oss"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_format_is_judged_by_looks_as_the_peer_does(model_type: str, name: str) -> None:
    processor = SimpleNamespace(chat_template=TEMPLATES[name], apply_chat_template=lambda *_, **__: [""])
    wanted = InputFormatter(model_type, processor=processor).message_format
    assert chat.infer_message_format(model_type, processor) == wanted


@pytest.mark.parametrize(("name", "wanted"), [("index", "structured"), ("flat", "flat"), ("structured", "structured")])
def test_format_of_real_templates(tokenizer: Any, name: str, wanted: str) -> None:
    assert chat.infer_message_format("qwen3", with_template(tokenizer, TEMPLATES[name])) == wanted


def test_format_that_loses_the_text_is_corrected(tokenizer: Any) -> None:
    """Looks deceive: a flat template that mentions a type, one that walks over items without naming types, and names."""
    looks_structured = "{% set kind = {'type': 1} %}" + FLAT
    assert chat.infer_message_format("bert", with_template(tokenizer, looks_structured)) == "flat"
    looks_flat = "{% for m in messages %}{% for item in m.content %}{{ item['text'] }}{% endfor %}{% endfor %}"
    assert chat.infer_message_format("bert", with_template(tokenizer, looks_flat)) == "structured"
    assert chat.infer_message_format("apertus", with_template(tokenizer, STRUCTURED)) == "structured"
    assert chat.infer_message_format("bert", with_template(tokenizer, {"default": FLAT, "tool_use": FLAT})) == "flat"


def test_format_is_not_changed_for_a_template_that_fails_either_way(tokenizer: Any) -> None:
    refusing = with_template(tokenizer, "{{ raise_exception('no') }} {{ messages[0].content[0].type }}")
    assert chat.infer_message_format("bert", refusing) == "structured"


# Samples become turns


@pytest.mark.parametrize(
    ("value", "roles"),
    [
        ("a", ["user"]),
        (("a", "b"), ["query", "document"]),
        (["a", "b"], ["query", "document"]),
        ({"role": "tool", "content": "a"}, ["tool"]),
        ([{"role": "system", "content": "a"}, {"role": "user", "content": "b"}], ["system", "user"]),
    ],
)
@pytest.mark.parametrize("prompt", [None, "", "Judge."])
def test_roles(value: Any, roles: list[str], prompt: str | None) -> None:
    turns = chat.to_conversation(read_sample(value), prompt)
    assert [turn.role for turn in turns] == (["system", *roles] if prompt else roles)
    if prompt:
        assert turns[0].parts == (Part("text", "Judge.", True),)


def test_pair_roles_are_seen_in_any_order() -> None:
    turns = [text_turn("document", "a"), text_turn("user", "x"), text_turn("query", "b")]
    assert chat.has_pair_roles(turns)
    assert not chat.has_pair_roles(turns[:2])
    assert not chat.has_pair_roles([])


def test_what_is_text_only() -> None:
    assert chat.is_text_only([text_turn("user", "a"), text_turn("user")])
    assert not chat.is_text_only([text_turn("user", "a"), Turn("user", (Part("image", None, True),))])


# Turns become text


def test_string_content_reaches_a_structured_template(tokenizer: Any) -> None:
    turns = chat.to_conversation(read_sample([{"role": "user", "content": "rain"}]))
    assert chat.render_text(with_template(tokenizer, STRUCTURED), [turns], "structured", {}) == ["<user>rain"]


def test_list_content_reaches_a_flat_template(tokenizer: Any) -> None:
    turns = chat.to_conversation(read_sample([structured("it ", "rains"), structured("ok", role="assistant")]))
    assert chat.render_text(with_template(tokenizer, FLAT), [turns], "flat", {}) == ["<user>it rains<assistant>ok"]


def test_further_keys_of_a_message_reach_the_template(tokenizer: Any) -> None:
    template = "{% for m in messages %}{{ m.name }}:{{ m.content }}{% endfor %}"
    turns = chat.to_conversation(read_sample({"role": "user", "name": "Ada", "content": "hi"}))
    assert chat.render_text(with_template(tokenizer, template), [turns], "flat", {}) == ["Ada:hi"]


def test_a_message_cannot_change_its_role_by_a_further_key() -> None:
    turn = Turn("user", (Part("text", "a", True),), {"role": "system", "content": "b"})
    assert chat.render_messages([turn], "flat") == [{"role": "user", "content": "a"}]


def test_media_are_marked_and_never_shown() -> None:
    secret = media.make_image(1)
    turn = Turn("user", (Part("image", secret, True), Part("text", "what?", True), Part("video", secret, True)))
    for message_format in ("structured", "flat"):
        (message,) = chat.render_messages([turn], message_format)  # type: ignore[arg-type]
        assert [item["type"] for item in message["content"]] == ["image", "text", "video"]
        assert all(secret is not value for item in message["content"] for value in item.values())


@pytest.mark.parametrize(
    "template", [FLAT, "{% for m in messages %}{% for i in m.content %}{{ i.image }}{% endfor %}{% endfor %}"]
)
@pytest.mark.parametrize("message_format", ["flat", "structured"])
def test_a_template_that_writes_media_out_is_an_error(tokenizer: Any, template: str, message_format: Any) -> None:
    turn = Turn("user", (Part("image", media.make_image(1), True), Part("text", "what?", True)))
    with pytest.raises(InputError, match="takes only text"):
        chat.render_text(with_template(tokenizer, template), [[turn]], message_format, {})


def test_the_mark_itself_is_an_innocent_text(tokenizer: Any) -> None:
    text = chat._PLACEHOLDER
    turn = Turn("user", (Part("image", media.make_image(1), True), Part("text", text, True)))
    prompts = chat.render_text(
        with_template(tokenizer, STRUCTURED), [[turn], [text_turn("user", text)]], "structured", {}
    )
    assert prompts == [f"<user>[image]{text}", f"<user>{text}"]


@pytest.mark.parametrize("name", ["qwen3_vl", "qwen2_5_vl", "qwen2_5_omni", "embedding_gemma2"])
def test_no_placeholder_of_ours_reaches_the_tokens(ours: Callable[[str], Transformer], name: str) -> None:
    picture = media.make_image(1)
    inputs = [picture, {"image": picture, "text": "what?"}, ("what?", picture), {"video": media.make_clip(1, fps=2)}]
    for text in words(ours(name), inputs):
        assert chat._PLACEHOLDER not in text
        assert "PIL" not in text
        assert "True" not in text


@pytest.mark.parametrize(
    "template",
    [
        "{% if messages[0].role != 'user' %}{{ raise_exception('roles must alternate') }}{% endif %}",
        "{{ messages[0].content.missing.key }}",
        "{{ 'a' + messages[0] }}",
    ],
)
def test_a_template_that_refuses_is_an_error_of_the_input(tokenizer: Any, template: str) -> None:
    with pytest.raises(InputError, match=r"refuses this conversation: .*\['system'\]") as caught:
        chat.render_text(with_template(tokenizer, template), [[text_turn("system", "a")]], "flat", {})
    assert caught.value.__cause__ is not None


# Which template


def test_active_template(tokenizer: Any) -> None:
    named = with_template(tokenizer, {"default": FLAT, "reranker": STRUCTURED})
    assert chat.active_template(named, {}) == FLAT
    assert chat.active_template(named, {"chat_template": "reranker"}) == STRUCTURED
    assert chat.active_template(named, {"chat_template": "{{ 1 }}"}) == "{{ 1 }}"
    assert chat.active_template(with_template(tokenizer, FLAT), {}) == FLAT
    assert chat.active_template(with_template(tokenizer, FLAT), {"chat_template": "x"}) == "x"
    assert chat.active_template(SimpleNamespace(), {}) is None


@pytest.mark.parametrize(
    ("template", "is_declared"),
    [
        ("{{ task }}", True),
        ("{% if task is defined %}{{ task }}{% endif %}", True),
        ("{% set task = 1 %}{{ task }}", False),
        ("task", False),
        ("{{ messages[0].task }}", False),
        ("", False),
        (None, False),
    ],
)
def test_declared_variables(template: str | None, is_declared: bool) -> None:
    assert chat.declares_variable(template, "task") is is_declared


@pytest.fixture
def reranker(tiny: Callable[..., Path]) -> Transformer:
    """A chat model of one's own with two named templates, one of which reads the task."""
    with quiet():
        module = Transformer(str(tiny("qwen3_chat")))
    loop = "{% for m in messages %}{{ m.role }}: {{ m.content[0].text }} {% endfor %}"
    module.processor.chat_template = {"default": loop, "reranker": "[{{ task or 'none' }}] " + loop}
    return module


def test_named_templates(reranker: Transformer) -> None:
    named = {"chat_template": {"chat_template": "reranker"}}
    assert words(reranker, ["a"]) == ["user: a "]
    assert words(reranker, ["a"], processing_kwargs=named) == ["[none] user: a "]
    assert words(reranker, [("a", "b")], processing_kwargs=named) == ["[none] query: a document: b "]


def test_task_reaches_only_templates_that_read_it(reranker: Transformer) -> None:
    named = {"chat_template": {"chat_template": "reranker"}}
    assert words(reranker, ["a"], task="query", processing_kwargs=named) == ["[query] user: a "]
    assert words(reranker, ["a"], task="query") == ["user: a "]
    stated = {"chat_template": {"chat_template": "reranker", "task": "own"}}
    assert words(reranker, ["a"], task="query", processing_kwargs=stated) == ["[own] user: a "]


# Batches, as a whole model sees them


def test_a_conversation_keeps_its_content_in_a_mixed_batch(ours: Callable[[str], Transformer]) -> None:
    inputs = [
        [{"role": "user", "content": "rain"}],
        "snow",
        [structured("hail", role="user")],
        media.make_image(1),
        {"text": "fog", "image": media.make_image(1)},
    ]
    assert words(ours("qwen3_vl"), inputs) == [
        f"{HEAD}<|im_start|>user\n{content}{TAIL}" for content in ("rain", "snow", "hail", PICTURE, f"fog{PICTURE}")
    ]


@pytest.mark.parametrize("pair", [("wet?", "rain"), ["wet?", "rain"], ({"text": "wet?"}, "rain")])
@pytest.mark.parametrize("neighbour", ["snow", {"text": "snow"}, None])
def test_a_text_pair_gets_its_roles_whatever_is_beside_it(
    ours: Callable[[str], Transformer], pair: Any, neighbour: Any
) -> None:
    other = {"text": "fog", "image": media.make_image(1)} if neighbour is None else neighbour
    first, _ = words(ours("qwen3_vl"), [pair, other])
    assert first == f"{HEAD}<|im_start|>query\nwet?<|im_end|>\n<|im_start|>document\nrain{TAIL}"


def test_rows_do_not_depend_on_their_neighbours(ours: Callable[[str], Transformer]) -> None:
    picture = media.make_image(1)
    inputs: list[Any] = ["snow", ("wet?", picture), {"image": picture, "text": "fog"}, [structured("hail")], ("a", "b")]
    module = ours("qwen3_vl")
    assert words(module, inputs) == [words(module, [value])[0] for value in inputs]


@pytest.mark.parametrize("keys", [("text", "image"), ("image", "text")])
def test_key_order_of_a_dict_is_kept(
    ours: Callable[[str], Transformer], theirs: Callable[[str], Any], keys: tuple[str, str]
) -> None:
    mixed = {key: {"text": "fog", "image": media.make_image(1)}[key] for key in keys}
    content = "".join({"text": "fog", "image": PICTURE}[key] for key in keys)
    alone, pair, reverse = [mixed], [("wet?", mixed)], [(mixed, "wet?")]
    assert words(ours("qwen3_vl"), alone) == [f"{HEAD}<|im_start|>user\n{content}{TAIL}"]
    document = f"<|im_start|>query\nwet?<|im_end|>\n<|im_start|>document\n{content}"
    assert words(ours("qwen3_vl"), pair) == [f"{HEAD}{document}{TAIL}"]
    for inputs in (alone, pair, reverse):
        assert words(ours("qwen3_vl"), inputs) == words(theirs("qwen3_vl"), inputs)


def test_a_prompt_is_a_system_message(ours: Callable[[str], Transformer], theirs: Callable[[str], Any]) -> None:
    picture = media.make_image(1)
    for inputs in (["rain"], [picture], [("wet?", picture)], [[structured("rain")]]):
        (text,) = words(ours("qwen3_vl"), inputs, prompt="Judge.")
        assert text.startswith("<|im_start|>system\nJudge.<|im_end|>\n<|im_start|>")
        assert "Represent" not in text
        assert [text] == words(theirs("qwen3_vl"), inputs, prompt="Judge.")
    assert "prompt_length" not in ours("qwen3_vl").preprocess(["rain"], prompt="Judge.")


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize("name", ["qwen2_5_omni", "embedding_gemma2"])
def test_dicts_of_media_are_unwrapped_everywhere(ours: Callable[[str], Transformer], name: str, kind: str) -> None:
    """In a pair, in a message, under a name: the processor gets the same numbers as for the medium alone."""
    sound = {"array": media.make_wave(1), "sampling_rate": 16_000}
    boxed = sound if kind == "audio" else media.make_clip(1, fps=2)
    module = ours(name)
    places = {
        "named": [{kind: boxed}],
        "pair": [("what?", boxed)],
        "pair of names": [("what?", {kind: boxed})],
        "message": [[structured({"type": kind, kind: boxed})]],
    }
    alone = module.preprocess([boxed])
    media_names = [key for key in alone if "feature" in key or "pixel" in key or "grid" in key]
    assert media_names
    for place, inputs in places.items():
        features = module.preprocess(inputs)
        for key in media_names:
            torch.testing.assert_close(features[key], alone[key], msg=f"{place}: {key}")


def test_a_picture_from_a_data_address_in_a_message_is_decoded(ours: Callable[[str], Transformer]) -> None:
    picture, buffer = media.make_image(1), io.BytesIO()
    picture.save(buffer, "png")
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    module = ours("qwen3_vl")
    wanted = module.preprocess([picture])["pixel_values"]
    for item in ({"type": "image_url", "image_url": {"url": address}}, {"type": "image", "url": address}):
        assert torch.equal(module.preprocess([[structured(item)]])["pixel_values"], wanted)


@pytest.mark.parametrize("item", [{"type": "thought", "thought": "x"}, {"type": "image"}, 7, {"type": "text"}])
def test_an_item_that_is_not_understood_is_an_error(ours: Callable[[str], Transformer], item: Any) -> None:
    with pytest.raises(InputError, match="message 0, content item 1"):
        ours("qwen3_vl").preprocess([[structured("see", item)]])


# Whether a template can carry a pair

DROPS_DOCUMENT = "{% for m in messages %}{% if m.role != 'document' %}{{ m.content }}{% endif %}{% endfor %}"
DROPS_BOTH = "{% for m in messages %}{{ m.role }} {% endfor %}"
RAISES = (
    "{% for m in messages %}{% if m.role == 'query' %}{{ raise_exception('Only user roles') }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "fragments"),
    [
        (None, ["the model has no chat template"]),
        (RAISES, ["it raised TemplateError", "Only user roles"]),
        ("{{ messages[0].content.x.y }}", ["it raised UndefinedError"]),
        ("{{ 'a' + messages[0] }}", ["it raised TypeError"]),
        (DROPS_DOCUMENT, ["'document' content does not reach the rendered prompt"]),
        (DROPS_DOCUMENT.replace("'document'", "'query'"), ["'query' content does not reach the rendered prompt"]),
        (DROPS_BOTH, ["'query' and 'document' content do not reach the rendered prompt"]),
        ("{{ messages[0].content[:0] }}", ["'query' and 'document' content"]),
    ],
)
def test_why_a_template_cannot_carry_a_pair(tokenizer: Any, template: str | None, fragments: list[str]) -> None:
    processor = with_template(tokenizer, template)
    reason = chat.PairRoles().failure(processor, "flat", {})
    assert reason is not None
    assert all(fragment in reason for fragment in fragments)
    theirs = InputFormatter("qwen3", message_format="flat", processor=processor).pair_roles_failure()
    assert theirs is not None
    with pytest.raises(InputError, match="cannot carry a 'query'/'document' pair") as caught:
        chat.PairRoles().check(processor, "flat", {})
    text = str(caught.value)
    assert reason in text
    assert all(way in text for way in ("processor_kwargs=", "processor.chat_template", "processing_kwargs="))


@pytest.mark.parametrize(
    ("message_format", "place"), [("flat", "message.content }}"), ("structured", "content[0].text")]
)
def test_the_advice_shows_a_template_of_the_right_form(tokenizer: Any, message_format: Any, place: str) -> None:
    with pytest.raises(InputError) as caught:
        chat.PairRoles().check(with_template(tokenizer, DROPS_BOTH), message_format, {})
    assert place in str(caught.value)


@pytest.mark.parametrize(("template", "message_format"), [(FLAT, "flat"), (STRUCTURED, "structured")])
def test_a_template_that_renders_both_roles_can(tokenizer: Any, template: str, message_format: Any) -> None:
    assert chat.PairRoles().failure(with_template(tokenizer, template), message_format, {}) is None


def test_verdict_is_kept_until_the_template_changes_even_in_place(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles, calls = chat.PairRoles(), []
    render = chat.render_text
    monkeypatch.setattr(chat, "render_text", lambda *args: calls.append(1) or render(*args))
    named = with_template(tokenizer, {"default": FLAT, "other": DROPS_BOTH})
    assert roles.failure(named, "flat", {}) is None
    assert roles.failure(named, "flat", {}) is None
    assert len(calls) == 3
    named.chat_template["default"] = DROPS_BOTH
    assert roles.failure(named, "flat", {}) is not None
    named.chat_template["default"] = FLAT
    assert roles.failure(named, "flat", {}) is None
    assert roles.failure(named, "flat", {"chat_template": "other"}) is not None
    named.chat_template = FLAT
    assert roles.failure(named, "flat", {}) is None
    assert len(calls) == 15


def test_pairs_are_refused_by_a_model_whose_template_drops_them(tiny: Callable[..., Path]) -> None:
    with quiet():
        module = Transformer(str(tiny("qwen3_chat")), processor_kwargs={"chat_template": DROPS_DOCUMENT})
    assert module.message_format == "flat"
    with pytest.raises(InputError, match="cannot carry a 'query'/'document' pair.*'document' content"):
        module.preprocess([("a", "b"), "c"])
    assert words(module, ["c"]) == ["c"]
    carrying = {"chat_template": {"chat_template": FLAT}}
    assert words(module, [("a", "b")], processing_kwargs=carrying) == ["<query>a<document>b"]


def test_pairs_of_the_caller_are_probed_too(reranker: Transformer) -> None:
    """Messages with both roles are a pair, however they came."""
    reranker.processor.chat_template = DROPS_BOTH
    messages = [{"role": "query", "content": "a"}, {"role": "document", "content": "b"}]
    with pytest.raises(InputError, match="cannot carry"):
        reranker.preprocess([messages])


def test_vectors_of_a_pair_depend_on_both_sides(ours: Callable[[str], Transformer]) -> None:
    module = ours("qwen3_chat")
    with torch.inference_mode():
        pairs = [("a", "b"), ("a", "c"), ("b", "b")]
        rows = [module(module.preprocess([pair]))["token_embeddings"][0, -1].numpy() for pair in pairs]
    assert min(np.abs(rows[0] - row).max() for row in rows[1:]) > 1e-4


def test_a_sample_of_several_pictures_keeps_their_order(ours: Callable[[str], Transformer]) -> None:
    first, second = media.make_image(1), media.make_image(2, 33, 64)
    sample = Sample(("image", "text"), (Part("image", first), Part("text", "or", True), Part("image", second)))
    module = ours("qwen3_vl")
    assert words(module, [sample]) == [f"{HEAD}<|im_start|>user\n{PICTURE}or{PICTURE}{TAIL}"]
    wanted = torch.cat([module.preprocess([picture])["pixel_values"] for picture in (first, second)])
    assert torch.equal(module.preprocess([sample])["pixel_values"], wanted)
