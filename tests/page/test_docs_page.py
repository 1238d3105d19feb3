"""The page at /docs in Chromium: every document is shown, requests can be tried, nothing is loaded from elsewhere."""

import json
import os
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select
from test_start_page import open_start


# Faults of Swagger UI's own markup, which no setting and no style mends.
OF_THE_VIEWER = ["heading-order", "nested-interactive"]


def open_docs(page, language="en", width=1400, scheme="light"):
    """Opens /docs and waits until the first document is shown."""
    open_start(page, language, width, scheme)
    page.driver.get(f"{page.stand_in.url}/docs")
    page.until(lambda: operations(page))


def operations(page):
    """Returns the paths of the shown operations."""
    script = "return [...document.querySelectorAll('#viewer .opblock-summary-path')].map(path => path.dataset.path)"
    return page.driver.execute_script(script)


def complaints(page):
    """Returns what the console says, violations of the policy among it."""
    return page.driver.get_log("browser")


def test_every_document_is_shown_with_its_operations(page):
    open_docs(page)
    choice = Select(page.at("document"))
    assert len(choice.options) == 4
    for option, wanted in zip([each.get_attribute("value") for each in choice.options], (9, 9, 8, 21), strict=True):
        choice.select_by_value(option)
        page.until(lambda: len(operations(page)) == wanted)
    assert not complaints(page)


def test_a_request_is_tried_with_a_key_and_answered_by_this_server(page):
    open_docs(page)
    page.driver.find_element(By.CSS_SELECTOR, "#viewer .authorize").click()
    field = page.until(lambda: page.driver.find_element(By.CSS_SELECTOR, "#viewer .auth-container input"))
    field.send_keys(page.stand_in.key)
    page.driver.find_element(By.CSS_SELECTOR, "#viewer .auth-btn-wrapper .authorize").click()
    page.driver.find_element(By.CSS_SELECTOR, "#viewer .auth-btn-wrapper .btn-done").click()
    block = page.driver.find_element(By.CSS_SELECTOR, "[id$=getAuthTokenInfo]")
    block.find_element(By.CSS_SELECTOR, ".opblock-summary-control").click()
    page.until(lambda: block.find_elements(By.CSS_SELECTOR, ".try-out__btn"))
    block.find_element(By.CSS_SELECTOR, ".try-out__btn").click()
    page.until(lambda: block.find_elements(By.CSS_SELECTOR, ".execute"))
    block.find_element(By.CSS_SELECTOR, ".execute").click()
    status = ".live-responses-table .response-col_status"
    page.until(lambda: block.find_elements(By.CSS_SELECTOR, ".live-responses-table tbody .response-col_status"))
    assert "200" in block.find_elements(By.CSS_SELECTOR, status)[-1].text
    log = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [entry["params"]["request"]["url"] for entry in log if entry["method"] == "Network.requestWillBeSent"]
    assert f"{page.stand_in.url}/v2/auth/token" in asked, asked
    assert all(url.startswith((page.stand_in.url, "data:")) for url in asked), asked
    assert not complaints(page)


@pytest.mark.parametrize(("language", "words"), [("en", "Authentication"), ("ru", "Аутентификация")])
@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations_and_nothing_overflows(page, language, words, width, scheme):
    open_docs(page, language, width, scheme)
    assert words in page.driver.find_element(By.TAG_NAME, "header").text
    page.driver.execute_script(Path(os.environ["AXE"]).read_text("utf-8"))
    own = "axe.run({exclude: ['#viewer']}).then(arguments[0])"
    assert not page.driver.execute_async_script(own)["violations"]
    viewer = "axe.run({include: ['#viewer']}, {rules: arguments[0]}).then(arguments[1])"
    rules = {rule: {"enabled": False} for rule in OF_THE_VIEWER}
    found = page.driver.execute_async_script(viewer, rules)["violations"]
    told = [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]
    assert not told, "\n".join(told)
    assert page.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
