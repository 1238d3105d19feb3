"""Shared fixtures: the running stand-in, the marketplace's side of it, and the API's errors as text.

Started by `cargo xtask external`, which generates the clients and starts a new stand-in for each generation.
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
    """Client of the marketplace's side: registers orders and returns, and writes as the buyer."""

    def __init__(self, stand_in):
        self.base = f"{stand_in['url']}/market/v1/businesses/{stand_in['businessId']}"
        self.key = stand_in["marketKey"]
        self.campaign = stand_in["campaignId"]

    def order(self):
        """Registers an order of a known buyer and returns its id."""
        order = next(FRESH)
        customer = {"name": "Мария К.", "publicId": f"buyer-{order}"}
        self.post("orders", {"orderId": order, "campaignId": self.campaign, "model": "FBS", "customer": customer})
        return order

    def returning(self, order):
        """Registers a return of the order and returns its id."""
        returned = next(FRESH)
        self.post("returns", {"returnId": returned, "orderId": order})
        return returned

    def write(self, chat, text):
        """Writes into the chat as the buyer."""
        self.post(f"chats/{chat}/messages", {"sender": "CUSTOMER", "message": text})

    def close(self, chat):
        """Closes the chat."""
        self.post(f"chats/{chat}/close", {})

    def post(self, path, body):
        """Sends a request; fails the test with the server's message if it is refused."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.base}/{path}", json.dumps(body).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            pytest.fail(f"market: POST {path} {body} gave {error.code}: {error.read().decode(errors='replace')}")


class Refusal:
    """Error of a refused request; set when the block of `refused` ends."""

    status = None
    code = None
    message = None
    headers = None


@contextlib.contextmanager
def refused(error_type, status):
    """Expects the generated client to raise its exception for this status, with the API's error body."""
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
    """Returns the content and headers of a file link."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as response:
        return response.read(), response.headers


def same_ids(messages):
    """Returns the message ids of a history, which must be strictly increasing."""
    ids = [message.message_id for message in messages]
    assert ids == sorted(set(ids)), ids
    return ids


@pytest.fixture(scope="session")
def stand_in():
    """Line printed by the stand-in when it was ready."""
    return json.loads(os.environ["BESEDA_STAND_IN"])


@pytest.fixture(scope="session")
def business(stand_in):
    """Cabinet of the credentials."""
    return stand_in["businessId"]


@pytest.fixture(scope="session")
def market(stand_in):
    """Client of the marketplace's side."""
    return Market(stand_in)


@pytest.fixture(scope="session")
def foreign(stand_in):
    """Cabinet of another seller."""
    return stand_in["businessId"] + 987_654
