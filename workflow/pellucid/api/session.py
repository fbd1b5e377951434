"""TensorFlow in the caller's process: start it once, and hold back its advice."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pellucid.network import runtime

logger = logging.getLogger(__name__)


def start(threads: int | None) -> None:
    """Start TensorFlow, unless it runs in this process already: then say so to a caller who asks for other threads."""
    if "tensorflow" in sys.modules:
        if threads is not None and runtime.start().config.threading.get_intra_op_parallelism_threads() != threads:
            logger.warning("threads=%d has no effect: TensorFlow runs in this process already", threads)
        return
    # `runtime.start` hides them from Keras where they are not loaded yet; a notebook may need Keras whole.
    for name in ("matplotlib", "pandas", "sklearn"):
        importlib.import_module(name)
    runtime.start(threads or 1)


@contextmanager
def no_advice_on_tracing() -> Iterator[None]:
    """Hold back TensorFlow's advice on functions that are compiled often, as every explanation compiles its own."""

    def is_no_advice(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    tensorflow = logging.getLogger("tensorflow")
    tensorflow.addFilter(is_no_advice)
    try:
        yield
    finally:
        tensorflow.removeFilter(is_no_advice)
