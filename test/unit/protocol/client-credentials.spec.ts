import { describe, expect, it } from 'vitest';
import { formatBasicCredentials } from '../../../libs/introspection/src/protocol/client-credentials.js';

function decode(field: string): string {
  expect(field).toMatch(/^Basic [A-Za-z0-9+/]+=*$/);
  return Buffer.from(field.slice('Basic '.length), 'base64').toString('utf8');
}

describe('formatBasicCredentials', () => {
  it('CAUTH-01 encodes id and secret each as a form does', () => {
    expect(decode(formatBasicCredentials('a:b', 'p%+ é'))).toBe('a%3Ab:p%25%2B+%C3%A9');
    expect(decode(formatBasicCredentials('a=b&c', 'x=y&z'))).toBe('a%3Db%26c:x%3Dy%26z');
    expect(decode(formatBasicCredentials('rs1', ''))).toBe('rs1:');
  });

  it('X-10 leaves the encoding out for servers that do not decode', () => {
    expect(decode(formatBasicCredentials('rs1', 'p%+ é:x', true))).toBe('rs1:p%+ é:x');
  });
});
