// Writes .env.example and the tables of docs/settings.md from src/options; with --check, fails where they differ.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';

const require = createRequire(import.meta.url);
require('../test/support/typescript.cjs');
const { ALL_SETTINGS } = require('../src/options/settings.ts');
const { settingsOf } = require('../src/options/setting.ts');

const ENVIRONMENT = '.env.example';
const PAGE = 'docs/settings.md';
const [BEGIN, END] = ['<!-- settings:begin -->', '<!-- settings:end -->'];
const LINE_WIDTH = 118;

const comments = readComments('src/options');
const settings = ALL_SETTINGS.flatMap(settingsOfGroup);
const variables = new Map(settings.flatMap(({ path, variable }) => (variable ? [[path, variable]] : [])));
// The fields of a server in JSON have no variables.
for (const { path = '' } of settings)
  if (path.startsWith('backends[].')) variables.delete(path.slice('backends[].'.length));

const results = [
  [ENVIRONMENT, environmentFile()],
  [PAGE, await pageWith(tables())],
];
for (const [file, text] of results) {
  if (read(file) === text) continue;
  if (process.argv.includes('--check')) {
    console.error(`${file} differs from src/options: npm run settings`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`${file} written`);
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return `# Settings\n\n${BEGIN}\n${END}\n`;
  }
}

/** The JSDoc comments of all classes: `Class.property` to its text and its `@defaultValue`. */
function readComments(folder) {
  const found = new Map();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.options.ts'))) {
    const text = readFileSync(`${folder}/${name}`, 'utf8');
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
    for (const owner of source.statements.filter(ts.isClassDeclaration)) {
      for (const member of owner.members.filter(ts.isPropertyDeclaration)) {
        const [comment] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
        const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'defaultValue');
        found.set(`${owner.name.text}.${member.name.getText(source)}`, {
          text: oneLine(ts.getTextOfJSDocComment(comment?.comment)),
          defaultValue: oneLine(ts.getTextOfJSDocComment(tag?.comment)),
        });
      }
    }
  }
  return found;
}

function settingsOfGroup({ section, settings: settingsClass, path }) {
  const defaults = new settingsClass();
  return settingsOf(settingsClass).map(({ option, variable, flag, factor = 1 }) => {
    const { text, defaultValue } = commentOf(settingsClass, option);
    if (!text) throw new Error(`${settingsClass.name}.${option} has no documentation`);
    const value = typeof defaults[option] === 'number' ? defaults[option] / factor : defaults[option];
    const isPlain = ['number', 'boolean', 'string'].includes(typeof value);
    return {
      section,
      variable,
      path: path === undefined ? undefined : [path, option].filter(Boolean).join('.'),
      text: flag ? `${text} Also the flag \`--${flag}\`.` : text,
      defaultValue,
      value: isPlain && !defaultValue ? String(value) : '',
    };
  });
}

/** An inherited property has its comment in the base class. */
function commentOf(settingsClass, option) {
  for (let owner = settingsClass; owner?.name; owner = Object.getPrototypeOf(owner)) {
    const comment = comments.get(`${owner.name}.${option}`);
    if (comment) return comment;
  }
  return {};
}

function environmentFile() {
  const lines = [
    '# Copy to .env and change what you need; every variable is optional. The environment wins over .env.',
  ];
  const written = new Set();
  let current;
  for (const { section, variable, text, defaultValue, value } of settings) {
    if (!variable || written.has(variable)) continue;
    written.add(variable);
    if (section !== current) lines.push('', `# --- ${section} ${'-'.repeat(LINE_WIDTH - section.length - 7)}`);
    current = section;
    const sentence = defaultValue ? `${text} Default: ${defaultValue}.` : text;
    lines.push('', ...wrapped(withVariables(sentence)), `${variable}=${value}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Options under the names of their variables, without Markdown. */
function withVariables(text) {
  return text.replace(/`([^`]+)`/g, (_all, name) => variables.get(name) ?? name);
}

function wrapped(text) {
  const lines = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || `${last} ${word}`.length > LINE_WIDTH) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function tables() {
  const sections = [...new Set(settings.map(({ section }) => section))];
  return sections.map((section) => `## ${section}\n\n${tableOf(section)}`).join('\n\n');
}

function tableOf(section) {
  const rows = new Map();
  for (const setting of settings.filter((each) => each.section === section)) {
    const row = rows.get(setting.variable ?? setting.path) ?? { ...setting, paths: [] };
    row.paths.push(...(setting.path === undefined ? [] : [`\`${setting.path}\``]));
    rows.set(setting.variable ?? setting.path, row);
  }
  const cells = [...rows.values()].map(({ variable, paths, value, defaultValue, text }) => {
    const byDefault = defaultValue || (value && `\`${value}\``);
    return [variable ? `\`${variable}\`` : '', paths.join(', '), byDefault || 'none', text.replaceAll('|', '\\|')];
  });
  return [['variable', 'option', 'default', ''], ['-', '-', '-', '-'], ...cells]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

async function pageWith(text) {
  const page = read(PAGE);
  const [before, rest] = page.split(BEGIN);
  const [, after] = rest.split(END);
  const markdown = `${before}${BEGIN}\n\n${text}\n\n${END}${after}`;
  return format(markdown, { ...(await resolveConfig(PAGE)), parser: 'markdown' });
}

function oneLine(text = '') {
  return text.replace(/\s+/g, ' ').trim();
}
