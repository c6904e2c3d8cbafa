'use strict';

const { Visit, canResend } = require('./lib/resource.js');

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
    const visit = new Visit(client);
    const method = (config.method ?? 'get').toUpperCase();
    let left = false;
    let authorization;

    // Of axios and follow-redirects, some versions hand the header to a subdomain or from http to https.
    const beforeRedirect = (options, answer, request) => {
      left ||= new URL(options.href).origin !== new URL(bare.getUri(config)).origin;
      for (const name of Object.keys(options.headers)) {
        if (['authorization', 'dpop'].includes(name.toLowerCase())) delete options.headers[name];
      }
      if (!left) Object.assign(options.headers, visit.headers(authorization, options.method, options.href));
      config.beforeRedirect?.(options, answer, request);
    };

    const url = bare.getUri(config);
    authorization = await client.authorization();
    for (;;) {
      const { authorization: Authorization, dpop: DPoP } = visit.headers(authorization, method, url);
      const headers = config.headers.concat({ Authorization, DPoP });
      const { response, error } = await sendAsIs(bare, config, { adapter, headers, beforeRedirect });
      if (response && !left && visit.refused(url, response.status, response.headers) && canResend(config.data)) {
        authorization = await client.authorization();
        if (visit.helps(authorization)) {
          response.data?.destroy?.();
          continue;
        }
      }
      if (error) throw error;
      return response;
    }
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
