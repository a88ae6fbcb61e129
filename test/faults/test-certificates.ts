import { certificateAuthority } from '../support/certificates.js';
import type { Certificates } from './misbehaving-server.js';

export interface TestCertificates extends Certificates {
  /** What the application trusts. */
  readonly ca: string;
}

export function testCertificates(): TestCertificates {
  const names = { commonName: '127.0.0.1', addresses: ['127.0.0.1'] };
  const known = certificateAuthority();
  const stranger = certificateAuthority('Another authority');
  return { ca: known.cert, trusted: known.issue(names), untrusted: stranger.issue(names) };
}
