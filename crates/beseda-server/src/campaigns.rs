//! getCampaigns, with its two kinds of paging, and getAuthTokenInfo.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use beseda_api::{
    Access, Campaign, CampaignList, Error, PageToken, Pager, Paging, Principal, Result,
    wire::{AuthKey, AuthTokenInfo},
};

use crate::{
    auth,
    query::{self, QueryString},
    request::RequestContext,
    response::{self, ApiResponse},
};

const MOST: i64 = 100;

pub(crate) async fn get_campaigns(
    call: &mut RequestContext<'_>,
    access: &Access,
) -> Result<ApiResponse> {
    let wanted = PageSelection::of(call.query())?;
    let campaigns = call.directory().campaigns(&access.businesses).await?;
    call.view().campaigns(wanted.cut(campaigns))
}

pub(crate) fn get_auth_token_info(access: &Access) -> Result<ApiResponse> {
    match &access.principal {
        Principal::ApiKey { name, scopes } => {
            let api_key = AuthKey { name: name.clone(), auth_scopes: scopes.clone() };
            response::ok(AuthTokenInfo { api_key })
        }
        Principal::User { .. } => Err(auth::access_denied()),
    }
}

/// Requested part of the list: offset and maximum number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PageSelection {
    from: usize,
    size: Option<usize>,
}

impl PageSelection {
    /// A page token or a limit takes precedence over page numbers.
    fn of(query: QueryString<'_>) -> Result<Self> {
        let limit = bounded(query, "limit", MOST)?;
        let page = bounded(query, "page", 10_000)?;
        let page_size = bounded(query, "pageSize", MOST)?;
        if let Some(token) = query.token() {
            return Ok(Self { from: read_token(&token)?, size: limit });
        }
        if limit.is_some() || (page.is_none() && page_size.is_none()) {
            return Ok(Self { from: 0, size: limit });
        }
        let size = page_size.unwrap_or(50);
        Ok(Self { from: (page.unwrap_or(1) - 1) * size, size: Some(size) })
    }

    fn cut(self, all: Vec<Campaign>) -> CampaignList {
        let total = all.len();
        let size = self.size.unwrap_or(total).max(1);
        let from = self.from.min(total);
        let to = (from + size).min(total);
        let next_page_token = (to < total).then(|| make_token(to));
        let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let pager = Pager {
            total: number(total),
            from: number(if to > from { from + 1 } else { 0 }),
            to: number(to),
            current_page: number(self.from / size + 1),
            pages_count: number(total.div_ceil(size)),
            page_size: number(size),
        };
        let campaigns = all.into_iter().skip(from).take(size).collect();
        CampaignList { campaigns, pager: Some(pager), paging: Paging { next_page_token } }
    }
}

fn bounded(query: QueryString<'_>, name: &str, most: i64) -> Result<Option<usize>> {
    let Some(raw) = query.optional_number(name)? else { return Ok(None) };
    if raw > most {
        return Err(Error::bad_request(format!(
            "Parameter {name} must be less than or equal to {most} (rejected value: {raw})"
        )));
    }
    let _at_least_one: beseda_api::ChatId = query::id(name, raw)?;
    Ok(usize::try_from(raw).ok())
}

const TOKEN: &str = "campaigns:";

fn make_token(from: usize) -> PageToken {
    PageToken::new(URL_SAFE_NO_PAD.encode(format!("{TOKEN}{from}")))
}

fn read_token(token: &PageToken) -> Result<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(token.as_str().trim_end_matches('=')).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(TOKEN)?.parse().ok())
        .ok_or_else(Error::bad_page_token)
}
