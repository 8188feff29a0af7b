"""What a training may end with."""


class CollapseError(RuntimeError):
    """A model that learned nothing: it diverged, stayed at the mean image, or codes, scores or images are constant."""


class UndertrainedError(CollapseError):
    """A model that had too few steps to learn anything; another seed would not help it."""


class RestartWarning(UserWarning):
    """A model learned nothing from one seed and is trained again from another."""
