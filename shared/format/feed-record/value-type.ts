import type { RefusalReason } from '../../domain/indicator/feed-entry.ts';

const DOMAINS: ReadonlySet<string> = new Set(['domain', 'domainname', 'hostname', 'fqdn']);
const URLS: ReadonlySet<string> = new Set(['url', 'uri', 'link']);
const OTHERS: ReadonlySet<string> = new Set([
  'as',
  'asn',
  'autonomoussystem',
  'cve',
  'file',
  'filename',
  'filepath',
  'mutex',
  'regkey',
  'registrykey',
  'stixfile',
  'useragent',
  'vulnerability',
  'yara',
]);
/** `SHA-256`; `md5_hash` (ThreatFox), `telfhash` (Infoblox); `FileHash-SHA256` (OTX). */
const HASH = /^(?:filehash|hash)?(?:md5|sha\d{1,3}|ssdeep|tlsh|ja3s?|jarm)$|hash$/;
const EMAIL = /^e?mail/;
/** Longer ones are none of the known types. */
const MAX_TYPE = 64;

/**
 * Why a record is no address by what it says that it is; null if it says an address, something unknown or nothing. A
 * column named `type` may also hold the kind of threat, so an unknown type leaves the value to speak for itself.
 */
export function refusalOfType(type: string): RefusalReason | null {
  if (type === '' || type.length > MAX_TYPE) return null;
  const name = type.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  if (DOMAINS.has(name)) return 'domain';
  if (URLS.has(name)) return 'url';
  return OTHERS.has(name) || HASH.test(name) || EMAIL.test(name) ? 'noAddress' : null;
}
