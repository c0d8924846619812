// What is known of an address, and what a contact with it would raise now.
import {
  type Address,
  foldMapped,
  formatAddress,
  parseAddress,
} from '../../../domain/address/address.ts';
import { SEVERITIES, type Severity } from '../../../domain/alert/severity.ts';
import { type AllowEntry, allowedBy } from '../../../domain/indicator/allowlist.ts';
import { type Constraint, constraintHolds } from '../../../domain/indicator/constraint.ts';
import type { MatchedIndicator, WarningMatch } from '../../../domain/indicator/indicator.ts';
import { boundsOf, validityAt } from '../../../domain/indicator/validity.ts';
import { DIRECTIONS } from '../../../domain/telemetry/direction.ts';
import { formatInstant } from '../../../domain/time/instant.ts';
import { type AllowRecord, allowRecord } from '../../../format/allowlist.ts';
import { RequestError } from '../../../format/http-problem.ts';
import type { SnapshotRef } from '../../../format/activity-log/header.ts';
import { listedPeer } from '../../../rules/connection/listed-peer.ts';
import type { LoadedSnapshot } from '../../ingest/current-snapshot.ts';

export interface ExplainedIndicator extends MatchedIndicator {
  readonly state: 'active' | 'expired' | 'notYetValid';
}

export interface Explanation {
  readonly address: string;
  /** By any feed, whether its indicator is in force or not. */
  readonly listed: boolean;
  readonly snapshot: SnapshotRef;
  readonly indicators: readonly ExplainedIndicator[];
  readonly warningLists: readonly WarningMatch[];
  readonly allowlist: AllowRecord | null;
  /** In one sentence: what a contact would raise now, and why. */
  readonly effect: string;
}

export function explainAddress(
  { ref, index, allowlist }: LoadedSnapshot,
  address: Address,
  now: number,
): Explanation {
  const indicators = index
    .matchesOf(address)
    .map((indicator) => ({ ...indicator, state: validityAt(indicator, now) }));
  const warningLists = index.warningsOf(address);
  const allowed = allowedBy(allowlist, address, now);
  return {
    address: formatAddress(address),
    listed: indicators.length > 0,
    snapshot: ref,
    indicators,
    warningLists,
    allowlist: allowed === null ? null : allowRecord(allowed),
    effect: effectOf(indicators, warningLists, allowed),
  };
}

/** An IPv4-mapped address is the IPv4 address that it stands for. */
export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address !== null) return foldMapped(address);
  const shown = JSON.stringify(text.slice(0, 64));
  throw new RequestError('InvalidRequest', `${shown} is not an IPv4 or IPv6 address`);
}

function effectOf(
  indicators: readonly ExplainedIndicator[],
  warningLists: readonly WarningMatch[],
  allowed: AllowEntry | null,
): string {
  if (indicators.length === 0) return 'A contact raises nothing: no feed in use lists the address.';
  const active = indicators.filter(({ state }) => state === 'active');
  if (active.length === 0) return outOfForce(indicators);
  if (allowed !== null) return suppressed(allowed);
  const severities = severitiesOf(active, warningLists.length > 0);
  return `${raised(severities)}${conditionOf(active)}${capOf(warningLists)}.`;
}

/** A snapshot holds only bounds that are times. */
function outOfForce(indicators: readonly ExplainedIndicator[]): string {
  const later = indicators.filter(({ state }) => state === 'notYetValid');
  if (later.length > 0) {
    const from = Math.min(...later.map((indicator) => boundsOf(indicator).from));
    return `A contact raises nothing: what lists the address is valid from ${formatInstant(from)} on.`;
  }
  const until = Math.max(...indicators.map((indicator) => boundsOf(indicator).until));
  return `A contact raises nothing: what lists the address expired at ${formatInstant(until)}.`;
}

function suppressed(entry: AllowEntry): string {
  const { network, reason, expiresAt } = allowRecord(entry);
  const until = expiresAt === null ? '' : ` until ${expiresAt}`;
  return `A contact raises nothing: ${network} is on the allowlist${until} (${reason}).`;
}

/** From least to greatest, over the directions that some indicator asks for. */
function severitiesOf(active: readonly ExplainedIndicator[], isWarnedOf: boolean): Severity[] {
  const possible = new Set(
    DIRECTIONS.filter((direction) =>
      active.some(({ constraint }) => couldHold(constraint, direction)),
    ).map((direction) => listedPeer.severityOf(direction, isWarnedOf)),
  );
  return SEVERITIES.filter((severity) => possible.has(severity));
}

function couldHold(constraint: Constraint | null, direction: (typeof DIRECTIONS)[number]): boolean {
  const ofDirection = constraint === null ? null : { ...constraint, ports: null, protocol: null };
  return constraintHolds(ofDirection, { direction, remotePort: 0, protocol: 0 });
}

function raised(severities: readonly Severity[]): string {
  const [least, greatest] = [severities[0], severities.at(-1)];
  const range =
    least === greatest ? `${least}` : `${least} to ${greatest}, by who began and what passed`;
  return `A contact raises ${listedPeer.alertType}, severity ${range}`;
}

/** Nothing where one indicator asks for nothing beside the address. */
function conditionOf(active: readonly ExplainedIndicator[]): string {
  const asked = active.map(({ constraint }) =>
    constraint === null ? null : conditionText(constraint),
  );
  if (asked.includes(null)) return '';
  return `, but only ${[...new Set(asked)].slice(0, 3).join(', or ')}`;
}

const MAX_PORTS_SHOWN = 8;

function conditionText({ ports, direction, protocol }: Constraint): string {
  const parts = [
    ...(ports === null ? [] : [`at its port ${portsText(ports)}`]),
    ...(protocol === null ? [] : [`over ${protocol}`]),
    ...(direction === 'destination' ? ['where the device called it'] : []),
    ...(direction === 'source' ? ['where it called the device'] : []),
  ];
  return parts.join(' ');
}

function portsText(ports: readonly number[]): string {
  const more = ports.length > MAX_PORTS_SHOWN ? ' or others' : '';
  return `${ports.slice(0, MAX_PORTS_SHOWN).join(', ')}${more}`;
}

function capOf(warningLists: readonly WarningMatch[]): string {
  if (warningLists.length === 0) return '';
  const [first] = warningLists;
  const more = warningLists.length > 1 ? ` and ${warningLists.length - 1} more` : '';
  return `; capped at low because the warning list ${first!.list}${more} covers the address`;
}
