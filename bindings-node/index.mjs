import tokenwell from './index.js';

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
