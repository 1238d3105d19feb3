// Faults on demand: shows the rules in force, adds and takes them away.

import { attempt, fill, find, make, onClick, onSubmit } from "./elements.js";
import { call } from "./surface.js";
import { word } from "./words.js";

const KINDS = ["status", "limit", "delay", "delay-after", "slow-body", "reset-before", "reset-after", "truncate", "garbage", "unknown-words", "extra-fields", "push-twice", "push-later"];
const SLOW = ["delay", "delay-after", "slow-body"];
const OPERATIONS = ["getChats", "getChat", "getChatHistory", "getChatMessage", "createChat", "sendMessageToChat", "sendFileToChat"];

const isOfPush = (kind) => kind.startsWith("push-");

/** What a rule is bound to, besides its kind. */
function conditions(fault) {
  const moment = (name) => fault[name] && `${word(name)} ${fault[name].slice(0, 19).replace("T", " ")}`;
  return [
    isOfPush(fault.kind) ? word("notifications") : fault.operation ?? word("every"),
    fault.delayMs !== undefined && `${fault.delayMs} ms`,
    fault.businessId && `${word("cabinet")} ${fault.businessId}`,
    fault.probability && `${Number((fault.probability * 100).toPrecision(6))} %`,
    fault.skip && `${word("after")} ${fault.skip}`,
    moment("from"),
    moment("until"),
  ].filter(Boolean).join(", ");
}

function rule(fault) {
  const often = fault.count ? `${fault.struck} ${word("of")} ${fault.count}` : fault.struck;
  const status = fault.status ? ` ${fault.status}` : "";
  const text = `${word(`kind.${fault.kind}`)}${status}, ${conditions(fault)}: ${word("struck")} ${often}`;
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

/** Shows the fields that the chosen kind has a use for. */
function suit() {
  const kind = find("kind").value;
  find("status-field").hidden = kind !== "status";
  find("delay-field").hidden = !SLOW.includes(kind);
  find("operation-field").hidden = isOfPush(kind);
}

/** The rule that the form describes: only what is filled in, and has a meaning for its kind. */
function described() {
  const kind = find("kind").value;
  const fault = { kind };
  const add = (name, id, read, wanted = true) => {
    const value = find(id).value;
    if (wanted && value) fault[name] = read(value);
  };
  const moment = (value) => new Date(`${value}Z`).toISOString();
  add("operation", "operation", String, !isOfPush(kind));
  add("status", "status", Number, kind === "status");
  add("delayMs", "delay", Number, SLOW.includes(kind));
  add("count", "count", Number);
  add("probability", "chance", (percent) => Number(percent) / 100);
  add("skip", "skip", Number);
  add("businessId", "of-cabinet", Number);
  add("from", "from", moment);
  add("until", "until", moment);
  return fault;
}

/** Connects the controls of this part, once. */
export function connect() {
  find("kind").addEventListener("change", suit);
  onClick("heal", () => change("DELETE", "faults"));
  onSubmit("fault-form", () => change("POST", "faults", described()));
}
