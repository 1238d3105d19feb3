//! Scopes of Api-Keys.

use std::fmt;

use crate::open_enum::open_enum;

open_enum! {
    /// Scope of an Api-Key (published as [`ApiKeyScopeType`](https://yandex.ru/dev/market/partner-api/doc/ru/concepts/api-key)), with the values of getAuthTokenInfo.
    ///
    /// ```
    /// use beseda_api::Scope;
    ///
    /// assert_eq!(Scope::parse("all-methods:read-only")?, Scope::AllMethodsReadOnly);
    /// assert_eq!(Scope::Communication.slug(), "communication");
    /// # Ok::<(), beseda_api::UnknownScope>(())
    /// ```
    Scope {
        /// Full access to the cabinet.
        AllMethods = "ALL_METHODS",
        /// Read access to the whole cabinet.
        AllMethodsReadOnly = "ALL_METHODS_READ_ONLY",
        /// Orders and stock.
        InventoryAndOrderProcessing = "INVENTORY_AND_ORDER_PROCESSING",
        /// Orders and stock, read-only.
        InventoryAndOrderProcessingReadOnly = "INVENTORY_AND_ORDER_PROCESSING_READ_ONLY",
        /// Prices.
        Pricing = "PRICING",
        /// Prices, read-only.
        PricingReadOnly = "PRICING_READ_ONLY",
        /// Offers and product cards.
        OffersAndCardsManagement = "OFFERS_AND_CARDS_MANAGEMENT",
        /// Offers and product cards, read-only.
        OffersAndCardsManagementReadOnly = "OFFERS_AND_CARDS_MANAGEMENT_READ_ONLY",
        /// Promotion.
        Promotion = "PROMOTION",
        /// Promotion, read-only.
        PromotionReadOnly = "PROMOTION_READ_ONLY",
        /// Financial reports.
        FinanceAndAccounting = "FINANCE_AND_ACCOUNTING",
        /// Communication with buyers.
        Communication = "COMMUNICATION",
        /// Settings of shops.
        SettingsManagement = "SETTINGS_MANAGEMENT",
        /// Supplies, read-only.
        SuppliesManagementReadOnly = "SUPPLIES_MANAGEMENT_READ_ONLY",
    }
}

impl Scope {
    /// Returns the name used in the cabinet and in error texts, such as `all-methods:read-only`.
    #[must_use]
    pub fn slug(&self) -> String {
        let lower = self.as_str().to_lowercase().replace('_', "-");
        match lower.strip_suffix("-read-only") {
            Some(group) => format!("{group}:read-only"),
            None => lower,
        }
    }

    /// Parses either spelling: `COMMUNICATION`, `communication`, `all-methods:read-only`.
    ///
    /// # Errors
    ///
    /// [`UnknownScope`] for any other text.
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        let word = text.trim().to_uppercase().replace(['-', ':'], "_");
        match Self::from(word.as_str()) {
            Self::Unknown(_) => Err(UnknownScope(text.to_owned())),
            known => Ok(known),
        }
    }
}

/// Error of parsing a [`Scope`].
///
/// ```
/// use beseda_api::Scope;
///
/// let error = Scope::parse("comunication").unwrap_err();
/// assert!(error.to_string().starts_with("unknown scope 'comunication'; known ones:"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownScope(String);

impl fmt::Display for UnknownScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown scope '{}'; known ones:", self.0)?;
        Scope::ALL.iter().try_for_each(|scope| write!(f, " {}", scope.slug()))
    }
}

impl std::error::Error for UnknownScope {}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn a_scope_reads_in_both_spellings() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(&scope.slug()).as_ref(), Ok(scope));
            assert_eq!(Scope::parse(scope.as_str()).as_ref(), Ok(scope));
        }
        assert_eq!(Scope::AllMethodsReadOnly.slug(), "all-methods:read-only");
        assert!(Scope::parse("everything").is_err());
    }
}
