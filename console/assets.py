"""What pages load: the Tabler stylesheet from an installed package, and our own few lines of CSS and JavaScript.

Each file is read once, named by its content, and sent compressed; nothing comes from anywhere else. Tabler has its
dark colours behind an attribute that only a script could set, so they are put behind the reader's own preference here.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from fastapi import APIRouter, Request, Response

TABLER_PACKAGE = "starlette-admin"
TABLER_FILE = "starlette_admin/static/css/vendor/tabler.min.css"
"""The package carries the stylesheet unchanged; nothing of it is imported."""

OWN = Path(__file__).parent / "static"

FOR_A_YEAR = "public, max-age=31536000, immutable"

_DARK_RULE = re.compile(r"(?<=[};])([^{};@]*\[data-bs-theme=dark\][^{};@]*)\{([^{}]*)\}")
_DARK = "[data-bs-theme=dark]"


class AssetMissingError(Exception):
    """A file that pages need is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `path` changes with its content, so that browsers may keep it for ever."""

    name: str
    path: str
    media_type: str
    content: bytes
    compressed: bytes
    etag: str


def _asset(name: str, content: bytes, media_type: str) -> Asset:
    mark = hashlib.sha256(content).hexdigest()[:16]
    return Asset(name, f"/static/{mark}/{name}", media_type, content, gzip.compress(content, 9, mtime=0), f'"{mark}"')


def dark_by_preference(css: str) -> str:
    """The stylesheet with its dark rules once more, for readers whose system is dark."""
    rules = []
    for selectors, declarations in _DARK_RULE.findall(css):
        wanted = [s for s in selectors.split(",") if s.strip().startswith(_DARK)]
        if wanted:
            rules.append(f"{','.join(s.strip().replace(_DARK, ':root') for s in wanted)}{{{declarations}}}")
    return f"{css}\n@media (prefers-color-scheme:dark){{{''.join(rules)}}}\n"


def _tabler() -> bytes:
    try:
        file = Path(str(distribution(TABLER_PACKAGE).locate_file(TABLER_FILE)))
        return dark_by_preference(file.read_text(encoding="utf-8")).encode()
    except (PackageNotFoundError, OSError) as error:
        raise AssetMissingError(
            f"The stylesheet of the pages is missing ({error}): install the pinned packages of requirements.txt."
        ) from error


class Assets:
    """All files by name."""

    def __init__(self) -> None:
        self.by_name = {
            asset.name: asset
            for asset in (
                _asset("tabler.css", _tabler(), "text/css; charset=utf-8"),
                _asset("console.css", (OWN / "console.css").read_bytes(), "text/css; charset=utf-8"),
                _asset("console.js", (OWN / "console.js").read_bytes(), "text/javascript; charset=utf-8"),
                _asset("icon.svg", (OWN / "icon.svg").read_bytes(), "image/svg+xml"),
            )
        }

    def path(self, name: str) -> str:
        """Where a page finds a file."""
        return self.by_name[name].path

    def router(self) -> APIRouter:
        """The route that sends them; public, as they hold nothing of anybody's."""
        routes = APIRouter()

        @routes.api_route("/static/{mark}/{name}", methods=["GET", "HEAD"], include_in_schema=False)
        def static(mark: str, name: str, request: Request) -> Response:
            asset = self.by_name.get(name)
            if asset is None or asset.path != f"/static/{mark}/{name}":
                return Response("not found\n", 404, media_type="text/plain")
            headers = {"ETag": asset.etag, "Cache-Control": FOR_A_YEAR, "Vary": "Accept-Encoding"}
            if request.headers.get("if-none-match") == asset.etag:
                return Response(status_code=304, headers=headers)
            if "gzip" in request.headers.get("accept-encoding", ""):
                headers["Content-Encoding"] = "gzip"
                return Response(asset.compressed, media_type=asset.media_type, headers=headers)
            return Response(asset.content, media_type=asset.media_type, headers=headers)

        return routes
