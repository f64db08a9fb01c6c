"""The answers of the verdict as enumerations; each equals and prints as its word, so that JSON holds the word."""

import enum


class Answer(enum.StrEnum):
    """A word that is one of a few."""

    def __repr__(self) -> str:
        return repr(self.value)


class Converged(Answer):
    """Whether q is the best of its family."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Trusted(Answer):
    """Whether the answer can be used: as it is, with its importance weights, with care, or not at all."""

    GOOD = "good"
    CORRECTED = "corrected"
    SUSPECT = "suspect"
    UNUSABLE = "unusable"
