import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alertLine } from '../../../local/console/alert-line.ts';

const indicator = (feed: string, matchedPrefix: string) => ({ feed, matchedPrefix });

/** A record as the API gives it. */
function record(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    severity: 'high',
    status: 'active',
    deviceId: 'cam-1',
    displayName: 'Connection with a listed address',
    createdAt: '2026-08-22T12:00:00.000Z',
    firstSeen: '2026-08-22T11:00:01.500Z',
    subject: { kind: 'address', address: '192.0.2.10' },
    messages: 1,
    evidence: evidence(),
    ...change,
  };
}

function evidence(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    direction: 'outboundExchange',
    flows: [{ protocol: 'TCP', direction: 'outboundExchange', localPort: 40_000, remotePort: 443 }],
    indicators: [indicator('list.txt', '192.0.2.10/32')],
    ...change,
  };
}

describe('the line of an alert', () => {
  it('says when, how grave, which device, what and why', () => {
    assert.equal(
      alertLine(record()),
      '2026-08-22 11:00:01Z  high    cam-1            exchanged data with 192.0.2.10 (TCP 443), listed by list.txt',
    );
  });

  it('says what happened as the device saw it, and names the port of the service', () => {
    const inbound = [
      { protocol: 'UDP', direction: 'inboundProbe', localPort: 23, remotePort: 35_000 },
    ];
    const cases: [string, string][] = [
      ['outboundAttempt', 'tried to reach 192.0.2.10 (TCP 443)'],
      ['inboundExchange', 'answered 192.0.2.10 (UDP 23)'],
      ['inboundProbe', 'was probed by 192.0.2.10 (UDP 23)'],
    ];
    for (const [direction, text] of cases) {
      const flows = direction.startsWith('inbound') ? inbound : evidence()['flows'];
      const line = alertLine(record({ evidence: evidence({ direction, flows }) }));
      assert.ok(
        line.includes(`  ${text}, listed by`) || line.includes(` ${text}, listed by`),
        line,
      );
    }
  });

  it('names the rule and the group whose list was left, or met', () => {
    const broken = record({
      ruleType: 'ConnectionToIpNotAllowed',
      securityGroup: 'cameras',
      evidence: evidence({ indicators: [], groupsRevision: 3 }),
    });
    const text = 'exchanged data with 192.0.2.10 (TCP 443), ConnectionToIpNotAllowed of cameras';
    assert.ok(alertLine(broken).endsWith(text), alertLine(broken));
    assert.ok(alertLine({ ...broken, messages: 2 }).endsWith(`${text}, 2 messages`));
  });

  it('says why a match with a list is low: a warning list has the address too', () => {
    const warningLists = [{ list: 'public-dns', matchedPrefix: '192.0.2.10/32' }];
    const line = alertLine(record({ severity: 'low', evidence: evidence({ warningLists }) }));
    assert.ok(line.endsWith(', listed by list.txt, low because public-dns warns of it'), line);
  });

  it('names each list once, a prefix where it is one, and the messages from two on', () => {
    const indicators = [
      indicator('drop.netset', '192.0.2.0/24'),
      indicator('list.txt', '192.0.2.10/32'),
      indicator('list.txt', '192.0.2.10/32'),
      indicator('six.txt', '2001:db8::1/128'),
    ];
    const line = alertLine(record({ messages: 3, evidence: evidence({ indicators }) }));
    assert.match(
      line,
      /, listed by drop\.netset as 192\.0\.2\.0\/24, list\.txt, six\.txt, 3 messages$/,
    );
  });

  it('tells of the platform where there is no device', () => {
    const line = alertLine(
      record({
        deviceId: null,
        firstSeen: undefined,
        severity: 'medium',
        displayName: 'Messages are missing',
        subject: { kind: 'platform', component: 'stream', key: 'hub~devices/0/0/3-4' },
        evidence: { messages: 2 },
      }),
    );
    assert.equal(
      line,
      '2026-08-22 12:00:00Z  medium  platform         Messages are missing: hub~devices/0/0/3-4',
    );
  });

  it('leaves no control character of a device id or a feed to the terminal', () => {
    const line = alertLine(
      record({
        deviceId: 'cam\u001b]0;title\u0007\n',
        evidence: evidence({ indicators: [indicator('\u009b31mlist', '192.0.2.10/32')] }),
      }),
    );
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    assert.ok(!/[\u0000-\u001f\u007f-\u009f]/.test(line), JSON.stringify(line));
  });

  it('colours the severity alone, and only when asked', () => {
    const plain = alertLine(record());
    const coloured = alertLine(record(), true);
    assert.notEqual(coloured, plain);
    assert.equal(coloured, plain.replace('high  ', '\u001b[31mhigh  \u001b[0m'));
  });
});
