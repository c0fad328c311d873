"""The process that part (d) of `collection.py` starts: index a folder, and print the memory that took.

It has the heaps of `sensorium index`. Usage: `_collection_process.py files collection`.
"""

from __future__ import annotations

import json
import sys
import time

from _stream_process import read_peak_mb


def main() -> None:
    """Index, and print one line of JSON."""
    from sensorium.cli.heaps import limit_heaps

    limit_heaps()
    from sensorium import Collection

    files, path = sys.argv[1:]
    with Collection.create(path) as collection:
        collection.add([{"text": "the first call loads what loads late", "id": "first"}])
        loaded_mb = read_peak_mb()
        start = time.perf_counter()
        report = collection.add(files)
        answer = {
            "peak_mb": read_peak_mb(),
            "loaded_mb": loaded_mb,
            "seconds": time.perf_counter() - start,
            "records": report.records,
            "unreadable": report.unreadable_count,
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
