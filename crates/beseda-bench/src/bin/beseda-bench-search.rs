//! temp
use std::time::Instant;
use beseda_archive::bulk::{self, Amount};
use beseda_bench::corpus::Corpus;
fn main() {
    let n: i64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let file = std::path::PathBuf::from(std::env::args().nth(2).unwrap());
    let mut c = Corpus::new(20_000, 1);
    let t = Instant::now();
    let mut bytes = 0;
    for _ in 0..10000 { bytes += c.text().len(); }
    println!("corpus {:?} per 10k, {} bytes avg", t.elapsed(), bytes/10000);
    let t = Instant::now();
    bulk::fill(&file, Amount { business: 1, chats: n / 500, messages_per_chat: 500 }, || c.text()).unwrap();
    println!("fill {n}: {:?}", t.elapsed());
}
