"""What addresses of the JSON API take, by name."""

from typing import Annotated

from fastapi import Path, Query

Id = Annotated[int, Path(ge=1, le=2**62)]
Cursor = Annotated[int | None, Query(ge=1, le=2**62, description="`next` of the page before.")]
Size = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
OfConnection = Annotated[int | None, Query(ge=1, le=2**62, description="Only of the connection with this id.")]
