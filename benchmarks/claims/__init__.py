"""The paper's claims, judged by our records and kept computations."""
