import { trimBlanks } from './json-value.ts';

/** What a named field of a record is to us. */
export type Role =
  | 'value'
  | 'port'
  | 'valueType'
  | 'classification'
  | 'confidence'
  | 'tlp'
  | 'labels'
  | 'id'
  | 'validFrom'
  | 'validUntil'
  | 'revoked'
  | 'source';

/** Where the fields of each role stand, the best first. */
export type Columns = Readonly<Record<Role, readonly number[]>>;

// Names as real feeds have them, the best first. `c2_status` and `last_online` of Feodo are sightings, as `first_seen`
// and `last_seen` are: none of them says until when an indicator holds.
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  value: [
    'dst_ip',
    'ip',
    'ipaddr',
    'ip_addr',
    'ip_address',
    'ipaddress',
    'ipv4',
    'ipv6',
    'address',
    'ioc_value',
    'ioc',
    'indicator',
    'value',
    'observable_value',
    'cidr',
    'network',
    'prefix',
    'netblock',
    'subnet',
    // URLhaus lists nothing else: what it holds is then refused by its own name.
    'url',
  ],
  port: ['dst_port', 'port'],
  valueType: ['ioc_type', 'entity_type', 'indicator_type', 'type'],
  classification: ['classification', 'category', 'threat_type'],
  confidence: ['confidence', 'confidence_level', 'x_opencti_score', 'score'],
  tlp: ['tlp', 'objectmarking', 'marking'],
  labels: [
    'malware_printable',
    'malware',
    'threat',
    'category',
    'detail',
    'tags',
    'objectlabel',
    'labels',
  ],
  id: ['id', 'ioc_id', 'sblid'],
  validFrom: ['valid_from'],
  validUntil: ['valid_until', 'expires', 'expiration', 'expiry'],
  revoked: ['revoked', 'deleted'],
  source: ['reporter', 'source'],
};
const KNOWN: ReadonlySet<string> = new Set(Object.values(NAMES).flat());
const BYTE_ORDER_MARK = 0xfeff;
/** Longer ones are none of the known names. */
const MAX_NAME = 64;

/** Null if no field can hold an address. A name that stands twice counts where it stands first. */
export function columnsOf(header: readonly string[]): Columns | null {
  const at = new Map<string, number>();
  for (const [column, cell] of header.entries()) {
    const name = nameOf(cell);
    if (KNOWN.has(name) && !at.has(name)) at.set(name, column);
  }
  const columns = (role: Role) =>
    NAMES[role].map((name) => at.get(name)).filter((column) => column !== undefined);
  const value = columns('value');
  if (value.length === 0) return null;
  return {
    value,
    port: columns('port'),
    valueType: columns('valueType'),
    classification: columns('classification'),
    confidence: columns('confidence'),
    tlp: columns('tlp'),
    labels: columns('labels'),
    id: columns('id'),
    validFrom: columns('validFrom'),
    validUntil: columns('validUntil'),
    revoked: columns('revoked'),
    source: columns('source'),
  };
}

/** `"IP Address"`, with a byte order mark or, at abuse.ch, a comment sign in front, is `ip_address`. */
function nameOf(cell: string): string {
  if (cell.length > MAX_NAME) return '';
  const bare = cell.charCodeAt(0) === BYTE_ORDER_MARK ? cell.slice(1) : cell;
  const text = trimBlanks(trimBlanks(bare).replace(/^#+/, ''));
  const unquoted = text.replace(/^["']/, '').replace(/["']$/, '');
  return trimBlanks(unquoted).toLowerCase().replaceAll(/[ -]/g, '_');
}
