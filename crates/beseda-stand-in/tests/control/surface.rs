//! Admin API in general: key, errors, OpenAPI document, and requests passed on to the server.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use beseda_stand_in::{api::ErrorKind, client::Client};

use crate::World;

#[tokio::test]
async fn requests_without_the_key_are_rejected() {
    let world = World::start().await;
    for key in [world.stand_in.api_key(), "wrong", ""] {
        let control = Client::builder().url(world.stand_in.url()).build_stand_in(&key.into());
        let refused = control.unwrap().read("clock", &[]).await.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::Unauthorized));
    }
}

#[tokio::test]
async fn unknown_resources_get_error_responses_of_the_api() {
    let world = World::start().await;
    let missing = world.control.read("weather", &[]).await.unwrap_err();
    assert_eq!(missing.kind(), Some(ErrorKind::NotFound));
    let method = world.control.delete("clock").await.unwrap_err();
    assert_eq!(method.kind(), Some(ErrorKind::MethodNotAllowed));
    for (resource, what) in [("faults/77", "77"), ("faults/x", "x")] {
        let refused = world.control.delete(resource).await.unwrap_err();
        assert!(refused.to_string().contains(what), "{refused}");
    }
}

#[tokio::test]
async fn the_document_describes_every_path_and_needs_no_key() {
    let world = World::start().await;
    let document = world.control.read_bare("openapi.json").await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut described = 0;
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            let target = path.replace("{id}", "1").replace("{name}", "x");
            let answer = call(&world, &method.to_uppercase(), &target).await;
            let missing = ["Resource not found", "not supported"];
            assert!(!missing.iter().any(|text| answer.contains(text)), "{method} {path}: {answer}");
            described += 1;
        }
    }
    assert!(described >= 28, "{described}");
}

/// Returns the beginning of the response to an empty request with the key.
async fn call(world: &World, method: &str, target: &str) -> String {
    let address = world.stand_in.url().strip_prefix("http://").unwrap().to_owned();
    let key = world.stand_in.admin_key();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {key}\r\nContent-Length: 0\r\n\r\n"
    );
    let exchange = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut beginning = [0; 2048];
        let mut length = 0;
        while let Ok(read @ 1..) = socket.read(&mut beginning[length..]) {
            length += read;
            let text = String::from_utf8_lossy(&beginning[..length]);
            if text.contains("text/event-stream") || length == beginning.len() {
                break;
            }
        }
        String::from_utf8_lossy(&beginning[..length]).into_owned()
    });
    exchange.await.unwrap()
}
