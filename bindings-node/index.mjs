// Through `require`: what `import` reads CommonJS with takes more time and memory than all of this package.
import { createRequire } from 'node:module';

const tokenwell = createRequire(import.meta.url)('./index.js');

export const {
  Client,
  AccessToken,
  getTokenByClientIdAndClientSecret,
  TokenwellError,
  ConfigError,
  SecretError,
  TransportError,
  ServerError,
  ResponseError,
  CacheError,
} = tokenwell;
export default tokenwell;
