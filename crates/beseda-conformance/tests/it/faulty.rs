//! Does the suite notice? An engine behind a wrapper that breaks one rule at a time, and a case that must fail for it.
//! The rules themselves are not tested here.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatFilter, ChatId, ChatPage, ChatsApi, ErrorKind, FileUpload, HistoryFrom,
    MessagePage, MessageText, PageRequest, Result, forward_chats_api,
};
use beseda_conformance::{World, cases, text};

/// A rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    FiltersAreIgnored,
    DefaultPageOfTwenty,
    BadTokensBeginAnew,
    HistoryNewestFirst,
    FirstMessageExcluded,
    LastMessageOfAPageIsLost,
    TextsAreTrimmed,
    SendsTwice,
    ClosedIsNoError,
    OtherCabinetsChatsAreShown,
    UnknownChatIsABadRequest,
    FilesLoseTheirNames,
}

struct Faulty {
    inner: Arc<dyn ChatsApi>,
    fault: Fault,
    /// The cabinet whose chats are shown to everybody.
    business: BusinessId,
}

impl Faulty {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

#[async_trait]
impl ChatsApi for Faulty {
    async fn get_chats(
        &self,
        business: BusinessId,
        mut filter: ChatFilter,
        mut page: PageRequest<20>,
    ) -> Result<ChatPage> {
        if self.is(Fault::FiltersAreIgnored) {
            filter = ChatFilter::default();
        }
        if self.is(Fault::DefaultPageOfTwenty) && page.limit.is_none() {
            page.limit = Some(beseda_api::ChatsLimit::MAX);
        }
        let found = self.inner.get_chats(business, filter.clone(), page.clone()).await;
        match found {
            Err(_) if self.is(Fault::BadTokensBeginAnew) => {
                page.token = None;
                self.inner.get_chats(business, filter, page).await
            }
            found => found,
        }
    }

    async fn get_chat(&self, mut business: BusinessId, chat: ChatId) -> Result<Chat> {
        if self.is(Fault::OtherCabinetsChatsAreShown) {
            business = self.business;
        }
        let found = self.inner.get_chat(business, chat).await;
        match found {
            Err(error) if self.is(Fault::UnknownChatIsABadRequest) => {
                Err(beseda_api::Error::new(ErrorKind::BadRequest, error.to_string()))
            }
            found => found,
        }
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let first = from.message_id_from;
        let mut page = self.inner.get_chat_history(business, chat, from).await?;
        if self.is(Fault::HistoryNewestFirst) {
            page.messages.reverse();
        }
        if self.is(Fault::FirstMessageExcluded) {
            page.messages.retain(|message| Some(message.message_id) != first);
        }
        if self.is(Fault::LastMessageOfAPageIsLost) && page.paging.next_page_token.is_some() {
            page.messages.pop();
        }
        Ok(page)
    }

    forward_chats_api!(inner: get_chat_message, create_chat);

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        mut words: MessageText,
    ) -> Result<()> {
        if self.is(Fault::TextsAreTrimmed) {
            words = text(words.as_str().trim());
        }
        if self.is(Fault::SendsTwice) {
            self.inner.send_message_to_chat(business, chat, words.clone()).await?;
        }
        let sent = self.inner.send_message_to_chat(business, chat, words).await;
        if self.is(Fault::ClosedIsNoError) { Ok(()) } else { sent }
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        mut file: FileUpload,
    ) -> Result<()> {
        if self.is(Fault::FilesLoseTheirNames) {
            file.name = beseda_api::FileName::new("");
        }
        self.inner.send_file_to_chat(business, chat, file).await
    }
}

async fn world(fault: Fault) -> World {
    let mut world = crate::engine::world().await;
    let inner = Arc::clone(&world.api);
    world.api = Arc::new(Faulty { inner, fault, business: world.business });
    world
}

/// One test for each fault and the case that must fail for it.
macro_rules! noticed {
    ($($name:ident: $fault:ident by $operation:ident::$case:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let world = world(Fault::$fault).await;
            let case = tokio::spawn(async move { cases::$operation::$case(&world).await });
            assert!(case.await.is_err_and(|end| end.is_panic()), "nobody noticed");
        }
    )+};
}

noticed! {
    ignored_filters_are_noticed: FiltersAreIgnored by get_chats::chats_are_found_by_every_status;
    a_larger_default_page_is_noticed: DefaultPageOfTwenty by get_chats_paging::ten_chats_come_unless_said;
    forgiven_tokens_are_noticed: BadTokensBeginAnew by get_chats_paging::garbage_is_a_bad_page_token;
    a_history_in_reverse_is_noticed: HistoryNewestFirst by get_chat_history::messages_come_oldest_first_with_their_senders_and_times;
    an_excluded_first_message_is_noticed: FirstMessageExcluded by get_chat_history::a_history_begins_with_the_message_named;
    a_message_lost_between_pages_is_noticed: LastMessageOfAPageIsLost by get_chat_history::a_walk_in_pages_of_any_size_gives_every_message_once;
    a_message_lost_under_load_is_noticed: LastMessageOfAPageIsLost by get_chat_history::nothing_is_skipped_or_repeated_while_new_messages_arrive;
    trimmed_texts_are_noticed: TextsAreTrimmed by send_message_to_chat::blanks_around_a_text_are_kept;
    a_message_sent_twice_is_noticed: SendsTwice by send_message_to_chat::what_is_sent_at_once_is_all_there_once_and_in_order;
    a_closed_chat_that_takes_messages_is_noticed: ClosedIsNoError by send_message_to_chat::a_closed_chat_takes_no_message;
    a_chat_shown_to_another_cabinet_is_noticed: OtherCabinetsChatsAreShown by isolation::a_chat_of_another_cabinet_is_not_found;
    a_wrong_refusal_is_noticed: UnknownChatIsABadRequest by get_chat::an_unknown_chat_is_not_found;
    a_lost_file_name_is_noticed: FilesLoseTheirNames by files::names_in_any_script_and_with_any_signs_are_kept;
}
