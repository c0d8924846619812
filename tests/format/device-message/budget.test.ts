import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';
import type { Connection, DeviceMessage } from '../../../shared/domain/telemetry/device-message.ts';
import { decodeMessage } from '../../../shared/format/device-message/decode-message.ts';
import {
  newMessageFacts,
  readConnections,
} from '../../../shared/format/device-message/read-connections.ts';
import { VALID, expected, sample } from './support/corpus.ts';
import { encodeMessage } from './support/encode-message.ts';

const ENVELOPE = {
  id: '01020304-0506-0708-090a-0b0c0d0e0f10',
  time: 1_700_000_000,
  collectionInterval: 10,
};

function messageOf(events: DeviceMessage['events']): DeviceMessage {
  return { securityModuleId: 'm', securityModuleVersion: 1, timezone: 0, events };
}

function connection(n: number, more: Partial<Connection> = {}): Connection {
  return {
    localAddress: '192.0.2.7',
    remoteAddress: `203.0.113.${n % 256}`,
    localPort: 40_000 + n,
    remotePort: 443,
    bytesIn: n,
    bytesOut: n,
    protocol: 'TCP',
    processId: 0,
    userId: 0,
    executable: null,
    commandline: null,
    ...more,
  };
}

function activity(connections: readonly Connection[]): DeviceMessage['events'][number] {
  return { ...ENVELOPE, payloadType: 'NetworkActivity', payload: { ipv4: connections, ipv6: [] } };
}

/** `events` events that share one list of `rows` connections that are all the same one. */
function bomb(events: number, rows: number): Uint8Array {
  const list = Array.from({ length: rows }, () => connection(1));
  const message = messageOf(Array.from({ length: events }, () => activity(list)));
  return encodeMessage(message, { shareTables: true });
}

/** What the budget charges for a message, counted from its content. */
function needs(message: DeviceMessage): { rowBytes: number; textBytes: number } {
  const utf8 = new TextEncoder();
  let rowBytes = 32 * message.events.length;
  for (const { payloadType, payload } of message.events) {
    if (payloadType === 'NetworkActivity') {
      rowBytes += 20 * payload.ipv4.length + 44 * payload.ipv6.length;
    } else if (payloadType === 'ListeningPorts') {
      rowBytes += 8 * payload.ipv4.length + 20 * payload.ipv6.length;
    } else if (payloadType === 'Baseline') rowBytes += 12 * payload.checks.length;
    else if (payloadType === 'Log') rowBytes += 16 * payload.records.length;
  }
  let textBytes = 0;
  JSON.stringify(message, (key, value: unknown) => {
    const isText = typeof value === 'string' && !/address|^time|^id$|type/i.test(key);
    if (isText) textBytes += utf8.encode(value).length;
    return value;
  });
  return { rowBytes, textBytes };
}

function verdict(body: Uint8Array): string {
  const decoded = decodeMessage(body);
  return 'refused' in decoded ? decoded.refused : 'message';
}

describe('sharing by an honest encoder', () => {
  const options = { shareStrings: true, shareTables: true };

  it('of the table that two connections with equal ports and bytes have in common', () => {
    const list = Array.from({ length: 1000 }, (_, n) =>
      connection(1, { remoteAddress: `198.51.${n >> 8}.${n & 255}` }),
    );
    const message = messageOf([activity(list)]);
    assert.deepEqual(decodeMessage(encodeMessage(message, options)), { message });
  });

  it('of whole connections by two events', () => {
    const list = Array.from({ length: 64 }, (_, n) => connection(n));
    const message = messageOf([activity(list), { ...activity(list), collectionInterval: 60 }]);
    const body = encodeMessage(message, options);
    assert.ok(body.length < encodeMessage(message).length * 0.7);
    assert.deepEqual(decodeMessage(body), { message });
  });

  it('of one payload by four events', () => {
    const list = Array.from({ length: 5 }, (_, n) => connection(n));
    const message = messageOf(Array.from({ length: 4 }, () => activity(list)));
    assert.deepEqual(decodeMessage(encodeMessage(message, options)), { message });
  });

  it('of a command line by all connections of an interval', () => {
    const commandline = `/usr/sbin/sensord --config ${'/etc/sensord.d/'.repeat(15)}main.conf`;
    const list = Array.from({ length: 64 }, (_, n) => connection(n, { commandline }));
    const message = messageOf([activity(list)]);
    assert.deepEqual(decodeMessage(encodeMessage(message, options)), { message });
  });

  it('of a file name by all records of a log', () => {
    const records = Array.from({ length: 300 }, (_, n) => ({
      message: `m${n}`,
      level: 'INFO' as const,
      timestamp: String(n),
      line: n,
      filename: 'src/collectors/collector_network_activity.c',
    }));
    const message = messageOf([{ ...ENVELOPE, payloadType: 'Log', payload: { records } }]);
    assert.deepEqual(decodeMessage(encodeMessage(message, options)), { message });
  });
});

describe('the budget', () => {
  it('covers every message of the corpus without its spare', () => {
    for (const { name, body } of VALID) {
      const { rowBytes, textBytes } = needs(expected(name));
      assert.ok(rowBytes <= body.length, name);
      assert.ok(textBytes <= body.length, name);
    }
  });

  it('refuses rows that only sharing makes possible', () => {
    for (const [events, rows] of [
      [200, 20],
      [60, 60],
      [30, 200],
      [2, 4000],
      [1, 8000],
    ] as const) {
      assert.equal(verdict(bomb(events, rows)), 'overBudget', `${events} x ${rows}`);
    }
  });

  it('bounds the rows of any message by its length', () => {
    const table = new ConnectionTable();
    const facts = newMessageFacts();
    for (const events of [1, 2, 3, 5, 8, 13, 21, 34]) {
      for (let rows = 1; rows <= 400; rows += 13) {
        const body = bomb(events, rows);
        table.count = 0;
        const refused = readConnections(body, table, facts);
        assert.ok(table.count <= (body.length + 512) / 20, `${events} x ${rows}`);
        if (refused !== null) break;
        assert.equal(table.count, events * rows);
      }
    }
  });

  it('never lets a table grow beyond what a body of that length may hold', () => {
    const table = new ConnectionTable(1);
    for (const name of ['bomb-net-300x300', 'bomb-net-2000x2000']) {
      assert.equal(readConnections(sample(name), table, newMessageFacts()), 'overBudget');
    }
    assert.equal(table.capacity, 1);
  });

  it('refuses text that only sharing makes possible', () => {
    const text = 'x'.repeat(4000);
    const system = { osInfo: text, kernelInfo: text, hwInfo: text };
    const event = {
      ...ENVELOPE,
      payloadType: 'SystemInformation',
      payload: system,
    } as const;
    const few = encodeMessage(messageOf([event]), { shareStrings: true });
    assert.equal(verdict(few), 'message');
    const many = encodeMessage(messageOf(Array.from({ length: 5 }, () => event)), {
      shareStrings: true,
    });
    assert.equal(verdict(many), 'overBudget');
  });

  it('counts structs, checks and records as rows', () => {
    const port = { localAddress: '192.0.2.1', localPort: 1, protocol: 'TCP' } as const;
    const ports = { ipv4: Array.from({ length: 200 }, () => port), ipv6: [] };
    const check = { id: 'c', result: 'PASS', severity: 'CRITICAL' } as const;
    const noTexts = { error: null, description: null, remediation: null };
    const checks = Array.from({ length: 200 }, () => ({ ...check, ...noTexts }));
    const record = { message: '', level: 'INFO', timestamp: '0', line: 0, filename: '' } as const;
    const records = Array.from({ length: 200 }, () => record);
    for (const what of [
      { payloadType: 'ListeningPorts', payload: ports },
      { payloadType: 'Baseline', payload: { checks } },
      { payloadType: 'Log', payload: { records } },
    ] as const) {
      const one = messageOf([{ ...ENVELOPE, ...what }]);
      assert.equal(verdict(encodeMessage(one)), 'message', what.payloadType);
      const shared = messageOf(Array.from({ length: 20 }, () => ({ ...ENVELOPE, ...what })));
      assert.equal(verdict(encodeMessage(shared, { shareTables: true })), 'overBudget');
    }
  });
});
