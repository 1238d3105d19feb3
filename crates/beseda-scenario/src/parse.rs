//! Parses a scenario and validates it completely. `parse/steps.rs` parses the steps.

mod fields;
mod steps;

use std::{fmt, path::PathBuf, time::Duration};

use beseda_api::{CampaignId, Customer, Model, NewOrder, NewReturn, OrderId, ReturnId};

use self::fields::{ErrorList, Fields};
use crate::{
    model::{ChatRef, Scenario},
    yaml::{self, Location, ParseError, YamlNode},
};

/// Default timeout of a wait.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Source of the files that a scenario sends.
#[derive(Debug, Clone)]
pub enum FileSource {
    /// Folder that paths are relative to.
    Folder(PathBuf),
    /// No files. Used for scenarios received over the network, which must not read local files.
    Inline,
}

/// All errors of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseErrors(pub Vec<ParseError>);

impl ParseErrors {
    /// Formats the errors, one per line, as `name:line:column: reason`.
    #[must_use]
    pub fn report(&self, name: &str) -> String {
        let line = |error: &ParseError| {
            let Location { line, column } = error.location;
            format!("{name}:{line}:{column}: {}", error.reason)
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("; "))
    }
}

impl std::error::Error for ParseErrors {}

impl Scenario {
    /// Parses a scenario written in YAML or JSON.
    ///
    /// # Errors
    ///
    /// All errors of the scenario, in the order of their lines.
    pub fn parse(text: &str, files: &FileSource) -> Result<Self, ParseErrors> {
        let node = yaml::parse(text).map_err(|error| ParseErrors(vec![error]))?;
        let mut parser =
            Parser { errors: ErrorList::default(), names: Vec::new(), current: None, files };
        let scenario = parser.scenario(&node);
        let ErrorList(mut errors) = parser.errors;
        match scenario {
            Some(scenario) if errors.is_empty() => Ok(scenario),
            _ => {
                errors.sort_by_key(|error| error.location);
                Err(ParseErrors(errors))
            }
        }
    }
}

/// Parser state at the current step.
struct Parser<'f> {
    errors: ErrorList,
    /// Names given to chats so far.
    names: Vec<String>,
    /// Chat of the previous step.
    current: Option<ChatRef>,
    files: &'f FileSource,
}

impl Parser<'_> {
    fn scenario(&mut self, node: &YamlNode) -> Option<Scenario> {
        let mut fields = Fields::of(node, &mut self.errors)?;
        let name = fields.text("scenario", &mut self.errors);
        let cabinet = fields.id("cabinet", &mut self.errors);
        let default_timeout =
            fields.duration("within", &mut self.errors).unwrap_or(DEFAULT_TIMEOUT);
        let (mut orders, mut returns) = (Vec::new(), Vec::new());
        if let Some(given) = fields.take("given")
            && let Some(mut given) = Fields::of(given, &mut self.errors)
        {
            for node in given.take("orders").map_or(&[][..], |n| fields::items(n, &mut self.errors))
            {
                orders.extend(self.order(node).map(|order| (node.location, order)));
            }
            for node in
                given.take("returns").map_or(&[][..], |n| fields::items(n, &mut self.errors))
            {
                returns.extend(self.return_order(node).map(|ret| (node.location, ret)));
            }
            given.reject_unknown(&mut self.errors);
        }
        let steps = match fields.take("steps") {
            Some(steps) => self.steps(steps),
            None => {
                self.errors.add(node.location, "missing field `steps`: the list of steps");
                Vec::new()
            }
        };
        fields.reject_unknown(&mut self.errors);
        if name.is_none() {
            self.errors.add(node.location, "missing field `scenario`: the name of the scenario");
        }
        Some(Scenario { name: name?, cabinet, default_timeout, orders, returns, steps })
    }

    fn order(&mut self, node: &YamlNode) -> Option<NewOrder> {
        let errors = &mut self.errors;
        let mut fields = Fields::of(node, errors)?;
        let order_id: Option<OrderId> = fields.id("order", errors);
        let campaign_id: Option<CampaignId> = fields.id("campaign", errors);
        let models: Vec<(&str, Model)> =
            Model::ALL.iter().map(|m| (m.as_str(), m.clone())).collect();
        let model = fields.take("model").and_then(|node| fields::word(node, &models, errors));
        let customer = self.customer(&mut fields);
        if order_id.is_none() {
            self.errors.add(node.location, "missing field `order`: the id of the order");
        }
        fields.reject_unknown(&mut self.errors);
        Some(NewOrder { order_id: order_id?, campaign_id, model, customer })
    }

    fn return_order(&mut self, node: &YamlNode) -> Option<NewReturn> {
        let errors = &mut self.errors;
        let mut fields = Fields::of(node, errors)?;
        let return_id: Option<ReturnId> = fields.id("return", errors);
        let order_id: Option<OrderId> = fields.id("order", errors);
        if return_id.is_none() || order_id.is_none() {
            errors.add(
                node.location,
                "missing field `return` or `order`: the ids of the return and of its order",
            );
        }
        fields.reject_unknown(errors);
        Some(NewReturn { return_id: return_id?, order_id: order_id? })
    }

    /// Parses a buyer: a name, or a mapping of `name` and `publicId`.
    fn customer(&mut self, fields: &mut Fields<'_>) -> Option<Customer> {
        let node = fields.take("customer")?;
        if let Some(name) = node.as_str() {
            return Some(Customer { name: Some(name.to_owned()), public_id: None });
        }
        let mut fields = Fields::of(node, &mut self.errors)?;
        let name = fields.text("name", &mut self.errors);
        let public_id = fields.text("publicId", &mut self.errors);
        fields.reject_unknown(&mut self.errors);
        Some(Customer { name, public_id })
    }
}
