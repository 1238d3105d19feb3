//! Campaigns (shops), from which a client learns the id of its cabinet.

use serde::{Deserialize, Serialize};

use crate::{BusinessId, CampaignId, Paging, open_enum::open_enum};

open_enum! {
    /// Fulfilment model of a shop (published as [`PlacementType`](https://yandex.ru/dev/market/partner-api/doc/ru/reference/campaigns/getCampaigns)).
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
