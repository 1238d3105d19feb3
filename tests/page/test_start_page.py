"""The page at / in Chromium: links work in both languages, and it fits a narrow screen."""

import json
import urllib.error
import urllib.request

import pytest
from conftest import DIRECT
from selenium.webdriver.common.by import By
from test_page import check_accessibility


def open_start(page, language, width=1400, scheme="light"):
    """Opens / with this language, width and colour scheme."""
    driver = page.driver
    driver.execute_cdp_cmd("Network.enable", {})
    driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})
    emulated = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(page.stand_in.url)


@pytest.mark.parametrize(("language", "words"), [("en", "Keys"), ("ru", "Ключи")])
@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations_and_nothing_overflows(page, language, words, width, scheme):
    open_start(page, language, width, scheme)
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
    assert words in page.driver.find_element(By.TAG_NAME, "main").text
    check_accessibility(page)


def test_every_link_leads_somewhere_and_one_of_them_to_the_stand_ins_page(page):
    open_start(page, "en")
    links = [link.get_attribute("href") for link in page.driver.find_elements(By.CSS_SELECTOR, "main a")]
    assert f"{page.stand_in.url}/docs" in links and len(links) > 5
    for link in links:
        with DIRECT.open(link, timeout=10) as response:
            assert response.status == 200, link
    page.driver.find_element(By.CSS_SELECTOR, "a[href='/__admin/']").click()
    page.until(lambda: page.shown("door"))


def test_it_loads_nothing_else_and_the_console_stays_silent(page):
    open_start(page, "en")
    page.until(lambda: page.driver.find_element(By.TAG_NAME, "main").text)
    log = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [entry["params"]["request"]["url"] for entry in log if entry["method"] == "Network.requestWillBeSent"]
    assert f"{page.stand_in.url}/" in asked
    assert all(url.startswith("data:") or url == f"{page.stand_in.url}/" for url in asked), asked
    assert not page.driver.get_log("browser")
    # The style of the page is let in by its own policy.
    body = page.driver.find_element(By.TAG_NAME, "body")
    assert body.value_of_css_property("max-width") == "960px"


def test_programs_get_a_json_404(page):
    request = urllib.request.Request(page.stand_in.url, headers={"Accept": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        DIRECT.open(request, timeout=10)
    assert refused.value.code == 404
    assert json.load(refused.value)["errors"][0]["message"] == "Resource not found"
