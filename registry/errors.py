"""Every error a caller may want to catch, with its exit code and its way out.

Exit codes: 1 failed, 2 wrong usage or configuration, 3 partly done, 5 schema too old or new, 75 lock busy,
130 and 143 stopped by a signal. A message names the thing, what was expected and what was found; the hint
is the next command. Neither ends with a full stop.
"""

from __future__ import annotations


class RegistryError(Exception):
    """Base of every error a caller may want to catch."""

    exit_code = 1
    code = "failed"

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RegistryError):
    """A name, a reference or an option that cannot mean anything here."""

    exit_code = 2
    code = "usage"


class ConfigurationError(UsageError):
    """The configuration, the zoo's folder or the database address is wrong."""

    code = "configuration"


class NotFoundError(RegistryError):
    """Nothing is registered under that name."""

    code = "not_found"


class ConflictError(RegistryError):
    """What is asked for contradicts a row that exists."""

    code = "conflict"


class InputError(RegistryError):
    """A file or an array from outside is missing, broken or does not fit."""

    code = "input"


class EmbeddingMismatch(InputError):
    """An embedding does not match its data set, its registry row or its file."""

    code = "embedding_mismatch"


class UnfitLayer(InputError):
    """A layer is sound, and a metric or a recipe is not defined for it."""

    code = "unfit_layer"


class StoreError(RegistryError):
    """The file store cannot be read or written, or a file in it is not what its row says."""

    code = "store"


class DatabaseError(RegistryError):
    """The database refused a connection or a statement."""

    code = "database"


class MissingExtra(RegistryError):
    """A library of an optional extra is not installed."""

    exit_code = 2
    code = "missing_extra"


class SchemaVersionError(RegistryError):
    """The database has an older or a newer schema than this version of the program."""

    exit_code = 5
    code = "schema"


class LockBusy(RegistryError):
    """Another run holds the registry's lock."""

    exit_code = 75
    code = "lock_busy"


class LockLost(RegistryError):
    """The lock's connection is gone: nothing more may be written by this run."""

    code = "lock_lost"


class PartlyDone(RegistryError):
    """Some items failed, and the rest is committed."""

    exit_code = 3
    code = "partly_done"


class Interrupted(RegistryError):
    """A signal or `run cancel` stopped the run after a committed unit."""

    code = "interrupted"

    def __init__(self, message: str, *, hint: str, exit_code: int = 130) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code
