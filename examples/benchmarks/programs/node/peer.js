// What the peers share: their version.
import { readFileSync } from 'node:fs'

/** Of a package that is installed for these programs. Read by hand, since not every package exports its package.json. */
export const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url))).version
