//! Plays a scenario step by step.

mod conditions;

use std::{collections::HashMap, time::Duration};

use beseda_api::{
    BusinessId, Chat, ChatId, ChatOpening, DisputeOpening, Error, ErrorKind, FileUpload,
    MarketMessage, Message, MessageId, MessageText, Sender, Time, wire::ContextRef,
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::{
    model::{ChatRef, DisputeSubject, Scenario, ScriptStep, StepAction, WaitCondition},
    report::{RunState, ScenarioReport, StepFailure, StepReport},
    world::{Claims, ScenarioWorld},
};

impl ScenarioReport {
    /// Creates the report of a scenario that starts now.
    #[must_use]
    pub fn start(scenario: &Scenario, now: Timestamp) -> Self {
        Self {
            scenario: scenario.name.clone(),
            state: RunState::Running,
            started_at: Time::moscow(now),
            ended_at: None,
            chats: Default::default(),
            steps: Vec::new(),
            failure: None,
            is_idle: false,
        }
    }
}

/// Plays a scenario to its end and updates the report after every step.
pub async fn play(
    scenario: &Scenario,
    world: &ScenarioWorld,
    business: BusinessId,
    report: &watch::Sender<ScenarioReport>,
) {
    let mut player = Player::new(scenario, world, business, report);
    let played = player.play(scenario).await;
    let ended = Time::moscow(world.clock.now());
    report.send_modify(|report| {
        report.ended_at = Some(ended);
        report.state = if played.is_ok() { RunState::Done } else { RunState::Failed };
        report.failure = played.err();
    });
}

/// State of a scenario being played.
struct Player<'a> {
    world: &'a ScenarioWorld,
    business: BusinessId,
    report: &'a watch::Sender<ScenarioReport>,
    default_timeout: Duration,
    started: Timestamp,
    /// Time of the last step. Pauses and timeouts are relative to it, not to the time at which it
    /// was noticed.
    step_time: Timestamp,
    chat_ids: HashMap<String, ChatId>,
    /// Id of the last message of each chat that waits have consumed; zero before the first.
    read_up_to: HashMap<ChatId, i64>,
    claimed: ClaimGuard<'a>,
}

/// Chats claimed by the scenario; released on drop.
struct ClaimGuard<'a>(&'a Claims, Vec<ChatId>);

impl Drop for ClaimGuard<'_> {
    fn drop(&mut self) {
        for chat in &self.1 {
            self.0.release(*chat);
        }
    }
}

/// Result of a step.
#[derive(Default)]
struct StepOutcome {
    chat: Option<ChatId>,
    message: Option<MessageId>,
    note: Option<String>,
}

impl<'a> Player<'a> {
    fn new(
        scenario: &Scenario,
        world: &'a ScenarioWorld,
        business: BusinessId,
        report: &'a watch::Sender<ScenarioReport>,
    ) -> Self {
        let now = report.borrow().started_at.timestamp();
        Self {
            world,
            business,
            report,
            default_timeout: scenario.default_timeout,
            started: now,
            step_time: now,
            chat_ids: HashMap::new(),
            read_up_to: HashMap::new(),
            claimed: ClaimGuard(&world.claims, Vec::new()),
        }
    }

    async fn play(&mut self, scenario: &Scenario) -> Result<(), StepFailure> {
        for (location, order) in &scenario.orders {
            let registered = self.world.market.register_order(self.business, order.clone()).await;
            registered.map_err(|error| failure(location.line, "given order", &error))?;
        }
        for (location, ret) in &scenario.returns {
            let registered = self.world.market.register_return(self.business, *ret).await;
            registered.map_err(|error| failure(location.line, "given return", &error))?;
        }
        self.skip_existing_messages(&scenario.steps).await?;
        self.steps(&scenario.steps).await
    }

    async fn steps(&mut self, steps: &[ScriptStep]) -> Result<(), StepFailure> {
        for step in steps {
            match &step.action {
                StepAction::Pause(long) => {
                    self.step_time = later(self.step_time, *long);
                    self.set_idle(true);
                    self.world.timer.sleep_until(self.step_time).await;
                    self.set_idle(false);
                    self.report_step(step, StepOutcome::default());
                }
                StepAction::Await { condition, within, otherwise } => {
                    self.wait(step, condition, *within, otherwise.as_deref()).await?;
                }
                StepAction::Repeat { times, steps } => {
                    for _ in 0..*times {
                        Box::pin(self.steps(steps)).await?;
                    }
                }
                StepAction::Expect { expected, chat } => {
                    self.expect(step, expected, chat).await?;
                    let chat = self.chat(chat).ok();
                    self.report_step(step, StepOutcome { chat, ..StepOutcome::default() });
                }
                action => {
                    let done = self.perform(action).await;
                    let outcome = check_refusal(step, done)?;
                    self.report_step(step, outcome);
                }
            }
        }
        Ok(())
    }

    /// Waits for a condition. On timeout it runs the `otherwise` steps, or fails if there are none.
    async fn wait(
        &mut self,
        step: &ScriptStep,
        condition: &WaitCondition,
        within: Option<Duration>,
        otherwise: Option<&[ScriptStep]>,
    ) -> Result<(), StepFailure> {
        let within = within.unwrap_or(self.default_timeout);
        let until = later(self.step_time, within);
        if let Some(outcome) = self.wait_until_met(step, condition, until).await? {
            self.report_step(step, outcome);
            return Ok(());
        }
        self.step_time = until;
        let Some(steps) = otherwise else {
            let reason = format!("{} within {within:?}", conditions::unmet(condition));
            return Err(StepFailure {
                line: step.location.line,
                step: step.verb.to_owned(),
                reason,
            });
        };
        let note = Some("timed out, continued with `otherwise`".to_owned());
        self.report_step(step, StepOutcome { note, ..StepOutcome::default() });
        Box::pin(self.steps(steps)).await
    }

    async fn perform(&mut self, action: &StepAction) -> Result<StepOutcome, Error> {
        let (market, business) = (&self.world.market, self.business);
        match action {
            StepAction::OpenChat { name, context, customer, text } => {
                let opening = ChatOpening {
                    context: context.map(ContextRef::from),
                    order_id: None,
                    customer: customer.clone(),
                    message: text.clone(),
                };
                let chat = market.open_chat(business, opening).await?;
                self.chat_opened(name, &chat, text.as_deref()).await
            }
            StepAction::CreateChat { name, context } => {
                let chat = self.world.chats.create_chat(business, *context).await?;
                let chat = self.world.chats.get_chat(business, chat).await?;
                self.chat_opened(name, &chat, None).await
            }
            StepAction::Dispute { name, subject, text } => {
                let mut opening = DisputeOpening { message: text.clone(), ..Default::default() };
                match subject {
                    DisputeSubject::Chat(chat) => opening.chat_id = Some(self.chat(chat)?),
                    DisputeSubject::Context(context) => {
                        opening.context = Some(ContextRef::from(*context));
                    }
                }
                let chat = market.open_dispute(business, opening).await?;
                self.chat_opened(name, &chat, text.as_deref()).await
            }
            StepAction::Resolve { chat } => {
                let chat = market.resolve_dispute(business, self.chat(chat)?).await?;
                Ok(StepOutcome { chat: Some(chat.chat_id), ..StepOutcome::default() })
            }
            StepAction::Close { chat } => {
                let chat = market.close_chat(business, self.chat(chat)?).await?;
                Ok(StepOutcome { chat: Some(chat.chat_id), ..StepOutcome::default() })
            }
            other => self.say(other).await,
        }
    }

    async fn say(&mut self, action: &StepAction) -> Result<StepOutcome, Error> {
        let (market, chats, business) = (&self.world.market, &self.world.chats, self.business);
        let (chat, message) = match action {
            StepAction::Write { sender: Sender::Partner, text, chat, .. } => {
                let chat = self.chat(chat)?;
                let text = MessageText::new(text.clone())?;
                chats.send_message_to_chat(business, chat, text).await?;
                (chat, None)
            }
            StepAction::Write { sender, text, waiting_for, chat } => {
                let chat = self.chat(chat)?;
                let message = MarketMessage {
                    sender: sender.clone(),
                    message: Some(text.clone()),
                    sticker: false,
                    waiting_for: waiting_for.clone(),
                };
                (chat, Some(market.write_message(business, chat, message).await?))
            }
            StepAction::Send { sender: Sender::Partner, name, content, chat } => {
                let chat = self.chat(chat)?;
                let file = FileUpload::from_bytes(name, content.clone());
                chats.send_file_to_chat(business, chat, file).await?;
                (chat, None)
            }
            StepAction::Send { sender, name, content, chat } => {
                let chat = self.chat(chat)?;
                let file = FileUpload::from_bytes(name, content.clone());
                (chat, Some(market.write_file(business, chat, sender.clone(), file).await?))
            }
            StepAction::Sticker { sender, chat } => {
                let chat = self.chat(chat)?;
                let sticker = MarketMessage {
                    sender: sender.clone(),
                    message: None,
                    sticker: true,
                    waiting_for: None,
                };
                (chat, Some(market.write_message(business, chat, sticker).await?))
            }
            _ => return Ok(StepOutcome::default()),
        };
        self.step_time = self.message_time(message.as_ref());
        let message = message.map(|message| message.message_id);
        Ok(StepOutcome { chat: Some(chat), message, note: None })
    }

    /// Registers a chat under a name.
    async fn chat_opened(
        &mut self,
        name: &str,
        chat: &Chat,
        text: Option<&str>,
    ) -> Result<StepOutcome, Error> {
        let first = self.locate_first_message(chat.chat_id, text).await?;
        self.name(name, chat.chat_id);
        self.step_time = self.message_time(first.as_ref());
        let message = first.map(|message| message.message_id);
        Ok(StepOutcome { chat: Some(chat.chat_id), message, note: None })
    }

    fn name(&mut self, name: &str, chat: ChatId) {
        self.chat_ids.insert(name.to_owned(), chat);
        self.claim(chat);
        self.report.send_modify(|report| {
            report.chats.insert(name.to_owned(), chat);
        });
    }

    fn claim(&mut self, chat: ChatId) {
        self.claimed.0.claim(chat);
        self.claimed.1.push(chat);
    }

    /// Resolves a chat reference. Returns 404 if the step that should have named the chat was
    /// rejected.
    fn chat(&self, chat: &ChatRef) -> Result<ChatId, Error> {
        match chat {
            ChatRef::Id(id) => Ok(*id),
            ChatRef::Named(name) => self.chat_ids.get(name).copied().ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("no chat was opened as `{name}`"))
            }),
        }
    }

    /// Returns the time of a message: its own date if the world uses our clock, otherwise the
    /// current time.
    fn message_time(&self, message: Option<&Message>) -> Timestamp {
        let now = self.world.clock.now();
        match message {
            Some(message) if self.world.changes.is_local() => message.created_at.timestamp(),
            _ => now,
        }
    }

    /// Sets whether the scenario is waiting for time to pass or for somebody else to act.
    pub(crate) fn set_idle(&self, is_idle: bool) {
        self.report.send_modify(|report| report.is_idle = is_idle);
    }

    fn report_step(&self, step: &ScriptStep, outcome: StepOutcome) {
        let done = StepReport {
            line: step.location.line,
            step: step.verb.to_owned(),
            at: Time::moscow(self.step_time),
            chat_id: outcome.chat,
            message_id: outcome.message,
            note: outcome.note,
        };
        self.report.send_modify(|report| report.steps.push(done));
    }
}

/// Compares the result of a step with the rejection it expects.
fn check_refusal(
    step: &ScriptStep,
    done: Result<StepOutcome, Error>,
) -> Result<StepOutcome, StepFailure> {
    let line = step.location.line;
    let failed = |reason| StepFailure { line, step: step.verb.to_owned(), reason };
    match (done, step.refused) {
        (Ok(outcome), None) => Ok(outcome),
        (Ok(_), Some(status)) => {
            Err(failed(format!("expected status {status}, but the step succeeded")))
        }
        (Err(Error::Api(refused)), Some(status)) if refused.kind.status() == status => {
            let note = Some(format!("rejected with {status}, as expected"));
            Ok(StepOutcome { note, ..StepOutcome::default() })
        }
        (Err(error), Some(status)) => {
            Err(failed(format!("expected status {status}, but the step failed with: {error}")))
        }
        (Err(error), None) => Err(failure(line, step.verb, &error)),
    }
}

fn failure(line: usize, step: &str, error: &Error) -> StepFailure {
    StepFailure { line, step: step.to_owned(), reason: error.to_string() }
}

fn later(time: Timestamp, sender: Duration) -> Timestamp {
    let sender = SignedDuration::try_from(sender).unwrap_or(SignedDuration::MAX);
    time.checked_add(sender).unwrap_or(Timestamp::MAX)
}
