"""`python -m tests.fuzz [total] [topic …]`: try generated inputs, 5,000 unless told, and print what they gave."""

import logging
import sys
import time

from tests.fuzz.run import run
from tests.fuzz.topics import SHARES

logging.disable()
total = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
names = sys.argv[2:] or list(SHARES)
head = ("topic", "inputs", "read", "refused", "tracebacks", "slowest (s)", "memory (MB)", "longest message", "time (s)")
print("  ".join(f"{title:>15}" for title in head))
failed = []
for name in names:
    start = time.perf_counter()
    try:
        found = run(name, total)
    except Exception as error:
        failed.append(name)
        print(f"{name:>15}  failed: {type(error).__name__}: {error}"[:2000])
        continue
    refused = [one for one in found if one.message]
    row = (
        name,
        len(found),
        len(found) - len(refused),
        len(refused),
        0,
        f"{max(one.seconds for one in found):.2f}",
        f"{max(one.memory for one in found):.0f}",
        max(len(one.message) for one in found),
        f"{time.perf_counter() - start:.0f}",
    )
    print("  ".join(f"{cell:>15}" for cell in row), flush=True)
sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
