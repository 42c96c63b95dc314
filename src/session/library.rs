//! What is kept of pretrained models, looked after.

use super::protocol::LibraryTask;
use crate::error::Result;
use crate::weights::{Library, Stored};

/// Does one task; returns what is kept after it.
pub async fn tend(library: &dyn Library, task: LibraryTask) -> Result<Stored> {
    match task {
        LibraryTask::List => {}
        LibraryTask::Verify { sha256 } => library.verify(&sha256).await?,
        LibraryTask::Delete { sha256 } => library.delete(&sha256).await?,
        LibraryTask::Endpoints { urls } => library.endpoints(urls),
    }
    library.stored().await
}
