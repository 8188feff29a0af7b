"""Speed, measured as ratios side by side in one call: ``tox -e speed``."""
