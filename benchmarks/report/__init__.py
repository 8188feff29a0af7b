"""Figures, tables, the report, and the generated part of README.md."""
