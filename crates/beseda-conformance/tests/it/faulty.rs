//! Tests of the suite itself: an engine behind a wrapper that violates one rule at a time, and a case that must fail for it.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Chat, ChatFilter, ChatId, ChatPage, ChatsApi, ErrorKind, FileUpload, HistoryFrom,
    MessagePage, MessageText, PageRequest, Result, forward_chats_api,
};
use beseda_conformance::{TestEnvironment, cases, text};

/// Violated rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    FiltersIgnored,
    DefaultPageOfTwenty,
    InvalidTokensAccepted,
    HistoryNewestFirst,
    FirstMessageExcluded,
    LastMessageOfPageLost,
    TextsTrimmed,
    MessagesSentTwice,
    ClosedChatsAcceptMessages,
    ChatsOfOtherCabinetsShown,
    UnknownChatIsBadRequest,
    FileNamesLost,
}

struct Faulty {
    inner: Arc<dyn ChatsApi>,
    fault: Fault,
    /// Cabinet whose chats are shown to every cabinet.
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
        if self.is(Fault::FiltersIgnored) {
            filter = ChatFilter::default();
        }
        if self.is(Fault::DefaultPageOfTwenty) && page.limit.is_none() {
            page.limit = Some(beseda_api::ChatsLimit::MAX);
        }
        let found = self.inner.get_chats(business, filter.clone(), page.clone()).await;
        match found {
            Err(_) if self.is(Fault::InvalidTokensAccepted) => {
                page.token = None;
                self.inner.get_chats(business, filter, page).await
            }
            found => found,
        }
    }

    async fn get_chat(&self, mut business: BusinessId, chat: ChatId) -> Result<Chat> {
        if self.is(Fault::ChatsOfOtherCabinetsShown) {
            business = self.business;
        }
        let found = self.inner.get_chat(business, chat).await;
        match found {
            Err(error) if self.is(Fault::UnknownChatIsBadRequest) => {
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
        if self.is(Fault::LastMessageOfPageLost) && page.paging.next_page_token.is_some() {
            page.messages.pop();
        }
        Ok(page)
    }

    forward_chats_api!(inner: get_chat_message, create_chat);

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        mut content: MessageText,
    ) -> Result<()> {
        if self.is(Fault::TextsTrimmed) {
            content = text(content.as_str().trim());
        }
        if self.is(Fault::MessagesSentTwice) {
            self.inner.send_message_to_chat(business, chat, content.clone()).await?;
        }
        let sent = self.inner.send_message_to_chat(business, chat, content).await;
        if self.is(Fault::ClosedChatsAcceptMessages) { Ok(()) } else { sent }
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        mut file: FileUpload,
    ) -> Result<()> {
        if self.is(Fault::FileNamesLost) {
            file.name = beseda_api::FileName::new("");
        }
        self.inner.send_file_to_chat(business, chat, file).await
    }
}

async fn environment(fault: Fault) -> TestEnvironment {
    let mut env = crate::engine::environment().await;
    let inner = Arc::clone(&env.api);
    env.api = Arc::new(Faulty { inner, fault, business: env.business });
    env
}

/// Makes a test for each fault and the case that must fail for it.
macro_rules! detected {
    ($($name:ident: $fault:ident by $operation:ident::$case:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let env = environment(Fault::$fault).await;
            let case = tokio::spawn(async move { cases::$operation::$case(&env).await });
            assert!(case.await.is_err_and(|error| error.is_panic()), "the case passed");
        }
    )+};
}

detected! {
    ignored_filters_are_detected: FiltersIgnored by get_chats::chats_are_found_by_every_status;
    a_larger_default_page_is_detected: DefaultPageOfTwenty by get_chats_paging::the_default_page_has_ten_chats;
    accepted_invalid_tokens_are_detected: InvalidTokensAccepted by get_chats_paging::garbage_is_rejected_as_a_page_token;
    a_history_in_reverse_order_is_detected: HistoryNewestFirst by get_chat_history::messages_are_listed_oldest_first_with_senders_and_times;
    an_excluded_first_message_is_detected: FirstMessageExcluded by get_chat_history::a_history_starts_with_the_given_message;
    a_message_lost_between_pages_is_detected: LastMessageOfPageLost by get_chat_history::pages_of_any_size_contain_every_message_once;
    a_message_lost_during_concurrent_writes_is_detected: LastMessageOfPageLost by get_chat_history::nothing_is_skipped_or_repeated_while_new_messages_arrive;
    trimmed_texts_are_detected: TextsTrimmed by send_message_to_chat::whitespace_around_a_text_is_preserved;
    a_message_sent_twice_is_detected: MessagesSentTwice by send_message_to_chat::concurrently_sent_messages_are_in_the_history_once_and_in_order;
    a_closed_chat_that_accepts_messages_is_detected: ClosedChatsAcceptMessages by send_message_to_chat::a_message_to_a_closed_chat_is_refused;
    a_chat_shown_to_another_cabinet_is_detected: ChatsOfOtherCabinetsShown by isolation::a_chat_of_another_cabinet_is_not_found;
    a_wrong_error_code_is_detected: UnknownChatIsBadRequest by get_chat::an_unknown_chat_is_not_found;
    a_lost_file_name_is_detected: FileNamesLost by files::file_names_in_any_script_and_with_special_characters_are_preserved;
}
