"""A conversation through a client generated from the 2026 contract: /v2 paths, Api-Key, contexts, pageToken."""

import datetime
import itertools

import chats_2026 as generated
import pytest
from chats_2026 import ChatContextDTO, CreateChatRequest, GetChatHistoryRequest, GetChatsRequest
from chats_2026 import SendMessageToChatRequest
from conftest import download, refused, same_ids

UNKNOWN = 999_999_999_999
FILE_LIMIT = 5 * 1024 * 1024


def client(stand_in, **credentials):
    """Creates a generated client with these credentials, or without any."""
    return generated.ApiClient(generated.Configuration(host=stand_in["url"], **credentials))


@pytest.fixture(scope="module")
def api(stand_in):
    """Generated client with the shop's credentials."""
    with client(stand_in, api_key={"ApiKey": stand_in["apiKey"]}) as connection:
        yield generated.ChatsApi(connection)


def order_context(order):
    return ChatContextDTO(type="ORDER", id=order)


def create(api, business, context):
    return api.create_chat(business, CreateChatRequest(context=context)).result.chat_id


def say(api, business, chat, text):
    return api.send_message_to_chat(business, chat, SendMessageToChatRequest(message=text))


def history(api, business, chat, **arguments):
    return api.get_chat_history(business, chat, GetChatHistoryRequest(), **arguments).result


def test_a_campaign_names_the_cabinet(stand_in, business):
    with client(stand_in, api_key={"ApiKey": stand_in["apiKey"]}) as connection:
        campaigns = generated.CampaignsApi(connection).get_campaigns().campaigns
    assert stand_in["campaignId"] in [campaign.id for campaign in campaigns]
    assert {campaign.business.id for campaign in campaigns} == {business}


def test_the_token_names_its_scopes(stand_in):
    with client(stand_in, api_key={"ApiKey": stand_in["apiKey"]}) as connection:
        answer = generated.AuthApi(connection).get_auth_token_info()
    assert answer.status == "OK"
    assert answer.result.api_key.auth_scopes


def test_creating_a_chat_twice_finds_the_first(api, business, market):
    order = market.order()
    first = create(api, business, order_context(order))
    assert create(api, business, order_context(order)) == first
    assert api.create_chat(business, CreateChatRequest(order_id=order)).result.chat_id == first
    chat = api.get_chat(business, first).result
    assert (chat.chat_id, chat.type, chat.status) == (first, "CHAT", "NEW")
    assert (chat.context.type, chat.context.order_id, chat.order_id) == ("ORDER", order, order)
    assert chat.context.customer.name == "Мария К."


def test_a_return_has_a_chat_of_its_own(api, business, market):
    order = market.order()
    returned = market.returning(order)
    about_order = create(api, business, order_context(order))
    about_return = create(api, business, ChatContextDTO(type="RETURN", id=returned))
    assert about_order != about_return
    context = api.get_chat(business, about_return).result.context
    assert (context.type, context.return_id, context.order_id) == ("RETURN", returned, order)


def test_status_follows_messages_of_shop_and_buyer(api, business, market):
    chat = create(api, business, order_context(market.order()))
    assert say(api, business, chat, "Здравствуйте! Заказ уже в пути 🚚").status == "OK"
    assert api.get_chat(business, chat).result.status == "WAITING_FOR_CUSTOMER"
    market.write(chat, "Спасибо, жду!")
    answered = api.get_chat(business, chat).result
    assert answered.status == "WAITING_FOR_PARTNER"

    result = history(api, business, chat)
    assert [(message.sender, message.message) for message in result.messages] == [
        ("PARTNER", "Здравствуйте! Заказ уже в пути 🚚"),
        ("CUSTOMER", "Спасибо, жду!"),
    ]
    assert result.context.type == "ORDER"
    assert result.messages[-1].created_at.tzinfo is not None
    assert abs(answered.updated_at - result.messages[-1].created_at) < datetime.timedelta(seconds=1)
    one = api.get_chat_message(business, chat, result.messages[1].message_id).result
    assert one.message == "Спасибо, жду!"


def test_the_longest_message_arrives_whole(api, business, market):
    chat = create(api, business, order_context(market.order()))
    text = "ж" * 4095 + "🙂"
    say(api, business, chat, text)
    assert history(api, business, chat).messages[0].message == text


def test_filters_choose_by_context_type_and_status(api, business, market):
    order, quiet = market.order(), market.order()
    chat, silent = create(api, business, order_context(order)), create(api, business, order_context(quiet))
    market.write(chat, "Где мой заказ?")
    ours = [order_context(order), order_context(quiet)]

    def found(**filters):
        return {item.chat_id for item in api.get_chats(business, GetChatsRequest(**filters)).result.chats}

    assert found(contexts=ours) == {chat, silent}
    assert found(contexts=ours, statuses=["WAITING_FOR_PARTNER"]) == {chat}
    assert found(contexts=ours, statuses=["NEW"]) == {silent}
    assert found(contexts=ours, types=["ARBITRAGE"]) == set()
    assert found(order_ids=[quiet]) == {silent}
    directs = api.get_chats(business, GetChatsRequest(context_types=["DIRECT"])).result.chats
    assert all(item.context.type == "DIRECT" for item in directs)


def test_chats_come_in_pages_newest_first_and_none_twice(api, business, market):
    chats = [create(api, business, order_context(market.order())) for _ in range(7)]
    for chat in chats:
        market.write(chat, "Здравствуйте")
    seen, token = [], None
    for _ in itertools.count():
        result = api.get_chats(business, GetChatsRequest(types=["CHAT"]), limit=3, page_token=token).result
        assert 0 < len(result.chats) <= 3
        seen += result.chats
        token = result.paging.next_page_token if result.paging else None
        if not token:
            break
    ids = [chat.chat_id for chat in seen]
    assert len(ids) == len(set(ids))
    assert ids[:7] == list(reversed(chats))
    times = [chat.updated_at for chat in seen]
    assert times == sorted(times, reverse=True)


def test_history_comes_in_pages_oldest_first_and_from_any_message(api, business, market):
    chat = create(api, business, order_context(market.order()))
    texts = [f"сообщение {number}" for number in range(11)]
    for number, text in enumerate(texts):
        say(api, business, chat, text) if number % 2 else market.write(chat, text)
    walked, token, pages = [], None, 0
    while pages == 0 or token:
        result = history(api, business, chat, limit=4, page_token=token)
        walked += result.messages
        token = result.paging.next_page_token if result.paging else None
        pages += 1
        if pages == 1:
            market.write(chat, "пришло во время чтения")
    assert pages == 3
    assert [message.message for message in walked] == texts + ["пришло во время чтения"]
    ids = same_ids(walked)
    rest = api.get_chat_history(business, chat, GetChatHistoryRequest(message_id_from=ids[5])).result.messages
    assert [message.message_id for message in rest] == ids[5:]


def test_a_file_arrives_and_can_be_fetched(api, business, market, stand_in):
    chat = create(api, business, order_context(market.order()))
    content = bytes(range(256)) * 1024
    assert api.send_file_to_chat(business, chat, ("чек за март.pdf", content)).status == "OK"
    message = history(api, business, chat).messages[0]
    assert message.sender == "PARTNER" and message.message is None
    file = message.payload[0]
    assert (file.name, file.size) == ("чек за март.pdf", len(content))
    fetched, headers = download(file.url, {"Api-Key": stand_in["apiKey"]})
    assert fetched == content
    assert headers["Content-Disposition"].startswith("attachment")


def test_a_file_of_five_megabytes_is_the_largest(api, business, market):
    chat = create(api, business, order_context(market.order()))
    api.send_file_to_chat(business, chat, ("большой.bin", bytes(FILE_LIMIT)))
    with refused(generated.exceptions.BadRequestException, 400):
        api.send_file_to_chat(business, chat, ("ещё больше.bin", bytes(FILE_LIMIT + 1)))
    assert [message.payload[0].size for message in history(api, business, chat).messages] == [FILE_LIMIT]


def test_what_does_not_exist_is_not_found(api, business, market):
    missing = generated.exceptions.NotFoundException
    chat = create(api, business, order_context(market.order()))
    with refused(missing, 404) as refusal:
        history(api, business, UNKNOWN)
    assert (refusal.code, refusal.message) == ("NOT_FOUND", f"Can't find chat by id: {UNKNOWN}")
    with refused(missing, 404):
        api.get_chat(business, UNKNOWN)
    with refused(missing, 404):
        say(api, business, UNKNOWN, "Есть кто?")
    with refused(missing, 404):
        api.send_file_to_chat(business, UNKNOWN, ("a.txt", b"a"))
    with refused(missing, 404) as refusal:
        api.get_chat_message(business, chat, 1)
    assert refusal.message == f"Can't find message by id: 1 for chat {chat}"
    with refused(missing, 404) as refusal:
        create(api, business, order_context(UNKNOWN))
    assert refusal.message == f"Order not found: {UNKNOWN}"
    with refused(missing, 404):
        create(api, business, ChatContextDTO(type="RETURN", id=UNKNOWN))


def test_bad_requests_are_explained(api, business, market):
    bad = generated.exceptions.BadRequestException
    chat = create(api, business, order_context(market.order()))
    with refused(bad, 400) as refusal:
        history(api, business, chat, page_token="zzz")
    assert (refusal.code, refusal.message) == ("BAD_REQUEST", "Bad page token")
    with refused(bad, 400):
        api.get_chats(business, GetChatsRequest(), page_token="zzz")
    with refused(bad, 400):
        say(api, business, chat, "   ")
    with refused(bad, 400):
        api.create_chat(business, CreateChatRequest())
    assert history(api, business, chat).messages == []


def test_a_closed_chat_takes_nothing_more(api, business, market):
    chat = create(api, business, order_context(market.order()))
    market.close(chat)
    assert api.get_chat(business, chat).result.status == "FINISHED"
    with refused(generated.exceptions.BadRequestException, 400) as refusal:
        say(api, business, chat, "Ещё одно")
    assert "closed" in refusal.message


def test_bad_credentials_are_refused(stand_in, business, foreign, api):
    with refused(generated.exceptions.ForbiddenException, 403) as refusal:
        api.get_chats(foreign, GetChatsRequest())
    assert (refusal.code, refusal.message) == ("FORBIDDEN", "Access denied")
    with client(stand_in) as nobody, refused(generated.exceptions.UnauthorizedException, 401) as refusal:
        generated.ChatsApi(nobody).get_chats(business, GetChatsRequest())
    assert (refusal.code, refusal.message) == ("UNAUTHORIZED", "Credentials are not specified")
    key = "ACMA:" + "A" * 40 + ":00000000"
    with client(stand_in, api_key={"ApiKey": key}) as stranger:
        with refused(generated.exceptions.UnauthorizedException, 401) as refusal:
            generated.ChatsApi(stranger).get_chats(business, GetChatsRequest())
    assert refusal.message == "Api-Key token is invalid"


def test_calls_above_the_limit_are_refused(stand_in):
    """100 token requests per hour. Runs last, since it uses up the limit. The hour may end meanwhile."""
    with client(stand_in, api_key={"ApiKey": stand_in["apiKey"]}) as connection:
        auth = generated.AuthApi(connection)
        with refused(generated.exceptions.ApiException, 420) as refusal:
            for _ in range(2 * 100 + 1):
                auth.get_auth_token_info()
    assert refusal.code == "LIMIT_EXCEEDED"
    assert refusal.message.startswith("Hit rate limit of 100 requests per 1 hour"), refusal.message
    assert refusal.headers["X-RateLimit-Resource-Limit"] == "100"
    assert refusal.headers["X-RateLimit-Resource-Remaining"] == "0"
    assert refusal.headers["X-RateLimit-Resource-Until"].endswith(" GMT")
