'use strict';

const { AccessToken } = require('./lib/token.js');
const { Client, getTokenByClientIdAndClientSecret } = require('./lib/client.js');
const {
  TokenwellError,
  ConfigError,
  SecretError,
  TransportError,
  ServerError,
  ResponseError,
  CacheError,
} = require('./lib/errors.js');

module.exports = {
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
};
