//! Campaigns (shops), which tell a caller its cabinet's id. Nothing about offers or prices.

use serde::{Deserialize, Serialize};

use crate::{BusinessId, CampaignId, Paging, open_enum::open_enum};

open_enum! {
    /// The model a shop works by (published as [`PlacementType`](https://yandex.ru/dev/market/partner-api/doc/ru/reference/campaigns/getCampaigns)).
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
    /// Whether a shop can use the API (published as `ApiAvailabilityStatusType`).
    ApiAvailability {
        /// It can.
        Available = "AVAILABLE",
        /// Nothing was on sale for 90 days.
        DisabledByInactivity = "DISABLED_BY_INACTIVITY",
        /// There is no contract in force.
        DisabledByNoActiveContract = "DISABLED_BY_NO_ACTIVE_CONTRACT",
        /// Switched off by hand.
        ManuallyDisabled = "MANUALLY_DISABLED",
        /// The shop has no model.
        DisabledByNoPlacementType = "DISABLED_BY_NO_PLACEMENT_TYPE",
    }
}

/// A shop (published as `CampaignDTO`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Campaign {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub id: Option<CampaignId>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub domain: Option<String>,
    /// The payer's id in Yandex Balance; deprecated in the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub client_id: Option<i64>,
    /// The cabinet it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business: Option<Business>,
    /// The model it works by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement_type: Option<PlacementType>,
    /// Whether it can use the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_availability: Option<ApiAvailability>,
}

/// A cabinet as campaigns name it (published as `BusinessDTO`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Business {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<BusinessId>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub name: Option<String>,
}

/// The answer of getCampaigns, which has no envelope (published as `GetCampaignsResponse`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CampaignList {
    /// The shops the credential sees.
    pub campaigns: Vec<Campaign>,
    /// The old form of paging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pager: Option<Pager>,
    /// The new form of paging.
    #[serde(default, deserialize_with = "crate::wire::null_is_default")]
    pub paging: Paging,
}

/// Paging by numbers (published as `FlippingPagerDTO`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Pager {
    /// Items in all.
    pub total: i32,
    /// Number of the first item on this page, from 1; 0 on an empty page.
    pub from: i32,
    /// Number of the last item on this page.
    pub to: i32,
    /// This page's number, from 1.
    pub current_page: i32,
    /// Pages in all.
    pub pages_count: i32,
    /// Items on a full page.
    pub page_size: i32,
}
