import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePrefix } from '../../../shared/domain/address/prefix.ts';
import { SEVERITIES } from '../../../shared/domain/alert/severity.ts';
import type { AllowEntry } from '../../../shared/domain/indicator/allowlist.ts';
import type { Constraint } from '../../../shared/domain/indicator/constraint.ts';
import { DIRECTIONS } from '../../../shared/domain/telemetry/direction.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';
import type { IndicatorSnapshot } from '../../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import type { TestRow } from '../../format/activity-log/blocks.ts';
import { listed, threats, warningList } from '../../format/indicator-snapshot/feeds.ts';
import type { SentConnection } from '../../support/encode-message.ts';
import { AT, build, deviceEvent, listing, logged, snapshotOf } from './events.ts';

/** What was found in one message of these connections. */
function found(snapshot: IndicatorSnapshot, connections: readonly SentConnection[], hubTime = AT) {
  const [row] = logged(build([deviceEvent(connections, { hubTime })], snapshot));
  return row!.findings.map(({ connection, direction, severity, finding }) => ({
    connection,
    address: finding.address,
    direction: DIRECTIONS[direction],
    severity: SEVERITIES[severity],
    prefixes: finding.indicators.map(({ matchedPrefix }) => matchedPrefix),
  }));
}
const addresses = (...args: Parameters<typeof found>) => found(...args).map((one) => one.address);

describe('matching the connections of a message', () => {
  it('finds the listed peers among the others, of both families', () => {
    const snapshot = listing('192.0.2.7', '198.51.100.0/24', '2001:db8::7', '2001:db8:1::/48');
    const peers = ['203.0.113.1', '192.0.2.7', '192.0.2.8', '198.51.100.255', '198.51.101.0'];
    const peers6 = ['2001:db8::8', '2001:db8::7', '2001:db8:1:ffff::1', '2001:db8:2::'];
    const all = [...peers, ...peers6].map((remote) => ({ remote }));
    assert.deepEqual(
      found(snapshot, all).map(({ connection, address, prefixes }) => [
        connection,
        address,
        ...prefixes,
      ]),
      [
        [1, '192.0.2.7', '192.0.2.7/32'],
        [3, '198.51.100.255', '198.51.100.0/24'],
        [6, '2001:db8::7', '2001:db8::7/128'],
        [7, '2001:db8:1:ffff::1', '2001:db8:1::/48'],
      ],
    );
  });

  it('matches an IPv4-mapped IPv6 peer as the IPv4 address that it is', () => {
    const snapshot = listing('192.0.2.7');
    assert.deepEqual(addresses(snapshot, [{ remote: '::ffff:192.0.2.7' }]), ['192.0.2.7']);
    // Near misses: the same last word behind another prefix.
    assert.deepEqual(addresses(snapshot, [{ remote: '::192.0.2.7' }]), []);
    assert.deepEqual(addresses(snapshot, [{ remote: '64:ff9b::192.0.2.7' }]), []);
    assert.deepEqual(addresses(snapshot, [{ remote: '::ffff:192.0.2.8' }]), []);
  });

  it('gives a mapped and a plain peer of one address the same evidence', () => {
    const rows = build(
      [deviceEvent([{ remote: '192.0.2.7' }, { remote: '::ffff:192.0.2.7' }])],
      listing('192.0.2.7'),
    );
    assert.deepEqual([rows.findings.length, rows.rowFindings.length], [1, 2]);
  });

  it('looks at the remote address, never at the local one', () => {
    const snapshot = listing('192.0.2.7', '2001:db8::7');
    assert.deepEqual(addresses(snapshot, [{ remote: '203.0.113.1', local: '192.0.2.7' }]), []);
    assert.deepEqual(addresses(snapshot, [{ remote: '2001:db8::1', local: '2001:db8::7' }]), []);
  });

  it('finds nothing in a message without connections, or with nothing listed', () => {
    assert.deepEqual(found(listing('192.0.2.7'), []), []);
    assert.deepEqual(found(listing(), [{ remote: '192.0.2.7' }]), []);
  });

  it('judges by who began and what was answered', () => {
    const flow = (fields: Partial<SentConnection>) => ({ remote: '192.0.2.7', ...fields });
    const judged = found(listing('192.0.2.7'), [
      flow({ bytesIn: 1, bytesOut: 1, localPort: 30_000 }),
      flow({ bytesIn: 1, bytesOut: 1, localPort: 29_999 }),
      flow({ bytesIn: 0, bytesOut: 1, localPort: 22 }),
      flow({ bytesIn: 1, bytesOut: 0, localPort: 40_000 }),
      flow({ bytesIn: 1, bytesOut: 1, localPort: 123, remotePort: 123, protocol: 1 }),
      flow({ bytesIn: 84, bytesOut: 84, localPort: 0, remotePort: 0, protocol: 2 }),
    ]);
    assert.deepEqual(
      judged.map(({ direction, severity }) => `${direction} ${severity}`),
      [
        'outboundExchange high',
        'inboundExchange medium',
        'outboundAttempt medium',
        'inboundProbe low',
        'outboundExchange high',
        'inboundExchange medium',
      ],
    );
  });

  it('keeps a finding for each record, also of the same peer', () => {
    const snapshot = listing('192.0.2.7');
    const twice = [{ remote: '192.0.2.7' }, { remote: '192.0.2.7' }];
    assert.deepEqual(
      found(snapshot, twice).map(({ connection }) => connection),
      [0, 1],
    );
  });
});

describe('the evidence of a match', () => {
  it('names every feed that lists the address, by its own prefix', () => {
    const snapshot = snapshotOf(
      threats('a.txt', listed('192.0.2.7')),
      threats('b.txt', listed('192.0.2.0/24'), listed('192.0.2.0/28')),
      threats('c.txt', listed('198.51.100.1')),
    );
    const [row] = logged(build([deviceEvent([{ remote: '192.0.2.7' }])], snapshot));
    const { indicators } = row!.findings[0]!.finding;
    assert.equal(indicators.length, 3);
    assert.deepEqual(
      new Set(indicators.map(({ feed, matchedPrefix }) => `${feed} ${matchedPrefix}`)),
      new Set(['a.txt 192.0.2.7/32', 'b.txt 192.0.2.0/24', 'b.txt 192.0.2.0/28']),
    );
  });

  const from = formatInstant(AT);
  const until = formatInstant(AT + 1000);

  it('holds from the first instant of its validity to before the last', () => {
    const snapshot = snapshotOf(
      threats('a.txt', listed('192.0.2.7', { validFrom: from, validUntil: until })),
    );
    const at = (hubTime: number) => addresses(snapshot, [{ remote: '192.0.2.7' }], hubTime).length;
    assert.deepEqual([AT - 1, AT, AT + 999, AT + 1000].map(at), [0, 1, 1, 0]);
  });

  it('is judged at the message’s IoT Hub time, not at Event Hubs’', () => {
    const snapshot = snapshotOf(threats('a.txt', listed('192.0.2.7', { validFrom: from })));
    const at = (hubTime: number, enqueuedTime: number) =>
      build([deviceEvent([{ remote: '192.0.2.7' }], { hubTime, enqueuedTime })], snapshot)
        .rowFindings.length;
    assert.equal(at(AT, AT - 5), 1);
    assert.equal(at(AT - 1, AT + 5), 0);
  });

  it('leaves out the indicators that are not in force, message by message', () => {
    const snapshot = snapshotOf(
      threats('a.txt', listed('192.0.2.7')),
      threats('b.txt', listed('192.0.2.7', { validUntil: from })),
    );
    const message = (hubTime: number, localPort: number) =>
      deviceEvent([{ remote: '192.0.2.7', localPort }], { hubTime });
    const rows = build([message(AT - 1, 1), message(AT, 2), message(AT - 1, 3)], snapshot);
    assert.deepEqual(
      logged(rows).map(({ findings }) => findings[0]!.finding.indicators.map(({ feed }) => feed)),
      [['a.txt', 'b.txt'], ['a.txt'], ['a.txt', 'b.txt']],
    );
    assert.equal(rows.findings.length, 2);
  });

  it('says what the feed said', () => {
    const detail = {
      id: 'indicator--1',
      sources: ['https://example.com/report'],
      validFrom: from,
      validUntil: null,
      confidence: 80,
      labels: ['c2'],
      constraint: null,
      tlp: 'amber' as const,
      listedSince: from,
    };
    const snapshot = snapshotOf(threats('a.json', listed('192.0.2.7', detail)));
    const [row] = logged(build([deviceEvent([{ remote: '192.0.2.7' }])], snapshot));
    assert.deepEqual(row!.findings[0]!.finding, {
      alertType: 'IoT_TiConnection',
      ruleType: null,
      address: '192.0.2.7',
      indicators: [
        {
          feed: 'a.json',
          kind: 'threat',
          value: '192.0.2.7',
          matchedPrefix: '192.0.2.7/32',
          ...detail,
        },
      ],
      warningLists: [],
    });
  });
});

describe('an indicator with a constraint', () => {
  const peer = '192.0.2.7';
  const ask = (constraint: Partial<Constraint>, connection: Partial<SentConnection>) => {
    const whole = { ports: null, direction: null, protocol: null, ...constraint };
    const snapshot = snapshotOf(threats('a.json', listed(peer, { constraint: whole })));
    return addresses(snapshot, [{ remote: peer, ...connection }]).length;
  };

  it('fires on its ports only, at the listed end', () => {
    const ports = { ports: [443, 8443] };
    assert.equal(ask(ports, { remotePort: 8443, bytesOut: 1 }), 1);
    assert.equal(ask(ports, { remotePort: 8444, bytesOut: 1 }), 0);
    assert.equal(ask(ports, { remotePort: 50_000, localPort: 443, bytesIn: 1 }), 0);
  });

  it('fires by its protocol only', () => {
    assert.deepEqual(
      [0, 1, 2].map((protocol) => ask({ protocol: 'udp' }, { protocol, bytesOut: 1 })),
      [0, 1, 0],
    );
  });

  it('fires only where its address is at the end that it names', () => {
    const out = { bytesOut: 1, localPort: 40_000 };
    const knock = { bytesIn: 1, bytesOut: 0, localPort: 22 };
    assert.deepEqual(
      [out, knock].map((one) => ask({ direction: 'destination' }, one)),
      [1, 0],
    );
    assert.deepEqual(
      [out, knock].map((one) => ask({ direction: 'source' }, one)),
      [0, 1],
    );
  });

  it('does not keep an unconstrained one from firing, and is not in its evidence', () => {
    const only443 = { ports: [443], direction: null, protocol: null };
    const snapshot = snapshotOf(
      threats('a.json', listed(peer, { constraint: only443 })),
      threats('b.txt', listed(peer)),
    );
    const feeds = (remotePort: number) =>
      logged(build([deviceEvent([{ remote: peer, remotePort, bytesOut: 1 }])], snapshot))
        .flatMap(({ findings }) => findings)
        .flatMap(({ finding }) => finding.indicators.map(({ feed }) => feed));
    assert.deepEqual(feeds(443), ['a.json', 'b.txt']);
    assert.deepEqual(feeds(80), ['b.txt']);
  });
});

describe('an address on a warning list', () => {
  const exchange = { bytesIn: 1, bytesOut: 1, localPort: 40_000 };
  const snapshot = snapshotOf(
    threats('a.txt', listed('192.0.2.7'), listed('192.0.2.8')),
    warningList('Public resolvers', '192.0.2.7', '192.0.2.9'),
  );

  it('is found with its severity capped, and the finding says by which list', () => {
    const rows = build([deviceEvent([{ remote: '192.0.2.7', ...exchange }])], snapshot);
    const [{ severity, finding }] = logged(rows)[0]!.findings as [TestRow['findings'][number]];
    assert.equal(SEVERITIES[severity], 'low');
    assert.deepEqual(finding.warningLists, [
      { list: 'Public resolvers', matchedPrefix: '192.0.2.7/32' },
    ]);
  });

  it('caps its own address only, and lists nothing', () => {
    const remotes = ['192.0.2.8', '192.0.2.9'].map((remote) => ({ remote, ...exchange }));
    assert.deepEqual(
      found(snapshot, remotes).map(({ address, severity }) => [address, severity]),
      [['192.0.2.8', 'high']],
    );
  });
});

describe('the allowlist', () => {
  const snapshot = listing('192.0.2.7', '192.0.2.8');
  const entry = (network: string, expiresAt: number | null = null): AllowEntry => ({
    prefix: parsePrefix(network)!,
    reason: 'our own update server',
    expiresAt,
    addedAt: 0,
  });
  const peers = [{ remote: '192.0.2.7' }, { remote: '192.0.2.8' }, { remote: '192.0.2.9' }];
  const rowsWith = (allowlist: readonly AllowEntry[], hubTime = AT) =>
    build([deviceEvent(peers, { hubTime })], snapshot, undefined, allowlist);

  it('keeps a match from being a finding, and counts it', () => {
    const rows = rowsWith([entry('192.0.2.7')]);
    assert.deepEqual(
      logged(rows)[0]!.findings.map(({ finding }) => finding.address),
      ['192.0.2.8'],
    );
    assert.equal(rows.allowed, 1);
  });

  it('covers networks, and nothing beside them', () => {
    assert.equal(rowsWith([entry('192.0.2.0/29')]).rowFindings.length, 1);
    assert.equal(rowsWith([entry('192.0.2.0/24')]).rowFindings.length, 0);
    assert.equal(rowsWith([entry('198.51.100.0/24')]).rowFindings.length, 2);
    assert.equal(rowsWith([]).allowed, 0);
  });

  it('ends when an entry says so, by the time of the message', () => {
    const entries = [entry('192.0.2.0/24', AT)];
    assert.deepEqual(
      [AT - 1, AT].map((at) => rowsWith(entries, at).rowFindings.length),
      [0, 2],
    );
  });
});
