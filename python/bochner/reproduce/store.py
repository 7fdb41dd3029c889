"""The results folder: parts that survive a kill, and files that are never half written."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FORMAT = 1
MANIFEST = "manifest.json"
_KEY = b"bochner"


class StoreError(Exception):
    """Something is wrong with the results folder; the message tells what to do."""


class Store:
    """A results folder of one version, seed and size.

    The manifest names the three. `parts/` keeps what was computed, a Parquet file a part, so
    that a run that was stopped goes on from the parts that it has. All else in the folder is
    made from the parts and can be made again.
    """

    def __init__(self, folder: Path, *, version: str, seed: int, size: str) -> None:
        """Open or found the folder.

        Raises
        ------
        StoreError
            If the folder is not a results folder, or is one of another version, seed or size.
            Nothing is written then.
        """
        self.folder = folder
        wanted = {"bochner results": FORMAT, "version": version, "seed": seed, "size": size}
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder} is a file; a folder is expected. Choose another with --out.")
        if not (folder / MANIFEST).exists():
            self._found(wanted)
        else:
            self._compare(wanted)
        self._sweep()

    def _found(self, manifest: Mapping[str, Any]) -> None:
        try:
            if self.folder.exists() and any(self.folder.iterdir()):
                raise StoreError(
                    f"{self.folder} is not empty and has no {MANIFEST}, so it was not made by "
                    "bochner. Nothing was written; choose another folder with --out."
                )
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot use {self.folder}: {error.strerror}") from error
        self.write_text(MANIFEST, json.dumps(manifest, indent=2) + "\n")

    def _compare(self, wanted: Mapping[str, Any]) -> None:
        path = self.folder / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            found = {key: manifest[key] for key in wanted}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path} cannot be read ({type(error).__name__}: {error}). Nothing was written; "
                "choose another folder with --out."
            ) from error
        differences = [
            f"{key} {found[key]} where this run has {value}" for key, value in wanted.items() if found[key] != value
        ]
        if differences:
            raise StoreError(
                f"{self.folder} holds results of {', and of '.join(differences)}. Nothing was "
                "written; choose another folder with --out."
            )

    def _sweep(self) -> None:
        """Remove what a killed run was writing, unless another run may be writing it now."""
        for path in self.folder.rglob(".*.tmp"):
            if time.time() - path.stat().st_mtime > 600:
                path.unlink(missing_ok=True)

    def part_path(self, figure: str, part: str) -> Path:
        """Where a part is kept, whether or not it is there yet."""
        return self.folder / "parts" / figure / f"{part}.parquet"

    def read_part(
        self, figure: str, part: str, setting: Mapping[str, Any]
    ) -> tuple[pd.DataFrame, dict[str, Any]] | None:
        """Rows and facts of a finished part; None if it is not there yet.

        Raises
        ------
        StoreError
            If the file is damaged or was made in another setting.
        """
        path = self.part_path(figure, part)
        if not path.exists():
            return None
        try:
            frame, facts = read_parquet(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise StoreError(
                f"{path} is damaged ({str(error).partition(chr(10))[0]}). Delete this file and start again: only "
                "this part will be computed anew. Nothing was written."
            ) from error
        if facts.get("setting") != setting:
            raise StoreError(
                f"{path} was made with the setting {facts.get('setting')} where this run has "
                f"{dict(setting)}. Nothing was written; choose another folder with --out."
            )
        return frame, facts

    def write_part(self, figure: str, part: str, frame: pd.DataFrame, facts: Mapping[str, Any]) -> None:
        """Keep a finished part; `facts` go to the Parquet metadata."""
        self.write_frame(f"parts/{figure}/{part}.parquet", frame, facts)

    def write_frame(self, name: str, frame: pd.DataFrame, facts: Mapping[str, Any]) -> None:
        """Write a table whose metadata hold `facts`."""
        table = pa.Table.from_pandas(frame, preserve_index=False)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: json.dumps(facts).encode()})
        self.write(name, lambda file: pq.write_table(table, file, write_page_checksum=True))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file."""
        self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file of these bytes."""
        self.write(name, lambda file: file.write(content))

    def write(self, name: str, writer: Callable[[BinaryIO], Any]) -> None:
        """Write a file as a whole or not at all.

        The text goes to a temporary file beside it, which takes the name when it is complete
        and on the disk.

        Raises
        ------
        StoreError
            If the disk is full or the folder cannot be written; what was there before remains.
        """
        path = self.folder / name
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                writer(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise StoreError(
                f"cannot write {path}: {error.strerror or error}. What was finished before is "
                "kept; when this is mended, start the same command again and it goes on."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)

    def records(self) -> dict[str, dict[str, Any]]:
        """What is known of each finished figure, by its name.

        Raises
        ------
        StoreError
            If a record cannot be read or is not the one of its figure.
        """
        found = {}
        for path in sorted((self.folder / "parts").glob("*.json")):
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
                if record["name"] != path.stem:
                    raise ValueError(f"it is of {record['name']!r}; expected {path.stem!r}")
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise StoreError(
                    f"{path} is damaged ({type(error).__name__}: {error}). Nothing was written; delete it and start again."
                ) from error
            found[path.stem] = record
        return found

    def read_bytes(self, name: str) -> bytes:
        """Content of a file of the folder.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        path = self.folder / name
        try:
            return path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"cannot read {path}: {error.strerror or error}. Its figure makes it again: bochner reproduce FIGURE."
            ) from error

    def write_record(self, figure: str, record: Mapping[str, Any]) -> None:
        """Keep what is known of a finished figure."""
        self.write_text(f"parts/{figure}.json", json.dumps(record, indent=1) + "\n")


def read_parquet(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rows and facts of a table written by `Store.write_frame`, its checksums verified.

    Raises
    ------
    OSError, ValueError, pyarrow.ArrowException
        If there is none or it is damaged or of other origin.
    """
    table = pq.ParquetFile(path, page_checksum_verification=True).read()
    facts = json.loads((table.schema.metadata or {}).get(_KEY, b"null"))
    if not isinstance(facts, dict):
        raise ValueError(f"its metadata have no facts under {_KEY.decode()!r}, so it was not made by bochner")
    return table.to_pandas(), facts
