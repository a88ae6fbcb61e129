import { isIPv6 } from 'node:net';

interface Addressed {
  readonly ip?: unknown;
  readonly socket?: { readonly remoteAddress?: unknown };
  readonly raw?: { readonly socket?: { readonly remoteAddress?: unknown } };
}

/**
 * The address that a request came from: what the framework says, which knows of trusted proxies, or the connection's.
 * Of an IPv6 address the network of 64 bits, all of which one client commonly has.
 *
 * @returns `undefined` where a request has no address
 */
export function clientAddressOf(request: object): string | undefined {
  const { ip, socket, raw } = request as Addressed;
  const address = [ip, socket?.remoteAddress, raw?.socket?.remoteAddress].find((each) => typeof each === 'string' && each !== '');
  return typeof address === 'string' ? networkOf(address) : undefined;
}

function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [plain = ''] = address.split('%', 1);
  if (!isIPv6(plain)) return address;
  const [before = '', after] = plain.toLowerCase().split('::', 2);
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  const groups = after === undefined ? head : [...head, ...zeros, ...tail];
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  // An IPv4 address in the form of an IPv6 one, which some systems give.
  if (numbers.slice(0, 5).every((number) => number === 0) && numbers[5] === 0xffff) {
    return numbers
      .slice(6, 8)
      .flatMap((number) => [number >> 8, number & 255])
      .join('.');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
