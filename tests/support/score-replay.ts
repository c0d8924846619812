// Holds what `replay --json` printed against what was put into the sample fleet: threat alerts, and those of group rules.
import { foldMapped, formatAddress, parseAddress } from '../../shared/domain/address/address.ts';

/** One planted incident of `truth.json`, as far as it matters here. */
export interface Incident {
  readonly id: string;
  readonly kind: string;
  readonly expect: string;
  readonly deviceId: string;
  readonly address?: string;
  readonly rule?: string;
  readonly direction?: string;
  readonly indicators?: readonly {
    readonly file: string;
    readonly state: string;
    readonly stixId?: string;
  }[];
  readonly windowStart?: string;
  readonly windowEnd?: string;
  readonly count?: number;
  readonly firstEnqueuedTime: string;
  readonly lastEnqueuedTime: string;
  readonly messages: number;
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Score {
  readonly expected: number;
  readonly exact: number;
  /** What is missed, false or differs, in words. */
  readonly problems: readonly string[];
}

/** A warning-listed contact is an alert too, of low severity. */
const EXPECTED: ReadonlySet<string> = new Set(['alert', 'warningListed']);

type AlertRecord = Readonly<Record<string, any>>;

/** `later`: the replay was given the later feeds, so what was planted for hunts is expected too. */
export function scoreReplay(
  incidents: readonly Incident[],
  records: readonly AlertRecord[],
  later = false,
): Score {
  const planted = incidents.filter(
    ({ address, rule }) => address !== undefined && rule === undefined,
  );
  const expected = new Map(
    planted
      .filter(({ expect }) => EXPECTED.has(expect) || (later && expect === 'retroAlert'))
      .filter(({ kind }) => kind !== 'fleetIncident')
      .map((incident) => [keyOf(incident), incident] as const),
  );
  const problems: string[] = [];
  const found = new Set<string>();
  let exact = 0;
  for (const record of records.filter(({ alertType }) => alertType === 'IoT_TiConnection')) {
    const key = keyOf({ deviceId: record['deviceId'], address: record['subject'].address });
    const incident = expected.get(key);
    if (incident === undefined) problems.push(`false: ${key}`);
    else if (found.has(key)) problems.push(`twice: ${key}`);
    else {
      found.add(key);
      const wrong = differences(incident, record);
      if (wrong.length === 0) exact++;
      else problems.push(`wrong: ${incident.id}: ${wrong.join('; ')}`);
    }
  }
  for (const [key, { id }] of expected) if (!found.has(key)) problems.push(`missed: ${id}: ${key}`);
  return { expected: expected.size, exact, problems };
}

/** Alerts of group rules and of windows: what is missed, false or differs, in words. */
export function scoreRules(
  incidents: readonly Incident[],
  records: readonly AlertRecord[],
): readonly string[] {
  const expected = incidents
    .filter(({ rule, expect }) => rule !== undefined && expect === 'alert')
    .map((incident) => {
      const { rule, windowStart, windowEnd, count, messages, connections } = incident;
      return windowStart === undefined
        ? `${rule} ${keyOf(incident)}: ${messages} messages, ${connections} connections`
        : `${rule} ${incident.deviceId} ${windowStart} ${windowEnd}: ${count}`;
    });
  const found = records
    .filter(({ ruleType }) => ruleType !== null)
    .map(({ ruleType, deviceId, subject, count, messages, connections }) =>
      subject.kind === 'window'
        ? `${ruleType} ${deviceId} ${subject.start} ${subject.end}: ${count}`
        : `${ruleType} ${keyOf({ deviceId, address: subject.address })}: ${messages} messages, ${connections} connections`,
    );
  return [
    ...expected.filter((one) => !found.includes(one)).map((one) => `missed: ${one}`),
    ...found
      .filter((one, i) => !expected.includes(one) || found.indexOf(one) !== i)
      .map((one) => `false: ${one}`),
  ];
}

function keyOf({ deviceId, address }: { deviceId: string; address?: string }): string {
  const parsed = parseAddress(address ?? '');
  // The truth names addresses as decoded; an alert names a mapped one as its IPv4.
  return `${deviceId} ${parsed === null ? address : formatAddress(foldMapped(parsed))}`;
}

function differences(incident: Incident, record: AlertRecord): string[] {
  const { messages, connections, bytesIn, bytesOut, direction } = incident;
  const fields = {
    firstSeen: new Date(incident.firstEnqueuedTime).toISOString(),
    lastSeen: new Date(incident.lastEnqueuedTime).toISOString(),
    messages,
    connections,
    bytesIn,
    bytesOut,
  };
  const wrong = Object.entries(fields)
    .filter(([name, value]) => record[name] !== value)
    .map(([name, value]) => `${name} is ${record[name]}, not ${value}`);
  const { severity, evidence } = record;
  if (incident.expect === 'warningListed') {
    if (severity !== 'low') wrong.push(`severity ${severity}, though on a warning list`);
    if (!(evidence?.warningLists?.length > 0)) wrong.push('no warning list in the evidence');
    return wrong;
  }
  if (direction === 'outboundExchange' && severity !== 'high') wrong.push(`severity ${severity}`);
  if (direction === 'inboundProbe' && severity === 'high') wrong.push('severity high for a probe');
  if (!(evidence?.indicators?.length > 0)) wrong.push('no indicator in the evidence');
  const named = JSON.stringify(evidence?.indicators ?? []);
  for (const { state, stixId } of incident.indicators ?? []) {
    if (state === 'active' && stixId !== undefined && !named.includes(stixId)) {
      wrong.push(`the evidence lacks ${stixId}`);
    }
  }
  return wrong;
}
