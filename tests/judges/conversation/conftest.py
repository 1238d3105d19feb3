"""What both conversations need: the running stand-in, the marketplace's side of it, and the API's errors as text.

Started by `cargo xtask judges`, which generates the clients and starts one fresh stand-in per generation.
"""

import contextlib
import itertools
import json
import os
import urllib.error
import urllib.request

import pytest

# Far from anything in the stand-in's demo.
FRESH = itertools.count(7_700_000_000_001)


class Market:
    """The other side: Market registers orders and returns, and the buyer writes. No generated client has this."""

    def __init__(self, stand_in):
        self.base = f"{stand_in['url']}/market/v1/businesses/{stand_in['businessId']}"
        self.key = stand_in["marketKey"]
        self.campaign = stand_in["campaignId"]

    def order(self):
        """A new order of a known buyer; its id."""
        order = next(FRESH)
        customer = {"name": "Мария К.", "publicId": f"buyer-{order}"}
        self.post("orders", {"orderId": order, "campaignId": self.campaign, "model": "FBS", "customer": customer})
        return order

    def returning(self, order):
        """A new return of that order; its id."""
        returned = next(FRESH)
        self.post("returns", {"returnId": returned, "orderId": order})
        return returned

    def write(self, chat, text):
        """The buyer writes into the chat."""
        self.post(f"chats/{chat}/messages", {"sender": "CUSTOMER", "message": text})

    def close(self, chat):
        """The chat is over."""
        self.post(f"chats/{chat}/close", {})

    def post(self, path, body):
        """One call of the marketplace; a refusal ends the test with the server's words."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}/{path}", json.dumps(body).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            pytest.fail(f"market: POST {path} {body} gave {error.code}: {error.read().decode(errors='replace')}")


class Refusal:
    """What the API said no with; filled in when the block of `refused` ends."""

    status = None
    code = None
    message = None
    headers = None


@contextlib.contextmanager
def refused(error_type, status):
    """Expects the generated client to raise its exception for that status, with the API's own error body."""
    refusal = Refusal()
    with pytest.raises(error_type) as caught:
        yield refusal
    error = caught.value
    assert error.status == status, error
    body = json.loads(error.body)
    assert body["status"] == "ERROR", body
    refusal.status, refusal.headers = error.status, error.headers
    refusal.code, refusal.message = body["errors"][0]["code"], body["errors"][0]["message"]


def download(url, headers):
    """The bytes behind a file link, and the headers they came with."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as response:
        return response.read(), response.headers


def same_ids(messages):
    """The ids of a history, which must stand in strictly growing order."""
    ids = [message.message_id for message in messages]
    assert ids == sorted(set(ids)), ids
    return ids


@pytest.fixture(scope="session")
def stand_in():
    """The line that the stand-in printed when it was ready."""
    return json.loads(os.environ["BESEDA_STAND_IN"])


@pytest.fixture(scope="session")
def business(stand_in):
    """The cabinet whose keys we hold."""
    return stand_in["businessId"]


@pytest.fixture(scope="session")
def market(stand_in):
    """The marketplace's side."""
    return Market(stand_in)


@pytest.fixture(scope="session")
def foreign(stand_in):
    """A cabinet that isn't ours."""
    return stand_in["businessId"] + 987_654
