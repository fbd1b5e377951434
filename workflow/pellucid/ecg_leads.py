"""The 12 leads of an electrocardiogram, in the clinical order and spelling."""

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
