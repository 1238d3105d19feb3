// The journal as it is written: what came before the page, then every entry as it comes.

import { attempt, find, make, onClick } from "./elements.js";
import { call, follow } from "./surface.js";
import { language, word } from "./words.js";

/** More rows than this help nobody. */
const SHOWN = 200;
let last = 0;

function row(entry) {
  const bad = !entry.status || entry.status >= 400 || entry.faults?.length;
  const time = new Date(entry.at).toLocaleTimeString(language(), { timeZone: "UTC" });
  const why = [entry.verdict === "passed" ? "" : entry.verdict, entry.reason, entry.advice].filter(Boolean).join(": ");
  const copy = make("button", { type: "button", "aria-label": `${word("copy")}: curl ${entry.id}` }, word("copy"));
  copy.addEventListener("click", () => attempt(async () => {
    await navigator.clipboard.writeText(entry.curl);
    copy.textContent = word("copied");
  }));
  return make("tr", { "data-entry": entry.id, title: entry.operation },
    make("td", {}, time), make("td", {}, `${entry.method} ${entry.target}`),
    make("td", { class: bad ? "bad" : undefined }, String(entry.status ?? word("broken"))),
    make("td", {}, why), make("td", {}, copy));
}

function add(entry) {
  if (entry.id <= last) return;
  last = entry.id;
  const rows = find("entries");
  rows.prepend(row(entry));
  while (rows.children.length > SHOWN) rows.lastElementChild.remove();
}

/** What was missed; with all rows written anew if the language has changed. */
export async function refresh(anew = false) {
  if (anew) {
    find("entries").replaceChildren();
    last = 0;
  }
  const { entries } = await call("GET", `journal?after=${last}&limit=${SHOWN}`);
  entries.forEach(add);
}

/** Follows until the signal says stop; a stream that breaks is begun again, and what was missed is asked for. */
export async function live(signal, changed) {
  const seen = (entry) => {
    add(entry);
    changed();
  };
  while (!signal.aborted) {
    try {
      await Promise.all([follow(seen, signal), refresh()]);
    } catch {
      // The stand-in may be starting anew: the next look tells.
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Connects the controls of this part, once. */
export function connect() {
  onClick("forget", async () => {
    await call("DELETE", "journal");
    find("entries").replaceChildren();
  });
}
