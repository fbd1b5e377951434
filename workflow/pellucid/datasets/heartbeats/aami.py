"""The five AAMI classes of heartbeats, and how de Chazal et al. divide the MIT-BIH records between training and test.

Sources: ANSI/AAMI EC57:1998; de Chazal P, O'Dwyer M, Reilly RB. Automatic classification of heartbeats using ECG
morphology and heartbeat interval features. IEEE Trans Biomed Eng 51(7):1196-1206 (2004).
"""

from __future__ import annotations

# Annotation codes of the beats in each class. All other codes mark rhythms, noise, waves, …, not beats.
CODES = {
    "N": ("N", "L", "R", "e", "j"),  # normal, bundle branch block, atrial and nodal escape
    "S": ("A", "a", "J", "S"),  # supraventricular ectopic
    "V": ("V", "E"),  # ventricular ectopic
    "F": ("F",),  # fusion of a ventricular and a normal beat
    "Q": ("/", "f", "Q"),  # paced, fusion of a paced and a normal beat, unclassifiable
}
CLASS_OF = {code: name for name, codes in CODES.items() for code in codes}

DS1 = (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
DS2 = (100, 103, 105, 111, 113, 117, 121, 123, 200, 202, 210, 212, 213, 214, 219, 221, 222, 228, 231, 232, 233, 234)
# Records of patients with a pacemaker, which the standard and both lists leave out.
PACED = (102, 104, 107, 217)
RECORDS = tuple(sorted(DS1 + DS2 + PACED))
# The 48 records are of 47 patients: these two are of one, and lie on different sides in the published lists.
SAME_PATIENT = (201, 202)


def patient(record: int) -> str:
    """Return the patient of a record: the number of the patient's first record."""
    return str(SAME_PATIENT[0] if record in SAME_PATIENT else record)
