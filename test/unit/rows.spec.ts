import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/rows.mjs', import.meta.url));
const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

interface Outcome {
  status: number | null;
  output: string;
}

/** Runs the check on a project that has these rows, specs and pending rows. */
function check(rows: string[], specs: Record<string, string>, pending: string[] = []): Outcome {
  const root = mkdtempSync(join(tmpdir(), 'rows-'));
  directories.push(root);
  const lines = pending.map((row) => `| ${row} | an issue | a reason |\n`).join('');
  const files = {
    'test/conformance/rows.json': JSON.stringify(rows.map((id) => ({ id, demands: `what ${id} demands` }))),
    'test/conformance/pending.md': `# Waiting\n\n| row | waiting for | why |\n| --- | --- | --- |\n${lines}`,
    ...specs,
  };
  for (const [name, text] of Object.entries(files)) {
    const file = join(root, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--root', root], { encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

describe('npm run rows', () => {
  it('passes when every row is named by a test, wherever its title stands, or is pending', () => {
    const specs = {
      'test/a.spec.ts': "it('ROW-01 does this', () => {});",
      'test/deep/er/b.spec.ts': "test.each([1])('does that: ROW-02', () => {});",
      'test/c.spec.ts': "row('ROW-03 ROW-04 both', run);",
      'test/d.spec.ts': 'it(`ROW-05 ${what}, ROW-06`, run);',
      'test/e.spec.ts': "const rows = [['ROW-07 a', 1], ['ROW-08 b', 2]];",
      'test/f.spec.ts': "it.concurrent('ROW-09', run);",
    };
    const rows = ['ROW-01', 'ROW-02', 'ROW-03', 'ROW-04', 'ROW-05', 'ROW-06', 'ROW-07', 'ROW-08', 'ROW-09', 'ROW-10'];
    const { status, output } = check(rows, specs, ['ROW-10']);
    expect(output).toContain('10 rows in scope: 9 named by a test, 1 pending, 0 missing.');
    expect(status).toBe(0);
  });

  it('fails and names the one row that no test names', () => {
    const { status, output } = check(['ROW-01', 'ROW-02'], { 'test/a.spec.ts': "it('ROW-01 does this', () => {});" });
    expect(output).toContain('ROW-02  what ROW-02 demands');
    expect(output).not.toContain('ROW-01  what');
    expect(status).toBe(1);
  });

  it('is not satisfied by what is no title, or by a test that never runs', () => {
    const specs = {
      'test/a.spec.ts': '// ROW-01',
      'test/b.spec.ts': "it('ROW-011 XROW-01 ROW-01a', run);",
      'test/c.spec.ts': "expect(x, 'see ROW-01');",
      'test/d.spec.ts': "it.skip('ROW-01', run);",
      'test/e.spec.ts': "describe.skip('x', () => { it('ROW-01', run); });",
      'test/f.spec.ts': "it.todo('ROW-01');",
      'test/g.ts': "it('ROW-01', run);",
    };
    const { status, output } = check(['ROW-01'], specs);
    expect(output).toContain('1 rows in scope: 0 named by a test, 0 pending, 1 missing.');
    expect(status).toBe(1);
  });
});
