"""Tests a running stand-in against an OpenAPI document with schemathesis.

Started by `cargo xtask external`; by hand: BESEDA_STAND_IN='<the line of stand-in --json>' python fuzz.py --help
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

import first_calls

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20260717  # fixed: the same server gets the same requests every time

# What an answer is held against. The first four are the point: no 5xx, no undocumented status, no undocumented media
# type, no body outside its schema. Next, a request outside the document is refused, and so is one without a valid
# credential or with a method that the document doesn't know (405 with Allow).
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "unsupported_method",
]
# Not among them:
# - positive_data_acceptance: the documents say less than the API asks for. Any string is a page token there, but only
#   the server's own are good; `limit` has no bounds in 2024; both kinds of createChat body are optional in 2026, but
#   one must be given.
# - response_headers_conformance, missing_required_header, allow_header_conformance: the published documents declare none.
# - use_after_free, ensure_resource_availability, object_level_authorization: nothing can be deleted, and nothing is
#   created with a status of its own (every success is 200).
#
# 405 and 415 stand in no document. Schemathesis knows that: its probes with a foreign method or content type are not
# held against the documented statuses, every other request is. So nothing is excluded for them.
PHASES = "examples,coverage,fuzzing,stateful"

# Generated requests per operation and phase. Our own document has both generations of paths in one.
EXAMPLES = {"2024": 150, "2026": 150, "own": 80}

# Our own document also describes pages and the marketplace's side, with other credentials.
OWN_PATHS = "^/(v2/)?(businesses|campaigns|auth)\\b"

# The 2024 document knows five operations, and we serve all seven on both generations of paths. So one of its paths
# has a method more than it says.
BEYOND_2024 = """
[[operations]]
include-operation-id = "sendMessageToChat"
phases.coverage.unexpected-methods = ["DELETE", "PUT", "PATCH", "OPTIONS", "TRACE"]
"""


def main() -> int:
    options = arguments()
    stand_in = json.loads(os.environ["BESEDA_STAND_IN"])
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    known, values = known_ids(stand_in)
    first = call_everything_once(stand_in, options, known)

    config = folder / f"schemathesis-{options.name}.toml"
    config.write_text(configuration(stand_in, values, options.name), encoding="utf-8")
    tally = folder / f"answers-{options.name}.json"
    tally.unlink(missing_ok=True)
    environment = os.environ | {
        "BESEDA_API_KEY": stand_in["apiKey"],
        "BESEDA_OAUTH_TOKEN": stand_in["oauthToken"],
        "BESEDA_DOCUMENT": options.name,
        "BESEDA_KNOWN_IDS": json.dumps(known),
        "BESEDA_FIRST_ANSWERS": json.dumps(first),
        "BESEDA_TALLY": str(tally),
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", options.document]
    command += ["--url", stand_in["url"], "--checks", ",".join(CHECKS), "--phases", PHASES]
    command += ["--seed", str(SEED), "--max-examples", str(options.examples or EXAMPLES[options.name]), "--generation-database", "none"]
    command += ["--request-timeout", "10", "--continue-on-failure", "--no-color", "--workers", "1"]
    command += ["--report-junit-path", str(folder / f"schemathesis-{options.name}.xml"), "--warnings", "off"]
    if options.name == "own":
        command += ["--include-path-regex", OWN_PATHS]
    try:
        code = subprocess.run(command, env=environment, cwd=folder, timeout=options.seconds).returncode
    except subprocess.TimeoutExpired:
        print(f"schemathesis needed more than {options.seconds} s for the document of {options.name}")
        return 1
    return code or report(tally)


def call_everything_once(stand_in: dict, options: argparse.Namespace, known: dict) -> dict:
    """Calls every operation with a valid request and the credential of the generation."""
    if options.name == "2024":
        headers = {"Authorization": f"Bearer {stand_in['oauthToken']}"}
    else:
        headers = {"Api-Key": stand_in["apiKey"]}
    wanted = re.compile(OWN_PATHS if options.name == "own" else "^/")
    schema = first_calls.load(options.document)
    return first_calls.call_everything_once(schema, stand_in["url"], headers, known, wanted.search)


def arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--document", required=True, help="path or address of the OpenAPI document")
    parser.add_argument("--name", choices=["2024", "2026", "own"], required=True, help="which document that is")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where the reports go")
    parser.add_argument("--seconds", type=int, default=170, help="hard bound of the whole run")
    parser.add_argument("--examples", type=int, help="other than the usual number of requests")
    return parser.parse_args()


def configuration(stand_in: dict, values: dict, name: str) -> str:
    """Returns the configuration of schemathesis: the credential, and existing ids for most requests, to get past 403 and 404."""
    values = {"business": [stand_in["businessId"]]} | values
    bindings = {
        "path.businessId": ("business", 0.9),
        "query.chatId": ("chat", 0.8),
        "query.messageId": ("message", 0.8),
        "body.messageIdFrom": ("message", 0.5),
        "body.orderId": ("order", 0.7),
        "body.context.id": ("order", 0.7),
    }
    lines = ["[dictionaries]"]
    lines += [f"{name} = {{ values = {ids} }}" for name, ids in values.items()]
    lines += ["", "[parameters]"]
    for place, (dictionary, probability) in bindings.items():
        lines.append(f'"{place}" = {{ dictionary = "{dictionary}", probability = {probability} }}')
    if name == "2024":
        lines += ["", "[auth.openapi.OAuth]", 'bearer = "${BESEDA_OAUTH_TOKEN}"', BEYOND_2024]
    else:
        lines += ["", "[auth.openapi.ApiKey]", 'api_key = "${BESEDA_API_KEY}"']
    return "\n".join(lines) + "\n"


def known_ids(stand_in: dict) -> tuple[dict, dict]:
    """Loads the ids of the demo's chats, orders and messages from the stand-in, and of an open chat with a message."""
    base = f"{stand_in['url']}/v2/businesses/{stand_in['businessId']}"
    chats = ask(stand_in, f"{base}/chats?limit=20", {"contextTypes": ["ORDER"]})["chats"]
    assert chats, "the stand-in has no demo chats about orders"
    messages, known = [], None
    for chat in chats:
        history = ask(stand_in, f"{base}/chats/history?chatId={chat['chatId']}&limit=5", {})["messages"]
        messages += [message["messageId"] for message in history]
        # An open chat takes messages for certain.
        if known is None and history and chat["status"] != "FINISHED":
            known = {"chatId": chat["chatId"], "messageId": messages[-1], "orderId": chat["context"]["orderId"]}
    assert known, "no open demo chat about an order has a message"
    known["businessId"] = stand_in["businessId"]
    orders = sorted({chat["context"]["orderId"] for chat in chats})
    return known, {"chat": [chat["chatId"] for chat in chats], "order": orders, "message": messages}


def ask(stand_in: dict, url: str, body: dict) -> dict:
    """Sends a POST that reads."""
    headers = {"Api-Key": stand_in["apiKey"], "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["result"]


def report(tally: pathlib.Path) -> int:
    """Prints the statuses of each operation. Fails if an operation was never accepted."""
    answers = json.loads(tally.read_text(encoding="utf-8"))
    print("\nAnswers by status:")
    for operation, counts in sorted(answers.items()):
        print(f"  {operation}: " + ", ".join(f"{status}: {count}" for status, count in sorted(counts.items())))
    silent = [operation for operation, counts in answers.items() if not counts.get("200")]
    if silent or not answers:
        print("No request was accepted of: " + (", ".join(silent) or "all operations"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
