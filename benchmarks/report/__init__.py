"""What is drawn and written: figures, tables, the report, and the generated part of README.md."""
