//! Texts of the buyers and of the arbiter.

/// Picture of one pixel, in PNG.
pub(crate) const PHOTO: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 13, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0, 0x1f, 0, 5, 0, 1, 0xff, 0x56, 0xc7, 0x2f, 0x0d, 0, 0,
    0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

pub(crate) const THANKS: &[&str] = &[
    "Спасибо большое, всё понятно!",
    "Благодарю за ответ, хорошего дня!",
    "Спасибо, вы очень помогли.",
];

pub(crate) const QUESTIONS: &[&str] = &[
    "А гарантия на него есть?",
    "Понятно. А можно поменять на другой цвет?",
    "А вы доставляете в выходные?",
    "Хорошо, а чек будет в коробке?",
    "А если не подойдёт, вернуть можно?",
];

pub(crate) const MORE: &[&str] = &[
    "И ещё: инструкция на русском?",
    "Забыла спросить: вес какой?",
    "И подскажите, пожалуйста, размеры коробки.",
];

pub(crate) const COMPLAINTS: &[&str] = &[
    "Это не ответ! Когда решите вопрос?",
    "Я уже третий день жду. Верните деньги!",
    "Меня это не устраивает. Товар испорчен, что будете делать?",
];

pub(crate) const REMINDERS: &[&str] =
    &["Почему не отвечаете?", "Вы вообще читаете сообщения?", "Жду ответа!"];

/// Last message of an angry buyer in a chat that has no order to dispute.
pub(crate) const FAREWELL: &str = "Понятно. Куплю в другом магазине.";

/// Message of the buyer in the chat after opening a dispute.
pub(crate) const DISPUTED: &str = "Я открыл спор, пусть разбирается Маркет.";

/// First message of a dispute. The arbiter in `persona.rs` acts in disputes that begin with it.
pub(crate) const DISPUTE: &str = "Магазин не решает мою проблему, прошу помочь.";

pub(crate) const QUESTION: &str = "Магазин, расскажите, пожалуйста, что случилось с заказом.";

pub(crate) const VERDICT: &str = "Спасибо, мы всё изучили. Решение принято, спор закрываем.";
