// Starts and stops a stand-in, the mock server of the chats API, for tests.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export class StandIn {
  #process;

  /** Starts a stand-in; resolves when it is ready. */
  static async start(...options) {
    const program = process.env.BESEDA_BIN ?? "beseda";
    const args = ["stand-in", "--json", "--listen", "127.0.0.1:0", ...options];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`the stand-in ended with ${code} before it was ready`);
    });
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([once(lines, "line"), ended]);
    ended.catch(() => {});
    return new StandIn(child, JSON.parse(line));
  }

  constructor(child, ready) {
    this.#process = child;
    Object.assign(this, ready); // url, businessId, campaignId, apiKey, oauthToken, marketKey, adminKey, …
  }

  /** Calls the API as the program under test would: GET without a body, otherwise POST. */
  shop(path, body, key = this.apiKey) {
    return this.#call(`/v2/businesses/${this.businessId}/${path}`, { "Api-Key": key }, body);
  }

  /** Sends a message to a chat as the buyer. */
  buyer(chat, message) {
    const path = `/market/v1/businesses/${this.businessId}/chats/${chat}/messages`;
    return this.#call(path, { Authorization: `Bearer ${this.marketKey}` }, { sender: "CUSTOMER", message });
  }

  /** Controls the stand-in: faults, clock, reset. */
  admin(path, body) {
    return this.#call(`/__admin/${path}`, { Authorization: `Bearer ${this.adminKey}` }, body);
  }

  async #call(path, headers, body) {
    const response = await fetch(this.url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }

  /** Stops it with SIGTERM and waits for its end. */
  async stop() {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    const [code] = await ended;
    if (code !== 0) throw new Error(`the stand-in ended with ${code}`);
  }
}
