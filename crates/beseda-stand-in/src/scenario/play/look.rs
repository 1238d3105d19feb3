//! How a player sees whether something is so: waits, expectations, and where in a chat it has come to. It writes nothing.

use beseda_api::{
    ChatFilter, ChatId, Error, HistoryFrom, Limit, Message, MessageId, PageRequest, Result, Sender,
};
use jiff::Timestamp;

use super::{
    super::{
        model::{Act, ChatRef, Condition, Expected, Pattern, Step},
        report::Failure,
    },
    Deed, Player, failure,
};

impl Player<'_> {
    /// Waits until the condition holds; `None` if that moment passed first.
    pub(super) async fn until(
        &mut self,
        step: &Step,
        condition: &Condition,
        until: Timestamp,
    ) -> Result<Option<Deed>, Failure> {
        // Listening comes before looking, so that nothing falls between the two.
        let mut listener = self.stage.changes.listen();
        loop {
            let over = self.stage.clock.now() >= until;
            let met = self.met(condition, until).await;
            let met = met.map_err(|error| failure(step.place.line, step.words, &error))?;
            if met.is_some() || over {
                return Ok(met);
            }
            self.rest(true);
            tokio::select! {
                () = self.stage.timer.sleep_until(until) => {}
                () = listener.changed(self.business) => {}
            }
            self.rest(false);
        }
    }

    async fn met(&mut self, condition: &Condition, until: Timestamp) -> Result<Option<Deed>> {
        match condition {
            Condition::Message { pattern, chat } => {
                let chat = self.chat(chat)?;
                let from = self.seen.get(&chat).copied().unwrap_or_default();
                let told = self.stage.changes.are_told();
                let in_time = |message: &Message| !told || message.created_at.timestamp() <= until;
                let messages = self.messages(chat, from + 1).await?;
                let found = messages.into_iter().find(|m| pattern.fits(m) && in_time(m));
                let Some(message) = found else { return Ok(None) };
                self.seen.insert(chat, message.message_id.get());
                self.reached = self.moment(Some(&message)).max(self.reached);
                let message = Some(message.message_id);
                Ok(Some(Deed { chat: Some(chat), message, note: None }))
            }
            Condition::Status { status, chat } => {
                let chat = self.stage.chats.get_chat(self.business, self.chat(chat)?).await?;
                if chat.status != *status {
                    return Ok(None);
                }
                let told = self.stage.changes.are_told();
                let changed = chat.updated_at.timestamp();
                let moment = if told { changed } else { self.stage.clock.now() };
                self.reached = self.reached.max(moment);
                Ok(Some(Deed { chat: Some(chat.chat_id), ..Deed::default() }))
            }
            Condition::Chat { name, context, chat_type } => {
                let filter = ChatFilter {
                    contexts: vec![*context],
                    types: vec![chat_type.clone()],
                    ..ChatFilter::default()
                };
                let page = PageRequest::first(Limit::MAX);
                let listed = self.stage.chats.get_chats(self.business, filter, page).await?;
                let Some(chat) = listed.chats.into_iter().next() else { return Ok(None) };
                self.reached = self.stage.clock.now().max(self.reached);
                self.opened(name, &chat, None).await.map(Some)
            }
        }
    }

    pub(super) async fn expect(
        &self,
        step: &Step,
        expected: &Expected,
        chat: &ChatRef,
    ) -> Result<(), Failure> {
        let line = step.place.line;
        let broken = |error: Error| failure(line, step.words, &error);
        let chat = self.chat(chat).map_err(broken)?;
        let reason = match expected {
            Expected::Status(status) => {
                let chat = self.stage.chats.get_chat(self.business, chat).await.map_err(broken)?;
                (chat.status != *status)
                    .then(|| format!("the status is {} and not {status}", chat.status))
            }
            Expected::Messages(count) => {
                let there = self.messages(chat, 1).await.map_err(broken)?.len();
                (there != *count).then(|| format!("there are {there} messages and not {count}"))
            }
            Expected::Message(pattern) => {
                let messages = self.messages(chat, 1).await.map_err(broken)?;
                let found = messages.iter().any(|message| pattern.fits(message));
                (!found).then(|| format!("{} is in the chat", described(pattern)))
            }
        };
        match reason {
            Some(reason) => Err(Failure { line, step: step.words.to_owned(), reason }),
            None => Ok(()),
        }
    }

    /// What was said before the scenario is not waited for in chats that it names by their ids.
    pub(super) async fn look_at_named_by_id(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for step in steps {
            let chat = match &step.act {
                Act::Write { chat, .. }
                | Act::Send { chat, .. }
                | Act::Sticker { chat, .. }
                | Act::Resolve { chat }
                | Act::Close { chat }
                | Act::Expect { chat, .. }
                | Act::Await {
                    condition: Condition::Message { chat, .. } | Condition::Status { chat, .. },
                    ..
                } => Some(chat),
                Act::Repeat { steps, .. } => {
                    Box::pin(self.look_at_named_by_id(steps)).await?;
                    None
                }
                _ => None,
            };
            if let Act::Await { otherwise: Some(steps), .. } = &step.act {
                Box::pin(self.look_at_named_by_id(steps)).await?;
            }
            if let Some(ChatRef::Id(chat)) = chat
                && !self.seen.contains_key(chat)
            {
                let messages = self.messages(*chat, 1).await;
                let messages =
                    messages.map_err(|error| failure(step.place.line, step.words, &error))?;
                let last = messages.last().map_or(0, |message| message.message_id.get());
                self.seen.insert(*chat, last);
                self.claim(*chat);
            }
        }
        Ok(())
    }

    /// Finds where a chat begins for this scenario, and its first message of ours if it has one.
    pub(super) async fn begin(
        &mut self,
        chat: ChatId,
        text: Option<&str>,
    ) -> Result<Option<Message>> {
        let messages = self.messages(chat, 1).await?;
        let ours = |message: &&Message| {
            message.sender == Sender::Customer && message.message.as_deref() == text
        };
        let first = text.and_then(|_| messages.iter().rfind(ours));
        let told = self.stage.changes.are_told();
        let old = |message: &&Message| told && message.created_at.timestamp() < self.started;
        let last = first.or_else(|| messages.iter().rfind(old));
        self.seen.insert(chat, last.map_or(0, |message| message.message_id.get()));
        Ok(first.cloned())
    }

    /// Every message of a chat from this id on, the oldest first.
    async fn messages(&self, chat: ChatId, from: i64) -> Result<Vec<Message>> {
        let from = MessageId::new(from.max(1)).ok();
        let mut page = PageRequest::first(Limit::MAX);
        let mut messages = Vec::new();
        loop {
            let request = HistoryFrom { message_id_from: from, page: page.clone() };
            let answer = self.stage.chats.get_chat_history(self.business, chat, request).await?;
            messages.extend(answer.messages);
            match answer.paging.next_page_token {
                Some(token) => page = page.after(token),
                None => break,
            }
        }
        messages.sort_by_key(|message| message.message_id);
        Ok(messages)
    }
}

/// What didn't come.
pub(super) fn missed(condition: &Condition) -> String {
    match condition {
        Condition::Message { pattern, .. } => format!("{} came", described(pattern)),
        Condition::Status { status, .. } => format!("the status did not become {status}"),
        Condition::Chat { context, chat_type, .. } => {
            format!("no {chat_type} about {} {} appeared", context.context_type(), context.id())
        }
    }
}

fn described(pattern: &Pattern) -> String {
    let by = pattern.by.as_ref().map(|by| format!(" of {by}")).unwrap_or_default();
    let kind = pattern.kind.map(|kind| format!(" ({kind:?})").to_lowercase()).unwrap_or_default();
    let regex = pattern.matching.as_ref();
    let regex = regex.map(|regex| format!(" matching `{regex}`")).unwrap_or_default();
    format!("no message{by}{kind}{regex}")
}
