#!/usr/bin/env node
// Every row of the conformance catalogue that is in scope has a test that names it, or says what it waits for.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';

const TITLED = new Set(['it', 'test', 'row', 'scenario']);

const { values } = parseArgs({ options: { root: { type: 'string' }, json: { type: 'boolean', default: false } } });
const root = resolve(values.root ?? fileURLToPath(new URL('..', import.meta.url)));
const catalogue = join(root, 'test', 'conformance');

const rows = JSON.parse(readFileSync(join(catalogue, 'rows.json'), 'utf8'));
const ids = new Set(rows.map(({ id }) => id));
const tables = readTables(readFileSync(join(catalogue, 'pending.md'), 'utf8'));
const pending = tables[0] ?? [];
const partly = tables[1] ?? [];
const named = countTitles();
const waiting = new Set(pending.map(({ row }) => row));
const missing = rows.filter(({ id }) => !named[id] && !waiting.has(id));

if (values.json) console.log(JSON.stringify({ rows, named, pending, partly, missing }));
else report();
process.exitCode = missing.length > 0 ? 1 : 0;

function report() {
  const tested = rows.filter(({ id }) => named[id]).length;
  console.log(`${rows.length} rows in scope: ${tested} named by a test, ${waiting.size} pending, ${missing.length} missing.`);
  for (const { id, demands } of missing) console.log(`  ${id}  ${demands}`);
  if (missing.length > 0) console.log('Name each in the title of a test, or in test/conformance/pending.md with its reason.');
}

/** The tables of the page, in order; each line is `row | waiting for | why`. */
function readTables(markdown) {
  const found = [];
  let inTable = false;
  for (const line of markdown.split('\n')) {
    const cells = /^\|(.*)\|\s*$/
      .exec(line)?.[1]
      ?.split('|')
      .map((cell) => cell.trim());
    if (!cells) {
      inTable = false;
    } else if (!inTable) {
      inTable = true;
      found.push([]);
    } else if (!/^:?-+:?$/.test(cells[0] ?? '')) {
      const [row = '', issue = '', why = ''] = cells;
      found.at(-1).push({ row, issue, why });
    }
  }
  return found;
}

function countTitles() {
  const counts = {};
  for (const file of specFiles(join(root, 'test'))) {
    const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
    visit(source, (title) => {
      for (const word of new Set(title.match(/\b[A-Z]+-\d+\b/g))) if (ids.has(word)) counts[word] = (counts[word] ?? 0) + 1;
    });
  }
  return counts;
}

function specFiles(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** A title is what a test is called with, or, in a table of tests, a text that begins with a row. */
function visit(node, found) {
  if (isSkipped(node)) return;
  const text = literalText(node);
  if (text !== undefined && (isTitle(node) || ids.has(/^[A-Z]+-\d+(?=\s|$)/.exec(text)?.[0]))) found(text);
  ts.forEachChild(node, (child) => visit(child, found));
}

function literalText(node) {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node)) return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join(' ');
  return undefined;
}

function isTitle(node) {
  return ts.isCallExpression(node.parent) && node.parent.arguments[0] === node && TITLED.has(rootName(node.parent.expression));
}

/** `it` of `it`, `it.each(table)` and `it.concurrent`. */
function rootName(expression) {
  if (ts.isIdentifier(expression)) return expression.text;
  if (ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression)) return rootName(expression.expression);
  return '';
}

/** A test that never runs names nothing. */
function isSkipped(node) {
  return ts.isCallExpression(node) && /\.(skip|todo)\b/.test(node.expression.getText());
}
