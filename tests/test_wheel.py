"""The built wheel works where a user installs it: `sensorium[all]`, and nothing that only developers have.

A fresh environment with a second torch would cost 6 GB and many minutes, so the dependencies are not downloaded again.
They are the very files that pip installed here, laid into the fresh environment as symbolic links, one a file: the
closure of the wheel's own `Requires-Dist` under the extra `all`, walked with `importlib.metadata`, and no distribution
outside it. The wheel itself is installed by pip, without dependencies and without an index, and `pip check` then
confirms that nothing it or its dependencies ask for is missing. Hence sentence-transformers, scipy and scikit-learn are
truly absent, and so is the source tree: the script runs isolated, in another folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
ABSENT = ("sentence_transformers", "scipy", "sklearn", "pandas", "librosa", "torchaudio", "torchcodec")

pytestmark = pytest.mark.timeout(900)

SCRIPT = """
import importlib, json, sys
from pathlib import Path

checkpoints, inputs, absent = json.loads(sys.argv[1])
for name in absent:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{name} can be imported in the fresh environment")

import sensorium
from sensorium import SentenceTransformer

report = {"sensorium": sensorium.__file__, "version": sensorium.__version__, "rows": {}}
for modality, (family, value) in inputs.items():
    row = SentenceTransformer(checkpoints[family], device="cpu").encode(value)
    report["rows"][modality] = {"shape": list(row.shape), "norm": float((row.astype("float64") ** 2).sum() ** 0.5)}
report["loaded"] = sorted(set(absent) & set(sys.modules))
print(json.dumps(report))
"""


def _run(command: list[str], **kwargs: object) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, **kwargs)  # type: ignore[call-overload]
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return str(result.stdout)


def _wanted(lines: list[str], extras: set[str]) -> Iterator[Requirement]:
    """Give the requirements that hold on this machine for any of the extras."""
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement


def _closure(lines: list[str], extras: set[str]) -> dict[str, Distribution]:
    """Walk `Requires-Dist` from the wheel's lines to the installed distributions: name -> distribution."""
    found: dict[str, Distribution] = {}
    seen: dict[str, set[str]] = {"sensorium": set(extras)}
    queue = [("sensorium", set(extras))]
    while queue:
        owner, wanted = queue.pop()
        requires = lines if owner == "sensorium" else (found[owner].requires or [])
        for requirement in _wanted(requires, wanted):
            name = canonicalize_name(requirement.name)
            if name in seen and requirement.extras <= seen[name]:
                continue
            seen.setdefault(name, set()).update(requirement.extras)
            if name != "sensorium":
                found[name] = distribution(name)
            queue.append((name, set(seen[name])))
    return found


def _link(dist: Distribution, site: Path) -> None:
    """Lay every file that pip recorded for a distribution below `site`, as links. Scripts outside it are left out."""
    for file in dist.files or ():
        source = Path(str(dist.locate_file(file)))
        if ".." in file.parts or "__pycache__" in file.parts or not source.exists():
            continue
        target = site.joinpath(*file.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)])
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def requirements(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode("utf-8"))
    return metadata.get_all("Requires-Dist") or []


@pytest.fixture(scope="module")
def fresh_python(wheel: Path, requirements: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = folder / "bin" / "python"
    site = Path(_run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    for dist in _closure(requirements, {"all"}).values():
        _link(dist, site)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    _run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)])
    _run([*pip, "check"])
    return python


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"sensorium"}
    assert "sensorium/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    shipped = {name for name in names if name.startswith("sensorium/")}
    source = {path for path in (ROOT / "src" / "sensorium").rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert shipped == {path.relative_to(ROOT / "src").as_posix() for path in source}


def test_closure_is_what_users_get(requirements: list[str]) -> None:
    core, everything = set(_closure(requirements, set())), set(_closure(requirements, {"all"}))
    assert {"torch", "transformers", "numpy", "pillow"} <= core
    assert core.isdisjoint({"torchvision", "soundfile", "soxr", "av", "peft"})
    assert {"torchvision", "soundfile", "soxr", "av", "peft"} <= everything
    assert everything.isdisjoint({"sentence-transformers", "scipy", "scikit-learn", "pandas", "pytest"})


def test_fresh_environment_encodes_every_modality(
    fresh_python: Path, tiny: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = {
        "text": ("clip", "a tabby cat"),
        "image": ("clip", str(SAMPLES / "images" / "cat.png")),
        "audio": ("clap", str(SAMPLES / "sounds" / "bell.flac")),
        "video": ("qwen3_vl", str(SAMPLES / "clips" / "deep-field-pan.mp4")),
    }
    checkpoints = {family: str(tiny(family)) for family, _ in inputs.values()}
    script = tmp_path / "encode.py"
    script.write_text(SCRIPT, encoding="utf-8")
    output = _run(
        [str(fresh_python), "-I", str(script), json.dumps([checkpoints, inputs, ABSENT])],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"},
    )
    report = json.loads(output.splitlines()[-1])
    assert Path(report["sensorium"]).is_relative_to(fresh_python.parents[1])
    assert report["loaded"] == []
    assert set(report["rows"]) == set(inputs)
    for row in report["rows"].values():
        assert row["shape"][0] >= 16
        assert len(row["shape"]) == 1
        assert 0.1 < row["norm"] < 1e4
