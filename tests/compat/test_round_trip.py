"""What is saved here loads in the peer, and what the peer saves loads here, with the same vectors."""

from __future__ import annotations

import json

import pytest

from tests.compat.peer import assert_same_vectors, encode, load_ours, load_peer, quiet
from tests.tiny.families import BY_NAME, FAMILIES

#: Checkpoints of one kind each; adapters are saved as adapters by both.
NAMES = [family.name for family in FAMILIES if family.name != "whisper_full"]


def _inputs(name, folder):
    family = BY_NAME[name]
    key = next(key for key in family.samples if key not in family.peer_errors and key not in family.peer_random)
    values = family.samples[key](folder)
    return values[:1] if key in family.peer_mixes else values


@pytest.mark.parametrize("name", NAMES)
def test_saved_here_loads_in_the_peer(tiny, tmp_path, name):
    ours = load_ours(tiny(name))
    inputs = _inputs(name, tmp_path)
    before = encode(ours, inputs)
    with quiet():
        ours.save(str(tmp_path / "ours"))
    assert_same_vectors(before, encode(load_peer(tmp_path / "ours"), inputs))
    assert_same_vectors(before, encode(load_ours(tmp_path / "ours"), inputs))


@pytest.mark.parametrize("name", NAMES)
def test_saved_by_the_peer_loads_here(tiny, tmp_path, name):
    theirs = load_peer(tiny(name))
    inputs = _inputs(name, tmp_path)
    with quiet():
        theirs.save(str(tmp_path / "theirs"), create_model_card=False)
    assert_same_vectors(encode(load_ours(tmp_path / "theirs"), inputs), encode(theirs, inputs))


@pytest.mark.parametrize("name", ["bert", "qwen3_vl", "router"])
def test_the_files_say_the_same(tiny, tmp_path, name):
    """Both libraries name the same modules, of the same types, at the same places."""
    with quiet():
        load_ours(tiny(name)).save(str(tmp_path / "ours"))
        load_peer(tiny(name)).save(str(tmp_path / "theirs"), create_model_card=False)
    for file in ("modules.json", "sentence_bert_config.json", "router_config.json"):
        if (tmp_path / "theirs" / file).exists():
            assert json.loads((tmp_path / "ours" / file).read_text()) == json.loads(
                (tmp_path / "theirs" / file).read_text()
            )
    mine = json.loads((tmp_path / "ours" / "config_sentence_transformers.json").read_text())
    other = json.loads((tmp_path / "theirs" / "config_sentence_transformers.json").read_text())
    assert {key: mine[key] for key in other if key != "__version__"} == {
        key: other[key] for key in other if key != "__version__"
    }


def test_loading_and_saving_leaves_the_networks_configuration_alone(tiny, tmp_path):
    with quiet():
        load_ours(tiny("qwen3")).save(str(tmp_path / "saved"))
    before = json.loads((tiny("qwen3") / "config.json").read_text())
    after = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert after.get("use_cache") == before.get("use_cache")
    assert after["architectures"] in (before["architectures"], ["Qwen3Model"])
