import type { ConnectionTable } from '../../domain/telemetry/connection-table.ts';
import type { DeviceEvent } from '../../domain/telemetry/device-event.ts';
import { ActivityRows, COUNTED, OTHER, QUARANTINED } from '../../format/activity-log/rows.ts';
import { parseMti } from '../../format/device-message/mti.ts';
import { newMessageFacts, readConnections } from '../../format/device-message/read-connections.ts';
import { RecentBodies } from '../log/recent-bodies.ts';
import type { DetectionSettings } from '../settings.ts';
import { type BodyHash, hashBody } from './body-hash.ts';
import type { CompiledGroups } from './compiled-groups.ts';
import { FindingIndex, type Intelligence, judgeRow } from './judge.ts';
import { RuleFindings, judgeRules } from './judge-rules.ts';

/** What the messages of a block are held against. */
export interface Judges {
  readonly intelligence: Intelligence;
  readonly groups: CompiledGroups;
}

/** Each carries its evidence, so a block of many more would outgrow what a reader can hold. */
const MAX_BLOCK_FINDINGS = 5000;

/**
 * Decodes, marks repeats, matches and holds against the group's rules: one row for each event, whatever it is. Bytes that are no message become a
 * quarantined row with the reason; they never stop the batch. A flood of findings ends the rows early: the events that
 * are left are for the next block.
 */
export function buildRows(
  events: readonly DeviceEvent[],
  recent: RecentBodies,
  { intelligence, groups }: Judges,
  settings: DetectionSettings,
  table: ConnectionTable,
): ActivityRows {
  const rows = new ActivityRows(table);
  const fresh = new RecentBodies(-Infinity);
  const facts = newMessageFacts();
  const hash: BodyHash = { low: 0, high: 0 };
  const index = new FindingIndex(intelligence);
  const ruleFindings = new RuleFindings(groups);
  const horizon = settings.repeatHorizonMs;
  for (const event of events) {
    if (rows.rowFindings.length >= MAX_BLOCK_FINDINGS) break;
    hash.low = 0;
    hash.high = 0;
    facts.deviceTimeSeconds = 0;
    let kind: typeof COUNTED | typeof QUARANTINED | typeof OTHER = OTHER;
    let repeat = false;
    let reason: string | null = null;
    if (event.isSecurityMessage) {
      hashBody(event.deviceId, event.body, hash);
      repeat =
        recent.hasWithin(hash.low, hash.high, event.hubTime, horizon) ||
        fresh.hasWithin(hash.low, hash.high, event.hubTime, horizon);
      if (!repeat) {
        fresh.add(hash.low, hash.high, event.hubTime);
        reason = refusalOf(event) ?? readConnections(event.body, table, facts);
      }
      kind = reason === null ? COUNTED : QUARANTINED;
    }
    const row = rows.add({
      kind,
      repeat,
      enqueuedTime: event.enqueuedTime,
      hubTime: event.hubTime,
      device: event,
      hashLow: hash.low,
      hashHigh: hash.high,
      deviceTimeSeconds: facts.deviceTimeSeconds,
    });
    if (reason !== null) rows.quarantined.push({ row, reason, raw: event.body });
    else if (kind === COUNTED && !repeat) {
      judgeRow(rows, row, settings.ephemeralPortFrom, index);
      judgeRules(rows, row, settings.ephemeralPortFrom, ruleFindings);
    }
  }
  rows.allowed = index.allowed;
  return rows;
}

/** What refuses a message before its bytes are looked at. */
function refusalOf(event: DeviceEvent): string | null {
  if (event.deviceId === '') return 'noDeviceId';
  if (event.mti === null) return null;
  const mti = parseMti(event.mti);
  return 'refused' in mti ? mti.refused : null;
}
