//! Minimal keep-alive HTTP/1.1 connection: sends prepared bytes and reads a 200 response with a
//! content length; everything
//! else is an error.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Buffer size; enough for a page of history.
const BUFFER: usize = 64 * 1024;
const MAX_HEADERS: usize = 48;

/// Connection of the load generator.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Connection {
    /// Connects with `TCP_NODELAY`.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and returns the body of the 200 response.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await.context("sending a request")?;
        let (head, end) = self.read_answer().await?;
        let body = &self.buffer[head.body..end];
        if head.status != 200 {
            let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
            bail!("the server answered {} instead of 200: {text}", head.status);
        }
        Ok(body)
    }

    async fn read_answer(&mut self) -> Result<(Head, usize)> {
        let mut filled = 0;
        let mut head = None;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.context("reading")?;
            ensure!(read > 0, "the server closed the connection in the middle of an answer");
            filled += read;
            if head.is_none() {
                head = parse_head(&self.buffer[..filled])?;
            }
            if let Some(found) = head.take_if(|found| filled >= found.body + found.length) {
                let end = found.body + found.length;
                ensure!(filled == end, "the server sent more than one answer to one request");
                return Ok((found, end));
            }
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
        }
    }
}

/// Parses the head of a response; `None` if it is incomplete.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) =
        response.parse(bytes).context("the answer is not HTTP/1.1")?
    else {
        return Ok(None);
    };
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .context("the answer has no content-length")?;
    let length = std::str::from_utf8(length.value)?.trim().parse().context("content-length")?;
    let status = response.code.context("the answer has no status")?;
    Ok(Some(Head { status, length, body }))
}

#[cfg(test)]
mod tests {
    use super::parse_head;

    #[test]
    fn an_unfinished_head_is_not_an_answer_yet() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ncontent-le").expect("so far valid").is_none());
    }

    #[test]
    fn a_whole_head_says_where_the_body_is_and_how_long() {
        let head = parse_head(b"HTTP/1.1 420 Enhance\r\nContent-Length: 3\r\n\r\nabc")
            .expect("valid")
            .expect("whole");
        assert_eq!((head.status, head.length, head.body), (420, 3, 43));
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(parse_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
