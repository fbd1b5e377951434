"""Recordings with beats at known places, written by wfdb in the layout of the MIT-BIH Arrhythmia Database."""

import hashlib

import numpy as np
import wfdb

RATE = 360
SPACING = 288  # samples from one R peak to the next: 0.8 s
WIDTH = 6  # samples, standard deviation of an R wave


def peaks_of(count, first=SPACING):
    return first + SPACING * np.arange(count)


def write_record(folder, number, codes, *, leads=("MLII", "V1"), heights=(1.0, -0.5), peaks=None, samples=None):
    """One record whose k-th annotation has the k-th code; every lead has Gaussian R waves of its height in mV."""
    folder.mkdir(parents=True, exist_ok=True)
    peaks = peaks_of(len(codes)) if peaks is None else np.asarray(peaks)
    samples = peaks[-1] + SPACING if samples is None else samples
    waves = np.exp(-0.5 * ((np.arange(samples)[:, None] - peaks) / WIDTH) ** 2).sum(1)
    wfdb.wrsamp(
        str(number),
        fs=RATE,
        units=["mV"] * len(leads),
        sig_name=list(leads),
        p_signal=waves[:, None] * np.array(heights[: len(leads)]),
        fmt=["212"] * len(leads),
        adc_gain=[200.0] * len(leads),
        baseline=[1024] * len(leads),
        write_dir=str(folder),
    )
    wfdb.wrann(str(number), "atr", peaks, np.array(list(codes)), write_dir=str(folder))
    return peaks


def write_sums(folder, **wrong):
    """`SHA256SUMS.txt` of all files of a folder; `wrong` gives another digest for a name."""
    lines = [
        f"{wrong.get(path.name.replace('.', '_'), hashlib.sha256(path.read_bytes()).hexdigest())} {path.name}\n"
        for path in sorted(folder.glob("[0-9]*.*"))
    ]
    (folder / "SHA256SUMS.txt").write_text("".join(lines))
