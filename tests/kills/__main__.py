"""`python -m tests.kills [number] [seed]`: kill runs of the workflow so often (30), and compare what they made."""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.kills.loop import LEFT_OUT, rounds, undisturbed

number, seed = (int(given) for given in (*sys.argv[1:3], *(30, 0)[len(sys.argv) - 1 :]))
start, kills, failed = time.monotonic(), Counter(), False
with tempfile.TemporaryDirectory() as folder:
    whole = Path(folder, "whole").resolve()
    seconds = undisturbed(whole)
    print(f"undisturbed: {seconds:.0f} s from the first job on")
    for found in rounds(whole, seconds, number, seed):
        kills.update(found.kills)
        failed |= bool(found.differences)
        told = f"different: {', '.join(found.differences)}" if found.differences else "all files and runs are equal"
        print(f"{sum(found.kills.values()):3} kills ({found.kills}): {told}", flush=True)
print(f"{sum(kills.values())} kills ({dict(kills)}) in {time.monotonic() - start:.0f} s; left out of the comparison:")
for pattern, reason in LEFT_OUT.items():
    print(f"  {pattern:20} {reason}")
sys.exit(int(failed))
