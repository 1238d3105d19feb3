"""Example tests of a shop's program: copy them and replace the calls of `stand_in.shop` with your own program."""


def waiting(stand_in):
    """Returns the first chat that waits for the shop."""
    status, answer = stand_in.shop("chats", {"statuses": ["WAITING_FOR_PARTNER"], "types": ["CHAT"]})
    assert status == 200, answer
    return answer["result"]["chats"][0]["chatId"]


def test_an_answered_chat_waits_for_the_buyer(stand_in):
    chat = waiting(stand_in)
    assert stand_in.shop(f"chats/message?chatId={chat}", {"message": "Отправим сегодня."}) == (200, {"status": "OK"})
    _, answer = stand_in.shop(f"chat?chatId={chat}")
    assert answer["result"]["status"] == "WAITING_FOR_CUSTOMER"


def test_the_buyer_writes_back_and_the_chat_waits_for_the_shop_again(stand_in):
    chat = waiting(stand_in)
    stand_in.shop(f"chats/message?chatId={chat}", {"message": "Уже в пути."})
    stand_in.buyer(chat, "Спасибо, жду!")
    _, answer = stand_in.shop(f"chats/history?chatId={chat}", {})
    last = answer["result"]["messages"][-1]
    assert (last["sender"], last["message"]) == ("CUSTOMER", "Спасибо, жду!")
    assert waiting(stand_in)


def test_a_wrong_key_is_refused(stand_in):
    status, answer = stand_in.shop("chats", {}, key="ACMA:wrong")
    assert (status, answer["status"]) == (401, "ERROR")


def test_the_api_breaks_once_when_told_and_works_again(stand_in):
    stand_in.admin("faults", {"operation": "getChats", "kind": "status", "status": 500, "count": 1})
    assert stand_in.shop("chats", {})[0] == 500
    assert stand_in.shop("chats", {})[0] == 200
