//! Chromium in a sandbox: what a page has become once its scripts have run.
//!
//! The sandbox's network is its own, so a page that wants something from elsewhere does not get it.

use std::time::Duration;

use crate::packages::Package;
use crate::sandbox::Sandbox;
use crate::{Error, output};

/// A browser starts in a second or two; this is for a machine under load.
const LIMIT: Duration = Duration::from_secs(120);

/// Chromium, the libraries that `ldd` says it loads, and a font. What it depends on by name would bring GTK and more.
const PACKAGES: &str = "
    chromium chromium-common fontconfig-config fonts-dejavu-core libasound2 libasyncns0 libatk-bridge2.0-0
    libatk1.0-0 libatspi2.0-0 libavahi-client3 libavahi-common3 libblkid1 libbrotli1 libbsd0 libc6 libcairo2
    libcap2 libcom-err2 libcups2 libdatrie1 libdav1d6 libdbus-1-3 libdouble-conversion3 libdrm2 libexpat1
    libffi8 libflac12 libfontconfig1 libfreetype6 libfribidi0 libgbm1 libgcc-s1 libgcrypt20 libglib2.0-0
    libgmp10 libgnutls30 libgpg-error0 libgraphite2-3 libgssapi-krb5-2 libharfbuzz-subset0 libharfbuzz0b
    libhogweed6 libidn2-0 libjpeg62-turbo libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 liblcms2-2
    liblz4-1 liblzma5 libmd0 libminizip1 libmount1 libmp3lame0 libmpg123-0 libnettle8 libnspr4 libnss3 libogg0
    libopenh264-7 libopenjp2-7 libopus0 libp11-kit0 libpango-1.0-0 libpcre2-8-0 libpixman-1-0 libpng16-16
    libpulse0 libselinux1 libsndfile1 libsqlite3-0 libstdc++6 libsystemd0 libtasn1-6 libthai-data libthai0
    libudev1 libunistring2 libvorbis0a libvorbisenc2 libwayland-server0 libx11-6 libx11-xcb1 libxau6
    libxcb-dri3-0 libxcb-render0 libxcb-shm0 libxcb1 libxcomposite1 libxdamage1 libxdmcp6 libxext6 libxfixes3
    libxi6 libxkbcommon0 libxml2 libxnvctrl0 libxrandr2 libxrender1 libzstd1 xkb-data zlib1g";

/// Runs headless, without its own sandbox: it is in one, and as root it would refuse otherwise.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
    // Time in the page runs ahead until its timers are through, so that nothing is looked at too early.
    "--virtual-time-budget=5000",
];

/// The packages that a sandbox must have: a list for [`crate::Packages::tree`]. They are those of Debian's stable release.
pub fn packages() -> Vec<Package> {
    Package::natives("bookworm", PACKAGES)
}

/// The document at `url`, as HTML, after its scripts have run; `sandbox` has a tree of [`packages`].
pub fn document(sandbox: &Sandbox, url: &str) -> Result<String, Error> {
    // Not the script that Debian calls it by, which wants more of a desktop.
    let argv = [&["/usr/lib/chromium/chromium"], &FLAGS[..], &["--dump-dom", url]].concat();
    let result = sandbox.output(&argv, LIMIT)?;
    if result.status.success() {
        return Ok(String::from_utf8_lossy(&result.stdout).into_owned());
    }
    let printed = output::tail(&output::text(&result.stdout, &result.stderr), 20);
    Err(Error::Failed { command: argv.join(" "), status: result.status, printed })
}
