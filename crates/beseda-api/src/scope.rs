//! What an Api-Key may do. Which operation asks for which scope stands in `endpoint.rs`.

use std::fmt;

use crate::open_enum::open_enum;

open_enum! {
    /// A group of methods an Api-Key is good for (published as [`ApiKeyScopeType`](https://yandex.ru/dev/market/partner-api/doc/ru/concepts/api-key)), in the words of getAuthTokenInfo.
    Scope {
        /// Full control of the cabinet.
        AllMethods = "ALL_METHODS",
        /// Reading everything of the cabinet.
        AllMethodsReadOnly = "ALL_METHODS_READ_ONLY",
        /// Orders and stock.
        InventoryAndOrderProcessing = "INVENTORY_AND_ORDER_PROCESSING",
        /// Reading orders and stock.
        InventoryAndOrderProcessingReadOnly = "INVENTORY_AND_ORDER_PROCESSING_READ_ONLY",
        /// Prices.
        Pricing = "PRICING",
        /// Reading prices.
        PricingReadOnly = "PRICING_READ_ONLY",
        /// Goods and cards.
        OffersAndCardsManagement = "OFFERS_AND_CARDS_MANAGEMENT",
        /// Reading goods and cards.
        OffersAndCardsManagementReadOnly = "OFFERS_AND_CARDS_MANAGEMENT_READ_ONLY",
        /// Promotion.
        Promotion = "PROMOTION",
        /// Reading promotion.
        PromotionReadOnly = "PROMOTION_READ_ONLY",
        /// Finance reports.
        FinanceAndAccounting = "FINANCE_AND_ACCOUNTING",
        /// Talking with buyers.
        Communication = "COMMUNICATION",
        /// Settings of shops.
        SettingsManagement = "SETTINGS_MANAGEMENT",
        /// Reading supplies.
        SuppliesManagementReadOnly = "SUPPLIES_MANAGEMENT_READ_ONLY",
    }
}

impl Scope {
    /// The name as the cabinet and the error texts write it: `all-methods:read-only`.
    #[must_use]
    pub fn slug(&self) -> String {
        let lower = self.as_str().to_lowercase().replace('_', "-");
        match lower.strip_suffix("-read-only") {
            Some(group) => format!("{group}:read-only"),
            None => lower,
        }
    }

    /// The scope of either spelling: `COMMUNICATION`, `communication`, `all-methods:read-only`.
    ///
    /// # Errors
    /// [`UnknownScope`] for any other word.
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        let word = text.trim().to_uppercase().replace(['-', ':'], "_");
        match Self::from(word.as_str()) {
            Self::Unknown(_) => Err(UnknownScope(text.to_owned())),
            known => Ok(known),
        }
    }
}

/// A word that is no scope.
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
