//! Sandboxes on the real kernel.

mod support;

use qus_testbed::sandbox::Options;
use qus_testbed::{Packages, Sandbox};

#[test]
fn a_sandbox_has_its_own_everything_and_leaves_nothing() {
    if !support::ready("a_sandbox_has_its_own_everything_and_leaves_nothing") {
        return;
    }
    let source = support::Curl::new();
    let packages = Packages::new(&support::cache(), &source).unwrap();
    let sandbox = Sandbox::start(&packages, &Options::default()).unwrap();
    println!(
        "{}",
        sandbox.run(&["sh", "-c", "id; mount; ps; cat /proc/self/cgroup; hostname; ip a"]).unwrap()
    );
}
