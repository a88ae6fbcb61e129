import { describe, expect, it } from 'vitest';
import type { Compatibility } from '../../../libs/introspection/src/protocol/compatibility.js';
import {
  INACTIVE,
  parseIntrospectionResponse,
  readIntrospectionResponse,
} from '../../../libs/introspection/src/protocol/introspection-response.js';

const STRICT: Compatibility = {
  rawBasicEncoding: false,
  scopeArrays: false,
  scopeSeparator: ' ',
  zeroExpNeverExpires: false,
  numericStrings: false,
  anyContentType: false,
  omitTokenTypeHint: false,
};
const parse = (body: string | Buffer, compatibility = STRICT) => parseIntrospectionResponse(Buffer.from(body), compatibility);
const malformed = { malformed: expect.stringMatching(/\S/) as unknown };

describe('parseIntrospectionResponse', () => {
  it.each(['', '[]', 'null', '"x"', 'true', '<html>', '{"active":true}x', Buffer.from([0x7b, 0xff, 0x7d])])(
    'IRESP-01 takes %j for no answer',
    (body) => {
      expect(parse(body)).toEqual(malformed);
    },
  );

  it.each(['{}', '{"active":"true"}', '{"active":1}', '{"active":null}', '{"Active":true}', '{"__proto__":{"active":true}}'])(
    'IRESP-02 does not take %s for active',
    (body) => {
      expect(parse(body)).toEqual(malformed);
    },
  );

  it('tells apart what is wrong with an answer', () => {
    const texts = ['', '{"active":false,"active":true}', '{}', '{"active":true,"exp":"x"}', '{"active":true,"sub":5}'].map(
      (body) => JSON.stringify(parse(body)),
    );
    expect(new Set(texts).size).toBe(texts.length);
    expect(parse('{"active":true,"exp":"x"}')).toEqual({ malformed: expect.stringContaining('exp') as unknown });
  });

  it.each(['{"active":false,"active":true}', '{"active":true,"a":{"b":1,"b":2}}'])(
    'refuses %s, which names a member twice',
    (body) => {
      expect(parse(body)).toEqual(malformed);
    },
  );

  it('IRESP-03 keeps nothing of an inactive answer', () => {
    expect(parse('{"active":false,"sub":"u1","scope":"read","exp":"wrong"}')).toEqual({ active: false });
    expect(INACTIVE).toEqual({ active: false });
    expect(Object.isFrozen(INACTIVE)).toBe(true);
  });

  it('IRESP-12 carries every member of an active answer, frozen through and through', () => {
    const sent = { active: true, sub: 'u1', exp: 5.5, extension_field: 'twenty-seven', nested: { list: [1] } };
    const answer = parse(JSON.stringify(sent)) as Record<string, unknown>;
    expect(answer).toEqual(sent);
    expect(Object.isFrozen(answer)).toBe(true);
    expect(Object.isFrozen((answer['nested'] as { list: unknown }).list)).toBe(true);
  });

  it.each([{ exp: '1999999999' }, { nbf: '1' }, { iat: {} }, { sub: 5 }, { client_id: ['c1'] }, { token_type: 5 }])(
    'IRESP-06 takes %j for the fault of the server',
    (members) => {
      expect(parse(JSON.stringify({ active: true, ...members }))).toEqual(malformed);
    },
  );

  it('leaves the types of aud, iss and cnf to those who judge the token', () => {
    expect(parse('{"active":true,"aud":5,"iss":5,"cnf":5,"jti":5}')).toMatchObject({ active: true });
  });

  it('counts members that are null as absent', () => {
    expect(parse('{"active":true,"exp":null,"sub":null,"client_id":null}')).toMatchObject({ active: true });
  });

  it('IRESP-06 allows numbers in texts where the operator does', () => {
    const body = '{"active":true,"exp":"1999999999","sub":5}';
    expect(parse(body, { ...STRICT, numericStrings: true })).toMatchObject({ active: true });
    expect(parse('{"active":true,"exp":"soon"}', { ...STRICT, numericStrings: true })).toEqual(malformed);
  });
});

describe('readIntrospectionResponse', () => {
  it('judges an object that was parsed elsewhere in the same way', () => {
    expect(readIntrospectionResponse({ active: true, sub: 'u1' }, STRICT)).toEqual({ active: true, sub: 'u1' });
    expect(readIntrospectionResponse({ active: false, sub: 'u1' }, STRICT)).toEqual({ active: false });
    expect(readIntrospectionResponse(Object.create({ active: true }), STRICT)).toEqual(malformed);
  });
});
