"""Make small files for the tests of `ingest`: PDF files by hand, trees of text files, long sounds. Knows no test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from sensorium.ingest import IngestSettings
from sensorium.ingest.records import Origin


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files under a folder, whose names may have slashes."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def make_pdf(pages: Sequence[str], size: tuple[int, int] = (200, 300), *, is_locked: bool = False) -> bytes:
    """Write a PDF file whose pages have these words, and a black square below them."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    numbers = []
    for words in pages:
        lines = "".join(f"({line}) Tj 0 -14 Td " for line in words.split("\n"))
        content = f"BT /F1 12 Tf 20 {size[1] - 30} Td {lines}ET 20 20 40 40 re f"
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        numbers.append(len(objects))
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(f'{one} 0 R' for one in numbers)}] /Count {len(numbers)} >>"
    objects.append("<< /Title (A made file) >>")
    trailer = f"/Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R"
    if is_locked:
        secret = "<" + "ab" * 32 + ">"
        objects.append(f"<< /Filter /Standard /V 1 /R 2 /P -4 /O {secret} /U {secret} >>")
        trailer = f"/Size {len(objects) + 1} /Root 1 0 R /Encrypt {len(objects)} 0 R /ID [<{'cd' * 16}> <{'cd' * 16}>]"
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}trailer\n<< {trailer} >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + end.encode("latin-1")


def write_ramp(path: Path, seconds: int, rate: int = 8_000, form: str | None = None) -> Path:
    """Write a sound whose samples tell their second: k / 1000 all through second k, written block by block."""
    with soundfile.SoundFile(str(path), "w", rate, 1, format=form) as file:
        for second in range(seconds):
            file.write(np.full(rate, (second % 1000) / 1000, np.float32))
    return path


def make_origin(settings: IngestSettings | None = None, key: str = "a") -> Origin:
    """Give the origin of records that come from nowhere."""
    return Origin(key=key, path=None, settings=settings or IngestSettings())
