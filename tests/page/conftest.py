"""Fixtures: a new stand-in and a new Chromium for every test of the page."""

import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

# The stand-in is on this machine: no proxy may come between.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StandIn:
    """Running stand-in and a client of the seller's side."""

    def __init__(self, ready):
        self.url, self.business, self.key = ready["url"], ready["businessId"], ready["apiKey"]
        self.admin_key, self.admin_url = ready["adminKey"], ready["adminUrl"]

    def shop(self, path, body=None):
        """Sends a request as the seller; returns status and body, or None if the connection broke."""
        url = f"{self.url}/v2/businesses/{self.business}/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Api-Key": self.key, "Content-Type": "application/json"})
        try:
            with DIRECT.open(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def chat(self, number):
        """Returns a chat as the seller sees it."""
        return self.shop(f"chat?chatId={number}")[1]["result"]

    def last(self, number):
        """Returns the last message of a chat as the seller sees it."""
        return self.shop(f"chats/history?chatId={number}", {})[1]["result"]["messages"][-1]


class Page:
    """Driver of the page by labels, roles and visible text."""

    def __init__(self, driver, stand_in):
        self.driver, self.stand_in = driver, stand_in

    def load(self, key=True):
        """Opens the page and signs in unless told not to."""
        self.driver.get(f"{self.stand_in.url}/__admin/")
        if key:
            self.type("key", self.stand_in.admin_key)
            self.press("Open")
            self.until(lambda: self.shown("desk") and self.chats())

    def until(self, condition, seconds=10):
        """Waits for a condition."""
        return WebDriverWait(self.driver, seconds, 0.05).until(lambda _: condition())

    def at(self, ident):
        return self.driver.find_element(By.ID, ident)

    def shown(self, ident):
        return self.at(ident).is_displayed()

    def text(self, ident):
        return self.at(ident).text

    def type(self, ident, text):
        field = self.at(ident)
        field.clear()
        if all(ord(character) <= 0xFFFF for character in text):
            field.send_keys(text)
        else:
            # ChromeDriver can't press keys for such characters; the browser inserts them as an emoji picker does.
            field.click()
            self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def press(self, name):
        """Clicks the button with this label."""
        path = f"//button[normalize-space()='{name}' or @aria-label='{name}'][not(ancestor::*[@hidden])]"
        self.driver.find_element(By.XPATH, path).click()

    def pick(self, ident, value):
        Select(self.at(ident)).select_by_value(value)

    def chats(self):
        """Returns the chat ids in the list."""
        found = self.driver.find_elements(By.CSS_SELECTOR, "#chat-list [data-chat]")
        return [button.get_attribute("data-chat") for button in found]

    def open(self, number):
        """Opens a chat and waits for it to load."""
        self.driver.find_element(By.CSS_SELECTOR, f"[data-chat='{number}']").click()
        self.until(lambda: self.text("talk-title").startswith(str(number)))

    def say(self, voice, text):
        """Writes into the open chat as the given sender."""
        self.driver.find_element(By.CSS_SELECTOR, f"[name=voice][value={voice}]").click()
        self.type("words", text)
        self.press("Send")
        self.until(lambda: text in self.text("messages"))

    def entries(self):
        """Returns the rows of the journal as text, newest first."""
        return [row.text for row in self.driver.find_elements(By.CSS_SELECTOR, "#entries tr")]


@pytest.fixture
def stand_in():
    command = [os.environ["BESEDA_BIN"], "stand-in", "--json", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        yield StandIn(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        assert process.wait(timeout=15) == 0


@pytest.fixture
def driver():
    options = webdriver.ChromeOptions()
    # Headless, with no network of its own: every name but the stand-in's address leads nowhere.
    for argument in ["headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-proxy-server",
                     "window-size=1400,1200", "lang=en", "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]:
        options.add_argument(f"--{argument}")
    options.binary_location = os.environ["CHROMIUM"]
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=os.environ["CHROMEDRIVER"])
    browser = webdriver.Chrome(options=options, service=service)
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def page(driver, stand_in):
    return Page(driver, stand_in)
