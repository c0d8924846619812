import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePrefix } from '../../../shared/domain/address/prefix.ts';
import { refusalOfNets } from '../../../shared/domain/indicator/breadth.ts';

const refusal = (hostBits: number, ...nets: string[]) =>
  refusalOfNets(
    nets.map((text) => parsePrefix(text)!),
    hostBits,
  );

describe('the addresses of an indicator', () => {
  it('may be as many as an IPv4 /8 or an IPv6 /16, and no more', () => {
    assert.equal(refusal(24, '5.0.0.0/8'), null);
    assert.equal(refusal(25, '4.0.0.0/7'), 'tooBroad');
    assert.equal(refusal(112, '2a06::/16'), null);
    assert.equal(refusal(113, '2a06::/15'), 'tooBroad');
  });

  it('are counted together, for a range of several prefixes', () => {
    assert.equal(refusal(25, '5.0.0.0/8', '6.0.0.0/32'), 'tooBroad');
  });

  it('are bogons if all of them are, however many', () => {
    assert.equal(refusal(0, '192.0.2.1'), 'bogon');
    assert.equal(refusal(29, '224.0.0.0/4'), 'bogon');
    assert.equal(refusal(121, 'fc00::/7'), 'bogon');
  });

  it('are refused if one of them is a bogon: it would flag the devices own network', () => {
    assert.equal(refusal(24, '100.0.0.0/8'), 'bogon');
    assert.equal(refusal(1, '9.255.255.255', '10.0.0.0'), 'bogon');
  });
});
