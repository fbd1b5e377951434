"""The two tables of PTB-XL: which record has which statements, and for which label each statement counts.

Sources: Wagner P, Strodthoff N, Bousseljot RD, Kreiseler D, Lunze FI, Samek W, Schaeffter T. PTB-XL, a large publicly
available electrocardiography dataset. Scientific Data 7:154 (2020); for the labels Strodthoff N, Wagner P, Schaeffter
T, Samek W. Deep learning for ECG analysis: benchmarks and insights from PTB-XL. IEEE J Biomed Health Inform
25(5):1519-1528 (2021).
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import damaged
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list

DATABASE, STATEMENTS = "ptbxl_database.csv", "scp_statements.csv"
KINDS = ("superclass", "subclass", "all", "form", "rhythm")
Kind = Literal["superclass", "subclass", "all", "form", "rhythm"]
# The diagnostic superclasses, in the order and with the names of the first paper.
SUPERCLASSES = {
    "NORM": "normal ECG",
    "MI": "myocardial infarction",
    "STTC": "ST/T change",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
}
_FILE_COLUMN = {100: "filename_lr", 500: "filename_hr"}
_FILE_NAME = {100: r"records100/\d{5}/\d{5}_lr", 500: r"records500/\d{5}/\d{5}_hr"}
FOLDS = range(1, 11)
_LONGEST_CODES = 2_000  # characters of one record's statements


@dataclass(frozen=True)
class Record:
    """One row of the table of records.

    Attributes:
        number: `ecg_id`.
        patient: `patient_id`.
        fold: `strat_fold`, 1 to 10.
        name: its files without their suffix, below the folder of the database.
        statements: the likelihood in percent of each statement; 0 where none is known.
    """

    number: int
    patient: str
    fold: int
    name: str
    statements: Mapping[str, float]


@dataclass(frozen=True)
class Statements:
    """The table of statements.

    Attributes:
        described: the description of each statement, in the order of the table.
        diagnostic, form, rhythm: the statements of each kind; some are of two kinds.
        superclass, subclass: of each diagnostic statement.
    """

    described: Mapping[str, str]
    diagnostic: frozenset[str]
    form: frozenset[str]
    rhythm: frozenset[str]
    superclass: Mapping[str, str]
    subclass: Mapping[str, str]

    def labels(self, kind: Kind) -> tuple[str, ...]:
        """Return the names of all labels of a kind: superclasses as published, others in the order of the table."""
        if kind == "superclass":
            return tuple(SUPERCLASSES)
        if kind == "subclass":
            by_class = [
                self.subclass[name]
                for superclass in SUPERCLASSES
                for name in self.subclass
                if self.superclass[name] == superclass
            ]
            return tuple(dict.fromkeys(by_class))
        members = {"all": frozenset(self.described), "form": self.form, "rhythm": self.rhythm}[kind]
        return tuple(name for name in self.described if name in members)

    def label(self, statement: str, kind: Kind) -> str | None:
        """Return the label of a kind that a statement counts for, or None."""
        if kind == "superclass":
            return self.superclass.get(statement)
        if kind == "subclass":
            return self.subclass.get(statement)
        if kind == "all":
            return statement
        return statement if statement in (self.form if kind == "form" else self.rhythm) else None

    def title(self, label: str, kind: Kind) -> str:
        """Return the name of a label in words; of a subclass the statements that it joins."""
        if kind == "superclass":
            return SUPERCLASSES[label]
        if kind == "subclass":
            return ", ".join(name for name, subclass in self.subclass.items() if subclass == label)
        return self.described[label]


def statements(content: bytes, where: str) -> Statements:
    """Return the table of statements.

    Args:
        content: of `scp_statements.csv`.
        where: the file, for messages.

    Raises:
        InputError: the content is no such table.
    """
    columns = ["description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass"]
    table = _table(content, where, columns)
    names = table.iloc[:, 0].astype(str).tolist()
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError.unexpected(where, f"several rows of {comma_list(twice[:5])}", "one row of each statement")
    kinds = {
        kind: frozenset(name for name, is_of in zip(names, table[kind] == 1, strict=True) if is_of)
        for kind in ("diagnostic", "form", "rhythm")
    }
    classes: dict[str, dict[str, str]] = {
        column: {
            name: str(value)
            for name, value in zip(names, table[f"diagnostic_{column}"], strict=True)
            if name in kinds["diagnostic"] and isinstance(value, str)
        }
        for column in ("class", "subclass")
    }
    for name in sorted(kinds["diagnostic"]):
        if classes["class"].get(name) not in SUPERCLASSES or name not in classes["subclass"]:
            found = f"the diagnostic statement {name} of class {classes['class'].get(name, 'none')}"
            raise InputError.unexpected(where, found, f"one of {comma_list(SUPERCLASSES)}, and a subclass")
    described = dict(zip(names, table["description"].astype(str), strict=True))
    return Statements(described, **kinds, superclass=classes["class"], subclass=classes["subclass"])


def records(content: bytes, where: str, rate: int, known: Statements) -> list[Record]:
    """Return the records of the table, in its order.

    Args:
        content: of `ptbxl_database.csv`.
        where: the file, for messages.
        rate: 100 or 500 Hz: which files are named.
        known: the statements that may occur.

    Raises:
        InputError: the content is no such table; a record occurs twice, has no patient, no fold from 1 to 10, the name
            of another file, or statements that are not known.
    """
    column = _FILE_COLUMN[rate]
    table = _table(content, where, ["ecg_id", "patient_id", "scp_codes", "strat_fold", column])
    rows = list(zip(*(table[name].tolist() for name in table.columns), strict=True))
    read, seen = list[Record](), set[int]()
    for place, (number, patient, codes, fold, name) in enumerate(rows, 2):
        row = f"{where}, line {place}"
        if not _is_whole(number) or not _is_whole(patient):
            raise InputError.unexpected(row, f"the record {number} of patient {patient}", "whole numbers for both")
        if int(number) in seen:
            raise InputError.unexpected(row, f"the record {int(number)} again", "each record once")
        if not _is_whole(fold) or int(fold) not in FOLDS:
            raise InputError.unexpected(row, f"the strat_fold {fold}", "a fold from 1 to 10")
        if not re.fullmatch(_FILE_NAME[rate], str(name)):
            expected = f"a name like {_example(rate)}"
            raise InputError.unexpected(row, f"the {column} {abbreviate(str(name))}", expected)
        seen.add(int(number))
        likelihoods = _likelihoods(codes, row, known)
        read.append(Record(int(number), str(int(patient)), int(fold), str(name), likelihoods))
    if not read:
        raise InputError.unexpected(where, "no records", "at least one")
    return read


def multi_hot(
    members: Sequence[Record], known: Statements, kind: Kind, labels: Sequence[str], likelihood: float
) -> NDArray[np.uint8]:
    """Return (records, labels): 1 where a record has a statement that counts for the label.

    A diagnostic statement of a likelihood below `likelihood` does not count. Statements that are only of form or rhythm
    have no likelihood, and always count.
    """
    column = {name: index for index, name in enumerate(labels)}
    y = np.zeros((len(members), len(labels)), np.uint8)
    for row, record in enumerate(members):
        for statement, percent in record.statements.items():
            if statement in known.diagnostic and percent < likelihood:
                continue
            if (label := known.label(statement, kind)) in column:
                y[row, column[str(label)]] = 1
    return y


def _table(content: bytes, where: str, columns: Sequence[str]) -> Any:
    """Return a table of pandas: the first column and `columns` of a file; "ecg_id" is the first column itself.

    Raises:
        InputError: the content is no table with these columns.
    """
    import pandas as pd

    with damaged.refuse_unreadable(where, f"a table with the columns {comma_list(columns)}"):
        header = pd.read_csv(io.BytesIO(content), nrows=0).columns.tolist()
        if lacking := [name for name in columns if name not in header]:
            found = f"no column {comma_list(lacking)}"
            raise InputError.unexpected(where, found, "the table as PTB-XL 1.0.3 has it")
        wanted = columns if columns[0] == "ecg_id" else [header[0], *columns]
        # The codes of statements may be words that pandas reads as missing values.
        return pd.read_csv(io.BytesIO(content), usecols=wanted)[list(wanted)]


def _likelihoods(codes: Any, row: str, known: Statements) -> dict[str, float]:
    """Return the likelihood of each statement of a record, from text like {'NORM': 100.0, 'SR': 0.0}.

    Raises:
        InputError: other text; a statement that is not known, or a likelihood outside of 0 to 100.
    """
    expected = "statements with their likelihoods, like {'NORM': 100.0, 'SR': 0.0}"
    text = str(codes)
    try:
        pairs = ast.literal_eval(text) if len(text) <= _LONGEST_CODES else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        pairs = None
    if not isinstance(pairs, dict):
        raise InputError.unexpected(f"{row}, scp_codes", abbreviate(text), expected)
    for name, percent in pairs.items():
        if name not in known.described:
            found = f"the statement {abbreviate(str(name))}"
            raise InputError.unexpected(f"{row}, scp_codes", found, f"one of the statements of {STATEMENTS}")
        if isinstance(percent, bool) or not isinstance(percent, (int, float)) or not 0 <= percent <= 100:
            found = f"the likelihood {abbreviate(repr(percent))} of {name}"
            raise InputError.unexpected(f"{row}, scp_codes", found, "a number from 0 to 100")
    return {str(name): float(percent) for name, percent in pairs.items()}


def _is_whole(value: Any) -> bool:
    """Return whether a cell holds a whole number, which pandas gives as a float where other cells are empty."""
    return isinstance(value, (int, float)) and float(value).is_integer()


def _example(rate: int) -> str:
    return "records100/00000/00001_lr" if rate == 100 else "records500/00000/00001_hr"
