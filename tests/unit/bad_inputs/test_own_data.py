"""Tables, archives and images of one's own that cannot be used: each ends with one clear message."""

import zipfile

import numpy as np
import pytest

from tests.support.good_settings import all_of, put, refuse, refuse_configuration


def table(content, suffix="csv", **parameters):
    """A file for the source `table`: text, bytes, or what writes to its path."""

    def write(folder):
        path = folder / f"data.{suffix}"
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return {"source": "table", "file": str(path), **parameters}, {"file": str(path)}

    return write


def lines(edit=lambda rows: None):
    """A header and 20 rows of three values, a person and a class, after `edit`."""
    rows = [["a", "b", "c", "who", "label"]]
    rows += [[str(i), "0.5", str(i % 7), f"p{i % 2}", "xy"[i // 2 % 2]] for i in range(20)]
    edit(rows)
    return "".join(",".join(row) + "\n" for row in rows)


def at(row, column, cell):
    return lines(lambda rows: rows[row].__setitem__(column, cell))


def without_header(*rows):
    return "".join(row + "\n" for row in rows) * 4


def in_numpy(**arrays):
    good = {"x": np.zeros((20, 5)), "y": np.arange(20) % 2}
    return lambda path: np.savez(path, **good | arrays)


def in_parquet(**columns):
    import pandas as pd

    good = {"a": np.arange(20.0), "b": np.arange(20.0), "label": list("xy") * 10}
    return lambda path: pd.DataFrame(good | columns).to_parquet(path)


SIGNAL = {"signal": ["a", "b", "c"]}

TABLES = [
    ("empty table", table(""), "data.csv: found an empty file", "a row for each example"),
    ("header alone", table("a,b,label\n"), "data.csv: found a header and no row", "a row for each example"),
    ("no text", table(b"\x89PNG\r\n\xff\xfe" * 40), "data.csv: found bytes that are no text", "UTF-8"),
    (
        "misspelt label",
        table(lines(), **SIGNAL, label="labl"),
        'data.csv, label: found no column "labl"; expected one of a, b, c, who, label',
        'Did you mean "label"?',
    ),
    (
        "misspelt group",
        table(lines(), group="whom"),
        'data.csv, group: found no column "whom"',
        'Did you mean "who"?',
    ),
    ("misspelt signal", table(lines(), signal=["a", "bb"]), 'signal: found no column "bb"', 'Did you mean "b"?'),
    ("pattern of nothing", table(lines(), signal="ecg_*"), 'signal: found no column like "ecg_*"', "one of a, b, c"),
    ("name without a header", table("1,2,x\n2,3,y\n", label="label"), 'label: found "label"', "the file has no header"),
    ("position too far", table(lines(), label=6), "label: found position 6", "from 1 to 5, or from -1 back to -5"),
    ("position zero", table(lines(), signal=[0, 1]), "signal: found position 0", "from 1 to 5"),
    (
        "column twice in the header",
        table(lines(lambda rows: rows[0].__setitem__(1, "a"))),
        'several columns (1, 2) have the name "a"',
        "Rename",
    ),
    ("column twice in the signal", table(lines(), signal=["a", "b", 1]), 'signal has the column "a" twice', "once"),
    (
        "label as group",
        table(lines(), **SIGNAL, group="label"),
        'the column "label" cannot be both label and group',
        "",
    ),
    (
        "label as signal",
        table(lines(), signal=["a", "label"]),
        'the column "label" cannot be both signal and label',
        "",
    ),
    (
        "row numbers of pandas",
        table(lines(lambda rows: [row.insert(0, "" if row[0] == "a" else "7") for row in rows]), group="who"),
        "data.csv, column 1: found a column without a name",
        "pandas: index=False",
    ),
    ("column of texts", table(lines()), 'line 2, column 4 (who): found "p0"; expected a number', "signal"),
    ("text in a number", table(at(3, 1, "O.5"), group="who"), 'line 4, column 2 (b): found "O.5"', "a number"),
    ("empty number", table(at(3, 1, ""), group="who"), "line 4, column 2 (b): found an empty cell or NaN", "missing"),
    ("NaN", table(at(20, 0, "nan"), group="who"), "line 21, column 1 (a): found an empty cell or NaN", "missing:"),
    (
        "NaN behind a blank line",
        table(lines(lambda rows: (rows[9].__setitem__(2, "NA"), rows.insert(4, [""]))), group="who"),
        "line 11, column 3 (c)",
        "a number",
    ),
    ("infinite number", table(at(2, 2, "-inf"), group="who"), "line 3, column 3 (c): found infinity", "a finite"),
    (
        "nothing but gaps in a series",
        table(lines(lambda rows: rows[5].__setitem__(slice(0, 3), [""] * 3)), group="who", missing="interpolate"),
        "line 6, column 1 (a): found a series without any value",
        "at least one",
    ),
    (
        "empty label",
        table(at(8, 4, " "), group="who"),
        "data.csv, column 5 (label): example 8 has no label",
        "",
    ),
    (
        "label that is a measurement",
        table(
            lines(
                lambda rows: (
                    [row.__setitem__(4, "0.25") for row in rows[1::2]] + [row.__setitem__(4, "2") for row in rows[2::2]]
                )
            ),
            group="who",
        ),
        'data.csv, column 5 (label): found the label "0.25"; expected whole numbers or texts',
        "measurements, not classes",
    ),
    (
        "label that is an identifier",
        table(lines(), signal=["b", "c"], label="a"),
        "column 1 (a): its 20 examples have 20 different labels",
        "name the right one: label",
    ),
    (
        "one class alone",
        table(at(0, 0, "a").replace(",y\n", ",x\n"), group="who"),
        "found examples of one class",
        "two",
    ),
    ("empty group", table(at(5, 3, ""), group="who"), "data.csv, line 6: found no group", "one for each"),
    ("two groups", table(lines(), group="who"), "split: found 2 group(s) (", "split.by_group: false"),
    (
        "names too few",
        table(lines(), group="who", class_names=["one"]),
        "class_names: found 1 names",
        "in the order x, y",
    ),
    (
        "name of no label",
        table(lines(), group="who", class_names={"x": "one", "yy": "two"}),
        'class_names: no training example has the label "yy"',
        'Did you mean "y"?',
    ),
    (
        "line that is short",
        table(lines(lambda rows: rows[6].pop(0)), group="who"),
        "data.csv, line 7: found 4 cells; expected 5, as the header has",
        "lengths: pad or crop",
    ),
    (
        "line that is long",
        table(lines(lambda rows: rows[6].append("1")), group="who"),
        "data.csv, line 7: found 6 cells; expected 5, as the header has",
        "lengths: pad or crop",
    ),
    (
        "row numbers of R, without a name",
        table(lines(lambda rows: [row.insert(0, "7") for row in rows[1:]]), group="who", lengths="pad"),
        "data.csv, line 1: found 5 names; expected 6, as many as every line below has cells",
        "row numbers",
    ),
    (
        "every line short of the header",
        table(lines(lambda rows: [row.pop() for row in rows[1:]]), group="who"),
        "data.csv, line 2: found 4 cells; expected 5, as the header has",
        "lengths: pad or crop",
    ),
    (
        "longest line not first",
        table(without_header("1,2,x", "1,2,3,x", "1,2,y", "1,2,y")),
        "data.csv, line 2: found 4 cells; expected 3, as most lines have",
        "lengths: pad or crop",
    ),
    (
        "short lines under a header with the label last",
        table(lines(lambda rows: rows[6].pop(0)), group="who", lengths="pad"),
        "data.csv, line 7: found 4 cells",
        "stand before the signal",
    ),
    (
        "channels that do not divide the columns",
        table(lines(), group="who", channels=["left", "right"]),
        "data.csv, channels: found 2 channels in 3 columns",
        "multiple",
    ),
    (
        "pickled objects",
        table(lambda path: np.savez(path, x=np.array([{}])), "npz"),
        "data.npz: found a file that cannot",
        "",
    ),
    ("no such key", table(in_numpy(), "npz", label="yy"), 'data.npz, label: found no array "yy"', 'Did you mean "y"?'),
    (
        "position in an archive",
        table(in_numpy(), "npz", label=2),
        "data.npz, label: found 2",
        "a key of the archive: x, y",
    ),
    (
        "labels of another number",
        table(in_numpy(y=np.zeros(3)), "npz"),
        "data.npz, label: found an array of shape (3,)",
        "(20,)",
    ),
    (
        "series of four axes",
        table(in_numpy(x=np.zeros((20, 2, 2, 2))), "npz"),
        "data.npz, signal: found an array",
        "(N, time)",
    ),
    (
        "NaN in an array",
        table(in_numpy(x=np.full((20, 5), np.nan)), "npz"),
        "example 1, sample 1, channel 1",
        "a number",
    ),
    (
        "names for other channels",
        table(in_numpy(x=np.zeros((20, 5, 3))), "npz", channels=["a"]),
        "channels: found 1 names",
        "3",
    ),
    (
        "array of texts",
        table(lambda path: np.save(path, np.array([["a", "b"]])), "npy"),
        "data.npy: found an array of <U1",
        "",
    ),
    ("no Parquet", table("a,b\n1,2\n", "parquet"), "data.parquet: found a file that cannot be read", "a Parquet file"),
    (
        "texts in Parquet",
        table(in_parquet(b=["u"] * 20), "parquet"),
        "data.parquet, column b: found values of type",
        "numbers",
    ),
    (
        "label that is missing in Parquet",
        table(in_parquet(label=["x", "y", "x", None] * 5), "parquet"),
        "data.parquet, row 4, column label: found no value",
        "one for each row",
    ),
]


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_tables(tmp_path, write, first, then):
    refuse(tmp_path, *write(tmp_path), first, then)


def test_a_test_file_with_another_class(tmp_path):
    dataset, paths = table(lines(), group="who")(tmp_path)
    (tmp_path / "test.csv").write_text(at(1, 4, "z"))
    paths |= {"test": str(tmp_path / "test.csv")}
    refuse(tmp_path, {**dataset, **paths}, paths, 'test: no training example has the label "z"', "they have x, y")


def ts(header="@univariate true\n@equalLength true\n@classLabel true 0 1", rows="1,2,3:0\n1,2,3:1\n" * 4):
    return f"@problemName Own\n@timeStamps false\n{header}\n@data\n{rows}"


def zipped(**members):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "."), content)

    return write


BOTH = {"Own_TRAIN__ts": ts(), "Own_TEST__ts": ts()}
UNEQUAL = "@univariate true\n@equalLength false\n@classLabel true 0 1"

ARCHIVES = [
    (
        "no zip",
        lambda path: path.write_text("<html>not found</html>"),
        "Own.zip: found a file that cannot be read",
        "a zip",
    ),
    ("zip without the files", zipped(Own__arff="x"), "Own.zip: found Own.arff; expected Own_TRAIN.ts in it", ""),
    ("zip of half a set", zipped(Own_TRAIN__ts=ts()), "expected Own_TEST.ts in it", ""),
    (
        "no numbers",
        zipped(**BOTH | {"Own_TEST__ts": ts(rows="1,b,3:0\n")}),
        'Own_TEST.ts, line 7, channel 1, sample 2: found "b"',
        "a number",
    ),
    (
        "no classes",
        zipped(**BOTH | {"Own_TRAIN__ts": ts("@targetLabel true")}),
        "Own_TRAIN.ts: found no classes",
        "its class",
    ),
    ("no series", zipped(**BOTH | {"Own_TEST__ts": ts(rows="")}), "Own_TEST.ts: found no series", "at least one"),
    (
        "unequal lengths",
        zipped(**BOTH | {"Own_TRAIN__ts": ts(UNEQUAL, "1,2,3:0\n1,2:1\n" + "1,2,3:1\n" * 3)}),
        "Own_TRAIN.ts, series 2: found a series of 2 samples, where 12 of 13 have 3",
        "lengths: pad puts zeros",
    ),
    (
        "missing values",
        zipped(**BOTH | {"Own_TEST__ts": ts(rows="1,2,3:0\n1,?,3:1\n")}),
        "Own_TEST.ts, series 2, sample 2, channel 1: found an empty cell or NaN",
        "missing: interpolate",
    ),
]


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in ARCHIVES], ids=[row[0] for row in ARCHIVES])
def test_archives(tmp_path, write, first, then):
    write(tmp_path / "Own.zip")
    dataset = {"source": "ucr_uea", "name": "Own", "archive_sha256": "none"}
    refuse(tmp_path, dataset, {"archive": str(tmp_path / "Own.zip")}, first, then)


def pictures(folder, *names, **others):
    """Class folders of images of 8 × 8 pixels; `others` are files of other content, by their path with __ for a point."""
    from PIL import Image

    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / name)
    for name, content in others.items():
        (folder / name.replace("__", ".")).write_bytes(content)


TWO = [f"{name}/{number}.png" for name in ("cat", "dog") for number in range(4)]

PICTURES = [
    ("no class folders", lambda f: pictures(f, "0.png", "1.png"), "found 0 folder(s) and 2 file(s)", "one per class"),
    ("one class folder", lambda f: pictures(f, "cat/0.png"), "found 1 folder(s)", "at least 2 folder(s)"),
    (
        "empty class folder",
        lambda f: (pictures(f, *TWO), (f / "eel").mkdir()),
        "/eel: found a class folder without images",
        "at least one",
    ),
    (
        "image that is none",
        lambda f: (pictures(f, *TWO), (f / "cat" / "9.png").write_text("hello")),
        "cat/9.png: found a file that is no image",
        "only images",
    ),
    (
        "file beside the images",
        lambda f: (pictures(f, *TWO), (f / "dog" / "list.csv").write_text("a,b")),
        "dog/list.csv: found a file that is no image",
        "only images",
    ),
    (
        "image outside of a class",
        lambda f: pictures(f, *TWO, "loose.png"),
        "/loose.png: found an image outside",
        "class",
    ),
    (
        "image cut off",
        lambda f: (pictures(f, *TWO), (f / "cat" / "0.png").write_bytes((f / "cat" / "0.png").read_bytes()[:45])),
        "cat/0.png: found an image that cannot be read",
        "a whole image",
    ),
    (
        "several frames",
        lambda f: (pictures(f, *TWO), animated(f / "cat" / "9.gif")),
        "cat/9.gif: found 3 frames",
        "one image in each file",
    ),
]


def animated(path):
    from PIL import Image

    frames = [Image.fromarray(np.full((8, 8), 80 * shade, np.uint8)) for shade in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in PICTURES], ids=[row[0] for row in PICTURES])
def test_pictures(tmp_path, write, first, then):
    (tmp_path / "images").mkdir()
    write(tmp_path / "images")
    refuse(tmp_path, {"source": "images", "folder": str(tmp_path / "images")}, {}, first, then)


def test_a_test_image_of_another_class(tmp_path):
    pictures(tmp_path / "train", *TWO)
    pictures(tmp_path / "test", "dogs/0.png")
    dataset = {"source": "images", "folder": str(tmp_path / "train"), "test_folder": str(tmp_path / "test")}
    refuse(tmp_path, dataset, {}, "found the class folder dogs; expected one of cat, dog", 'Did you mean "dog"?')


def own(**dataset):
    """A configuration of one experiment on data of one's own."""
    mine = {"dataset": dataset, "model": {"architecture": "gap_cnn"}}
    return all_of(put("experiments.mine", mine), put("run", ["mine"]))


OWN = [
    (
        "suffix that none reads",
        own(source="table", file="beats.xlsx"),
        'experiments.mine.dataset: table.file: found "beats.xlsx"',
        "a file whose name ends in .csv, .tsv",
    ),
    (
        "table that is not there",
        own(source="table", file="no/beats.csv"),
        "mine.dataset.file: found no file",
        "a file there",
    ),
    (
        "position with a point",
        own(source="table", file="a.csv", label=1.5),
        "mine.dataset.label: found 1.5",
        "a text or a whole number",
    ),
    (
        "unknown set of the archives",
        own(source="ucr_uea", name="GunPiont"),
        'ucr_uea.name: found "GunPiont"; expected one of the 278 sets',
        'Did you mean "GunPoint"?',
    ),
    (
        "set that is not in the folder",
        own(source="ucr_uea", name="GunPoint", folder="no"),
        "mine.dataset.train: found no file at no/GunPoint_TRAIN.ts",
        "timeseriesclassification.com",
    ),
    ("folder that is not there", own(source="images", folder="no"), "mine.dataset.folder: found no folder at no", ""),
    (
        "one number for a size",
        own(source="images", folder=".", size=[64]),
        "mine.dataset.size: found [64]",
        "at least 2",
    ),
]


@pytest.mark.parametrize(("change", "first", "then"), [row[1:] for row in OWN], ids=[row[0] for row in OWN])
def test_configurations_of_own_data(change, first, then):
    refuse_configuration(change, first, then)
