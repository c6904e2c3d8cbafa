// Compiled, not run: the declarations as a CommonJS module sees them.
import tokenwell = require('tokenwell');
import testing = require('tokenwell/testing');

const client: tokenwell.Client = new tokenwell.Client({ tokenEndpoint: 'https://login.example/token', clientId: 'me' });
const failure: tokenwell.TokenwellError = new tokenwell.ConfigError('no', { code: 'option_missing' });
const server: Promise<testing.AuthorizationServer> = testing.AuthorizationServer.start();

export = { client, failure, server };
