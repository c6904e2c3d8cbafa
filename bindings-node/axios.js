'use strict';

const { refusesToken, tokenOf, canResend } = require('./lib/resource.js');

const asIs = [(data) => data];

/**
 * Sends by the instance's own means, without its interceptors and transforms: those have run already. What comes back
 * refers to the caller's `config`, which does not have the token.
 */
async function sendAsIs(bare, config, authorized) {
  try {
    const settings = { ...config, ...authorized, auth: null, transformRequest: asIs, transformResponse: asIs };
    const response = await bare.request(settings);
    return { response: Object.assign(response, { config }) };
  } catch (error) {
    if (error.config) error.config = config;
    if (error.response) error.response.config = config;
    return { response: error.response, error };
  }
}

/** An adapter that sends with a token, and once more if the token was refused. */
function authorizedAdapter(client, bare, adapter) {
  return async (config) => {
    let left = false;
    let authorization;

    // Of axios and follow-redirects, some versions hand the header to a subdomain or from http to https.
    const beforeRedirect = (options, answer, request) => {
      left ||= new URL(options.href).origin !== new URL(bare.getUri(config)).origin;
      for (const name of Object.keys(options.headers)) {
        if (name.toLowerCase() === 'authorization') delete options.headers[name];
      }
      if (!left) options.headers.Authorization = authorization;
      config.beforeRedirect?.(options, answer, request);
    };

    const send = async () => {
      authorization = await client.authorization();
      const headers = config.headers.concat({ Authorization: authorization });
      return sendAsIs(bare, config, { adapter, headers, beforeRedirect });
    };

    let outcome = await send();
    const { response } = outcome;
    if (response && !left && refusesToken(response.status, response.headers['www-authenticate'])) {
      client.invalidate(tokenOf(authorization));
      if (canResend(config.data)) {
        response.data?.destroy?.();
        outcome = await send();
      }
    }
    if (outcome.error) throw outcome.error;
    return outcome.response;
  };
}

function attach(instance, client) {
  const bare = instance.create();
  instance.interceptors.request.use((config) => {
    config.adapter = authorizedAdapter(client, bare, config.adapter);
    return config;
  });
  return instance;
}

module.exports = { attach };
