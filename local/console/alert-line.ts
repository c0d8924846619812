import { printable } from '../feeds/printable.ts';

type Json = Readonly<Record<string, unknown>>;

interface Shown {
  readonly severity: string;
  readonly status: string;
  readonly deviceId: string | null;
  readonly displayName: string;
  readonly ruleType?: string | null;
  readonly securityGroup?: string | null;
  readonly firstSeen?: string;
  readonly createdAt: string;
  readonly subject: {
    readonly kind: string;
    readonly address?: string;
    readonly key?: string;
    readonly end?: string;
  };
  readonly count?: number;
  readonly minThreshold?: number;
  readonly maxThreshold?: number;
  readonly messages?: number;
  readonly evidence: Json | null;
}

/** What happened, seen from the device. */
const WHAT: Readonly<Record<string, string>> = {
  outboundExchange: 'exchanged data with',
  outboundAttempt: 'tried to reach',
  inboundExchange: 'answered',
  inboundProbe: 'was probed by',
};

const COLOURS: Readonly<Record<string, string>> = {
  high: '\u001b[31m',
  medium: '\u001b[33m',
  low: '\u001b[36m',
  informational: '\u001b[2m',
};

/** An alert on one line: time, severity, device, what, why. Everything from outside is made printable. */
export function alertLine(record: Json, colour = false): string {
  const alert = record as unknown as Shown;
  const time = `${(alert.firstSeen ?? alert.createdAt).slice(0, 19).replace('T', ' ')}Z`;
  const label = alert.severity.padEnd(6);
  const severity = colour ? `${COLOURS[alert.severity] ?? ''}${label}\u001b[0m` : label;
  const who = (alert.deviceId ?? 'platform').padEnd(16);
  return `${time}  ${severity}  ${printable(`${who} ${what(alert)}${why(alert)}`)}`;
}

function what(alert: Shown): string {
  const { subject, evidence, displayName } = alert;
  if (subject.kind === 'window') {
    const { count, minThreshold, maxThreshold } = alert;
    return `counted ${count}, not ${minThreshold} to ${maxThreshold}, until ${subject.end?.slice(11, 16)}`;
  }
  if (subject.kind !== 'address') return `${displayName}: ${subject.key ?? ''}`;
  const { direction, flows } = evidence as { direction: string; flows: readonly Json[] };
  const [flow] = flows;
  const port = flow === undefined ? '' : ` (${String(flow['protocol'])} ${portOf(flow)})`;
  return `${WHAT[direction] ?? 'met'} ${subject.address}${port}`;
}

/** The service's port: the peer's where the device began, else the device's own. */
function portOf(flow: Json): string {
  const outbound = String(flow['direction']).startsWith('outbound');
  return String(outbound ? flow['remotePort'] : flow['localPort']);
}

function why({ evidence, messages, ruleType, securityGroup }: Shown): string {
  const times = messages === undefined || messages < 2 ? '' : `, ${messages} messages`;
  if (typeof ruleType === 'string') return `, ${ruleType} of ${securityGroup}${times}`;
  const indicators = (evidence?.['indicators'] ?? []) as readonly Json[];
  if (indicators.length === 0) return '';
  const listed = indicators.map((indicator) => {
    const prefix = String(indicator['matchedPrefix']);
    const single = prefix.endsWith('/32') || prefix.endsWith('/128');
    return `${String(indicator['feed'])}${single ? '' : ` as ${prefix}`}`;
  });
  const lists = (evidence?.['warningLists'] ?? []) as readonly Json[];
  const warned = lists.length === 0 ? '' : `, low because ${String(lists[0]!['list'])} warns of it`;
  return `, listed by ${[...new Set(listed)].join(', ')}${warned}${times}`;
}
