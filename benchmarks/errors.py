"""Errors for people: what was given, what is wrong, what to do. The command line prints their text alone."""


class CallError(Exception):
    """The call is wrong and nothing was started (exit status 2)."""


class UnavailableError(Exception):
    """Something asked for cannot be made here: no data, no disk space, a run that failed (exit status 3)."""
