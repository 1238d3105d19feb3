"""A conversation through a client generated from the 2024 contract: bare paths, OAuth, orderId, page_token."""

import chats_2024 as generated
import pytest
from chats_2024 import CreateChatRequest, GetChatHistoryRequest, GetChatsRequest, SendMessageToChatRequest
from conftest import download, refused, same_ids

UNKNOWN = 999_999_999_999


def client(stand_in, **credentials):
    """Creates a generated client with these credentials, or without any."""
    return generated.ApiClient(generated.Configuration(host=stand_in["url"], **credentials))


@pytest.fixture(scope="module")
def api(stand_in):
    """Generated client with the shop's credentials."""
    with client(stand_in, access_token=stand_in["oauthToken"]) as connection:
        yield generated.ChatsApi(connection)


def create(api, business, order):
    return api.create_chat(business, CreateChatRequest(order_id=order)).result.chat_id


def say(api, business, chat, text):
    return api.send_message_to_chat(business, chat, SendMessageToChatRequest(message=text))


def history(api, business, chat, **arguments):
    return api.get_chat_history(business, chat, GetChatHistoryRequest(), **arguments).result


def test_a_campaign_names_the_cabinet(stand_in, business):
    with client(stand_in, access_token=stand_in["oauthToken"]) as connection:
        campaigns = generated.CampaignsApi(connection).get_campaigns().campaigns
    known = {campaign.id: campaign.business.id for campaign in campaigns}
    assert known[stand_in["campaignId"]] == business


def test_all_demo_chats_and_histories_decode(api, business):
    """The generated models refuse fields that are not in the document."""
    chats, token = [], None
    while not chats or token:
        result = api.get_chats(business, GetChatsRequest(), limit=3, page_token=token).result
        chats += result.chats
        token = result.paging.next_page_token if result.paging else None
    assert all(chat.order_id for chat in chats)
    assert sum(len(history(api, business, chat.chat_id).messages) for chat in chats) > len(chats)


def test_creating_a_chat_twice_finds_the_first(api, business, market):
    order = market.order()
    chat = create(api, business, order)
    assert create(api, business, order) == chat


def test_status_follows_messages_of_shop_and_buyer(api, business, market):
    order = market.order()
    chat = create(api, business, order)
    assert say(api, business, chat, "Здравствуйте! Заказ собран.").status == "OK"

    def seen():
        chats = api.get_chats(business, GetChatsRequest(order_ids=[order])).result.chats
        assert [(item.chat_id, item.order_id, item.type) for item in chats] == [(chat, order, "CHAT")]
        return chats[0]

    assert seen().status == "WAITING_FOR_CUSTOMER"
    market.write(chat, "Хорошо 👍")
    assert seen().status == "WAITING_FOR_PARTNER"
    result = history(api, business, chat)
    assert result.order_id == order
    assert [(message.sender, message.message) for message in result.messages] == [
        ("PARTNER", "Здравствуйте! Заказ собран."),
        ("CUSTOMER", "Хорошо 👍"),
    ]
    same_ids(result.messages)
    assert result.messages[0].created_at.tzinfo is not None


def test_filters_choose_by_order_type_and_status(api, business, market):
    orders = [market.order() for _ in range(2)]
    talking, silent = (create(api, business, order) for order in orders)
    market.write(talking, "Где мой заказ?")

    def found(**filters):
        request = GetChatsRequest(order_ids=orders, **filters)
        return {chat.chat_id for chat in api.get_chats(business, request).result.chats}

    assert found() == {talking, silent}
    assert found(statuses=["WAITING_FOR_PARTNER"]) == {talking}
    assert found(statuses=["NEW", "FINISHED"]) == {silent}
    assert found(types=["ARBITRAGE"]) == set()
    assert found(types=None, statuses=None) == {talking, silent}


def test_chats_come_in_pages_newest_first_and_none_twice(api, business, market):
    orders = [market.order() for _ in range(5)]
    chats = [create(api, business, order) for order in orders]
    for chat in chats:
        market.write(chat, "Здравствуйте")
    seen, sizes, token = [], [], None
    while not sizes or token:
        result = api.get_chats(business, GetChatsRequest(order_ids=orders), limit=2, page_token=token).result
        seen += [chat.chat_id for chat in result.chats]
        sizes.append(len(result.chats))
        token = result.paging.next_page_token if result.paging else None
    assert seen == list(reversed(chats))
    assert sizes == [2, 2, 1]


def test_history_comes_in_pages_oldest_first_and_from_any_message(api, business, market):
    chat = create(api, business, market.order())
    texts = [f"сообщение {number}" for number in range(7)]
    for number, text in enumerate(texts):
        say(api, business, chat, text) if number % 2 else market.write(chat, text)
    walked, pages, token = [], 0, None
    while pages == 0 or token:
        result = history(api, business, chat, limit=3, page_token=token)
        walked += result.messages
        pages += 1
        token = result.paging.next_page_token if result.paging else None
    assert pages == 3
    assert [message.message for message in walked] == texts
    ids = same_ids(walked)
    rest = api.get_chat_history(business, chat, GetChatHistoryRequest(message_id_from=ids[4])).result.messages
    assert [message.message_id for message in rest] == ids[4:]


def test_a_file_arrives_and_can_be_fetched(api, business, market, stand_in):
    chat = create(api, business, market.order())
    content = bytes(range(256)) * 512
    assert api.send_file_to_chat(business, chat, ("фото.jpg", content)).status == "OK"
    file = history(api, business, chat).messages[0].payload[0]
    assert (file.name, file.size) == ("фото.jpg", len(content))
    fetched, _ = download(file.url, {"Authorization": f"Bearer {stand_in['oauthToken']}"})
    assert fetched == content


def test_what_does_not_exist_is_not_found(api, business):
    missing = generated.exceptions.NotFoundException
    with refused(missing, 404) as refusal:
        history(api, business, UNKNOWN)
    assert (refusal.code, refusal.message) == ("NOT_FOUND", f"Can't find chat by id: {UNKNOWN}")
    with refused(missing, 404):
        say(api, business, UNKNOWN, "Есть кто?")
    with refused(missing, 404) as refusal:
        create(api, business, UNKNOWN)
    assert refusal.message == f"Order not found: {UNKNOWN}"


def test_bad_requests_are_explained(api, business, market):
    """The generated 2024 client doesn't validate ranges, so the server has to."""
    bad = generated.exceptions.BadRequestException
    chat = create(api, business, market.order())
    with refused(bad, 400) as refusal:
        history(api, business, chat, page_token="zzz")
    assert (refusal.code, refusal.message) == ("BAD_REQUEST", "Bad page token")
    with refused(bad, 400) as refusal:
        api.get_chats(business, GetChatsRequest(), limit=21)
    assert refusal.message == "Parameter limit must be less than or equal to 20 (rejected value: 21)"
    with refused(bad, 400):
        history(api, business, chat, limit=0)
    with refused(bad, 400):
        create(api, business, 0)
    with refused(bad, 400):
        history(api, business, -1)


def test_bad_credentials_are_refused(stand_in, business, foreign, api):
    """A bad OAuth token is 403, unlike a bad Api-Key, which is 401."""
    with refused(generated.exceptions.ForbiddenException, 403) as refusal:
        api.get_chats(foreign, GetChatsRequest())
    assert (refusal.code, refusal.message) == ("FORBIDDEN", "Access denied")
    with client(stand_in) as nobody, refused(generated.exceptions.UnauthorizedException, 401) as refusal:
        generated.ChatsApi(nobody).get_chats(business, GetChatsRequest())
    assert (refusal.code, refusal.message) == ("UNAUTHORIZED", "Credentials are not specified")
    with client(stand_in, access_token="y0_somebody-else") as stranger:
        with refused(generated.exceptions.ForbiddenException, 403) as refusal:
            generated.ChatsApi(stranger).get_chats(business, GetChatsRequest())
    assert refusal.message == "OAuth token is invalid"


def test_calls_above_the_limit_are_refused(stand_in):
    """1,000 campaign lists per hour. Runs last, since it uses up the limit. The hour may end meanwhile."""
    with client(stand_in, access_token=stand_in["oauthToken"]) as connection:
        campaigns = generated.CampaignsApi(connection)
        with refused(generated.exceptions.ApiException, 420) as refusal:
            for _ in range(2 * 1000 + 1):
                campaigns.get_campaigns()
    assert refusal.code == "LIMIT_EXCEEDED"
    assert refusal.message.startswith("Hit rate limit of 1000 requests per 1 hour"), refusal.message
    assert refusal.headers["X-RateLimit-Resource-Limit"] == "1000"
    assert refusal.headers["X-RateLimit-Resource-Remaining"] == "0"
