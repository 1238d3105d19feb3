// The stand-in's clock: shows it and moves it.

import { find, onClick, onSubmit, attempt } from "./elements.js";
import { call } from "./surface.js";
import { word } from "./words.js";

function show(reading) {
  const now = new Date(reading.now).toISOString().slice(0, 19);
  find("now").dateTime = reading.now;
  find("now").textContent = `${now.replace("T", " ")} UTC`;
  find("mode").textContent = word(reading.mode);
  find("mode").dataset.mode = reading.mode;
  if (!find("moment").value) find("moment").value = now;
}

export async function refresh() {
  show(await call("GET", "clock"));
}

/** Connects the controls of this part, once. */
export function connect() {
  for (const button of document.querySelectorAll("[data-step]")) {
    const seconds = Number(button.dataset.step);
    button.addEventListener("click", () => attempt(async () => show(await call("POST", "clock/advance", { seconds }))));
  }
  onClick("stop", async () => show(await call("PUT", "clock", { mode: "manual" })));
  onClick("resume", async () => show(await call("POST", "clock/resume")));
  onSubmit("clock-form", async () => {
    const now = new Date(`${find("moment").value}Z`).toISOString();
    show(await call("PUT", "clock", { mode: "manual", now }));
  });
}
