"""Docstrings, which are plain text, as reStructuredText: no character of theirs is markup, and arguments become a list.

An argument, or a field, is described as "name: text" or "one, other: text", at the beginning of a paragraph or after a
semicolon or a full stop.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
SPECIAL = re.compile(r"([\\*_|`])")
DESCRIBED = re.compile(r"(?:(?<=[;.] )|^)(\w+(?:, \w+)*)(?: (\([^():]*\)|\"[^\"]*\"))?: ", re.MULTILINE)


def names_of(thing: Any) -> set[str]:
    """The arguments of a function, or the fields of a data class."""
    if dataclasses.is_dataclass(thing):
        return {field.name for field in dataclasses.fields(thing)}
    try:
        return set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return set()


def plain(text: str) -> str:
    """Text in which nothing is markup but `code`."""
    parts = []
    end = 0
    for match in CODE.finditer(text):
        parts += [SPECIAL.sub(r"\\\1", text[end : match.start()]), f"``{match[2]}``"]
        end = match.end()
    return "".join([*parts, SPECIAL.sub(r"\\\1", text[end:])])


def paragraph(text: str, names: set[str]) -> list[str]:
    """The lines of a paragraph, with what describes arguments as a list."""
    found = [match for match in DESCRIBED.finditer(text) if set(match[1].split(", ")) <= names]
    if not found:
        return [*plain(text).split("\n"), ""]
    lines = [*plain(text[: found[0].start()].strip()).split("\n"), ""]
    ends = [match.start() for match in found[1:]] + [len(text)]
    for match, end in zip(found, ends, strict=True):
        body = " ".join(text[match.end() : end].strip().removesuffix(";").split())
        shape = f" {plain(match[2])}" if match[2] else ""
        heads = ", ".join(f"**{name}**" for name in match[1].split(", "))
        lines += [f"* {heads}{shape}: {plain(body)}"]
    return [*lines, ""]


def adapt(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    names = names_of(thing)
    examples = "\n".join(lines).strip("\n").split("\n\n")
    lines[:] = [
        line
        for text in examples
        for line in ([*text.split("\n"), ""] if text.startswith(">>>") else paragraph(text, names))
    ]


def readable(
    app: Any, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: str | None
) -> Any:
    """A default that is a function is shown by its name; as "<function f>" the signature could not be read."""
    return (re.sub(r"<function (\w+)>", r"\1", signature), returns) if signature else None


def setup(app: Any) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", adapt)
    app.connect("autodoc-process-signature", readable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
