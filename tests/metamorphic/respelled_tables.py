"""Tables as people write them: generated, and written in many ways that say the same."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from pellucid.datasets import table

# Names and labels that are numbers for some reader, or nearly alike.
NUMBER_LIKE = ["0", "1", "01", "1_1", "11", "11_2", "1_12", "1e1", "10", "1.0", "2.0", "-1", "+1", "٣", "²", "--3"]
ODD_TEXTS = ["nan", "inf", "True", "true", "F", "f", "NA", "None", "?", "é", "a b", "a,b", "a;b", 'a"b', "7.5", "ß"]


def texts(*, blanks: bool = False) -> st.SearchStrategy[str]:
    """A text for a label, a group or a name."""
    characters = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
    return st.one_of(
        st.sampled_from([*NUMBER_LIKE, *ODD_TEXTS]),
        st.text(characters, min_size=1, max_size=5),
        *([st.sampled_from([" N", "N", "N "])] if blanks else []),
    )


@st.composite
def frames(draw: st.DrawFn, label: st.SearchStrategy[str] | None = None) -> pd.DataFrame:
    """A signal of a few samples, a group `who` and a `label` of two or three classes; every row is another one."""
    samples = draw(st.integers(3, 9))
    classes = draw(
        st.lists(st.sampled_from("NVSFf") if label is None else label, min_size=2, max_size=3, unique_by=str.strip)
    )
    prefix = draw(st.sampled_from(["t", "ecg_", "0_", "1e"]))
    each = draw(st.integers(3, 4))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    values = random.permutation(len(classes) * each * samples).reshape(-1, samples)
    frame = pd.DataFrame((values / 8 - 3).astype(np.float32), columns=[f"{prefix}{at}" for at in range(samples)])
    frame["who"] = [f"p{at % 4}" for at in range(len(frame))]
    frame["label"] = [classes[at % len(classes)] for at in range(len(frame))]
    return frame


@dataclass(frozen=True)
class Spelling:
    """One way to write a frame into a file."""

    suffix: str = "parquet"
    separator: str = ","
    decimal: str = "."
    end: str = "\n"
    last_end: bool = True
    encoding: str = "utf-8"
    quoting: int = csv.QUOTE_MINIMAL
    index: str = "none"
    header: bool = True

    @property
    def plain(self) -> bool:
        """Whether such a file has to be read; of others it is enough that they are refused by name."""
        if self.suffix in ("parquet", "npz"):
            return True
        # UTF-16 without its mark, other encodings, a comma between cells and in numbers, a column without a name.
        known = self.encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be with mark")
        return known and (self.separator, self.decimal) != (",", ",") and self.index != "unnamed"

    def write(self, frame: pd.DataFrame, folder: Path, stem: str) -> Path:
        path = folder / f"{stem}.{self.suffix}"
        indexed = self._indexed(frame)
        if self.suffix == "parquet":
            indexed.to_parquet(path)
        elif self.suffix == "npz":
            parts = {"who": frame["who"].to_numpy(str), "label": frame["label"].to_numpy(str)}
            np.savez(path, x=frame.drop(columns=["who", "label"]).to_numpy(), **parts)
        else:
            path.write_bytes(self._encoded(self._text(indexed)))
        return path

    def _indexed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With an index of shuffled numbers, as a frame has that was a part of another one."""
        if self.index == "none":
            return frame.reset_index(drop=True)
        indexed = frame.set_axis(np.random.default_rng(0).permutation(100 + np.arange(len(frame))))
        if self.index == "named":
            return indexed.rename_axis("row")
        if self.index == "saved twice" and self.suffix != "parquet":
            return pd.read_csv(io.StringIO(indexed.to_csv()), keep_default_na=False, dtype={"label": str}).astype(
                {"label": str}
            )
        return indexed

    def _text(self, frame: pd.DataFrame) -> str:
        kept = self.index in ("unnamed",)
        content = frame.to_csv(
            index=kept,
            sep=self.separator,
            decimal=self.decimal,
            header=self.header,
            quoting=self.quoting,
            lineterminator=self.end,
        )
        return content if self.last_end else content.removesuffix(self.end)

    def _encoded(self, content: str) -> bytes:
        if self.encoding == "utf-16-be with mark":
            return codecs.BOM_UTF16_BE + content.encode("utf-16-be")
        return content.encode(self.encoding, "replace" if self.encoding == "latin-1" else "strict")


@st.composite
def spellings(draw: st.DrawFn, **fixed: object) -> Spelling:
    """A way to write a frame."""
    suffix = draw(st.sampled_from(["csv", "csv", "tsv", "txt", "parquet", "npz"]))
    separator = "\t" if suffix == "tsv" else draw(st.sampled_from([",", ";", "\t", "|", " "]))
    encodings = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be with mark", "utf-16-le", "latin-1"]
    chosen = {
        "suffix": suffix,
        "separator": separator,
        "decimal": draw(st.sampled_from([".", ","])),
        "end": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "last_end": draw(st.booleans()),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8", *encodings])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        "index": draw(st.sampled_from(["none", "none", "none", "unnamed", "named", "saved twice"])),
    }
    return Spelling(**{**chosen, **fixed})  # type: ignore[arg-type]


def load(path: Path, test: Path | None = None, **parameters: object):
    """Read a table as the workflow does."""
    files = {"file": path} | ({"test": test} if test else {})
    return table.load(files, np.random.default_rng(0), **parameters)


def rows(examples, classes) -> set[tuple[object, ...]]:
    """Every example as its values, its class's name and its group."""
    groups = examples.group.tolist() if examples.group is not None else [None] * len(examples.y)
    labels = [classes[label] for label in examples.y]
    return set(zip(map(tuple, examples.x[:, :, 0].tolist()), labels, groups, strict=True))


def rows_of(frame: pd.DataFrame) -> set[tuple[object, ...]]:
    """The same of the frame itself."""
    values = map(tuple, frame.drop(columns=["who", "label"]).to_numpy(np.float32).tolist())
    return set(zip(values, frame["label"].str.strip(), frame["who"], strict=True))
