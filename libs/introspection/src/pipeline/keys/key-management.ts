/** Neither RSA1_5 (RFC 8725 §3.2), nor passwords, nor shared keys: a token costs what we decided, and each key one thing. */
export const KEY_MANAGEMENT = [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'RSA-OAEP-384',
  'RSA-OAEP-512',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A192KW',
  'ECDH-ES+A256KW',
];
