"""A database in the layout of PTB-XL with records of the test's own, written by wfdb and csv."""

import csv
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import wfdb

LEADS = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]

# Two diagnostic classes, a statement of form and one of rhythm; of the published table only what is needed.
STATEMENTS = [
    {
        "": "NORM",
        "description": "normal ECG",
        "diagnostic": 1.0,
        "diagnostic_class": "NORM",
        "diagnostic_subclass": "NORM",
    },
    {
        "": "IMI",
        "description": "inferior infarction",
        "diagnostic": 1.0,
        "diagnostic_class": "MI",
        "diagnostic_subclass": "IMI",
    },
    {
        "": "NDT",
        "description": "T abnormalities",
        "diagnostic": 1.0,
        "form": 1.0,
        "diagnostic_class": "STTC",
        "diagnostic_subclass": "STTC",
    },
    {"": "ABQRS", "description": "abnormal QRS", "form": 1.0},
    {"": "SR", "description": "sinus rhythm", "rhythm": 1.0},
]
_COLUMNS = ["", "description", "diagnostic", "form", "rhythm", "diagnostic_class", "diagnostic_subclass"]


def rows(count=24):
    """Rows of the table of records: of each patient two records in one fold, every third with an infarction."""
    made = []
    for number in range(1, count + 1):
        codes = {"IMI": 100.0, "SR": 0.0} if number % 3 == 0 else {"NORM": 80.0}
        made.append(
            {
                "ecg_id": number,
                "patient_id": float(1000 + (number - 1) // 2),
                "scp_codes": str(codes),
                "strat_fold": 1 + (number - 1) // 2 % 10,
                "filename_lr": f"records100/00000/{number:05d}_lr",
                "filename_hr": f"records500/00000/{number:05d}_hr",
            }
        )
    return made


def write(folder: Path, table, statements=STATEMENTS, leads=LEADS):
    """Write the tables, the records at 100 Hz and their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns, lines in (
        ("ptbxl_database.csv", list(table[0]), table),
        ("scp_statements.csv", _COLUMNS, statements),
    ):
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(lines)
    (folder / "records100/00000").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in sorted({row["ecg_id"] for row in table}):
        wfdb.wrsamp(
            f"{number:05d}_lr",
            fs=100,
            units=["mV"] * len(leads),
            sig_name=list(leads),
            d_signal=rng.integers(-800, 800, (1000, len(leads)), dtype=np.int64),
            fmt=["16"] * len(leads),
            adc_gain=[1000.0] * len(leads),
            baseline=[0] * len(leads),
            write_dir=str(folder / "records100/00000"),
        )
    write_sums(folder)
    return folder


def write_sums(folder: Path):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "SHA256SUMS.txt"]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.relative_to(folder)}\n" for path in files]
    (folder / "SHA256SUMS.txt").write_text("".join(lines))


def zipped(folder: Path, archive: Path, root="ptb-xl-1.0.3/", only=("",)):
    """Zip a folder as PhysioNet does, everything below one folder: the files whose path begins with one of `only`."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and str(path.relative_to(folder)).startswith(tuple(only)):
                file.write(path, root + str(path.relative_to(folder)))
    return archive
