//! The schema of Kubernetes' API, as Debian has it beside the sources of `kubectl`.

use std::fs;

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Map, Value};
use testbed::{Package, Packages};
use yaml_rust2::Yaml;

const FILE: &str = "usr/share/gocode/src/k8s.io/kubectl/testdata/openapi/swagger.json";

/// The schema of one kind of object.
pub(crate) struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// That of `kind`, by its full name: `io.k8s.api.core.v1.Pod`.
    pub(crate) fn new(packages: &Packages, kind: &str) -> Schema {
        let tree =
            packages.tree("kubernetes", &[Package::native("trixie", "golang-k8s-kubectl-dev")]).unwrap();
        let mut document: Value = serde_json::from_slice(&fs::read(tree.path().join(FILE)).unwrap()).unwrap();
        // The server is as strict when it is asked to be, as `kubectl` does (fieldValidation).
        for definition in document["definitions"].as_object_mut().unwrap().values_mut() {
            if definition.get("properties").is_some() {
                definition["additionalProperties"] = false.into();
            }
        }
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        // OpenAPI 2 builds on this one.
        compiler.set_default_draft(Draft::V4);
        compiler.add_resource("kubernetes.json", document).unwrap();
        let kind = format!("kubernetes.json#/definitions/{kind}");
        let index = compiler.compile(&kind, &mut schemas).unwrap();
        Schema { schemas, index }
    }

    /// The problems of an object of this kind.
    pub(crate) fn check(&self, document: &Yaml) -> Result<(), String> {
        self.schemas.validate(&json(document), self.index).map_err(|error| error.to_string())
    }
}

/// True if a pod has what the profile `restricted` asks for (Kubernetes' Pod Security Standards).
pub(crate) fn is_restricted(pod: &Yaml) -> bool {
    let spec = &pod["spec"];
    let of_pod = &spec["securityContext"];
    let containers = ["initContainers", "containers"].map(|key| spec[key].as_vec().unwrap());
    let is_bound = |container: &Yaml| {
        let own = &container["securityContext"];
        let dropped: Vec<_> = own["capabilities"]["drop"].as_vec().into_iter().flatten().collect();
        own["allowPrivilegeEscalation"].as_bool() == Some(false)
            && dropped.iter().any(|name| name.as_str() == Some("ALL"))
            && own["capabilities"]["add"].is_badvalue()
            && own["privileged"].is_badvalue()
    };
    let has_host = ["hostNetwork", "hostPID", "hostIPC"].iter().any(|key| !spec[*key].is_badvalue());
    let is_harmless =
        |volume: &Yaml| !volume["emptyDir"].is_badvalue() && volume.as_hash().unwrap().len() == 2;
    of_pod["runAsNonRoot"].as_bool() == Some(true)
        && of_pod["runAsUser"].as_i64().is_some_and(|user| user != 0)
        && of_pod["seccompProfile"]["type"].as_str() == Some("RuntimeDefault")
        && containers.into_iter().flatten().all(is_bound)
        && spec["volumes"].as_vec().unwrap().iter().all(is_harmless)
        && !has_host
}

fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Integer(number) => (*number).into(),
        Yaml::Real(number) => number.parse::<f64>().unwrap().into(),
        Yaml::String(text) => text.as_str().into(),
        Yaml::Boolean(truth) => (*truth).into(),
        Yaml::Array(items) => items.iter().map(json).collect(),
        Yaml::Hash(map) => {
            let entry = |(key, value): (&Yaml, &Yaml)| (key.as_str().unwrap().to_owned(), json(value));
            map.iter().map(entry).collect::<Map<_, _>>().into()
        }
        Yaml::Null => Value::Null,
        Yaml::Alias(_) | Yaml::BadValue => panic!("{yaml:?}"),
    }
}
