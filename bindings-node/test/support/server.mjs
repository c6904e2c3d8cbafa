// The development server for the tests of this folder.
import { existsSync } from 'node:fs';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AuthorizationServer } from 'tokenwell/testing';

const target = fileURLToPath(new URL('../../../target', import.meta.url));
const built = [`${process.env.CARGO_BUILD_TARGET ?? 'x86_64-unknown-linux-gnu'}/debug`, 'debug']
  .map((folder) => `${target}/${folder}/tokenwell-dev-server`)
  .find((path) => existsSync(path));
process.env.TOKENWELL_DEV_SERVER ??= built ?? '';

/** The server of one test file; ends after its tests. */
export async function startServer() {
  const server = await AuthorizationServer.start();
  after(() => server.close());
  return server;
}
