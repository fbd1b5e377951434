"""The card that a job computes on, with a faked list of cards: which one TensorFlow sees, and how it is set up."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from pellucid import devices
from pellucid.compare import checks
from pellucid.config.training_keys import TrainingSettings
from pellucid.network import cards
from pellucid.train.objective import Objective
from pellucid.train.run import _Run


class FakeTensorFlow:
    """What `cards.set_up` asks of TensorFlow; `calls` gets what it sets."""

    def __init__(self, count: int) -> None:
        self.calls: list[Any] = []
        self.cards = [SimpleNamespace(name=f"/physical_device:GPU:{index}") for index in range(count)]
        note = self.calls.append
        self.config = SimpleNamespace(
            list_physical_devices=lambda kind: {"GPU": self.cards}[kind],
            set_visible_devices=lambda chosen, kind: note(("visible", [card.name for card in chosen], kind)),
            experimental=SimpleNamespace(
                set_memory_growth=lambda card, on: note(("growth", card.name, on)),
                enable_tensor_float_32_execution=lambda on: note(("tf32", on)),
                get_device_details=lambda card: {"device_name": "Fake A1", "compute_capability": (8, 0)},
            ),
        )
        self.sysconfig = SimpleNamespace(get_build_info=lambda: {"cuda_version": "12.5.1", "cudnn_version": "9"})


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A process that has chosen nothing, on a machine whose driver is known."""
    monkeypatch.setattr(devices, "_choice", None)
    monkeypatch.setattr(devices, "_used", {})
    monkeypatch.setattr(devices, "_locks", [])
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    version = tmp_path / "version"
    version.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n")
    monkeypatch.setattr(devices, "_DRIVER", version)
    with mock.patch.dict(os.environ):
        os.environ.pop(devices.VISIBLE, None)
        yield
    for lock in devices._locks:
        os.close(lock)


def set_up(gpu: dict[str, bool] | None, count: int) -> list[Any]:
    devices.choose(gpu)
    tensorflow = FakeTensorFlow(count)
    cards.set_up(tensorflow)
    return tensorflow.calls


def test_where_nobody_has_chosen_nothing_is_set() -> None:
    tensorflow = FakeTensorFlow(2)
    cards.set_up(tensorflow)
    assert tensorflow.calls == []
    assert devices.VISIBLE not in os.environ
    assert devices.limits() == devices.CPU


@pytest.mark.parametrize("count", [0, 1, 2])
def test_without_gpu_every_card_is_hidden(count: int) -> None:
    assert set_up(None, count) == ([("visible", [], "GPU")] if count else [])
    assert os.environ[devices.VISIBLE] == "-1"
    assert devices.used() == {}


@pytest.mark.parametrize("tf32", [False, True])
def test_one_card_is_seen_grows_and_rounds_as_asked(tf32: bool) -> None:
    name = "/physical_device:GPU:0"
    assert set_up({"tf32": tf32}, 1) == [("visible", [name], "GPU"), ("growth", name, True), ("tf32", tf32)]
    assert devices.used() == {
        "name": "Fake A1",
        "driver": "535.129.03",
        "cuda": "12.5.1",
        "cudnn": "9",
        "tf32": tf32,
    }
    assert devices.VISIBLE not in os.environ


def test_without_a_card_a_line_says_that_the_cpu_computes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), mock.patch.object(logging.getLogger("pellucid"), "propagate", True):
        assert set_up({"tf32": False}, 0) == []
    assert "finds no card; this job computes on the CPU" in caplog.text
    assert devices.used() == {"name": "CPU"}


def test_jobs_of_one_machine_take_different_cards() -> None:
    seen = [set_up({"tf32": False}, 2)[0][1] for _ in range(2)]
    assert seen == [["/physical_device:GPU:0"], ["/physical_device:GPU:1"]]
    # A third job has more cards promised than there are: it shares the first.
    assert set_up({"tf32": False}, 2)[0][1] == ["/physical_device:GPU:0"]
    os.close(devices._locks.pop(0))
    assert set_up({"tf32": False}, 2)[0][1] == ["/physical_device:GPU:0"]


def test_a_card_is_known_by_the_number_that_the_cluster_gave() -> None:
    os.environ[devices.VISIBLE] = "2,3"
    assert devices.free(["a", "b"]) == 0
    os.environ[devices.VISIBLE] = "4,2"
    assert [devices.free(["a", "b"]), devices.free(["a", "b"])] == [0, None]


def test_a_system_that_does_not_name_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_DRIVER", tmp_path / "nothing")
    assert devices.driver() == "unknown"


def test_checks_allow_what_belongs_to_the_device() -> None:
    explanation = SimpleNamespace(
        method="integrated_gradients",
        label="integrated_gradients",
        checks={"completeness_residual_share": 0.08},
        attributions=np.arange(3.0)[np.newaxis],
        domain="time",
    )
    case = SimpleNamespace(measured=None, indices=None)

    def judged(gpu: dict[str, bool] | None) -> dict[str, tuple[float, bool]]:
        devices.choose(gpu)
        with mock.patch.object(checks, "batch_independence", return_value=3e-3):
            rows = list(checks.measured(explanation, case, gradients=False))
        return {name: (limit, passed) for name, _, _, limit, passed, _ in rows if name != "flat"}

    assert judged(None) == {"completeness": (0.05, False), "batch": (1e-3, False)}
    assert judged({"tf32": False}) == {"completeness": (0.05, False), "batch": (5e-3, True)}
    assert judged({"tf32": True}) == {"completeness": (0.1, True), "batch": (0.05, True)}


def test_checkpoints_of_another_device_are_not_used() -> None:
    model, versions = {"architecture": "digit_cnn"}, {"tensorflow": "2"}
    run = _Run(model, TrainingSettings(), {"digest": "d"}, 1, {}, {}, versions, True, Objective())
    keys = [run.key(1, "code", False)]
    for facts in ({"name": "CPU"}, {"name": "A1", "driver": "535.1"}, {"name": "A1", "driver": "550.1"}):
        devices.use(facts)
        keys.append(run.key(1, "code", False))
    assert len(set(keys)) == 4
    devices.use({})
    assert run.key(1, "code", False) == keys[0]
