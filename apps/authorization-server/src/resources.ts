export type AccessTokenFormat = 'opaque' | 'jwt';

/**
 * The two names of the one albums API. A client picks the format of its access token by the resource it asks for; without
 * `resource=` it gets an opaque one. The API lists both as its audience. They are identifiers, nothing is fetched from them.
 */
export const RESOURCES: Readonly<Record<AccessTokenFormat, string>> = {
  opaque: 'https://albums.example.com',
  jwt: 'https://albums.example.com/jwt',
};

const formats = new Map<string, AccessTokenFormat>([
  [RESOURCES.opaque, 'opaque'],
  [RESOURCES.jwt, 'jwt'],
]);

export const formatOf = (resource: string): AccessTokenFormat | undefined => formats.get(resource);
