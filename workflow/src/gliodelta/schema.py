"""Configuration and sheets checked against ``workflow/schemas``, with errors that say what to write."""

import difflib
import functools
from pathlib import Path

from gliodelta import io

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


class InvalidInput(ValueError):
    """Something that a person wrote is not as the schema wants it; the text says what to write instead."""


def validate(document, name, where, quote=True):
    """Checks `document` against ``workflow/schemas/<name>.schema.yaml`` and fills in defaults.

    Args:
        document: what was read from YAML or from a row of a sheet; not modified.
        name: name of the schema.
        where: what the user calls the source, such as a file and line; begins the error text.
        quote: whether the error text may repeat what was found; not of sheets, whose cells may name people.

    Returns:
        The document with the schema's defaults.

    Raises:
        InvalidInput: with the place, what was found (if `quote`) and what is expected.
    """
    import copy

    import fastjsonschema

    try:
        return _validator(name)(_with_sections(copy.deepcopy(document), read(name)))
    except fastjsonschema.JsonSchemaValueException as error:
        raise InvalidInput(f"{where}: {_explain(error, quote)}") from None


@functools.cache
def read(name):
    """Returns the schema `name` as a dict."""
    return io.read_yaml(SCHEMAS / f"{name}.schema.yaml")


@functools.cache
def _validator(name):
    import fastjsonschema

    return fastjsonschema.compile(read(name))


def _with_sections(document, schema):
    """Adds the sections that were left out, so that the validator fills in their keys' defaults too."""
    if isinstance(document, dict):
        for key, entry in schema.get("properties", {}).items():
            if entry.get("default") == {}:
                document[key] = _with_sections(document.get(key) or {}, entry)
    return document


def _explain(error, quote):
    place = error.name.removeprefix("data").lstrip(".") or "the document"
    if error.rule not in ("additionalProperties", "required"):
        said = error.message.removeprefix("data").lstrip(".") + (f", but is {error.value!r}" if quote else "")
        # A pattern alone does not tell what to write.
        meaning = error.definition.get("description") if error.rule == "pattern" else None
        return f"{said}. {meaning}" if meaning else said
    known = sorted(error.definition.get("properties", {}))
    extra = [] if error.definition.get("additionalProperties", True) else sorted(set(error.value) - set(known))
    faults = [f"{_unknown(key, known, quote)} in {place}{_nearest(key, known)}" for key in extra]
    missing = [key for key in error.definition.get("required", []) if key not in error.value]
    return "; ".join([*faults, *([f"{place} lacks {', '.join(missing)}"] if missing else [])])


def _unknown(key, known, quote):
    # Where the header is missing, keys are cells; one that is nearly a known key is none.
    return f"unknown key {key!r}" if quote or _near(key, known) else "an unknown key"


def _near(key, known):
    return difflib.get_close_matches(str(key), known, n=1)


def _nearest(key, known):
    near = _near(key, known)
    return f": write {near[0]!r}" if near else f"; known keys: {', '.join(known)}"
