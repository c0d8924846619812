// Holds what `replay --json` printed against what was put into the sample fleet: the threat alerts that rest on text feeds.
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
  readonly indicators?: readonly { readonly file: string; readonly state: string }[];
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

type AlertRecord = Readonly<Record<string, any>>;

export function scoreReplay(
  incidents: readonly Incident[],
  records: readonly AlertRecord[],
): Score {
  const planted = incidents.filter(
    ({ address, rule }) => address !== undefined && rule === undefined,
  );
  const aside = new Set(planted.filter(restsOnOtherFeeds).map(keyOf));
  const expected = new Map(
    planted
      .filter(({ expect, kind }) => expect === 'alert' && kind !== 'fleetIncident')
      .map((incident) => [keyOf(incident), incident] as const)
      .filter(([key]) => !aside.has(key)),
  );
  const problems: string[] = [];
  const found = new Set<string>();
  let exact = 0;
  for (const record of records.filter(({ alertType }) => alertType === 'IoT_TiConnection')) {
    const key = keyOf({ deviceId: record['deviceId'], address: record['subject'].address });
    if (aside.has(key)) continue;
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

/** Warning lists and STIX are no text feeds. */
function restsOnOtherFeeds({ expect, indicators = [] }: Incident): boolean {
  const active = indicators.filter(({ state }) => state === 'active');
  return (
    expect === 'warningListed' ||
    (active.length > 0 && active.every(({ file }) => file.endsWith('.json')))
  );
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
  if (direction === 'outboundExchange' && severity !== 'high') wrong.push(`severity ${severity}`);
  if (direction === 'inboundProbe' && severity === 'high') wrong.push('severity high for a probe');
  if (!(evidence?.indicators?.length > 0)) wrong.push('no indicator in the evidence');
  return wrong;
}
