import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIRECTIONS, directionOf } from '../../../shared/domain/telemetry/direction.ts';

const FROM = 30_000;
const judged = (bytesIn: number, bytesOut: number, localPort: number, remotePort: number) =>
  directionOf(bytesIn, bytesOut, localPort, remotePort, FROM);

describe('the direction of a connection record', () => {
  it('is an attempt when nothing came in, whatever the ports', () => {
    assert.equal(judged(0, 60, 40_000, 443), 'outboundAttempt');
    assert.equal(judged(0, 60, 22, 40_000), 'outboundAttempt');
    assert.equal(judged(0, 1, 0, 0), 'outboundAttempt');
  });

  it('is a probe when nothing went out, whatever the ports', () => {
    assert.equal(judged(60, 0, 22, 40_000), 'inboundProbe');
    assert.equal(judged(60, 0, 40_000, 443), 'inboundProbe');
    assert.equal(judged(1, 0, 0, 0), 'inboundProbe');
  });

  it('is an attempt when no byte was counted at all', () => {
    assert.equal(judged(0, 0, 22, 40_000), 'outboundAttempt');
  });

  it('is the device’s own exchange from an ephemeral port on', () => {
    assert.equal(judged(1, 1, FROM, 443), 'outboundExchange');
    assert.equal(judged(1, 1, 65_535, 443), 'outboundExchange');
    assert.equal(judged(1, 1, FROM - 1, 443), 'inboundExchange');
  });

  it('follows the setting for where ephemeral ports begin', () => {
    assert.equal(directionOf(1, 1, 10_000, 443, 10_000), 'outboundExchange');
    assert.equal(directionOf(1, 1, 9_999, 443, 10_000), 'inboundExchange');
  });

  it('is the device’s own exchange between equal ports: NTP and CoAP clients', () => {
    assert.equal(judged(48, 48, 123, 123), 'outboundExchange');
    assert.equal(judged(48, 48, 123, 124), 'inboundExchange');
  });

  it('is inbound for ICMP both ways: its equal ports are no ports', () => {
    assert.equal(judged(84, 84, 0, 0), 'inboundExchange');
    assert.equal(judged(84, 84, 0, 443), 'inboundExchange');
    assert.equal(judged(84, 84, 40_000, 0), 'outboundExchange');
  });

  it('is stored by these numbers', () => {
    assert.deepEqual(DIRECTIONS, [
      'outboundExchange',
      'outboundAttempt',
      'inboundExchange',
      'inboundProbe',
    ]);
  });
});
