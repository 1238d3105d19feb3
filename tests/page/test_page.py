"""The page at /__admin/ in Chromium: actions on it are visible in the API, and the reverse."""

import json
import os
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# The demo's first chat: a question that waits for an answer.
WAITING = 10000001


def test_the_page_requires_the_right_key(page):
    page.load(key=False)
    page.type("key", "guess")
    page.press("Open")
    page.until(lambda: "key is invalid" in page.text("trouble"))
    assert not page.shown("desk")


def test_the_key_survives_a_reload_and_is_forgotten_on_sign_out(page):
    page.load()
    page.driver.refresh()
    page.until(page.chats)
    page.press("Forget the key")
    page.until(lambda: page.shown("door"))
    page.driver.refresh()
    page.until(lambda: page.shown("door"))


def test_a_link_with_the_key_signs_in_and_the_key_is_removed_from_the_address(page):
    assert page.stand_in.admin_key in page.stand_in.admin_url
    page.driver.get(page.stand_in.admin_url)
    page.until(page.chats)
    assert page.driver.current_url == f"{page.stand_in.url}/__admin/"
    page.driver.refresh()
    page.until(page.chats)
    log = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [entry["params"]["request"]["url"] for entry in log if entry["method"] == "Network.requestWillBeSent"]
    assert asked and not any(page.stand_in.admin_key in url for url in asked), asked


def test_such_a_link_works_on_an_open_page_and_a_wrong_key_is_refused(page):
    page.load(key=False)
    page.driver.get(f"{page.stand_in.url}/__admin/#key=guess")
    page.until(lambda: "key is invalid" in page.text("trouble"))
    assert page.shown("door") and page.driver.current_url == f"{page.stand_in.url}/__admin/"
    page.driver.get(page.stand_in.admin_url)
    page.until(lambda: page.shown("desk") and page.chats())
    assert page.driver.current_url == f"{page.stand_in.url}/__admin/"


def test_chats_and_their_histories_are_shown(page):
    page.load()
    assert len(page.chats()) >= 7
    page.open(WAITING)
    assert "когда отправите заказ?" in page.text("messages")
    assert "waits for the shop" in page.text("talk-about")


@pytest.mark.parametrize(
    ("voice", "sender", "status"),
    [
        ("PARTNER", "PARTNER", "WAITING_FOR_CUSTOMER"),
        ("CUSTOMER", "CUSTOMER", "WAITING_FOR_PARTNER"),
        ("SUPPORT", "SUPPORT", "WAITING_FOR_PARTNER"),
        ("MARKET", "MARKET", "WAITING_FOR_PARTNER"),
    ],
)
def test_a_message_written_on_the_page_is_in_the_sellers_history(page, voice, sender, status):
    page.load()
    page.open(WAITING)
    page.say(voice, "Проверка: <b>&amp; 🫖</b>")
    last = page.stand_in.last(WAITING)
    assert (last["sender"], last["message"]) == (sender, "Проверка: <b>&amp; 🫖</b>")
    assert page.stand_in.chat(WAITING)["status"] == status


def test_a_message_of_the_seller_appears_without_a_reload(page):
    page.load()
    page.open(WAITING)
    page.stand_in.shop(f"chats/message?chatId={WAITING}", {"message": "Уже отправили!"})
    page.until(lambda: "Уже отправили!" in page.text("messages"))
    page.until(lambda: "waits for the buyer" in page.text("talk-about"))


def test_a_dispute_is_opened_argued_and_finished(page):
    page.load()
    page.open(WAITING)
    page.press("Open a dispute")
    page.until(lambda: "dispute" in page.text("talk-about"))
    dispute = int(page.text("talk-title").split()[0])
    page.driver.find_element(By.CSS_SELECTOR, "[name=voice][value=ARBITER]").click()
    page.pick("waiting-for", "PARTNER")
    page.say("ARBITER", "Магазин, ваше слово.")
    assert page.stand_in.chat(dispute)["status"] == "WAITING_FOR_PARTNER"
    assert page.stand_in.last(dispute)["sender"] == "SUPPORT"
    page.press("Finish the dispute")
    page.until(lambda: "finished" in page.text("talk-about"))
    assert page.stand_in.chat(dispute)["status"] == "FINISHED"
    assert not page.shown("say-form")


def test_a_buyer_asks_directly_and_the_chat_is_closed(page):
    page.load()
    page.driver.find_element(By.CSS_SELECTOR, "#chats summary").click()
    page.type("open-message", "А зелёный чай есть?")
    page.press("Open the chat")
    page.until(lambda: "А зелёный чай есть?" in page.text("messages"))
    number = int(page.text("talk-title").split()[0])
    assert page.stand_in.chat(number)["context"]["type"] == "DIRECT"
    page.press("Close the chat")
    page.until(lambda: "finished" in page.text("talk-about"))
    assert page.stand_in.chat(number)["status"] == "FINISHED"


def test_a_refusal_shows_the_message_of_the_server(page):
    page.load()
    page.open(WAITING)
    page.type("words", "   ")
    page.press("Send")
    page.until(lambda: "message size must be between 1 and 4096" in page.text("trouble"))


def test_faults_trigger_as_often_as_configured_and_can_be_removed(page):
    page.load()
    page.pick("kind", "status")
    page.pick("operation", "getChats")
    page.type("status", "503")
    page.press("Break it")
    page.until(lambda: "an answer with a status 503, getChats: struck 0 of 1" in page.text("fault-list"))
    assert [page.stand_in.shop("chats", {})[0] for _ in range(2)] == [503, 200]
    page.until(lambda: "struck 1 of 1" in page.text("fault-list"))
    page.press("Take all faults away")
    page.until(lambda: not page.text("fault-list"))


def test_every_kind_of_fault_can_be_added_and_removed_alone(page):
    page.load()
    kinds = [option.get_attribute("value") for option in page.at("kind").find_elements(By.TAG_NAME, "option")]
    for number, kind in enumerate(kinds, 1):
        page.pick("kind", kind)
        page.press("Break it")
        page.until(lambda: len(page.driver.find_elements(By.CSS_SELECTOR, "[data-fault]")) == number)
        assert page.text("trouble") == ""
    page.driver.find_element(By.CSS_SELECTOR, "[data-fault='1'] button").click()
    page.until(lambda: len(page.driver.find_elements(By.CSS_SELECTOR, "[data-fault]")) == len(kinds) - 1)


def test_a_fault_with_a_cabinet_and_a_window_triggers_only_there(page):
    page.load()
    page.pick("kind", "status")
    page.driver.find_element(By.CSS_SELECTOR, "#fault-form summary").click()
    page.type("status", "503")
    page.type("count", "7")
    page.type("chance", "100")
    page.type("skip", "1")
    page.type("of-cabinet", str(page.stand_in.business))
    script = "arguments[0].value = arguments[1]"
    page.driver.execute_script(script, page.at("from"), "2020-01-01T00:00:00")
    page.driver.execute_script(script, page.at("until"), "2090-01-01T00:00:00")
    page.press("Break it")
    told = f"every operation, Cabinet {page.stand_in.business}, 100 %, after 1, From (UTC) 2020-01-01 00:00:00, Until (UTC) 2090-01-01 00:00:00"
    page.until(lambda: told in page.text("fault-list"))
    assert [page.stand_in.shop("chats", {})[0] for _ in range(3)] == [200, 503, 503]
    page.press("Take all faults away")
    page.type("skip", "")
    page.type("of-cabinet", "999")
    page.press("Break it")
    page.until(lambda: "Cabinet 999" in page.text("fault-list"))
    assert page.stand_in.shop("chats", {})[0] == 200
    page.driver.execute_script(script, page.at("until"), "2019-01-01T00:00:00")
    page.press("Break it")
    page.until(lambda: "from must be before until" in page.text("trouble"))


def test_fields_are_shown_for_the_kinds_that_use_them(page):
    page.load()
    page.pick("kind", "delay-after")
    assert page.shown("delay") and not page.shown("status") and page.shown("operation")
    page.pick("operation", "getChats")
    page.pick("kind", "push-twice")
    assert not page.shown("delay") and not page.shown("operation")
    page.press("Break it")
    page.until(lambda: "a notification comes twice, notifications: struck 0 of 1" in page.text("fault-list"))


def test_the_clock_can_be_stopped_set_and_advanced_and_stamps_messages(page):
    page.load()
    page.press("Stop")
    page.until(lambda: page.text("mode") == "stands still")
    script = "arguments[0].value = '2027-03-01T10:00:00'"
    page.driver.execute_script(script, page.at("moment"))
    page.press("Set")
    page.until(lambda: page.text("now") == "2027-03-01 10:00:00 UTC")
    page.press("+1 day")
    page.until(lambda: page.text("now") == "2027-03-02 10:00:00 UTC")
    page.stand_in.shop(f"chats/message?chatId={WAITING}", {"message": "Из будущего"})
    assert page.stand_in.last(WAITING)["createdAt"].startswith("2027-03-02T13:00:00")
    page.press("Let go on")
    page.until(lambda: page.text("mode") == "goes")


def test_the_journal_is_followed_live_with_reason_and_without_the_pages_own_requests(page):
    page.load()
    page.stand_in.shop("chats", {})
    page.until(lambda: page.entries() and "200" in page.entries()[0])
    page.stand_in.shop("chat?chatId=1")
    page.until(lambda: "Can't find chat by id: 1" in page.entries()[0])
    assert len(page.entries()) == 2
    assert "take chatId from POST" in page.entries()[0]
    assert not any("__admin" in entry for entry in page.entries())
    page.press("Empty the journal")
    page.until(lambda: not page.entries())


def test_the_chosen_language_survives_a_reload(page):
    page.load()
    page.press("Русский")
    page.until(lambda: "Часы" in page.text("clock-title"))
    assert page.driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "ru"
    page.driver.refresh()
    page.until(page.chats)
    assert "ждёт магазин" in page.text("chat-list")
    shown = page.driver.find_element(By.TAG_NAME, "body").text
    assert "undefined" not in shown and "kind." not in shown


def test_both_languages_have_the_same_words(page):
    page.load(key=False)
    script = """
        const done = arguments[0];
        fetch('/__admin/page/words.js').then((r) => r.text()).then((text) => {
          const names = text.split('const RUSSIAN').map((part) => [...part.matchAll(/[ {]"?([A-Za-z.-]+)"?: "/g)].map((m) => m[1]).sort());
          done(names);
        });
    """
    english, russian = page.driver.execute_async_script(script)
    assert len(english) > 50 and english == russian


def test_a_chat_is_found_opened_and_answered_without_a_mouse(page):
    page.load()
    button = page.driver.find_element(By.CSS_SELECTOR, f"[data-chat='{WAITING}']")
    button.send_keys(Keys.ENTER)
    page.until(lambda: page.shown("say-form"))
    words = page.at("words")
    words.send_keys("Клавиатурой", Keys.TAB)
    focused = page.driver.switch_to.active_element
    assert focused.text == "Send"
    focused.send_keys(Keys.ENTER)
    page.until(lambda: "Клавиатурой" in page.text("messages"))
    # What is looked at again every moment doesn't take the focus away.
    assert page.driver.switch_to.active_element.text == "Send"


@pytest.mark.parametrize("width", [1400, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations_and_nothing_overflows(page, width, scheme):
    driver = page.driver
    emulated = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
    metrics = {"width": width, "height": 1200, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    page.load(key=False)
    check_accessibility(page)
    page.load()
    page.open(WAITING)
    page.pick("kind", "delay")
    page.driver.find_element(By.CSS_SELECTOR, "#fault-form summary").click()
    page.press("Break it")
    page.until(lambda: page.text("fault-list"))
    page.stand_in.shop("chat?chatId=1")
    page.until(page.entries)
    check_accessibility(page)


def check_accessibility(page):
    """Runs axe-core on the page and checks that it doesn't scroll horizontally."""
    page.driver.execute_script(Path(os.environ["AXE"]).read_text("utf-8"))
    found = page.driver.execute_async_script("axe.run().then(arguments[0])")["violations"]
    told = [f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']]}" for each in found]
    assert not told, "\n".join(told)
    assert page.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_nothing_is_loaded_from_elsewhere_and_the_console_stays_silent(page):
    page.load()
    page.open(WAITING)
    page.say("CUSTOMER", "Тихо?")
    log = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [entry["params"]["request"]["url"] for entry in log if entry["method"] == "Network.requestWillBeSent"]
    assert asked and all(url.startswith((page.stand_in.url, "data:")) for url in asked), asked
    said = page.driver.get_log("browser")
    assert not said, said
