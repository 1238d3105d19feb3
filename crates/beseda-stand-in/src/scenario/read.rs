//! From the text of a scenario to the scenario: everything in it is checked before any of it is played. The verbs are read in `read/steps.rs`.

mod steps;

use std::{fmt, path::PathBuf, time::Duration};

use beseda_api::{CampaignId, Customer, Model, NewOrder, NewReturn, OrderId, ReturnId};

use super::{
    fields::{self, Fields, Problems},
    model::{ChatRef, Scenario},
    yaml::{self, Node, Place, Problem},
};

/// How long a step waits unless the scenario says otherwise.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Where the files that a scenario sends are taken from.
#[derive(Debug, Clone)]
pub enum Files {
    /// Paths are relative to this folder.
    Folder(PathBuf),
    /// Nowhere: a scenario that came over the network names no files of this machine.
    Inline,
}

/// A scenario that was refused, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<Problem>);

impl Refused {
    /// One line per problem, as `name:line:column: reason`.
    #[must_use]
    pub fn told(&self, name: &str) -> String {
        let line = |problem: &Problem| {
            let Place { line, column } = problem.place;
            format!("{name}:{line}:{column}: {}", problem.reason)
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("; "))
    }
}

impl std::error::Error for Refused {}

impl Scenario {
    /// Reads a scenario from YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the lines.
    pub fn read(text: &str, files: &Files) -> Result<Self, Refused> {
        let node = yaml::parse(text).map_err(|problem| Refused(vec![problem]))?;
        let mut reader =
            Reader { problems: Problems::default(), names: Vec::new(), current: None, files };
        let scenario = reader.scenario(&node);
        let Problems(mut problems) = reader.problems;
        match scenario {
            Some(scenario) if problems.is_empty() => Ok(scenario),
            _ => {
                problems.sort_by_key(|problem| problem.place);
                Err(Refused(problems))
            }
        }
    }
}

/// What is known at the line that is being read.
struct Reader<'f> {
    problems: Problems,
    /// Chats that have a name by now.
    names: Vec<String>,
    /// The chat the last step was about.
    current: Option<ChatRef>,
    files: &'f Files,
}

impl Reader<'_> {
    fn scenario(&mut self, node: &Node) -> Option<Scenario> {
        let mut fields = Fields::of(node, &mut self.problems)?;
        let name = fields.text("scenario", &mut self.problems);
        let cabinet = fields.id("cabinet", &mut self.problems);
        let patience = fields.duration("within", &mut self.problems).unwrap_or(PATIENCE);
        let (mut orders, mut returns) = (Vec::new(), Vec::new());
        if let Some(given) = fields.take("given")
            && let Some(mut given) = Fields::of(given, &mut self.problems)
        {
            for node in
                given.take("orders").map_or(&[][..], |n| fields::items(n, &mut self.problems))
            {
                orders.extend(self.order(node).map(|order| (node.place, order)));
            }
            for node in
                given.take("returns").map_or(&[][..], |n| fields::items(n, &mut self.problems))
            {
                returns.extend(self.ret(node).map(|ret| (node.place, ret)));
            }
            given.end(&mut self.problems);
        }
        let steps = match fields.take("steps") {
            Some(steps) => self.steps(steps),
            None => {
                self.problems.add(node.place, "`steps` is missing: a list of what happens");
                Vec::new()
            }
        };
        fields.end(&mut self.problems);
        if name.is_none() {
            self.problems.add(node.place, "`scenario` is missing: the scenario's name");
        }
        Some(Scenario { name: name?, cabinet, patience, orders, returns, steps })
    }

    fn order(&mut self, node: &Node) -> Option<NewOrder> {
        let problems = &mut self.problems;
        let mut fields = Fields::of(node, problems)?;
        let order_id: Option<OrderId> = fields.id("order", problems);
        let campaign_id: Option<CampaignId> = fields.id("campaign", problems);
        let models: Vec<(&str, Model)> =
            Model::ALL.iter().map(|m| (m.as_str(), m.clone())).collect();
        let model = fields.take("model").and_then(|node| fields::word(node, &models, problems));
        let customer = self.customer(&mut fields);
        if order_id.is_none() {
            self.problems.add(node.place, "`order` is missing: the order's id");
        }
        fields.end(&mut self.problems);
        Some(NewOrder { order_id: order_id?, campaign_id, model, customer })
    }

    fn ret(&mut self, node: &Node) -> Option<NewReturn> {
        let problems = &mut self.problems;
        let mut fields = Fields::of(node, problems)?;
        let return_id: Option<ReturnId> = fields.id("return", problems);
        let order_id: Option<OrderId> = fields.id("order", problems);
        if return_id.is_none() || order_id.is_none() {
            problems.add(node.place, "a return needs `return`, its id, and `order`, the order's");
        }
        fields.end(problems);
        Some(NewReturn { return_id: return_id?, order_id: order_id? })
    }

    /// A buyer: a name, or a mapping of `name` and `publicId`.
    fn customer(&mut self, fields: &mut Fields<'_>) -> Option<Customer> {
        let node = fields.take("customer")?;
        if let Some(name) = node.words() {
            return Some(Customer { name: Some(name.to_owned()), public_id: None });
        }
        let mut fields = Fields::of(node, &mut self.problems)?;
        let name = fields.text("name", &mut self.problems);
        let public_id = fields.text("publicId", &mut self.problems);
        fields.end(&mut self.problems);
        Some(Customer { name, public_id })
    }
}
