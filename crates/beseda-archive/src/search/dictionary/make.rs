//! Generator of the table of word forms from the files of a Hunspell dictionary. Run by
//! `examples/make_dictionary.rs` to update the dictionary or the list of word families.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write,
};

use crate::search::stems::Stems;

/// Generated files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordForms {
    /// Forms that need a token besides their stem, mapped to a line number of `rules`: a transducer
    /// of the crate `fst`.
    pub forms: Vec<u8>,
    /// Rules for the tokens: `characters to cut:replacement`, several separated by blanks.
    pub rules: String,
}

type Forms = BTreeSet<String>;

/// Generates the table from a dictionary's affix file and word list (UTF-8) and a list of word
/// families (one per line, words separated by blanks, `#` for comments).
///
/// # Errors
///
/// If an affix rule is invalid.
pub fn make(affixes: &str, words: &str, families: &str) -> Result<WordForms, String> {
    let stems = Stems::new();
    let entries = entries(&rules_by_flag(affixes)?, words);
    let groups = grouped(&entries, families);
    let mut uses: HashMap<String, usize> = HashMap::new();
    for form in groups.iter().flatten().collect::<BTreeSet<_>>() {
        *uses.entry(stems.of(form).into_owned()).or_default() += 1;
    }
    let mut tokens: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for forms in &groups {
        let Some(shared) = shared(&stems, forms, &uses) else { continue };
        for form in forms.iter().filter(|form| stems.of(form) != shared) {
            tokens.entry(form).or_default().insert(shared.clone());
        }
    }
    written(&tokens).map_err(|error| error.to_string())
}

/// Returns the stem by which all forms are found: the one shared by the fewest other words, then
/// the most frequent. `None` if there is only one.
fn shared(stems: &Stems, forms: &Forms, uses: &HashMap<String, usize>) -> Option<String> {
    let mut own: BTreeMap<String, usize> = BTreeMap::new();
    for form in forms {
        *own.entry(stems.of(form).into_owned()).or_default() += 1;
    }
    if own.len() < 2 {
        return None;
    }
    let cost = |(stem, own): &(String, usize)| {
        (uses.get(stem).copied().unwrap_or(0) - own, usize::MAX - own, stem.clone())
    };
    own.into_iter().min_by_key(cost).map(|(stem, _)| stem)
}

fn written(tokens: &BTreeMap<&str, BTreeSet<String>>) -> Result<WordForms, fst::Error> {
    let mut known: HashMap<String, u64> = HashMap::new();
    let mut rules = String::new();
    let mut forms = fst::MapBuilder::memory();
    for (form, tokens) in tokens {
        let line = tokens.iter().map(|token| rule(form, token)).collect::<Vec<_>>().join(" ");
        let next = known.len() as u64;
        let number = *known.entry(line.clone()).or_insert(next);
        if number == next {
            // Writing to a String can't fail.
            writeln!(rules, "{line}").ok();
        }
        forms.insert(form, number)?;
    }
    Ok(WordForms { forms: forms.into_inner()?, rules })
}

fn rule(form: &str, token: &str) -> String {
    let same = form.chars().zip(token.chars()).take_while(|(one, other)| one == other).count();
    let ending: String = token.chars().skip(same).collect();
    format!("{}:{ending}", form.chars().count() - same)
}

/// Returns the words of the dictionary with their folded forms, without names and abbreviations.
fn entries(rules: &HashMap<char, Vec<Affix<'_>>>, words: &str) -> BTreeMap<String, Vec<Forms>> {
    let mut entries: BTreeMap<String, Vec<Forms>> = BTreeMap::new();
    for line in words.lines().skip(1) {
        let (word, flags) = line.trim().split_once('/').unwrap_or((line.trim(), ""));
        if word.is_empty() || !word.chars().all(|c| matches!(c, 'а'..='я' | 'ё')) {
            continue;
        }
        let affixes = flags.chars().filter_map(|flag| rules.get(&flag)).flatten();
        let mut forms: Forms = affixes.filter_map(|affix| affix.apply(word)).collect();
        forms.insert(folded(word));
        entries.entry(folded(word)).or_default().push(forms);
    }
    entries
}

/// Merges the forms of each family with those of the other words.
fn grouped(entries: &BTreeMap<String, Vec<Forms>>, families: &str) -> Vec<Forms> {
    let mut taken = BTreeSet::new();
    let mut groups = Vec::new();
    for family in families.lines().filter(|line| !line.starts_with('#')) {
        let mut forms = Forms::new();
        for word in family.split_whitespace().map(folded) {
            let reflexive = format!("{word}ся");
            for word in [&word, &reflexive] {
                forms.extend(entries.get(word).into_iter().flatten().flatten().cloned());
            }
            forms.insert(word.clone());
            taken.extend([word, reflexive]);
        }
        groups.push(forms);
    }
    let free = entries.iter().filter(|(word, _)| !taken.contains(*word));
    groups.extend(free.flat_map(|(_, forms)| forms.iter().cloned()));
    groups
}

/// Suffix rule of an affix file.
struct Affix<'a> {
    strip: &'a str,
    add: &'a str,
    condition: Vec<Letter>,
}

/// Condition on one letter: any of these, or any but these.
struct Letter {
    among: bool,
    letters: String,
}

impl Affix<'_> {
    fn apply(&self, word: &str) -> Option<String> {
        let rest = word.strip_suffix(self.strip)?;
        let mut letters = word.chars().rev();
        let holds = self.condition.iter().rev().all(|wanted| {
            letters.next().is_some_and(|letter| wanted.letters.contains(letter) == wanted.among)
        });
        holds.then(|| folded(&format!("{rest}{}", self.add)))
    }
}

fn rules_by_flag(affixes: &str) -> Result<HashMap<char, Vec<Affix<'_>>>, String> {
    let mut rules: HashMap<char, Vec<Affix<'_>>> = HashMap::new();
    for line in affixes.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ["SFX", flag, strip, add, condition] = fields[..] else { continue };
        let flag = flag.chars().next().ok_or_else(|| format!("no flag: {line}"))?;
        let plain = |text| if text == "0" { "" } else { text };
        let condition = read_condition(condition).ok_or_else(|| format!("no condition: {line}"))?;
        rules.entry(flag).or_default().push(Affix {
            strip: plain(strip),
            add: plain(add),
            condition,
        });
    }
    Ok(rules)
}

fn read_condition(text: &str) -> Option<Vec<Letter>> {
    let mut letters = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(begun) = rest.strip_prefix('[') {
            let (inside, after) = begun.split_once(']')?;
            let among = !inside.starts_with('^');
            letters.push(Letter { among, letters: inside.trim_start_matches('^').to_owned() });
            rest = after;
        } else {
            // A dot matches any letter.
            let (among, one) =
                if first == '.' { (false, String::new()) } else { (true, first.into()) };
            letters.push(Letter { among, letters: one });
            rest = &rest[first.len_utf8()..];
        }
    }
    Some(letters)
}

fn folded(word: &str) -> String {
    word.replace('ё', "е")
}
