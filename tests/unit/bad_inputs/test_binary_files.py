"""Binary files that are damaged, lie about their size, or unpack to much more than they are."""

import io
import resource
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from pellucid.datasets import table
from pellucid.datasets.heartbeats import mitdb_records
from pellucid.datasets.readers import bounds, imagenet_classes, zips
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.prepare import memory
from tests.fuzz import parquet_files
from tests.support.prepared import prepare
from tests.support.written_records import write_record


def refused(tmp_path, name, content):
    """What is said of a file for the source `table`."""
    path = tmp_path / name
    if callable(content):
        content(path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError) as told:
        prepare(tmp_path / "out", {"source": "table", "file": str(path)}, paths={"file": path})
    assert name in str(told.value)
    return str(told.value)


def npy(header, values=bytes(800), version=1):
    text = header.encode()
    size = struct.pack("<H", len(text)) if version == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + values


def described(shape, kind="<f8"):
    return f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}\n"


ARRAYS = {
    "nested brackets": npy("[" * 9000),
    "signs": npy("-" * 9000 + "1"),
    "no literal": npy("{[]: 1}"),
    "open text": npy("'"),
    "version 4": npy(described("(20, 5)"), version=4),
    "header of 4 GB": b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(99),
    "negative": npy(described("(20, -5)")),
    "truths for sizes": npy(described("(True, 100)")),
    "terabytes": npy(described("(10**12, 5)".replace("10**12", str(10**12)))),
    "sizes that overflow": npy(described(f"({2**40}, {2**40})")),
    "fewer rows than values": npy(described("(2, 5)")),
    "no bytes": npy(described(f"({10**12},)", "|S0")),
    "objects": npy(described("(20, 5)", "|O")),
    "fields": npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (20, 5), }\n"),
    "a zip": b"PK\5\6" + bytes(18),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_an_array_whose_header_lies(tmp_path, name, suffix):
    content = io.BytesIO(ARRAYS[name])
    if suffix == "npz":
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.npy", ARRAYS[name])
    refused(tmp_path, f"data.{suffix}", content.getvalue())


def test_an_array_that_unpacks_to_much_more_than_its_file(tmp_path):
    def write(path):
        np.savez_compressed(path, x=np.zeros((2_000_000, 3), np.float32), y=np.arange(2_000_000) % 2)

    assert "np.savez" in refused(tmp_path, "data.npz", write)


def test_an_array_larger_than_the_memory(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((2000, 200)), y=np.arange(2000) % 2)
    dataset = {"source": "table", "file": str(tmp_path / "data.npz")}
    with pytest.raises(InputError, match="memory_mb"):
        prepare(tmp_path / "out", dataset, paths={"file": tmp_path / "data.npz"}, memory_mb=1)


def test_an_archive_with_turned_bytes_or_two_arrays_of_one_name(tmp_path):
    content = io.BytesIO()
    np.savez_compressed(content, x=np.arange(100.0).reshape(20, 5), y=np.arange(20) % 2)
    whole = bytearray(content.getvalue())
    for at in range(60, 260, 20):
        turned = bytes(whole[:at]) + bytes([whole[at] ^ 255]) + bytes(whole[at + 1 :])
        refused(tmp_path, "data.npz", turned)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(content, "a") as archive:
        archive.writestr("x.npy", archive.read("x.npy"))
    refused(tmp_path, "data.npz", content.getvalue())
    refused(tmp_path, "data.npz", b"\x89HDF" + bytes(whole))


def test_texts_that_are_none(tmp_path):
    labels = np.frombuffer(b"\xff\xff\xff\x7f" * 20, "<U1")
    refused(tmp_path, "data.npz", lambda path: np.savez(path, x=np.zeros((20, 5)), y=labels))


def in_parquet(repeats=10, **columns):
    content = pa.concat_tables([pa.table({"a": [1.5, 2.5], **columns})] * repeats)
    return lambda path: parquet.write_table(content, path, compression="zstd", row_group_size=10**9)


@pytest.mark.parametrize("kind", ["lists", "structs", "maps", "decimal", "no text", "nothing", "fixed"])
def test_labels_of_parquet_that_are_no_names(tmp_path, kind):
    refused(tmp_path, "data.parquet", in_parquet(label=parquet_files.LABELS[kind]))


@pytest.mark.parametrize("rows", [0, -1, 10**15])
def test_a_parquet_footer_that_is_nested_so_deep_that_pyarrow_ends_the_process(tmp_path, rows):
    assert "deep" in refused(tmp_path, "data.parquet", parquet_files._nested(20_000, rows))


def test_a_parquet_footer_that_announces_rows_which_are_not_there(tmp_path):
    refused(tmp_path, "data.parquet", parquet_files._nested(0, 10**12))
    refused(tmp_path, "data.parquet", parquet_files._nested(0, -1))


def test_parquet_with_damaged_pages(tmp_path):
    in_parquet(label=["a", "b"])(tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    for length in (0, 4, 11, 60, len(whole) - 9):
        refused(tmp_path, "data.parquet", whole[:length])
    # The dictionary of the first column, which is compressed.
    refused(tmp_path, "data.parquet", whole[:24] + bytes(24) + whole[48:])
    refused(tmp_path, "data.parquet", whole[:-8] + struct.pack("<I", 2**32 - 1) + b"PAR1")


def test_parquet_of_millions_of_rows_in_few_bytes(tmp_path):
    many = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2_000_000, np.int32)), pa.array(["a"]))
    write = in_parquet(1, a=np.zeros(2_000_000), label=many)
    assert "announce data of" in refused(tmp_path, "data.parquet", write)


def test_a_parquet_page_that_unpacks_to_more_than_its_footer_announces(tmp_path):
    in_parquet(1, label=["a" * 20_000_000, "b"])(tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    size = parquet.ParquetFile(tmp_path / "whole").metadata.row_group(0).column(1).total_uncompressed_size
    # In Thrift a number of 4 bytes, here with another last one.
    written = bytes([size << 1 & 127 | 128, size >> 6 & 127 | 128, size >> 13 & 127 | 128, size >> 20 & 127])
    at = whole.rindex(written)
    content = whole[: at + 3] + b"\1" + whole[at + 4 :]
    assert "announce data of" in refused(tmp_path, "data.parquet", content)


def test_labels_of_parquet_beyond_int64_stay_apart(tmp_path):
    in_parquet(label=pa.array([2**64 - 1, 2**64 - 2], pa.uint64()))(tmp_path / "data.parquet")
    read = table.load({"file": tmp_path / "data.parquet"}, np.random.default_rng(0))
    assert read.classes == (f"{2**64 - 2}", f"{2**64 - 1}")


@pytest.mark.parametrize(
    ("suffix", "old", "new"),
    [
        ("hea", b" 212 ", b" 0 "),
        ("hea", b" 212 ", b" 8 "),
        ("hea", b" 212 ", b" 212x2 "),
        ("hea", b"100 2 ", b"100/2 2 "),
        ("hea", b"100.dat", b"../../etc/passwd"),
        ("hea", b" 3168\n", b" 99999999999\n"),
        ("hea", b" 3168\n", b" 3000\n"),
        ("hea", b"200.0(1024)", b"1e400(1024)"),
        ("hea", b"200.0(1024)", b"200.0(" + b"9" * 30 + b")"),
        ("hea", b"mV", b"1" * 60_000),
        ("dat", None, b""),
        ("atr", None, b"\x20\xbd" * 4 + b"\0\0"),  # code 47
        ("atr", None, b"\0\x58\x04\xfc## x\0\4\0\0"),  # a definition at which wfdb never ends
        ("atr", None, b"\0\x58\x18\xfc## time resolution: 720\0\0\4\0\0"),
        ("atr", None, b"\0" * 2**18),
    ],
)
def test_recordings_that_lie(tmp_path, suffix, old, new):
    write_record(tmp_path, 100, "NVNVSNVNVN")
    paths = {one: tmp_path / f"100.{one}" for one in mitdb_records.SUFFIXES}
    content = paths[suffix].read_bytes()
    assert old is None or old in content
    paths[suffix].write_bytes(new if old is None else content.replace(old, new))
    with pytest.raises(InputError, match=r"100\.(hea|dat|atr)"):
        mitdb_records.leads_of(paths["hea"])
        mitdb_records.read(paths, ["MLII"])


def image_folder(folder):
    from PIL import Image

    for name in ("cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 9, np.uint8)).save(folder / name)
    return folder


@pytest.mark.parametrize("odd", ["loop", "nowhere", "folder", "program", "pixels"])
def test_folders_of_images_with_what_is_no_image(tmp_path, odd):
    folder = image_folder(tmp_path / "images")
    path = folder / "cat" / "odd.png"
    if odd in ("loop", "nowhere", "folder"):
        path.symlink_to({"loop": path, "nowhere": "absent", "folder": folder / "dog"}[odd])
    elif odd == "program":
        # Pillow would give it to Ghostscript.
        path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    else:
        from tests.fuzz.image_folders import _png

        path.write_bytes(_png(11_000))
    with pytest.raises(InputError, match=r"odd\.png"):
        prepare(tmp_path / "out", {"source": "images", "folder": str(folder), "size": [8, 8]})


def test_a_folder_of_images_that_is_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="file"):
        prepare(tmp_path / "out", {"source": "images", "folder": str(tmp_path / "file"), "size": [8, 8]})


@pytest.mark.parametrize("part", ["twice", "bomb", "folder", "locked"])
def test_zips_of_the_archives(tmp_path, part):
    from tests.fuzz import ucr_zips

    content = {
        "folder": "",
        "odd": [],
        "packed": 8,
        "locked": part == "locked",
        "method": None,
        "damage": None,
        "seed": 0,
    }
    with pytest.raises(InputError, match=r"GunPoint\.zip"):
        ucr_zips.use(content | {"part": "plain" if part == "locked" else part}, tmp_path)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"0": ' * 100_000, " " * 2**21])
def test_a_class_index_that_is_deep_or_large(tmp_path, content):
    (tmp_path / "index.json").write_text(content)
    with pytest.raises(InputError, match=r"index\.json"):
        imagenet_classes.read(tmp_path / "index.json")


def test_memory_is_bounded_while_data_are_read_and_no_longer():
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(InputError, match="memory_mb"), memory.bounded(10, "source"):
        np.ones(3 * 2**30, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_room_in_memory_is_taken_once():
    room = SpillBuffer(memory_mb=20)
    bounds.require_room(15 * 2**20, 1, room, "one", "")
    with pytest.raises(InputError, match="two"):
        bounds.require_room(15 * 2**20, 1, room, "two", "")


def test_a_lack_of_memory_is_no_fault_of_the_archive(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros(3))
    told, opened = (
        pytest.raises(InputError, match="data that take more than"),
        zips.opened(tmp_path / "data.npz", "any"),
    )
    with told, memory.bounded(1024, "data"), opened:
        np.ones(2**40)


def test_a_damaged_class_index_is_told_once(tmp_path):
    (tmp_path / "index.json").write_text('{"0": [')
    with pytest.raises(InputError) as told:
        imagenet_classes.read(tmp_path / "index.json")
    assert str(told.value).count("cannot be read") == 1
