'use strict';

const { ConfigError } = require('./errors.js');

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const rename = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [change(name), value]));

const invalid = (message) => new ConfigError(message, { code: 'option_invalid' });

// JSON would drop these, or make something else of them.
function plain(name, value) {
  const kind = typeof value;
  const isPlain = kind === 'number' ? Number.isFinite(value) : !['function', 'symbol', 'bigint'].includes(kind);
  if (isPlain) return value;
  throw invalid(`${name ? `\`${name}\`` : 'the options'} must not be ${kind === 'number' ? value : `a ${kind}`}`);
}

/**
 * The options as JSON in the names of the one schema. Only the names at the top are options: those in a map are the
 * caller's own. What is undefined is not given.
 */
function optionsJson(options) {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  try {
    return JSON.stringify(isObject ? rename(options, snake) : options ?? null, plain);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw invalid('the options must be plain data: strings, numbers, booleans, lists and maps');
  }
}

/** The names at the top of an object, as JavaScript writes them. */
const camelKeys = (object) => rename(object, camel);

module.exports = { optionsJson, camelKeys };
