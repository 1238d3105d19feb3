//! Checks conditions: waits, expectations, and the read position in each chat.

use beseda_api::{
    ChatFilter, ChatId, Error, HistoryFrom, Limit, Message, MessageId, PageRequest, Result, Sender,
};
use jiff::Timestamp;

use super::{Player, StepOutcome, failure};
use crate::{
    model::{ChatRef, Expectation, MessagePattern, ScriptStep, StepAction, WaitCondition},
    report::StepFailure,
};

impl Player<'_> {
    /// Waits until the condition holds, or returns `None` after the deadline.
    pub(crate) async fn wait_until_met(
        &mut self,
        step: &ScriptStep,
        condition: &WaitCondition,
        until: Timestamp,
    ) -> Result<Option<StepOutcome>, StepFailure> {
        // Subscribing first ensures that no change is missed.
        let mut listener = self.world.changes.listen();
        loop {
            let over = self.world.clock.now() >= until;
            let met = self.met(condition, until).await;
            let met = met.map_err(|error| failure(step.location.line, step.verb, &error))?;
            if met.is_some() || over {
                return Ok(met);
            }
            self.set_idle(true);
            tokio::select! {
                () = self.world.timer.sleep_until(until) => {}
                () = listener.changed(self.business) => {}
            }
            self.set_idle(false);
        }
    }

    async fn met(
        &mut self,
        condition: &WaitCondition,
        until: Timestamp,
    ) -> Result<Option<StepOutcome>> {
        match condition {
            WaitCondition::Message { pattern, chat } => {
                let chat = self.chat(chat)?;
                let from = self.read_up_to.get(&chat).copied().unwrap_or_default();
                let is_local = self.world.changes.is_local();
                let in_time =
                    |message: &Message| !is_local || message.created_at.timestamp() <= until;
                let messages = self.messages(chat, from + 1).await?;
                let found = messages.into_iter().find(|m| pattern.matches(m) && in_time(m));
                let Some(message) = found else { return Ok(None) };
                self.read_up_to.insert(chat, message.message_id.get());
                self.step_time = self.message_time(Some(&message)).max(self.step_time);
                let message = Some(message.message_id);
                Ok(Some(StepOutcome { chat: Some(chat), message, note: None }))
            }
            WaitCondition::Status { status, chat } => {
                let chat = self.world.chats.get_chat(self.business, self.chat(chat)?).await?;
                if chat.status != *status {
                    return Ok(None);
                }
                let is_local = self.world.changes.is_local();
                let changed = chat.updated_at.timestamp();
                let message_time = if is_local { changed } else { self.world.clock.now() };
                self.step_time = self.step_time.max(message_time);
                Ok(Some(StepOutcome { chat: Some(chat.chat_id), ..StepOutcome::default() }))
            }
            WaitCondition::Chat { name, context, chat_type } => {
                let filter = ChatFilter {
                    contexts: vec![*context],
                    types: vec![chat_type.clone()],
                    ..ChatFilter::default()
                };
                let page = PageRequest::first(Limit::MAX);
                let listed = self.world.chats.get_chats(self.business, filter, page).await?;
                let Some(chat) = listed.chats.into_iter().next() else { return Ok(None) };
                self.step_time = self.world.clock.now().max(self.step_time);
                self.chat_opened(name, &chat, None).await.map(Some)
            }
        }
    }

    pub(crate) async fn expect(
        &self,
        step: &ScriptStep,
        expected: &Expectation,
        chat: &ChatRef,
    ) -> Result<(), StepFailure> {
        let line = step.location.line;
        let failed = |error: Error| failure(line, step.verb, &error);
        let chat = self.chat(chat).map_err(failed)?;
        let reason = match expected {
            Expectation::Status(status) => {
                let chat = self.world.chats.get_chat(self.business, chat).await.map_err(failed)?;
                (chat.status != *status)
                    .then(|| format!("the status is {}, expected {status}", chat.status))
            }
            Expectation::Messages(count) => {
                let there = self.messages(chat, 1).await.map_err(failed)?.len();
                (there != *count).then(|| format!("there are {there} messages, expected {count}"))
            }
            Expectation::Message(pattern) => {
                let messages = self.messages(chat, 1).await.map_err(failed)?;
                let found = messages.iter().any(|message| pattern.matches(message));
                (!found).then(|| format!("{} is in the chat", describe(pattern)))
            }
        };
        match reason {
            Some(reason) => Err(StepFailure { line, step: step.verb.to_owned(), reason }),
            None => Ok(()),
        }
    }

    /// Marks the existing messages of chats referenced by id as read, so that waits don't match
    /// them.
    pub(crate) async fn skip_existing_messages(
        &mut self,
        steps: &[ScriptStep],
    ) -> Result<(), StepFailure> {
        for step in steps {
            let chat = match &step.action {
                StepAction::Write { chat, .. }
                | StepAction::Send { chat, .. }
                | StepAction::Sticker { chat, .. }
                | StepAction::Resolve { chat }
                | StepAction::Close { chat }
                | StepAction::Expect { chat, .. }
                | StepAction::Await {
                    condition:
                        WaitCondition::Message { chat, .. } | WaitCondition::Status { chat, .. },
                    ..
                } => Some(chat),
                StepAction::Repeat { steps, .. } => {
                    Box::pin(self.skip_existing_messages(steps)).await?;
                    None
                }
                _ => None,
            };
            if let StepAction::Await { otherwise: Some(steps), .. } = &step.action {
                Box::pin(self.skip_existing_messages(steps)).await?;
            }
            if let Some(ChatRef::Id(chat)) = chat
                && !self.read_up_to.contains_key(chat)
            {
                let messages = self.messages(*chat, 1).await;
                let messages =
                    messages.map_err(|error| failure(step.location.line, step.verb, &error))?;
                let last = messages.last().map_or(0, |message| message.message_id.get());
                self.read_up_to.insert(*chat, last);
                self.claim(*chat);
            }
        }
        Ok(())
    }

    /// Sets the read position of a newly named chat and returns its first message by this scenario,
    /// if any.
    pub(crate) async fn locate_first_message(
        &mut self,
        chat: ChatId,
        text: Option<&str>,
    ) -> Result<Option<Message>> {
        let messages = self.messages(chat, 1).await?;
        let ours = |message: &&Message| {
            message.sender == Sender::Customer && message.message.as_deref() == text
        };
        let first = text.and_then(|_| messages.iter().rfind(ours));
        let is_local = self.world.changes.is_local();
        let old = |message: &&Message| is_local && message.created_at.timestamp() < self.started;
        let last = first.or_else(|| messages.iter().rfind(old));
        self.read_up_to.insert(chat, last.map_or(0, |message| message.message_id.get()));
        Ok(first.cloned())
    }

    /// Returns all messages of a chat with this id or a later one, oldest first.
    async fn messages(&self, chat: ChatId, from: i64) -> Result<Vec<Message>> {
        let from = MessageId::new(from.max(1)).ok();
        let mut page = PageRequest::first(Limit::MAX);
        let mut messages = Vec::new();
        loop {
            let request = HistoryFrom { message_id_from: from, page: page.clone() };
            let answer = self.world.chats.get_chat_history(self.business, chat, request).await?;
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

/// Describes a condition that was not met.
pub(crate) fn unmet(condition: &WaitCondition) -> String {
    match condition {
        WaitCondition::Message { pattern, .. } => format!("{} came", describe(pattern)),
        WaitCondition::Status { status, .. } => format!("the status did not become {status}"),
        WaitCondition::Chat { context, chat_type, .. } => {
            format!("no {chat_type} about {} {} appeared", context.context_type(), context.id())
        }
    }
}

fn describe(pattern: &MessagePattern) -> String {
    let sender = pattern.sender.as_ref().map(|sender| format!(" of {sender}")).unwrap_or_default();
    let kind = pattern.kind.map(|kind| format!(" ({kind:?})").to_lowercase()).unwrap_or_default();
    let regex = pattern.matching.as_ref();
    let regex = regex.map(|regex| format!(" matching `{regex}`")).unwrap_or_default();
    format!("no message{sender}{kind}{regex}")
}
