// Where a request may go. A feed's address, and every redirect, is a stranger's word about what to connect to.
import { foldMapped, parseAddress } from '../../domain/address/address.ts';
import { bogonOverlap } from '../../domain/address/bogon.ts';
import {
  type Prefix,
  parsePrefix,
  prefixCovers,
  prefixOf,
  widthOf,
} from '../../domain/address/prefix.ts';
import { type WebErrorCode, WebError } from '../../ports/web.ts';

/** RFC 1035 2.3.4: no longer name can be resolved. Also bounds what an error message repeats. */
const MAX_HOST = 253;

// Azure answers every machine here (DNS, health, host agent); public by its number only. The other one,
// 169.254.169.254, is link-local. Behind 2002::/16 stands the same address by way of a 6to4 gateway.
const PLATFORM = ['168.63.129.16/32', '2002:a83f:8110::/48']
  .map(parsePrefix)
  .filter((prefix): prefix is Prefix => prefix !== null);

/** The target that a text names, resolved against `base` if there is one; without its fragment. */
export function parseTarget(text: string, allowPrivate: boolean, base?: URL): URL {
  const malformed: WebErrorCode = base === undefined ? 'badUrl' : 'badRedirect';
  const refuse = (why: string) => new WebError(malformed, `${base?.host ?? 'the request'}: ${why}`);
  // The text stands in no message and no cause: its query or path may be a secret.
  const url = URL.parse(text, base?.href);
  if (url === null) throw refuse('the address is no URL');
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refuse('the address is not https');
  if (url.username !== '' || url.password !== '') throw refuse('the address holds credentials');
  if (url.hostname.length > MAX_HOST) throw refuse('the address names too long a host');
  if (url.protocol === 'http:' && !allowPrivate) {
    throw new WebError('privateTarget', `${url.host}: plain http is not allowed`);
  }
  url.hash = '';
  return url;
}

/** The host as name resolution and sockets want it: an IPv6 address stands without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** Whether the address is one that only the Internet can answer. An address with a zone (`fe80::1%2`) is not. */
export function isPublicAddress(text: string): boolean {
  const parsed = parseAddress(text);
  if (parsed === null) return false;
  const address = foldMapped(parsed);
  if (PLATFORM.some((prefix) => prefixCovers(prefix, address))) return false;
  return bogonOverlap(prefixOf(address, widthOf(address.family))) === 'none';
}
