"""Start TensorFlow quietly, deterministically and with a fixed number of threads, in little more than half the time."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from pellucid.network import cards

# Keras imports these when they are installed, for features that Pellucid never uses (adapters for data frames,
# wrappers for scikit-learn, plots). Together they cost more time than the rest of Keras.
_OPTIONAL = ("matplotlib", "pandas", "sklearn")
# Whether TensorFlow is as this module has loaded it: threads can still be set, and nobody else has set them.
_as_loaded = False


def start(threads: int = 1) -> ModuleType:
    """Import TensorFlow and return it, with `threads` threads inside an operation and one operation at a time.

    The number of threads is part of the result: float sums over a different number of parts differ in their last bits.
    Only the first call in a process sets the number.
    """
    global _as_loaded
    tensorflow = load()
    if _as_loaded:
        _as_loaded = False
        _one_thread_of_blas()
        cards.set_up(tensorflow)
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        tensorflow.config.experimental.enable_op_determinism()
    return tensorflow


def load() -> ModuleType:
    """Import TensorFlow and Keras, and return TensorFlow; nothing is set, so that a fork can still set everything."""
    global _as_loaded
    _as_loaded = _as_loaded or "tensorflow" not in sys.modules
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Several jobs run at once: none may take all of a GPU's memory at its start.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _hidden(_OPTIONAL), _quiet():
        import keras  # noqa: F401  (the import is the point: it happens while the optional modules are hidden)
        import tensorflow as tf
    module: ModuleType = tf
    return module


def _one_thread_of_blas() -> None:
    """Keep the matrix products of numpy and scipy to one thread.

    More threads would wait for the next product in a busy loop, on the cores where TensorFlow computes meanwhile:
    integrated gradients took 1.5 times as long on two cores (measured). With one thread, sums also do not depend on the
    number of cores.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
    # For libraries that are loaded later.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Make `import name` fail for the names that are not yet imported, as if they were not installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name, ...) is None:
                del sys.modules[name]


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what TensorFlow's libraries print while they load, before their log level can be set.

    If the import fails, everything that was held back is shown.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
