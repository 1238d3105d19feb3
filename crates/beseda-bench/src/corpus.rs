//! Generated Russian texts with realistic frequencies and inflections of words.

use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng};

/// Function words, most frequent first.
const COMMON: &str = "и в не на я что с у а вы по для это мне за как так мы но к вас из он все бы если уже есть или когда от до только \
    можно еще добрый день здравствуйте пожалуйста спасибо хорошо нет да очень будет был было ваш мой нам вам его";

/// Nouns of conversations with a shop, with their inflections.
const NOUNS: &str = "заказ возврат чек адрес магазин размер цвет рубл курьер склад номер телефон документ магнит экран провод насос \
    чехол термос фонар рюкзак карман шнур блок ремонт договор сертификат паспорт упаковочн";
const FEMININE: &str = "посылк доставк оплат коробк покупк скидк гаранти отправк кнопк этикетк инструкци наклейк батарейк упаковк \
    компенсаци претензи квитанци фотографи переписк поломк царапин трещин замен провер ручк куртк";
const ADJECTIVES: &str = "нов красн бел чёрн бракованн целый повреждённ нужн друг полн быстр платн бесплатн электронн правильн";

const SYLLABLES: &[&str] = &[
    "ба", "бо", "бри", "ва", "вер", "ви", "го", "гра", "да", "дел", "до", "жа", "за", "зи", "зна",
    "ка", "кли", "ко", "кор", "ла", "лен", "ли", "лю", "ма", "мер", "ми", "на", "нос", "ну", "па",
    "пере", "пла", "по", "при", "про", "ра", "рез", "ро", "са", "све", "ска", "сто", "та", "тек",
    "ти", "то", "тра", "ту", "фа", "фо", "хо", "це", "ча", "чи", "ша", "шту", "ще", "юр", "яр",
];

const MASCULINE_ENDINGS: &[&str] = &["", "а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах"];
const FEMININE_ENDINGS: &[&str] = &["а", "и", "е", "у", "ой", "ам", "ами", "ах"];
const ADJECTIVE_ENDINGS: &[&str] =
    &["ый", "ая", "ое", "ые", "ого", "ой", "ому", "ым", "ую", "ых", "ыми"];
const VERB_ENDINGS: &[&str] =
    &["ать", "аю", "аешь", "ает", "аем", "аете", "ают", "ал", "ала", "али", "айте"];

/// Emoji at the end of texts, most frequent first.
const EMOJI: &[&str] = &["👍", "🙏", "❤️", "😊", "😂", "👌", "🔥", "😡", "🎁", "👍🏽", "🤝", "🐢"];

/// Vocabulary with word frequencies.
pub struct Corpus {
    random: SmallRng,
    /// Inflected forms of each word, most frequent word first.
    vocabulary: Vec<Vec<String>>,
    /// Cumulative shares of the words.
    shares: Vec<f64>,
}

impl Corpus {
    /// Creates a vocabulary of this number of words with about ten forms each. The same seed
    /// generates the same texts.
    #[must_use]
    pub fn new(words: usize, seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut vocabulary: Vec<Vec<String>> =
            COMMON.split_whitespace().map(|word| vec![word.to_owned()]).collect();
        for (stems, endings) in [
            (NOUNS, MASCULINE_ENDINGS),
            (FEMININE, FEMININE_ENDINGS),
            (ADJECTIVES, ADJECTIVE_ENDINGS),
        ] {
            vocabulary.extend(stems.split_whitespace().map(|stem| forms(stem, endings)));
        }
        while vocabulary.len() < words {
            let endings = [MASCULINE_ENDINGS, FEMININE_ENDINGS, ADJECTIVE_ENDINGS, VERB_ENDINGS];
            let stem: String =
                (0..random.random_range(2..=4)).map(|_| pick(&mut random, SYLLABLES)).collect();
            vocabulary.push(forms(&stem, endings[random.random_range(0..endings.len())]));
        }
        let mut sum = 0.0;
        let shares = (0..vocabulary.len())
            .map(|rank| {
                let rank = u32::try_from(rank).map_or(f64::MAX, f64::from);
                sum += 1.0 / (rank + 2.7);
                sum
            })
            .collect();
        Self { random, vocabulary, shares }
    }

    /// Returns a random form of a random word.
    pub fn word(&mut self) -> &str {
        let all = self.shares.last().copied().unwrap_or(0.0);
        let share = self.random.random_range(0.0..all);
        let rank = self.shares.partition_point(|&sum| sum < share).min(self.shares.len() - 1);
        self.form(rank)
    }

    /// Returns a random form of the word with this rank; 0 is the most frequent one.
    pub fn form(&mut self, rank: usize) -> &str {
        let forms = &self.vocabulary[rank.min(self.vocabulary.len() - 1)];
        &forms[self.random.random_range(0..forms.len())]
    }

    /// Returns the number of words, not counting forms.
    #[must_use]
    pub fn words(&self) -> usize {
        self.vocabulary.len()
    }

    /// Returns a random number below this one.
    pub fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// Returns one of 5,000 mobile phone numbers in a random notation.
    pub fn phone(&mut self) -> String {
        let number = self.random.random_range(0..5_000) * 199_933_u32;
        let part = |after: u32, count: u32| number / after % count;
        let (code, first) = (900 + part(10_000_000, 100), part(10_000, 1_000));
        let (second, third) = (part(100, 100), part(1, 100));
        match self.random.random_range(0..10) {
            0..3 => format!("+7 ({code}) {first:03}-{second:02}-{third:02}"),
            3..6 => format!("8{code}{first:03}{second:02}{third:02}"),
            6..8 => format!("8 {code} {first:03}-{second:02}-{third:02}"),
            _ => format!("{code}{first:03}{second:02}{third:02}"),
        }
    }

    /// Returns a random emoji.
    pub fn emoji(&mut self) -> &'static str {
        let most = self.random.random_range(1..=EMOJI.len());
        EMOJI[self.random.random_range(0..most)]
    }

    /// Generates a message: mostly one or two sentences, sometimes a long text, occasionally with a
    /// number or an emoji.
    pub fn text(&mut self) -> String {
        let length = match self.random.random_range(0..100) {
            0..30 => self.random.random_range(1..6),
            30..95 => self.random.random_range(6..22),
            _ => self.random.random_range(30..120),
        };
        let mut text = String::new();
        for place in 0..length {
            if place > 0 {
                text.push_str(if self.random.random_range(0..9) == 0 { ", " } else { " " });
            }
            if self.random.random_range(0..60) == 0 {
                text.push_str(&self.random.random_range(10_000..999_999_999).to_string());
            } else {
                let word = self.word().to_owned();
                text.push_str(&word);
            }
        }
        match self.random.random_range(0..100) {
            0..33 => text.push('?'),
            33..88 => text.push('.'),
            88..90 => text.push_str("..."),
            90..98 => text.extend([" ", self.emoji()]),
            _ => text = format!("{text}, {}", self.phone()),
        }
        text
    }
}

fn forms(stem: &str, endings: &[&str]) -> Vec<String> {
    endings.iter().map(|ending| format!("{stem}{ending}")).collect()
}

fn pick<'a>(random: &mut impl Rng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}
