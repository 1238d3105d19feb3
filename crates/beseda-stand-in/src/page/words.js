// Every word of the page in both languages, and which one is spoken.

const ENGLISH = {
  title: "Beseda stand-in", cabinet: "Cabinet", leave: "Forget the key", enter: "Enter", key: "Admin key", open: "Open",
  enterHelp: "The admin key stands in what the stand-in printed when it started.",
  chats: "Chats", moreChats: "More chats", newChat: "A buyer opens a chat", order: "Order (none: a direct question)",
  buyerName: "Buyer's name", firstWords: "First words", openChat: "Open the chat", noChat: "No chat is chosen",
  writeAs: "Write as", CUSTOMER: "buyer", SUPPORT: "support", ARBITER: "arbiter", MARKET: "Market", PARTNER: "shop",
  asks: "and then waits for", nobody: "as before", text: "Text", send: "Send", dispute: "Open a dispute",
  resolve: "Finish the dispute", close: "Close the chat", sticker: "(sticker)",
  clock: "Clock", minute: "+1 minute", hour: "+1 hour", day: "+1 day", stop: "Stop", resume: "Let go on",
  setTo: "Set to (UTC)", set: "Set", real: "goes", manual: "stands still",
  faults: "Faults", kind: "What goes wrong", operation: "Operation", every: "every operation", status: "Status",
  count: "How often (none: always)", addFault: "Break it", heal: "Take all faults away", remove: "Take away",
  struck: "struck", of: "of", delay: "Milliseconds", more: "More conditions", chance: "Likely, in percent (none: always)",
  skip: "After so many requests that pass", ofCabinet: "Only cabinet (its number)", from: "From (UTC)", until: "Until (UTC)",
  after: "after", notifications: "notifications",
  "kind.status": "an answer with a status", "kind.limit": "420: the limit is used up", "kind.delay": "a delay",
  "kind.slow-body": "a body in drips", "kind.reset-before": "reset, nothing was done",
  "kind.reset-after": "reset, everything was done", "kind.truncate": "a body cut off", "kind.garbage": "a body that is no JSON",
  "kind.unknown-words": "unknown words", "kind.extra-fields": "unknown fields", "kind.delay-after": "done at once, a delay before the answer",
  "kind.push-twice": "a notification comes twice", "kind.push-later": "a notification comes behind others",
  journal: "Journal", journalHelp: "Every request as it comes; the page's own are not among them.",
  time: "Time", request: "Request", answer: "Answer", why: "Why", curl: "curl", copy: "Copy", copied: "Copied",
  forget: "Empty the journal", broken: "connection broken",
  NEW: "new", WAITING_FOR_CUSTOMER: "waits for the buyer", WAITING_FOR_PARTNER: "waits for the shop",
  WAITING_FOR_ARBITER: "waits for the arbiter", WAITING_FOR_MARKET: "waits for Market", FINISHED: "finished",
  CHAT: "chat", ARBITRAGE: "dispute", ORDER: "order", RETURN: "return", DIRECT: "question",
};

const RUSSIAN = {
  title: "Стенд Beseda", cabinet: "Кабинет", leave: "Забыть ключ", enter: "Вход", key: "Ключ администратора", open: "Открыть",
  enterHelp: "Ключ администратора (admin key) стенд напечатал при запуске.",
  chats: "Чаты", moreChats: "Ещё чаты", newChat: "Покупатель открывает чат", order: "Заказ (пусто: вопрос о товаре)",
  buyerName: "Имя покупателя", firstWords: "Первые слова", openChat: "Открыть чат", noChat: "Чат не выбран",
  writeAs: "Написать как", CUSTOMER: "покупатель", SUPPORT: "поддержка", ARBITER: "арбитр", MARKET: "Маркет", PARTNER: "магазин",
  asks: "и ждать ответа от", nobody: "как было", text: "Текст", send: "Отправить", dispute: "Открыть спор",
  resolve: "Завершить спор", close: "Закрыть чат", sticker: "(стикер)",
  clock: "Часы", minute: "+1 минута", hour: "+1 час", day: "+1 день", stop: "Остановить", resume: "Пустить",
  setTo: "Поставить (UTC)", set: "Поставить", real: "идут", manual: "стоят",
  faults: "Поломки", kind: "Что ломается", operation: "Операция", every: "любая операция", status: "Статус",
  count: "Сколько раз (пусто: всегда)", addFault: "Сломать", heal: "Убрать все поломки", remove: "Убрать",
  struck: "сработала", of: "из", delay: "Миллисекунды", more: "Ещё условия", chance: "Вероятность в процентах (пусто: всегда)",
  skip: "Сколько запросов сначала пропустить", ofCabinet: "Только кабинет (номер)", from: "С (UTC)", until: "До (UTC)",
  after: "после", notifications: "уведомления",
  "kind.status": "ответ с ошибкой", "kind.limit": "420: лимит исчерпан", "kind.delay": "задержка",
  "kind.slow-body": "тело по капле", "kind.reset-before": "обрыв, ничего не сделано",
  "kind.reset-after": "обрыв, всё сделано", "kind.truncate": "тело обрезано", "kind.garbage": "тело не JSON",
  "kind.unknown-words": "неизвестные слова", "kind.extra-fields": "лишние поля", "kind.delay-after": "сделано сразу, ответ с задержкой",
  "kind.push-twice": "уведомление приходит дважды", "kind.push-later": "уведомление приходит позже других",
  journal: "Журнал", journalHelp: "Каждый запрос сразу, как пришёл; запросов самой страницы здесь нет.",
  time: "Время", request: "Запрос", answer: "Ответ", why: "Почему", curl: "curl", copy: "Копировать", copied: "Скопировано",
  forget: "Очистить журнал", broken: "соединение оборвано",
  NEW: "новый", WAITING_FOR_CUSTOMER: "ждёт покупателя", WAITING_FOR_PARTNER: "ждёт магазин",
  WAITING_FOR_ARBITER: "ждёт арбитра", WAITING_FOR_MARKET: "ждёт Маркет", FINISHED: "завершён",
  CHAT: "чат", ARBITRAGE: "спор", ORDER: "заказ", RETURN: "возврат", DIRECT: "вопрос",
};

const LANGUAGES = { en: ENGLISH, ru: RUSSIAN };
let spoken = "en";

/** The word in the language spoken; a word nobody knows is shown as it is. */
export const word = (name) => LANGUAGES[spoken][name] ?? name;

export const language = () => spoken;

/** Speaks this language from now on, everywhere on the page. */
export function speak(wanted) {
  spoken = wanted in LANGUAGES ? wanted : "en";
  document.documentElement.lang = spoken;
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
}
