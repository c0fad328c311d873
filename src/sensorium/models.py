"""`sensorium.models`: the name that users' code has for the parts of a model. It is `sensorium.modules` itself.

`from sensorium.models import Pooling`, `import sensorium.models` and `from sensorium import models` all end at that
one package, because this file puts it in its own place. Files are imported from there (`sensorium.modules.pooling`):
reached through here they would be loaded a second time. Must not hold a part of its own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sensorium import modules

if TYPE_CHECKING:
    from sensorium.modules import *  # noqa: F403

sys.modules[__name__] = modules
