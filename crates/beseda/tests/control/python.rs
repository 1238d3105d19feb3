//! Every kind of fault as Python's own `http.client` sees it: another stack, another view of broken connections.

use std::process::Command;

use crate::{CHAT, World};

const SCRIPT: &str = r#"
import http.client, json, sys, time
address, business, chat, key, admin = sys.argv[1:6]

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
print("all seen")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_fault_is_seen_by_python() {
    let world = World::start().await;
    let stand_in = &world.stand_in;
    let address = stand_in.url().strip_prefix("http://").unwrap().to_owned();
    let (business, chat) = (stand_in.business_id().to_string(), CHAT.to_string());
    let (key, admin) = (stand_in.api_key().to_owned(), stand_in.admin_key().to_owned());
    let run = tokio::task::spawn_blocking(move || {
        let mut python = Command::new("python3");
        python.args(["-c", SCRIPT, &address, &business, &chat, &key, &admin]).output().unwrap()
    });
    let output = run.await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "all seen");
}
