"""Hooks for schemathesis: ids of the running stand-in, and counts of statuses by operation."""

import atexit
import collections
import json
import os

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData

KNOWN = json.loads(os.environ["BESEDA_KNOWN_IDS"])
TALLY: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
for label, count in json.loads(os.environ.get("BESEDA_FIRST_ANSWERS", "{}")).items():
    TALLY[label]["200"] = count


@schemathesis.hook
def before_call(context, case, kwargs):
    """Puts known ids into the requests that walk along the bounds of everything else.

    Those phases take the smallest valid id, so each of their requests would end in 403 or 404. An id that is itself
    the thing under test stays. The phases with random requests get their ids from the dictionaries in `fuzz.py`.
    """
    phase = case.meta.phase if case.meta else None
    if phase is None or phase.name.value not in ("coverage", "examples"):
        return
    probed = getattr(phase.data, "parameter", None)
    for container in (case.path_parameters, case.query):
        for name, known in KNOWN.items():
            if name != probed and is_an_id(container.get(name) if container else None):
                container[name] = known


@schemathesis.hook
def after_call(context, case, response):
    """Counts the responses of documented operations, without probes of other methods."""
    if case.method.upper() == case.operation.method.upper():
        TALLY[case.operation.label][str(response.status_code)] += 1


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Ignores failures for three kinds of requests that the documents don't allow and the server accepts on purpose.

    An empty value of an optional parameter (`page=`) and a `null` in place of an optional value say the same as leaving
    it out: the documents say so of the filters of getChats, and we say it of every optional value. And a filter is a
    set: a value given twice changes nothing.
    """
    if not isinstance(failure, AcceptedNegativeData):
        return True
    # Lists and objects without anything in them are written so, too.
    query = case.query or {}
    if any(query.get(name, 0) in ("", [], {}) for name in ("limit", "page_token", "page", "pageSize")):
        return False
    if not isinstance(case.body, dict):
        return True
    filters = (case.body.get(name) for name in ("orderIds", "contexts", "contextTypes", "types", "statuses"))
    return not has_null(case.body) and not any(isinstance(values, list) and twice(values) for values in filters)


def has_null(value):
    """Returns true if a value is or contains null."""
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(has_null, value)))


def twice(values):
    """Returns true if there are duplicates."""
    written = [json.dumps(value, sort_keys=True) for value in values]
    return len(set(written)) < len(written)


def is_an_id(value):
    """Returns true if a generated value is a valid id."""
    return str(value).isascii() and str(value).isdigit() and int(value) > 0


@atexit.register
def write_tally():
    """Writes the counts for `fuzz.py`."""
    with open(os.environ["BESEDA_TALLY"], "w", encoding="utf-8") as file:
        json.dump(TALLY, file, indent=1)
