//! Every kind of fault, including those of notifications, as seen by Python's `http.client`, an independent HTTP implementation.

use std::process::Command;

use crate::{CHAT, World};

const SCRIPT: &str = r#"
import http.client, http.server, json, queue, sys, threading, time
address, business, chat, key, admin, market = sys.argv[1:7]

def call(path, body, headers):
    connection = http.client.HTTPConnection(address, timeout=20)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer
    finally:
        connection.close()

def fault(**rule):
    status, body, _ = call("/__admin/faults", {"count": 1, **rule}, {"Authorization": "Bearer " + admin})
    assert status == 200, body

def send(text):
    return call(f"/v2/businesses/{business}/chats/message?chatId={chat}", {"message": text}, {"Api-Key": key})

def said(text):
    path = f"/v2/businesses/{business}/chats/history?chatId={chat}&limit=100"
    _, body, _ = call(path, {}, {"Api-Key": key})
    return sum(m.get("message") == text for m in json.loads(body)["result"]["messages"])

def broken(text, *kinds):
    try:
        send(text)
    except kinds as error:
        assert type(error) in kinds, error
        return error
    raise AssertionError("no error: " + text)

fault(kind="status", status=500, body={"status": "ERROR", "errors": [{"code": "X"}]})
assert send("status")[:2] == (500, b'{"errors":[{"code":"X"}],"status":"ERROR"}') or json.loads(send("status")[1])
fault(kind="limit")
status, body, answer = send("limit")
assert (status, answer.reason) == (420, "Enhance Your Calm"), (status, answer.reason)
assert answer.getheader("X-RateLimit-Resource-Remaining") == "0"
fault(kind="limit", limit="parallel")
assert b"parallel requests" in send("limit")[1]
assert said("limit") == 0

fault(kind="reset-before", operation="sendMessageToChat")
broken("reset-before", ConnectionResetError)
assert said("reset-before") == 0
fault(kind="reset-after", operation="sendMessageToChat")
broken("reset-after", ConnectionResetError)
assert said("reset-after") == 1

for kind in ("delay", "delay-after", "slow-body"):
    fault(kind=kind, delayMs=300)
    begun = time.monotonic()
    assert send(kind)[0] == 200
    assert time.monotonic() - begun > 0.25, kind
fault(kind="truncate", bytes=3)
error = broken("truncate", http.client.IncompleteRead)
assert error.partial == b'{"s', error.partial
fault(kind="garbage")
status, body, _ = send("garbage")
assert status == 200 and body.startswith(b"<html>")

def read():
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("GET", f"/v2/businesses/{business}/chat?chatId={chat}", headers={"Api-Key": key})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer

fault(kind="unknown-words")
answer = read()
assert answer["status"] == "OK" and answer["result"]["status"] == "BESEDA_UNKNOWN_WORD", answer
fault(kind="extra-fields")
assert "zBesedaExtra" in read()["result"]

told = queue.Queue()

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["notificationType"] != "PING":
            told.put(body)
        answer = b'{"version":"1","name":"python","time":"2026-11-21T10:00:00Z"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()

def administer(path, body={}):
    path = f"/admin/v1/cabinets/{business}/subscriptions{path}"
    status, answer, _ = call(path, body, {"Authorization": "Bearer " + admin})
    assert status == 200, answer
    return json.loads(answer)["result"]

def ask(text):
    path = f"/market/v1/businesses/{business}/chats/{chat}/messages"
    message = {"sender": "CUSTOMER", "message": text}
    status, answer, _ = call(path, message, {"Authorization": "Bearer " + market})
    assert status == 200, answer
    return str(json.loads(answer)["result"]["messageId"])

def came(count):
    return [told.get(timeout=60)["messageId"] for _ in range(count)]

number = administer("", {"url": f"http://127.0.0.1:{server.server_port}/", "name": "python"})["id"]
fault(kind="push-twice")
twice, once = ask("twice"), ask("once")
assert came(3) == [twice, twice, once]
administer(f"/{number}/pause")
one, two, three = ask("one"), ask("two"), ask("three")
fault(kind="push-later")
administer(f"/{number}/resume")
assert came(3) == [two, three, one]
assert told.empty()
print("all seen")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pythons_http_client_sees_every_kind_of_fault() {
    let world = World::start().await;
    let stand_in = &world.stand_in;
    let address = stand_in.url().strip_prefix("http://").unwrap().to_owned();
    let (business, chat) = (stand_in.business_id().to_string(), CHAT.to_string());
    let keys = [stand_in.api_key(), stand_in.admin_key(), stand_in.market_key()].map(str::to_owned);
    let run = tokio::task::spawn_blocking(move || {
        let mut python = Command::new("python3");
        python.args(["-c", SCRIPT, &address, &business, &chat]).args(keys).output().unwrap()
    });
    let output = run.await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "all seen");
}
