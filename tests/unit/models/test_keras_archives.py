"""Own models whose files are made to deceive: each is refused from its bytes alone, before anything is built."""

import itertools
import json
import shutil
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest

from pellucid import plugins
from pellucid.errors import InputError
from pellucid.models import keras_file
from pellucid.models.imported import archive
from pellucid.models.published import keras_weights
from tests.support import keras_archives
from tests.support.keras_archives import functional, layer, sequential, tensor


def features(path, **settings):
    return keras_file.features(**{**plugins.defaults(keras_file), "file": str(path), **settings})


def refused(path):
    with pytest.raises(InputError) as told:
        features(path)
    return str(told.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.keras"


@pytest.mark.parametrize("make", [sequential, functional])
def test_a_plain_model_is_taken(path, make):
    keras_archives.write(path, make())
    assert features(path) == ("conv", "relu", "rescale_rule", "gap")


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


HDF5 = b"\x89HDF\r\n\x1a\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: keras_archives.weights() + raw,
        lambda raw: HDF5 + raw,
        lambda raw: b"MZ" + raw,
        lambda raw: raw + b"\0" * 600,
        lambda raw: raw + raw[-22:],
        lambda raw: raw + raw,
        lambda raw: raw[:-2] + b"\x05\0hello",
        lambda raw: raw[:-300],
        lambda raw: raw[: len(raw) // 2] + b"\xff" + raw[len(raw) // 2 + 1 :],
    ],
)
def test_a_file_of_two_formats_or_a_damaged_one_is_refused(path, change):
    keras_archives.write(path)
    rewrite(path, change)
    refused(path)


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "model.KERAS", "model"])
def test_another_name_is_refused(tmp_path, name):
    # Keras chooses the reader by the name.
    keras_archives.write(tmp_path / "model.keras")
    shutil.move(tmp_path / "model.keras", tmp_path / name)
    assert str(tmp_path / name) in refused(tmp_path / name)


def information(name, mode=0o100644):
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "entry",
    [
        "config.json", "model.weights.h5", "model.weights.npz", "assets/words.txt", "../out.txt", "/etc/out", "assets/",
        "model.weights.h5/", "CONFIG.JSON", "x\0y", information("metadata.json", 0o120777),
    ],
)  # fmt: skip
def test_unusual_entries_are_refused(path, entry):
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("config.json", json.dumps(sequential()))
        made.writestr("model.weights.h5", keras_archives.weights())
        made.writestr(entry, b"x")
    refused(path)


def test_entries_that_announce_other_sizes_are_refused(path):
    keras_archives.write(path)
    raw = bytearray(path.read_bytes())
    start = raw.rfind(b"PK\x01\x02")
    for place in range(start + 20, start + 28):
        other = raw.copy()
        other[place] ^= 1
        path.write_bytes(other)
        refused(path)


def test_compressed_and_encrypted_entries_are_refused(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("config.json", json.dumps(sequential()) + " " * 3_000_000)
        made.writestr("model.weights.h5", keras_archives.weights())
    assert "compressed" in refused(path)
    keras_archives.write(path)
    raw = bytearray(path.read_bytes())
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert "encrypted" in refused(path)


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
    file.create_virtual_dataset("layers/virtual", layout)


WEIGHTS = {
    "soft link": lambda file: file.__setitem__("layers/soft", h5py.SoftLink("/layers/dense")),
    "link to nothing": lambda file: file.__setitem__("soft", h5py.SoftLink("/none")),
    "link to a file": lambda file: file.__setitem__("elsewhere", h5py.ExternalLink("/etc/hostname", "/")),
    "bytes of a file": lambda file: file.create_dataset("out", (4,), "u1", external=[("/etc/hostname", 0, 4)]),
    "virtual": virtual,
    "texts": lambda file: file.create_dataset("objects", data=["a"], dtype=h5py.string_dtype()),
    "references": lambda file: file.create_dataset("to", data=file["layers"].ref, dtype=h5py.ref_dtype),
    "records": lambda file: file.create_dataset("records", data=np.zeros(2, [("a", "f4")])),
    "nothing": lambda file: file.create_dataset("none", data=h5py.Empty("f4")),
    "terabytes": lambda file: file.create_dataset("huge", (10**6, 10**6), "f4", chunks=(10, 10), compression="gzip"),
    "never written": lambda file: file.create_dataset("late", (10**9,), "f4"),
    "bomb": lambda file: file.create_dataset("zeros", data=np.zeros(2**22, "f4"), compression="gzip"),
    "circle": lambda file: file.__setitem__("layers/again", file["layers"]),
    "type": lambda file: file.__setitem__("type", np.dtype("f4")),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_no_plain_numbers_of_this_file_are_refused(path, name):
    keras_archives.write(path, held=keras_archives.weights(WEIGHTS[name]))
    assert "model.weights.h5" in refused(path)


@pytest.mark.parametrize("name", [*WEIGHTS, "behind another file", "another name"])
def test_so_are_those_of_published_networks(tmp_path, name):
    def change(file):
        file.attrs["layer_names"] = [b"dense"]
        dense = file.create_group("dense")
        dense["kernel"], dense.attrs["weight_names"] = np.ones((2, 2), np.float32), [b"kernel"]
        if name in WEIGHTS:
            WEIGHTS[name](file)

    path = tmp_path / ("weights.bin" if name == "another name" else "weights.h5")
    raw = keras_archives.weights(change)
    # HDF5 looks for its beginning at 512 bytes too.
    path.write_bytes(b"x" * 512 + raw if name == "behind another file" else raw)
    with pytest.raises(InputError):
        keras_weights.read(path)
    with pytest.raises(InputError):
        keras_weights.layers(path)


DEEP = b'{"a":' * 150 + b"1" + b"}" * 150


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b"1e999", b"[" * 100_000, b"\xff\xfe{}", json.dumps(sequential()).encode("utf-16"),
        json.dumps(sequential()).encode().replace(b"2", b"2" * 309, 1), DEEP, b"[" + b"0," * 1_100_000 + b"0]",
        b'{"config": []}', b'{"config": {}}', b'{"config": {"layers": {}}}', b'{"config": {"layers": [1]}}',
        json.dumps(sequential()).encode().replace(b"\"conv\"", b"\"\xe9\""),
    ],
)  # fmt: skip
def test_a_description_that_is_odd_is_refused(path, text):
    keras_archives.write(path, text)
    refused(path)


def test_a_description_of_gigabytes_is_not_read(path):
    keras_archives.write(path)
    with zipfile.ZipFile(path, "w") as made:
        with made.open("config.json", "w") as entry:
            for _ in range(70):
                entry.write(b" " * 2**20)
        made.writestr("model.weights.h5", keras_archives.weights())
    start = time.perf_counter()
    assert "bytes" in refused(path)
    assert time.perf_counter() - start < 2


ODD = [None, True, 0, -1, 2.5, "5", 10**18, float("nan"), float("inf"), [], {}, [[]], {"class_name": 5}, "x" * 5000]


@pytest.mark.parametrize("make", [sequential, functional])
def test_no_odd_value_at_any_place_ends_in_a_traceback(path, make):
    plain = make()

    def places(content, way=()):
        for key in range(len(content)) if isinstance(content, list) else content:
            yield (*way, key)
            if isinstance(content[key], dict | list):
                yield from places(content[key], (*way, key))

    for number, way in enumerate(places(plain)):
        config = make()
        holder = config
        for key in way[:-1]:
            holder = holder[key]
        holder[way[-1]] = ODD[number % len(ODD)]
        try:
            archive.check(config, "model")
            archive.features(config, "model")
        except InputError as error:
            assert len(str(error)) < 500


@pytest.mark.parametrize("size", [10**12, 0, -4, 2.5, "many", True])
@pytest.mark.parametrize("key", ["units", "filters", "kernel_size"])
def test_a_layer_that_the_file_cannot_hold_is_refused_by_name(path, key, size):
    config = sequential()
    name = "classes" if key == "units" else "conv"
    (own,) = [one["config"] for one in config["config"]["layers"] if one["config"]["name"] == name]
    own[key] = [size, 1] if key == "kernel_size" else size
    keras_archives.write(path, config)
    assert f'"{name}"' in refused(path)


def chained(count, order):
    names = ["input", *(f"relu_{number}" for number in range(count))]
    layers = [
        layer("InputLayer", "input", inputs=[], batch_shape=[None, 8, 2]),
        *(layer("ReLU", name, inputs=[[before]]) for before, name in itertools.pairwise(names)),
    ]
    ends = {"input_layers": [["input", 0, 0]], "output_layers": [[names[-1], 0, 0]]}
    return layer("Functional", "long", module="keras.src.models.functional", layers=layers[::order], **ends)


@pytest.mark.parametrize("order", [1, -1])
def test_thousands_of_layers_take_seconds_in_any_order_and_more_are_refused(path, order):
    start = time.process_time()
    keras_archives.write(path, chained(2000, order))
    features(path, steps="last")  # its output has time steps
    assert time.process_time() - start < 3
    keras_archives.write(path, chained(20_000, order))
    refused(path)


def test_models_inside_each_other_do_not_grow_without_bound(path):
    inner = layer("Conv1D", "conv", **keras_archives.CONVOLUTION)
    for level in range(15):
        name = f"level_{level}"
        uses = [{"args": [tensor(f"{name}_input")], "kwargs": {}}, {"args": [tensor("inner")], "kwargs": {}}]
        inner = {**inner, "name": "inner", "inbound_nodes": uses}
        layers = [layer("InputLayer", f"{name}_input", inputs=[], batch_shape=[None, 8, 2]), inner]
        ends = {"input_layers": [[f"{name}_input", 0, 0]], "output_layers": [["inner", 1, 0]]}
        inner = layer("Functional", name, module="keras.src.models.functional", layers=layers, **ends)
    start = time.process_time()
    keras_archives.write(path, inner)
    assert "uses of layers" in refused(path)
    assert time.process_time() - start < 5


def test_planning_a_model_of_ones_own_imports_no_tensorflow(path):
    keras_archives.write(path)
    code = (
        "import sys; from pellucid import plugins; from pellucid.models import keras_file; "
        f"keras_file.features(**plugins.defaults(keras_file), file={str(path)!r}); assert not {{'tensorflow', 'keras'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_of_two_bytes_that_hdf5_does_not_know_are_taken(keras, tmp_path):
    half = keras.Sequential([keras.Input((8, 1)), keras.layers.Conv1D(2, 3, dtype="bfloat16")])
    half.save(tmp_path / "half.keras")
    archive.look_over(tmp_path / "half.keras")
