"""The exceptions that a user can cause, each also a built-in type, so that generic handlers still work."""


class TautError(Exception):
    """Base of every error that Taut raises on purpose; the command line prints it and exits with code 2."""


class DataError(TautError, ValueError):
    """Data that cannot be used as they are: the message names the column or row, the reason and the remedy."""


class ArgumentError(TautError, ValueError):
    """An argument that makes no sense, by itself or with the others."""


class PairingError(TautError, TypeError):
    """Parts that do not go together, e.g. a gradient estimator that asks for what a family cannot give."""


class SavedFitError(TautError, ValueError):
    """A saved fit that is damaged, foreign, or of another model."""


class AbsentError(ArgumentError, AttributeError):
    """Something was asked of a result that its kind does not have; the message says what to ask instead."""
