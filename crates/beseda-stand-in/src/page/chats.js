// Chats and the one that is open: lists them, shows what was said, and speaks for everybody.

import { attempt, fill, find, make, onClick, onSubmit } from "./elements.js";
import { call } from "./surface.js";
import { language, word } from "./words.js";

let business = "";
let open = "";
let pages = 1;

const date = (text) => new Date(text).toLocaleString(language(), { timeZone: "UTC" });

function about({ context }) {
  const number = context.returnId ?? context.orderId ?? "";
  return `${word(context.type)} ${number}`.trim();
}

function summary(chat) {
  const buyer = chat.context.customer?.name ?? "";
  const lines = [`${word(chat.type)}, ${about(chat)}`, word(chat.status)];
  const click = () => attempt(() => show(chat.chatId));
  const attributes = { type: "button", "data-chat": chat.chatId, "aria-current": chat.chatId === open ? "true" : undefined, click };
  const small = lines.map((line) => make("small", {}, line));
  return make("li", {}, make("button", attributes, `${chat.chatId} ${buyer}`, ...small));
}

async function list() {
  const chats = [];
  let token = "";
  for (let page = 0; page < pages; page++) {
    const query = new URLSearchParams({ businessId: business, pageToken: token });
    const result = await call("GET", `page/chats?${query}`);
    chats.push(...result.chats);
    token = result.paging?.nextPageToken ?? "";
    if (!token) break;
  }
  find("more-chats").hidden = !token;
  fill(find("chat-list"), chats.map(summary));
}

/** All pages of a history: what stands at its end is what matters. */
async function history(chat) {
  const messages = [];
  let token = "";
  do {
    const query = new URLSearchParams({ businessId: business, chatId: chat, pageToken: token });
    const result = await call("GET", `page/messages?${query}`);
    messages.push(...result.messages);
    token = result.paging?.nextPageToken ?? "";
    if (!token) return { chat: result.chat, messages };
  } while (token);
}

function bubble(message) {
  const files = (message.payload ?? []).map((file) => make("a", { href: file.url, rel: "noreferrer" }, file.name || file.url));
  const body = message.message ?? (files.length ? "" : word("sticker"));
  const small = make("small", {}, `${word(message.sender)}, ${date(message.createdAt)}`);
  return make("li", { "data-sender": message.sender }, small, body, ...files);
}

async function talk() {
  if (!open) return;
  const asked = open;
  const { chat, messages } = await history(asked);
  if (asked !== open) return;
  find("talk-title").removeAttribute("data-word");
  find("talk-title").textContent = `${chat.chatId} ${chat.context.customer?.name ?? ""}`;
  find("talk-about").textContent = `${word(chat.type)}, ${about(chat)}: ${word(chat.status)}`;
  const log = find("messages");
  if (fill(log, messages.map(bubble))) log.scrollTop = log.scrollHeight;
  const [dispute, ended] = [chat.type === "ARBITRAGE", chat.status === "FINISHED"];
  find("say-form").hidden = ended;
  find("dispute").disabled = dispute || chat.context.type === "DIRECT";
  find("resolve").disabled = !dispute;
  document.querySelector("[value=ARBITER]").disabled = !dispute;
}

async function show(chat) {
  open = chat;
  await refresh();
}

/** Looks again at everything that is shown. */
export async function refresh() {
  await Promise.all([list(), talk()]);
}

/** Turns to a cabinet, with no chat open. */
export async function choose(cabinet) {
  [business, open, pages] = [cabinet, "", 1];
  find("messages").replaceChildren();
  find("talk-about").textContent = "";
  find("talk-title").textContent = word("noChat");
  find("talk-title").dataset.word = "noChat";
  find("say-form").hidden = true;
  await refresh();
}

const voice = () => document.querySelector("[name=voice]:checked").value;

async function say() {
  const asks = find("waiting-for").value;
  const named = { businessId: Number(business), chatId: Number(open) };
  // The API has no arbiter among its senders: an arbiter writes as support, in a dispute.
  const sender = voice() === "ARBITER" ? "SUPPORT" : voice();
  const waitingFor = sender === "SUPPORT" && asks ? asks : undefined;
  await call("POST", "page/messages", { ...named, sender, message: find("words").value, waitingFor });
  find("words").value = "";
  await refresh();
}

async function act(path) {
  const chat = await call("POST", path, { businessId: Number(business), chatId: Number(open) });
  await show(chat.chatId);
}

async function begin() {
  const order = find("open-order").value;
  const about = order ? { orderId: Number(order) } : { customer: { name: find("open-name").value } };
  const chat = await call("POST", "page/chats", { businessId: Number(business), message: find("open-message").value, ...about });
  find("open-message").value = "";
  await show(chat.chatId);
}

/** Connects the controls of this part, once. */
export function connect() {
  onSubmit("say-form", say);
  onSubmit("open-form", begin);
  onClick("dispute", () => act("page/disputes"));
  onClick("resolve", () => act("page/disputes/resolve"));
  onClick("close", () => act("page/chats/close"));
  onClick("more-chats", () => {
    pages += 1;
    return list();
  });
  for (const radio of document.querySelectorAll("[name=voice]")) {
    radio.addEventListener("change", () => {
      find("asks").hidden = !["SUPPORT", "ARBITER"].includes(voice());
    });
  }
}
