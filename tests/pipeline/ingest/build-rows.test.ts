import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ConnectionTable } from '../../../shared/domain/telemetry/connection-table.ts';
import { COUNTED, OTHER, QUARANTINED } from '../../../shared/format/activity-log/rows.ts';
import { NO_GROUPS } from '../../../shared/domain/security-group/security-group.ts';
import { CompiledGroups } from '../../../shared/pipeline/ingest/compiled-groups.ts';
import { buildRows } from '../../../shared/pipeline/ingest/build-rows.ts';
import { hashBody } from '../../../shared/pipeline/ingest/body-hash.ts';
import { remember } from '../../../shared/pipeline/log/read-tail.ts';
import { RecentBodies } from '../../../shared/pipeline/log/recent-bodies.ts';
import { encodeMessage } from '../../support/encode-message.ts';
import { AT, HORIZON, SETTINGS, build, deviceEvent, listing, logged } from './events.ts';

const PEER = {
  remote: '192.0.2.7',
  bytesIn: 3,
  bytesOut: 4,
  localPort: 40_000,
  remotePort: 443,
  protocol: 1,
};

describe('a message that decodes', () => {
  it('is a counted row with its connections, the device’s clock and the hash of its body', () => {
    const event = deviceEvent([PEER, { remote: '2001:db8::7' }], {
      body: encodeMessage([PEER, { remote: '2001:db8::7' }], 1_787_399_000),
      moduleId: 'agent',
      securityGroup: 'pumps',
    });
    const hash = { low: 0, high: 0 };
    hashBody('device-1', event.body, hash);
    const [row] = logged(build([event]));
    assert.deepEqual(
      [row!.kind, row!.repeat, row!.enqueuedTime, row!.hubTime, row!.deviceTimeSeconds],
      [COUNTED, false, AT + 100, AT, 1_787_399_000],
    );
    assert.deepEqual(row!.device, {
      deviceId: 'device-1',
      moduleId: 'agent',
      securityGroup: 'pumps',
    });
    assert.deepEqual([row!.hashLow, row!.hashHigh], [hash.low, hash.high]);
    const [first, second] = row!.connections;
    assert.deepEqual(first, {
      local: { family: 4, words: [0x0a000005, 0, 0, 0] },
      remote: { family: 4, words: [0xc0000207, 0, 0, 0] },
      localPort: 40_000,
      remotePort: 443,
      bytesIn: 3,
      bytesOut: 4,
      protocol: 1,
    });
    assert.deepEqual(second!.remote, { family: 6, words: [0x20010db8, 0, 0, 7] });
  });

  it('may come without an mti: the interface alone makes it a security message', () => {
    assert.equal(build([deviceEvent([PEER], { mti: null })]).kindOf(0), COUNTED);
  });
});

describe('what is not a message', () => {
  const refusals = {
    empty: { body: new Uint8Array() },
    legacyJson: { body: Buffer.from('{"AgentVersion":"3.0"}') },
    truncated: { body: encodeMessage([PEER]).subarray(0, 40) },
    unsupportedSchema: { mti: '3.0-1-0-0' },
    noDeviceId: { deviceId: '' },
  } as const;

  it('is quarantined with the reason and the bytes, and the batch goes on', () => {
    for (const [reason, fields] of Object.entries(refusals)) {
      const bad = deviceEvent([PEER], fields);
      const events = [
        deviceEvent([PEER], { deviceId: 'a' }),
        bad,
        deviceEvent([PEER], { deviceId: 'b' }),
      ];
      const rows = logged(build(events, listing('192.0.2.7')));
      assert.deepEqual(
        rows.map(({ kind }) => kind),
        [COUNTED, QUARANTINED, COUNTED],
        reason,
      );
      assert.deepEqual(rows[1]!.refused, { reason, raw: [...bad.body] });
      assert.deepEqual([rows[1]!.connections, rows[1]!.findings], [[], []]);
      assert.deepEqual(
        rows.map(({ findings }) => findings.length),
        [1, 0, 1],
      );
    }
  });

  it('leaves no connection of its first part behind', () => {
    const body = encodeMessage([PEER, PEER, PEER]);
    fc.assert(
      fc.property(fc.nat(body.length - 1), (end) => {
        const rows = build(
          [deviceEvent([], { body: body.subarray(0, end) }), deviceEvent([PEER])],
          listing('192.0.2.7'),
        );
        assert.deepEqual([rows.kindOf(0), rows.connections.count], [QUARANTINED, 1]);
        assert.deepEqual(
          rows.rowFindings.map(({ row, connection }) => [row, connection]),
          [[1, 0]],
        );
      }),
      { numRuns: 60 },
    );
  });

  it('and is nobody’s security message, is counted only: no bytes are kept or looked at', () => {
    const event = deviceEvent([PEER], { isSecurityMessage: false, mti: null });
    const [row] = logged(build([event], listing('192.0.2.7')));
    assert.deepEqual(
      [row!.kind, row!.repeat, row!.hashLow, row!.hashHigh, row!.refused, row!.connections],
      [OTHER, false, 0, 0, null, []],
    );
  });

  it('is never a repeat when it is somebody else’s telemetry', () => {
    const event = deviceEvent([], { isSecurityMessage: false });
    const rows = build([event, event]);
    assert.deepEqual([rows.isRepeat(0), rows.isRepeat(1)], [false, false]);
  });
});

describe('a body that a device sent twice', () => {
  const event = deviceEvent([PEER]);
  /** The bodies that the log knows after these events. */
  const known = (...events: Parameters<typeof build>[0]) => {
    const recent = new RecentBodies(-Infinity);
    remember(recent, build(events), -Infinity);
    return recent;
  };

  it('is a repeat in the same batch: no connections, no findings', () => {
    const rows = logged(build([event, event, event], listing('192.0.2.7')));
    assert.deepEqual(
      rows.map(({ kind, repeat }) => [kind, repeat]),
      [
        [COUNTED, false],
        [COUNTED, true],
        [COUNTED, true],
      ],
    );
    assert.deepEqual(
      rows.map(({ connections }) => connections.length),
      [1, 0, 0],
    );
    assert.deepEqual(
      rows.map(({ findings }) => findings.length),
      [1, 0, 0],
    );
    assert.equal(rows[1]!.hashLow, rows[0]!.hashLow);
  });

  it('is a repeat in a later batch', () => {
    assert.equal(build([event], listing(), known(event)).isRepeat(0), true);
  });

  it('is a repeat up to the edge of the horizon, before and after, in one batch and across', () => {
    for (const [shift, repeat] of [
      [HORIZON, true],
      [HORIZON + 1, false],
      [-HORIZON, true],
      [-HORIZON - 1, false],
    ] as const) {
      const again = { ...event, hubTime: AT + shift };
      assert.equal(build([event, again]).isRepeat(1), repeat, `${shift} in one batch`);
      assert.equal(build([again], listing(), known(event)).isRepeat(0), repeat, `${shift} across`);
    }
  });

  it('is measured from the first one, never from a repeat', () => {
    const at = (share: number) => ({ ...event, hubTime: AT + share * HORIZON });
    const rows = build([at(0), at(0.6), at(1.2), at(1.8)]);
    assert.deepEqual(
      [0, 1, 2, 3].map((row) => rows.isRepeat(row)),
      [false, true, false, true],
    );
    assert.equal(build([at(1.2)], listing(), known(at(0), at(0.6))).isRepeat(0), false);
  });

  it('is no repeat from another device', () => {
    const rows = build([event, { ...event, deviceId: 'device-2' }]);
    assert.deepEqual([rows.isRepeat(0), rows.isRepeat(1)], [false, false]);
  });

  it('is a repeat also when it was refused: kept and reported once', () => {
    const bad = deviceEvent([], { body: Buffer.from('{}') });
    const rows = build([bad, bad]);
    assert.deepEqual(
      rows.quarantined.map(({ row }) => row),
      [0],
    );
    assert.equal(rows.isRepeat(1), true);
    assert.equal(build([bad], listing(), known(bad)).isRepeat(0), true);
  });

  it('changes nothing in what is known: only committed blocks do', () => {
    const recent = known();
    build([event, event], listing(), recent);
    assert.equal(recent.size, 0);
  });
});

describe('a batch', () => {
  it('is one row for each event, in order, whatever they are', () => {
    const kinds = fc.constantFrom(
      deviceEvent([PEER]),
      deviceEvent([PEER, PEER], { deviceId: 'device-2' }),
      deviceEvent([], { body: Buffer.from('{}') }),
      deviceEvent([], { isSecurityMessage: false }),
    );
    fc.assert(
      fc.property(fc.array(kinds, { maxLength: 30 }), (list) => {
        const events = list.map((one, i) => ({ ...one, enqueuedTime: AT + i }));
        const rows = build(events);
        assert.equal(rows.count, events.length);
        const devices = events.map(({ deviceId }) => deviceId);
        assert.deepEqual(
          Array.from(devices.keys(), (row) => rows.deviceOf(row).deviceId),
          devices,
        );
        assert.deepEqual(
          [...rows.enqueuedTime.subarray(0, rows.count)],
          events.map((e) => e.enqueuedTime),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('starts with an empty table, whatever the last one left in it', () => {
    const table = new ConnectionTable();
    const recent = new RecentBodies(-Infinity);
    const once = () =>
      buildRows(
        [deviceEvent([PEER])],
        recent,
        {
          intelligence: { index: listing(), allowlist: [] },
          groups: new CompiledGroups(NO_GROUPS),
        },
        SETTINGS,
        table,
      );
    once();
    assert.equal(once().connections.count, 1);
  });
});
