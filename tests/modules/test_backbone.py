"""Networks are loaded whole where that is wanted, their encoder half where that is, with adapters, and saved
unchanged."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from sentence_transformers.base.modules import Transformer as PeerTransformer
from transformers import AutoConfig, AutoModel

from sensorium.errors import CheckpointError, InputError, MissingExtraError, NotBuiltError
from sensorium.modules import backbone
from sensorium.modules.tasks import ENCODER_CLASSES, TASKS
from sensorium.modules.transformer import Transformer
from tests.compat.peer import quiet
from tests.modules.rendering import prepare
from tests.tiny import media

#: Every spelling of a size that these configurations have.
_SMALL: dict[str, Any] = {
    **dict.fromkeys(("d_model", "hidden_size", "d_kv"), 32),
    **dict.fromkeys(("d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "intermediate_size"), 64),
    **dict.fromkeys(("num_layers", "encoder_layers", "num_encoder_layers", "encoder_num_hidden_layers"), 2),
    **dict.fromkeys(("num_decoder_layers", "decoder_layers", "decoder_num_hidden_layers"), 1),
    **dict.fromkeys(("num_heads", "encoder_attention_heads", "decoder_attention_heads"), 2),
    **dict.fromkeys(("num_encoder_attention_heads", "num_decoder_attention_heads"), 2),
    **dict.fromkeys(("encoder_num_attention_heads", "decoder_num_attention_heads"), 2),
    **dict.fromkeys(("num_sparse_encoder_layers", "num_sparse_decoder_layers"), 1),
    "vocab_size": 100,
    "max_position_embeddings": 64,
    "num_mel_bins": 16,
    "max_source_positions": 50,
    "max_target_positions": 16,
    "num_experts": 2,
    "num_buckets": 8,
    "relative_max_distance": 16,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
    "decoder_start_token_id": 0,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
    "forced_eos_token_id": None,
}
_WHOLE = {
    "whisper": "WhisperForConditionalGeneration",
    "moonshine": "MoonshineForConditionalGeneration",
    "udop": "UdopForConditionalGeneration",
    "t5gemma": "T5GemmaForConditionalGeneration",
    "t5gemma2": "T5Gemma2ForConditionalGeneration",
}
_GEMMA_TEXT = {
    **{key: _SMALL[key] for key in ("vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings")},
    **{key: _SMALL[key] for key in ("pad_token_id", "eos_token_id", "bos_token_id")},
    **{
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "sliding_window": 16,
    },
}


def whole_class(model_type: str) -> Any:
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as NAMES

    return getattr(transformers, _WHOLE.get(model_type) or NAMES[model_type])


def small_config(model_type: str) -> Any:
    if model_type == "t5gemma":
        return AutoConfig.for_model(model_type, encoder=dict(_GEMMA_TEXT), decoder=dict(_GEMMA_TEXT), vocab_size=100)
    if model_type == "t5gemma2":
        vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
        encoder = {
            "text_config": dict(_GEMMA_TEXT),
            "vision_config": {**vision, "image_size": 16, "patch_size": 8},
            "mm_tokens_per_image": 4,
            **{"boi_token_index": 5, "eoi_token_index": 6, "image_token_index": 7},
        }
        decoder = dict(_GEMMA_TEXT)
        return AutoConfig.for_model(
            model_type, encoder=encoder, decoder=decoder, image_token_index=7, eoi_token_index=6
        )
    own = AutoConfig.for_model(model_type)
    known = set(own.to_dict()) | set(own.attribute_map)
    return AutoConfig.for_model(model_type, **{key: value for key, value in _SMALL.items() if key in known})


def build_whole(model_type: str) -> Any:
    torch.manual_seed(5)
    return whole_class(model_type)(small_config(model_type)).eval()


def load(folder: Path | str, task: str = "feature-extraction") -> Any:
    config, is_adapter = backbone.load_config(str(folder), {})
    return backbone.load_backbone(str(folder), task, config, is_adapter, {})


def assert_same_weights(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Hold each wanted weight to the one of that name, with or without the encoder's prefix."""
    assert wanted
    for name, value in wanted.items():
        place = name if name in found else f"encoder.{name}"
        assert torch.equal(found[place], value), name


# The encoder's half


@pytest.mark.parametrize("model_type", [name for name in ENCODER_CLASSES if name != "t5gemma2_text"])
def test_a_whole_checkpoint_gives_its_encoder(tmp_path: Path, model_type: str) -> None:
    with quiet():
        whole = build_whole(model_type)
        whole.save_pretrained(tmp_path)
        encoder = load(tmp_path)
    assert type(encoder).__name__ == ENCODER_CLASSES[model_type]
    assert_same_weights(encoder.state_dict(), whole.get_encoder().state_dict())
    assert not [name for name in encoder.state_dict() if "decoder" in name]
    assert not encoder.training


@pytest.mark.parametrize("model_type", ["whisper", "marian", "pegasus", "moonshine"])
def test_an_encoder_alone_gives_itself(tmp_path: Path, model_type: str) -> None:
    with quiet():
        encoder = build_whole(model_type).get_encoder()
        encoder.save_pretrained(tmp_path)
        loaded = load(tmp_path)
    assert_same_weights(loaded.state_dict(), encoder.state_dict())


def test_whole_whisper_gives_what_its_encoder_gives(
    tiny: Callable[..., Path], ours: Callable[[str], Transformer]
) -> None:
    module, sound = ours("whisper_full"), {"array": media.make_wave(1), "sampling_rate": 16_000}
    features = module.preprocess([sound])
    with torch.inference_mode(), quiet():
        whole = transformers.WhisperForConditionalGeneration.from_pretrained(str(tiny("whisper_full")))
        wanted = whole.get_encoder()(features["input_features"]).last_hidden_state
        assert torch.allclose(module(features)["token_embeddings"], wanted, atol=1e-6)
        # The same seed builds the checkpoint of the encoder alone.
        assert torch.allclose(
            ours("whisper")(ours("whisper").preprocess([sound]))["token_embeddings"], wanted, atol=1e-6
        )


@pytest.mark.parametrize("name", ["t5", "t5_full"])
def test_t5_is_its_encoder(ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str) -> None:
    assert type(ours(name).model).__name__ == type(theirs(name).model).__name__ == "T5EncoderModel"
    assert_same_weights(ours(name).model.state_dict(), theirs(name).model.state_dict())


def test_the_libraries_own_classes_are_left_as_they_were(tmp_path: Path) -> None:
    cls = transformers.models.whisper.modeling_whisper.WhisperEncoder
    before = dict(vars(cls))
    with quiet():
        build_whole("whisper").save_pretrained(tmp_path)
        assert type(load(tmp_path)) is cls
    assert {key: value for key, value in vars(cls).items() if key in before} == before


# Tasks


@pytest.mark.parametrize(
    ("name", "task", "wanted"),
    [
        ("bert", "feature-extraction", "BertModel"),
        ("bert", "fill-mask", "BertForMaskedLM"),
        ("bert", "sequence-classification", "BertForSequenceClassification"),
        ("qwen3_plain", "text-generation", "Qwen3ForCausalLM"),
        ("qwen2_vl", "any-to-any", "Qwen2VLForConditionalGeneration"),
    ],
)
def test_the_class_of_a_task(tiny: Callable[..., Path], name: str, task: Any, wanted: str) -> None:
    with quiet():
        ours, theirs = (cls(str(tiny(name)), transformer_task=task) for cls in (Transformer, PeerTransformer))
    assert type(ours.model).__name__ == type(theirs.model).__name__ == wanted
    assert ours.module_output_name == theirs.module_output_name == TASKS[task].feature_name
    if task == "sequence-classification":
        assert ours.config.num_labels == theirs.config.num_labels == 1
        return  # its head is drawn at random
    if name != "bert":
        found, expected = (module(prepare(module, ["rain"])) for module in (ours, theirs))
        torch.testing.assert_close(found[ours.module_output_name], expected[ours.module_output_name])


@pytest.mark.parametrize(("given", "wanted"), [({}, 1), ({"num_labels": 3}, 3)])
def test_labels_of_a_classifier_without_a_head(tiny: Callable[..., Path], given: dict[str, int], wanted: int) -> None:
    with quiet():
        module = Transformer(str(tiny("bert")), transformer_task="sequence-classification", config_kwargs=given)
    assert module.config.num_labels == wanted


def test_labels_of_a_classifier_are_kept(tiny: Callable[..., Path], tmp_path: Path) -> None:
    with quiet():
        config = AutoConfig.from_pretrained(str(tiny("bert")), num_labels=4)
        transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
        Transformer(str(tiny("bert"))).processor.save_pretrained(tmp_path)
        assert Transformer(str(tmp_path), transformer_task="sequence-classification").config.num_labels == 4


def test_an_unknown_task_is_refused(tiny: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="Unsupported transformer_task 'translate'.*feature-extraction"):
        Transformer(str(tiny("bert")), transformer_task="translate")  # type: ignore[arg-type]


def test_retrieval_needs_a_retrieval_model(tiny: Callable[..., Path]) -> None:
    with quiet():
        config = AutoConfig.from_pretrained(str(tiny("bert")))
        config.architectures = []
        with pytest.raises(CheckpointError, match="No retrieval model class is known for model type 'bert'"):
            backbone._retrieval_class(config)
        assert backbone._retrieval_class(AutoConfig.for_model("colpali")).__name__ == "ColPaliForRetrieval"
        config.architectures = ["ColQwen2ForRetrieval"]
        assert backbone._retrieval_class(config).__name__ == "ColQwen2ForRetrieval"
        config.architectures, config.auto_map = ["NoSuch"], {"AutoModel": "modeling.Model"}
        assert backbone._retrieval_class(config) is AutoModel


# Back ends


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_back_ends_that_are_not_built_say_so(tiny: Callable[..., Path], name: str) -> None:
    with pytest.raises(NotBuiltError, match=f'backend="{name}" is not built yet'):
        Transformer(str(tiny("bert")), backend=name)


def test_an_unknown_back_end_is_refused(tiny: Callable[..., Path]) -> None:
    with pytest.raises(CheckpointError, match="Unsupported backend 'tensorflow'"):
        Transformer(str(tiny("bert")), backend="tensorflow")
    backbone.check_backend("torch")


# Adapters


@pytest.mark.parametrize("name", ["bert_lora", "qwen3_lora"])
def test_adapters_are_loaded_over_their_base(
    tiny: Callable[..., Path], ours: Callable[[str], Transformer], theirs: Callable[[str], Any], name: str
) -> None:
    config, is_adapter = backbone.load_config(str(tiny(name)), {})
    assert is_adapter
    assert config.model_type == name.partition("_")[0]
    assert_same_weights(ours(name).model.state_dict(), theirs(name).model.state_dict())
    assert [key for key in ours(name).model.state_dict() if "lora" in key]


def test_a_revision_names_the_adapter_alone(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(AutoModel, "from_pretrained", lambda name, **kwargs: seen.update(kwargs))
    config, _ = backbone.load_config(str(tiny("bert_lora")), {})
    given = {"revision": "abc", "dtype": "float32"}
    backbone.load_backbone(str(tiny("bert_lora")), "feature-extraction", config, True, given)
    assert "revision" not in seen
    assert seen["dtype"] == "float32"
    assert given["revision"] == "abc"
    backbone.load_backbone(str(tiny("bert")), "feature-extraction", config, False, given)
    assert seen["revision"] == "abc"


def test_adapters_without_peft_name_the_command(tiny: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r'loading a PEFT adapter.*pip install "sensorium\[peft\]"') as caught:
        Transformer(str(tiny("bert_lora")))
    assert (caught.value.extra, caught.value.package) == ("peft", "peft")
    with quiet():
        Transformer(str(tiny("bert")))


def test_virtual_tokens_are_covered_by_the_mask(tiny: Callable[..., Path]) -> None:
    from peft import PromptTuningConfig, get_peft_model

    with quiet():
        ours, theirs = (cls(str(tiny("bert"))) for cls in (Transformer, PeerTransformer))
    outputs = []
    for module in (ours, theirs):
        torch.manual_seed(3)
        tuning = PromptTuningConfig(num_virtual_tokens=5, task_type="FEATURE_EXTRACTION")
        with torch.inference_mode(), quiet():
            module.model = get_peft_model(module.model, tuning)
            outputs.append(module(module.preprocess(["rain", "a longer text"])))
    found, wanted = outputs
    assert found["attention_mask"].shape == found["token_embeddings"].shape[:2]
    assert found["attention_mask"][:, :5].all()
    assert torch.equal(found["attention_mask"][:, 5:], ours.preprocess(["rain", "a longer text"])["attention_mask"])
    torch.testing.assert_close(found["token_embeddings"], wanted["token_embeddings"])


# The cache that nobody reads


def stored_settings(folder: Path) -> list[Any]:
    def find(value: Any) -> list[Any]:
        if not isinstance(value, dict):
            return []
        return [inner for key, item in value.items() for inner in ([item] if key == "use_cache" else find(item))]

    return find(json.loads((folder / "config.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["qwen3", "qwen3_vl", "gemma", "qwen2_vl"])
def test_no_cache_is_built_and_saving_changes_nothing(tiny: Callable[..., Path], tmp_path: Path, name: str) -> None:
    with quiet():
        module = Transformer(str(tiny(name)))
    settings = [getattr(config, "use_cache", None) for config in backbone.sub_configs(module.config)]
    assert False in settings
    assert True not in settings
    with torch.inference_mode():
        features = module.preprocess(["rain"])
        output = module.model(input_ids=features["input_ids"], attention_mask=features["attention_mask"])
    assert getattr(output, "past_key_values", None) is None
    with quiet():
        module.save(str(tmp_path))
    assert stored_settings(tmp_path) == stored_settings(tiny(name))
    assert [getattr(config, "use_cache", None) for config in backbone.sub_configs(module.config)] == settings


def test_the_callers_word_on_the_cache_is_kept(tiny: Callable[..., Path], tmp_path: Path) -> None:
    with quiet():
        module = Transformer(str(tiny("qwen3")), config_kwargs={"use_cache": True})
        assert module.config.use_cache is True
        module = Transformer(str(tiny("qwen3")), config_kwargs={"use_cache": False})
        module.save(str(tmp_path))
    assert stored_settings(tmp_path) == [False]


def test_the_cache_is_off_again_after_a_failed_save(tiny: Callable[..., Path]) -> None:
    config = AutoConfig.from_pretrained(str(tiny("qwen3")))
    former = backbone.switch_off_cache(config, {})
    with pytest.raises(OSError, match="full"), backbone.restore_cache(config, former):
        assert config.use_cache is True
        raise OSError("full")
    assert config.use_cache is False
