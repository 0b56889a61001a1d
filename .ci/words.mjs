// Keeps the word list of docs/glossary.md out of comments, string literals and documentation: words.mjs [PATH...]
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** Words that hide the technical subject of a sentence, and spellings that the field does not use. */
const WORDS =
  /\b(who|whoever|nobody|somebody|tell|tells|told|telling|foretell\w*|hear|hears|heard|hearing|wish|wishes|wished|(?:is|are|was|were) given|can not|cancelation\w*)\b/gi;

/** The places where the list itself stands. */
const LISTS = new Set(['.ci/words.mjs', 'docs/glossary.md']);

const paths = process.argv.slice(2);
const tracked = execFileSync('git', ['ls-files', '--', ...(paths.length > 0 ? paths : ['.'])], { encoding: 'utf8' });
const files = tracked.split('\n').filter((path) => /\.(ts|mjs|cjs|js|md)$/.test(path) && !LISTS.has(path));

let hits = 0;
for (const path of files) {
  const text = readFileSync(path, 'utf8');
  for (const { start, part } of path.endsWith('.md') ? [{ start: 0, part: text }] : wordsOf(path, text)) {
    for (const { 0: word, index } of part.matchAll(WORDS)) {
      const line = text.slice(0, start + index).split('\n').length;
      console.log(`${path}:${line}: "${word}"`);
      hits += 1;
    }
  }
}
console.log(`${hits} hits in ${files.length} files`);
process.exitCode = hits > 0 ? 1 : 0;

/** Comments, string literals and the texts of templates. */
function wordsOf(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const parts = [];
  const seen = new Set();
  const addComments = (ranges) => {
    for (const { pos, end } of ranges ?? []) {
      if (seen.has(pos)) continue;
      seen.add(pos);
      parts.push({ start: pos, part: text.slice(pos, end) });
    }
  };
  const visit = (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      parts.push({ start: node.getStart(), part: text.slice(node.getStart(), node.getEnd()) });
    addComments(ts.getLeadingCommentRanges(text, node.getFullStart()));
    addComments(ts.getTrailingCommentRanges(text, node.getEnd()));
    for (const child of node.getChildren(source)) visit(child);
  };
  visit(source);
  return parts;
}
