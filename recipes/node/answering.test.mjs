// Example tests of a shop's program: copy them and replace the calls of `standIn.shop` with your own program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { StandIn } from "./stand-in.mjs";

let standIn;
before(async () => {
  standIn = await StandIn.start();
});
after(() => standIn?.stop());

/** Returns the first chat that waits for the shop. */
async function waiting() {
  const { status, body } = await standIn.shop("chats", { statuses: ["WAITING_FOR_PARTNER"], types: ["CHAT"] });
  assert.equal(status, 200);
  return body.result.chats[0].chatId;
}

test("an answered chat waits for the buyer", async () => {
  const chat = await waiting();
  const sent = await standIn.shop(`chats/message?chatId=${chat}`, { message: "Отправим сегодня." });
  assert.deepEqual(sent, { status: 200, body: { status: "OK" } });
  const { body } = await standIn.shop(`chat?chatId=${chat}`);
  assert.equal(body.result.status, "WAITING_FOR_CUSTOMER");
});

test("the buyer writes back and the chat waits for the shop again", async () => {
  const chat = await waiting();
  await standIn.shop(`chats/message?chatId=${chat}`, { message: "Уже в пути." });
  assert.equal((await standIn.buyer(chat, "Спасибо, жду!")).status, 200);
  const { body } = await standIn.shop(`chats/history?chatId=${chat}`, {});
  const last = body.result.messages.at(-1);
  assert.deepEqual([last.sender, last.message], ["CUSTOMER", "Спасибо, жду!"]);
});

test("a wrong key is refused", async () => {
  const { status, body } = await standIn.shop("chats", {}, "ACMA:wrong");
  assert.deepEqual([status, body.status], [401, "ERROR"]);
});

test("the API breaks once when told, and works again", async () => {
  await standIn.admin("faults", { operation: "getChats", kind: "status", status: 500, count: 1 });
  assert.equal((await standIn.shop("chats", {})).status, 500);
  assert.equal((await standIn.shop("chats", {})).status, 200);
});
