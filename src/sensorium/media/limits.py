"""The limits on what media may cost, and the rules for fetching an address: frozen values, no behaviour.

Whoever opens, decodes or fetches takes these as arguments and asks them; nothing reads them from a global. Must not
know how a file is opened, an address fetched or an image decoded.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from sensorium.errors import InputError

MIB = 1024**2
GIB = 1024**3

Allow = Literal["public", "none", "any"]

_SCHEMES = ("http", "https")
# A name, or a literal IPv6 address without its brackets, which has at least two colons.
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f.]*:[0-9a-f.]*:[0-9a-f.:]*")


def _reject(owner: object, name: str, rule: str) -> InputError:
    got = getattr(owner, name)
    return InputError(f"{type(owner).__name__}({name}={got!r}) is not usable: {name} must be {rule}.")


def _check_counts(owner: object, names: tuple[str, ...], minimum: int) -> None:
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise _reject(owner, name, f"a whole number of at least {minimum}")


def _check_seconds(owner: object, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(owner, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise _reject(owner, name, "a finite number of seconds above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What one file, array or address may cost at most. Beyond it, `MediaLimitError`.

    Attributes:
        max_bytes: Size of one encoded file, in bytes (2 GiB). An address also obeys `FetchPolicy.max_bytes`.
        max_pixels: Width times height of one image, or of one frame of a clip.
        max_image_dimension: Width, and height, of one image or frame, in pixels.
        max_seconds: Length of one sound, in seconds. A clip's length is not limited: its frames are sampled, and
            `max_frames` bounds those. One hour at 48 kHz in mono float32 is 690 MB.
        max_frames: Frames decoded and kept from one clip or animation.
        max_streams: Streams in one container; a file that declares more is not opened further.
        max_channels: Channels of one sound.

    Raises:
        InputError: A value is not a number of the right kind, or below its minimum (1; `max_seconds`: above 0).

    Example:
        >>> MediaLimits(max_seconds=60).max_seconds
        60

    Source:
        `max_pixels` is the count at which Pillow (`Image._decompression_bomb_check`) turns its warning into
        `DecompressionBombError`: twice the 89,478,485 pixels whose RGB rows fill 256 MiB. `max_image_dimension` is
        the largest side that JPEG can express (ITU-T T.81, B.2.2).
    """

    max_bytes: int = 2 * GIB
    max_pixels: int = 178_956_970
    max_image_dimension: int = 65_535
    max_seconds: float = 3600.0
    max_frames: int = 1024
    max_streams: int = 64
    max_channels: int = 64

    def __post_init__(self) -> None:
        _check_seconds(self, ("max_seconds",))
        _check_counts(self, tuple(one.name for one in fields(self) if one.name != "max_seconds"), minimum=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """Which addresses may be fetched, and at what cost. Beyond it, `FetchError`.

    Attributes:
        allow: `"public"`: addresses of the public internet only. `"none"`: no address at all. `"any"`: private networks
            and this machine too, for trusted callers and tests; even then the metadata services of cloud machines,
            which hand out credentials, are refused.
        allowed_hosts: If given, only these hosts, redirects included. A name matches itself; a name that begins with
            a dot (`".example.org"`) matches every host below it. It narrows `allow`, it does not widen it: a listed
            host whose address is private still needs `"any"`.
        schemes: Of `"http"` and `"https"`, those that are allowed.
        timeout_s: Seconds for the whole fetch: look-up, connections, redirects and body together.
        connect_timeout_s: Seconds for one attempt to connect to one address, TLS included.
        max_bytes: Size of a body, in bytes (256 MiB). It is held in memory.
        max_redirects: Redirects followed; 0 refuses the first.

    Raises:
        InputError: A value is none of these.

    Example:
        >>> FetchPolicy(allowed_hosts=("upload.wikimedia.org",), schemes=("https",)).allow
        'public'
    """

    allow: Allow = "public"
    allowed_hosts: tuple[str, ...] | None = None
    schemes: tuple[str, ...] = _SCHEMES
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    max_bytes: int = 256 * MIB
    max_redirects: int = 5

    def __post_init__(self) -> None:
        if self.allow not in get_args(Allow):
            raise _reject(self, "allow", 'one of "public", "none", "any"')
        _check_seconds(self, ("timeout_s", "connect_timeout_s"))
        _check_counts(self, ("max_bytes",), minimum=1)
        _check_counts(self, ("max_redirects",), minimum=0)
        object.__setattr__(self, "schemes", self._read_names("schemes"))
        if not set(self.schemes) <= set(_SCHEMES):
            raise _reject(self, "schemes", 'of "http" and "https"')
        if self.allowed_hosts is not None:
            hosts = self._read_names("allowed_hosts")
            if not all(_HOST.fullmatch(host) for host in hosts):
                raise _reject(
                    self,
                    "allowed_hosts",
                    'host names or IP addresses alone ("example.org", ".example.org", "::1"): no scheme, port or '
                    "wildcard, and other scripts in their xn-- form",
                )
            object.__setattr__(self, "allowed_hosts", hosts)

    def _read_names(self, name: str) -> tuple[str, ...]:
        # A bare string would be read letter by letter, so that "https" allows the schemes h, t, t, p and s.
        value = getattr(self, name)
        if not isinstance(value, (tuple, list, set, frozenset)) or not value:
            raise _reject(self, name, "a tuple of at least one string")
        if not all(isinstance(one, str) and one.strip(".") for one in value):
            raise _reject(self, name, "a tuple of strings, none empty")
        return tuple(one.lower().rstrip(".") for one in value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSettings:
    """Everything a caller can say about the reading of media.

    Attributes:
        limits: What one input may cost.
        fetch: Which addresses may be fetched.
        reduced_jpeg: Whether a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size when the model needs no more. Faster,
            and the pixels differ a little from those of a full decode.

    Raises:
        InputError: A field is of another type.
    """

    limits: MediaLimits = field(default_factory=MediaLimits)
    fetch: FetchPolicy = field(default_factory=FetchPolicy)
    reduced_jpeg: bool = False

    def __post_init__(self) -> None:
        for name, kind in (("limits", MediaLimits), ("fetch", FetchPolicy), ("reduced_jpeg", bool)):
            if not isinstance(getattr(self, name), kind):
                raise _reject(self, name, f"a {kind.__name__}")
