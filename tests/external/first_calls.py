"""Calls every operation of a document once with a valid request, before schemathesis generates requests.

What schemathesis makes up is luck: with one seed it never hits a body that is accepted, with another one it does. These
calls are certain. Their answers are held against the document as all others are.
"""

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

ANSWER_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def load(document: str):
    """Loads the document from a URL or a file."""
    at = schemathesis.openapi
    return at.from_url(document) if document.startswith("http") else at.from_path(document)


def call_everything_once(schema, url: str, headers: dict, known: dict, paths) -> dict:
    """Calls the selected operations; each must return 200. Returns the number of 200 responses of each."""
    answered = {}
    for path, methods in schema.raw_schema["paths"].items():
        for method in methods:
            if not paths(path) or method not in ("get", "post", "put", "patch", "delete"):
                continue
            label = f"{method.upper()} {path}"
            case = schema[path][method.upper()].Case(**arguments(label, known))
            response = case.call_and_validate(base_url=url, headers=headers, checks=ANSWER_CHECKS)
            assert response.status_code == 200, f"{label} was refused: {response.status_code} {response.text}"
            answered[label] = answered.get(label, 0) + 1
    assert answered, "the document has none of the selected operations"
    return answered


def arguments(label: str, known: dict) -> dict:
    """Returns the arguments of a valid call."""
    operation = label.replace("/v2/", "/")
    of_chat = {"chatId": known["chatId"]}
    order = known["orderId"]
    # The generation without /v2 knows chats about orders only.
    new = {"context": {"type": "ORDER", "id": order}} if "/v2/" in label else {"orderId": order}
    cabinet = "/businesses/{businessId}"
    accepted = {
        f"POST {cabinet}/chats": {"body": {"orderIds": [order]}},
        f"GET {cabinet}/chat": {"query": of_chat},
        f"POST {cabinet}/chats/history": {"query": of_chat, "body": {}},
        f"POST {cabinet}/chats/message": {"query": of_chat, "body": {"message": "Добрый день!"}},
        f"GET {cabinet}/chats/message": {"query": of_chat | {"messageId": known["messageId"]}},
        f"POST {cabinet}/chats/new": {"body": new},
        f"POST {cabinet}/chats/file/send": {"query": of_chat, "body": {"file": b"a file"}},
        "GET /campaigns": {},
        "POST /auth/token": {},
    }
    assert operation in accepted, f"{label}: first_calls.py knows no call of it that is accepted; add one"
    found = dict(accepted[operation])
    if "{businessId}" in operation:
        found["path_parameters"] = {"businessId": known["businessId"]}
    if "body" in found:
        found["media_type"] = "multipart/form-data" if operation.endswith("/file/send") else "application/json"
    return found
