"""The narrow head gives the whole head's logits of its tokens, and leaves the model as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sensorium import CrossEncoder
from sensorium.modules import LogitScore
from sensorium.modules.answer_head import AnswerHead, find_head, narrow_model, read_tokens
from sensorium.modules.float32_linear import Float32Linear, choose_float32_layers
from tests.compat.peer import load_our_reranker
from tests.encoders.sharing_models import NETWORKS, add_adapter, build_network, forget_logits_to_keep, load
from tests.tiny.corpus import SAMPLE_TEXTS

ANSWERING = ["qwen3_reranker", "llama_reranker", "mistral_sliding_reranker", "qwen3_vl_reranker", "qwen2_5_vl_reranker"]
PAIRS = [("rain", text) for text in SAMPLE_TEXTS[:3]]


@pytest.fixture
def fresh(tiny: Callable[..., Path]) -> Callable[[str], CrossEncoder]:
    return lambda name: load_our_reranker(tiny(name))


def run(model: Any, first: Any) -> torch.Tensor:
    with torch.inference_mode():
        scores: torch.Tensor = model(first.preprocess([first.read_pair(pair) for pair in PAIRS]))["scores"]
    return scores


def list_parts(model: nn.Module) -> dict[str, int]:
    return {name: id(module) for name, module in model.named_modules()}


class Widths:
    """Notes the widths of what linear layers give, and their tokens; a context."""

    def __init__(self) -> None:
        self.shapes: set[tuple[int, ...]] = set()

    def __enter__(self) -> Widths:
        self._hook = nn.modules.module.register_module_forward_hook(self._note)
        return self

    def __exit__(self, *error: object) -> None:
        self._hook.remove()

    def _note(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(module, (nn.Linear, AnswerHead)):
            self.shapes.add(tuple(output.shape))


# The head


@pytest.mark.parametrize("bias", [True, False])
def test_logits_are_those_of_the_whole_head(bias: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    head = nn.Linear(6, 20, bias=bias)
    states = torch.randn(2, 3, 6, generator=generator)
    narrow = AnswerHead(head, [17, 4, 17])
    torch.testing.assert_close(narrow(states), head(states)[..., [17, 4, 17]], rtol=0, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in narrow.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened_before_it_is_multiplied(dtype: torch.dtype) -> None:
    """Logits near 10 lie 0.06 apart in bfloat16; these differ by less."""
    head = nn.Linear(4, 9).to(dtype)
    with torch.no_grad():
        head.weight.copy_(torch.full((9, 4), 5.0))
        head.bias.zero_()
    states = torch.ones(3, 4, dtype=dtype)
    states[1, 0], states[2, 0] = 1 + 2**-7, 1 + 2**-6
    logits = AnswerHead(head, [3, 5])(states)
    assert logits.dtype == torch.float32
    assert len(set(logits[:, 0].tolist())) == 3
    torch.testing.assert_close(logits, states.float() @ head.weight[[3, 5]].float().T, rtol=0, atol=0)


def test_double_precision_is_kept() -> None:
    head = nn.Linear(4, 9, dtype=torch.float64)
    states = torch.randn(3, 4, dtype=torch.float64)
    logits = AnswerHead(head, [3])(states)
    assert logits.dtype == torch.float64
    torch.testing.assert_close(logits, head(states)[:, [3]], rtol=0, atol=1e-12)


def test_the_tokens_are_those_that_the_score_reads() -> None:
    assert read_tokens(LogitScore(5, 2)) == [5, 2]
    assert read_tokens(LogitScore(5)) == [5]


def test_a_plain_head_is_found(fresh: Callable[[str], CrossEncoder]) -> None:
    network: Any = fresh("qwen3_reranker")[0].model
    assert find_head(network) is network.lm_head
    assert find_head(network.model) is None
    assert find_head(nn.Linear(2, 2)) is None


def test_a_head_of_another_kind_is_none(fresh: Callable[[str], CrossEncoder]) -> None:
    class Quantised(nn.Linear):
        pass

    network: Any = fresh("qwen3_reranker")[0].model
    network.lm_head.__class__ = Quantised
    assert find_head(network) is None
    network.lm_head.__class__ = nn.Linear
    network.lm_head.weight = nn.Parameter(torch.zeros(4, 4, dtype=torch.int8), requires_grad=False)
    assert find_head(network) is None


def test_a_head_chosen_to_compute_in_float32_is_plain(fresh: Callable[[str], CrossEncoder]) -> None:
    """As the narrow one does anyway."""
    model = fresh("qwen3_reranker")
    expected = run(model, model[0])
    choose_float32_layers(model, ["0.model.lm_head"])
    assert type(model[0].model.lm_head) is Float32Linear
    narrow: Any = narrow_model(model)
    assert isinstance(narrow[0].model.lm_head, AnswerHead)
    torch.testing.assert_close(run(narrow, model[0]), expected, rtol=0, atol=1e-5)


# The model


@pytest.mark.parametrize("name", ANSWERING)
def test_a_narrow_model_scores_the_same_and_shares_all_other_parts(
    fresh: Callable[[str], CrossEncoder], name: str
) -> None:
    model = fresh(name)
    before, state = list_parts(model), {key: value.clone() for key, value in model.state_dict().items()}
    settings = {key: dict(vars(module)) for key, module in model.named_modules()}
    narrow: Any = narrow_model(model)
    assert narrow is not model
    torch.testing.assert_close(run(narrow, model[0]), run(model, model[0]), rtol=0, atol=1e-5)
    parts, path = list_parts(narrow), "0.model.lm_head"
    owners = {"", "0", "0.model", "1", path}
    assert {key for key in before if parts[key] != before[key]} == owners
    assert list_parts(model) == before
    assert list(model.state_dict()) == list(state)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    for key, module in model.named_modules():
        assert list(vars(module)) == list(settings[key])
    assert narrow[0].model.lm_head.weight.shape[0] == 2


@pytest.mark.parametrize("name", ["qwen3_reranker", "qwen3_vl_reranker"])
def test_nothing_as_wide_as_the_vocabulary_is_made(fresh: Callable[[str], CrossEncoder], name: str) -> None:
    model = fresh(name)
    vocabulary = model[0].model.get_output_embeddings().out_features
    with Widths() as plain:
        run(model, model[0])
    assert any(shape[-1] == vocabulary for shape in plain.shapes), "the test would not see it"
    with Widths() as narrow:
        run(narrow_model(model), model[0])
    assert {shape for shape in narrow.shapes if shape[-1] in (2, vocabulary)} == {(3, 1, 2)}


def test_a_network_that_computes_all_positions_makes_two_numbers_each(
    fresh: Callable[[str], CrossEncoder],
) -> None:
    model = forget_logits_to_keep(fresh("llama_reranker"))
    expected = run(model, model[0])
    with Widths() as seen:
        torch.testing.assert_close(run(narrow_model(model), model[0]), expected, rtol=0, atol=1e-5)
    vocabulary = model[0].model.config.vocab_size
    assert not any(shape[-1] == vocabulary for shape in seen.shapes)
    (answers,) = {shape for shape in seen.shapes if shape[-1] == 2}
    assert answers[1] > 10, "the network knows logits_to_keep after all"


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"qwen3", "llama"}))
def test_every_network_takes_a_narrow_head(tmp_path: Path, name: str) -> None:
    """Logits that are capped or scaled behind the head, too; and heads that are the token table."""
    model = load(build_network(tmp_path, name))
    narrow: Any = narrow_model(model)
    assert isinstance(narrow[0].model.get_output_embeddings(), AnswerHead)
    torch.testing.assert_close(run(narrow, model[0]), run(model, model[0]), rtol=0, atol=2e-5)


def test_an_adapter_works_on(tmp_path: Path) -> None:
    folder = build_network(tmp_path, "llama", tie_word_embeddings=False)
    bare, model = load(folder), add_adapter(load(folder))
    narrow: Any = narrow_model(model)
    assert narrow is not model
    scores = run(narrow, model[0])
    torch.testing.assert_close(scores, run(model, model[0]), rtol=0, atol=1e-5)
    assert not torch.allclose(scores, run(bare, model[0]), atol=1e-2), "the adapter makes no difference"


def test_an_adapter_on_the_head_leaves_it_whole(tmp_path: Path) -> None:
    model = add_adapter(load(build_network(tmp_path, "llama", tie_word_embeddings=False)), ["lm_head"])
    assert narrow_model(model) is model


@pytest.mark.parametrize("name", ["bert_ce", "qwen3_seq_cls", "qwen2_vl_reranker"])
def test_a_model_that_reads_no_answers_is_itself(fresh: Callable[[str], CrossEncoder], name: str) -> None:
    model = fresh(name)
    assert narrow_model(model) is model


def test_a_score_that_reads_another_feature_is_left_alone(fresh: Callable[[str], CrossEncoder]) -> None:
    model = fresh("qwen3_reranker")
    model[1].module_input_name = "other"
    assert narrow_model(model) is model


@pytest.mark.parametrize("place", ["lm_head", ""])
def test_a_forward_bound_to_its_module_is_left_alone(fresh: Callable[[str], CrossEncoder], place: str) -> None:
    """Libraries that offload weights put one on a module; a twin would call the original's."""
    model = fresh("qwen3_reranker")
    module = model[0].model.get_submodule(place)
    module.forward = module.forward
    assert narrow_model(model) is model


def test_a_score_of_one_token(fresh: Callable[[str], CrossEncoder]) -> None:
    model = fresh("qwen3_reranker")
    model[1].false_token_id = None
    narrow: Any = narrow_model(model)
    assert narrow[0].model.lm_head.weight.shape[0] == 1
    torch.testing.assert_close(run(narrow, model[0]), run(model, model[0]), rtol=0, atol=1e-5)


def test_half_precision_scores_do_not_tie(fresh: Callable[[str], CrossEncoder]) -> None:
    model = fresh("qwen3_reranker").to(torch.bfloat16)
    narrow: Any = narrow_model(model)
    scores = run(narrow, model[0])
    assert scores.dtype == torch.float32
    exact = copy.deepcopy(model)
    exact[0].model.lm_head.float()
    head = exact[0].model.lm_head
    head.register_forward_pre_hook(lambda module, inputs: (inputs[0].float(),))
    torch.testing.assert_close(scores, run(exact, model[0]), rtol=0, atol=1e-4)
