//! Makes `data/forms.fst` and `data/rules.txt` anew from the files of a Hunspell dictionary; see `data/README.md`.

use std::{fs, path::Path};

use beseda_archive::dictionary::make::make;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(affixes), Some(words)) = (args.next(), args.next()) else {
        return Err("give the .aff file and the .dic file".into());
    };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let families = fs::read_to_string(data.join("families.txt"))?;
    let made = make(&fs::read_to_string(affixes)?, &fs::read_to_string(words)?, &families)?;
    fs::write(data.join("forms.fst"), &made.forms)?;
    fs::write(data.join("rules.txt"), &made.rules)?;
    println!("{} bytes of forms, {} rules", made.forms.len(), made.rules.lines().count());
    Ok(())
}
