"""The errors a user can meet: what happened, what state is left, which command mends it."""


class RoundhouseError(Exception):
    """An expected failure, told in one line.

    Args:
        what: what happened, with the value that caused it.
        left: what state is left behind.
        mend: the command or the change that mends it.
    """

    def __init__(self, what: str, *, left: str, mend: str) -> None:
        super().__init__(what, left, mend)
        self.what, self.left, self.mend = what, left, mend

    def __str__(self) -> str:
        line = f"{self.what.rstrip('.')}. {self.left.rstrip('.')}. {self.mend.rstrip('.')}."
        return " ".join(line.split())

    def __reduce__(self) -> tuple:
        # Prefect keeps a failed run's error by pickling it; keyword-only arguments need this.
        return _rebuild, (type(self), self.what, self.left, self.mend)


def _rebuild(kind: type[RoundhouseError], what: str, left: str, mend: str) -> RoundhouseError:
    return kind(what, left=left, mend=mend)


class SettingsError(RoundhouseError):
    """A profile, an option or an environment variable does not fit."""


class InputError(RoundhouseError):
    """A file to be read is missing, empty, cut short or not what it should be."""


class LakeError(RoundhouseError):
    """The lake lacks what a step needs, is held by another process, or does not match its manifest."""


class HubError(RoundhouseError):
    """The Hub is unreachable, refuses, or does not hold what was asked for."""


class HubUnavailableError(HubError):
    """The Hub does not answer, or asks for patience: the same call may succeed later."""


class LostRaceError(HubError):
    """Another worker published first; this worker's result was discarded."""


class NothingToDoError(RoundhouseError):
    """There is no shard left to train on."""


class TrainingError(RoundhouseError):
    """A round cannot start or went wrong; nothing of it was published."""
