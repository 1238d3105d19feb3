//! A file out of a multipart body, handed on while it arrives. Where it is kept is the engine's business.

mod file_name;

use std::{fmt, future::Future, io};

use axum::body::Body;
use beseda_api::{Error, FileName, FileStream, FileUpload, MAX_FILE_BYTES, Result};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header;
use hyper::body::Body as _;
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::sync::mpsc;

use crate::{
    body::{self, Kind, Unread},
    call::Call,
};

/// What multipart may add to a file.
const OVERHEAD: u64 = 64 * 1024;
const PART: &str = "file";

/// The part named `file`, found in a body that is still arriving.
pub(crate) struct Incoming<'r> {
    form: Multipart<'r>,
    part: Field<'r>,
    /// The value of the part named `sender`, if it came before the file.
    pub(crate) sender: Option<String>,
}

/// Finds the file; 400 if there is none or no body at all, 415 if the body is no multipart.
pub(crate) async fn find<'r>(call: &'r mut Call<'_>) -> Result<Incoming<'r>> {
    if call.has_nothing() {
        return Err(Error::bad_request("Required request body is missing"));
    }
    call.check_type(Kind::Multipart)?;
    let most = MAX_FILE_BYTES + OVERHEAD;
    if call.body.size_hint().lower() > most {
        return Err(body::too_big(MAX_FILE_BYTES));
    }
    let content_type = call.parts.headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|error| refuse(&error))?;
    let limits = SizeLimit::new().whole_stream(most).for_field(PART, MAX_FILE_BYTES);
    let silence = call.bounds().silence;
    let pieces = stream::try_unfold(&mut *call.body, move |body: &mut Body| async move {
        Ok::<_, Unread>(body::piece(body, silence).await?.map(|piece| (piece, body)))
    });
    let limits = Constraints::new().size_limit(limits);
    let mut form = Multipart::with_constraints(pieces, boundary, limits);
    let mut sender = None;
    while let Some(part) = form.next_field().await.map_err(|error| refuse(&error))? {
        match part.name() {
            Some(PART) => return Ok(Incoming { form, part, sender }),
            Some("sender") => sender = Some(part.text().await.map_err(|error| refuse(&error))?),
            _ => {}
        }
    }
    Err(Error::bad_request(format!("Required request part '{PART}' is not present")))
}

impl Incoming<'_> {
    /// Hands the file to `send` piece by piece. If the rest of it never comes, `send` sees its stream fail.
    pub(crate) async fn pass<T, F>(self, send: impl FnOnce(FileUpload) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let (pieces, receiver) = mpsc::channel(4);
        let disposition = self.part.headers().get(header::CONTENT_DISPOSITION);
        let named = disposition.and_then(|value| file_name::file_name(value.as_bytes()));
        let name = FileName::new(&named.unwrap_or_default());
        let sending = send(FileUpload { name, content: arriving(receiver) });
        let (sent, pumped) = futures::join!(sending, pump(self.form, self.part, pieces));
        match (sent, pumped) {
            (Ok(sent), _) => Ok(sent),
            (Err(_), Err(refusal)) => Err(refusal),
            (Err(error), Ok(())) => Err(error),
        }
    }
}

/// What goes from the socket to the engine.
enum Piece {
    Bytes(Bytes),
    End,
}

/// Passes the file on and ends it once the rest of the form has been read and holds no second file.
async fn pump(form: Multipart<'_>, mut part: Field<'_>, pieces: mpsc::Sender<Piece>) -> Result<()> {
    // Returning without an end drops the sender, which is how a failure reaches the other side.
    while let Some(bytes) = part.chunk().await.map_err(|error| refuse(&error))? {
        // Nobody listens any more if the engine has refused: its answer counts then.
        if pieces.send(Piece::Bytes(bytes)).await.is_err() {
            return Ok(());
        }
    }
    drop(part);
    check_rest(form).await?;
    let _ = pieces.send(Piece::End).await;
    Ok(())
}

/// Reads what follows the file: 400 if that is another file.
async fn check_rest(mut form: Multipart<'_>) -> Result<()> {
    loop {
        match form.next_field().await {
            Ok(Some(part)) if part.name() == Some(PART) => {
                let text = format!("Only one part '{PART}' is allowed: send one file per request");
                return Err(Error::bad_request(text));
            }
            Ok(Some(_)) => {}
            // A form that ends without its closing delimiter has ended all the same.
            Ok(None) | Err(multer::Error::IncompleteStream) => return Ok(()),
            Err(error) => return Err(refuse(&error)),
        }
    }
}

/// The receiving end as a stream that fails if the sending end is dropped too early.
fn arriving(receiver: mpsc::Receiver<Piece>) -> FileStream {
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(Piece::End) => None,
            None => {
                let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "the upload was cut short");
                Some((Err(cut), None))
            }
        }
    })
    .boxed()
}

fn refuse(error: &multer::Error) -> Error {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            body::too_big(MAX_FILE_BYTES)
        }
        multer::Error::StreamReadFailed(source) => match source.downcast_ref::<Unread>() {
            Some(Unread::TooSlow) => Unread::TooSlow.into(),
            _ => Unread::Cut.into(),
        },
        multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream => Unread::Cut.into(),
        other => Error::bad_request(format!("Multipart: {other}")),
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body could not be read")
    }
}

impl std::error::Error for Unread {}
