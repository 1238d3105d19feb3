"""The example own_back_end through a client generated from the 2024 contract: OAuth, paths without /v2."""

import chats_2024 as generated
import pytest
from chats_2024 import CreateChatRequest, GetChatHistoryRequest, GetChatsRequest, SendMessageToChatRequest
from conftest import FRESH, refused, same_ids

UNKNOWN = 999_999_999_999


def client(back_end, **credentials):
    return generated.ApiClient(generated.Configuration(host=back_end["url"], **credentials))


@pytest.fixture(scope="module")
def connection(stand_in):
    with client(stand_in, access_token=stand_in["oauthToken"]) as connection:
        yield connection


@pytest.fixture(scope="module")
def api(connection):
    return generated.ChatsApi(connection)


def create(api, business, order):
    return api.create_chat(business, CreateChatRequest(order_id=order)).result.chat_id


def say(api, business, chat, text):
    return api.send_message_to_chat(business, chat, SendMessageToChatRequest(message=text))


def history(api, business, chat, first=None, **arguments):
    request = GetChatHistoryRequest(message_id_from=first)
    return api.get_chat_history(business, chat, request, **arguments).result


def test_a_campaign_names_the_cabinet(connection, business):
    campaigns = generated.CampaignsApi(connection).get_campaigns().campaigns
    assert [campaign.business.id for campaign in campaigns] == [business]


def test_a_chat_is_created_once_written_to_and_found(api, business):
    order, other = next(FRESH), next(FRESH)
    chat, silent = create(api, business, order), create(api, business, other)
    assert create(api, business, order) == chat
    assert say(api, business, chat, "Здравствуйте! Заказ уже в пути 🚚").status == "OK"
    result = history(api, business, chat)
    assert result.order_id == order
    assert [(message.sender, message.message) for message in result.messages] == [
        ("PARTNER", "Здравствуйте! Заказ уже в пути 🚚"),
    ]
    found = api.get_chats(business, GetChatsRequest(order_ids=[order, other])).result.chats
    assert [(item.chat_id, item.order_id, item.status) for item in found] == [
        (chat, order, "WAITING_FOR_CUSTOMER"),
        (silent, other, "NEW"),
    ]


def test_a_history_comes_in_pages_and_from_any_message(api, business):
    chat = create(api, business, next(FRESH))
    texts = [f"сообщение {number}" for number in range(7)]
    for text in texts:
        say(api, business, chat, text)
    walked, token, pages = [], None, 0
    while pages == 0 or token:
        result = history(api, business, chat, limit=3, page_token=token)
        walked += result.messages
        token = result.paging.next_page_token if result.paging else None
        pages += 1
    assert pages == 3
    assert [message.message for message in walked] == texts
    ids = same_ids(walked)
    assert [message.message_id for message in history(api, business, chat, first=ids[4]).messages] == ids[4:]


def test_bad_requests_are_explained(stand_in, api, business, foreign):
    with refused(generated.exceptions.NotFoundException, 404) as refusal:
        say(api, business, UNKNOWN, "Есть кто?")
    assert refusal.message == f"Can't find chat by id: {UNKNOWN}"
    with refused(generated.exceptions.BadRequestException, 400) as refusal:
        history(api, business, create(api, business, next(FRESH)), page_token="zzz")
    assert refusal.message == "Bad page token"
    with refused(generated.exceptions.ForbiddenException, 403) as refusal:
        api.get_chats(foreign, GetChatsRequest())
    assert refusal.message == "Access denied"
    with client(stand_in, access_token="y0_somebody-else") as stranger:
        with refused(generated.exceptions.ForbiddenException, 403) as refusal:
            generated.ChatsApi(stranger).get_chats(business, GetChatsRequest())
    assert refusal.message == "OAuth token is invalid"
