import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../../shared/domain/address/address.ts';
import { BlockFormatError } from '../../../shared/format/activity-log/layout.ts';
import {
  ActivityRows,
  COUNTED,
  type EncodedRows,
  OTHER,
  QUARANTINED,
} from '../../../shared/format/activity-log/rows.ts';
import { type TestConnection, fromRows, indicator, testRow, testRows, toRows } from './blocks.ts';

const refused = (rows: EncodedRows, reason?: RegExp) =>
  assert.throws(
    () => ActivityRows.decode(rows),
    (error) => error instanceof BlockFormatError && (reason?.test(error.message) ?? true),
  );

const toPeer: TestConnection = {
  local: parseAddress('10.0.0.5')!,
  remote: parseAddress('192.0.2.1')!,
  localPort: 40_000,
  remotePort: 443,
  bytesIn: 10,
  bytesOut: 20,
  protocol: 0,
};
const finding = {
  alertType: 'IoT_TiConnection',
  ruleType: null,
  address: '192.0.2.1',
  indicators: [indicator()],
  warningLists: [],
};
const small = () =>
  toRows([
    testRow({
      connections: [
        toPeer,
        { ...toPeer, local: parseAddress('fe80::5')!, remote: parseAddress('2001:db8::1')! },
      ],
      findings: [{ connection: 0, finding, direction: 0, severity: 3 }],
    }),
    testRow({ repeat: true, deviceTimeSeconds: 0 }),
    testRow({ kind: QUARANTINED, refused: { reason: 'truncated', raw: [4, 0, 0] } }),
    testRow({ kind: OTHER, hashLow: 0, hashHigh: 0 }),
  ]).encode();

/** The columns behind `text`, which is the JSON section with its length before it. */
function withJson({ columns: bytes, remotes }: EncodedRows, change: (text: string) => string) {
  const length = (bytes[0]! & 127) + 128 * bytes[1]!;
  assert.ok(bytes[0]! > 127 && bytes[1]! < 128);
  const text = change(Buffer.from(bytes.subarray(2, 2 + length)).toString('latin1'));
  const columns = Buffer.concat([
    Buffer.from([(text.length % 128) + 128, Math.floor(text.length / 128)]),
    Buffer.from(text, 'latin1'),
    bytes.subarray(2 + length),
  ]);
  return { columns, remotes };
}

/** Rows without connections and these columns. */
const ofColumns = (columns: readonly number[]): EncodedRows => ({
  columns: Uint8Array.from(columns),
  remotes: Uint8Array.of(0, 0),
});

describe('the rows of a block', () => {
  it('come back as they were, whatever is in them', () => {
    fc.assert(
      fc.property(testRows, (rows) => {
        assert.deepEqual(fromRows(ActivityRows.decode(toRows(rows).encode())), rows);
      }),
      { numRuns: 150 },
    );
  });

  it('are written the same when they were read before', () => {
    fc.assert(
      fc.property(testRows, (rows) => {
        const bytes = toRows(rows).encode();
        assert.deepEqual(ActivityRows.decode(bytes).encode(), bytes);
      }),
      { numRuns: 50 },
    );
  });

  it('may be none', () => {
    const rows = ActivityRows.decode(new ActivityRows().encode());
    assert.deepEqual([rows.count, rows.connections.count, rows.devices], [0, 0, []]);
  });

  it('go on past the room that there was at first', () => {
    const many = Array.from({ length: 1000 }, (_, i) =>
      testRow({ hashLow: i, connections: [{ ...toPeer, remotePort: i }] }),
    );
    assert.deepEqual(fromRows(ActivityRows.decode(toRows(many).encode())), many);
  });

  it('name a device once for each module and group that it speaks with', () => {
    const as = (moduleId: string | null, securityGroup: string) =>
      testRow({ device: { deviceId: 'device-1', moduleId, securityGroup } });
    const rows = toRows([
      as(null, 'default'),
      as('agent', 'default'),
      as(null, 'default'),
      as(null, 'pumps'),
      as('agent', 'default'),
    ]);
    assert.equal(rows.devices.length, 3);
    assert.deepEqual([...rows.device.subarray(0, 5)], [0, 1, 0, 2, 1]);
  });

  it('keep a list of indicators once, however many addresses of a prefix were met', () => {
    const indicators = Array.from({ length: 100 }, (_, i) => indicator({ id: `indicator--${i}` }));
    const met = (addresses: number) =>
      toRows(
        Array.from({ length: addresses }, (_, i) =>
          testRow({
            connections: [toPeer],
            findings: [
              {
                connection: 0,
                finding: { ...finding, address: `192.0.2.${i}`, indicators: [...indicators] },
                direction: 0,
                severity: 3,
              },
            ],
          }),
        ),
      ).encode();
    const [one, hundred] = [met(1), met(100)];
    const more = hundred.columns.length - one.columns.length;
    assert.ok(more < 99 * 150, `${more} bytes more`);
    const { findings } = ActivityRows.decode(hundred);
    assert.deepEqual(findings[99]!.indicators, indicators);
    assert.equal(findings[99]!.indicators, findings[0]!.indicators);
  });

  it('cost no more for addresses that were chosen to be slow', () => {
    // All of one simple hash of their words: 100,000 of them took eight seconds when such a hash found them.
    const rows = new ActivityRows();
    const { connections: table } = rows;
    const count = 100_000;
    table.reserve(count);
    for (let c = 0; c < count; c++) {
      table.family[c] = 6;
      table.remote.set([Math.imul(c, 31) >>> 0, c, 0, 1], 4 * c);
    }
    table.count = count;
    rows.add(testRow());
    const began = performance.now();
    const bytes = rows.encode();
    assert.ok(performance.now() - began < 3000);
    assert.deepEqual(
      ActivityRows.decode(bytes).connections.remote.subarray(0, 4 * count),
      table.remote.subarray(0, 4 * count),
    );
  });
});

describe('damaged rows', () => {
  it('are refused when cut at any byte', () => {
    const { columns, remotes } = small();
    for (let end = 0; end < columns.length; end++) {
      refused({ columns: columns.subarray(0, end), remotes });
    }
    for (let end = 0; end < remotes!.length; end++) {
      refused({ columns, remotes: remotes!.subarray(0, end) });
    }
  });

  it('are refused when bytes follow', () => {
    const { columns, remotes } = small();
    refused({ columns: Uint8Array.of(...columns, 0), remotes }, /1 bytes stand behind the last/);
    refused({ columns, remotes: Uint8Array.of(...remotes!, 0) }, /1 bytes stand behind the remote/);
  });

  it('are refused or read within bounds, whichever bytes are changed', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.oneof(
          testRows.map((rows) => toRows(rows).encode()),
          fc.constant(small()),
        ),
        change,
        (original, changes) => {
          const columns = original.columns.slice();
          const remotes = original.remotes!.slice();
          for (const [at, value] of changes) {
            const bytes = at % 4 === 0 ? remotes : columns;
            bytes[at % bytes.length] = value;
          }
          let rows: ActivityRows;
          try {
            rows = ActivityRows.decode({ columns, remotes });
          } catch (error) {
            assert.ok(error instanceof BlockFormatError, String(error));
            return;
          }
          assert.ok(rows.count <= columns.length && rows.connections.count <= columns.length);
          assert.equal(fromRows(rows).length, rows.count);
          for (const found of rows.rowFindings) {
            assert.ok(found.connection < rows.connections.count && rows.findings[found.finding]);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('are refused for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        refused({ columns: bytes, remotes: null });
        refused({ ...small(), remotes: bytes });
      }),
      { numRuns: 300 },
    );
  });

  it('reserve nothing for a number of rows that the bytes cannot hold', () => {
    const lists = Buffer.from('{"devices":[],"reasons":[],"findings":[],"evidence":[]}');
    const start = [lists.length, ...lists];
    const huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    refused(ofColumns([...start, ...huge]), /entries do not fit/); // addresses
    refused(ofColumns([...start, 0, ...huge]), /entries do not fit/); // rows
    refused(ofColumns([...start, 0, 0, ...huge]), /entries do not fit/); // connections
    refused(ofColumns([...start, 0, 0, 0, ...huge]), /entries do not fit/); // findings
    refused(ofColumns([0xff, 0xff, 0x7f, ...start]), /bytes expected/); // JSON
    assert.equal(ActivityRows.decode(ofColumns([...start, 0, 0, 0, 0])).count, 0);
  });

  it('are refused when their lists are not what a writer writes', () => {
    const bytes = small();
    assert.equal(ActivityRows.decode(withJson(bytes, (text) => text)).count, 4);
    for (const [from, to, reason] of [
      ['"devices"', '"Devices"', /list devices/],
      ['["device-1",null,"default"]', '["device-1",null]', /list devices/],
      ['["device-1",null,"default"]', '5', /list devices/],
      ['["device-1",null,"default"]', '', /points outside 0 entries/],
      ['["truncated"]', '[7]', /list reasons/],
      ['["truncated"]', '[]', /points outside 0 entries/],
      ['"192.0.2.1",0]', '"192.0.2.1",1]', /evidence 1 of 1/],
      ['"192.0.2.1",0]', '"192.0.2.1",0.5]', /evidence 0.5 of 1/],
      ['"192.0.2.1",0]', '"192.0.2.1"]', /list findings/],
      ['"192.0.2.1",0]', 'null,0]', /list findings/],
      ['"evidence":[[', '"evidence":[1,[', /list evidence/],
      ['{"devices"', '[{"devices"', /does not parse/],
    ] as const) {
      refused(
        withJson(bytes, (text) => {
          assert.ok(text.includes(from), `${from} in ${text}`);
          return text.replace(from, to);
        }),
        reason,
      );
    }
    refused(
      withJson(bytes, () => `null${' '.repeat(130)}`),
      /list evidence/,
    );
  });

  it('are refused for what no column can hold', () => {
    const one = (change: (rows: ActivityRows) => void) => {
      const rows = toRows([
        testRow({
          kind: COUNTED,
          connections: [toPeer],
          findings: [{ connection: 0, finding, direction: 0, severity: 0 }],
        }),
      ]);
      change(rows);
      return rows.encode();
    };
    assert.equal(ActivityRows.decode(one(() => {})).count, 1);
    const patch = (fields: object) => (rows: ActivityRows) => {
      rows.rowFindings[0] = { ...rows.rowFindings[0]!, ...fields };
    };
    refused(
      one((rows) => (rows.mark[0] = 3)),
      /unknown mark 3/,
    );
    refused(
      one((rows) => (rows.mark[0] = 8)),
      /unknown mark 8/,
    );
    refused(
      one((rows) => (rows.mark[0] = 32)),
      /unknown mark 32/,
    );
    refused(
      one((rows) => (rows.device[0] = 1)),
      /points outside 1 entries/,
    );
    refused(
      one((rows) => (rows.connectionStart[1] = 2)),
      /1 connections, but the rows own 2/,
    );
    refused(
      one((rows) => (rows.connections.family[0] = 5)),
      /address family 5/,
    );
    refused(one(patch({ direction: 4 })), /direction 4/);
    refused(one(patch({ severity: 4 })), /severity 4/);
    refused(one(patch({ finding: 1 })), /points outside 1 entries/);
    refused(one(patch({ connection: 1 })), /points outside 1 entries/);
    refused(one(patch({ row: 1, connection: 1 })), /names row 1 of 1/);
  });

  it('are refused when a connection names an address of the other family', () => {
    const rows = toRows([
      testRow({ connections: [toPeer] }),
      testRow({
        connections: [
          { ...toPeer, local: parseAddress('fe80::5')!, remote: parseAddress('2001:db8::1')! },
        ],
      }),
    ]);
    const { columns, remotes } = rows.encode();
    const families = columns.lastIndexOf(4); // the family column: 4, 6
    const at = columns.findIndex(
      (_, i) => columns[i] === 2 && columns[i + 1] === 4 && columns[i + 2] === 6 && i < families,
    );
    columns[at + 1] = 6;
    refused({ columns, remotes }, /connection 0 names an address of the other family/);
  });
});
