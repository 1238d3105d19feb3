// Faults on demand: shows the rules in force, adds and takes them away.

import { attempt, fill, find, make, onClick, onSubmit } from "./elements.js";
import { call } from "./surface.js";
import { word } from "./words.js";

const KINDS = ["status", "limit", "delay", "slow-body", "reset-before", "reset-after", "truncate", "garbage", "unknown-words", "extra-fields"];
const OPERATIONS = ["getChats", "getChat", "getChatHistory", "getChatMessage", "createChat", "sendMessageToChat", "sendFileToChat"];

function rule(fault) {
  const often = fault.count ? `${fault.struck} ${word("of")} ${fault.count}` : fault.struck;
  const status = fault.status ? ` ${fault.status}` : "";
  const text = `${word(`kind.${fault.kind}`)}${status}, ${fault.operation ?? word("every")}: ${word("struck")} ${often}`;
  const click = () => attempt(() => change("DELETE", `faults/${fault.id}`));
  const label = `${word("remove")}: ${text}`;
  return make("li", { "data-fault": fault.id }, text, make("button", { type: "button", "aria-label": label, click }, "×"));
}

async function change(method, path, body) {
  await call(method, path, body);
  await refresh();
}

export async function refresh() {
  const { faults } = await call("GET", "faults");
  fill(find("fault-list"), faults.map(rule));
}

/** Writes the choices in the language spoken. */
export function translate() {
  const [kind, operation] = [find("kind").value, find("operation").value];
  find("kind").replaceChildren(...KINDS.map((name) => make("option", { value: name }, word(`kind.${name}`))));
  find("operation").replaceChildren(make("option", { value: "" }, word("every")), ...OPERATIONS.map((name) => make("option", { value: name }, name)));
  find("kind").value = kind || KINDS[0];
  find("operation").value = operation;
}

/** Connects the controls of this part, once. */
export function connect() {
  find("kind").addEventListener("change", () => {
    find("status-field").hidden = find("kind").value !== "status";
  });
  onClick("heal", () => change("DELETE", "faults"));
  onSubmit("fault-form", () => {
    const [kind, operation, count] = [find("kind").value, find("operation").value, find("count").value];
    const fault = { kind };
    if (operation) fault.operation = operation;
    if (count) fault.count = Number(count);
    if (kind === "status") fault.status = Number(find("status").value);
    return change("POST", "faults", fault);
  });
}
