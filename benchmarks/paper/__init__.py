"""What the paper shows, as data: its tasks, tables, printed numbers, slips and claims, and the linear case."""
