"""The fixture `stand_in`: a mock server of the chats API, started for a run of pytest."""

import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest

# Without a proxy, since the stand-in is on this machine.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StandIn:
    """A running stand-in: its address and credentials, the shop's calls, and the buyer's messages."""

    def __init__(self, ready):
        self.url = ready["url"]
        self.business_id = ready["businessId"]
        self.api_key = ready["apiKey"]
        self.market_key = ready["marketKey"]
        self.admin_key = ready["adminKey"]

    def shop(self, path, body=None, key=None):
        """Calls the API as the program under test would; returns status and JSON."""
        url = f"{self.url}/v2/businesses/{self.business_id}/{path}"
        return self.call(url, {"Api-Key": key or self.api_key}, body)

    def buyer(self, chat, text):
        """Sends a message to a chat as the buyer."""
        url = f"{self.url}/market/v1/businesses/{self.business_id}/chats/{chat}/messages"
        headers = {"Authorization": f"Bearer {self.market_key}"}
        status, answer = self.call(url, headers, {"sender": "CUSTOMER", "message": text})
        assert status == 200, answer

    def admin(self, path, body):
        """Controls the stand-in: faults, clock, reset."""
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        status, answer = self.call(f"{self.url}/__admin/{path}", headers, body)
        assert status == 200, answer
        return answer

    @staticmethod
    def call(url, headers, body):
        """GET without a body, otherwise POST of JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**headers, "Content-Type": "application/json"}
        try:
            with DIRECT.open(urllib.request.Request(url, data, headers), timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="session")
def stand_in():
    """One stand-in for all tests of the run. With `scope="function"` every test has its own; starting one is fast."""
    program = os.environ.get("BESEDA_BIN", "beseda")
    command = [program, "stand-in", "--json", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        line = process.stdout.readline()
        assert line, "the stand-in ended before it was ready: see its error above"
        yield StandIn(json.loads(line))
    finally:
        process.terminate()
        assert process.wait(timeout=15) == 0
