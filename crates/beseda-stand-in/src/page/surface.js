// The administration surface as functions: one call, and the stream of the journal. Shows nothing.

let key = "";

export function useKey(given) {
  key = given;
}

/** Calls the surface and gives its result; what it refuses with is thrown as an Error of its words. */
export async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const response = await fetch(`/__admin/${path}`, request);
  const answer = await response.json();
  if (!response.ok) {
    const words = (answer.errors ?? []).map((fault) => fault.message ?? fault.code).join("; ");
    throw Object.assign(new Error(words || String(response.status)), { status: response.status });
  }
  return answer.result;
}

/** Gives every new entry of the journal to `seen` until the stream ends; EventSource could not send the key. */
export async function follow(seen, signal) {
  const headers = { Authorization: `Bearer ${key}` };
  const response = await fetch("/__admin/journal/live", { headers, signal });
  if (!response.ok) throw new Error(String(response.status));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    pending += value;
    const events = pending.split("\n\n");
    pending = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:"));
      if (data.length && !event.includes("event:")) seen(JSON.parse(data.map((line) => line.slice(5)).join("\n")));
    }
  }
}
