"""`files`: upload in parts, download in both forms, relations to documents.

A first part without an id makes the file and answers its `file_id`; further parts go to
`files/modify/{file_id}`. A file exists once all its parts have come and their sizes add up.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.scoro.errors import BadRequestError, NotFoundError
from sandbox.scoro.fields import Field
from sandbox.scoro.modules import MODULES
from sandbox.scoro.site import Actor, Site
from sandbox.scoro.store import Record

CHUNK_LIMIT = 5_000_000
"""Most bytes of one part, as it is sent (base64)."""

FILES = MODULES["files"]


def modify(site: Site, file_id: int | None, given: Mapping[str, Any], *, entity: str, actor: Actor) -> Record:
    """Take one part of a content, or change what is told of a file."""
    if "chunk_data" not in given:
        if file_id is None:
            raise BadRequestError("chunk_data is required", "chunk_data")
        return site.save(FILES, file_id, given, entity=entity, actor=actor)
    data, number, total, size = _part(given)
    with site.store.transaction():
        record = site.save(FILES, file_id, given, entity=entity, actor=actor)
        if file_id is not None and not record.head.get("_parts_left"):
            raise BadRequestError(f"file {file_id} is complete", "chunk_no")
        left = record.head.get("_parts_left") or list(range(1, total + 1))
        if number not in left or total != record.head.get("_parts", total):
            raise BadRequestError(f"chunk {number} of {total} is not expected", "chunk_no")
        left = [part for part in left if part != number]
        site.store.add_chunk(record.id, number, data)
        head = {**record.head, "_parts": total, "_parts_left": left, "file_name": str(given.get("name") or "file")}
        if not left:
            content = b"".join(site.store.chunks(record.id))
            if len(content) != size:
                raise BadRequestError(f"size is {len(content)}, not {size}", "size")
            head |= {"file_size": str(size), "hash": hashlib.md5(content, usedforsecurity=False).hexdigest()}
            head["file_location"] = f"/files/{head['hash']}"
        return site.store.put(replace(record, head=head))


def _part(given: Mapping[str, Any]) -> tuple[bytes, int, int, int]:
    text = str(given["chunk_data"])
    if len(text) > CHUNK_LIMIT:
        raise BadRequestError(f"chunk_data is larger than {CHUNK_LIMIT} bytes", "chunk_data")
    try:
        data = base64.b64decode(text, validate=True)
        number, total = int(given.get("chunk_no", 1)), int(given.get("chunks_total", 1))
        size = int(given["size"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise BadRequestError("size, chunk_no, chunks_total or chunk_data is malformed", "chunk_data") from error
    if not 1 <= number <= total:
        raise BadRequestError(f"chunk {number} of {total} is not expected", "chunk_no")
    return data, number, total, size


def content(site: Site, file_id: int, entity: str) -> tuple[Record, bytes]:
    """Return a file and its content; a file that is not complete is not found."""
    record = site.find(FILES, file_id, entity)
    if record.deleted is not None or record.head.get("_parts_left") != []:
        raise NotFoundError(f"file {file_id} not found")
    return record, b"".join(site.store.chunks(file_id))


def relate(site: Site, file_id: int, given: Mapping[str, Any], *, entity: str, add: bool) -> Record:
    """Add or remove the relation of a file to a record."""
    rel_type = str(given.get("rel_type") or "")
    if rel_type not in MODULES:
        raise BadRequestError(f"rel_type {rel_type!r} is unknown", "rel_type")
    rel_id = Field("rel_id", "int", 0).accept(given.get("rel_id"))
    if add and site.store.get(MODULES[rel_type].storage, rel_id) is None:
        raise BadRequestError(f"{rel_type} {rel_id} does not exist", "rel_id")
    with site.store.transaction():
        record = site.find(FILES, file_id, entity)
        relations = {**record.head.get("relations", {})}
        ids = [item for item in relations.get(rel_type, []) if item != rel_id] + [rel_id] * add
        relations[rel_type] = ids
        head = {**record.head, "relations": {key: held for key, held in relations.items() if held}}
        return site.store.put(replace(record, head=head, modified=site.now()))
