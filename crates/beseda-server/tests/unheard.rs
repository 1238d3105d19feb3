//! An internal error is told even where nobody has installed a tracing subscriber. A program of its own, started by
//! itself: in a process that other tests share somebody may have installed one.
#![expect(clippy::unwrap_used, reason = "a test panics where it stands")]

#[path = "it/refusing.rs"]
mod refusing;

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Read, Write, stdin},
    net::TcpStream,
    process::{Command, Stdio},
    sync::Arc,
};

use beseda_api::{BusinessId, Scope};
use beseda_server::{ServerSettings, Services, StaticDirectory, TransportSettings, router, serve};
use refusing::Refusing;
use tokio::net::TcpListener;

const MODE: &str = "BESEDA_TEST_UNHEARD";
const KEY: &str = "ACMA:MyBackEndMyBackEndMyBackEndMyBackEnd0000:0a1b2c3d";

fn main() {
    match env::var(MODE).as_deref() {
        Ok("deaf") => back_end(),
        Ok("listening") => {
            // Whoever has installed a subscriber has decided what is seen.
            let nothing = tracing::subscriber::NoSubscriber::default();
            tracing::subscriber::set_global_default(nothing).unwrap();
            back_end();
        }
        _ => {
            an_internal_error_is_one_line_on_stderr_where_nobody_listens();
            where_somebody_listens_stderr_stays_empty();
            println!("test result: ok. an internal error is told where nobody listens");
        }
    }
}

/// Serves a back end that always breaks, until stdin ends.
#[tokio::main]
async fn back_end() {
    let shop = BusinessId::new(1).unwrap();
    let directory = StaticDirectory::new().api_key(KEY, [shop], [Scope::AllMethods]).unwrap();
    let broken = Refusing(|| beseda_api::Error::internal("the disk\nis full"));
    let services = Services::new(Arc::new(broken)).directory(Arc::new(directory));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let router = router(services, ServerSettings::default()).unwrap();
    let input = tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    let end = async { drop(input.await) };
    serve(listener, router, TransportSettings::default(), end).await.unwrap();
}

/// Starts this program again in a mode, calls it once, and returns the answer and everything it wrote to stderr.
fn call(mode: &str) -> Result<(String, String), Box<dyn Error>> {
    let mut program = Command::new(env::current_exe()?)
        .env(MODE, mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut address)?;
    let mut stream = TcpStream::connect(address.trim())?;
    write!(
        stream,
        "GET /v2/businesses/1/chat?chatId=1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
         X-Request-Id: my-request-1\r\nApi-Key: {KEY}\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    drop(program.stdin.take());
    let output = program.wait_with_output()?;
    assert!(output.status.success(), "{output:?}");
    Ok((answer, String::from_utf8(output.stderr)?))
}

fn an_internal_error_is_one_line_on_stderr_where_nobody_listens() {
    let (answer, told) = call("deaf").unwrap();
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(!answer.contains("disk"), "{answer}");
    assert_eq!(told, "beseda-server: request my-request-1 failed: the disk is full\n");
}

fn where_somebody_listens_stderr_stays_empty() {
    let (answer, told) = call("listening").unwrap();
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert_eq!(told, "");
}
