//! A file of tags with their digests: what one run built or pushed, for others to compare with.

use super::Shipped;
use crate::cli::RegistryArgs;
use files::Draft;

/// What `--digest-file` asks for: one line for each tag, `sha256:… docker.io/aptman/qus:latest`. Begun before the push,
/// after which nothing should stand in its way.
#[derive(Default)]
pub(crate) struct Digests(Option<Draft>);

impl Digests {
    pub(crate) fn of(args: &RegistryArgs) -> anyhow::Result<Digests> {
        Ok(Digests(args.digest_file.as_deref().map(Draft::create).transpose()?))
    }

    pub(crate) fn write(self, shipped: &[Shipped]) -> anyhow::Result<()> {
        let Some(draft) = self.0 else { return Ok(()) };
        let line = |tag: &Shipped| format!("{} {}\n", tag.digest, tag.reference);
        Ok(draft.finish_with(shipped.iter().map(line).collect::<String>().as_bytes())?)
    }
}
