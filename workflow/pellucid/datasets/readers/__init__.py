"""Readers of file formats and tables, shared by data sources."""
