import { createSign, generateKeyPairSync, randomBytes, X509Certificate, type KeyObject } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** As a TLS server reports its peer's. */
  readonly fingerprint: string;
}

export interface CertificateAuthority {
  readonly cert: string;
  issue(names: CertificateNames): Certificate;
}

export interface CertificateNames {
  readonly commonName: string;
  readonly dns?: readonly string[];
  /** IPv4. */
  readonly addresses?: readonly string[];
  /** `YYMMDDhhmmssZ`. @default 2049 */
  readonly notAfter?: string;
}

const VALID = '491231235959Z';

/** An authority that only the tests trust; made anew for each run, so that no key lies in the repository. */
export function certificateAuthority(commonName = 'Test authority'): CertificateAuthority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = build({ commonName }, pair.publicKey, { commonName, privateKey: pair.privateKey }, [isAuthority()]);
  return {
    cert: own,
    issue: (names) => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const cert = build(names, publicKey, { commonName, privateKey: pair.privateKey }, alternativeNames(names));
      return described(cert, privateKey);
    },
  };
}

/** A certificate that vouches for itself, with a name for a subject and no alternative ones. */
export function selfIssued(names: CertificateNames): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { commonName } = names;
  return described(build(names, publicKey, { commonName, privateKey }, alternativeNames(names)), privateKey);
}

function described(cert: string, privateKey: KeyObject): Certificate {
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { cert, key, fingerprint: new X509Certificate(cert).fingerprint256 };
}

/** X.509 version 3. @see RFC 5280 §4.1 */
function build(
  { commonName, notAfter = VALID }: CertificateNames,
  publicKey: KeyObject,
  issuer: { commonName: string; privateKey: KeyObject },
  extensions: Buffer[],
): string {
  const ecdsaWithSha256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
  const serial = randomBytes(8);
  serial[0] = 1;
  const toBeSigned = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, serial),
    ecdsaWithSha256,
    name(issuer.commonName),
    sequence(element(0x17, Buffer.from('200101000000Z')), element(0x17, Buffer.from(notAfter))),
    name(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [element(0xa3, sequence(...extensions))] : []),
  );
  const signature = createSign('sha256').update(toBeSigned).sign(issuer.privateKey);
  const der = sequence(toBeSigned, ecdsaWithSha256, element(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

const isAuthority = (): Buffer =>
  sequence(Buffer.from('0603551d13', 'hex'), Buffer.from('0101ff', 'hex'), element(0x04, sequence(Buffer.from('0101ff', 'hex'))));

function alternativeNames({ dns = [], addresses = [] }: CertificateNames): Buffer[] {
  const names = [
    ...dns.map((host) => element(0x82, Buffer.from(host))),
    ...addresses.map((address) => element(0x87, Buffer.from(address.split('.').map(Number)))),
  ];
  return names.length === 0 ? [] : [sequence(Buffer.from('0603551d11', 'hex'), element(0x04, sequence(...names)))];
}

const name = (commonName: string): Buffer =>
  sequence(element(0x31, sequence(Buffer.from('0603550403', 'hex'), element(0x0c, Buffer.from(commonName)))));

const sequence = (...parts: Buffer[]): Buffer => element(0x30, ...parts);

/** One DER element: tag, length, content. */
function element(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
