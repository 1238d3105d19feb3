// The page as a whole: the key, the language, the cabinet, and what is looked at again and when.

import * as chats from "./chats.js";
import * as clock from "./clock.js";
import { attempt, find, make, onClick, onSubmit } from "./elements.js";
import * as faults from "./faults.js";
import * as journal from "./journal.js";
import { call, useKey } from "./surface.js";
import { language, speak } from "./words.js";

/** Conversations also change without a request: scenarios and other pages write too. */
const AGAIN_MS = 1500;
let inside = null;

async function refresh() {
  await Promise.all([chats.refresh(), clock.refresh(), faults.refresh()]);
}

async function enter(key) {
  useKey(key);
  const { cabinets } = await call("GET", "page/cabinets");
  sessionStorage.setItem("key", key);
  const options = cabinets.map(({ businessId, name }) => make("option", { value: businessId }, `${businessId} ${name}`));
  find("cabinet").replaceChildren(...options);
  [find("door").hidden, find("desk").hidden, find("leave").hidden] = [true, false, false];
  document.querySelector(".cabinet").hidden = false;
  faults.translate();
  await chats.choose(find("cabinet").value);
  await refresh();
  inside = new AbortController();
  journal.live(inside.signal, () => refresh().catch(() => {}));
  again(inside.signal);
}

async function again(signal) {
  while (!signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    // What a click was refused for stays to be read; a stand-in that is gone shows in the journal's silence.
    if (!signal.aborted && !document.hidden) await refresh().catch(() => {});
  }
}

function leave() {
  inside?.abort();
  sessionStorage.removeItem("key");
  location.replace("/__admin/");
}

function turnTo(wanted) {
  speak(wanted);
  localStorage.setItem("language", wanted);
  const other = wanted === "ru" ? "en" : "ru";
  find("language").textContent = other === "ru" ? "Русский" : "English";
  find("language").lang = other;
}

for (const part of [chats, clock, faults, journal]) part.connect();
turnTo(localStorage.getItem("language") ?? (navigator.language.startsWith("ru") ? "ru" : "en"));
faults.translate();
onSubmit("key-form", () => enter(find("key").value.trim()));
onClick("leave", async () => leave());
onClick("language", async () => {
  turnTo(language() === "ru" ? "en" : "ru");
  faults.translate();
  if (inside) await Promise.all([refresh(), journal.refresh(true)]);
});
find("cabinet").addEventListener("change", () => attempt(() => chats.choose(find("cabinet").value)));

// `#key=…` opens the desk at once; what stands after # is never sent to the server.
function given() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key) history.replaceState(null, "", location.pathname);
  return key;
}

const known = given() ?? sessionStorage.getItem("key");
if (known) attempt(() => enter(known));
// A link opened where the page already is doesn't load it again.
window.addEventListener("hashchange", () => {
  const key = given();
  if (key) attempt(() => (inside?.abort(), enter(key)));
});
