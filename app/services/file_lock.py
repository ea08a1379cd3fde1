"""Advisory locks on files, which the kernel lets go of when the last process that holds one is gone."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """One open lock file; a lock taken through it lasts until `close` or the death of the process."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> None:
        """Wait for a shared lock."""
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def wait_exclusive(self) -> None:
        """Wait until the lock is ours alone."""
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def try_exclusive(self) -> bool:
        """Take the lock for us alone if nobody else holds it; a shared lock of our own is lost if that fails."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Close our own copy of the file; a process that inherited it keeps the lock."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
