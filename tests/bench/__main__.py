"""`make bench`: each line a ratio of two measurements made side by side in this one run.

Seconds depend on the machine and on what else it does; the ratio of two that were taken in turn does not. Name one or
more benchmarks to run only these: `python -m tests.bench occlusion`. `peers` is last, as it takes the longest; what
follows it chooses among its cases: `python -m tests.bench peers --cases digit --inputs 16`. What follows `summaries` is
its limit in seconds.

`--write` also writes what is printed, with command and date, between the benchmark's markers on its page in `docs/measurements`.
"""

import subprocess
import sys
from datetime import date

from tests.bench import (
    coverage,
    csv,
    dag,
    ecg,
    few_examples,
    first_picture,
    flipped_labels,
    freqrise,
    heartbeats,
    long_signals,
    occlusion,
    page,
    peers,
    planted_labels,
    published_degradation,
    published_rescaling,
    published_tables,
    published_tris,
    rankings,
    ranks,
    rescaling_cause,
    scores,
    shortcuts,
    slurm,
    stream,
    summaries,
)

BENCHMARKS = {
    "first_picture": first_picture.main,
    "dag": dag.main,
    "occlusion": occlusion.main,
    "csv": csv.main,
    "heartbeats": heartbeats.main,
    "few_examples": few_examples.main,
    "scores": scores.main,
    "stream": stream.main,
    "long_signals": long_signals.main,
    "summaries": summaries.main,
    "coverage": coverage.main,
    "ranks": ranks.main,
    "shortcuts": shortcuts.main,
    "flipped_labels": flipped_labels.main,
    "slurm": slurm.main,
    "ecg": ecg.main,
    "published": published_tables.main,
    "published_state": published_tables.of_trained,
    "freqrise": freqrise.main,
    "published_degradation": published_degradation.main,
    "published_tris": published_tris.main,
    "published_rescaling": published_rescaling.main,
    "rescaling_cause": rescaling_cause.main,
    "planted_labels": planted_labels.main,
    "rankings": rankings.main,
    "peers": peers.main,
}
# Those that take words of their own.
WITH_WORDS = ("peers", "summaries")

if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--write"]
    writing = len(words) < len(sys.argv) - 1
    with_words = bool(words) and words[0] in WITH_WORDS
    names = words[:1] if with_words else words or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if not writing and with_words:
        sys.exit(BENCHMARKS[names[0]](words[1:]))
    if not writing and len(names) == 1:
        sys.exit(BENCHMARKS[names[0]]())
    # Each in a process of its own: TensorFlow takes its number of threads once, and memory is not given back.
    for name in names:
        command = [name, *(words[1:] if with_words else [])]
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench", *command],
            check=False,
            text=True,
            stdout=subprocess.PIPE if writing else None,
        )
        if done.stdout:
            print(done.stdout, end="")
        if done.returncode != page.LEFT_OUT:
            done.check_returncode()
        if writing and not done.returncode and name not in page.WITHOUT_BLOCK:
            page.write(page.FOLDER, name, f"python -m tests.bench {' '.join(command)}", done.stdout, date.today())
