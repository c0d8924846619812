/** What a named field of a record is to us. */
export type Role =
  | 'value'
  /** The last address of the range that the value begins. */
  | 'rangeEnd'
  /** Or prefix length. */
  | 'mask'
  | 'port'
  | 'protocol'
  | 'valueType'
  | 'toIds'
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

// Names as real feeds have them, the best first, without case and signs: `dst_ip`, `dstIP`, `Dst IP` are `dstip`.
// `c2_status` and `last_online` of Feodo are sightings, as `first_seen` and `last_seen` are: none of them says until when
// an indicator holds.
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  value: [
    'dstip',
    'destinationip',
    'dstipaddress',
    'destinationipaddress',
    'ip',
    'ipaddr',
    'ipaddress',
    'ipv4',
    'ipv6',
    'ipv4address',
    'ipv6address',
    'address',
    'iocvalue',
    'ioc',
    'indicator',
    'indicatorvalue',
    'value',
    'observablevalue',
    'cidr',
    'ipcidr',
    'network',
    'prefix',
    'netblock',
    'subnet',
    'iprange',
  ],
  rangeEnd: ['endip', 'rangeend', 'ipend', 'lastip', 'end'],
  mask: ['netmask', 'mask', 'subnetmask', 'prefixlength', 'prefixlen', 'masklength'],
  port: ['dstport', 'destinationport', 'dport', 'port'],
  protocol: ['protocol', 'proto', 'transport'],
  valueType: ['ioctype', 'entitytype', 'indicatortype', 'type'],
  toIds: ['toids'],
  classification: ['classification', 'category', 'threattype'],
  confidence: [
    'confidence',
    'confidencelevel',
    'confidencescore',
    'abuseconfidencescore',
    'xopenctiscore',
    'score',
  ],
  tlp: ['tlp', 'objectmarking', 'marking'],
  labels: [
    'malwareprintable',
    'malware',
    'threat',
    'category',
    'detail',
    'tags',
    'objectlabel',
    'labels',
  ],
  id: ['id', 'iocid', 'sblid', 'uuid'],
  validFrom: ['validfrom'],
  validUntil: [
    'validuntil',
    'validto',
    'expires',
    'expiresat',
    'expiration',
    'expirationdate',
    'expiry',
  ],
  revoked: ['revoked', 'deleted'],
  source: ['reporter', 'source'],
};
/** Values if there is none of the above: where ranges begin, and who began the connections that the feed tells of. */
const RANGE_STARTS: readonly string[] = ['startip', 'rangestart', 'ipstart', 'firstip', 'start'];
const SOURCES: readonly string[] = ['srcip', 'sourceip', 'srcipaddress', 'sourceipaddress'];
/** URLhaus lists nothing else: what it holds is then refused by its own name. */
const URLS: readonly string[] = ['url'];

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.values(NAMES).flat(),
  ...RANGE_STARTS,
  ...SOURCES,
  ...URLS,
]);
/** Longer ones are none of the known names. */
const MAX_NAME = 64;

/** Null if no field can hold an address. A name that stands twice counts where it stands first. */
export function columnsOf(header: readonly string[]): Columns | null {
  const at = placesOf(header);
  const columns = (names: readonly string[]) =>
    names.map((name) => at.get(name)).filter((column) => column !== undefined);
  const of = (role: Role) => columns(NAMES[role]);
  const extent = extentOf(of('value'), columns(RANGE_STARTS), of('rangeEnd'), of('mask'));
  const sources = extent.value.length > 0 ? [] : columns(SOURCES);
  const value = [...extent.value, ...sources, ...columns(URLS)];
  if (value.length === 0) return null;
  return {
    value,
    rangeEnd: extent.rangeEnd,
    mask: of('mask'),
    // Beside the one that began stands the port that it called, which is not one of its own.
    port: sources.length > 0 ? [] : of('port'),
    protocol: of('protocol'),
    valueType: of('valueType'),
    toIds: of('toIds'),
    classification: of('classification'),
    confidence: of('confidence'),
    tlp: of('tlp'),
    labels: of('labels'),
    id: of('id'),
    validFrom: of('validFrom'),
    validUntil: of('validUntil'),
    revoked: of('revoked'),
    source: of('source'),
  };
}

/** `start` and `end` beside an address are times or tell of its network; the first alone is no range either. */
function extentOf(
  value: readonly number[],
  start: readonly number[],
  rangeEnd: readonly number[],
  mask: readonly number[],
): Pick<Columns, 'value' | 'rangeEnd'> {
  const isRange = value.length === 0 && start.length > 0 && rangeEnd.length + mask.length > 0;
  return isRange ? { value: start, rangeEnd } : { value, rangeEnd: [] };
}

function placesOf(header: readonly string[]): ReadonlyMap<string, number> {
  const at = new Map<string, number>();
  for (const [column, cell] of header.entries()) {
    const name = nameOf(cell);
    if (KNOWN.has(name) && !at.has(name)) at.set(name, column);
  }
  return at;
}

/** `"IP Address"`, with a byte order mark or, at abuse.ch, a comment sign in front, is `ipaddress`. */
function nameOf(cell: string): string {
  return cell.length > MAX_NAME ? '' : cell.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
