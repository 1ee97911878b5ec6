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
