//! Playing a scenario: one step after the other, each at its time. Conditions are looked at in `play/look.rs`.

mod look;

use std::{collections::HashMap, time::Duration};

use beseda_api::{
    BusinessId, Chat, ChatId, ChatOpening, DisputeOpening, Error, ErrorKind, FileUpload,
    MarketMessage, Message, MessageId, MessageText, Sender, Time, wire::ContextRef,
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{
    model::{About, Act, ChatRef, Condition, Scenario, Step},
    report::{Done, Failure, Report, State},
    stage::{Claims, Stage},
};

impl Report {
    /// The report of a scenario that begins.
    #[must_use]
    pub fn begin(scenario: &Scenario, now: Timestamp) -> Self {
        Self {
            scenario: scenario.name.clone(),
            state: State::Running,
            started_at: Time::moscow(now),
            ended_at: None,
            chats: Default::default(),
            steps: Vec::new(),
            failure: None,
            resting: false,
        }
    }
}

/// Plays a scenario to its end and tells every step in the report.
pub async fn play(
    scenario: &Scenario,
    stage: &Stage,
    business: BusinessId,
    report: &watch::Sender<Report>,
) {
    let mut player = Player::new(scenario, stage, business, report);
    let played = player.play(scenario).await;
    let ended = Time::moscow(stage.clock.now());
    report.send_modify(|report| {
        report.ended_at = Some(ended);
        report.state = if played.is_ok() { State::Done } else { State::Failed };
        report.failure = played.err();
    });
}

/// Somebody in the middle of a scenario.
struct Player<'a> {
    stage: &'a Stage,
    business: BusinessId,
    report: &'a watch::Sender<Report>,
    patience: Duration,
    started: Timestamp,
    /// When the last thing happened: pauses and patience count from here, not from when we got to look.
    reached: Timestamp,
    named: HashMap<String, ChatId>,
    /// The last message of each chat that a wait is over and done with; zero is before the first.
    seen: HashMap<ChatId, i64>,
    claimed: Claimed<'a>,
}

/// Chats that are given back when the scenario ends, however it does.
struct Claimed<'a>(&'a Claims, Vec<ChatId>);

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        for chat in &self.1 {
            self.0.release(*chat);
        }
    }
}

/// What a deed leaves behind.
#[derive(Default)]
struct Deed {
    chat: Option<ChatId>,
    message: Option<MessageId>,
    note: Option<String>,
}

impl<'a> Player<'a> {
    fn new(
        scenario: &Scenario,
        stage: &'a Stage,
        business: BusinessId,
        report: &'a watch::Sender<Report>,
    ) -> Self {
        let now = report.borrow().started_at.timestamp();
        Self {
            stage,
            business,
            report,
            patience: scenario.patience,
            started: now,
            reached: now,
            named: HashMap::new(),
            seen: HashMap::new(),
            claimed: Claimed(&stage.claims, Vec::new()),
        }
    }

    async fn play(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        for (place, order) in &scenario.orders {
            let registered = self.stage.market.register_order(self.business, order.clone()).await;
            registered.map_err(|error| failure(place.line, "given order", &error))?;
        }
        for (place, ret) in &scenario.returns {
            let registered = self.stage.market.register_return(self.business, *ret).await;
            registered.map_err(|error| failure(place.line, "given return", &error))?;
        }
        self.look_at_named_by_id(&scenario.steps).await?;
        self.steps(&scenario.steps).await
    }

    async fn steps(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for step in steps {
            match &step.act {
                Act::Pause(long) => {
                    self.reached = later(self.reached, *long);
                    self.rest(true);
                    self.stage.timer.sleep_until(self.reached).await;
                    self.rest(false);
                    self.tell(step, Deed::default());
                }
                Act::Await { condition, within, otherwise } => {
                    self.wait(step, condition, *within, otherwise.as_deref()).await?;
                }
                Act::Repeat { times, steps } => {
                    for _ in 0..*times {
                        Box::pin(self.steps(steps)).await?;
                    }
                }
                Act::Expect { expected, chat } => {
                    self.expect(step, expected, chat).await?;
                    let chat = self.chat(chat).ok();
                    self.tell(step, Deed { chat, ..Deed::default() });
                }
                act => {
                    let done = self.act(act).await;
                    let deed = judged(step, done)?;
                    self.tell(step, deed);
                }
            }
        }
        Ok(())
    }

    /// Waits, and fails or does otherwise if it was in vain.
    async fn wait(
        &mut self,
        step: &Step,
        condition: &Condition,
        within: Option<Duration>,
        otherwise: Option<&[Step]>,
    ) -> Result<(), Failure> {
        let within = within.unwrap_or(self.patience);
        let until = later(self.reached, within);
        if let Some(deed) = self.until(step, condition, until).await? {
            self.tell(step, deed);
            return Ok(());
        }
        self.reached = until;
        let Some(steps) = otherwise else {
            let reason = format!("{} within {within:?}", look::missed(condition));
            return Err(Failure { line: step.place.line, step: step.words.to_owned(), reason });
        };
        let note = Some("in vain, so otherwise".to_owned());
        self.tell(step, Deed { note, ..Deed::default() });
        Box::pin(self.steps(steps)).await
    }

    async fn act(&mut self, act: &Act) -> Result<Deed, Error> {
        let (market, business) = (&self.stage.market, self.business);
        match act {
            Act::Open { name, context, customer, text } => {
                let opening = ChatOpening {
                    context: context.map(ContextRef::from),
                    order_id: None,
                    customer: customer.clone(),
                    message: text.clone(),
                };
                let chat = market.open_chat(business, opening).await?;
                self.opened(name, &chat, text.as_deref()).await
            }
            Act::Create { name, context } => {
                let chat = self.stage.chats.create_chat(business, *context).await?;
                let chat = self.stage.chats.get_chat(business, chat).await?;
                self.opened(name, &chat, None).await
            }
            Act::Dispute { name, about, text } => {
                let mut opening = DisputeOpening { message: text.clone(), ..Default::default() };
                match about {
                    About::Chat(chat) => opening.chat_id = Some(self.chat(chat)?),
                    About::Context(context) => opening.context = Some(ContextRef::from(*context)),
                }
                let chat = market.open_dispute(business, opening).await?;
                self.opened(name, &chat, text.as_deref()).await
            }
            Act::Resolve { chat } => {
                let chat = market.resolve_dispute(business, self.chat(chat)?).await?;
                Ok(Deed { chat: Some(chat.chat_id), ..Deed::default() })
            }
            Act::Close { chat } => {
                let chat = market.close_chat(business, self.chat(chat)?).await?;
                Ok(Deed { chat: Some(chat.chat_id), ..Deed::default() })
            }
            said => self.say(said).await,
        }
    }

    async fn say(&mut self, act: &Act) -> Result<Deed, Error> {
        let (market, chats, business) = (&self.stage.market, &self.stage.chats, self.business);
        let (chat, message) = match act {
            Act::Write { by: Sender::Partner, text, chat, .. } => {
                let chat = self.chat(chat)?;
                let text = MessageText::new(text.clone())?;
                chats.send_message_to_chat(business, chat, text).await?;
                (chat, None)
            }
            Act::Write { by, text, waiting_for, chat } => {
                let chat = self.chat(chat)?;
                let message = MarketMessage {
                    sender: by.clone(),
                    message: Some(text.clone()),
                    sticker: false,
                    waiting_for: waiting_for.clone(),
                };
                (chat, Some(market.write_message(business, chat, message).await?))
            }
            Act::Send { by: Sender::Partner, name, content, chat } => {
                let chat = self.chat(chat)?;
                let file = FileUpload::from_bytes(name, content.clone());
                chats.send_file_to_chat(business, chat, file).await?;
                (chat, None)
            }
            Act::Send { by, name, content, chat } => {
                let chat = self.chat(chat)?;
                let file = FileUpload::from_bytes(name, content.clone());
                (chat, Some(market.write_file(business, chat, by.clone(), file).await?))
            }
            Act::Sticker { by, chat } => {
                let chat = self.chat(chat)?;
                let sticker = MarketMessage {
                    sender: by.clone(),
                    message: None,
                    sticker: true,
                    waiting_for: None,
                };
                (chat, Some(market.write_message(business, chat, sticker).await?))
            }
            _ => return Ok(Deed::default()),
        };
        self.reached = self.moment(message.as_ref());
        let message = message.map(|message| message.message_id);
        Ok(Deed { chat: Some(chat), message, note: None })
    }

    /// A chat that has a name from here on.
    async fn opened(&mut self, name: &str, chat: &Chat, text: Option<&str>) -> Result<Deed, Error> {
        let first = self.begin(chat.chat_id, text).await?;
        self.name(name, chat.chat_id);
        self.reached = self.moment(first.as_ref());
        let message = first.map(|message| message.message_id);
        Ok(Deed { chat: Some(chat.chat_id), message, note: None })
    }

    fn name(&mut self, name: &str, chat: ChatId) {
        self.named.insert(name.to_owned(), chat);
        self.claim(chat);
        self.report.send_modify(|report| {
            report.chats.insert(name.to_owned(), chat);
        });
    }

    fn claim(&mut self, chat: ChatId) {
        self.claimed.0.claim(chat);
        self.claimed.1.push(chat);
    }

    /// The chat that is meant; 404 if the step that was to open it went otherwise.
    fn chat(&self, chat: &ChatRef) -> Result<ChatId, Error> {
        match chat {
            ChatRef::Id(id) => Ok(*id),
            ChatRef::Named(name) => self.named.get(name).copied().ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("no chat was opened as `{name}`"))
            }),
        }
    }

    /// The moment of a message: of its own date where that goes by our clock, otherwise now.
    fn moment(&self, message: Option<&Message>) -> Timestamp {
        let now = self.stage.clock.now();
        match message {
            Some(message) if self.stage.changes.are_told() => message.created_at.timestamp(),
            _ => now,
        }
    }

    /// Tells that nothing happens here until time passes or somebody else acts, or that it does again.
    pub(super) fn rest(&self, resting: bool) {
        self.report.send_modify(|report| report.resting = resting);
    }

    fn tell(&self, step: &Step, deed: Deed) {
        let done = Done {
            line: step.place.line,
            step: step.words.to_owned(),
            at: Time::moscow(self.reached),
            chat_id: deed.chat,
            message_id: deed.message,
            note: deed.note,
        };
        self.report.send_modify(|report| report.steps.push(done));
    }
}

/// Holds what came of a step against the refusal it was to end with.
fn judged(step: &Step, done: Result<Deed, Error>) -> Result<Deed, Failure> {
    let line = step.place.line;
    let failed = |reason| Failure { line, step: step.words.to_owned(), reason };
    match (done, step.refused) {
        (Ok(deed), None) => Ok(deed),
        (Ok(_), Some(status)) => {
            Err(failed(format!("it was to be refused with {status}, and it was done")))
        }
        (Err(Error::Api(refused)), Some(status)) if refused.kind.status() == status => {
            let note = Some(format!("refused with {status}, as it should be"));
            Ok(Deed { note, ..Deed::default() })
        }
        (Err(error), Some(status)) => {
            Err(failed(format!("it was to be refused with {status}, and ended with: {error}")))
        }
        (Err(error), None) => Err(failure(line, step.words, &error)),
    }
}

fn failure(line: usize, step: &str, error: &Error) -> Failure {
    Failure { line, step: step.to_owned(), reason: error.to_string() }
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
