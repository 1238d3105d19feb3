"""The example own_back_end through a client generated from the 2026 contract."""

import datetime

import chats_2026 as generated
import pytest
from chats_2026 import ChatContextDTO, CreateChatRequest, GetChatHistoryRequest, GetChatsRequest
from chats_2026 import SendMessageToChatRequest
from conftest import FRESH, refused, same_ids

UNKNOWN = 999_999_999_999


def client(back_end, **credentials):
    return generated.ApiClient(generated.Configuration(host=back_end["url"], **credentials))


@pytest.fixture(scope="module")
def connection(stand_in):
    with client(stand_in, api_key={"ApiKey": stand_in["apiKey"]}) as connection:
        yield connection


@pytest.fixture(scope="module")
def api(connection):
    return generated.ChatsApi(connection)


def create(api, business, order):
    context = ChatContextDTO(type="ORDER", id=order)
    return api.create_chat(business, CreateChatRequest(context=context)).result.chat_id


def say(api, business, chat, text):
    return api.send_message_to_chat(business, chat, SendMessageToChatRequest(message=text))


def history(api, business, chat, first=None, **arguments):
    request = GetChatHistoryRequest(message_id_from=first)
    return api.get_chat_history(business, chat, request, **arguments).result


def test_the_credential_names_its_cabinet_and_scopes(connection, business):
    campaigns = generated.CampaignsApi(connection).get_campaigns().campaigns
    assert [campaign.business.id for campaign in campaigns] == [business]
    key = generated.AuthApi(connection).get_auth_token_info().result.api_key
    assert key.auth_scopes == ["COMMUNICATION"]


def test_a_chat_is_created_once_written_to_and_read(api, business):
    order = next(FRESH)
    chat = create(api, business, order)
    assert create(api, business, order) == chat
    made = api.get_chat(business, chat).result
    assert (made.type, made.status, made.context.type, made.context.order_id) == ("CHAT", "NEW", "ORDER", order)
    texts = ["Здравствуйте! Заказ уже в пути 🚚", "ж" * 4095 + "🙂", "  \"с пробелами\"  "]
    for text in texts:
        assert say(api, business, chat, text).status == "OK"
    result = history(api, business, chat)
    assert [(message.sender, message.message) for message in result.messages] == [("PARTNER", text) for text in texts]
    last = result.messages[-1]
    assert api.get_chat_message(business, chat, last.message_id).result.message == texts[-1]
    written = api.get_chat(business, chat).result
    assert (written.status, written.updated_at) == ("WAITING_FOR_CUSTOMER", last.created_at)
    assert last.created_at.utcoffset() == datetime.timedelta(hours=3)


def test_chats_are_found_and_come_in_pages_newest_first(api, business):
    orders = [next(FRESH) for _ in range(7)]
    chats = [create(api, business, order) for order in orders]
    say(api, business, chats[0], "Ещё одно")
    seen, token = [], None
    while True:
        result = api.get_chats(business, GetChatsRequest(), limit=3, page_token=token).result
        seen += [chat.chat_id for chat in result.chats]
        token = result.paging.next_page_token if result.paging else None
        if not token:
            break
    assert len(seen) == len(set(seen))
    assert seen[:7] == [chats[0], *reversed(chats[1:])]

    def found(**filters):
        return {chat.chat_id for chat in api.get_chats(business, GetChatsRequest(**filters)).result.chats}

    ours = [ChatContextDTO(type="ORDER", id=order) for order in orders]
    assert found(contexts=ours, statuses=["WAITING_FOR_CUSTOMER"]) == {chats[0]}
    assert found(order_ids=[orders[3]]) == {chats[3]}
    assert found(context_types=["DIRECT"]) == found(types=["ARBITRAGE"]) == set()


def test_a_history_comes_in_pages_and_from_any_message(api, business):
    chat = create(api, business, next(FRESH))
    texts = [f"сообщение {number}" for number in range(11)]
    for text in texts:
        say(api, business, chat, text)
    walked, token, pages = [], None, 0
    while pages == 0 or token:
        result = history(api, business, chat, limit=4, page_token=token)
        walked += result.messages
        token = result.paging.next_page_token if result.paging else None
        pages += 1
    assert pages == 3
    assert [message.message for message in walked] == texts
    ids = same_ids(walked)
    rest = history(api, business, chat, first=ids[5]).messages
    assert [message.message_id for message in rest] == ids[5:]


def test_bad_requests_are_explained(api, business):
    missing, bad = generated.exceptions.NotFoundException, generated.exceptions.BadRequestException
    chat = create(api, business, next(FRESH))
    with refused(missing, 404) as refusal:
        history(api, business, UNKNOWN)
    assert (refusal.code, refusal.message) == ("NOT_FOUND", f"Can't find chat by id: {UNKNOWN}")
    with refused(missing, 404) as refusal:
        api.get_chat_message(business, chat, 1)
    assert refusal.message == f"Can't find message by id: 1 for chat {chat}"
    with refused(bad, 400) as refusal:
        history(api, business, chat, page_token="zzz")
    assert refusal.message == "Bad page token"
    with refused(bad, 400):
        say(api, business, chat, "   ")
    with refused(bad, 400) as refusal:
        api.send_file_to_chat(business, chat, ("a.txt", b"a"))
    assert refusal.message == "Files are not taken here"


def test_bad_credentials_are_refused(stand_in, business, foreign, api):
    with refused(generated.exceptions.ForbiddenException, 403) as refusal:
        api.get_chats(foreign, GetChatsRequest())
    assert refusal.message == "Access denied"
    with client(stand_in) as nobody, refused(generated.exceptions.UnauthorizedException, 401) as refusal:
        generated.ChatsApi(nobody).get_chats(business, GetChatsRequest())
    assert refusal.message == "Credentials are not specified"
    with client(stand_in, api_key={"ApiKey": "my-own-key"}) as stranger:
        with refused(generated.exceptions.UnauthorizedException, 401) as refusal:
            generated.ChatsApi(stranger).get_chats(business, GetChatsRequest())
    assert refusal.message == "Api-Key token prefix invalid"
