import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { answerOf, type Answer } from './client.js';

const hasCurl = (() => {
  try {
    execFileSync('curl', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

/** Does what a person does who pastes the line into a shell; reads the line itself where curl is not installed. */
export const runCurlLine = (line: string): Promise<Answer> => (hasCurl ? runInShell(line) : runHere(line));

async function runInShell(line: string): Promise<Answer> {
  const { stdout } = await promisify(execFile)('bash', ['-c', `${line} --silent`]);
  const [head = '', text = ''] = stdout.split('\r\n\r\n', 2);
  const [statusLine = '', ...fields] = head.split('\r\n');
  const headers = new Headers(
    fields.map((field): [string, string] => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1)]),
  );
  const status = Number(statusLine.split(' ')[1]);
  // A response may hold no body where the status forbids one; here none does.
  return answerOf(new Response(text, { status, headers }));
}

async function runHere(line: string): Promise<Answer> {
  const words = line.match(/(?:[^\s"]+|"[^"]*")+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
  const headers = new Headers();
  const form = new URLSearchParams();
  let method: string | undefined;
  let url = '';
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '-i') continue;
    if (!word.startsWith('-')) {
      url = word;
      continue;
    }
    const value = words[(at += 1)] ?? '';
    const separator = value.search(/[:=]/);
    if (word === '-X') method = value;
    else if (word === '-H') headers.set(value.slice(0, separator), value.slice(separator + 1));
    else if (word === '-u') headers.set('authorization', `Basic ${Buffer.from(value).toString('base64')}`);
    else if (word === '-d') form.set(value.slice(0, separator), value.slice(separator + 1));
    else throw new Error(`unknown option ${word} in ${line}`);
  }
  const posts = form.size > 0;
  return answerOf(await fetch(url, { method: method ?? (posts ? 'POST' : 'GET'), headers, ...(posts && { body: form }) }));
}
