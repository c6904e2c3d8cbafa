'use strict';

// The addon that was built for this platform: `npm run build` puts it beside package.json.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const abis = { linux: ['-gnu', '-musl'], win32: ['-msvc'], darwin: [''] }[process.platform] ?? [''];
const names = abis.map((abi) => `tokenwell.${process.platform}-${process.arch}${abi}.node`);
const found = names.map((name) => join(__dirname, '..', name)).find((path) => existsSync(path));

if (found === undefined) {
  const advice = 'a bundler must leave tokenwell external; in its sources `npm run build` makes it (needs cargo)';
  throw new Error(`tokenwell: no ${names.join(' or ')} in the package: ${advice}`);
}

process.dlopen(module, found);
