"""The reproduction: data, tasks, runs, records, and the paper's tables and figures made from them."""
