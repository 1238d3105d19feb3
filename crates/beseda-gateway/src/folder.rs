//! The gateway's folder: created inside the archive folder, with the cabinets and their derived
//! keys.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use beseda_api::{
    Administration, AuthResult, BusinessId, Credential, Directory, NewCabinet, NewKey,
};
use beseda_engine::Engine;
use beseda_sqlite::private;

use crate::{derived_keys::DerivedKeys, settings::GatewayOpenError};

/// Maximum length of a cabinet's name in characters.
const MAX_CABINET_NAME: usize = 100;

/// Creates the gateway's folder if it is missing, and returns its path.
pub(crate) fn create(archive: &Path) -> Result<PathBuf, GatewayOpenError> {
    let folder = archive.join("gateway");
    let failed = |path: &Path, error| GatewayOpenError::Folder(path.to_owned(), error);
    create_private(archive).map_err(|error| failed(archive, error))?;
    private::create_or_restrict_dir(&folder).map_err(|error| failed(&folder, error))?;
    Ok(folder)
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Creates missing cabinets and their derived keys. Returns each cabinet's key, or `None` if it was
/// revoked.
pub(crate) async fn provision(
    engine: &Engine,
    derived_keys: &DerivedKeys,
    cabinets: &BTreeMap<BusinessId, String>,
) -> Result<Vec<(BusinessId, Option<String>)>, GatewayOpenError> {
    let existing = engine.list_cabinets().await?;
    let mut api_keys = Vec::new();
    for (business, name) in cabinets {
        if !existing.iter().any(|cabinet| cabinet.business_id == *business) {
            let name = match name.trim() {
                "" => format!("Cabinet {business}"),
                _ => name.chars().take(MAX_CABINET_NAME).collect(),
            };
            engine.create_cabinet(NewCabinet { business_id: Some(*business), name }).await?;
        }
        api_keys.push((*business, api_key(engine, derived_keys, *business).await?));
    }
    Ok(api_keys)
}

/// Returns the derived key of a cabinet and registers it if it is new; `None` if it was revoked.
async fn api_key(
    engine: &Engine,
    derived_keys: &DerivedKeys,
    business: BusinessId,
) -> beseda_api::Result<Option<String>> {
    let api_key = derived_keys.api_key(business.get());
    match engine.authenticate(&Credential::ApiKey(api_key.clone())).await? {
        AuthResult::Granted(_) => Ok(Some(api_key)),
        AuthResult::Revoked => Ok(None),
        AuthResult::Unknown => {
            let scopes = vec!["communication".to_owned(), "all-methods".to_owned()];
            let key = NewKey { name: "gateway".to_owned(), scopes };
            engine.import_key(business, key, &api_key).await?;
            Ok(Some(api_key))
        }
    }
}
