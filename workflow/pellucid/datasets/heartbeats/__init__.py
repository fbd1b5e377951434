"""Heartbeats of ECG recordings: records, beats, AAMI classes, the model of a synthetic ECG."""
