"""Make `samples/pictograms/` and the PDF file of `samples/papers/` anew, for the demo's collection.

Pictograms, spoken words and clips are copied from `models/mini/sample`, whose licence they keep; a travel report is
set as a PDF file by reportlab (`pip install -e '.[samples]'`). The Markdown and HTML pages beside it are written by
hand and left alone. Must not be needed by anything else: `samples/` is shipped.

    python tools/make_mixed_samples.py
"""

from __future__ import annotations

import shutil
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "models" / "mini" / "sample"
PICTOGRAMS = ROOT / "samples" / "pictograms"
PAPERS = ROOT / "samples" / "papers"

_PICTURES = (
    "ambulance anchor banana bar-chart bell bouquet bullseye cloud cow cross-mark cyclone doughnut electric-plug eyes "
    "film-projector fire fish footprints glasses hamburger heavy-dollar-sign lady-beetle metro musical-keyboard "
    "musical-note paperclip peach pineapple poodle pushpin sailboat saxophone ship straight-ruler tiger trophy trumpet "
    "violin white-flower wolf"
)
_WORDS = "anchor bell cloud cow fire glasses hamburger metro paperclip seedling tiger violin"
_CLIPS = "bar-chart bullseye footprints lady-beetle musical-keyboard peach poodle pushpin"

#: The report, a page a list: headings, paragraphs and tables.
REPORT: list[list[str | list[list[str]]]] = [
    [
        "# Report of the journey to the Harz, 3 to 7 June",
        "Four of us spent five days mapping springs between Ilsenburg and Schierke. This report says what we did, what "
        "it cost, and what we would do otherwise next time.",
        "## The springs",
        "We found 31 springs, of which nine are on no map. The strongest gives two litres a second, and runs all "
        "summer by the word of the forester. Water was between 6 and 8 degrees cold everywhere above 700 metres.",
    ],
    [
        "## Costs",
        "The association had granted 900 euros. The train was dearer than planned, because two of us had to return "
        "early; the hut was cheaper, because the warden let us cook.",
        [
            ["Item", "Planned", "Spent"],
            ["Train tickets", "240", "316"],
            ["Hut, four nights", "380", "352"],
            ["Food", "200", "171"],
            ["Bottles and labels", "80", "44"],
            ["Together", "900", "883"],
        ],
    ],
    [
        "## What we would do otherwise",
        "Start in May, when the snow melts and every spring runs. Bring two thermometers: ours fell into the Ilse on "
        "the second day, and half of the temperatures were measured with one borrowed from the kitchen.",
        "The samples are in the cellar, third shelf, in the blue crate. Whoever analyses them should do so before "
        "autumn.",
    ],
]


def copy_pictograms() -> None:
    """Copy the chosen files, and nothing that was there before stays."""
    shutil.rmtree(PICTOGRAMS, ignore_errors=True)
    for kind, names, ending in (("pictures", _PICTURES, "png"), ("sounds", _WORDS, "flac"), ("clips", _CLIPS, "mp4")):
        folder = PICTOGRAMS / ("words" if kind == "sounds" else kind)
        folder.mkdir(parents=True)
        for name in names.split():
            shutil.copyfile(SOURCE / kind / f"{name}.{ending}", folder / f"{name}.{ending}")


def write_report() -> None:
    """Set the report as a PDF file of three pages, the same bytes each time."""
    styles = getSampleStyleSheet()
    story: list[object] = []
    for number, page in enumerate(REPORT):
        story += [PageBreak()] if number else []
        for block in page:
            if isinstance(block, list):
                table = Table([[*row] for row in block], colWidths=[50 * mm, 25 * mm, 25 * mm], hAlign="LEFT")
                table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.grey)]))
                story.append(table)
            else:
                marks = len(block) - len(block.lstrip("#"))
                style = styles["Title"] if marks == 1 else styles["Heading2"] if marks else styles["BodyText"]
                story.append(Paragraph(block.lstrip("# "), style))
            story.append(Spacer(1, 3 * mm))
    file = PAPERS / "travel-report.pdf"
    SimpleDocTemplate(str(file), pagesize=A5, title="Report of the journey to the Harz", invariant=1).build(story)


if __name__ == "__main__":
    PAPERS.mkdir(parents=True, exist_ok=True)
    copy_pictograms()
    write_report()
