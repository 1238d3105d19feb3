//! HTTP handlers of the published operations, in the order of the trait.

use beseda_api::{
    BusinessId, ChatPage, Error, Generation, HistoryFrom, Result,
    wire::{CreateChat, CreatedChat, GetChatHistory, SendMessage},
};

use crate::{
    auth::AuthenticatedCaller,
    body::BodyKind,
    campaigns::{get_auth_token_info, get_campaigns},
    request::RequestContext,
    response::{self, ApiResponse},
    router::Operation,
    upload,
};

/// Calls the handler of an operation after the checks common to all.
pub(crate) async fn handle(
    op: Operation,
    mut call: RequestContext<'_>,
    caller: &AuthenticatedCaller,
) -> Result<ApiResponse> {
    match op {
        Operation::GetChats
        | Operation::GetChatHistory
        | Operation::CreateChat
        | Operation::SendMessageToChat => call.check_type(BodyKind::Json)?,
        Operation::SendFileToChat => call.check_type(BodyKind::Multipart)?,
        _ => {}
    }
    call.check_business_header(caller.business)?;
    let business = || caller.business.ok_or_else(|| Error::internal("a path without its cabinet"));
    match op {
        Operation::GetChats => get_chats(&mut call, business()?).await,
        Operation::GetChat => get_chat(&mut call, business()?).await,
        Operation::GetChatHistory => get_chat_history(&mut call, business()?).await,
        Operation::GetChatMessage => get_chat_message(&mut call, business()?).await,
        Operation::CreateChat => create_chat(&mut call, business()?).await,
        Operation::SendMessageToChat => send_message_to_chat(&mut call, business()?).await,
        Operation::SendFileToChat => send_file_to_chat(&mut call, business()?).await,
        Operation::GetCampaigns => get_campaigns(&mut call, &caller.access).await,
        Operation::GetAuthTokenInfo => get_auth_token_info(&caller.access),
    }
}

async fn get_chats(call: &mut RequestContext<'_>, business: BusinessId) -> Result<ApiResponse> {
    let (page, view) = (call.query().page()?, call.view());
    let Some(filter) = view.filter(call.json().await?)? else {
        return response::ok(ChatPage::default());
    };
    view.chats(call.chats().get_chats(business, filter, page).await?)
}

async fn get_chat(call: &mut RequestContext<'_>, business: BusinessId) -> Result<ApiResponse> {
    let chat = call.query().id("chatId")?;
    call.view().chat(call.chats().get_chat(business, chat).await?)
}

async fn get_chat_history(
    call: &mut RequestContext<'_>,
    business: BusinessId,
) -> Result<ApiResponse> {
    let (chat, page) = (call.query().id("chatId")?, call.query().page()?);
    let message_id_from = call.json::<GetChatHistory>().await?.parse()?;
    let from = HistoryFrom { message_id_from, page };
    let found = call.chats().get_chat_history(business, chat, from).await?;
    call.view().history(chat, &found)
}

async fn get_chat_message(
    call: &mut RequestContext<'_>,
    business: BusinessId,
) -> Result<ApiResponse> {
    let (chat, message) = (call.query().id("chatId")?, call.query().id("messageId")?);
    response::ok(call.chats().get_chat_message(business, chat, message).await?)
}

async fn create_chat(call: &mut RequestContext<'_>, business: BusinessId) -> Result<ApiResponse> {
    let body: CreateChat = call.json().await?;
    if call.generation == Generation::Y2024 && body.context.is_none() && body.order_id.is_none() {
        // Unversioned requests know only orders.
        return Err(Error::null_field("orderId"));
    }
    let context = body.parse()?;
    let chat_id = call.chats().create_chat(business, context).await?;
    response::ok(CreatedChat { chat_id })
}

async fn send_message_to_chat(
    call: &mut RequestContext<'_>,
    business: BusinessId,
) -> Result<ApiResponse> {
    let chat = call.query().id("chatId")?;
    let text = call.json::<SendMessage>().await?.parse()?;
    call.chats().send_message_to_chat(business, chat, text).await?;
    response::done()
}

async fn send_file_to_chat(
    call: &mut RequestContext<'_>,
    business: BusinessId,
) -> Result<ApiResponse> {
    let (chat, chats) = (call.query().id("chatId")?, call.chats());
    let incoming = upload::find(call).await?;
    incoming.pass(|file| chats.send_file_to_chat(business, chat, file)).await?;
    response::done()
}
