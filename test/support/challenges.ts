export interface Challenge {
  scheme: string;
  params: Map<string, string>;
  token68?: string;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?= *(?:,|$))/y;
const QUOTED_STRING = /"((?:[\t \x21\x23-\x5B\x5D-\x7E\x80-\xFF]|\\[\t \x21-\x7E\x80-\xFF])*)"/y;
const SPACES = / +/y;
const SEPARATOR = /[ \t]*,[ \t]*/y;

/**
 * Reads the field lines of `WWW-Authenticate` by RFC 9110 §11.6.1, as a strict sender must write them:
 * no empty list element, no whitespace around `=`, no parameter twice. Throws on anything else.
 */
export function parseChallenges(fieldLines: readonly string[]): Challenge[] {
  return fieldLines.flatMap(parseLine);
}

function parseLine(line: string): Challenge[] {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (!match) return undefined;
    at = pattern.lastIndex;
    return match;
  };
  const fail = (what: string): never => {
    throw new Error(`${what} at ${at} of ${JSON.stringify(line)}`);
  };
  const param = (into: Map<string, string>, name: string): void => {
    const key = name.toLowerCase();
    if (into.has(key)) fail(`auth-param ${key} twice`);
    at += 1;
    const quoted = take(QUOTED_STRING)?.[1]?.replace(/\\(.)/gs, '$1');
    into.set(key, quoted ?? take(TOKEN)?.[0] ?? fail('no auth-param value'));
  };

  const challenges: Challenge[] = [];
  let current: Challenge | undefined;
  for (;;) {
    const word = take(TOKEN)?.[0] ?? fail('no token (empty list element?)');
    if (line[at] === '=' && current && current.token68 === undefined) {
      param(current.params, word);
    } else {
      current = { scheme: word, params: new Map() };
      challenges.push(current);
      if (take(SPACES)) readFirst(current);
    }
    if (at === line.length) return challenges;
    if (!take(SEPARATOR)) fail('no comma');
  }

  function readFirst(challenge: Challenge): void {
    const token68 = take(TOKEN68)?.[0];
    if (token68 !== undefined) {
      challenge.token68 = token68;
      return;
    }
    const name = take(TOKEN)?.[0] ?? fail('scheme and spaces, then nothing');
    if (line[at] !== '=') fail('no = after the name of an auth-param');
    param(challenge.params, name);
  }
}
