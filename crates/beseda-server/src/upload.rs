//! File of a multipart body, streamed while it arrives.

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
    body::{self, BodyError, BodyKind},
    request::RequestContext,
};

/// Maximum size of multipart besides the file, in bytes.
const OVERHEAD: u64 = 64 * 1024;
const PART: &str = "file";

/// Part `file` of a body that is still arriving.
pub(crate) struct FilePart<'r> {
    form: Multipart<'r>,
    part: Field<'r>,
    /// Value of the part `sender`, if it came before the file.
    pub(crate) sender: Option<String>,
}

/// Finds the file; 400 if it is missing, 415 if the body is not multipart.
pub(crate) async fn find<'r>(call: &'r mut RequestContext<'_>) -> Result<FilePart<'r>> {
    if call.has_nothing() {
        return Err(Error::bad_request("Required request body is missing"));
    }
    call.check_type(BodyKind::Multipart)?;
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
        Ok::<_, BodyError>(body::next_chunk(body, silence).await?.map(|piece| (piece, body)))
    });
    let limits = Constraints::new().size_limit(limits);
    let mut form = Multipart::with_constraints(pieces, boundary, limits);
    let mut sender = None;
    while let Some(part) = form.next_field().await.map_err(|error| refuse(&error))? {
        match part.name() {
            Some(PART) => return Ok(FilePart { form, part, sender }),
            Some("sender") => sender = Some(part.text().await.map_err(|error| refuse(&error))?),
            _ => {}
        }
    }
    Err(Error::bad_request(format!("Required request part '{PART}' is not present")))
}

impl FilePart<'_> {
    /// Streams the file to `send`. The stream fails if the rest of the file never arrives.
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

/// Chunk from the socket to the engine.
enum UploadChunk {
    Bytes(Bytes),
    End,
}

/// Forwards the file, and ends it after the rest of the form was read and has no second file.
async fn pump(
    form: Multipart<'_>,
    mut part: Field<'_>,
    pieces: mpsc::Sender<UploadChunk>,
) -> Result<()> {
    // Returning early drops the sender, which makes the receiver's stream fail.
    while let Some(bytes) = part.chunk().await.map_err(|error| refuse(&error))? {
        // The receiver is gone if the engine has refused the file; its error is sent then.
        if pieces.send(UploadChunk::Bytes(bytes)).await.is_err() {
            return Ok(());
        }
    }
    drop(part);
    check_rest(form).await?;
    let _ = pieces.send(UploadChunk::End).await;
    Ok(())
}

/// Reads the rest of the form: 400 for another file.
async fn check_rest(mut form: Multipart<'_>) -> Result<()> {
    loop {
        match form.next_field().await {
            Ok(Some(part)) if part.name() == Some(PART) => {
                let text = format!("Only one part '{PART}' is allowed: send one file per request");
                return Err(Error::bad_request(text));
            }
            Ok(Some(_)) => {}
            // A form without its closing delimiter counts as ended.
            Ok(None) | Err(multer::Error::IncompleteStream) => return Ok(()),
            Err(error) => return Err(refuse(&error)),
        }
    }
}

/// Returns the receiver as a stream that fails if the sender is dropped early.
fn arriving(receiver: mpsc::Receiver<UploadChunk>) -> FileStream {
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(UploadChunk::Bytes(bytes)) => Some((Ok(bytes), Some(receiver))),
            Some(UploadChunk::End) => None,
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
        multer::Error::StreamReadFailed(source) => match source.downcast_ref::<BodyError>() {
            Some(BodyError::TooSlow) => BodyError::TooSlow.into(),
            _ => BodyError::Cut.into(),
        },
        multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream => BodyError::Cut.into(),
        other => Error::bad_request(format!("Multipart: {other}")),
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body could not be read")
    }
}

impl std::error::Error for BodyError {}
