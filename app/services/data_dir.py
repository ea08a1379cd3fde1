"""Where the product keeps its own files when nothing else is said."""

import os
from collections.abc import Mapping
from pathlib import Path


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Name the data folder: `DATA_DIR`, else the place that the system's conventions give to this user."""
    if named := environ.get("DATA_DIR"):
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/scoro-intacct")
    shared = environ.get("XDG_DATA_HOME")
    return (Path(shared) if shared else Path.home() / ".local" / "share") / "scoro-intacct"


def ensure_data_dir(path: Path) -> Path:
    """Create the data folder, closed to other users, and return its absolute path; leave an existing one as it is.

    As root the folder may be passed through, not listed, because the embedded database runs there under an
    unprivileged user.
    """
    path = path.absolute()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            path.chmod(0o711)
    return path
