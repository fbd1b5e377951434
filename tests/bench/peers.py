"""Every method against the other libraries that have it, on the same weights and inputs, and against bare passes.

    python -m tests.bench peers
    python -m tests.bench peers --cases heartbeat --inputs 16 --methods saliency,occlusion

For each method: Pellucid's first call (on 16 inputs at most, with tracing) and later ones; each peer at its best batch
size; and the floor, which is the same number of passes through the compiled network and nothing else. A "~" marks
seconds that were taken on fewer inputs, or in fewer steps, and multiplied.

`--rows FOLDER` keeps each row in a folder, and shows rows that are there without measuring them again: a run that was
ended goes on, and runs of some of the cases or methods are put together. `--cpu` counts processor time, which on a
machine with other work says more than the time that passes (with `--threads 1`).
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import logging
import math
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pellucid.network import runtime
from tests.bench import peer, peer_memory, peer_rows, timing
from tests.bench.cases import METHODS, NETWORKS, SMALL, Case
from tests.bench.floor import Floor
from tests.bench.layers import function_of
from tests.bench.peer_rows import Row, Taken
from tests.bench.timing import seconds

# What Pellucid, and what a peer at one batch size, may take before fewer inputs stand for all.
_LIMIT, _PEER_LIMIT = 6.0, 1.0
_SIZES, _OWN_SIZES = (16, 64, 256, 1024), (64, 128, 256)
_SIZES_OF_A_DEEP_NETWORK = (16, 64)
# Rounds in turn, of which the least time counts; as many more of what takes milliseconds as fill this many seconds.
_ROUNDS, _FILL = 3, 0.5
_SLOW_AGAINST_FLOOR = 1.3


def main(arguments: Sequence[str] = ()) -> None:
    """Measure, print a table for each case and number of inputs, then what is slower than it should be, and memory."""
    chosen = _chosen(arguments)
    runtime.start(chosen.threads)
    _quieten(chosen.threads)
    peers, absent = peer.load()
    peers = [module for module in peers if module.NAME in (chosen.peers or (module.NAME,))]
    if chosen.peers and not peers:
        print(f"None of the peers {', '.join(chosen.peers)} is installed")
    if missing := [name for name in absent if name in (chosen.peers or (name,))]:
        print(f"Not installed, and left out: {', '.join(missing)}")
    global _LIMIT, _PEER_LIMIT, _FILL
    _LIMIT, _PEER_LIMIT, _FILL = (limit * chosen.limit / _LIMIT for limit in (_LIMIT, _PEER_LIMIT, _FILL))
    if chosen.cpu:
        timing.count_processor_time()
    found: list[Row] = []
    for name in chosen.cases:
        for number in chosen.inputs:
            case = Case(name, number)
            floor = cache(partial(Floor, case))
            shape = " × ".join(str(size) for size in case.inputs.shape[1:])
            print(f"\n{name}, {number} inputs {shape}{', seconds of processor time' if chosen.cpu else ''}")
            _line("", "first", "later", "fastest peer", "s", "ratio", "floor", "ratio", "the others")
            for method in filter(case.has, chosen.methods):
                row = peer_rows.read(chosen.rows, f"{name} {number}", method)
                if row is None and not chosen.stored:
                    row = measure(case, method, floor(), peers)
                    peer_rows.write(chosen.rows, row)
                if row is not None:
                    found.append(row)
                    _show(row)
                gc.collect()
    told(found)
    summary(found)
    if chosen.memory:
        peer_memory.main(chosen.methods)


def measure(case: Case, method: str, floor: Floor, peers: Sequence[ModuleType]) -> Row:
    """One method of Pellucid, of each peer, and the floor, in turn."""
    first, work, passes = _own(case, method)
    row = Row(f"{case.name} {case.number}", method, first, work(), math.inf)
    works: dict[str, Callable[[], Taken]] = {}
    for module in peers:
        if method in module.METHODS:
            try:
                works[module.NAME] = _tuned(case, method, module)
            except Exception as error:  # whatever a peer raises is its result
                row.failures[module.NAME] = _reason(error)
    # Nothing that takes long is measured again.
    expensive = row.later.part or row.later.seconds > _LIMIT
    rounds = max(_ROUNDS, min(50, round(_FILL / row.later.seconds)))
    for turn in range(1 if expensive else rounds):
        if turn:
            row.later = min(row.later, work(), key=lambda taken: taken.seconds)
        for name, run in works.items():
            if turn == 0 or row.peers[name].seconds < 0.5:
                taken = run()
                row.peers[name] = min(row.peers.get(name, taken), taken, key=lambda taken: taken.seconds)
        if turn == 0 or row.floor < 2:
            row.floor = min(row.floor, floor.seconds(*passes))
    return row


def told(rows: Sequence[Row]) -> None:
    """In how many of the comparisons Pellucid is faster, by how much, and how near the bare passes it is."""
    ratios = sorted(row.later.seconds / row.fastest[1].seconds for row in rows if row.fastest)
    if ratios:
        won, half = sum(ratio < 1 for ratio in ratios), ratios[len(ratios) // 2]
        print(
            f"\nFaster than the fastest peer in {won} of {len(ratios)}; of its time {ratios[0]:.2f} to {ratios[-1]:.2f},"
        )
        print(f"in half of these less than {half:.2f}.")
    passes = [row.later.seconds / row.floor for row in rows]
    near = [sum(ratio < most for ratio in passes) for most in (1.1, _SLOW_AGAINST_FLOOR)]
    print(
        f"Of {len(rows)} rows {near[0]} take less than 1.1 × the bare passes, {near[1]} less than {_SLOW_AGAINST_FLOOR}."
    )


def summary(rows: Sequence[Row]) -> None:
    """Where a peer is as fast, and where there is much more than the passes."""
    print("\nA peer is as fast or faster (later / peer of 1 or more):")
    slower = [row for row in rows if row.fastest and row.later.seconds >= row.fastest[1].seconds]
    for row in slower:
        assert row.fastest
        print(f"  {row.case:<18}{row.method:<24}{row.later.seconds / row.fastest[1].seconds:6.2f}  {row.fastest[0]}")
    if not slower:
        print("  none")
    print(f"\nMore than {_SLOW_AGAINST_FLOOR} × the bare passes:")
    above = [row for row in rows if row.later.seconds >= _SLOW_AGAINST_FLOOR * row.floor]
    for row in above:
        extra = (row.later.seconds - row.floor) * 1000
        print(f"  {row.case:<18}{row.method:<24}{row.later.seconds / row.floor:6.2f}  {extra:.1f} ms more")
    if not above:
        print("  none")


def _own(case: Case, method: str) -> tuple[float, Callable[[], Taken], tuple[int, int]]:
    """First call in seconds, a function that measures a later one at the best size, and its passes (forward, back)."""
    from pellucid.network.explained_model import ExplainedModel

    explain = function_of(method)
    parameters = case.parameters(method)

    def call(model: Any, number: int) -> float:
        rng = np.random.default_rng(0)
        return seconds(lambda: explain(model, case.inputs[:number], case.targets[:number], rng, **parameters))

    few = min(case.number, 16)
    model = ExplainedModel(case.model)
    first = call(model, few)
    number = _affordable(case.number, few, call(model, few), _LIMIT)
    if number > few:
        call(model, number)
    forward, backward = model.forward_passes, model.backward_passes
    best, least = model, call(model, number)
    passes = model.forward_passes - forward, model.backward_passes - backward
    if least < 1:
        for size in _OWN_SIZES:
            if size not in (model.batch_size(), model.batch_size(backward=True)):
                other = ExplainedModel(case.model, batch_size=size)
                call(other, number)
                if (taken := call(other, number)) < 0.9 * least:
                    best, least = other, taken
    scale = case.number / number
    size = best.batch_size(backward=passes[1] > 0)
    whole = (round(passes[0] * scale), round(passes[1] * scale))
    return first, lambda: Taken(call(best, number) * scale, size, number < case.number), whole


def _tuned(case: Case, method: str, module: ModuleType) -> Callable[[], Taken]:
    """A peer's work at the batch size that is best for it."""
    found: list[tuple[float, int, int, Callable[[int], object]]] = []
    for size in _SIZES if case.name in SMALL else _SIZES_OF_A_DEEP_NETWORK:
        try:
            found.append(_tried(case, method, module, size))
        except Exception:
            # One that fails in large batches has its best among the smaller ones.
            if not found:
                raise
            break
        # A size that is worse than the last ends the search.
        if module.SIZELESS or (len(found) > 1 and found[-1][0] > 1.2 * found[-2][0]):
            break
    _, size, number, run = min(found, key=lambda item: item[0])
    scale = case.number / number / getattr(run, "share", 1)
    return lambda: Taken(seconds(lambda: run(number)) * scale, size, scale > 1)


def _tried(case: Case, method: str, module: ModuleType, size: int) -> tuple[float, int, int, Callable[[int], object]]:
    """Seconds for all inputs, the batch size, how many inputs were measured, and the work."""
    run = _silently(module.work(case, method, size))
    few = min(case.number, 1 if module.SIZELESS or case.name not in SMALL else getattr(module, "LEAST", 4))
    run(few)  # traces, or fails
    once = seconds(lambda: run(few))
    number = _affordable(case.number, few, once, _PEER_LIMIT)
    if number > few:
        run(number)
        once = seconds(lambda: run(number))
    return once * case.number / number / getattr(run, "share", 1), size, number, run


def _affordable(number: int, few: int, taken: float, limit: float) -> int:
    """How many inputs may be explained in the limit, where `few` take so long."""
    return number if taken * number / few <= limit else max(few, min(number, int(limit / taken * few)))


def _silently(run: Callable[[int], object]) -> Callable[[int], object]:
    """A peer's progress bars and warnings are no part of the table."""

    def silent(number: int) -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run(number)

    silent.share = getattr(run, "share", 1)  # type: ignore[attr-defined]
    return silent


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # TensorFlow tells where first, and why last.
    told = [line for line in lines if re.match(r"\w*Error: ", line)] or lines[:1]
    reason = re.sub(r"^\w*Error: ", "", told[-1]) if told else ""
    return f"{type(error).__name__}: {reason}"[:90]


def _show(row: Row) -> None:
    name, taken = row.fastest or ("none", None)
    others = [f"{other} {time}" for other, time in row.peers.items() if other != name]
    others += [f"{other} fails: {reason}" for other, reason in row.failures.items()]
    _line(
        row.method,
        f"{row.first:.3g}",
        row.later,
        f"{name} ({taken.size})" if taken else name,
        taken or "",
        f"{row.later.seconds / taken.seconds:.2f}" if taken else "",
        f"{row.floor:.3g}",
        f"{row.later.seconds / row.floor:.2f}",
        "; ".join(others),
    )


def _line(*cells: object) -> None:
    widths = (23, 7, 9, 31, 9, 7, 9, 7)
    sides = "<>>>>>>>"
    texts = [f"{cell!s:{side}{width}}" for cell, width, side in zip(cells, widths, sides, strict=False)]
    print("  " + "".join(texts), cells[-1], sep="  ", flush=True)


def _quieten(threads: int) -> None:
    import tensorflow as tf

    tf.get_logger().setLevel(logging.ERROR)
    with contextlib.suppress(ImportError):
        import torch

        torch.set_num_threads(threads)


def _chosen(arguments: Sequence[str]) -> argparse.Namespace:
    def some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
        def parse(given: str) -> list[str]:
            names = given.split(",")
            if unknown := [name for name in names if name not in known]:
                raise argparse.ArgumentTypeError(f"{', '.join(unknown)}; there are {', '.join(known)}")
            return names

        return parse

    parser = argparse.ArgumentParser("python -m tests.bench peers", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=some_of(list(NETWORKS)), default=list(SMALL))
    parser.add_argument("--inputs", type=lambda given: [int(one) for one in given.split(",")], default=[16, 256])
    parser.add_argument("--methods", type=some_of(METHODS), default=list(METHODS))
    parser.add_argument("--peers", type=lambda given: given.split(","), help="names of the peers; all by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--limit", type=float, default=_LIMIT, help="seconds of a call before fewer inputs stand for all"
    )
    parser.add_argument("--cpu", action="store_true", help="count processor time")
    parser.add_argument("--rows", type=Path, help="a folder that keeps the rows; those in it are not measured again")
    parser.add_argument("--stored", action="store_true", help="show the rows of that folder, and measure no others")
    parser.add_argument(
        "--memory", action=argparse.BooleanOptionalAction, default=True, help="measure memory at the end"
    )
    return parser.parse_args(arguments)
