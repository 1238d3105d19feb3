"""Tests the marketplace's side and administration of a running stand-in against their OpenAPI documents.

Calls each operation once with a valid request, then runs schemathesis.
Started by `cargo xtask external`; by hand: BESEDA_STAND_IN='<the line of stand-in --json>' python surfaces.py --help
"""

import argparse
import datetime
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

import schemathesis

from first_calls import ANSWER_CHECKS
from fuzz import CHECKS, HERE, PHASES, SEED

SECONDS = 120
EXAMPLES = 40

# These send a PING to an address in the request. Made-up addresses must not be called, so schemathesis leaves them out
# of its own requests; the first calls below cover them with a receiver on the loopback interface.
CALLS_OUT = ["createSubscription", "resumeSubscription"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where the reports go")
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    stand_in = json.loads(os.environ["BESEDA_STAND_IN"])
    known = call_everything_once(stand_in)
    codes = [fuzz(stand_in, surface, known, folder) for surface in ("market", "admin")]
    return max(codes)


class Surface:
    """One group of operations: document, key, and operations accepted so far."""

    def __init__(self, stand_in: dict, name: str) -> None:
        self.schema = schemathesis.openapi.from_url(f"{stand_in['url']}/{name}/v1/openapi.json")
        self.headers = {"Authorization": f"Bearer {stand_in[name + 'Key']}"}
        self.missing = {
            (method.upper(), path)
            for path, methods in self.schema.raw_schema["paths"].items()
            for method in methods
        }

    def call(self, method: str, path: str, body=None, **ids):
        """Calls an operation, validates the response against the document and requires a 200."""
        case = self.schema[path][method].Case(
            path_parameters=ids,
            body=body if body is not None else schemathesis.core.NOT_SET,
            media_type="multipart/form-data" if path.endswith("/files") else "application/json",
        )
        response = case.call_and_validate(headers=self.headers, checks=ANSWER_CHECKS)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        self.missing.discard((method, path))
        return response.json().get("result")

    def finish(self) -> None:
        """Fails if an operation of the document was never called."""
        assert not self.missing, f"never called: {sorted(self.missing)}"


def call_everything_once(stand_in: dict) -> dict:
    """Calls every operation of both documents in a new cabinet and returns the created ids."""
    admin, market = Surface(stand_in, "admin"), Surface(stand_in, "market")
    cabinets = "/admin/v1/cabinets"
    business = admin.call("POST", cabinets, {"name": "Surfaces"})["businessId"]
    admin.call("GET", cabinets)
    campaign = {"name": "Shop", "placementType": "FBS"}
    admin.call("POST", f"{cabinets}/{{businessId}}/campaigns", campaign, businessId=business)
    admin.call("GET", f"{cabinets}/{{businessId}}/campaigns", businessId=business)
    user = admin.call("POST", "/admin/v1/users", {"name": "Anna"})["id"]
    admin.call("GET", "/admin/v1/users")
    access = "/admin/v1/users/{userId}/cabinets/{businessId}"
    admin.call("PUT", access, userId=user, businessId=business)
    admin.call("DELETE", access, userId=user, businessId=business)
    tokens = "/admin/v1/users/{userId}/tokens"
    token = admin.call("POST", tokens, userId=user)["id"]
    admin.call("GET", tokens, userId=user)
    admin.call("DELETE", f"{tokens}/{{tokenId}}", userId=user, tokenId=token)
    keys = f"{cabinets}/{{businessId}}/keys"
    new_key = {"name": "bot", "scopes": ["communication"]}
    key = admin.call("POST", keys, new_key, businessId=business)["id"]
    admin.call("GET", keys, businessId=business)
    admin.call("DELETE", f"{keys}/{{keyId}}", businessId=business, keyId=key)

    subscription, delivery = call_webhooks(admin, market, business)
    chat = call_market(market, business)
    admin.finish()
    market.finish()
    return {
        "businessId": business,
        "chatId": chat,
        "userId": user,
        "keyId": key,
        "tokenId": token,
        "subscriptionId": subscription,
        "deliveryId": delivery,
    }


def call_market(market: Surface, business: int) -> int:
    """Calls every operation of the marketplace's side and returns a chat."""
    base = "/market/v1/businesses/{businessId}"
    ids = {"businessId": business}
    market.call("POST", f"{base}/orders", {"orderId": 77_001}, **ids)
    market.call("POST", f"{base}/returns", {"returnId": 88_001, "orderId": 77_001}, **ids)
    opening = {"context": {"type": "ORDER", "id": 77_001}, "message": "Where is it?"}
    chat = market.call("POST", f"{base}/chats", opening, **ids)["chatId"]
    text = {"sender": "CUSTOMER", "message": "Hello?"}
    market.call("POST", f"{base}/chats/{{chatId}}/messages", text, chatId=chat, **ids)
    market.call("POST", f"{base}/chats/{{chatId}}/files", {"file": b"photo"}, chatId=chat, **ids)
    dispute = market.call("POST", f"{base}/disputes", {"returnId": 88_001}, **ids)["chatId"]
    market.call("POST", f"{base}/disputes/{{chatId}}/resolve", chatId=dispute, **ids)
    closed = market.call("POST", f"{base}/chats", {"message": "Which size?"}, **ids)["chatId"]
    market.call("POST", f"{base}/chats/{{chatId}}/close", chatId=closed, **ids)
    return chat


def call_webhooks(admin: Surface, market: Surface, business: int) -> tuple[int, int]:
    """Calls every operation of subscriptions; returns a remaining subscription and one of its deliveries."""
    base = "/admin/v1/cabinets/{businessId}/subscriptions"
    ids = {"businessId": business}
    with Receiver() as receiver:
        new = {"url": receiver.url, "name": "Receiver"}
        deleted = admin.call("POST", base, new, **ids)["id"]
        admin.call("DELETE", f"{base}/{{subscriptionId}}", subscriptionId=deleted, **ids)
        kept = admin.call("POST", base, new, **ids)["id"]
        admin.call("GET", base, **ids)
        ids["subscriptionId"] = kept
        market.call(
            "POST", "/market/v1/businesses/{businessId}/chats", {"message": "Hi"}, businessId=business
        )
        receiver.wait_for_an_event()
        log = f"{base}/{{subscriptionId}}/deliveries"
        # The attempt is in the log once its answer is; an event that was received is about to be.
        deliveries = []
        while not deliveries:
            deliveries = [it for it in admin.call("GET", log, **ids)["deliveries"] if "eventId" in it]
        delivery = deliveries[0]["id"]
        admin.call("POST", f"{log}/{{deliveryId}}/replay", deliveryId=delivery, **ids)
        admin.call("POST", f"{base}/{{subscriptionId}}/pause", **ids)
        admin.call("POST", f"{base}/{{subscriptionId}}/resume", **ids)
        admin.call("POST", f"{base}/{{subscriptionId}}/pause", **ids)
    return kept, delivery


class Receiver:
    """Webhook receiver on loopback that accepts every notification."""

    def __init__(self) -> None:
        self.events = threading.Semaphore(0)
        events = self.events

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802, the name is http.server's
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                now = datetime.datetime.now(datetime.timezone.utc).isoformat()
                answer = json.dumps({"version": "1", "name": "receiver", "time": now}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                if body["notificationType"] != "PING":
                    events.release()

            def log_message(self, *arguments) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error) -> None:
        self.server.shutdown()
        self.server.server_close()

    def wait_for_an_event(self) -> None:
        assert self.events.acquire(timeout=20), "no notification came within 20 s"


def fuzz(stand_in: dict, surface: str, known: dict, folder: pathlib.Path) -> int:
    """Runs schemathesis, mostly with existing ids."""
    config = folder / f"schemathesis-{surface}.toml"
    config.write_text(configuration(known), encoding="utf-8")
    environment = os.environ | {
        "BESEDA_KEY": stand_in[f"{surface}Key"],
        "BESEDA_DOCUMENT": surface,
        "BESEDA_KNOWN_IDS": json.dumps(known),
        "BESEDA_TALLY": str(folder / f"answers-{surface}.json"),
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    document = f"{stand_in['url']}/{surface}/v1/openapi.json"
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", document]
    command += ["--url", stand_in["url"], "--checks", ",".join(CHECKS), "--phases", PHASES]
    command += ["--seed", str(SEED), "--max-examples", str(EXAMPLES), "--generation-database", "none"]
    command += ["--request-timeout", "10", "--continue-on-failure", "--no-color", "--workers", "1"]
    command += ["--report-junit-path", str(folder / f"schemathesis-{surface}.xml"), "--warnings", "off"]
    for operation in CALLS_OUT:
        command += ["--exclude-operation-id", operation]
    try:
        return subprocess.run(command, env=environment, cwd=folder, timeout=SECONDS).returncode
    except subprocess.TimeoutExpired:
        print(f"schemathesis needed more than {SECONDS} s for {surface}")
        return 1


def configuration(known: dict) -> str:
    """Returns the configuration of schemathesis: the key, and existing ids for most path parameters."""
    lines = ["[dictionaries]"]
    lines += [f"{name} = {{ values = [{value}] }}" for name, value in known.items()]
    lines += ["", "[parameters]"]
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in known]
    lines += ["", "[auth.openapi.Key]", 'bearer = "${BESEDA_KEY}"']
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
