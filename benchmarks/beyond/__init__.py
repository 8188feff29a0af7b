"""Measurements beyond the paper: what chose the library's defaults, and what they are worth."""
