import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../shared/domain/address/address.ts';
import { MAX_FLOWS } from '../../shared/domain/alert/alert.ts';
import type { AddressFinding } from '../../shared/domain/alert/finding.ts';
import { ActivityRows } from '../../shared/format/activity-log/rows.ts';
import { sightingsOf } from '../../shared/pipeline/sightings.ts';
import {
  type TestConnection,
  type TestRow,
  headerFor,
  indicator,
  testRow,
  toRows,
} from '../format/activity-log/blocks.ts';

const AT = 1_787_400_000_000;
const LOW = { direction: 3, severity: 1 };
const HIGH = { direction: 0, severity: 3 };

const flow = (fields: Partial<TestConnection> = {}): TestConnection => ({
  local: parseAddress('10.0.0.5')!,
  remote: parseAddress('192.0.2.1')!,
  localPort: 40_000,
  remotePort: 443,
  bytesIn: 10,
  bytesOut: 20,
  protocol: 0,
  ...fields,
});
const finding = (address = '192.0.2.1', indicators = [indicator()]): AddressFinding => ({
  alertType: 'IoT_TiConnection',
  ruleType: null,
  address,
  indicators,
  warningLists: [],
});
/** A message with one matching connection. */
const message = (fields: Partial<TestRow> = {}, found = LOW, what = finding()) =>
  testRow({
    hubTime: AT,
    connections: [flow()],
    findings: [{ connection: 0, finding: what, ...found }],
    ...fields,
  });
const sightings = (rows: readonly TestRow[]) =>
  sightingsOf(headerFor(rows), ActivityRows.decode(toRows(rows).encode()));

describe('the sightings of a block', () => {
  it('are one for each device, rule and address', () => {
    const device = (deviceId: string) => ({
      device: { deviceId, moduleId: null, securityGroup: 'default' },
    });
    const list = sightings([
      message(device('a')),
      message(device('b')),
      message(device('a'), LOW, finding('192.0.2.2')),
      message(device('a'), LOW, { ...finding(), ruleType: 'DenyList' }),
      message(device('a'), LOW, { ...finding(), alertType: 'other' }),
      message(device('a')),
      testRow(),
    ]);
    assert.deepEqual(
      list.map(({ key, totals }) => [key.deviceId, key.alertType, key.ruleType, totals.messages]),
      [
        ['a', 'IoT_TiConnection', null, 2],
        ['b', 'IoT_TiConnection', null, 1],
        ['a', 'IoT_TiConnection', null, 1],
        ['a', 'IoT_TiConnection', 'DenyList', 1],
        ['a', 'other', null, 1],
      ],
    );
    assert.deepEqual(list[2]!.key.subject, { kind: 'address', address: '192.0.2.2' });
    assert.equal(list[0]!.snapshot, 'snapshot-3');
  });

  it('count a message once, however many of its connections match', () => {
    const row = message({
      connections: [flow(), flow({ bytesIn: 1, bytesOut: 2 }), flow()],
      findings: [0, 2].map((connection) => ({ connection, finding: finding(), ...LOW })),
    });
    const [one] = sightings([row, message({ hubTime: AT + 5 })]);
    assert.deepEqual(one!.totals, {
      messages: 2,
      connections: 3,
      bytesIn: 30,
      bytesOut: 60,
      firstSeen: AT,
      lastSeen: AT + 5,
    });
  });

  it('count a message once also when two of its peers alternate', () => {
    const row = message({
      connections: [flow(), flow(), flow(), flow()],
      findings: [0, 1, 2, 3].map((connection) => ({
        connection,
        finding: finding(`192.0.2.${connection % 2}`),
        ...LOW,
      })),
    });
    assert.deepEqual(
      sightings([row]).map(({ totals }) => [totals.messages, totals.connections]),
      [
        [1, 2],
        [1, 2],
      ],
    );
  });

  it('span the times of their messages: IoT Hub’s time is not monotone', () => {
    const [one] = sightings([AT + 5, AT, AT + 9, AT + 2].map((hubTime) => message({ hubTime })));
    assert.deepEqual([one!.totals.firstSeen, one!.totals.lastSeen], [AT, AT + 9]);
  });

  it('are as grave as the gravest, with its direction, wherever it stands', () => {
    for (const list of [
      [LOW, HIGH],
      [HIGH, LOW],
      [LOW, HIGH, LOW],
    ]) {
      const [one] = sightings(list.map((found) => message({}, found)));
      assert.deepEqual([one!.severity, one!.direction], ['high', 'outboundExchange']);
    }
  });

  it('keep the first flows as a sample, in words', () => {
    const rows = Array.from({ length: MAX_FLOWS + 5 }, (_, i) =>
      message({ connections: [flow({ localPort: i, protocol: i })] }),
    );
    const [one] = sightings(rows);
    assert.deepEqual(
      one!.flows.map(({ localPort }) => localPort),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    assert.deepEqual(
      one!.flows.slice(0, 4).map(({ protocol }) => protocol),
      ['TCP', 'UDP', 'ICMP', 3],
    );
    assert.deepEqual(one!.flows[0], {
      time: AT,
      protocol: 'TCP',
      localAddress: '10.0.0.5',
      localPort: 0,
      remotePort: 443,
      bytesIn: 10,
      bytesOut: 20,
      direction: 'inboundProbe',
    });
    assert.equal(one!.totals.connections, MAX_FLOWS + 5);
  });

  it('write local addresses of both families', () => {
    const [one] = sightings([
      message({
        connections: [
          flow({ local: parseAddress('fe80::5')!, remote: parseAddress('2001:db8::1')! }),
        ],
      }),
    ]);
    assert.equal(one!.flows[0]!.localAddress, 'fe80::5');
  });

  it('name each indicator once when validity began or ended between two messages', () => {
    const [always, later] = [indicator(), indicator({ id: 'indicator--2' })];
    const [one] = sightings([
      message({}, LOW, finding('192.0.2.1', [always])),
      message({}, LOW, finding('192.0.2.1', [always, later])),
      message({}, LOW, finding('192.0.2.1', [always])),
    ]);
    assert.deepEqual(one!.indicators, [always, later]);
  });

  it('say where the device was last', () => {
    const as = (moduleId: string, securityGroup: string) =>
      message({ device: { deviceId: 'a', moduleId, securityGroup } });
    const [one] = sightings([as('old', 'default'), as('new', 'pumps')]);
    assert.deepEqual([one!.moduleId, one!.securityGroup], ['new', 'pumps']);
  });

  it('are none where nothing was found', () => {
    assert.deepEqual(sightings([testRow()]), []);
  });

  it('add up to the findings of the block, whatever they are', () => {
    const row = fc
      .tuple(
        fc.constantFrom('a', 'b', '"a"'),
        fc.array(fc.record({ address: fc.nat(2), bytesIn: fc.nat(100), severity: fc.nat(3) }), {
          maxLength: 4,
        }),
      )
      .map(([deviceId, found]) =>
        testRow({
          device: { deviceId, moduleId: null, securityGroup: 'default' },
          connections: found.map(({ bytesIn }) => flow({ bytesIn })),
          findings: found.map(({ address, severity }, connection) => ({
            connection,
            finding: finding(`192.0.2.${address}`),
            direction: 0,
            severity,
          })),
        }),
      );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const list = sightings(rows);
        for (const { key, totals, severity } of list) {
          const mine = rows.filter(({ device }) => device.deviceId === key.deviceId);
          const matches = mine.map(({ findings, connections }) =>
            findings
              .filter(
                (f) => key.subject.kind === 'address' && f.finding.address === key.subject.address,
              )
              .map((f) => ({ severity: f.severity, bytesIn: connections[f.connection]!.bytesIn })),
          );
          assert.equal(totals.messages, matches.filter((m) => m.length > 0).length);
          assert.equal(totals.connections, matches.flat().length);
          assert.equal(
            totals.bytesIn,
            matches.flat().reduce((sum, m) => sum + m.bytesIn, 0),
          );
          assert.equal(
            ['informational', 'low', 'medium', 'high'].indexOf(severity),
            Math.max(...matches.flat().map((m) => m.severity)),
          );
        }
        const all = list.reduce((sum, { totals }) => sum + totals.connections, 0);
        assert.equal(
          all,
          rows.reduce((sum, { findings }) => sum + findings.length, 0),
        );
      }),
      { numRuns: 60 },
    );
  });
});
