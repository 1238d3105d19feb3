//! Campaigns (shops), from which a client learns the id of its cabinet.

use serde::{Deserialize, Serialize};

use crate::{BusinessId, CampaignId, Paging, open_enum::open_enum};

open_enum! {
    /// Fulfilment model of a shop (published as [`PlacementType`](https://yandex.ru/dev/market/partner-api/doc/ru/reference/campaigns/getCampaigns)).
    ///
    /// ```
    /// use beseda_api::PlacementType;
    ///
    /// assert_eq!(PlacementType::from("FBS"), PlacementType::Fbs);
    /// assert_eq!(PlacementType::Dbs.as_str(), "DBS");
    /// ```
    PlacementType {
        /// FBS or Express.
        Fbs = "FBS",
        /// FBY.
        Fby = "FBY",
        /// DBS.
        Dbs = "DBS",
        /// LaaS.
        Laas = "LAAS",
    }
}

open_enum! {
    /// Availability of the API for a shop (published as `ApiAvailabilityStatusType`).
    ///
    /// ```
    /// use beseda_api::ApiAvailability;
    ///
    /// let found = ApiAvailability::from("DISABLED_BY_INACTIVITY");
    /// assert_eq!(found, ApiAvailability::DisabledByInactivity);
    /// ```
    ApiAvailability {
        /// The API is available.
        Available = "AVAILABLE",
        /// Disabled: nothing was on sale for 90 days.
        DisabledByInactivity = "DISABLED_BY_INACTIVITY",
        /// Disabled: there is no contract in force.
        DisabledByNoActiveContract = "DISABLED_BY_NO_ACTIVE_CONTRACT",
        /// Disabled manually.
        ManuallyDisabled = "MANUALLY_DISABLED",
        /// Disabled: the shop has no fulfilment model.
        DisabledByNoPlacementType = "DISABLED_BY_NO_PLACEMENT_TYPE",
    }
}

/// Shop (published as `CampaignDTO`).
///
/// ```
/// use beseda_api::{Campaign, PlacementType};
///
/// let shop: Campaign = serde_json::from_str(
///     r#"{"id":5,"domain":"Чай почтой","business":{"id":1},"placementType":"DBS"}"#,
/// )?;
/// assert_eq!(shop.placement_type, Some(PlacementType::Dbs));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Campaign {
    /// Campaign id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub id: Option<CampaignId>,
    /// Name of the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub domain: Option<String>,
    /// Id of the payer in Yandex Balance; deprecated in the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub client_id: Option<i64>,
    /// Cabinet of the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business: Option<Business>,
    /// Fulfilment model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement_type: Option<PlacementType>,
    /// Availability of the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_availability: Option<ApiAvailability>,
}

/// Cabinet of a campaign (published as `BusinessDTO`).
///
/// ```
/// use beseda_api::{Business, BusinessId};
///
/// let cabinet: Business = serde_json::from_str(r#"{"id":1,"name":"Чайная лавка"}"#)?;
/// assert_eq!(cabinet.id, Some(BusinessId::new(1)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Business {
    /// Cabinet id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<BusinessId>,
    /// Name of the cabinet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub name: Option<String>,
}

/// Response of getCampaigns, which has no envelope (published as `GetCampaignsResponse`).
///
/// ```
/// use beseda_api::CampaignList;
///
/// let body = r#"{"campaigns":[{"id":5,"business":{"id":1}},{"id":6,"business":{"id":1}}],"paging":{}}"#;
/// let list: CampaignList = serde_json::from_str(body)?;
/// let cabinet = list.campaigns.first().and_then(|shop| shop.business.as_ref()?.id);
/// assert_eq!(cabinet.map(|id| id.get()), Some(1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CampaignList {
    /// Shops the credential has access to.
    pub campaigns: Vec<Campaign>,
    /// Page numbers, the older form of paging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pager: Option<Pager>,
    /// Page token, the newer form of paging.
    #[serde(default, deserialize_with = "crate::wire::null_is_default")]
    pub paging: Paging,
}

/// Paging by page number (published as `FlippingPagerDTO`).
///
/// ```
/// use beseda_api::Pager;
///
/// let pager: Pager = serde_json::from_str(r#"{"total":120,"currentPage":1,"pagesCount":3}"#)?;
/// assert!(pager.current_page < pager.pages_count, "there is another page");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Pager {
    /// Total number of items.
    pub total: i32,
    /// Number of the first item of this page, from 1; 0 on an empty page.
    pub from: i32,
    /// Number of the last item of this page.
    pub to: i32,
    /// Number of this page, from 1.
    pub current_page: i32,
    /// Total number of pages.
    pub pages_count: i32,
    /// Maximum number of items per page.
    pub page_size: i32,
}
