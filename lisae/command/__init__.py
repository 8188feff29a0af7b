"""What the command ``lisae`` does, but for its arguments, which are read without any of this."""
