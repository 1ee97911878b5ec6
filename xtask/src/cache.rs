//! `cargo xtask cache`: what is in the cache, is it whole, and does it stay within its limit?

use builder::cache;

use crate::cli::{CacheAction, CacheArgs};
use crate::context;
use ui::Ui;

pub(crate) fn run(args: &CacheArgs, ui: &Ui) -> anyhow::Result<()> {
    let dir = context::cache_dir(args.cache_dir.as_deref())?;
    let limit = |flag| anyhow::Ok(context::cache_limit(flag)?.unwrap_or_default());
    let text = match args.action {
        None => cache::list(&dir, limit(None)?, args.json)?,
        Some(CacheAction::Prune { cache_size }) => cache::prune(&dir, limit(cache_size)?, args.json)?,
        Some(CacheAction::Verify) => cache::verify(&dir, args.json, ui)?,
    };
    Ok(ui::print(&text)?)
}
