// Writes options.d.ts from the one schema: `npm run options`. With --check, only says whether it is as it should be.
import { readFileSync, writeFileSync } from 'node:fs';

const source = new URL('../../core/schema/config.schema.json', import.meta.url);
const target = new URL('../options.d.ts', import.meta.url);

// What the schema leaves to the rules of the core, or to a language.
const REQUIRED = ['client_id'];
const URLS = ['issuer', 'token_endpoint', 'proxy'];

const { properties, $defs } = JSON.parse(readFileSync(source, 'utf8'));
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** The text of a description, with the options under their names here. */
const words = (text) => text.replace(/`?\b\w+_\w+\b`?/g, (word) => {
  const name = word.replaceAll('`', '');
  return name in properties ? `\`${camel(name)}\`` : word;
});
const doc = (text, indent = '') => (text ? `${indent}/** ${words(text)} */\n` : '');

/** The TypeScript type of a schema. */
function typeOf(schema) {
  if (schema === true) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if ('const' in schema) return `'${schema.const}'`;
  const some = schema.anyOf ?? schema.oneOf ?? (Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : undefined);
  if (some) return some.filter(({ type }) => type !== 'null').map(typeOf).join(' | ');
  if (schema.type === 'array') return `readonly ${typeOf(schema.items)}[]`;
  if (schema.type !== 'object') return schema.type === 'integer' ? 'number' : schema.type;
  if (schema.properties) return `{ ${Object.entries(schema.properties).map(member(schema)).join('; ')} }`;
  return `Readonly<Record<string, ${typeOf(schema.additionalProperties)}>>`;
}

const member = ({ required = [] }) => ([name, value]) => `${name}${required.includes(name) ? '' : '?'}: ${typeOf(value)}`;

function option([name, schema]) {
  const type = URLS.includes(name) ? `${typeOf(schema)} | URL` : typeOf(schema);
  return `${doc(schema.description, '  ')}  ${camel(name)}${REQUIRED.includes(name) ? '' : '?'}: ${type};\n`;
}

const types = Object.entries($defs).map(([name, schema]) => `${doc(schema.description)}export type ${name} = ${typeOf(schema)};\n`);
const text = `// Generated from core/schema/config.schema.json by scripts/options.mjs.

/**
 * Options of a client; either \`issuer\` or \`tokenEndpoint\` is needed. Times are in seconds. An unknown option is a
 * \`ConfigError\` that names the nearest known one.
 */
export interface ClientOptions {
${Object.entries(properties).map(option).join('')}}

${types.join('\n')}`;

if (!process.argv.includes('--check')) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  console.error('options.d.ts is not what the schema says: `npm run options` writes it');
  process.exitCode = 1;
}
