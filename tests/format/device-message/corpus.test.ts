import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';
import { decodeMessage } from '../../../shared/format/device-message/decode-message.ts';
import { parseMti } from '../../../shared/format/device-message/mti.ts';
import {
  newMessageFacts,
  readConnections,
} from '../../../shared/format/device-message/read-connections.ts';
import { MALFORMED, VALID, expected, sample } from './support/corpus.ts';
import { rowsIn, rowsOf } from './support/rows.ts';

describe('a message of the real agent', () => {
  for (const { name, body } of VALID) {
    it(`${name} decodes to what went into it`, () => {
      assert.deepEqual(decodeMessage(body), { message: expected(name) });
    });

    it(`${name} gives its connections as rows`, () => {
      const table = new ConnectionTable(1);
      const facts = newMessageFacts();
      const message = expected(name);
      assert.equal(readConnections(body, table, facts), null);
      assert.deepEqual(rowsOf(table), rowsIn(message));
      assert.equal(facts.events, message.events.length);
      assert.equal(facts.deviceTimeSeconds, message.events[0]?.time ?? 0);
      assert.equal(facts.agentVersion, message.securityModuleVersion);
      const families = rowsOf(table).map((row) => row.family);
      assert.equal(facts.ipv4Connections, families.filter((family) => family === 4).length);
      assert.equal(facts.ipv6Connections, families.filter((family) => family === 6).length);
    });
  }

  it('carries an mti that is supported', () => {
    for (const { name, mti } of VALID) assert.ok(!('refused' in parseMti(mti)), name);
  });
});

const REFUSALS: Readonly<Record<string, string>> = {
  empty: 'empty',
  'three-bytes': 'truncated',
  'root-only': 'truncated',
  'sixteen-ff': 'truncated',
  'text-json-legacy': 'legacyJson',
  'vtable-plus': 'badVtable',
  'vtable-self': 'badVtable',
  'bomb-net-300x300': 'overBudget',
  'bomb-net-2000x2000': 'overBudget',
  'bomb-string-2000x3x8k': 'overBudget',
  'bomb-log-500x500x1k': 'overBudget',
  'site-bld-all-kinds-uniontype-668-0': 'badPayload',
  'site-bld-all-kinds-veclen-1252-4294967295': 'truncated',
  'site-bld-all-kinds-veclen-684-1073741825': 'truncated',
  'site-bld-all-kinds-strlen-1428-4294967295': 'truncated',
  'site-bld-all-kinds-uoffset-716-4294967292': 'truncated',
  'site-bld-all-kinds-soffset-92-2147483648': 'badVtable',
  'site-bld-all-kinds-vtsize-1942-65535': 'truncated',
  'site-bld-all-kinds-voffset-1924-65535': 'badVtable',
  'site-bld-all-kinds-tblsize-1832-4': 'badVtable',
  'trunc-bld-all-kinds-1349': 'truncated',
  'trunc-bld-all-kinds-1476': 'truncated',
  'trunc-bld-all-kinds-1464': 'truncated',
  'prefix4-dev-00-00': 'badVtable',
  'utf8repl-dev-00-00': 'truncated',
  'agent-corrupt-0': 'badVtable',
};

describe('a malformed body', () => {
  for (const { name, body } of MALFORMED) {
    const reason = REFUSALS[name];
    it(`${name} is ${reason === undefined ? 'harmless' : `refused as ${reason}`}`, () => {
      const decoded = decodeMessage(body);
      if (reason === undefined) assert.ok('message' in decoded);
      else assert.deepEqual(decoded, { refused: reason });
    });
  }

  for (const [name, kind, tag] of [
    ['site-bld-all-kinds-uniontype-1192-8', 'Heartbeat', 8],
    ['site-bld-all-kinds-uniontype-1468-255', 'NetworkActivity', 255],
  ] as const) {
    it(`${name} keeps the envelope of an event whose kind it does not know`, () => {
      const message = expected('bld-all-kinds');
      const events = message.events.map((event) =>
        event.payloadType === kind ? { ...event, payloadType: tag, payload: null } : event,
      );
      assert.deepEqual(decodeMessage(sample(name)), { message: { ...message, events } });

      const facts = newMessageFacts();
      assert.equal(readConnections(sample(name), new ConnectionTable(), facts), null);
      assert.equal(facts.payloadKinds & 1, 1);
    });
  }

  it('after a valid one: trailing bytes change nothing', () => {
    assert.deepEqual(decodeMessage(sample('twice-dev-00-00')), { message: expected('dev-00-00') });
  });
});
